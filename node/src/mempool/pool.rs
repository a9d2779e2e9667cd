//! The pool itself: transactions by sender and nonce, bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use alloy_primitives::{Address, B256};
use esker_runtime::Transaction;
use esker_runtime::state::ChangeSet;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::admission::may_replace;
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
}

impl Default for Limits {
    fn default() -> Self {
        Self { transactions: 20_000, bytes: 128 << 20, per_sender: 5_000 }
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

#[derive(Debug)]
struct Entry {
    transaction: Arc<Transaction>,
    arrival: u64,
}

#[derive(Debug, Default)]
struct Sender {
    /// The account's nonce in the head's state.
    next_nonce: u64,
    waiting: BTreeMap<u64, Entry>,
}

impl Sender {
    /// The first nonce that no transaction of an unbroken run has.
    fn gap(&self) -> u64 {
        let mut nonce = self.next_nonce;
        while self.waiting.contains_key(&nonce) {
            nonce += 1;
        }
        nonce
    }
}

#[derive(Debug, Default)]
struct Inner {
    senders: BTreeMap<Address, Sender>,
    by_hash: BTreeMap<B256, (Address, u64)>,
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

    /// Has `wake` called whenever a transaction has come in, whoever brought it and whether or not they wait for it.
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
        let mut inner = self.inner.lock();
        let added = inner.insert(Arc::new(transaction), admission.account.nonce, &self.limits)?;
        let count = inner.arrivals.push(hash);
        drop(inner);
        self.arrived.send_replace(count);
        if let Some(wake) = self.wake.get() {
            wake();
        }
        Ok(added)
    }

    /// Forgets what a block made pointless: whatever has a nonce below its sender's new one.
    pub fn on_block(&self, changes: &ChangeSet) {
        let mut inner = self.inner.lock();
        let affected: Vec<(Address, u64)> = changes
            .accounts
            .iter()
            .filter(|(address, _)| inner.senders.contains_key(*address))
            .map(|(address, change)| (*address, change.after.map_or(0, |account| account.nonce)))
            .collect();
        for (address, nonce) in affected {
            inner.advance(address, nonce);
        }
    }

    /// Tells the nonce that `sender` has in the head's state. Whoever added a transaction does so with an account read
    /// after that: a block may have been committed between reading the account and adding.
    pub fn refresh(&self, sender: Address, nonce: u64) {
        self.inner.lock().advance(sender, nonce);
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
        inner.senders.get(sender)?.waiting.get(nonce).map(|entry| entry.transaction.clone())
    }

    /// The nonce after the unbroken run of `sender`'s waiting transactions; `None` if it has none waiting.
    #[must_use]
    pub fn pending_nonce(&self, sender: Address) -> Option<u64> {
        self.inner.lock().senders.get(&sender).map(Sender::gap)
    }

    /// A snapshot of what can go into a block with this base fee, best first.
    #[must_use]
    pub fn best(&self, base_fee: u64) -> BestTransactions {
        let inner = self.inner.lock();
        let runs = inner.senders.iter().map(|(address, sender)| {
            let gap = sender.gap();
            let run = sender.waiting.range(..gap).map(|(_, entry)| (entry.arrival, entry.transaction.clone()));
            (*address, run.collect::<Vec<_>>())
        });
        BestTransactions::new(base_fee, runs.filter(|(_, run)| !run.is_empty()).collect())
    }

    /// Whether some transaction can go into a block with this base fee.
    #[must_use]
    pub fn has_executable(&self, base_fee: u64) -> bool {
        let inner = self.inner.lock();
        inner.senders.values().any(|sender| {
            let next = sender.waiting.get(&sender.next_nonce);
            next.is_some_and(|entry| super::best::effective_tip(&entry.transaction, base_fee).is_some())
        })
    }

    /// How many wait.
    #[must_use]
    pub fn status(&self) -> Status {
        let inner = self.inner.lock();
        let mut status = Status::default();
        for sender in inner.senders.values() {
            let pending = sender.waiting.range(..sender.gap()).count();
            status.pending += pending;
            status.queued += sender.waiting.len() - pending;
        }
        status
    }

    /// Everything that waits, or what waits of one sender.
    #[must_use]
    pub fn content(&self, only: Option<Address>) -> Content {
        let inner = self.inner.lock();
        let mut content = Content::default();
        for (address, sender) in inner.senders.iter().filter(|(address, _)| only.is_none_or(|only| only == **address)) {
            let gap = sender.gap();
            for (nonce, entry) in &sender.waiting {
                let part = if *nonce < gap { &mut content.pending } else { &mut content.queued };
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
        self.on_block(&committed.changes);
    }
}

impl Inner {
    fn insert(&mut self, transaction: Arc<Transaction>, next_nonce: u64, limits: &Limits) -> Result<Added, PoolError> {
        let (address, nonce, hash) = (transaction.sender(), transaction.nonce(), transaction.hash());
        if self.by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown);
        }
        let existing = self.senders.get(&address).and_then(|sender| sender.waiting.get(&nonce));
        let replaced = existing.map(|entry| entry.transaction.clone());
        match &replaced {
            Some(old) if !may_replace(old, &transaction) => return Err(PoolError::ReplacementUnderpriced),
            Some(_) => {}
            None => self.make_room(&transaction, next_nonce, limits)?,
        }
        if let Some(old) = replaced {
            self.remove(old.hash());
        }
        self.bytes += transaction.encoded_len();
        self.by_hash.insert(hash, (address, nonce));
        let arrival = self.arrivals.count();
        let sender = self.senders.entry(address).or_default();
        // A block may have been committed since the caller read the account: nonces only grow.
        sender.next_nonce = sender.next_nonce.max(next_nonce);
        sender.waiting.insert(nonce, Entry { transaction, arrival });
        Ok(if nonce < sender.gap() { Added::Pending } else { Added::Queued })
    }

    /// Throws out transactions behind nonce gaps, the worst paying first, until the newcomer fits.
    fn make_room(&mut self, newcomer: &Transaction, next_nonce: u64, limits: &Limits) -> Result<(), PoolError> {
        let waiting = self.senders.get(&newcomer.sender()).map_or(0, |sender| sender.waiting.len());
        if waiting >= limits.per_sender {
            return Err(PoolError::AccountLimit { waiting, limit: limits.per_sender });
        }
        let is_next = newcomer.nonce() <= self.senders.get(&newcomer.sender()).map_or(next_nonce, Sender::gap);
        while self.by_hash.len() >= limits.transactions || self.bytes + newcomer.encoded_len() > limits.bytes {
            let worst = self
                .senders
                .values()
                .flat_map(|sender| sender.waiting.range(sender.gap()..).map(|(_, entry)| &entry.transaction))
                .min_by_key(|transaction| transaction.tip_cap())
                .cloned();
            match worst {
                Some(worst) if is_next || worst.tip_cap() < newcomer.tip_cap() => {
                    self.remove(worst.hash());
                }
                _ => return Err(PoolError::Full),
            }
        }
        Ok(())
    }

    fn remove(&mut self, hash: B256) -> Option<Arc<Transaction>> {
        let (address, nonce) = self.by_hash.remove(&hash)?;
        let sender = self.senders.get_mut(&address)?;
        let entry = sender.waiting.remove(&nonce)?;
        if sender.waiting.is_empty() {
            self.senders.remove(&address);
        }
        self.bytes -= entry.transaction.encoded_len();
        Some(entry.transaction)
    }

    fn advance(&mut self, address: Address, nonce: u64) {
        let Some(sender) = self.senders.get_mut(&address) else { return };
        sender.next_nonce = sender.next_nonce.max(nonce);
        let rest = sender.waiting.split_off(&nonce);
        let done = std::mem::replace(&mut sender.waiting, rest);
        if sender.waiting.is_empty() {
            self.senders.remove(&address);
        }
        for entry in done.into_values() {
            self.by_hash.remove(&entry.transaction.hash());
            self.bytes -= entry.transaction.encoded_len();
        }
    }
}
