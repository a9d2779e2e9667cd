//! `esker_simulate`: what a call or a transaction would do, the chain's state unchanged. It answers also when the call
//! fails; an error means that nothing could be executed.

use alloy_primitives::Bytes;
use esker_runtime::Transaction;
use esker_runtime::simulate::{CallRequest, SimulateOptions, simulate as run};
use serde_json::Value;

use super::block_param::{BlockParam, Tag};
use super::call_args::CallArgs;
use super::eth_execute::{check_chain_id, scene};
use super::params::FromParam;
use super::{Api, Args, RpcError};
use crate::simulation::SimulationReport;

/// A call as an object, or a signed transaction as hex.
enum Subject {
    Call(Box<CallArgs>),
    Raw(Bytes),
}

impl FromParam for Subject {
    fn from_param(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(_) => Bytes::from_param(value).map(Self::Raw),
            _ => CallArgs::from_param(value).map(|call| Self::Call(Box::new(call))),
        }
    }
}

/// The request that a signed transaction makes, to be checked as a block would.
#[must_use]
pub fn request_of(transaction: &Transaction) -> CallRequest {
    CallRequest {
        from: transaction.sender(),
        kind: transaction.kind(),
        gas: Some(transaction.gas_limit()),
        gas_price: None,
        max_fee_per_gas: Some(transaction.fee_cap()),
        max_priority_fee_per_gas: Some(transaction.tip_cap()),
        value: transaction.value(),
        input: transaction.input().clone(),
        nonce: Some(transaction.nonce()),
        access_list: transaction.access_list().clone(),
    }
}

/// `esker_simulate`: the call object or raw transaction, then the block (by default the one that comes next).
pub fn simulate(api: &Api, args: &Args) -> Result<SimulationReport, RpcError> {
    let scene = scene(api, args.optional(1)?.unwrap_or(BlockParam::Tag(Tag::Pending)))?;
    let (request, strict) = match args.required(0)? {
        Subject::Call(call) => {
            check_chain_id(api, &call)?;
            (CallRequest::from(&*call), false)
        }
        Subject::Raw(raw) => (request_of(&Transaction::decode(&raw, api.chain.config())?), true),
    };
    let options = SimulateOptions { gas_cap: api.call_gas_cap, strict, trace: true, ..SimulateOptions::default() };
    let simulation = esker_vm::simulation(&*api.machine, |session| {
        run(session, &scene.head.state, api.chain.config(), &scene.env, &request, &options)
    })??;
    Ok(SimulationReport::new(simulation, &scene.env))
}
