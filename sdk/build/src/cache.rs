//! Esker's cache folder, and how several processes share it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::Progress;

/// The cache folder could not be found or used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// No environment variable says where it could be.
    #[error(
        "there is no cache folder: set ESKER_CACHE_DIR to a folder that Esker may fill (neither XDG_CACHE_HOME nor HOME is set)"
    )]
    Nowhere,
    /// A folder that Esker makes is there, made by somebody else.
    #[error(
        "{} is not what Esker puts there, and was left alone: remove it, then try again", .0.display()
    )]
    Occupied(PathBuf),
    /// The file system refused.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Attaches a path to an IO error.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> CacheError {
    move |source| CacheError::Io { path: path.to_owned(), source }
}

/// Esker's cache folder. Whatever lies in it can be deleted at any time and is fetched or made anew.
#[derive(Clone, Debug)]
pub struct CacheDir(PathBuf);

impl CacheDir {
    /// `ESKER_CACHE_DIR`, else `XDG_CACHE_HOME/esker`, else `~/.cache/esker`. The folder is made when first written to.
    ///
    /// # Errors
    /// [`CacheError::Nowhere`] if none of these is set.
    pub fn from_env() -> Result<Self, CacheError> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        set("ESKER_CACHE_DIR")
            .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("esker")))
            .or_else(|| set("HOME").map(|dir| dir.join(".cache/esker")))
            .map(Self)
            .ok_or(CacheError::Nowhere)
    }

    /// A cache folder at `path`.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// An exclusive lock on a file, held until dropped. The system frees it when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock, waiting for whoever holds it; `waiting` is said if that takes a wait.
    pub(crate) fn acquire(path: &Path, waiting: &str, progress: &dyn Progress) -> Result<Self, CacheError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(at(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                progress.note(waiting);
                file.lock().map_err(at(path))?;
            }
            Err(fs::TryLockError::Error(source)) => return Err(at(path)(source)),
        }
        Ok(Self { _file: file })
    }
}
