//! Why a snapshot cannot be written or read.

use alloy_primitives::B256;
use esker_runtime::db::{OpenError, StoreError};
use esker_runtime::state::RebuildError;

use super::{FORMAT_VERSION, Section};

/// Why a snapshot cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file or what it is written to failed.
    #[error("{what}: {error}")]
    Io {
        /// What was done.
        what: &'static str,
        /// The operating system's words.
        error: std::io::Error,
    },
    /// A file that is none.
    #[error("this is no snapshot: it does not begin with the magic bytes of one")]
    NotASnapshot,
    /// A snapshot of another format.
    #[error("the snapshot has format version {0}, this program reads version {FORMAT_VERSION}")]
    Version(u32),
    /// A file that ends too soon.
    #[error("the file ends at byte {0}, before the snapshot does: the copy is not complete")]
    Truncated(u64),
    /// A chunk whose seal is not that of its bytes.
    #[error("the chunk at byte {offset} is damaged: its checksum does not fit")]
    Checksum {
        /// Where the chunk begins.
        offset: u64,
    },
    /// A chunk that cannot be where it is.
    #[error("the chunk at byte {offset} cannot be: {reason}")]
    Chunk {
        /// Where the chunk begins.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// Something in it is not what it should be.
    #[error("{section} in the snapshot: {reason}")]
    Content {
        /// Part of the snapshot.
        section: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The block is not the trusted one.
    #[error("the snapshot is of block {number} with the hash {found}, the trusted hash is {trusted}")]
    OtherBlock {
        /// Its number.
        number: u64,
        /// Its hash.
        found: B256,
        /// The hash that was asked for.
        trusted: B256,
    },
    /// The state in it is not the block's, or none.
    #[error("the state in the snapshot: {0}")]
    State(RebuildError),
    /// Where the state should go, something is.
    #[error(
        "there is a state already; a snapshot is imported into an empty folder only: choose another one, or move this one away"
    )]
    NotEmpty,
    /// A store without a chain.
    #[error("there is no chain: point to the folder of a node that has run")]
    NoChain,
    /// A block that no snapshot can show.
    #[error(
        "transaction {0} of the last block was made in the name of an account without its key: nobody could check it; make another block, then export"
    )]
    Impersonated(B256),
    /// A store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SnapshotError {
    pub(super) fn content(section: Section, reason: impl ToString) -> Self {
        Self::Content { section: section.name(), reason: reason.to_string() }
    }

    /// Whether the snapshot is at fault, and not the machine or whoever asked.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotASnapshot
                | Self::Version(_)
                | Self::Truncated(_)
                | Self::Checksum { .. }
                | Self::Chunk { .. }
                | Self::Content { .. }
                | Self::OtherBlock { .. }
                | Self::State(_)
        )
    }
}

impl From<RebuildError> for SnapshotError {
    fn from(error: RebuildError) -> Self {
        match error {
            RebuildError::NotEmpty => Self::NotEmpty,
            RebuildError::Store(error) => Self::Store(error),
            RebuildError::Open(error) => Self::Open(error),
            error => Self::State(error),
        }
    }
}
