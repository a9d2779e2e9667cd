//! How much gas a transaction needs.

use alloy_primitives::{Bytes, TxKind, U256};
use esker_vm::{Fatal, Halt, Session};

use super::overrides::OverriddenState;
use super::{CallRequest, Context, SimulateError, SimulateOptions};
use crate::block::BlockEnv;
use crate::exec::{ExecutionStatus, TransactionResult, fatal, intrinsic_gas};
use crate::params::{ChainConfig, gas};
use crate::state::StateReader;
use crate::types::TransactionError;

/// The estimate may be above the least sufficient gas by this share: 15/1000.
const TOLERANCE_PER_MILLE: u64 = 15;

/// Why there is no estimate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EstimateError {
    /// The transaction reverts however much gas it gets.
    #[error("execution reverted")]
    Revert {
        /// What it reverts with.
        output: Bytes,
    },
    /// The transaction halts however much gas it gets.
    #[error("{0}")]
    Halt(Halt),
    /// It needs more than the cap, the block or the balance gives.
    #[error("gas required exceeds allowance ({allowance})")]
    Allowance {
        /// Most gas that could be tried.
        allowance: u64,
    },
    /// The sender has less than the value.
    #[error("insufficient funds for transfer")]
    InsufficientFundsForTransfer,
    /// It is invalid as a transaction.
    #[error(transparent)]
    Invalid(SimulateError),
}

impl From<SimulateError> for EstimateError {
    fn from(error: SimulateError) -> Self {
        Self::Invalid(error)
    }
}

impl From<Fatal> for EstimateError {
    fn from(fatal: Fatal) -> Self {
        Self::Invalid(fatal.into())
    }
}

/// The least gas limit with which `request` succeeds, at most 1.5 % too high; exact for plain transfers.
///
/// # Errors
/// [`EstimateError`].
pub fn estimate_gas(
    session: &Session<'_>,
    state: &dyn StateReader,
    config: &ChainConfig,
    env: &BlockEnv,
    request: &CallRequest,
    options: &SimulateOptions,
) -> Result<u64, EstimateError> {
    let state = OverriddenState::new(state, &options.overrides);
    let context = Context { session, state: &state, config, env, request, strict: options.strict };
    let allowance = context.allowance(options.gas_cap)?;

    // A plain transfer costs what every transaction costs.
    let intrinsic = intrinsic_gas(request.kind, &request.input, &request.access_list);
    if let TxKind::Call(target) = request.kind
        && !state.account(target).map_err(fatal)?.unwrap_or_default().has_code()
    {
        let gas = intrinsic.base.max(intrinsic.floor);
        if gas <= allowance && context.attempt(gas)?.is_some_and(|result| result.status.is_success()) {
            return Ok(gas);
        }
    }

    let Some(result) = context.attempt(allowance)? else {
        return Err(EstimateError::Allowance { allowance });
    };
    match result.status {
        ExecutionStatus::Success => {}
        ExecutionStatus::Revert => return Err(EstimateError::Revert { output: result.output }),
        ExecutionStatus::Halt(Halt::OutOfGas) => return Err(EstimateError::Allowance { allowance }),
        ExecutionStatus::Halt(halt) => return Err(EstimateError::Halt(halt)),
    }

    // `too_little` fails, `enough` succeeds.
    let mut enough = allowance;
    let mut too_little = result.gas_used.saturating_sub(1).max(intrinsic.base.saturating_sub(1));
    // What it had on the way, a stipend, and what EIP-150 holds back once: mostly all there is to it.
    let guess = (result.gas_used + result.gas_refunded + gas::CALL_STIPEND).saturating_mul(64) / 63;
    if guess < enough {
        if context.succeeds(guess)? {
            enough = guess;
        } else {
            too_little = guess;
        }
    }
    while too_little.saturating_add(1) < enough
        && (enough - too_little).saturating_mul(1_000) > enough.saturating_mul(TOLERANCE_PER_MILLE)
    {
        // Most need little more than they use: do not climb by halves from there.
        let middle = (too_little + (enough - too_little) / 2).min(too_little.saturating_mul(2).max(1));
        if context.succeeds(middle)? {
            enough = middle;
        } else {
            too_little = middle;
        }
    }
    Ok(enough)
}

impl Context<'_> {
    /// Most gas that the request, the block, the cap and the sender's balance allow.
    fn allowance(&self, gas_cap: u64) -> Result<u64, EstimateError> {
        let asked = self.request.gas.filter(|gas| *gas >= gas::TRANSACTION).unwrap_or(self.env.gas_limit);
        let allowance = asked.min(gas_cap);
        let (fee_cap, _) = self.fees()?;
        let sender = self.state.account(self.request.from).map_err(fatal)?.unwrap_or_default();
        let Some(available) = sender.balance.checked_sub(self.request.value) else {
            return Err(EstimateError::InsufficientFundsForTransfer);
        };
        if fee_cap == 0 {
            return Ok(allowance);
        }
        let affordable = u64::try_from(available / U256::from(fee_cap)).unwrap_or(u64::MAX);
        Ok(allowance.min(affordable))
    }

    /// Runs with that much gas; `None` if it is too little even to begin.
    fn attempt(&self, gas: u64) -> Result<Option<TransactionResult>, EstimateError> {
        match self.run(gas, &self.request.access_list, None) {
            Ok((result, _)) => Ok(Some(result)),
            Err(SimulateError::Invalid(TransactionError::IntrinsicGas { .. } | TransactionError::FloorGas { .. })) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn succeeds(&self, gas: u64) -> Result<bool, EstimateError> {
        Ok(self.attempt(gas)?.is_some_and(|result| result.status.is_success()))
    }
}
