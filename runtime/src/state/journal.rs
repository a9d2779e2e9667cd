//! The overlay that a block's transactions work on, with checkpoints.
//!
//! What was read or changed since the block began lies in flat vectors, found through indexes; what a frame
//! changed is undone from a flat vector of undo entries. The state beneath is only ever read.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, Log, U256};

use super::index::Index;
use super::{Account, AccountChange, ChangeSet, SlotChange, StateReader, StorageHandle};
use crate::db::StoreError;

/// Names an account in a [`Journal`]: valid for the journal's whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u32);

/// Names a storage slot in a [`Journal`]: valid for the journal's whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotId(u32);

/// A moment to which [`Journal::revert`] goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    undo: usize,
    logs: usize,
    refund: i64,
}

/// The three values of a slot that decide what a store costs (EIP-2200).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotValues {
    /// When the transaction began.
    pub original: B256,
    /// Now.
    pub current: B256,
}

/// Counts transactions: what is marked with the current one is warm.
type Epoch = u32;
/// An epoch that no transaction has.
const NEVER: Epoch = 0;

struct AccountEntry {
    address: Address,
    /// In the state beneath.
    committed: Option<Account>,
    /// Where the state beneath keeps its slots.
    storage: StorageHandle,
    current: Account,
    warm: Epoch,
    /// The transaction that paid for loading the code.
    code_paid: Epoch,
    /// Frames at work on this account now, delegate frames not counted.
    frames: u32,
}

struct SlotEntry {
    account: AccountId,
    key: B256,
    /// In the state beneath.
    committed: B256,
    /// When transaction `touched` began.
    original: B256,
    current: B256,
    touched: Epoch,
    warm: Epoch,
}

enum Undo {
    Balance { account: AccountId, before: U256 },
    Nonce { account: AccountId, before: u64 },
    CodeHash { account: AccountId, before: B256 },
    Slot { slot: SlotId, before: B256 },
    Transient { index: u32, before: B256 },
    WarmAccount(AccountId),
    WarmSlot(SlotId),
    CodePaid(AccountId),
}

/// See the module.
pub struct Journal<'a> {
    state: &'a dyn StateReader,
    accounts: Vec<AccountEntry>,
    account_index: Index<Address, AccountId>,
    slots: Vec<SlotEntry>,
    slot_index: Index<(AccountId, B256), SlotId>,
    /// The slot found last: a load is often followed by a store.
    last_slot: Option<SlotId>,
    codes: BTreeMap<B256, Bytes>,
    transient: Vec<B256>,
    transient_index: Index<(AccountId, B256), u32>,
    undo: Vec<Undo>,
    logs: Vec<Log>,
    refund: i64,
    epoch: Epoch,
}

impl<'a> Journal<'a> {
    /// An empty journal over `state`, ready for its first transaction.
    #[must_use]
    pub fn new(state: &'a dyn StateReader) -> Self {
        Self {
            state,
            accounts: Vec::new(),
            account_index: Index::new(),
            slots: Vec::new(),
            slot_index: Index::new(),
            last_slot: None,
            codes: BTreeMap::new(),
            transient: Vec::new(),
            transient_index: Index::new(),
            undo: Vec::new(),
            logs: Vec::new(),
            refund: 0,
            epoch: NEVER + 1,
        }
    }

    /// The state beneath.
    #[must_use]
    pub const fn state(&self) -> &'a dyn StateReader {
        self.state
    }

    // ---- accounts ----------------------------------------------------------------------------------------------

    /// The account at `address`, if this journal has read it already.
    #[must_use]
    pub fn find(&self, address: Address) -> Option<AccountId> {
        self.account_index.get(&address)
    }

    /// The account at `address`, read from the state beneath if need be. Does not warm it.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub fn load(&mut self, address: Address) -> Result<AccountId, StoreError> {
        match self.find(address) {
            Some(id) => Ok(id),
            None => self.load_first(address),
        }
    }

    /// As [`Journal::load`], for an account that [`Journal::find`] does not find.
    pub(crate) fn load_first(&mut self, address: Address) -> Result<AccountId, StoreError> {
        let (committed, storage) = match self.state.account_and_storage(address)? {
            Some((account, storage)) => (Some(account), storage),
            None => (None, StorageHandle::Empty),
        };
        let id = AccountId(index_of(self.accounts.len()));
        self.accounts.push(AccountEntry {
            address,
            committed,
            storage,
            current: committed.unwrap_or_default(),
            warm: NEVER,
            code_paid: NEVER,
            frames: 0,
        });
        self.account_index.insert(address, id);
        Ok(id)
    }

    /// The account as it stands. One that does not exist is empty.
    #[must_use]
    pub fn account(&self, id: AccountId) -> &Account {
        &self.entry(id).current
    }

    /// Its address.
    #[must_use]
    pub fn address(&self, id: AccountId) -> Address {
        self.entry(id).address
    }

    /// Whether the transaction has accessed the account (EIP-2929).
    #[must_use]
    pub fn is_warm(&self, id: AccountId) -> bool {
        self.entry(id).warm == self.epoch
    }

    /// Warms the account until the frame that did so is reverted.
    pub fn warm(&mut self, id: AccountId) {
        let epoch = self.epoch;
        let entry = self.entry_mut(id);
        if entry.warm != epoch {
            entry.warm = epoch;
            self.undo.push(Undo::WarmAccount(id));
        }
    }

    /// Marks the account's code as paid for in this transaction. Returns whether it was not before.
    pub fn pay_for_code(&mut self, id: AccountId) -> bool {
        let epoch = self.epoch;
        let entry = self.entry_mut(id);
        if entry.code_paid == epoch {
            return false;
        }
        entry.code_paid = epoch;
        self.undo.push(Undo::CodePaid(id));
        true
    }

    /// Whether the account's code is yet to be paid for in this transaction.
    #[must_use]
    pub fn owes_for_code(&self, id: AccountId) -> bool {
        self.entry(id).code_paid != self.epoch
    }

    /// Counts a frame that works on this account. Returns whether there was one already.
    pub fn enter(&mut self, id: AccountId) -> bool {
        let entry = self.entry_mut(id);
        entry.frames += 1;
        entry.frames > 1
    }

    /// Ends what [`Journal::enter`] began.
    pub fn leave(&mut self, id: AccountId) {
        let entry = self.entry_mut(id);
        entry.frames = entry.frames.checked_sub(1).expect("every leave follows its enter");
    }

    /// Sets the balance, in wei.
    pub fn set_balance(&mut self, id: AccountId, balance: U256) {
        let entry = self.entry_mut(id);
        let before = std::mem::replace(&mut entry.current.balance, balance);
        if before != balance {
            self.undo.push(Undo::Balance { account: id, before });
        }
    }

    /// Adds to the balance, in wei. Saturates at 2^256 − 1, which no chain reaches, since all its coins together are
    /// below that; balances that a simulation or a development chain was told to assume can.
    pub fn credit(&mut self, id: AccountId, amount: U256) {
        let balance = self.account(id).balance.saturating_add(amount);
        self.set_balance(id, balance);
    }

    /// Takes from the balance, in wei. Returns false, and changes nothing, if it is lower.
    #[must_use]
    pub fn debit(&mut self, id: AccountId, amount: U256) -> bool {
        match self.account(id).balance.checked_sub(amount) {
            Some(balance) => {
                self.set_balance(id, balance);
                true
            }
            None => false,
        }
    }

    /// Sets the nonce.
    pub fn set_nonce(&mut self, id: AccountId, nonce: u64) {
        let before = std::mem::replace(&mut self.entry_mut(id).current.nonce, nonce);
        self.undo.push(Undo::Nonce { account: id, before });
    }

    /// Gives the account code whose keccak256 is `code_hash`.
    pub fn set_code(&mut self, id: AccountId, code_hash: B256, code: Bytes) {
        self.codes.insert(code_hash, code);
        let before = std::mem::replace(&mut self.entry_mut(id).current.code_hash, code_hash);
        self.undo.push(Undo::CodeHash { account: id, before });
    }

    /// The account's code; empty if it has none.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or has lost the code.
    pub fn code(&mut self, id: AccountId) -> Result<Bytes, StoreError> {
        let account = *self.account(id);
        if !account.has_code() {
            return Ok(Bytes::new());
        }
        if let Some(code) = self.codes.get(&account.code_hash) {
            return Ok(code.clone());
        }
        let code = self
            .state
            .code(account.code_hash)?
            .ok_or_else(|| StoreError::Corrupt(format!("the code with hash {} is missing", account.code_hash)))?;
        self.codes.insert(account.code_hash, code.clone());
        Ok(code)
    }

    // ---- storage -----------------------------------------------------------------------------------------------

    /// The slot, if this journal has read it already.
    #[must_use]
    pub fn find_slot(&mut self, account: AccountId, key: B256) -> Option<SlotId> {
        if let Some(id) = self.last_slot {
            let slot = &self.slots[id.0 as usize];
            if slot.account == account && slot.key == key {
                return Some(id);
            }
        }
        let found = self.slot_index.get(&(account, key));
        if found.is_some() {
            self.last_slot = found;
        }
        found
    }

    /// Whether the transaction has accessed the slot (EIP-2929).
    #[must_use]
    pub fn is_slot_warm(&self, slot: SlotId) -> bool {
        self.slots[slot.0 as usize].warm == self.epoch
    }

    /// The slot, read from the state beneath if need be. Does not warm it.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub fn load_slot(&mut self, account: AccountId, key: B256) -> Result<SlotId, StoreError> {
        match self.find_slot(account, key) {
            Some(id) => Ok(id),
            None => self.load_slot_first(account, key),
        }
    }

    /// As [`Journal::load_slot`], for a slot that [`Journal::find_slot`] does not find.
    pub(crate) fn load_slot_first(&mut self, account: AccountId, key: B256) -> Result<SlotId, StoreError> {
        let entry = self.entry(account);
        // What does not exist has no storage: spare the store the question.
        let committed = match entry.committed {
            Some(_) => self.state.storage_at(entry.address, entry.storage, key)?,
            None => B256::ZERO,
        };
        let id = SlotId(index_of(self.slots.len()));
        self.slots.push(SlotEntry {
            account,
            key,
            committed,
            original: committed,
            current: committed,
            touched: self.epoch,
            warm: NEVER,
        });
        self.slot_index.insert((account, key), id);
        self.last_slot = Some(id);
        Ok(id)
    }

    /// Warms the slot until the frame that did so is reverted.
    pub fn warm_slot(&mut self, id: SlotId) {
        let epoch = self.epoch;
        let slot = self.slot_mut(id);
        if slot.warm != epoch {
            slot.warm = epoch;
            self.undo.push(Undo::WarmSlot(id));
        }
    }

    /// The slot's value now and when the transaction began.
    #[must_use]
    pub fn slot_values(&mut self, id: SlotId) -> SlotValues {
        let slot = self.slot_mut(id);
        SlotValues { original: slot.original, current: slot.current }
    }

    /// Stores a value.
    pub fn set_slot(&mut self, id: SlotId, value: B256) {
        let slot = self.slot_mut(id);
        let before = std::mem::replace(&mut slot.current, value);
        if before != value {
            self.undo.push(Undo::Slot { slot: id, before });
        }
    }

    /// A transient slot's value (EIP-1153).
    #[must_use]
    pub fn transient(&self, account: AccountId, key: B256) -> B256 {
        self.transient_index.get(&(account, key)).map_or(B256::ZERO, |index| self.transient[index as usize])
    }

    /// Stores a transient value (EIP-1153).
    pub fn set_transient(&mut self, account: AccountId, key: B256, value: B256) {
        let next = index_of(self.transient.len());
        let index = self.transient_index.get_or_insert((account, key), next);
        if index == next {
            self.transient.push(B256::ZERO);
        }
        let before = std::mem::replace(&mut self.transient[index as usize], value);
        self.undo.push(Undo::Transient { index, before });
    }

    // ---- logs and refunds --------------------------------------------------------------------------------------

    /// Emits a log.
    pub fn log(&mut self, log: Log) {
        self.logs.push(log);
    }

    /// Adds to the refund counter, in gas; what is added may be negative.
    pub fn add_refund(&mut self, gas: i64) {
        self.refund = self.refund.saturating_add(gas);
    }

    /// The refund counter, in gas: never negative at a transaction's end.
    #[must_use]
    pub fn refund(&self) -> u64 {
        u64::try_from(self.refund).unwrap_or(0)
    }

    // ---- checkpoints -------------------------------------------------------------------------------------------

    /// Remembers this moment.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { undo: self.undo.len(), logs: self.logs.len(), refund: self.refund }
    }

    /// Undoes everything since `checkpoint`, which must be of this transaction.
    pub fn revert(&mut self, checkpoint: Checkpoint) {
        assert!(checkpoint.undo <= self.undo.len(), "a checkpoint of a transaction that is over");
        while self.undo.len() > checkpoint.undo {
            match self.undo.pop().expect("the loop's condition") {
                Undo::Balance { account, before } => self.entry_mut(account).current.balance = before,
                Undo::Nonce { account, before } => self.entry_mut(account).current.nonce = before,
                Undo::CodeHash { account, before } => self.entry_mut(account).current.code_hash = before,
                Undo::Slot { slot, before } => self.slots[slot.0 as usize].current = before,
                Undo::Transient { index, before } => self.transient[index as usize] = before,
                Undo::WarmAccount(account) => self.entry_mut(account).warm = NEVER,
                Undo::WarmSlot(slot) => self.slots[slot.0 as usize].warm = NEVER,
                Undo::CodePaid(account) => self.entry_mut(account).code_paid = NEVER,
            }
        }
        self.logs.truncate(checkpoint.logs);
        self.refund = checkpoint.refund;
    }

    /// Ends a transaction: its changes stay, all that lasts only for a transaction goes. Returns its logs.
    pub fn end_transaction(&mut self) -> Vec<Log> {
        self.undo.clear();
        self.transient.clear();
        self.transient_index.clear();
        self.refund = 0;
        self.epoch = self.epoch.checked_add(1).expect("a block has fewer than 2^32 transactions");
        std::mem::take(&mut self.logs)
    }

    /// Everything that changed since the journal began.
    #[must_use]
    pub fn changes(&self) -> ChangeSet {
        // Maps are made from what is sorted already: put in one by one, entries take several times as long.
        let mut slots: Vec<(AccountId, B256, SlotChange)> = (self.slots.iter())
            .filter(|slot| slot.current != slot.committed)
            .map(|slot| (slot.account, slot.key, SlotChange { before: slot.committed, after: slot.current }))
            .collect();
        slots.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut storages = vec![&[][..]; self.accounts.len()];
        for storage in slots.chunk_by(|a, b| a.0 == b.0) {
            storages[storage[0].0.0 as usize] = storage;
        }
        let mut order: Vec<usize> = (0..self.accounts.len()).collect();
        order.sort_unstable_by_key(|index| self.accounts[*index].address);

        let mut accounts = Vec::with_capacity(order.len());
        let mut codes = BTreeMap::new();
        for index in order {
            let (entry, storage) = (&self.accounts[index], storages[index]);
            let after = Some(entry.current).filter(|account| !account.is_empty());
            if after == entry.committed && storage.is_empty() {
                continue;
            }
            assert!(after.is_some() || storage.is_empty(), "only accounts that exist have storage");
            if let Some(account) = after.filter(Account::has_code)
                && entry.committed.is_none_or(|before| before.code_hash != account.code_hash)
            {
                let code = self.codes.get(&account.code_hash).expect("set_code keeps the code it sets");
                codes.insert(account.code_hash, code.clone());
            }
            let storage = storage.iter().map(|(_, key, change)| (*key, *change)).collect();
            accounts.push((entry.address, AccountChange { before: entry.committed, after, storage }));
        }
        ChangeSet { accounts: accounts.into_iter().collect(), codes }
    }

    fn entry(&self, id: AccountId) -> &AccountEntry {
        &self.accounts[id.0 as usize]
    }

    fn entry_mut(&mut self, id: AccountId) -> &mut AccountEntry {
        &mut self.accounts[id.0 as usize]
    }

    /// The slot, its original value brought up to this transaction.
    fn slot_mut(&mut self, id: SlotId) -> &mut SlotEntry {
        let epoch = self.epoch;
        let slot = &mut self.slots[id.0 as usize];
        if slot.touched != epoch {
            slot.touched = epoch;
            slot.original = slot.current;
        }
        slot
    }
}

fn index_of(len: usize) -> u32 {
    u32::try_from(len).expect("a block's gas does not buy 2^32 accesses")
}
