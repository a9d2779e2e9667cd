//! Snapshots: a block and the state after it in one file, from which a new node begins instead of block 0.
//!
//! The format is described in `docs/spec/snapshot.md`. Whoever imports names the block's hash; everything in the file
//! is proven by that hash, but for the genesis of an old chain and the certificate. Both ways are streams: memory is bounded
//! whatever the state's size.

mod chunks;
mod error;
mod export;
mod folder;
mod import;
mod records;

pub use chunks::{CHUNK_BYTES_MAX, FORMAT_VERSION};
pub use error::SnapshotError;
pub use export::{Exported, export};
pub use folder::import_into;
pub use import::{Imported, Snapshot, claimed_number};

/// Longest genesis, in bytes of JSON.
pub const GENESIS_BYTES_MAX: usize = 64 << 20;
/// Longest certificate, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = CHUNK_BYTES_MAX;
/// Longest header, in bytes of RLP: a store takes no longer one.
const HEADER_BYTES_MAX: usize = esker_runtime::db::MAX_VALUE_BYTES;
/// Longest list of ancestors, in bytes of RLP.
const ANCESTORS_BYTES_MAX: usize = crate::chain::ANCESTORS as usize * HEADER_BYTES_MAX;
/// Longest list of a block's transactions, in bytes: twice what a block may have, for what lists add.
const TRANSACTIONS_BYTES_MAX: usize = 8 << 20;
/// Longest list of a block's receipts, in bytes: a store takes no longer one.
const RECEIPTS_BYTES_MAX: usize = esker_runtime::db::chunks::MAX_CHUNKED_BYTES;

/// Kinds of chunks, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Header = 1,
    Genesis = 2,
    Certificate = 3,
    Ancestors = 4,
    Transactions = 5,
    Receipts = 6,
    Codes = 7,
    Accounts = 8,
    End = 9,
}

impl Section {
    const fn tag(self) -> u8 {
        self as u8
    }

    /// What an error calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::Header => "the header",
            Self::Genesis => "the genesis",
            Self::Certificate => "the certificate",
            Self::Ancestors => "the ancestors",
            Self::Transactions => "the transactions",
            Self::Receipts => "the receipts",
            Self::Codes => "the codes",
            Self::Accounts => "the accounts",
            Self::End => "the end",
        }
    }
}
