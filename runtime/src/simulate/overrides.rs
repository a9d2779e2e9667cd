//! A state with some of it replaced.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};

use crate::db::StoreError;
use crate::state::{Account, StateReader};

/// What is replaced, by account.
pub type StateOverrides = BTreeMap<Address, AccountOverride>;

/// What is replaced in one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// In wei.
    pub balance: Option<U256>,
    /// The nonce.
    pub nonce: Option<u64>,
    /// The code: an envelope without arguments.
    pub code: Option<Bytes>,
    /// The whole storage: slots that are not named are zero.
    pub state: Option<BTreeMap<B256, B256>>,
    /// Slots that are replaced one by one.
    pub state_diff: BTreeMap<B256, B256>,
}

/// The state that overrides make of another.
pub(super) struct OverriddenState<'s> {
    beneath: &'s dyn StateReader,
    overrides: &'s StateOverrides,
    codes: BTreeMap<B256, &'s Bytes>,
}

impl<'s> OverriddenState<'s> {
    pub(super) fn new(beneath: &'s dyn StateReader, overrides: &'s StateOverrides) -> Self {
        let codes = overrides.values().filter_map(|account| account.code.as_ref());
        let codes = codes.map(|code| (keccak256(code), code)).collect();
        Self { beneath, overrides, codes }
    }
}

impl StateReader for OverriddenState<'_> {
    fn account(&self, address: Address) -> Result<Option<Account>, StoreError> {
        let beneath = self.beneath.account(address)?;
        let Some(replaced) = self.overrides.get(&address) else {
            return Ok(beneath);
        };
        let account = beneath.unwrap_or_default();
        let account = Account {
            nonce: replaced.nonce.unwrap_or(account.nonce),
            balance: replaced.balance.unwrap_or(account.balance),
            code_hash: replaced.code.as_ref().map_or(account.code_hash, keccak256),
        };
        Ok(Some(account).filter(|account| !account.is_empty()))
    }

    fn storage(&self, address: Address, slot: B256) -> Result<B256, StoreError> {
        let Some(replaced) = self.overrides.get(&address) else {
            return self.beneath.storage(address, slot);
        };
        if let Some(value) = replaced.state_diff.get(&slot) {
            return Ok(*value);
        }
        match &replaced.state {
            Some(state) => Ok(state.get(&slot).copied().unwrap_or_default()),
            None => self.beneath.storage(address, slot),
        }
    }

    fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StoreError> {
        match self.codes.get(&code_hash) {
            Some(code) => Ok(Some((*code).clone())),
            None => self.beneath.code(code_hash),
        }
    }

    fn block_hash(&self, number: u64) -> Result<Option<B256>, StoreError> {
        self.beneath.block_hash(number)
    }
}
