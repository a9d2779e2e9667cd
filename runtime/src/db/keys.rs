//! Every key of the store. The first byte says which table a key belongs to; numbers are big-endian, so that keys sort
//! by number.
//!
//! | prefix | rest of the key | value | written by |
//! |---|---|---|---|
//! | `v` | | layout version (u32) | [`schema`](super::schema) |
//! | `a` | keccak(address) | account record | state |
//! | `s` | account id (u64), keccak(slot) | slot value without leading zeros | state |
//! | `c` | code hash, chunk | code | state |
//! | `A` | depth (u8), packed path | branch of the account trie | state |
//! | `S` | account id (u64), depth (u8), packed path | branch of a storage trie | state |
//! | `D` | block number (u64), chunk | reverse diff of the block | state |
//! | `M` | | root and counters of the state | state |
//! | `i` | | a rebuilding of the state was begun and is not finished | state |
//! | `i` | code hash | whether an account holds the code, while the state is being rebuilt | state |
//! | `n` | block number (u64) | block hash | node |
//! | `h` | block hash | block number (u64) | node |
//! | `b` | block hash or number | header | node |
//! | `x` | block hash or number | body | node |
//! | `r` | block hash or number | receipts | node |
//! | `t` | transaction hash | where the transaction is | node |
//! | `q` | block number (u64) | commit certificate, chunked | node |
//! | `p` | block number (u64) | proof of the validator set after it, chunked | node |
//! | `m` | name | the node's own records | node |

use std::fmt;
use std::ops::Deref;

use alloy_primitives::B256;

use crate::trie::Path;

/// Layout version.
pub const VERSION: u8 = b'v';
/// Flat accounts.
pub const ACCOUNT: u8 = b'a';
/// Flat storage slots.
pub const STORAGE: u8 = b's';
/// Code by hash, chunked.
pub const CODE: u8 = b'c';
/// Branches of the account trie.
pub const ACCOUNT_BRANCH: u8 = b'A';
/// Branches of storage tries.
pub const STORAGE_BRANCH: u8 = b'S';
/// Reverse diffs, chunked.
pub const DIFF: u8 = b'D';
/// Root and counters of the state.
pub const STATE: u8 = b'M';
/// A rebuilding of the state that is not finished.
pub const REBUILD: u8 = b'i';
/// Block number to block hash.
pub const BLOCK_HASH: u8 = b'n';
/// Block hash to block number.
pub const BLOCK_NUMBER: u8 = b'h';
/// Headers.
pub const HEADER: u8 = b'b';
/// Bodies, chunked.
pub const BODY: u8 = b'x';
/// Receipts, chunked.
pub const RECEIPTS: u8 = b'r';
/// Transaction hash to its place.
pub const TRANSACTION: u8 = b't';
/// Commit certificates, chunked.
pub const CERTIFICATE: u8 = b'q';
/// Proofs of validator sets, chunked.
pub const VALIDATOR_SET: u8 = b'p';
/// The node's own records.
pub const METADATA: u8 = b'm';

/// The tables that the node writes with a block, beside its state. All others are the state's own.
pub const NODE_TABLES: [u8; 9] =
    [BLOCK_HASH, BLOCK_NUMBER, HEADER, BODY, RECEIPTS, TRANSACTION, CERTIFICATE, VALIDATOR_SET, METADATA];

/// Longest key of the store, in bytes.
pub const KEY_LENGTH_MAX: usize = 255;

/// Longest [`Key`], in bytes: prefix, account id, depth, path.
const KEY_BYTES_MAX: usize = 1 + 8 + 1 + 32;

/// A short key, kept inline: most keys are, and are made for one look-up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    length: u8,
    bytes: [u8; KEY_BYTES_MAX],
}

impl Key {
    /// `prefix` followed by the parts, which the functions of this module choose short enough.
    fn of(prefix: u8, parts: &[&[u8]]) -> Self {
        let mut bytes = [0; KEY_BYTES_MAX];
        bytes[0] = prefix;
        let mut length = 1;
        for part in parts {
            bytes[length..length + part.len()].copy_from_slice(part);
            length += part.len();
        }
        Self { length: length as u8, bytes }
    }

    /// These bytes as a key; `None` if they are too many.
    pub(crate) fn copy(key: &[u8]) -> Option<Self> {
        let mut bytes = [0; KEY_BYTES_MAX];
        bytes.get_mut(..key.len())?.copy_from_slice(key);
        Some(Self { length: key.len() as u8, bytes })
    }
}

impl Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Key> for Vec<u8> {
    fn from(key: Key) -> Self {
        key.to_vec()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", alloy_primitives::hex::encode_prefixed(&self[..]))
    }
}

/// `prefix` followed by the parts, of any length.
pub fn key(prefix: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(prefix);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// Where the hash of block `number` stands (value: the 32 bytes of the hash). Whoever commits a block writes it in the
/// same batch; `StateReader::block_hash` reads it.
pub fn block_hash(number: u64) -> Key {
    Key::of(BLOCK_HASH, &[&number.to_be_bytes()])
}

/// Where the number of the block with this hash stands (value: u64, big-endian).
pub fn block_number(hash: &B256) -> Key {
    Key::of(BLOCK_NUMBER, &[hash.as_slice()])
}

/// Where the account with this hashed address stands.
pub fn account(hashed_address: &B256) -> Key {
    Key::of(ACCOUNT, &[hashed_address.as_slice()])
}

/// Where the slot with this hashed index stands.
pub fn storage(account_id: u64, hashed_slot: &B256) -> Key {
    Key::of(STORAGE, &[&account_id.to_be_bytes(), hashed_slot.as_slice()])
}

/// Where the account trie's branch at `path` stands.
pub fn account_branch(path: &Path) -> Key {
    Key::of(ACCOUNT_BRANCH, &[&[path.len() as u8], path.packed()])
}

/// Where the branch at `path` of an account's storage trie stands.
pub fn storage_branch(account_id: u64, path: &Path) -> Key {
    Key::of(STORAGE_BRANCH, &[&account_id.to_be_bytes(), &[path.len() as u8], path.packed()])
}

/// Where the chunks of the code with this hash stand.
pub fn code(code_hash: &B256) -> Key {
    Key::of(CODE, &[code_hash.as_slice()])
}

/// Where a rebuilding of the state keeps whether an account holds the code with this hash.
pub fn rebuild_code(code_hash: &B256) -> Key {
    Key::of(REBUILD, &[code_hash.as_slice()])
}

/// Where the chunks of a block's reverse diff stand.
pub fn diff(block_number: u64) -> Key {
    Key::of(DIFF, &[&block_number.to_be_bytes()])
}
