//! The state of a test's chain: plain maps, which a test may change by hand and set back.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use esker_runtime::db::StoreError;
use esker_runtime::state::{Account, ChangeSet, StateReader};

/// Everything that a chain remembers. Cloning it is a snapshot.
#[derive(Clone, Default)]
pub(crate) struct World {
    /// `None` where an account that lies beneath is gone.
    accounts: BTreeMap<Address, Option<Account>>,
    storage: BTreeMap<(Address, B256), B256>,
    codes: BTreeMap<B256, Bytes>,
    block_hashes: BTreeMap<u64, B256>,
    /// What is not here lies there: the state that the chain was forked from.
    beneath: Option<Arc<dyn StateReader>>,
}

impl World {
    /// A state on top of another one, which is only read.
    pub(crate) fn on(beneath: Arc<dyn StateReader>) -> Self {
        Self { beneath: Some(beneath), ..Self::default() }
    }

    /// Puts what an execution changed into effect.
    pub(crate) fn apply(&mut self, changes: &ChangeSet) {
        for (address, change) in &changes.accounts {
            self.accounts.insert(*address, change.after);
            self.storage.extend(change.storage.iter().map(|(slot, value)| ((*address, *slot), value.after)));
        }
        self.codes.extend(changes.codes.iter().map(|(hash, code)| (*hash, code.clone())));
    }

    /// # Panics
    /// If the state beneath cannot be read: the test cannot go on.
    pub(crate) fn existing(&self, address: Address) -> Account {
        self.account(address).unwrap_or_else(|error| panic!("{error}")).unwrap_or_default()
    }

    /// # Panics
    /// As [`World::existing`].
    pub(crate) fn slot(&self, address: Address, slot: B256) -> B256 {
        self.storage(address, slot).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn set_slot(&mut self, address: Address, slot: B256, value: B256) {
        self.storage.insert((address, slot), value);
    }

    fn change(&mut self, address: Address, change: impl FnOnce(&mut Account)) {
        let mut account = self.existing(address);
        change(&mut account);
        self.accounts.insert(address, Some(account).filter(|account| !account.is_empty()));
    }

    pub(crate) fn set_balance(&mut self, address: Address, balance: U256) {
        self.change(address, |account| account.balance = balance);
    }

    /// Puts code at an address, with the nonce of a contract.
    pub(crate) fn set_code(&mut self, address: Address, code: Bytes) {
        let code_hash = keccak256(&code);
        self.codes.insert(code_hash, code);
        self.change(address, |account| {
            account.code_hash = code_hash;
            account.nonce = account.nonce.max(1);
        });
    }

    /// The hash of a block of this chain: made up from its number, the same in every run, unless it was set, or the block is
    /// one of the chain that was forked.
    ///
    /// # Panics
    /// As [`World::existing`].
    pub(crate) fn hash_of_block(&self, number: u64) -> B256 {
        let hash = self.block_hash(number).unwrap_or_else(|error| panic!("{error}"));
        hash.expect("every block has a hash")
    }

    pub(crate) fn set_block_hash(&mut self, number: u64, hash: B256) {
        self.block_hashes.insert(number, hash);
    }
}

impl StateReader for World {
    fn account(&self, address: Address) -> Result<Option<Account>, StoreError> {
        match (self.accounts.get(&address), &self.beneath) {
            (Some(account), _) => Ok(*account),
            (None, Some(beneath)) => beneath.account(address),
            (None, None) => Ok(None),
        }
    }

    fn storage(&self, address: Address, slot: B256) -> Result<B256, StoreError> {
        match (self.storage.get(&(address, slot)), &self.beneath) {
            (Some(value), _) => Ok(*value),
            (None, Some(beneath)) => beneath.storage(address, slot),
            (None, None) => Ok(B256::ZERO),
        }
    }

    fn code(&self, code_hash: B256) -> Result<Option<Bytes>, StoreError> {
        match (self.codes.get(&code_hash), &self.beneath) {
            (Some(code), _) => Ok(Some(code.clone())),
            (None, Some(beneath)) => beneath.code(code_hash),
            (None, None) => Ok(None),
        }
    }

    fn block_hash(&self, number: u64) -> Result<Option<B256>, StoreError> {
        if let Some(set) = self.block_hashes.get(&number) {
            return Ok(Some(*set));
        }
        let beneath = self.beneath.as_ref().map_or(Ok(None), |beneath| beneath.block_hash(number))?;
        Ok(Some(beneath.unwrap_or_else(|| keccak256(format!("esker test block {number}")))))
    }
}
