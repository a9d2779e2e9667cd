//! Modules on disk: one file a module in a private folder.
//!
//! A file holds the compiler's artifact followed by the data segments and a trailer: facts, length of the data, keyed
//! BLAKE3 hash, magic. The artifact comes first so that the file can be mapped. The hash's key is random, made once a
//! folder; together with the file's own name it covers everything before it, so neither chance nor a file from elsewhere
//! (another machine, another name) passes. It is checked once a process for each file, and again if the file changed.
//!
//! What committed accounts hold stays. The rest, made for creations that may never be committed, lies in a folder of its
//! own under a quota.

mod folder;
mod format;
mod loose;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use primitive_types::H256;

use self::folder::{KEY_BYTES, PrivateFolder};
use self::format::{Contents, Unusable};
use self::loose::LooseFiles;
use super::Image;
use crate::{DataSegment, ModuleFacts};

const LOOSE_FOLDER: &str = "loose";

/// Files whose hash was checked that are remembered; beyond it, all are checked again.
const CHECKED_MAX: usize = 64 * 1024;

/// Everything besides the code hash that a compiled module depends on.
#[derive(Clone)]
pub(crate) struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    pub(crate) fn new(domain: &str) -> Self {
        Self(blake3::Hasher::new_derive_key(domain))
    }

    /// Adds a part; parts cannot run into each other.
    pub(crate) fn text(mut self, part: &str) -> Self {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part.as_bytes());
        self
    }

    /// Adds whatever `part` hashes: the engine describes its flags and the CPU's features so.
    pub(crate) fn hashed(mut self, part: impl Hash) -> Self {
        part.hash(&mut self);
        self
    }

    fn file_name(&self, code_hash: &H256) -> String {
        let mut hasher = self.0.clone();
        hasher.update(code_hash.as_bytes());
        hasher.finalize().to_hex().to_string()
    }
}

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.finalize();
        u64::from_le_bytes(*digest.as_bytes().first_chunk().expect("a digest has 32 bytes"))
    }
}

/// What a file looked like when its hash was checked.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: (i64, i64),
    inode: u64,
}

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Some(Self { len: metadata.len(), modified, inode: metadata.ino() })
    }

    /// Without inodes a file cannot be told from its successor: its hash is checked every time.
    #[cfg(not(unix))]
    fn of(_: &fs::Metadata) -> Option<Self> {
        None
    }
}

/// Whether committed accounts are known to hold a module's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Held,
    Loose,
}

/// A module's file, mapped and checked.
pub(crate) struct Stored {
    pub(crate) image: Image,
    contents: Contents,
    pub(crate) keep: Keep,
}

impl Stored {
    pub(crate) const fn facts(&self) -> &ModuleFacts {
        &self.contents.facts
    }

    /// Where in the image the compiler's artifact lies.
    pub(crate) fn artifact(&self) -> std::ops::Range<usize> {
        0..self.contents.artifact_bytes
    }

    pub(crate) fn data(&self) -> Vec<DataSegment> {
        self.contents.data(self.image.bytes())
    }
}

/// A folder of compiled modules; engines of any configuration may share it.
pub(crate) struct DiskCache {
    folder: PrivateFolder,
    key: [u8; KEY_BYTES],
    checked: Mutex<BTreeMap<String, Stamp>>,
    loose: LooseFiles,
    unreadable: Mishaps,
    unusable: Mishaps,
    unwritable: Mishaps,
}

/// Counts what goes wrong with one file after the other, when a disk is full or a key lost.
#[derive(Default)]
struct Mishaps(AtomicU64);

impl Mishaps {
    /// One more. Gives how many there were if that is to be told: the first, the second, the fourth and so on, so that a
    /// log does not fill up.
    fn told(&self) -> Option<u64> {
        let times = self.0.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        times.is_power_of_two().then_some(times)
    }
}

/// Whether a file of that name in the folder is a module's.
fn is_module_name(name: &str) -> bool {
    name.len() == 2 * blake3::OUT_LEN && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl DiskCache {
    /// Opens the folder, creating it (mode 0700) and its key if they are not there. At most `loose_bytes` are kept of
    /// what no account is known to hold.
    ///
    /// # Errors
    /// If folder or key cannot be used, or others could have written there.
    pub(crate) fn open(folder: &Path, loose_bytes: u64) -> io::Result<Self> {
        let folder = PrivateFolder::open(folder)?;
        let key = folder.key()?;
        let loose = LooseFiles::open(folder.sub(LOOSE_FOLDER)?, loose_bytes)?;
        let (unreadable, unusable, unwritable) = Default::default();
        Ok(Self { folder, key, checked: Mutex::new(BTreeMap::new()), loose, unreadable, unusable, unwritable })
    }

    fn path(&self, name: &str, keep: Keep) -> PathBuf {
        match keep {
            Keep::Held => self.folder.path().join(name),
            Keep::Loose => self.loose.path().join(name),
        }
    }

    /// Finds the file of a module. What is corrupt, truncated or foreign is deleted; what merely cannot be read now is
    /// left alone.
    pub(crate) fn load(&self, fingerprint: &Fingerprint, code_hash: &H256) -> Option<Stored> {
        let name = fingerprint.file_name(code_hash);
        [Keep::Held, Keep::Loose].into_iter().find_map(|keep| {
            let path = self.path(&name, keep);
            match self.open_checked(&name, &path) {
                Ok((image, contents)) => Some(Stored { image, contents, keep }),
                Err(Unusable::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
                Err(Unusable::Io(error)) => {
                    if let Some(times) = self.unreadable.told() {
                        tracing::warn!(path = %path.display(), %error, times, "a compiled module cannot be read now");
                    }
                    None
                }
                Err(reason) => {
                    self.delete(&name, &path, &reason);
                    None
                }
            }
        })
    }

    /// Whether there is a file for the module; it may still turn out to be unusable.
    pub(crate) fn has(&self, fingerprint: &Fingerprint, code_hash: &H256, keep: Keep) -> bool {
        self.path(&fingerprint.file_name(code_hash), keep).exists()
    }

    fn open_checked(&self, name: &str, path: &Path) -> Result<(Image, Contents), Unusable> {
        let file = File::open(path)?;
        let stamp = Stamp::of(&file.metadata()?);
        let image = Image::map(&file)?;
        let known = stamp.is_some() && self.checked.lock().get(name).copied() == stamp;
        let contents = Contents::read(image.bytes(), |hashed| known || self.keyed_hash(name, hashed))?;
        if let (Some(stamp), false) = (stamp, known) {
            let mut checked = self.checked.lock();
            if checked.len() >= CHECKED_MAX {
                checked.clear();
            }
            checked.insert(name.to_owned(), stamp);
        }
        Ok((image, contents))
    }

    /// Writes a module's file. A failure costs a compilation later, nothing else.
    pub(crate) fn store(
        &self,
        fingerprint: &Fingerprint,
        code_hash: &H256,
        keep: Keep,
        artifact: &[u8],
        data: &[DataSegment],
        facts: &ModuleFacts,
    ) {
        let name = fingerprint.file_name(code_hash);
        let tail = format::tail(data, facts);
        let hash = self.hash(&name, &[artifact, &tail]);
        let end = format::end(&hash);
        let path = self.path(&name, keep);
        let bytes = (artifact.len() + tail.len() + end.len()) as u64;
        let written = self
            .folder
            .write_temporary(&name, &[artifact, &tail, &end])
            .and_then(|temporary| fs::rename(&temporary, &path).inspect_err(|_| drop(fs::remove_file(&temporary))));
        match written {
            Ok(()) if keep == Keep::Loose => self.loose.added(&name, bytes),
            Ok(()) => {}
            Err(error) => {
                if let Some(times) = self.unwritable.told() {
                    tracing::warn!(path = %path.display(), %error, times, "a compiled module could not be kept on disk");
                }
            }
        }
    }

    /// From now on committed accounts hold the module: its file is not deleted to make room.
    pub(crate) fn hold(&self, fingerprint: &Fingerprint, code_hash: &H256) {
        let name = fingerprint.file_name(code_hash);
        let loose = self.path(&name, Keep::Loose);
        if !loose.exists() {
            // Where nothing can be written, trying to move it would not say so.
            return;
        }
        let moved = fs::rename(loose, self.path(&name, Keep::Held));
        match moved {
            Ok(()) => self.loose.removed(&name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, "a compiled module could not be moved to those that are held"),
        }
    }

    /// Deletes the files of held modules but those that these `fingerprints` give these codes.
    pub(crate) fn hold_only<'f>(&self, fingerprints: impl Iterator<Item = &'f Fingerprint>, code_hashes: &[H256]) {
        let kept: BTreeSet<String> = fingerprints
            .flat_map(|fingerprint| code_hashes.iter().map(|code_hash| fingerprint.file_name(code_hash)))
            .collect();
        let deleted = fs::read_dir(self.folder.path()).and_then(|entries| {
            let mut deleted = 0_u64;
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name();
                let Some(name) = name.to_str().filter(|name| is_module_name(name) && !kept.contains(*name)) else {
                    continue;
                };
                fs::remove_file(entry.path())?;
                self.checked.lock().remove(name);
                deleted += 1;
            }
            Ok(deleted)
        });
        match deleted {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "deleted compiled modules that no contract needs any more"),
            Err(error) => tracing::warn!(%error, "old files of the module cache could not be deleted"),
        }
    }

    fn delete(&self, name: &str, path: &Path, reason: &Unusable) {
        if let Some(times) = self.unusable.told() {
            tracing::warn!(path = %path.display(), %reason, times, "deleting a file of the module cache; it is compiled again");
        }
        self.checked.lock().remove(name);
        if let Err(error) = fs::remove_file(path) {
            tracing::warn!(path = %path.display(), %error, "it could not be deleted");
        }
    }

    fn hash(&self, name: &str, parts: &[&[u8]]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(name.as_bytes());
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize()
    }

    fn keyed_hash(&self, name: &str, (hashed, expected): (&[u8], &[u8; 32])) -> bool {
        self.hash(name, &[hashed]) == blake3::Hash::from_bytes(*expected)
    }
}

/// A counter that keeps names of temporary files apart within a process.
static TEMPORARIES: AtomicU64 = AtomicU64::new(0);

fn temporary_name(name: &str) -> String {
    format!("{name}.{}.{}.tmp", std::process::id(), TEMPORARIES.fetch_add(1, Ordering::Relaxed))
}
