//! The order in which waiting transactions go into a block.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use alloy_primitives::Address;
use esker_runtime::{Transaction, TransactionSource};

use super::Pool;
use super::price::Worth;

/// What can go into a block, best first; see [`Pool::best`]. Takes from the pool's own index, one at a time.
pub struct BestTransactions<'p> {
    pool: &'p Pool,
    base_fee: u64,
    /// Of the last sender that was begun.
    passed: Option<Worth>,
    /// The nonce that each sender that was begun offers next.
    begun: BTreeMap<Address, u64>,
    /// The next transactions of senders that were begun.
    successors: BinaryHeap<(Worth, Address)>,
    last: Option<Address>,
}

impl<'p> BestTransactions<'p> {
    pub(super) fn new(pool: &'p Pool, base_fee: u64) -> Self {
        Self { pool, base_fee, passed: None, begun: BTreeMap::new(), successors: BinaryHeap::new(), last: None }
    }

    /// Puts the next transaction of the sender that was offered last among the successors, if it can pay the base fee.
    fn follow(&mut self) {
        let Some(sender) = self.last.take() else { return };
        let Some(nonce) = self.begun.get(&sender) else { return };
        if let Some((priced, _)) = self.pool.executable(sender, *nonce)
            && priced.caps.effective_tip(self.base_fee).is_some()
        {
            self.successors.push((priced.worth(self.base_fee), sender));
        }
    }

    /// The best sender that was not begun yet.
    fn next_head(&self) -> Option<(Worth, Arc<Transaction>)> {
        let mut passed = self.passed;
        loop {
            let (head, transaction) = self.pool.best_head(passed, self.base_fee)?;
            let worth = head.worth(self.base_fee);
            if !self.begun.contains_key(&head.sender) {
                return Some((worth, transaction));
            }
            passed = Some(worth);
        }
    }
}

impl TransactionSource for BestTransactions<'_> {
    fn offer(&mut self) -> Option<Arc<Transaction>> {
        self.follow();
        loop {
            let head = self.next_head();
            let is_successor = match (&head, self.successors.peek()) {
                (Some((head, _)), Some((successor, _))) => successor > head,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            let transaction = if is_successor {
                let (_, sender) = self.successors.pop()?;
                let nonce = self.begun.get(&sender).copied()?;
                // It may have gone since.
                let Some((_, transaction)) = self.pool.executable(sender, nonce) else { continue };
                transaction
            } else {
                let (worth, transaction) = head?;
                self.passed = Some(worth);
                transaction
            };
            let sender = transaction.sender();
            self.begun.insert(sender, transaction.nonce().saturating_add(1));
            self.last = Some(sender);
            return Some(transaction);
        }
    }

    fn skip_sender(&mut self) {
        self.last = None;
    }
}
