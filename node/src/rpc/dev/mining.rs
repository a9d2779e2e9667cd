//! What development tools ask of a development node: mining on request, time, and what it is.

use std::time::Duration;

use alloy_primitives::{B256, U64};
use serde_json::{Value, json};

use super::DevApi;
use crate::producer::Mining;
use crate::rpc::params::{FromParam, LooseNumber};
use crate::rpc::{Args, RpcError, eth_fees};

/// Most blocks that one request makes.
const BLOCKS_MAX: u64 = 10_000;

/// `anvil_nodeInfo`: in Anvil's shape, with Esker's facts.
pub fn node_info(dev: &DevApi, _: &Args) -> Result<Value, RpcError> {
    let head = dev.api.chain.head();
    let header = &head.block.header;
    Ok(json!({
        "currentBlockNumber": U64::from(header.number),
        "currentBlockTimestamp": header.timestamp,
        "currentBlockHash": head.block.hash,
        "hardFork": "cancun",
        "transactionOrder": "fees",
        "environment": {
            "baseFee": U64::from(eth_fees::next_base_fee(&dev.api)),
            "chainId": dev.api.chain.config().chain_id,
            "gasLimit": U64::from(header.gas_limit),
            "gasPrice": eth_fees::gas_price(&dev.api, &Args::none())?,
        },
        "forkConfig": { "forkUrl": null, "forkBlockNumber": null, "forkRetryBackoff": null },
    }))
}

/// `hardhat_metadata`, `anvil_metadata`
pub fn metadata(dev: &DevApi, _: &Args) -> Result<Value, RpcError> {
    let head = dev.api.chain.head();
    Ok(json!({
        "clientVersion": dev.api.client_version,
        "chainId": dev.api.chain.config().chain_id,
        "instanceId": dev.instance_id,
        "latestBlockNumber": head.block.header.number,
        "latestBlockHash": head.block.hash,
    }))
}

/// `hardhat_getAutomine`
pub fn automine(dev: &DevApi, _: &Args) -> Result<bool, RpcError> {
    Ok(dev.producer.mining() == Mining::Instant)
}

/// `evm_setAutomine`
pub fn set_automine(dev: &DevApi, args: &Args) -> Result<bool, RpcError> {
    let is_on = args.required::<bool>(0)?;
    dev.producer.set_mining(if is_on { Mining::Instant } else { Mining::Manual });
    Ok(true)
}

/// `evm_setIntervalMining`: seconds; zero stops it.
pub fn set_interval_mining(dev: &DevApi, args: &Args) -> Result<bool, RpcError> {
    let LooseNumber(seconds) = args.required(0)?;
    let pace = Duration::from_secs(seconds);
    dev.producer.set_mining(if seconds == 0 { Mining::Manual } else { Mining::Interval(pace) });
    Ok(true)
}

/// `evm_increaseTime`: seconds; answers by how much the chain's clock now differs from the system's.
pub fn increase_time(dev: &DevApi, args: &Args) -> Result<i64, RpcError> {
    let LooseNumber(seconds) = args.required(0)?;
    Ok(dev.api.clock.increase(seconds))
}

/// `evm_setNextBlockTimestamp`
pub fn set_next_timestamp(dev: &DevApi, args: &Args) -> Result<Value, RpcError> {
    let LooseNumber(timestamp) = args.required(0)?;
    let parent = dev.api.chain.head().block.header.timestamp;
    if timestamp < parent {
        return Err(RpcError::invalid_params(format!(
            "timestamp error: {timestamp} is lower than the previous block's timestamp {parent}"
        )));
    }
    dev.api.clock.set_next(timestamp);
    Ok(Value::Null)
}

/// `anvil_dropTransaction`: the hash if it waited, else null.
pub fn drop_transaction(dev: &DevApi, args: &Args) -> Result<Option<B256>, RpcError> {
    let hash = args.required(0)?;
    Ok(dev.api.pool.remove(hash).map(|transaction| transaction.hash()))
}

async fn produce(dev: &DevApi, blocks: u64, interval: Option<u64>) -> Result<(), RpcError> {
    if blocks > BLOCKS_MAX {
        return Err(RpcError::invalid_params(format!("too many blocks: {blocks}, limit {BLOCKS_MAX}")));
    }
    dev.producer.mine(blocks, interval).await.map_err(RpcError::internal)
}

/// `evm_mine`: one block, at a timestamp or `{timestamp, blocks}` if given.
pub async fn mine_one(dev: &DevApi, args: Args) -> Result<&'static str, RpcError> {
    let options = args.optional::<MineOptions>(0)?.unwrap_or_default();
    if let Some(timestamp) = options.timestamp {
        let parent = dev.api.chain.head().block.header.timestamp;
        if timestamp < parent {
            return Err(RpcError::invalid_params(format!(
                "timestamp error: {timestamp} is lower than the previous block's timestamp {parent}"
            )));
        }
        dev.api.clock.set_next(timestamp);
    }
    produce(dev, options.blocks.unwrap_or(1), None).await?;
    Ok("0x0")
}

/// `anvil_mine`, `hardhat_mine`: so many blocks, so many seconds apart.
pub async fn mine(dev: &DevApi, args: Args) -> Result<Option<()>, RpcError> {
    let blocks = args.optional::<LooseNumber>(0)?.map_or(1, |number| number.0);
    let interval = args.optional::<LooseNumber>(1)?.map(|number| number.0);
    produce(dev, blocks, interval).await?;
    Ok(None)
}

/// What `evm_mine` takes: a timestamp, or an object.
#[derive(Clone, Copy, Debug, Default)]
struct MineOptions {
    timestamp: Option<u64>,
    blocks: Option<u64>,
}

impl FromParam for MineOptions {
    fn from_param(value: &Value) -> Result<Self, String> {
        let Value::Object(fields) = value else {
            return LooseNumber::from_param(value).map(|number| Self { timestamp: Some(number.0), blocks: None });
        };
        let number = |name: &str| {
            let given = fields.get(name).filter(|value| !value.is_null());
            given.map(|value| LooseNumber::from_param(value).map(|number| number.0)).transpose()
        };
        Ok(Self { timestamp: number("timestamp")?, blocks: number("blocks")? })
    }
}
