//! Filling in what a transaction leaves out: nonce, fees, gas.

use alloy_consensus::transaction::SignableTransaction;
use alloy_consensus::{TxEip1559, TxEip2930, TxEnvelope, TxLegacy, TypedTransaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Bytes, Signature, TxKind, U256};
use esker_runtime::simulate::{CallRequest, SimulateOptions};
use serde::Serialize;

use super::block_param::{BlockParam, Tag};
use super::call_args::CallArgs;
use super::eth_execute::{check_payload, estimate, scene};
use super::eth_fees::{next_base_fee, suggested_tip};
use super::views::UnsignedView;
use super::{Api, Args, RpcError};

/// `eth_fillTransaction`'s answer.
#[derive(Debug, Serialize)]
pub struct Filled {
    raw: Bytes,
    tx: UnsignedView,
}

/// `eth_fillTransaction`
pub fn fill_transaction(api: &Api, args: &Args) -> Result<Filled, RpcError> {
    let transaction = fill(api, &args.required(0)?)?;
    let gas_price = match &transaction {
        TypedTransaction::Legacy(transaction) => Some(transaction.gas_price),
        TypedTransaction::Eip2930(transaction) => Some(transaction.gas_price),
        _ => None,
    };
    let tx = UnsignedView::new(&transaction, gas_price);
    // As geth encodes what nobody has signed yet: with a signature of zeros.
    let unsigned: TxEnvelope = transaction.into_signed(Signature::new(U256::ZERO, U256::ZERO, false)).into();
    Ok(Filled { raw: unsigned.encoded_2718().into(), tx })
}

/// What a transaction pays, in wei per gas.
enum Fees {
    Legacy { price: u128 },
    Dynamic { cap: u128, tip: u128 },
}

fn fees(api: &Api, args: &CallArgs) -> Result<Fees, RpcError> {
    if let Some(price) = args.gas_price {
        return Ok(Fees::Legacy { price });
    }
    let base_fee = u128::from(next_base_fee(api));
    if matches!(args.kind, Some(0 | 1)) {
        return Ok(Fees::Legacy { price: base_fee.saturating_add(suggested_tip(api)?) });
    }
    let tip = match args.max_priority_fee_per_gas {
        Some(tip) => tip,
        None => {
            let suggested = suggested_tip(api)?;
            args.max_fee_per_gas.map_or(suggested, |cap| suggested.min(cap))
        }
    };
    let cap = args.max_fee_per_gas.unwrap_or_else(|| base_fee.saturating_mul(2).saturating_add(tip));
    if cap < tip {
        return Err(RpcError::server(format!("maxFeePerGas ({cap}) < maxPriorityFeePerGas ({tip})")));
    }
    Ok(Fees::Dynamic { cap, tip })
}

/// Completes `args` into a transaction for the next block.
///
/// # Errors
/// What the transaction would fail with: code 3 if it reverts.
pub(super) fn fill(api: &Api, args: &CallArgs) -> Result<TypedTransaction, RpcError> {
    let chain_id = api.chain.config().chain_id;
    if let Some(have) = args.chain_id.filter(|have| *have != chain_id) {
        return Err(RpcError::server(format!("chainId does not match node's (have={have}, want={chain_id})")));
    }
    let input = args.input.clone().unwrap_or_default();
    if args.to.is_none() && input.is_empty() {
        return Err(RpcError::server("contract creation without any data provided"));
    }
    check_payload(args)?;
    let to = args.to.map_or(TxKind::Create, TxKind::Call);
    let nonce = match args.nonce {
        Some(nonce) => nonce,
        None => api.pending_nonce(args.from.unwrap_or_default())?,
    };
    let fees = fees(api, args)?;
    let gas_limit = match args.gas {
        Some(gas) => gas,
        None => needed_gas(api, args, &fees)?,
    };
    let value = args.value.unwrap_or_default();
    let access_list = args.access_list.clone();
    Ok(match fees {
        Fees::Dynamic { cap, tip } => TypedTransaction::Eip1559(TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: cap,
            max_priority_fee_per_gas: tip,
            to,
            value,
            access_list: access_list.unwrap_or_default(),
            input,
        }),
        Fees::Legacy { price } if access_list.is_some() || args.kind == Some(1) => {
            let access_list = access_list.unwrap_or_default();
            TypedTransaction::Eip2930(TxEip2930 {
                chain_id,
                nonce,
                gas_price: price,
                gas_limit,
                to,
                value,
                access_list,
                input,
            })
        }
        Fees::Legacy { price } => TypedTransaction::Legacy(TxLegacy {
            chain_id: Some(chain_id),
            nonce,
            gas_price: price,
            gas_limit,
            to,
            value,
            input,
        }),
    })
}

fn needed_gas(api: &Api, args: &CallArgs, fees: &Fees) -> Result<u64, RpcError> {
    let mut request = CallRequest::from(args);
    match fees {
        Fees::Legacy { price } => request.gas_price = Some(*price),
        Fees::Dynamic { cap, tip } => {
            request.max_fee_per_gas = Some(*cap);
            request.max_priority_fee_per_gas = Some(*tip);
        }
    }
    let options = SimulateOptions { gas_cap: api.call_gas_cap, ..SimulateOptions::default() };
    estimate(api, &scene(api, BlockParam::Tag(Tag::Pending))?, &request, &options)
}
