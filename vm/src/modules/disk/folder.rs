//! A folder that nobody else can have written to: native code is loaded from it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::temporary_name;

const KEY_FILE: &str = "key";
pub(super) const KEY_BYTES: usize = 32;

/// A folder that is ours alone.
pub(super) struct PrivateFolder {
    path: PathBuf,
}

impl PrivateFolder {
    /// Creates the folder for its owner alone, or takes one that is so already.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            // Nothing can be planted in a folder that is empty once it is closed.
            let metadata = fs::metadata(path)?;
            if metadata.permissions().mode() & 0o077 != 0 && is_ours(&metadata) {
                let empty = fs::read_dir(path)?.next().is_none();
                if empty {
                    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
                }
                if !empty || fs::read_dir(path)?.next().is_some() {
                    return Err(not_private(path, "others may have written to it"));
                }
            }
        }
        #[cfg(not(unix))]
        fs::create_dir_all(path)?;
        refuse_foreign(path)?;
        let folder = Self { path: path.to_owned() };
        folder.sweep()?;
        Ok(folder)
    }

    /// Deletes what processes that are gone had not finished writing.
    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if let Some(writer) = entry.file_name().to_str().and_then(writer_of)
                && !is_running(writer)
            {
                tracing::debug!(path = %entry.path().display(), "deleting an unfinished file of the module cache");
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A private folder inside this one.
    pub(super) fn sub(&self, name: &str) -> io::Result<Self> {
        Self::open(&self.path.join(name))
    }

    /// The key in the folder, made if there is none.
    pub(super) fn key(&self) -> io::Result<[u8; KEY_BYTES]> {
        let path = self.path.join(KEY_FILE);
        match fs::read(&path) {
            Ok(bytes) => {
                refuse_foreign(&path)?;
                if let Ok(key) = bytes.try_into() {
                    return Ok(key);
                }
                tracing::warn!(path = %path.display(), "the module cache's key is damaged: making a new one");
                fs::remove_file(&path)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let temporary = self.write_temporary(KEY_FILE, &[&key])?;
        // A hard link fails if another process was faster; then its key counts.
        let linked = fs::hard_link(&temporary, &path);
        fs::remove_file(&temporary)?;
        match linked {
            Ok(()) => Ok(key),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read(&path)?
                .try_into()
                .map_err(|_| io::Error::other("another process wrote a damaged module cache key")),
            Err(error) => Err(error),
        }
    }

    /// Writes a file under a name of its own, to be renamed.
    pub(super) fn write_temporary(&self, name: &str, parts: &[&[u8]]) -> io::Result<PathBuf> {
        let path = self.path.join(temporary_name(name));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| parts.iter().try_for_each(|part| file.write_all(part)));
        match written {
            Ok(()) => Ok(path),
            Err(error) => {
                // Whatever was written is of no use; that it stays is no harm.
                let _ = fs::remove_file(&path);
                Err(error)
            }
        }
    }
}

/// The process that writes, or wrote, the temporary file of that name.
fn writer_of(name: &str) -> Option<i32> {
    let mut parts = name.strip_suffix(".tmp")?.rsplit('.');
    parts.next()?.parse::<u64>().ok()?;
    parts.next()?.parse().ok()
}

#[cfg(unix)]
fn is_running(process: i32) -> bool {
    let Some(process) = rustix::process::Pid::from_raw(process) else { return false };
    // Refused means that it is there and not ours.
    !matches!(rustix::process::test_kill_process(process), Err(rustix::io::Errno::SRCH))
}

/// Whether it runs cannot be told: the file stays.
#[cfg(not(unix))]
fn is_running(_: i32) -> bool {
    true
}

fn not_private(path: &Path, why: &str) -> io::Error {
    let advice = "delete it, or name another folder; compiled code is loaded from there";
    io::Error::new(io::ErrorKind::PermissionDenied, format!("{} is not private: {why}. {advice}", path.display()))
}

/// Refuses what is not ours or open to others.
#[cfg(unix)]
fn refuse_foreign(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        // The folder may be reached by a link; what it leads to is what counts.
        return refuse_foreign(&fs::canonicalize(path)?);
    }
    if !is_ours(&metadata) {
        return Err(not_private(path, "it belongs to another user"));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(not_private(path, "others may read or write it"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_foreign(path: &Path) -> io::Result<()> {
    fs::metadata(path).map(drop)
}

#[cfg(unix)]
fn is_ours(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() == rustix::process::geteuid().as_raw()
}
