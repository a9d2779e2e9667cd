//! sled 0.34, used so that it loses nothing and stays small.

use std::fs::{self, File};
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use super::{Batch, MAX_VALUE_BYTES, OpenError, Store, StoreError, Visit, keys, schema};

/// File beside sled's own that says what the folder holds.
const MARKER: &str = "LAYOUT";
/// The marker before it has its name.
const UNFINISHED_MARKER: &str = "LAYOUT.unfinished";
/// How often a locked folder is tried again.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);
/// What the marker names while a store is being made.
const MARKER_NEW: &str = "new";
const MARKER_TEXT: &str = "esker state layout ";

/// A durable [`Store`] in one folder. One process at a time: sled locks the folder.
#[derive(Debug)]
pub struct SledStore {
    tree: sled::Db,
    /// sled's log. `sled::Db::flush` hands its bytes to the operating system and never asks for them to reach the
    /// disk, so [`Store::flush`] does.
    log: File,
}

impl SledStore {
    /// Opens the store in `folder`, creating it if nothing is there. `cache_bytes` bounds sled's page cache.
    ///
    /// # Errors
    /// [`OpenError::Locked`] if another process has it open, [`OpenError::Version`] if it has another layout,
    /// [`OpenError::Corrupt`] if sled cannot recover it, [`OpenError::Io`] if the folder cannot be used.
    pub fn open(folder: impl AsRef<Path>, cache_bytes: u64) -> Result<Self, OpenError> {
        let folder = folder.as_ref();
        let failed = |error: std::io::Error| OpenError::Io { path: folder.into(), reason: error.to_string() };
        fs::create_dir_all(folder).map_err(failed)?;
        // Opening a sled database writes to it, so another layout is refused before that.
        let is_known = check_marker(folder)?;
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(cache_bytes)
            // `None` would also switch off the garbage collection that runs on the flusher's thread.
            .flush_every_ms(Some(500));
        // sled asserts while it recovers: on a damaged folder it may panic instead of returning an error.
        let mut opened = std::panic::catch_unwind(AssertUnwindSafe(|| config.open()));
        // sled lets go of a folder a moment after its last handle is dropped: wait for that, not for another process.
        for _ in 0..LOCK_ATTEMPTS {
            let Ok(Err(error)) = &opened else { break };
            if !matches!(open_error(folder, error), OpenError::Locked(_)) {
                break;
            }
            std::thread::sleep(LOCK_PAUSE);
            opened = std::panic::catch_unwind(AssertUnwindSafe(|| config.open()));
        }
        let tree = match opened {
            Ok(Ok(tree)) => tree,
            Ok(Err(error)) => return Err(open_error(folder, &error)),
            Err(_) => {
                return Err(OpenError::Corrupt { path: folder.into(), reason: "recovery of the log failed".into() });
            }
        };
        let log = File::open(folder.join("db")).map_err(failed)?;
        // The names of newly made files must survive a power cut too.
        for path in [folder.to_path_buf(), folder.join("conf")] {
            File::open(path).and_then(|file| file.sync_all()).map_err(failed)?;
        }
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent).and_then(|file| file.sync_all()).map_err(failed)?;
        }
        let store = Self { tree, log };
        if is_known && store.get(&[keys::VERSION])?.is_none() {
            // sled drops what it cannot read from the end of its log; an old store must not pass for a new one.
            let reason = "the log has lost what stood in it".into();
            return Err(OpenError::Corrupt { path: folder.into(), reason });
        }
        schema::ensure(&store)?;
        if !is_known {
            write_marker(folder, &schema::VERSION.to_string()).map_err(failed)?;
        }
        Ok(store)
    }
}

/// Whether the folder's marker says that a store of this layout was made here; `false` if one is being made: the folder
/// was empty, or an earlier making of it was interrupted. A folder with anything else in it is left as it is.
fn check_marker(folder: &Path) -> Result<bool, OpenError> {
    let path = folder.join(MARKER);
    let failed = |error: std::io::Error| OpenError::Io { path: path.clone(), reason: error.to_string() };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let is_ours = |name: &std::ffi::OsStr| name == UNFINISHED_MARKER;
            if fs::read_dir(folder).map_err(failed)?.flatten().any(|entry| !is_ours(&entry.file_name())) {
                let reason =
                    format!("it is not empty and has no {MARKER} file, so it is no state that this program wrote");
                return Err(OpenError::Corrupt { path: folder.into(), reason });
            }
            write_marker(folder, MARKER_NEW).map_err(failed)?;
            return Ok(false);
        }
        Err(error) => return Err(failed(error)),
    };
    if text.trim().strip_prefix(MARKER_TEXT) == Some(MARKER_NEW) {
        return Ok(false);
    }
    match text.trim().strip_prefix(MARKER_TEXT).map(str::parse::<u32>) {
        Some(Ok(schema::VERSION)) => Ok(true),
        Some(Ok(found)) => Err(OpenError::Version { found: found.to_string(), expected: schema::VERSION }),
        _ => Err(OpenError::Corrupt { path, reason: "it does not name a layout version".into() }),
    }
}

/// Replaces the marker in one step: a crash leaves the old one or the new one.
fn write_marker(folder: &Path, layout: &str) -> std::io::Result<()> {
    let unfinished = folder.join(UNFINISHED_MARKER);
    let mut file = File::create(&unfinished)?;
    writeln!(file, "{MARKER_TEXT}{layout}")?;
    file.sync_all()?;
    fs::rename(unfinished, folder.join(MARKER))?;
    File::open(folder)?.sync_all()
}

fn open_error(folder: &Path, error: &sled::Error) -> OpenError {
    let path = PathBuf::from(folder);
    match error {
        sled::Error::Io(io) if io.kind() == std::io::ErrorKind::WouldBlock || io.to_string().contains("lock") => {
            OpenError::Locked(path)
        }
        sled::Error::Io(io) => OpenError::Io { path, reason: io.to_string() },
        other => OpenError::Corrupt { path, reason: other.to_string() },
    }
}

fn store_error(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Corruption { .. } => StoreError::Corrupt(error.to_string()),
        other => StoreError::Io(other.to_string()),
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tree.get(key).map_err(store_error)?.map(|value| value.to_vec()))
    }

    fn scan(&self, prefix: &[u8], start: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        for entry in self.tree.range(start.max(prefix)..) {
            let (key, value) = entry.map_err(store_error)?;
            if !key.starts_with(prefix) || visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        let mut writes = sled::Batch::default();
        let mut keys = Vec::with_capacity(batch.len());
        for (key, value) in batch {
            match value {
                Some(value) => {
                    assert!(value.len() <= MAX_VALUE_BYTES, "a value of {} bytes must be chunked", value.len());
                    writes.insert(key.as_slice(), value);
                }
                None => writes.remove(key.as_slice()),
            }
            keys.push(key);
        }
        self.tree.apply_batch(writes).map_err(store_error)?;
        // Large batches leave long chains of page deltas which sled compacts only when a page is read; without this
        // read of every written key, memory and disk grow without bound.
        for key in keys {
            self.tree.get(key).map_err(store_error)?;
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.tree.flush().map_err(store_error)?;
        self.log.sync_all().map_err(|error| StoreError::Io(error.to_string()))
    }
}
