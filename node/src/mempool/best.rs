//! The order in which waiting transactions go into a block.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use alloy_primitives::Address;
use esker_runtime::{Transaction, TransactionSource};

/// The next transaction of one sender, as the heap orders it: highest tip, then earliest arrival.
type Candidate = (u128, Reverse<u64>, Address);

/// A snapshot of the executable transactions, best first: by effective tip, then by arrival, and each sender's by nonce.
#[derive(Debug, Default)]
pub struct BestTransactions {
    heap: BinaryHeap<Candidate>,
    /// The rest of each sender's run, next one last.
    runs: BTreeMap<Address, Vec<(u64, Arc<Transaction>)>>,
    base_fee: u64,
    last: Option<Address>,
}

impl BestTransactions {
    /// A snapshot for a block with `base_fee` wei. `runs` holds each sender's executable transactions with their arrival
    /// numbers, in the order of their nonces.
    #[must_use]
    pub fn new(base_fee: u64, runs: BTreeMap<Address, Vec<(u64, Arc<Transaction>)>>) -> Self {
        let mut best = Self { base_fee, ..Self::default() };
        for (sender, mut run) in runs {
            run.reverse();
            best.runs.insert(sender, run);
            best.enter(sender);
        }
        best
    }

    /// Puts the sender's next transaction on the heap, if it can pay the base fee.
    fn enter(&mut self, sender: Address) {
        let next = self.runs.get(&sender).and_then(|run| run.last());
        if let Some((arrival, transaction)) = next
            && let Some(tip) = effective_tip(transaction, self.base_fee)
        {
            self.heap.push((tip, Reverse(*arrival), sender));
        }
    }
}

impl TransactionSource for BestTransactions {
    fn offer(&mut self) -> Option<Arc<Transaction>> {
        if let Some(sender) = self.last.take() {
            self.enter(sender);
        }
        let (_, _, sender) = self.heap.pop()?;
        let (_, transaction) = self.runs.get_mut(&sender)?.pop()?;
        self.last = Some(sender);
        Some(transaction)
    }

    fn skip_sender(&mut self) {
        self.last = None;
    }
}

/// What the beneficiary gets for one gas, in wei; `None` if the fee cap is below the base fee.
#[must_use]
pub fn effective_tip(transaction: &Transaction, base_fee: u64) -> Option<u128> {
    let room = transaction.fee_cap().checked_sub(u128::from(base_fee))?;
    Some(room.min(transaction.tip_cap()))
}
