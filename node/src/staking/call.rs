//! A call of the staking contract that changes nothing.

use alloy_primitives::{Address, Bytes, TxKind};
use esker_runtime::simulate::{CallRequest, SimulateError, SimulateOptions, Simulation, simulate};
use esker_runtime::staking::STAKING_ADDRESS;
use esker_runtime::state::StateReader;
use esker_runtime::{BlockEnv, ChainConfig};
use esker_vm::Session;

/// What the contract in `state` does in block `env` with a call from `from` that may take `gas`.
///
/// # Errors
/// [`SimulateError`] if nothing was executed. A revert or a halt is a result.
pub fn call(
    session: &Session<'_>,
    state: &dyn StateReader,
    config: &ChainConfig,
    env: &BlockEnv,
    from: Address,
    input: Bytes,
    gas: u64,
) -> Result<Simulation, SimulateError> {
    let request = CallRequest { from, kind: TxKind::Call(STAKING_ADDRESS), input, ..CallRequest::default() };
    let options = SimulateOptions { gas_cap: gas, ..SimulateOptions::default() };
    simulate(session, state, config, env, &request, &options)
}
