//! Calls that change nothing: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use std::sync::Arc;

use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Bytes, TxKind, U64};
use esker_runtime::BlockEnv;
use esker_runtime::simulate::{self, CallRequest, EstimateError, SimulateError, SimulateOptions};
use esker_runtime::{ExecutionStatus, TransactionError};
use serde::Serialize;

use super::block_param::{BlockParam, Tag};
use super::call_args::CallArgs;
use super::overrides::{BlockOverrides, StateOverridesParam};
use super::{Api, Args, RpcError};
use crate::chain::Head;

impl From<SimulateError> for RpcError {
    fn from(error: SimulateError) -> Self {
        match error {
            SimulateError::Fatal(fatal) => Self::internal(fatal),
            SimulateError::Invalid(_) | SimulateError::ConflictingFees => Self::server(error.to_string()),
        }
    }
}

impl From<EstimateError> for RpcError {
    fn from(error: EstimateError) -> Self {
        match error {
            EstimateError::Revert { output } => Self::reverted(&output),
            EstimateError::Invalid(error) => error.into(),
            other => Self::server(other.to_string()),
        }
    }
}

impl From<&CallArgs> for CallRequest {
    fn from(args: &CallArgs) -> Self {
        Self {
            from: args.from.unwrap_or_default(),
            kind: args.to.map_or(TxKind::Create, TxKind::Call),
            gas: args.gas,
            gas_price: args.gas_price,
            max_fee_per_gas: args.max_fee_per_gas,
            max_priority_fee_per_gas: args.max_priority_fee_per_gas,
            value: args.value.unwrap_or_default(),
            input: args.input.clone().unwrap_or_default(),
            nonce: args.nonce,
            access_list: args.access_list.clone().unwrap_or_default(),
        }
    }
}

/// A state to execute on, and the block in which to pretend to be.
pub(super) struct Scene {
    pub head: Arc<Head>,
    pub env: BlockEnv,
}

/// The state after `block`, in that block; for `pending`, in the one that comes next.
pub(super) fn scene(api: &Api, block: BlockParam) -> Result<Scene, RpcError> {
    let head = api.state(block)?;
    let header = &head.block.header;
    let env = if block == BlockParam::Tag(Tag::Pending) {
        let timestamp = api.clock.planned().unwrap_or_else(|| api.clock.now());
        api.chain.next_env(header, timestamp, api.beneficiary)
    } else {
        BlockEnv::from(header)
    };
    Ok(Scene { head, env })
}

/// Refuses a creation whose payload is no deploy envelope in the words that the pool has for it: to execute it would
/// only say that the module is illegal.
pub(super) fn check_payload(args: &CallArgs) -> Result<(), RpcError> {
    if args.to.is_none() {
        let payload = args.input.as_ref().map_or(&[][..], |input| input.as_ref());
        esker_vm::envelope::parse(payload).map_err(TransactionError::IllegalPayload)?;
    }
    Ok(())
}

pub(super) fn check_chain_id(api: &Api, args: &CallArgs) -> Result<(), RpcError> {
    let want = api.chain.config().chain_id;
    match args.chain_id {
        Some(have) if have != want => {
            Err(RpcError::server(format!("chainId does not match node's (have={have}, want={want})")))
        }
        _ => Ok(()),
    }
}

/// What `eth_call` and `eth_estimateGas` take: transaction, block, state and block overrides. `asked` is what a block that was
/// named, or was not, stands for.
fn prepare(
    api: &Api,
    args: &Args,
    asked: impl Fn(BlockParam) -> BlockParam,
) -> Result<(Scene, CallRequest, SimulateOptions), RpcError> {
    let call: CallArgs = args.required(0)?;
    check_chain_id(api, &call)?;
    check_payload(&call)?;
    let mut scene = scene(api, asked(args.optional(1)?.unwrap_or_default()))?;
    let overrides = args.optional::<StateOverridesParam>(2)?.unwrap_or_default().0;
    if let Some(block) = args.optional::<BlockOverrides>(3)? {
        block.apply(&mut scene.env);
    }
    let options = SimulateOptions { overrides, gas_cap: api.call_gas_cap, ..SimulateOptions::default() };
    Ok((scene, CallRequest::from(&call), options))
}

/// The error of a call that halted, in the machine's words.
fn halted(status: ExecutionStatus) -> RpcError {
    match status {
        ExecutionStatus::Halt(halt) => RpcError::server(halt.to_string()),
        ExecutionStatus::Success | ExecutionStatus::Revert => RpcError::internal("a call ended and did not halt"),
    }
}

/// `eth_call`
pub fn call(api: &Api, args: &Args) -> Result<Bytes, RpcError> {
    let (scene, request, options) = prepare(api, args, |block| block)?;
    let simulation = esker_vm::simulation(&*api.machine, |session| {
        simulate::simulate(session, &scene.head.state, api.chain.config(), &scene.env, &request, &options)
    })??;
    match simulation.status {
        ExecutionStatus::Success => Ok(simulation.output),
        ExecutionStatus::Revert => Err(RpcError::reverted(&simulation.output)),
        status @ ExecutionStatus::Halt(_) => Err(halted(status)),
    }
}

/// The gas that `request` needs.
pub(super) fn estimate(
    api: &Api,
    scene: &Scene,
    request: &CallRequest,
    options: &SimulateOptions,
) -> Result<u64, RpcError> {
    Ok(esker_vm::simulation(&*api.machine, |session| {
        simulate::estimate_gas(session, &scene.head.state, api.chain.config(), &scene.env, request, options)
    })??)
}

/// `eth_estimateGas`: at `latest`, which is also what no block means, for a transaction of the block that comes next. Within
/// the last one, contracts that write something once a block or a second would seem to have written it already.
pub fn estimate_gas(api: &Api, args: &Args) -> Result<U64, RpcError> {
    let next = |block| if block == BlockParam::Tag(Tag::Latest) { BlockParam::Tag(Tag::Pending) } else { block };
    let (scene, request, options) = prepare(api, args, next)?;
    estimate(api, &scene, &request, &options).map(U64::from)
}

/// `eth_createAccessList`'s answer. A call that fails is an answer too.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessListAnswer {
    access_list: AccessList,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    gas_used: U64,
}

/// `eth_createAccessList`
pub fn create_access_list(api: &Api, args: &Args) -> Result<AccessListAnswer, RpcError> {
    let (scene, request, options) = prepare(api, args, |block| block)?;
    let result = esker_vm::simulation(&*api.machine, |session| {
        simulate::create_access_list(session, &scene.head.state, api.chain.config(), &scene.env, &request, &options)
    })??;
    let error = match result.status {
        ExecutionStatus::Success => None,
        ExecutionStatus::Revert => Some("execution reverted".to_owned()),
        ExecutionStatus::Halt(halt) => Some(halt.to_string()),
    };
    Ok(AccessListAnswer { access_list: result.access_list, error, gas_used: U64::from(result.gas_used) })
}
