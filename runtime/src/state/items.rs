//! The whole state, piece by piece: what a snapshot consists of.

use std::ops::ControlFlow;

use alloy_primitives::{B256, Bytes, keccak256};

use super::record::{AccountRecord, slot_value};
use super::{Account, StateView};
use crate::db::{StoreError, keys};
use crate::trie::EMPTY_ROOT_HASH;

/// A piece of a state. The store knows accounts and slots by their hashes only, and so do the pieces.
///
/// In order: all codes, by hash; then each account, by hashed address, followed by its slots, by hashed index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateItem {
    /// A code that accounts hold.
    Code(Bytes),
    /// An account.
    Account {
        /// keccak256 of its address.
        hashed_address: B256,
        /// Nonce, balance and code hash.
        account: Account,
        /// Root of its storage trie; [`EMPTY_ROOT_HASH`] if it has no slots.
        storage_root: B256,
    },
    /// A slot of the account before.
    Slot {
        /// keccak256 of its index.
        hashed_slot: B256,
        /// Its value, not zero.
        value: B256,
    },
}

impl StateView {
    /// Shows the whole state to `visit`, in the order that [`StateItem`] describes, until it fails. Memory is bounded
    /// whatever the state's size.
    ///
    /// # Errors
    /// What `visit` says, or [`StoreError`] if the store fails or holds what cannot be a state's. The trie is not
    /// checked: see [`StateView::verify`].
    pub fn visit_items<E: From<StoreError>>(&self, visit: &mut dyn FnMut(StateItem) -> Result<(), E>) -> Result<(), E> {
        self.try_scan(&[keys::CODE], |key, _| {
            // A long code has further rows, whose keys are the first one's but for their last two bytes.
            let [_, hash @ .., 0, 0] = key else { return Ok(()) };
            let hash = B256::try_from(hash).map_err(|_| odd_key("codes"))?;
            let code = self.get_chunked(&keys::code(&hash))?.filter(|code| keccak256(code) == hash);
            let code = code.ok_or_else(|| StoreError::Corrupt(format!("the code {hash} is damaged")))?;
            visit(StateItem::Code(code.into()))
        })?;
        self.try_scan(&[keys::ACCOUNT], |key, row| {
            let hashed_address = hash_of(key, 1, "accounts")?;
            let record = AccountRecord::decode(row)?;
            let AccountRecord { account, storage_root, .. } = record;
            visit(StateItem::Account { hashed_address, account, storage_root })?;
            match record.id {
                Some(id) if storage_root != EMPTY_ROOT_HASH => self.visit_slots(id, visit),
                _ => Ok(()),
            }
        })
    }

    fn visit_slots<E: From<StoreError>>(
        &self,
        id: u64,
        visit: &mut dyn FnMut(StateItem) -> Result<(), E>,
    ) -> Result<(), E> {
        let table = keys::key(keys::STORAGE, &[&id.to_be_bytes()]);
        self.try_scan(&table, |key, row| {
            let hashed_slot = hash_of(key, table.len(), "slots")?;
            visit(StateItem::Slot { hashed_slot, value: slot_value(row)? })
        })
    }

    /// As [`StateView::scan`], until `visit` fails.
    pub(super) fn try_scan<E: From<StoreError>>(
        &self,
        prefix: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        self.scan(prefix, &[], &mut |key, row| {
            outcome = visit(key, row);
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        outcome
    }
}

/// The hash behind the first `length` bytes of a flat table's key.
fn hash_of(key: &[u8], length: usize, what: &str) -> Result<B256, StoreError> {
    key.get(length..).and_then(|hash| B256::try_from(hash).ok()).ok_or_else(|| odd_key(what))
}

fn odd_key(what: &str) -> StoreError {
    StoreError::Corrupt(format!("the table of {what} holds a key of another length"))
}
