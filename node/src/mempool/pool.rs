//! The pool itself: transactions by sender and nonce, bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U256};
use esker_runtime::Transaction;
use esker_runtime::exec::next_base_fee;
use esker_runtime::state::{Account, ChangeSet};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::admission::{cost, may_replace};
use super::price::{ByPrice, Caps, Priced, Worth};
use super::sender::{Entry, Sender};
use super::{Admission, Arrivals, BestTransactions, PoolError};
use crate::chain::{Committed, Follower};

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

/// How many transactions wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Executable ones.
    pub pending: usize,
    /// Those behind a nonce gap.
    pub queued: usize,
}

/// Transactions by sender and nonce.
pub type ByNonce = BTreeMap<Address, BTreeMap<u64, Arc<Transaction>>>;

/// Everything that waits.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Executable ones.
    pub pending: ByNonce,
    /// Those behind a nonce gap.
    pub queued: ByNonce,
}

/// What is in the pool, with all its indices. A sender is taken out of them before it changes and put back after.
#[derive(Debug, Default)]
struct Inner {
    base_fee: u64,
    senders: BTreeMap<Address, Sender>,
    by_hash: BTreeMap<B256, (Address, u64)>,
    by_arrival: BTreeMap<u64, B256>,
    /// The next executable transaction of each sender.
    heads: ByPrice,
    /// The last transaction of each sender, if it is executable.
    tails: ByPrice,
    /// The last transaction of each sender, if it is queued.
    queued_tails: ByPrice,
    executable: usize,
    bytes: usize,
    arrivals: Arrivals,
}

/// The mempool. Cheap to share; every method locks for a short time.
pub struct Pool {
    limits: Limits,
    inner: Mutex<Inner>,
    arrived: watch::Sender<u64>,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, inner: Mutex::default(), arrived: watch::Sender::new(0), wake: OnceLock::new() }
    }

    /// Has `wake` called whenever a transaction has come in, whoever brought it and whether or not they wait for it, and
    /// whenever [`Pool::refresh`] has made one executable.
    ///
    /// # Panics
    /// If somebody is called already.
    pub fn on_arrival(&self, wake: impl Fn() + Send + Sync + 'static) {
        assert!(self.wake.set(Box::new(wake)).is_ok(), "a pool has one block producer");
    }

    /// Adds `transaction`, or refuses it in geth's words.
    ///
    /// # Errors
    /// [`PoolError`]; the pool is then as it was.
    pub fn add(&self, transaction: Transaction, admission: &Admission<'_>) -> Result<Added, PoolError> {
        let hash = transaction.hash();
        if self.inner.lock().by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown);
        }
        admission.check(&transaction)?;
        if transaction.fee_cap() < self.limits.fee_cap_min {
            let (fee_cap, minimum) = (transaction.fee_cap(), self.limits.fee_cap_min);
            return Err(PoolError::Underpriced { fee_cap, minimum });
        }
        let mut inner = self.inner.lock();
        let added = inner.insert(Arc::new(transaction), &admission.account, &self.limits)?;
        let count = inner.arrivals.push(hash);
        drop(inner);
        self.arrived.send_replace(count);
        self.wake();
        Ok(added)
    }

    fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }

    /// Follows a block: what it made pointless goes, what its senders cannot pay any more is not offered to the next one,
    /// and whatever has waited too long at `now` goes too. `base_fee` is the next block's.
    pub fn on_block(&self, changes: &ChangeSet, base_fee: u64, now: Instant) {
        let mut inner = self.inner.lock();
        inner.set_base_fee(base_fee);
        let affected: Vec<(Address, Account)> = changes
            .accounts
            .iter()
            .filter(|(address, _)| inner.senders.contains_key(*address))
            .map(|(address, change)| (*address, change.after.unwrap_or_default()))
            .collect();
        for (address, account) in affected {
            inner.update(address, &account);
        }
        inner.expire(now, self.limits.lifetime);
    }

    /// Tells what `sender` has in the head's state. Whoever added a transaction does so with an account read after that: a
    /// block may have been committed between reading the account and adding.
    pub fn refresh(&self, sender: Address, account: &Account) {
        let mut inner = self.inner.lock();
        let before = inner.senders.get(&sender).map(Sender::run_end);
        inner.update(sender, account);
        let after = inner.senders.get(&sender).map(Sender::run_end);
        drop(inner);
        // Whoever was woken by the arrival may have looked before this, and found nothing that can go into a block.
        if after > before {
            self.wake();
        }
    }

    /// Throws a transaction out.
    pub fn remove(&self, hash: B256) -> Option<Arc<Transaction>> {
        self.inner.lock().remove(hash)
    }

    /// The transaction with this hash, executable or not.
    #[must_use]
    pub fn get(&self, hash: B256) -> Option<Arc<Transaction>> {
        let inner = self.inner.lock();
        let (sender, nonce) = inner.by_hash.get(&hash)?;
        inner.senders.get(sender)?.waiting().get(nonce).map(|entry| entry.transaction.clone())
    }

    /// Whether the transaction with this hash waits here.
    #[must_use]
    pub fn contains(&self, hash: B256) -> bool {
        self.inner.lock().by_hash.contains_key(&hash)
    }

    /// The least fee cap that is taken, in wei a gas.
    #[must_use]
    pub const fn fee_cap_min(&self) -> u128 {
        self.limits.fee_cap_min
    }

    /// Everything that waits, in the order in which it came.
    #[must_use]
    pub fn in_order(&self) -> Vec<Arc<Transaction>> {
        let inner = self.inner.lock();
        inner.entries_in_order().map(|(entry, _)| entry.transaction.clone()).collect()
    }

    /// What could go into the next block and came `age` or longer before `now`, in the order in which it came, as far as
    /// `bytes_max` encoded bytes go.
    #[must_use]
    pub fn executable_in_order(&self, age: Duration, now: Instant, bytes_max: usize) -> Vec<Arc<Transaction>> {
        let inner = self.inner.lock();
        let mut bytes = 0;
        inner
            .entries_in_order()
            .take_while(|(entry, _)| now.saturating_duration_since(entry.since) >= age)
            .filter(|(entry, is_executable)| {
                *is_executable && Caps::of(&entry.transaction).effective_tip(inner.base_fee).is_some()
            })
            .map(|(entry, _)| entry.transaction.clone())
            .take_while(|transaction| {
                bytes += transaction.encoded_len();
                bytes <= bytes_max
            })
            .collect()
    }

    /// The nonce after `sender`'s run of executable transactions; `None` if it has none waiting.
    #[must_use]
    pub fn pending_nonce(&self, sender: Address) -> Option<u64> {
        self.inner.lock().senders.get(&sender).map(Sender::run_end)
    }

    /// What can go into a block with this base fee, best first: by effective tip, then by arrival, and each sender's by
    /// nonce. Nothing is copied: what comes in or goes out meanwhile is seen where it has not been passed.
    #[must_use]
    pub fn best(&self, base_fee: u64) -> BestTransactions<'_> {
        self.inner.lock().set_base_fee(base_fee);
        BestTransactions::new(self, base_fee)
    }

    /// The best next transaction of a sender that is worth less than `after` at this base fee.
    pub(super) fn best_head(&self, after: Option<Worth>, base_fee: u64) -> Option<(Priced, Arc<Transaction>)> {
        let mut inner = self.inner.lock();
        // A block may have been committed since the last call: what is worth less would be another order then.
        inner.set_base_fee(base_fee);
        let head = inner.heads.best_after(after)?;
        let sender = inner.senders.get(&head.sender)?;
        let entry = sender.waiting().get(&sender.next_nonce())?;
        Some((head, entry.transaction.clone()))
    }

    /// `sender`'s executable transaction with this nonce.
    pub(super) fn executable(&self, sender: Address, nonce: u64) -> Option<(Priced, Arc<Transaction>)> {
        let inner = self.inner.lock();
        let waiting = inner.senders.get(&sender).filter(|sender| nonce < sender.run_end())?;
        let entry = waiting.waiting().get(&nonce)?;
        let priced = Priced { caps: Caps::of(&entry.transaction), arrival: entry.arrival, sender };
        Some((priced, entry.transaction.clone()))
    }

    /// Whether some transaction can go into a block with this base fee.
    #[must_use]
    pub fn has_executable(&self, base_fee: u64) -> bool {
        let mut inner = self.inner.lock();
        inner.set_base_fee(base_fee);
        inner.heads.best_after(None).is_some()
    }

    /// How many wait.
    #[must_use]
    pub fn status(&self) -> Status {
        let inner = self.inner.lock();
        Status { pending: inner.executable, queued: inner.by_hash.len() - inner.executable }
    }

    /// Everything that waits, or what waits of one sender.
    #[must_use]
    pub fn content(&self, only: Option<Address>) -> Content {
        let inner = self.inner.lock();
        let mut content = Content::default();
        for (address, sender) in inner.senders.iter().filter(|(address, _)| only.is_none_or(|only| only == **address)) {
            for (nonce, entry) in sender.waiting() {
                let part = if *nonce < sender.run_end() { &mut content.pending } else { &mut content.queued };
                part.entry(*address).or_default().insert(*nonce, entry.transaction.clone());
            }
        }
        content
    }

    /// How many transactions arrived so far: changes with each arrival.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.arrived.subscribe()
    }

    /// The hashes that arrived after the first `seen`, and how many arrived in all.
    #[must_use]
    pub fn arrivals_since(&self, seen: u64) -> (Vec<B256>, u64) {
        let inner = self.inner.lock();
        (inner.arrivals.since(seen), inner.arrivals.count())
    }
}

impl Follower for Pool {
    fn committed(&self, committed: &Committed) {
        let header = &committed.block.header;
        let base_fee = next_base_fee(header.gas_used, header.gas_limit, header.base_fee_per_gas.unwrap_or_default());
        self.on_block(&committed.changes, base_fee, Instant::now());
    }
}

impl Inner {
    /// What waits, in the order in which it came, and whether it is executable.
    fn entries_in_order(&self) -> impl Iterator<Item = (&Entry, bool)> {
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

    fn set_base_fee(&mut self, base_fee: u64) {
        if base_fee == self.base_fee {
            return;
        }
        self.base_fee = base_fee;
        for index in [&mut self.heads, &mut self.tails, &mut self.queued_tails] {
            index.set_base_fee(base_fee);
        }
    }

    fn insert(
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

    fn remove(&mut self, hash: B256) -> Option<Arc<Transaction>> {
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

    fn update(&mut self, address: Address, account: &Account) {
        let gone = self.change(address, |sender| sender.update(account.nonce, account.balance));
        for entry in gone.unwrap_or_default() {
            self.gone(&entry);
        }
    }

    /// Throws out what came in more than `lifetime` before `now`.
    fn expire(&mut self, now: Instant, lifetime: Duration) {
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
