//! Executions that change nothing: `eth_call`, `eth_estimateGas`, `eth_createAccessList` and `esker simulate`.
//!
//! They run the code that blocks run, on a state that may be overridden, and report also when they fail.

mod access_list;
mod estimate;
mod overrides;
mod trace;

use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, Bytes, Log, TxKind, U256};
use esker_vm::{Fatal, Session};

use crate::block::BlockEnv;
use crate::exec::{Checks, ExecutionStatus, Executor, Inspector, Message, TransactionResult};
use crate::params::ChainConfig;
use crate::state::{ChangeSet, StateReader};
use crate::types::{ExecuteError, TransactionError};

pub use access_list::{AccessListResult, create_access_list};
pub use estimate::{EstimateError, estimate_gas};
pub use overrides::{AccountOverride, StateOverrides};
pub use trace::{CallFrame, CallTracer, TRACE_BYTES_MAX};

/// Gas of a simulation that names none, and most that one may ask for: geth's `--rpc.gascap`.
pub const DEFAULT_GAS_CAP: u64 = 50_000_000;

/// What to simulate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRequest {
    /// Who calls; the zero address by default.
    pub from: Address,
    /// Whom, or a creation.
    pub kind: TxKind,
    /// Most gas; the cap by default.
    pub gas: Option<u64>,
    /// In wei; sets both of the following.
    pub gas_price: Option<u128>,
    /// In wei.
    pub max_fee_per_gas: Option<u128>,
    /// In wei.
    pub max_priority_fee_per_gas: Option<u128>,
    /// In wei.
    pub value: U256,
    /// Calldata, or the deploy payload.
    pub input: Bytes,
    /// Checked only under [`SimulateOptions::strict`].
    pub nonce: Option<u64>,
    /// What is warm from the start.
    pub access_list: AccessList,
}

/// How to simulate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulateOptions {
    /// What differs from the state beneath.
    pub overrides: StateOverrides,
    /// Most gas.
    pub gas_cap: u64,
    /// Check nonce and sender as a block does.
    pub strict: bool,
    /// Keep the tree of calls.
    pub trace: bool,
}

impl Default for SimulateOptions {
    fn default() -> Self {
        Self { overrides: StateOverrides::new(), gas_cap: DEFAULT_GAS_CAP, strict: false, trace: false }
    }
}

/// What a simulation gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// How it ended.
    pub status: ExecutionStatus,
    /// What it returned or reverted with.
    pub output: Bytes,
    /// What a transaction would pay for.
    pub gas_used: u64,
    /// Gas taken off `gas_used` for cleared storage.
    pub gas_refunded: u64,
    /// Logs in order; none unless it succeeded.
    pub logs: Vec<Log>,
    /// What it would change, fees and nonce included.
    pub changes: ChangeSet,
    /// The address of the contract created.
    pub created: Option<Address>,
    /// The tree of calls, if asked for and if there was a frame at all.
    pub frames: Option<CallFrame>,
}

/// Why there is nothing to report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulateError {
    /// As a transaction it would be invalid.
    #[error(transparent)]
    Invalid(#[from] TransactionError),
    /// The old and the new way to name a price.
    #[error("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")]
    ConflictingFees,
    /// This node failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

impl From<ExecuteError> for SimulateError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Invalid(error) => Self::Invalid(error),
            ExecuteError::Fatal(fatal) => Self::Fatal(fatal),
        }
    }
}

/// Executes `request` in block `env` on `state`.
///
/// # Errors
/// [`SimulateError`] if nothing was executed. A revert or a halt is a result.
pub fn simulate(
    session: &Session<'_>,
    state: &dyn StateReader,
    config: &ChainConfig,
    env: &BlockEnv,
    request: &CallRequest,
    options: &SimulateOptions,
) -> Result<Simulation, SimulateError> {
    let state = overrides::OverriddenState::new(state, &options.overrides);
    let context = Context { session, state: &state, config, env, request, strict: options.strict };
    let gas = request.gas.unwrap_or(options.gas_cap).min(options.gas_cap);
    let mut tracer = CallTracer::default();
    let inspector: Option<&mut dyn Inspector> = if options.trace { Some(&mut tracer) } else { None };
    let (result, changes) = context.run(gas, &request.access_list, inspector)?;
    Ok(Simulation {
        status: result.status,
        output: result.output,
        gas_used: result.gas_used,
        gas_refunded: result.gas_refunded,
        logs: result.logs,
        changes,
        created: result.created.filter(|_| result.status.is_success()),
        frames: tracer.into_root(),
    })
}

/// A request with everything around it, to be run again and again.
struct Context<'c> {
    session: &'c Session<'c>,
    state: &'c dyn StateReader,
    config: &'c ChainConfig,
    env: &'c BlockEnv,
    request: &'c CallRequest,
    strict: bool,
}

impl Context<'_> {
    /// Runs the request with that much gas, on a fresh journal.
    fn run(
        &self,
        gas: u64,
        access_list: &AccessList,
        inspector: Option<&mut dyn Inspector>,
    ) -> Result<(TransactionResult, ChangeSet), SimulateError> {
        let (fee_cap, tip_cap) = self.fees()?;
        let message = Message {
            sender: self.request.from,
            kind: self.request.kind,
            nonce: self.request.nonce.unwrap_or_default(),
            gas_limit: gas,
            fee_cap,
            tip_cap,
            value: self.request.value,
            input: &self.request.input,
            access_list,
            checks: Checks {
                nonce: self.strict && self.request.nonce.is_some(),
                sender_is_eoa: self.strict,
                base_fee: self.strict || fee_cap != 0,
                floor: true,
            },
        };
        let mut executor = Executor::new(self.session, self.state, self.config, self.env);
        if let Some(inspector) = inspector {
            executor = executor.inspected_by(inspector);
        }
        let result = executor.execute(&message)?;
        Ok((result, executor.journal().changes()))
    }

    /// Fee cap and tip cap, in wei.
    fn fees(&self) -> Result<(u128, u128), SimulateError> {
        let request = self.request;
        match (request.gas_price, request.max_fee_per_gas, request.max_priority_fee_per_gas) {
            (Some(price), None, None) => Ok((price, price)),
            (Some(_), _, _) => Err(SimulateError::ConflictingFees),
            (None, None, None) => Ok((0, 0)),
            (None, Some(fee_cap), tip) => Ok((fee_cap, tip.unwrap_or_default())),
            // geth fills in a cap that covers tip and base fee.
            (None, None, Some(tip)) => Ok((tip.saturating_add(u128::from(self.env.base_fee)), tip)),
        }
    }
}
