//! The access list that a call would like to have (EIP-2930).

use std::collections::{BTreeMap, BTreeSet};

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, TxKind};
use esker_vm::Session;

use super::overrides::OverriddenState;
use super::{CallRequest, Context, SimulateError, SimulateOptions};
use crate::block::BlockEnv;
use crate::exec::{ExecutionStatus, Inspector, create_address, is_precompile};
use crate::params::ChainConfig;
use crate::state::StateReader;

/// What `eth_createAccessList` answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessListResult {
    /// Everything that the call touches and that is not warm anyway, sorted.
    pub access_list: AccessList,
    /// What the call uses with that list.
    pub gas_used: u64,
    /// How the call ends with that list.
    pub status: ExecutionStatus,
}

/// Runs `request` with the list of what the run before touched, until that changes no more.
///
/// # Errors
/// [`SimulateError`] if nothing was executed. A revert or a halt is a result.
pub fn create_access_list(
    session: &Session<'_>,
    state: &dyn StateReader,
    config: &ChainConfig,
    env: &BlockEnv,
    request: &CallRequest,
    options: &SimulateOptions,
) -> Result<AccessListResult, SimulateError> {
    let state = OverriddenState::new(state, &options.overrides);
    let target = match request.kind {
        TxKind::Call(target) => target,
        TxKind::Create => {
            let sender = state.account(request.from).map_err(crate::exec::fatal)?.unwrap_or_default();
            create_address(request.from, sender.nonce)
        }
    };
    let context = Context { session, state: &state, config, env, request, strict: options.strict };
    let gas = request.gas.unwrap_or(options.gas_cap).min(options.gas_cap);
    let mut access_list = request.access_list.clone();
    // A contract can look at its gas and never come to rest; its list then is that of the last run.
    for _ in 0..RUNS_MAX {
        let mut recorder = Recorder { warm: [request.from, target], touched: BTreeMap::new() };
        recorder.add(&access_list);
        let (result, _) = context.run(gas, &access_list, Some(&mut recorder))?;
        let touched = recorder.into_list();
        if touched == access_list {
            return Ok(AccessListResult { access_list, gas_used: result.gas_used, status: result.status });
        }
        access_list = touched;
    }
    let (result, _) = context.run(gas, &access_list, None)?;
    Ok(AccessListResult { access_list, gas_used: result.gas_used, status: result.status })
}

/// Most runs until a list is taken as it is.
const RUNS_MAX: usize = 16;

struct Recorder {
    /// Sender and target: warm without being listed.
    warm: [Address; 2],
    touched: BTreeMap<Address, BTreeSet<B256>>,
}

impl Recorder {
    fn add(&mut self, access_list: &AccessList) {
        for item in access_list.iter() {
            self.touched.entry(item.address).or_default().extend(item.storage_keys.iter().copied());
        }
    }

    fn into_list(self) -> AccessList {
        let item = |(address, keys): (Address, BTreeSet<B256>)| AccessListItem {
            address,
            storage_keys: keys.into_iter().collect(),
        };
        AccessList(self.touched.into_iter().map(item).collect())
    }
}

impl Inspector for Recorder {
    fn account_accessed(&mut self, address: Address) {
        if !self.warm.contains(&address) && !is_precompile(address) {
            self.touched.entry(address).or_default();
        }
    }

    fn slot_accessed(&mut self, address: Address, key: B256) {
        self.touched.entry(address).or_default().insert(key);
    }
}
