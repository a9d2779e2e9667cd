//! What is in the pool: transactions by sender and nonce with all their indices, and who makes room for whom.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U256};
use esker_runtime::Transaction;
use esker_runtime::state::Account;

use super::admission::{cost, may_replace};
use super::price::{ByPrice, Caps, Priced};
use super::sender::{Entry, Sender};
use super::{Arrivals, PoolError};

/// How much the pool may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Transactions in all.
    pub transactions: usize,
    /// Encoded bytes in all.
    pub bytes: usize,
    /// Transactions of one sender.
    pub per_sender: usize,
    /// Least fee cap, in wei a gas. Below the smallest base fee that blocks come down to, 7 wei, none can carry it.
    pub fee_cap_min: u128,
    /// How long a transaction may wait.
    pub lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            transactions: 20_000,
            bytes: 128 << 20,
            per_sender: 5_000,
            fee_cap_min: 7,
            lifetime: Duration::from_secs(3 * 60 * 60),
        }
    }
}

/// Where a new transaction went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It can go into the next block.
    Pending,
    /// It waits for a nonce before it.
    Queued,
}

/// What is in the pool, with all its indices. A sender is taken out of them before it changes and put back after.
#[derive(Debug, Default)]
pub(super) struct Stock {
    pub(super) base_fee: u64,
    pub(super) senders: BTreeMap<Address, Sender>,
    pub(super) by_hash: BTreeMap<B256, (Address, u64)>,
    by_arrival: BTreeMap<u64, B256>,
    /// The next executable transaction of each sender.
    pub(super) heads: ByPrice,
    /// The last transaction of each sender, if it is executable.
    tails: ByPrice,
    /// The last transaction of each sender, if it is queued.
    queued_tails: ByPrice,
    pub(super) executable: usize,
    bytes: usize,
    pub(super) arrivals: Arrivals,
}

impl Stock {
    /// What waits, in the order in which it came, and whether it is executable.
    pub(super) fn entries_in_order(&self) -> impl Iterator<Item = (&Entry, bool)> {
        self.by_arrival.values().filter_map(|hash| {
            let (address, nonce) = self.by_hash.get(hash)?;
            let sender = self.senders.get(address)?;
            Some((sender.waiting().get(nonce)?, *nonce < sender.run_end()))
        })
    }

    /// Changes a sender, if it is there. One that has nothing waiting afterwards is forgotten.
    fn change<T>(&mut self, address: Address, change: impl FnOnce(&mut Sender) -> T) -> Option<T> {
        let mut sender = self.senders.remove(&address)?;
        self.detach(&sender);
        let result = change(&mut sender);
        self.attach(sender);
        Some(result)
    }

    fn detach(&mut self, sender: &Sender) {
        self.executable -= sender.executable();
        if let Some(head) = sender.head() {
            self.heads.remove(&head);
        }
        match sender.tail() {
            Some((tail, true)) => self.queued_tails.remove(&tail),
            Some((tail, false)) => self.tails.remove(&tail),
            None => {}
        }
    }

    fn attach(&mut self, sender: Sender) {
        let Some((tail, is_queued)) = sender.tail() else { return };
        self.executable += sender.executable();
        if let Some(head) = sender.head() {
            self.heads.insert(head);
        }
        if is_queued {
            self.queued_tails.insert(tail)
        } else {
            self.tails.insert(tail)
        }
        self.senders.insert(tail.sender, sender);
    }

    /// Forgets what is not in its sender's hands any more.
    fn gone(&mut self, entry: &Entry) {
        self.by_hash.remove(&entry.transaction.hash());
        self.by_arrival.remove(&entry.arrival);
        self.bytes -= entry.transaction.encoded_len();
    }

    pub(super) fn set_base_fee(&mut self, base_fee: u64) {
        if base_fee == self.base_fee {
            return;
        }
        self.base_fee = base_fee;
        for index in [&mut self.heads, &mut self.tails, &mut self.queued_tails] {
            index.set_base_fee(base_fee);
        }
    }

    pub(super) fn insert(
        &mut self,
        transaction: Arc<Transaction>,
        account: &Account,
        limits: &Limits,
    ) -> Result<Added, PoolError> {
        let (address, nonce, hash) = (transaction.sender(), transaction.nonce(), transaction.hash());
        if self.by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown);
        }
        self.update(address, account);
        let sender = self.senders.get(&address);
        let replaced = sender.and_then(|sender| sender.waiting().get(&nonce)).map(|entry| entry.transaction.clone());
        let given_up = replaced.as_ref().map_or(U256::ZERO, |old| cost(old));
        let queued = sender.map_or(U256::ZERO, Sender::cost).saturating_sub(given_up);
        let new = cost(&transaction);
        // What takes no more than the one that it replaces is welcome even if the account has lost coins.
        if new > given_up && queued.saturating_add(new) > account.balance {
            return Err(PoolError::Overdraft { balance: account.balance, queued, cost: new });
        }
        if replaced.is_some_and(|old| !may_replace(&old, &transaction)) {
            return Err(PoolError::ReplacementUnderpriced);
        }
        let mut thrown_out = Vec::new();
        let room = self.make_room(&transaction, account, limits, &mut thrown_out);
        if let Err(full) = room {
            // A transaction that is refused costs its sender nothing: it must not cost others their places.
            for (entry, account) in thrown_out.into_iter().rev() {
                self.put(entry.transaction, entry.arrival, entry.since, &account);
            }
            return Err(full);
        }
        Ok(self.put(transaction, self.arrivals.count(), Instant::now(), account))
    }

    /// Puts a transaction among what its sender, whose account this is if it has nothing waiting, has waiting.
    fn put(&mut self, transaction: Arc<Transaction>, arrival: u64, since: Instant, account: &Account) -> Added {
        let (address, nonce, hash) = (transaction.sender(), transaction.nonce(), transaction.hash());
        self.bytes += transaction.encoded_len();
        self.by_hash.insert(hash, (address, nonce));
        self.by_arrival.insert(arrival, hash);
        let mut sender = match self.senders.remove(&address) {
            Some(sender) => {
                self.detach(&sender);
                sender
            }
            None => Sender::new(address, account.nonce, account.balance),
        };
        let replaced = sender.insert(transaction, arrival, since);
        let added = if nonce < sender.run_end() { Added::Pending } else { Added::Queued };
        self.attach(sender);
        if let Some(old) = replaced {
            self.gone(&old);
        }
        added
    }

    /// Throws others out until the newcomer fits: of those that are queued the worst first, then of the executable ones what
    /// pays less than the newcomer. Each goes to `thrown_out`, with its sender's account as far as it is known here.
    fn make_room(
        &mut self,
        newcomer: &Transaction,
        account: &Account,
        limits: &Limits,
        thrown_out: &mut Vec<(Entry, Account)>,
    ) -> Result<(), PoolError> {
        let sender = self.senders.get(&newcomer.sender());
        let (nonce, own) = (newcomer.nonce(), Caps::of(newcomer));
        let is_executable = nonce <= sender.map_or(account.nonce, Sender::run_end);
        let caps = sender.map_or(own, |sender| sender.reached_for(nonce, own));
        let newcomer_priced = Priced { caps, arrival: u64::MAX, sender: newcomer.sender() };
        let worth = newcomer_priced.worth(self.base_fee);
        let is_payable = is_executable && caps.effective_tip(self.base_fee).is_some();
        loop {
            let sender = self.senders.get(&newcomer.sender());
            let replaced = sender.and_then(|sender| sender.waiting().get(&nonce));
            let (grows, freed) = replaced.map_or((1, 0), |old| (0, old.transaction.encoded_len()));
            let waiting = sender.map_or(0, |sender| sender.waiting().len());
            let is_full = self.by_hash.len() + grows > limits.transactions
                || self.bytes - freed + newcomer.encoded_len() > limits.bytes;
            let (victim, may_go, refusal) = if waiting + grows > limits.per_sender {
                // A gap that nobody could close would hold up all that waits behind it.
                let queued = sender.and_then(Sender::tail).filter(|(_, is_queued)| *is_queued).map(|(tail, _)| tail);
                (queued, is_executable, PoolError::AccountLimit { waiting, limit: limits.per_sender })
            } else if !is_full {
                return Ok(());
            } else if let Some(queued) = self.queued_tails.worst() {
                (Some(queued), is_payable || queued.worth(self.base_fee) < worth, PoolError::Full)
            } else {
                let last = self.tails.worst();
                let is_better = last.is_some_and(|last| last.worth(self.base_fee) < worth);
                (last, is_executable && is_better, PoolError::Full)
            };
            let hash = victim.filter(|_| may_go).and_then(|victim| self.by_arrival.get(&victim.arrival).copied());
            let Some(gone) = hash.and_then(|hash| self.take(hash)) else { return Err(refusal) };
            thrown_out.push(gone);
        }
    }

    pub(super) fn remove(&mut self, hash: B256) -> Option<Arc<Transaction>> {
        self.take(hash).map(|(entry, _)| entry.transaction)
    }

    /// Takes a transaction out; gives it with what is known of its sender's account.
    fn take(&mut self, hash: B256) -> Option<(Entry, Account)> {
        let (address, nonce) = self.by_hash.get(&hash).copied()?;
        let (entry, account) = self.change(address, |sender| (sender.remove(nonce), sender.account()))?;
        let entry = entry?;
        self.gone(&entry);
        Some((entry, account))
    }

    pub(super) fn update(&mut self, address: Address, account: &Account) {
        let gone = self.change(address, |sender| sender.update(account.nonce, account.balance));
        for entry in gone.unwrap_or_default() {
            self.gone(&entry);
        }
    }

    /// Throws out what came in more than `lifetime` before `now`.
    pub(super) fn expire(&mut self, now: Instant, lifetime: Duration) {
        let mut old: BTreeMap<Address, Vec<u64>> = BTreeMap::new();
        for hash in self.by_arrival.values() {
            let Some((address, nonce)) = self.by_hash.get(hash).copied() else { continue };
            let entry = self.senders.get(&address).and_then(|sender| sender.waiting().get(&nonce));
            if entry.is_some_and(|entry| now.saturating_duration_since(entry.since) <= lifetime) {
                break;
            }
            old.entry(address).or_default().push(nonce);
        }
        // A sender's all at once: each one by itself would have it sorted out again.
        for (address, nonces) in old {
            for entry in self.change(address, |sender| sender.remove_all(&nonces)).unwrap_or_default() {
                self.gone(&entry);
            }
        }
    }
}
