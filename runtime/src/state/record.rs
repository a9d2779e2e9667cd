//! The rows of the flat tables.
//!
//! An account's row: a flags byte (bit 0: has code, bit 1: has an account id, bits 2 and 3: the storage trie's shape:
//! 0 empty, 1 one leaf, 2 branch at the root, 3 branch behind an extension), length of the nonce (u8), the nonce,
//! length of the balance (u8), the balance, then what the flags announce: code hash (32 bytes), account id (u64),
//! storage root (32 bytes), the extension (nibbles as u8, packed nibbles). A slot's row: the value. Numbers are
//! big-endian; nonce, balance and slot values have no leading zeros.

use alloy_primitives::{B256, KECCAK256_EMPTY, U256};
use alloy_rlp::Encodable;
use alloy_trie::TrieAccount;

use super::Account;
use crate::db::StoreError;
use crate::trie::{EMPTY_ROOT_HASH, Path, Shape};

const HAS_CODE: u8 = 1;
const HAS_ID: u8 = 2;
const SHAPE_SHIFT: u32 = 2;

/// An account with what belongs to its storage trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AccountRecord {
    pub(super) account: Account,
    /// Under what id its slots stand; `None` until it first gets storage. Local to this store.
    pub(super) id: Option<u64>,
    pub(super) storage_root: B256,
    pub(super) storage_shape: Shape,
}

impl AccountRecord {
    /// An account without storage.
    pub(super) fn without_storage(account: Account) -> Self {
        Self { account, id: None, storage_root: EMPTY_ROOT_HASH, storage_shape: Shape::Empty }
    }

    /// The row.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut flags = shape_tag(self.storage_shape) << SHAPE_SHIFT;
        if self.account.has_code() {
            flags |= HAS_CODE;
        }
        if self.id.is_some() {
            flags |= HAS_ID;
        }
        let mut out = Vec::with_capacity(96);
        out.push(flags);
        push_number(trim(&self.account.nonce.to_be_bytes()), &mut out);
        push_number(trim(&self.account.balance.to_be_bytes::<32>()), &mut out);
        if self.account.has_code() {
            out.extend_from_slice(self.account.code_hash.as_slice());
        }
        if let Some(id) = self.id {
            out.extend_from_slice(&id.to_be_bytes());
        }
        if self.storage_shape != Shape::Empty {
            out.extend_from_slice(self.storage_root.as_slice());
        }
        push_extension(self.storage_shape, &mut out);
        out
    }

    /// Reads a row.
    pub(super) fn decode(row: &[u8]) -> Result<Self, StoreError> {
        Self::try_decode(row).ok_or_else(|| StoreError::Corrupt("an account's row is unreadable".into()))
    }

    fn try_decode(row: &[u8]) -> Option<Self> {
        let mut input = Input(row);
        let flags = input.byte()?;
        let nonce = u64::try_from(input.number()?).ok()?;
        let balance = input.number()?;
        let code_hash = if flags & HAS_CODE != 0 { input.hash()? } else { KECCAK256_EMPTY };
        let id = if flags & HAS_ID != 0 { Some(input.u64()?) } else { None };
        let tag = flags >> SHAPE_SHIFT;
        let storage_root = if tag == 0 { EMPTY_ROOT_HASH } else { input.hash()? };
        let storage_shape = input.shape(tag)?;
        let sane = input.0.is_empty() && (id.is_some() || tag == 0);
        let account = Account { nonce, balance, code_hash };
        sane.then_some(Self { account, id, storage_root, storage_shape })
    }

    /// The account's value in the account trie (Yellow Paper, section 4.1).
    pub(super) fn trie_value(&self) -> Vec<u8> {
        let Account { nonce, balance, code_hash } = self.account;
        alloy_rlp::encode(TrieAccount { nonce, balance, storage_root: self.storage_root, code_hash })
    }
}

/// A slot's row.
pub(super) fn slot_row(value: &B256) -> &[u8] {
    trim(value.as_slice())
}

/// The value in a slot's row.
pub(super) fn slot_value(row: &[u8]) -> Result<B256, StoreError> {
    if row.len() > 32 || row.first().is_none_or(|byte| *byte == 0) {
        return Err(StoreError::Corrupt("a storage slot's row is unreadable".into()));
    }
    Ok(B256::left_padding_from(row))
}

/// A slot's value in its storage trie: RLP of the number, given as its row.
pub(super) fn slot_trie_value(row: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(row.len() + 1);
    row.encode(&mut out);
    out
}

/// Root and counters of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StateRecord {
    pub(super) root: B256,
    pub(super) shape: Shape,
    /// The block whose post-state this is; `None` before genesis.
    pub(super) block: Option<u64>,
    /// The id that the next account with storage gets.
    pub(super) next_id: u64,
    /// The oldest block whose reverse diff is kept; the next block's number if there is none.
    pub(super) oldest_diff: u64,
}

impl StateRecord {
    /// Before genesis.
    pub(super) const EMPTY: Self =
        Self { root: EMPTY_ROOT_HASH, shape: Shape::Empty, block: None, next_id: 0, oldest_diff: 0 };

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        out.push(shape_tag(self.shape));
        out.extend_from_slice(self.root.as_slice());
        for number in [self.block.unwrap_or_default(), self.next_id, self.oldest_diff] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        push_extension(self.shape, &mut out);
        out
    }

    pub(super) fn decode(record: &[u8]) -> Result<Self, StoreError> {
        Self::try_decode(record)
            .ok_or_else(|| StoreError::Corrupt("the record of the state's root is unreadable".into()))
    }

    fn try_decode(record: &[u8]) -> Option<Self> {
        let mut input = Input(record);
        let tag = input.byte()?;
        let root = input.hash()?;
        let (block, next_id, oldest_diff) = (Some(input.u64()?), input.u64()?, input.u64()?);
        let shape = input.shape(tag)?;
        input.0.is_empty().then_some(Self { root, shape, block, next_id, oldest_diff })
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..]
}

fn push_number(trimmed: &[u8], out: &mut Vec<u8>) {
    out.push(trimmed.len() as u8);
    out.extend_from_slice(trimmed);
}

fn shape_tag(shape: Shape) -> u8 {
    match shape {
        Shape::Empty => 0,
        Shape::Leaf => 1,
        Shape::Branch(path) if path.is_empty() => 2,
        Shape::Branch(_) => 3,
    }
}

fn push_extension(shape: Shape, out: &mut Vec<u8>) {
    if let Shape::Branch(path) = shape
        && !path.is_empty()
    {
        out.push(path.len() as u8);
        out.extend_from_slice(path.packed());
    }
}

/// Bytes still to be read.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.bytes(8)?.try_into().ok().map(u64::from_be_bytes)
    }

    pub(super) fn hash(&mut self) -> Option<B256> {
        self.bytes(32).map(B256::from_slice)
    }

    fn number(&mut self) -> Option<U256> {
        let length = usize::from(self.byte()?);
        U256::try_from_be_slice(self.bytes(length)?)
    }

    fn shape(&mut self, tag: u8) -> Option<Shape> {
        match tag {
            0 => Some(Shape::Empty),
            1 => Some(Shape::Leaf),
            2 => Some(Shape::Branch(Path::ROOT)),
            3 => {
                let length = usize::from(self.byte()?);
                let packed = self.bytes(length.div_ceil(2))?;
                Path::from_packed(length, packed).filter(|path| !path.is_empty()).map(Shape::Branch)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<AccountRecord> {
        let key = B256::repeat_byte(0xab);
        let shapes = [
            Shape::Empty,
            Shape::Leaf,
            Shape::Branch(Path::ROOT),
            Shape::Branch(Path::of(&key, 5)),
            Shape::Branch(Path::of(&key, 63)),
        ];
        let accounts = [
            Account::default(),
            Account { nonce: u64::MAX, balance: U256::MAX, code_hash: B256::repeat_byte(7) },
            Account { nonce: 256, balance: U256::from(1), code_hash: KECCAK256_EMPTY },
        ];
        let mut records = Vec::new();
        for account in accounts {
            records.push(AccountRecord::without_storage(account));
            for storage_shape in shapes {
                let storage_root = if storage_shape == Shape::Empty { EMPTY_ROOT_HASH } else { B256::repeat_byte(9) };
                records.push(AccountRecord { account, id: Some(u64::MAX - 1), storage_root, storage_shape });
            }
        }
        records
    }

    #[test]
    fn account_rows_come_back_as_they_were() {
        for record in records() {
            assert_eq!(AccountRecord::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn cut_and_prolonged_account_rows_are_damage() {
        for record in records() {
            let row = record.encode();
            for length in 0..row.len() {
                assert!(AccountRecord::decode(&row[..length]).is_err(), "{record:?} cut to {length} bytes");
            }
            assert!(AccountRecord::decode(&[row, vec![0]].concat()).is_err(), "{record:?} prolonged");
        }
    }

    #[test]
    fn the_state_record_comes_back_as_it_was() {
        for shape in [Shape::Empty, Shape::Leaf, Shape::Branch(Path::ROOT), Shape::Branch(Path::of(&B256::ZERO, 3))] {
            let record =
                StateRecord { root: B256::repeat_byte(1), shape, block: Some(7), next_id: 3, oldest_diff: u64::MAX };
            assert_eq!(StateRecord::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn slot_rows_have_no_leading_zeros() {
        let mut value = B256::ZERO;
        value[30] = 1;
        assert_eq!(slot_row(&value), [1, 0]);
        assert_eq!(slot_value(&[1, 0]), Ok(value));
        assert!(slot_value(&[]).is_err() && slot_value(&[0, 1]).is_err() && slot_value(&[1; 33]).is_err());
    }
}
