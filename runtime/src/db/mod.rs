//! What state and blocks are kept in: an ordered key-value store with atomic batches.
//!
//! [`Store`] is deliberately small (get, ordered scan, atomic batch, flush), so that a store is judged by those four
//! promises alone. Values larger than [`MAX_VALUE_BYTES`] are cut into chunks by [`chunks`]; which key means what is
//! listed in [`keys`]; [`schema`] refuses a store that another version of the layout wrote.

use std::ops::ControlFlow;
use std::path::PathBuf;

mod batch;
pub mod chunks;
pub mod keys;
mod memory;
pub mod schema;
mod sled_store;

pub use batch::Batch;
pub use memory::MemoryStore;
pub use sled_store::SledStore;

/// Longest value that a store accepts, in bytes. Longer ones are written with [`chunks`].
///
/// sled moves values above some 4 to 16 KiB to separate files which no flush makes durable; the bound keeps every
/// value inside its log.
pub const MAX_VALUE_BYTES: usize = 4096;

/// A store could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store itself failed: disk full, permission, hardware.
    #[error(
        "the state database failed: {0}; nothing that was acknowledged is lost, check disk space and permissions and restart"
    )]
    Io(String),
    /// What was read cannot have been written by this program.
    #[error("the state database is damaged: {0}; restore it from a snapshot or rebuild it from blocks")]
    Corrupt(String),
    /// The caller's data do not fit the state they are meant for; nothing was written.
    #[error("the changes do not fit the state: {0}")]
    Mismatch(String),
}

/// A store could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another process has the store open.
    #[error("{path} is in use by another process; stop the node that runs on it (or choose another folder) and try again", path = .0.display())]
    Locked(PathBuf),
    /// The store was written with another layout.
    #[error(
        "the state was written with layout version {found}, this program needs {expected}; use the program that wrote it, or start from an empty folder and sync again"
    )]
    Version {
        /// Version found; `none` if the store holds data but no version.
        found: String,
        /// Version that this program reads and writes.
        expected: u32,
    },
    /// What lies at the path is damaged.
    #[error("{path} cannot be used: {reason}; choose an empty folder, restore this one from a snapshot, or rebuild it from blocks", path = .path.display())]
    Corrupt {
        /// The store's folder.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The folder could not be read or created.
    #[error("cannot open {path}: {reason}", path = .path.display())]
    Io {
        /// The store's folder.
        path: PathBuf,
        /// The operating system's words.
        reason: String,
    },
    /// A state is being rebuilt there from a snapshot, or was, and the end was not reached.
    #[error(
        "the state is incomplete: its import from a snapshot was interrupted; import the snapshot again, or choose another folder"
    )]
    Unfinished,
    /// The store opened, but reading what must be there failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a scan shows its entries (key, value) to; a break ends the scan.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// An ordered key-value store with atomic batches.
///
/// Readers may run beside one writer. Keys sort by their bytes.
pub trait Store: Send + Sync {
    /// The value at `key`.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the store fails.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits the entries whose key starts with `prefix` and is not below `start`, in key order, until `visit` breaks.
    ///
    /// Entries that a batch changes meanwhile may be seen old or new.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the store fails.
    fn scan(&self, prefix: &[u8], start: &[u8], visit: Visit<'_>) -> Result<(), StoreError>;

    /// Applies the whole batch or, if the process dies, none of it. Durable only after [`Store::flush`].
    ///
    /// # Errors
    /// [`StoreError::Io`] if the store fails; whether the batch was applied is then known only after reopening.
    ///
    /// # Panics
    /// If a value is longer than [`MAX_VALUE_BYTES`]: whoever writes larger values must chunk them.
    fn apply(&self, batch: Batch) -> Result<(), StoreError>;

    /// Returns once everything applied before survives a power cut.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the store fails.
    fn flush(&self) -> Result<(), StoreError>;
}
