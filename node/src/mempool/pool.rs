//! The pool as others use it: whoever adds, asks or follows blocks locks the stock for a short time, and who waits is told.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256};
use esker_runtime::Transaction;
use esker_runtime::exec::next_base_fee;
use esker_runtime::state::{Account, ChangeSet};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::price::{Caps, Priced, Worth};
use super::sender::Sender;
use super::stock::{Added, Limits, Stock};
use super::{Admission, BestTransactions, PoolError};
use crate::chain::{Committed, Follower};

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

/// The mempool. Cheap to share; every method locks for a short time.
pub struct Pool {
    limits: Limits,
    stock: Mutex<Stock>,
    arrived: watch::Sender<u64>,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, stock: Mutex::default(), arrived: watch::Sender::new(0), wake: OnceLock::new() }
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
        if self.stock.lock().by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown);
        }
        admission.check(&transaction)?;
        if transaction.fee_cap() < self.limits.fee_cap_min {
            let (fee_cap, minimum) = (transaction.fee_cap(), self.limits.fee_cap_min);
            return Err(PoolError::Underpriced { fee_cap, minimum });
        }
        let mut stock = self.stock.lock();
        let added = stock.insert(Arc::new(transaction), &admission.account, &self.limits)?;
        let count = stock.arrivals.push(hash);
        drop(stock);
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
        let mut stock = self.stock.lock();
        stock.set_base_fee(base_fee);
        let affected: Vec<(Address, Account)> = changes
            .accounts
            .iter()
            .filter(|(address, _)| stock.senders.contains_key(*address))
            .map(|(address, change)| (*address, change.after.unwrap_or_default()))
            .collect();
        for (address, account) in affected {
            stock.update(address, &account);
        }
        stock.expire(now, self.limits.lifetime);
    }

    /// Tells what `sender` has in the head's state. Whoever added a transaction does so with an account read after that: a
    /// block may have been committed between reading the account and adding.
    pub fn refresh(&self, sender: Address, account: &Account) {
        let mut stock = self.stock.lock();
        let before = stock.senders.get(&sender).map(Sender::run_end);
        stock.update(sender, account);
        let after = stock.senders.get(&sender).map(Sender::run_end);
        drop(stock);
        // Whoever was woken by the arrival may have looked before this, and found nothing that can go into a block.
        if after > before {
            self.wake();
        }
    }

    /// Throws a transaction out.
    pub fn remove(&self, hash: B256) -> Option<Arc<Transaction>> {
        self.stock.lock().remove(hash)
    }

    /// The transaction with this hash, executable or not.
    #[must_use]
    pub fn get(&self, hash: B256) -> Option<Arc<Transaction>> {
        let stock = self.stock.lock();
        let (sender, nonce) = stock.by_hash.get(&hash)?;
        stock.senders.get(sender)?.waiting().get(nonce).map(|entry| entry.transaction.clone())
    }

    /// Whether the transaction with this hash waits here.
    #[must_use]
    pub fn contains(&self, hash: B256) -> bool {
        self.stock.lock().by_hash.contains_key(&hash)
    }

    /// The least fee cap that is taken, in wei a gas.
    #[must_use]
    pub const fn fee_cap_min(&self) -> u128 {
        self.limits.fee_cap_min
    }

    /// Everything that waits, in the order in which it came.
    #[must_use]
    pub fn in_order(&self) -> Vec<Arc<Transaction>> {
        let stock = self.stock.lock();
        stock.entries_in_order().map(|(entry, _)| entry.transaction.clone()).collect()
    }

    /// What could go into the next block and came `age` or longer before `now`, in the order in which it came, as far as
    /// `bytes_max` encoded bytes go.
    #[must_use]
    pub fn executable_in_order(&self, age: Duration, now: Instant, bytes_max: usize) -> Vec<Arc<Transaction>> {
        let stock = self.stock.lock();
        let mut bytes = 0;
        stock
            .entries_in_order()
            .take_while(|(entry, _)| now.saturating_duration_since(entry.since) >= age)
            .filter(|(entry, is_executable)| {
                *is_executable && Caps::of(&entry.transaction).effective_tip(stock.base_fee).is_some()
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
        self.stock.lock().senders.get(&sender).map(Sender::run_end)
    }

    /// What can go into a block with this base fee, best first: by effective tip, then by arrival, and each sender's by
    /// nonce. Nothing is copied: what comes in or goes out meanwhile is seen where it has not been passed.
    #[must_use]
    pub fn best(&self, base_fee: u64) -> BestTransactions<'_> {
        self.stock.lock().set_base_fee(base_fee);
        BestTransactions::new(self, base_fee)
    }

    /// The best next transaction of a sender that is worth less than `after` at this base fee.
    pub(super) fn best_head(&self, after: Option<Worth>, base_fee: u64) -> Option<(Priced, Arc<Transaction>)> {
        let mut stock = self.stock.lock();
        // A block may have been committed since the last call: what is worth less would be another order then.
        stock.set_base_fee(base_fee);
        let head = stock.heads.best_after(after)?;
        let sender = stock.senders.get(&head.sender)?;
        let entry = sender.waiting().get(&sender.next_nonce())?;
        Some((head, entry.transaction.clone()))
    }

    /// `sender`'s executable transaction with this nonce.
    pub(super) fn executable(&self, sender: Address, nonce: u64) -> Option<(Priced, Arc<Transaction>)> {
        let stock = self.stock.lock();
        let waiting = stock.senders.get(&sender).filter(|sender| nonce < sender.run_end())?;
        let entry = waiting.waiting().get(&nonce)?;
        let priced = Priced { caps: Caps::of(&entry.transaction), arrival: entry.arrival, sender };
        Some((priced, entry.transaction.clone()))
    }

    /// Whether some transaction can go into a block with this base fee.
    #[must_use]
    pub fn has_executable(&self, base_fee: u64) -> bool {
        let mut stock = self.stock.lock();
        stock.set_base_fee(base_fee);
        stock.heads.best_after(None).is_some()
    }

    /// How many wait.
    #[must_use]
    pub fn status(&self) -> Status {
        let stock = self.stock.lock();
        Status { pending: stock.executable, queued: stock.by_hash.len() - stock.executable }
    }

    /// Everything that waits, or what waits of one sender.
    #[must_use]
    pub fn content(&self, only: Option<Address>) -> Content {
        let stock = self.stock.lock();
        let mut content = Content::default();
        for (address, sender) in stock.senders.iter().filter(|(address, _)| only.is_none_or(|only| only == **address)) {
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
        let stock = self.stock.lock();
        (stock.arrivals.since(seen), stock.arrivals.count())
    }
}

impl Follower for Pool {
    fn committed(&self, committed: &Committed) {
        let header = &committed.block.header;
        let base_fee = next_base_fee(header.gas_used, header.gas_limit, header.base_fee_per_gas.unwrap_or_default());
        self.on_block(&committed.changes, base_fee, Instant::now());
    }
}
