//! What waits of one sender.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use alloy_primitives::{Address, U256};
use esker_runtime::Transaction;
use esker_runtime::state::Account;

use super::admission::cost;
use super::price::{Caps, Priced};

/// A transaction that waits.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) transaction: Arc<Transaction>,
    /// Which one it was of all that came in.
    pub(super) arrival: u64,
    pub(super) since: Instant,
    /// The lower of its caps and those of all that wait before it: no block reaches it for more.
    reached_for: Caps,
}

/// One sender's transactions, by nonce. Those that can go into blocks one after the other, as far as the account's coins
/// last, are its run; the rest is queued.
#[derive(Debug)]
pub(super) struct Sender {
    address: Address,
    /// The account's nonce in the head's state.
    next_nonce: u64,
    /// The account's coins in the head's state, in wei.
    balance: U256,
    waiting: BTreeMap<u64, Entry>,
    /// The nonce after the run.
    run_end: u64,
    /// The most that everything here can cost, in wei.
    cost: U256,
}

impl Sender {
    pub(super) fn new(address: Address, next_nonce: u64, balance: U256) -> Self {
        let (waiting, run_end, cost) = (BTreeMap::new(), next_nonce, U256::ZERO);
        Self { address, next_nonce, balance, waiting, run_end, cost }
    }

    /// What is known of the account.
    pub(super) fn account(&self) -> Account {
        Account { nonce: self.next_nonce, balance: self.balance, ..Account::default() }
    }

    pub(super) const fn next_nonce(&self) -> u64 {
        self.next_nonce
    }

    /// The nonce after the run.
    pub(super) const fn run_end(&self) -> u64 {
        self.run_end
    }

    pub(super) const fn cost(&self) -> U256 {
        self.cost
    }

    pub(super) const fn waiting(&self) -> &BTreeMap<u64, Entry> {
        &self.waiting
    }

    /// How many are in the run.
    pub(super) fn executable(&self) -> usize {
        usize::try_from(self.run_end - self.next_nonce).unwrap_or(usize::MAX)
    }

    /// The next one of the run, as a block's builder sees it.
    pub(super) fn head(&self) -> Option<Priced> {
        let entry = self.waiting.get(&self.next_nonce).filter(|_| self.run_end > self.next_nonce)?;
        Some(Priced { caps: Caps::of(&entry.transaction), arrival: entry.arrival, sender: self.address })
    }

    /// The last one, which is the one to be thrown out first, and whether it is queued.
    pub(super) fn tail(&self) -> Option<(Priced, bool)> {
        let (nonce, entry) = self.waiting.last_key_value()?;
        let priced = Priced { caps: entry.reached_for, arrival: entry.arrival, sender: self.address };
        Some((priced, *nonce >= self.run_end))
    }

    /// The lower of the caps of all that wait before `nonce`, and `caps`.
    pub(super) fn reached_for(&self, nonce: u64, caps: Caps) -> Caps {
        let before = self.waiting.range(..nonce).next_back();
        before.map_or(caps, |(_, entry)| entry.reached_for.lower(caps))
    }

    /// Adds a transaction; gives back the one whose nonce it has.
    pub(super) fn insert(&mut self, transaction: Arc<Transaction>, arrival: u64, since: Instant) -> Option<Entry> {
        let nonce = transaction.nonce();
        self.cost = self.cost.saturating_add(cost(&transaction));
        let is_last = self.waiting.last_key_value().is_none_or(|(last, _)| *last < nonce);
        let reached_for = self.reached_for(nonce, Caps::of(&transaction));
        let replaced = self.waiting.insert(nonce, Entry { transaction, arrival, since, reached_for });
        if let Some(old) = &replaced {
            self.cost = self.cost.saturating_sub(cost(&old.transaction));
        }
        if is_last && nonce == self.run_end && self.cost <= self.balance {
            self.run_end += 1;
        } else if !is_last || nonce == self.run_end {
            self.sort_out();
        }
        replaced
    }

    pub(super) fn remove(&mut self, nonce: u64) -> Option<Entry> {
        let entry = self.waiting.remove(&nonce)?;
        self.cost = self.cost.saturating_sub(cost(&entry.transaction));
        let was_last = self.waiting.last_key_value().is_none_or(|(last, _)| *last < nonce);
        if was_last {
            self.run_end = self.run_end.min(nonce.max(self.next_nonce));
        } else {
            self.sort_out();
        }
        Some(entry)
    }

    /// Takes those with these nonces out.
    pub(super) fn remove_all(&mut self, nonces: &[u64]) -> Vec<Entry> {
        let gone: Vec<Entry> = nonces.iter().filter_map(|nonce| self.waiting.remove(nonce)).collect();
        for entry in &gone {
            self.cost = self.cost.saturating_sub(cost(&entry.transaction));
        }
        self.sort_out();
        gone
    }

    /// The account is now like this; gives what can never go into a block any more, or not as long as the account does not
    /// get more coins than it has ever had to pay it.
    pub(super) fn update(&mut self, nonce: u64, balance: U256) -> Vec<Entry> {
        // Each insertion comes here, mostly with what is known: thousands that wait need not be looked at for that.
        if nonce <= self.next_nonce && balance == self.balance {
            return Vec::new();
        }
        // A block may have been committed since the caller read the account: nonces only grow.
        self.next_nonce = self.next_nonce.max(nonce);
        self.balance = balance;
        let dead = |nonce: &u64, entry: &Entry| *nonce < self.next_nonce || cost(&entry.transaction) > balance;
        let gone: Vec<Entry> =
            self.waiting.extract_if(.., |nonce, entry| dead(nonce, entry)).map(|(_, entry)| entry).collect();
        for entry in &gone {
            self.cost = self.cost.saturating_sub(cost(&entry.transaction));
        }
        self.sort_out();
        gone
    }

    /// Finds the run anew, and what each is reached for.
    fn sort_out(&mut self) {
        self.run_end = self.next_nonce;
        let (mut spent, mut lowest, mut is_running) = (U256::ZERO, None::<Caps>, true);
        for (nonce, entry) in &mut self.waiting {
            let caps = Caps::of(&entry.transaction);
            entry.reached_for = lowest.map_or(caps, |lowest| lowest.lower(caps));
            lowest = Some(entry.reached_for);
            spent = spent.saturating_add(cost(&entry.transaction));
            is_running &= *nonce == self.run_end && spent <= self.balance;
            if is_running {
                self.run_end += 1;
            }
        }
    }
}
