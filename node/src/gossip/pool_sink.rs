//! Transactions from peers go into the pool, and those that peers may have missed come from there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{TransactionSink, Verdict};
use crate::chain::Chain;
use crate::mempool::Pool;
use crate::mempool::submit::{SubmitError, submit_encoded};

/// The pool as a [`TransactionSink`].
pub struct PoolSink {
    /// Whose head transactions are checked against.
    pub chain: Arc<Chain>,
    /// Where they wait.
    pub pool: Arc<Pool>,
}

impl TransactionSink for PoolSink {
    fn admit(&self, raw: Vec<Bytes>) -> Vec<Verdict> {
        let raw: Vec<_> = raw.into_iter().map(alloy_primitives::Bytes).collect();
        let verdict = |result: Result<_, SubmitError>| match result {
            Ok(_) => Verdict::Accept,
            Err(error) if error.is_lasting() => Verdict::Reject,
            Err(SubmitError::Refused(_)) => Verdict::Ignore,
            Err(SubmitError::Store(error)) => {
                tracing::error!(%error, "a transaction from a peer could not be checked");
                Verdict::Ignore
            }
        };
        submit_encoded(&self.chain, &self.pool, &raw).into_iter().map(verdict).collect()
    }

    fn waiting(&self, age: Duration, bytes_max: usize) -> Vec<Bytes> {
        let waiting = self.pool.executable_in_order(age, Instant::now(), bytes_max);
        waiting.into_iter().map(|transaction| transaction.encoded().into()).collect()
    }
}
