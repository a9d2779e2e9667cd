//! What a block changed.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes};

use super::Account;

/// What a block changed, with what stood there before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// Accounts whose fields or storage changed. Entries that change nothing are allowed.
    pub accounts: BTreeMap<Address, AccountChange>,
    /// Codes that the block deployed, by their keccak hash.
    pub codes: BTreeMap<B256, Bytes>,
}

/// What a block changed of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The account before the block; `None` if it did not exist.
    pub before: Option<Account>,
    /// The account after the block; `None` if it does not exist. An account that keeps storage always exists.
    pub after: Option<Account>,
    /// Slots that changed, by their index (not hashed).
    pub storage: BTreeMap<B256, SlotChange>,
}

/// What a block changed of one storage slot. Zero is the same as absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotChange {
    /// Value before the block.
    pub before: B256,
    /// Value after the block.
    pub after: B256,
}
