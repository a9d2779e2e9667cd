//! What may enter the pool, in geth's words.

use alloy_eips::eip2930::AccessList;
use alloy_primitives::{TxKind, U256};
use esker_runtime::exec::intrinsic_gas;
use esker_runtime::state::Account;
use esker_runtime::{Transaction, TransactionError};
use esker_vm::abi::Limits;

/// A replacement must raise both fee fields by this much.
pub const MIN_PRICE_BUMP_PERCENT: u128 = 10;

/// Why the pool refuses a transaction. Texts are geth's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// No block could carry it as things stand.
    #[error(transparent)]
    Invalid(#[from] TransactionError),
    /// It is here already.
    #[error("already known")]
    AlreadyKnown,
    /// Another one with this nonce waits, and this one does not pay 10 % more.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// It offers less than any block asks for.
    #[error("transaction underpriced: gas fee cap {fee_cap}, minimum needed {minimum}")]
    Underpriced {
        /// Its fee cap, in wei a gas.
        fee_cap: u128,
        /// The least that is taken.
        minimum: u128,
    },
    /// What the sender has waiting already may cost more than the account then has left.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx cost {cost}, overshot {}",
        queued.saturating_add(*cost).saturating_sub(*balance)
    )]
    Overdraft {
        /// The account's coins, in wei.
        balance: U256,
        /// The most that its waiting transactions can cost.
        queued: U256,
        /// The most that this one can.
        cost: U256,
    },
    /// No room, and nothing less valuable to throw out.
    #[error("txpool is full")]
    Full,
    /// The sender has too many transactions waiting.
    #[error("account limit exceeded: {waiting} transactions wait, limit {limit}")]
    AccountLimit {
        /// How many wait.
        waiting: usize,
        /// Most allowed.
        limit: usize,
    },
}

/// What the checks need to know about the chain and the sender.
#[derive(Clone, Copy, Debug)]
pub struct Admission<'a> {
    /// What bounds modules.
    pub limits: &'a Limits,
    /// The sender's account in the head's state.
    pub account: Account,
    /// Gas limit of a block.
    pub block_gas_limit: u64,
}

impl Admission<'_> {
    /// Checks `transaction` against the rules that need no other transaction.
    ///
    /// # Errors
    /// [`PoolError`], the first rule broken in geth's order.
    pub fn check(&self, transaction: &Transaction) -> Result<(), PoolError> {
        let gas = transaction.gas_limit();
        if gas > self.block_gas_limit {
            return Err(TransactionError::ExceedsBlockGasLimit { gas, limit: self.block_gas_limit }.into());
        }
        check_intrinsic_gas(gas, transaction.kind(), transaction.input(), transaction.access_list())?;
        transaction.check_payload(self.limits)?;
        if transaction.nonce() < self.account.nonce {
            let (expected, nonce) = (self.account.nonce, transaction.nonce());
            return Err(TransactionError::NonceTooLow { expected, nonce }.into());
        }
        if self.account.has_code() {
            return Err(TransactionError::SenderNotEoa { sender: transaction.sender() }.into());
        }
        let cost = cost(transaction);
        if self.account.balance < cost {
            return Err(TransactionError::InsufficientFunds { balance: self.account.balance, cost }.into());
        }
        Ok(())
    }
}

/// Checks a transaction's gas limit against what it pays for before anything is executed.
pub(super) fn check_intrinsic_gas(
    gas: u64,
    kind: TxKind,
    input: &[u8],
    access_list: &AccessList,
) -> Result<(), TransactionError> {
    let needed = intrinsic_gas(kind, input, access_list);
    if gas < needed.base {
        return Err(TransactionError::IntrinsicGas { gas, needed: needed.base });
    }
    if gas < needed.floor {
        return Err(TransactionError::FloorGas { gas, needed: needed.floor });
    }
    Ok(())
}

/// Whether a transaction that no block can take now may be able to go into a later one.
#[must_use]
pub const fn may_heal(reason: &TransactionError) -> bool {
    use TransactionError as Reason;
    matches!(reason, Reason::FeeCapTooLow { .. } | Reason::InsufficientFunds { .. } | Reason::NonceTooHigh { .. })
}

/// The most that a transaction can take from its sender, in wei, saturating.
#[must_use]
pub fn cost(transaction: &Transaction) -> U256 {
    U256::from(transaction.gas_limit())
        .saturating_mul(U256::from(transaction.fee_cap()))
        .saturating_add(transaction.value())
}

/// Whether `new` pays enough to replace `old`.
#[must_use]
pub fn may_replace(old: &Transaction, new: &Transaction) -> bool {
    let bumped = |old: u128, new: u128| {
        let wanted = U256::from(old) * U256::from(100 + MIN_PRICE_BUMP_PERCENT) / U256::from(100);
        new > old && U256::from(new) >= wanted
    };
    bumped(old.fee_cap(), new.fee_cap()) && bumped(old.tip_cap(), new.tip_cap())
}
