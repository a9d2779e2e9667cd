//! Transactions that wait to be sent: bounded, and never in the way of whoever brings one.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::batch::{BatchBuilder, TRANSACTION_BYTES_MAX};

/// Most transactions that wait.
const TRANSACTIONS_MAX: usize = 16_384;
/// Most bytes that wait.
const BYTES_MAX: usize = 16 << 20;
/// How often at most its owner is told that something was dropped.
const WARN_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
struct Waiting {
    transactions: VecDeque<Bytes>,
    bytes: usize,
    dropped: u64,
    untold: u64,
    warned: Option<Instant>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

impl Outbox {
    /// Adds a transaction; the oldest ones go if there are too many. One that is larger than any may be is not taken.
    pub fn push(&self, raw: Bytes) {
        if raw.is_empty() || raw.len() > TRANSACTION_BYTES_MAX {
            tracing::warn!(
                bytes = raw.len(),
                limit = TRANSACTION_BYTES_MAX,
                "a transaction of no lawful size is not sent to peers"
            );
            return;
        }
        let mut waiting = self.waiting.lock();
        waiting.bytes += raw.len();
        waiting.transactions.push_back(raw);
        while waiting.transactions.len() > TRANSACTIONS_MAX || waiting.bytes > BYTES_MAX {
            let Some(oldest) = waiting.transactions.pop_front() else { break };
            waiting.bytes -= oldest.len();
            waiting.dropped += 1;
            waiting.untold += 1;
        }
        let is_due = waiting.warned.is_none_or(|warned| warned.elapsed() >= WARN_EVERY);
        if waiting.untold > 0 && is_due {
            let count = std::mem::take(&mut waiting.untold);
            waiting.warned = Some(Instant::now());
            tracing::warn!(
                count,
                "transactions come in faster than peers may be sent any: the oldest were not sent now, but will be if they still wait later"
            );
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Returns when something came in since the last call.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.waiting.lock().bytes
    }

    /// How many were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.waiting.lock().dropped
    }

    /// Forgets all that waits.
    pub fn clear(&self) {
        let mut waiting = self.waiting.lock();
        waiting.transactions.clear();
        waiting.bytes = 0;
    }

    /// A message of what has waited longest, of about `bytes_wanted`; `None` if nothing waits.
    pub fn next_message(&self, bytes_wanted: usize) -> Option<Bytes> {
        let mut waiting = self.waiting.lock();
        let taken = fill(&mut waiting.transactions, 0, bytes_wanted);
        waiting.bytes = if waiting.transactions.is_empty() { 0 } else { waiting.bytes - taken.1 };
        taken.0
    }
}

/// A message of the first of `transactions`, of about `bytes_wanted`, and how many bytes of transactions that took.
pub fn fill(transactions: &mut VecDeque<Bytes>, round: u32, bytes_wanted: usize) -> (Option<Bytes>, usize) {
    let (mut batch, mut bytes) = (BatchBuilder::new(round, bytes_wanted), 0);
    while transactions.front().is_some_and(|next| batch.push(next)) {
        bytes += transactions.pop_front().map_or(0, |taken| taken.len());
    }
    (batch.finish(), bytes)
}

#[cfg(test)]
mod tests {
    use super::super::batch::decode;
    use super::*;

    #[test]
    fn the_oldest_are_dropped_when_there_are_too_many() {
        let outbox = Outbox::default();
        for index in 0..TRANSACTIONS_MAX + 5 {
            outbox.push(Bytes::copy_from_slice(&index.to_be_bytes()));
        }
        assert_eq!((outbox.dropped(), outbox.bytes()), (5, TRANSACTIONS_MAX * 8));
        let first = decode(&outbox.next_message(1).expect("they wait")).expect("well-formed");
        assert_eq!(first, [Bytes::copy_from_slice(&5usize.to_be_bytes())]);

        outbox.clear();
        let large = Bytes::from(vec![1; TRANSACTION_BYTES_MAX]);
        for _ in 0..BYTES_MAX / TRANSACTION_BYTES_MAX + 3 {
            outbox.push(large.clone());
        }
        assert_eq!((outbox.dropped(), outbox.bytes()), (8, BYTES_MAX));
        outbox.push(Bytes::from(vec![1; TRANSACTION_BYTES_MAX + 1]));
        outbox.push(Bytes::new());
        assert_eq!((outbox.dropped(), outbox.bytes()), (8, BYTES_MAX), "what is of no lawful size is not taken");
    }

    #[tokio::test]
    async fn what_waits_is_sent_in_messages_of_the_wanted_size() {
        let outbox = Outbox::default();
        for _ in 0..10 {
            outbox.push(Bytes::from(vec![7; 100]));
        }
        outbox.arrived().await;
        let mut sizes = Vec::new();
        while let Some(message) = outbox.next_message(350) {
            sizes.push(decode(&message).expect("well-formed").len());
        }
        assert_eq!((sizes, outbox.bytes()), (vec![3, 3, 3, 1], 0));
    }
}
