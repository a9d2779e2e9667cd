//! Codes, accounts and slots as bytes.
//!
//! A code: its length (u32), its bytes. An account: a tag (bit 0: it has code, bit 1: it has slots), hashed address,
//! nonce (u64), length of the balance (u8), balance, then as far as the tag says code hash and storage root. A slot: tag 4,
//! hashed slot, length of the value (u8), value. Numbers are big-endian; balance and value have no leading zeros.

use alloy_primitives::{B256, Bytes, KECCAK256_EMPTY, U256};
use esker_runtime::state::{Account, Rebuilt, StateItem};
use esker_runtime::trie::EMPTY_ROOT_HASH;

use super::Section;

const HAS_CODE: u8 = 1;
const HAS_SLOTS: u8 = 2;
const SLOT: u8 = 4;

/// Replaces the content of `out` by the record of `item`, and returns where it belongs.
pub(super) fn encode(item: &StateItem, out: &mut Vec<u8>) -> Section {
    out.clear();
    match item {
        StateItem::Code(code) => {
            // A store holds no longer one than 256 MiB.
            out.extend_from_slice(&u32::try_from(code.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(code);
            return Section::Codes;
        }
        StateItem::Account { hashed_address, account, storage_root } => {
            let has_slots = *storage_root != EMPTY_ROOT_HASH;
            out.push(u8::from(account.has_code()) * HAS_CODE + u8::from(has_slots) * HAS_SLOTS);
            out.extend_from_slice(hashed_address.as_slice());
            out.extend_from_slice(&account.nonce.to_be_bytes());
            push_number(&account.balance.to_be_bytes::<32>(), out);
            if account.has_code() {
                out.extend_from_slice(account.code_hash.as_slice());
            }
            if has_slots {
                out.extend_from_slice(storage_root.as_slice());
            }
        }
        StateItem::Slot { hashed_slot, value } => {
            out.push(SLOT);
            out.extend_from_slice(hashed_slot.as_slice());
            push_number(&value.0, out);
        }
    }
    Section::Accounts
}

fn push_number(bytes: &[u8; 32], out: &mut Vec<u8>) {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let trimmed = bytes.get(zeros..).unwrap_or_default();
    out.push(trimmed.len() as u8);
    out.extend_from_slice(trimmed);
}

/// The next record of a chunk of `section`, taken off `input`; `None` at the end.
///
/// # Errors
/// What is wrong with it.
pub(super) fn decode(section: Section, input: &mut &[u8]) -> Result<Option<StateItem>, &'static str> {
    if input.is_empty() {
        return Ok(None);
    }
    let mut input = Input(input);
    if section == Section::Codes { input.code() } else { input.account_or_slot() }.map(Some)
}

const CUT: &str = "a record goes on behind the end of its chunk";

struct Input<'i, 'b>(&'i mut &'b [u8]);

impl<'b> Input<'_, 'b> {
    fn bytes(&mut self, count: usize) -> Result<&'b [u8], &'static str> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(CUT)?;
        *self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        self.bytes(N)?.try_into().map_err(|_| CUT)
    }

    fn hash(&mut self) -> Result<B256, &'static str> {
        self.array().map(B256::new)
    }

    fn number(&mut self) -> Result<B256, &'static str> {
        let [length] = self.array()?;
        let bytes = self.bytes(usize::from(length))?;
        if bytes.len() > 32 || bytes.first() == Some(&0) {
            return Err("a number is longer than 32 bytes or has leading zeros");
        }
        Ok(B256::left_padding_from(bytes))
    }

    fn code(&mut self) -> Result<StateItem, &'static str> {
        let length = u32::from_be_bytes(self.array()?);
        Ok(StateItem::Code(Bytes::copy_from_slice(self.bytes(length as usize)?)))
    }

    fn account_or_slot(&mut self) -> Result<StateItem, &'static str> {
        let [tag] = self.array()?;
        match tag {
            0..=3 => self.account(tag),
            SLOT => Ok(StateItem::Slot { hashed_slot: self.hash()?, value: self.number()? }),
            _ => Err("a record is neither an account nor a slot"),
        }
    }

    fn account(&mut self, tag: u8) -> Result<StateItem, &'static str> {
        let hashed_address = self.hash()?;
        let nonce = u64::from_be_bytes(self.array()?);
        let balance = U256::from_be_bytes(self.number()?.0);
        let code_hash = if tag & HAS_CODE != 0 { self.hash()? } else { KECCAK256_EMPTY };
        let storage_root = if tag & HAS_SLOTS != 0 { self.hash()? } else { EMPTY_ROOT_HASH };
        let account = Account { nonce, balance, code_hash };
        if account.has_code() != (tag & HAS_CODE != 0) || (storage_root != EMPTY_ROOT_HASH) != (tag & HAS_SLOTS != 0) {
            return Err("an account says that it has code or slots, and has none");
        }
        Ok(StateItem::Account { hashed_address, account, storage_root })
    }
}

/// The payload of the last chunk: how many accounts, slots and codes there were (u64 each).
pub(super) fn encode_counts(counts: &Rebuilt) -> Vec<u8> {
    [counts.accounts, counts.slots, counts.codes].iter().flat_map(|count| count.to_be_bytes()).collect()
}
