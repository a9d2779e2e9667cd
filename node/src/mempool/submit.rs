//! The one way into the pool, whoever brings a transaction: a client, a peer, or the journal of the last run.

use alloy_consensus::Transaction as _;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::Bytes;
use esker_runtime::db::StoreError;
use esker_runtime::state::StateReader;
use esker_runtime::types::recover_senders;
use esker_runtime::{SignedTransaction, Transaction, TransactionError};

use super::admission::check_intrinsic_gas;
use super::{Added, Admission, Pool, PoolError};
use crate::chain::Chain;

/// A thread that recovers senders gets at least so many: starting one takes about as long as one recovery.
const RECOVERED_PER_THREAD: usize = 16;

/// A transaction that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The pool does not want it, in geth's words.
    #[error(transparent)]
    Refused(#[from] PoolError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TransactionError> for SubmitError {
    fn from(error: TransactionError) -> Self {
        Self::Refused(error.into())
    }
}

impl SubmitError {
    /// Whether the transaction itself is at fault, whatever block it is looked at on and whatever else waits: no node of
    /// this chain would have taken it.
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        let Self::Refused(PoolError::Invalid(error)) = self else { return false };
        match error {
            TransactionError::Rlp(_)
            | TransactionError::Oversized { .. }
            | TransactionError::TypeNotSupported(_)
            | TransactionError::Unprotected
            | TransactionError::ChainId { .. }
            | TransactionError::InvalidSignature
            | TransactionError::NonceMax
            | TransactionError::GasLimitTooHigh { .. }
            | TransactionError::TipAboveFeeCap { .. }
            | TransactionError::PayloadTooLarge { .. }
            | TransactionError::IllegalPayload(_)
            | TransactionError::ModuleTooLarge { .. }
            | TransactionError::IntrinsicGas { .. }
            | TransactionError::FloorGas { .. } => true,
            TransactionError::ExceedsBlockGasLimit { .. }
            | TransactionError::FeeCapTooLow { .. }
            | TransactionError::NonceTooLow { .. }
            | TransactionError::NonceTooHigh { .. }
            | TransactionError::SenderNotEoa { .. }
            | TransactionError::InsufficientFunds { .. } => false,
        }
    }
}

/// Offers a transaction to the pool.
///
/// # Errors
/// [`SubmitError`]; the pool is then as it was.
pub fn submit(chain: &Chain, pool: &Pool, transaction: Transaction) -> Result<Added, SubmitError> {
    let (hash, sender) = (transaction.hash(), transaction.sender());
    let head = chain.head();
    let admission = Admission {
        account: head.state.account(sender)?.unwrap_or_default(),
        block_gas_limit: head.block.header.gas_limit,
        limits: chain.limits(),
    };
    if transaction.nonce() < admission.account.nonce && chain.location(hash)?.is_some() {
        return Err(PoolError::AlreadyKnown.into());
    }
    let added = pool.add(transaction, &admission)?;
    loop {
        let head = chain.head();
        pool.refresh(sender, &head.state.account(sender)?.unwrap_or_default());
        // If a block was committed meanwhile, it may have told the pool of a newer account before this did.
        if chain.head().block.header.number == head.block.header.number {
            return Ok(added);
        }
    }
}

/// Offers many encoded transactions to the pool. What can be known without the sender is checked first, then the senders
/// of the rest are recovered, on all cores if they are many. There are as many results as transactions, in their order.
pub fn submit_encoded(chain: &Chain, pool: &Pool, raw: &[Bytes]) -> Vec<Result<Added, SubmitError>> {
    let mut signed = Vec::with_capacity(raw.len());
    let screened: Vec<Result<(), SubmitError>> =
        raw.iter().map(|raw| screen(chain, pool, raw).map(|transaction| signed.push(transaction))).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(signed.len().div_ceil(RECOVERED_PER_THREAD));
    let mut recovered = recover_senders(signed, threads).into_iter();
    let submitted = screened.into_iter().map(|screened| {
        screened?;
        match recovered.next() {
            Some(transaction) => submit(chain, pool, transaction?),
            // As many were recovered as passed.
            None => Err(TransactionError::InvalidSignature.into()),
        }
    });
    submitted.collect()
}

/// The checks that need no sender. One who makes up transactions gets no recovery for those that fail here.
fn screen(chain: &Chain, pool: &Pool, raw: &[u8]) -> Result<SignedTransaction, SubmitError> {
    let signed = SignedTransaction::decode(raw, chain.config())?;
    let envelope = signed.envelope();
    let hash = *envelope.hash();
    if pool.contains(hash) {
        return Err(PoolError::AlreadyKnown.into());
    }
    let (gas, limit) = (envelope.gas_limit(), chain.head().block.header.gas_limit);
    if gas > limit {
        return Err(TransactionError::ExceedsBlockGasLimit { gas, limit }.into());
    }
    let nothing = AccessList::default();
    check_intrinsic_gas(gas, envelope.kind(), envelope.input(), envelope.access_list().unwrap_or(&nothing))?;
    let (fee_cap, minimum) = (envelope.max_fee_per_gas(), pool.fee_cap_min());
    if fee_cap < minimum {
        return Err(PoolError::Underpriced { fee_cap, minimum }.into());
    }
    if chain.location(hash)?.is_some() {
        return Err(PoolError::AlreadyKnown.into());
    }
    Ok(signed)
}
