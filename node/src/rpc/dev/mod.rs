//! What a development node serves besides what every node does: mining and time on request, accounts whose keys it holds,
//! and sending that answers when the transaction is in a block.

mod accounts;
mod mining;

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use parking_lot::Mutex;

use super::register::Registry;
use super::{Api, Args, RpcError, eth_transactions};
use crate::accounts::Accounts;
use crate::producer::ProducerHandle;

/// Everything that the methods of a development node need.
pub struct DevApi {
    /// What every node's methods work on.
    pub api: Arc<Api>,
    /// Makes blocks.
    pub producer: ProducerHandle,
    /// Keys that this node signs with.
    pub accounts: Accounts,
    /// Names this run of the node.
    instance_id: B256,
    /// Held while a transaction of an unlocked account gets its nonce and enters the pool.
    sending: Mutex<()>,
}

impl DevApi {
    /// The context of a development node's methods.
    #[must_use]
    pub fn new(api: Arc<Api>, producer: ProducerHandle, accounts: Accounts) -> Self {
        Self { api, producer, accounts, instance_id: instance_id(), sending: Mutex::new(()) }
    }
}

impl AsRef<Api> for DevApi {
    fn as_ref(&self) -> &Api {
        &self.api
    }
}

/// Differs between runs: tools notice by it that a node was restarted.
fn instance_id() -> B256 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    keccak256(format!("{}:{}", std::process::id(), now.as_nanos()))
}

/// The methods of a development node that no other node has, and those that answer otherwise there.
///
/// # Errors
/// If two have one name.
pub fn module(dev: DevApi) -> Result<RpcModule<DevApi>, RegisterMethodError> {
    let mut registry = Registry::new(Arc::new(dev));
    account_methods(&mut registry);
    mining_methods(&mut registry);
    registry.finish()
}

/// Whether a request is part of a batch: it must not hold up the ones behind it.
fn is_in_batch(extensions: &jsonrpsee::Extensions) -> bool {
    extensions.get::<crate::server::InBatch>().is_some()
}

/// Answers when the block producer has looked at what was sent, unless that would hold up a batch.
async fn acknowledged(dev: &DevApi, hash: B256, extensions: &jsonrpsee::Extensions) -> Result<B256, RpcError> {
    dev.producer.looked(!is_in_batch(extensions)).await.map_err(RpcError::internal)?;
    Ok(hash)
}

fn account_methods(registry: &mut Registry<DevApi>) {
    registry.quick("eth_accounts", 0, accounts::accounts);
    registry.quick("eth_sign", 2, accounts::sign);
    registry.quick("personal_sign", 3, accounts::personal_sign);
    registry.execute("eth_signTransaction", 1, accounts::sign_transaction);
    registry.quick("eth_pendingTransactions", 0, accounts::pending);
    let result =
        registry.module.register_async_method("eth_sendRawTransaction", |params, dev, extensions| async move {
            let hash = eth_transactions::send_raw(&dev.api, Args::parse(&params, 1)?).await?;
            acknowledged(&dev, hash, &extensions).await
        });
    let result = result.map(|_| ());
    registry.keep(result);
    let result = registry.module.register_async_method("eth_sendTransaction", |params, dev, extensions| async move {
        let hash = accounts::send_transaction(&dev, Args::parse(&params, 1)?).await?;
        acknowledged(&dev, hash, &extensions).await
    });
    let result = result.map(|_| ());
    registry.keep(result);
}

fn mining_methods(registry: &mut Registry<DevApi>) {
    registry.quick("anvil_nodeInfo", 0, mining::node_info);
    registry.quick("hardhat_metadata", 0, mining::metadata);
    registry.quick("anvil_metadata", 0, mining::metadata);
    for name in ["hardhat_getAutomine", "anvil_getAutomine"] {
        registry.quick(name, 0, mining::automine);
    }
    for name in ["evm_setAutomine", "anvil_setAutomine"] {
        registry.quick(name, 1, mining::set_automine);
    }
    for name in ["evm_setIntervalMining", "anvil_setIntervalMining"] {
        registry.quick(name, 1, mining::set_interval_mining);
    }
    for name in ["evm_increaseTime", "anvil_increaseTime"] {
        registry.quick(name, 1, mining::increase_time);
    }
    for name in ["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"] {
        registry.quick(name, 1, mining::set_next_timestamp);
    }
    for name in ["anvil_dropTransaction", "hardhat_dropTransaction"] {
        registry.quick(name, 1, mining::drop_transaction);
    }
    let result = registry.module.register_async_method("evm_mine", |params, dev, _| async move {
        mining::mine_one(&dev, Args::parse(&params, 1)?).await
    });
    let result = result.map(|_| ());
    registry.keep(result);
    for name in ["anvil_mine", "hardhat_mine"] {
        let result = registry.module.register_async_method(name, |params, dev, _| async move {
            mining::mine(&dev, Args::parse(&params, 2)?).await
        });
        let result = result.map(|_| ());
        registry.keep(result);
    }
}
