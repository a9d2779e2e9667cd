//! Simulating on the state directory of a stopped node.

use std::path::Path;
use std::sync::Arc;

use alloy_primitives::{Address, TxKind};
use esker_runtime::simulate::{CallRequest, SimulateError, SimulateOptions};
use esker_runtime::{ChainConfig, Transaction};
use esker_vm::{Engine, EngineConfig, EngineKind};

use super::super::failure::Failure;
use super::{Request, invalid};
use crate::chain::{Chain, ChainError, open_state_dir};
use crate::dev_node::STORE_FOLDER;
use crate::rpc::simulate::request_of;
use crate::simulation::SimulationReport;

/// Bound of the store's cache, in bytes.
const CACHE_BYTES: u64 = 64 << 20;

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        Self::infrastructure("the chain cannot be opened").because(error)
    }
}

/// Simulates in the block after the last one that `folder` holds, at its time: no clock is asked, the same state gives
/// the same answer.
///
/// # Errors
/// If the folder holds no chain or a running node has it, or a block would not take the transaction.
pub fn simulate(folder: &Path, kind: EngineKind, request: &Request) -> Result<SimulationReport, Failure> {
    let fault = |error: &dyn std::fmt::Display| Failure::infrastructure("this machine cannot simulate").because(error);
    let store = folder.join(STORE_FOLDER);
    if !store.is_dir() {
        return Err(ChainError::NoChain(folder.display().to_string()).into());
    }
    let engine = Engine::new(EngineConfig::with_kind(kind)).map_err(|error| fault(&error))?;
    let store = open_state_dir(&store, CACHE_BYTES).map_err(ChainError::from)?;
    let chain = Chain::open_existing(store, &folder.display().to_string(), Arc::new(engine.clone()))?;
    let head = chain.head();
    let parent = &head.block.header;
    let env = chain.next_env(parent, parent.timestamp, Address::ZERO);
    let (call, strict) = call_of(request, chain.config())?;
    let gas_cap = parent.gas_limit.max(SimulateOptions::default().gas_cap);
    let options = SimulateOptions { strict, trace: true, gas_cap, ..SimulateOptions::default() };
    let simulation = esker_vm::simulation(&engine, |session| {
        esker_runtime::simulate::simulate(session, &head.state, chain.config(), &env, &call, &options)
    });
    let simulation = simulation.map_err(|busy| fault(&busy))?.map_err(|error| match error {
        SimulateError::Fatal(fatal) => fault(&fatal),
        other => invalid(&other.to_string()),
    })?;
    Ok(SimulationReport::new(simulation, &env))
}

/// The call that is made, and whether it is checked as a block would check it.
fn call_of(request: &Request, config: &ChainConfig) -> Result<(CallRequest, bool), Failure> {
    match request {
        Request::Raw(raw) => {
            let transaction = Transaction::decode(raw, config).map_err(|error| invalid(&error.to_string()))?;
            Ok((request_of(&transaction), true))
        }
        Request::Call { from, to, value, gas, data } => {
            let kind = to.map_or(TxKind::Create, TxKind::Call);
            let call =
                CallRequest { from: *from, kind, gas: *gas, value: *value, input: data.clone(), ..Default::default() };
            Ok((call, false))
        }
    }
}
