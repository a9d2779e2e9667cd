//! Which name calls which function, and on which thread.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Semaphore;

use super::error::code;
use super::{Api, Args, RpcError};
use super::{
    dev, eth_accounts, eth_blocks, eth_execute, eth_fees, eth_filters, eth_logs, eth_state, eth_subscribe,
    eth_transactions, fill, net_web3, simulate, txpool,
};

/// How long a request waits for a free worker before it is told that the server is busy.
const BUSY_AFTER: Duration = Duration::from_secs(10);

/// An answer, as JSON text.
type Answer = Result<Box<RawValue>, RpcError>;

fn answer<T: Serialize>(result: Result<T, RpcError>) -> Answer {
    to_raw_value(&result?).map_err(RpcError::internal)
}

/// Collects methods.
struct Registry {
    module: RpcModule<Api>,
    result: Result<(), RegisterMethodError>,
}

impl Registry {
    fn keep(&mut self, result: Result<(), RegisterMethodError>) {
        if self.result.is_ok() {
            self.result = result;
        }
    }

    /// A method that answers from memory.
    fn quick<T>(&mut self, name: &'static str, args_max: usize, method: fn(&Api, &Args) -> Result<T, RpcError>)
    where
        T: Serialize + 'static,
    {
        let result = self.module.register_method(name, move |params, api, _| -> Answer {
            answer(method(api, &Args::parse(&params, args_max)?))
        });
        let result = result.map(|_| ());
        self.keep(result);
    }

    /// A method that may read the store.
    fn read<T>(&mut self, name: &'static str, args_max: usize, method: fn(&Api, &Args) -> Result<T, RpcError>)
    where
        T: Serialize + 'static,
    {
        self.blocking(name, args_max, |api| api.readers.clone(), method);
    }

    /// A method that executes code.
    fn execute<T>(&mut self, name: &'static str, args_max: usize, method: fn(&Api, &Args) -> Result<T, RpcError>)
    where
        T: Serialize + 'static,
    {
        self.blocking(name, args_max, |api| api.executors.clone(), method);
    }

    fn blocking<T>(
        &mut self,
        name: &'static str,
        args_max: usize,
        workers: fn(&Api) -> Arc<Semaphore>,
        method: fn(&Api, &Args) -> Result<T, RpcError>,
    ) where
        T: Serialize + 'static,
    {
        let result = self.module.register_async_method(name, move |params, api, _| async move {
            let args = Args::parse(&params, args_max)?;
            on_worker(workers(&api), move || answer(method(&api, &args))).await
        });
        let result = result.map(|_| ());
        self.keep(result);
    }
}

/// Runs `work` on a thread that may block, when one of `workers` is free.
pub(super) async fn on_worker<T: Send + 'static>(
    workers: Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, RpcError> + Send + 'static,
) -> Result<T, RpcError> {
    let busy = || RpcError::new(code::LIMIT, "the server is busy: all its workers are taken, try again later");
    let permit = tokio::time::timeout(BUSY_AFTER, workers.acquire_owned()).await.map_err(|_| busy())?;
    let permit = permit.map_err(RpcError::internal)?;
    let task = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(permit);
        result
    });
    task.await.map_err(RpcError::internal)?
}

/// All methods.
///
/// # Errors
/// If two have one name.
pub fn module(api: Api) -> Result<RpcModule<Api>, RegisterMethodError> {
    let mut registry = Registry { module: RpcModule::new(api), result: Ok(()) };
    chain_methods(&mut registry);
    transaction_methods(&mut registry);
    development_methods(&mut registry);
    let Registry { mut module, result } = registry;
    result?;
    eth_subscribe::register(&mut module)?;
    Ok(module)
}

fn chain_methods(registry: &mut Registry) {
    registry.quick("web3_clientVersion", 0, net_web3::client_version);
    registry.quick("web3_sha3", 1, net_web3::sha3);
    registry.quick("net_version", 0, net_web3::net_version);
    registry.quick("net_listening", 0, net_web3::listening);
    registry.quick("net_peerCount", 0, net_web3::peer_count);
    registry.quick("eth_chainId", 0, net_web3::chain_id);
    registry.quick("eth_syncing", 0, net_web3::syncing);

    registry.quick("eth_blockNumber", 0, eth_blocks::block_number);
    registry.read("eth_getBlockByNumber", 2, eth_blocks::block_by_number);
    registry.read("eth_getBlockByHash", 2, eth_blocks::block_by_hash);
    registry.read("eth_getBlockReceipts", 1, eth_blocks::receipts);
    registry.read("eth_getBlockTransactionCountByNumber", 1, eth_blocks::transaction_count_by_number);
    registry.read("eth_getBlockTransactionCountByHash", 1, eth_blocks::transaction_count_by_hash);
    registry.read("eth_getUncleCountByBlockNumber", 1, eth_blocks::uncle_count_by_number);
    registry.read("eth_getUncleCountByBlockHash", 1, eth_blocks::uncle_count_by_hash);
    registry.read("eth_getUncleByBlockNumberAndIndex", 2, eth_blocks::uncle_by_number);
    registry.read("eth_getUncleByBlockHashAndIndex", 2, eth_blocks::uncle_by_hash);
    registry.read("debug_getRawHeader", 1, eth_blocks::raw_header);
    registry.read("debug_getRawBlock", 1, eth_blocks::raw_block);
    registry.read("debug_getRawReceipts", 1, eth_blocks::raw_receipts);
    registry.read("debug_getRawTransaction", 1, eth_transactions::raw);

    registry.read("eth_getBalance", 2, eth_state::balance);
    registry.read("eth_getTransactionCount", 2, eth_state::transaction_count);
    registry.read("eth_getCode", 2, eth_state::code);
    registry.read("eth_getStorageAt", 3, eth_state::storage_at);
    registry.read("eth_getProof", 3, eth_state::proof);
    registry.read("eth_getAccountInfo", 2, eth_state::account_info);

    registry.execute("eth_call", 4, eth_execute::call);
    registry.execute("eth_estimateGas", 4, eth_execute::estimate_gas);
    registry.execute("eth_createAccessList", 3, eth_execute::create_access_list);
    registry.execute("eth_fillTransaction", 1, fill::fill_transaction);
    registry.execute("esker_simulate", 2, simulate::simulate);

    registry.read("eth_gasPrice", 0, eth_fees::gas_price);
    registry.read("eth_maxPriorityFeePerGas", 0, eth_fees::max_priority_fee);
    registry.quick("eth_baseFee", 0, eth_fees::base_fee);
    registry.read("eth_feeHistory", 3, eth_fees::fee_history);

    registry.read("eth_getLogs", 1, eth_logs::logs);
    registry.quick("eth_newFilter", 1, eth_filters::new_log_filter);
    registry.quick("eth_newBlockFilter", 0, eth_filters::new_block_filter);
    registry.quick("eth_newPendingTransactionFilter", 1, eth_filters::new_pending_filter);
    registry.read("eth_getFilterChanges", 1, eth_filters::changes);
    registry.read("eth_getFilterLogs", 1, eth_filters::logs);
    registry.quick("eth_uninstallFilter", 1, eth_filters::uninstall);
}

fn transaction_methods(registry: &mut Registry) {
    registry.read("eth_getTransactionByHash", 1, eth_transactions::by_hash);
    registry.read("eth_getTransactionReceipt", 1, eth_transactions::receipt);
    registry.read("eth_getTransactionByBlockNumberAndIndex", 2, eth_transactions::by_number_and_index);
    registry.read("eth_getTransactionByBlockHashAndIndex", 2, eth_transactions::by_hash_and_index);
    registry.read("eth_getRawTransactionByHash", 1, eth_transactions::raw);
    registry.quick("eth_pendingTransactions", 0, eth_transactions::pending);
    registry.quick("eth_accounts", 0, eth_accounts::accounts);
    registry.quick("eth_sign", 2, eth_accounts::sign);
    registry.quick("personal_sign", 3, eth_accounts::personal_sign);
    registry.execute("eth_signTransaction", 1, eth_accounts::sign_transaction);
    registry.quick("txpool_status", 0, txpool::status);
    registry.quick("txpool_content", 0, txpool::content);
    registry.quick("txpool_contentFrom", 1, txpool::content_from);
    registry.quick("txpool_inspect", 0, txpool::inspect);

    let result =
        registry.module.register_async_method("eth_sendRawTransaction", |params, api, extensions| async move {
            let hash = eth_transactions::send_raw(&api, Args::parse(&params, 1)?).await?;
            api.producer.notify(!is_in_batch(&extensions)).await.map_err(RpcError::no_block)?;
            Ok::<B256, RpcError>(hash)
        });
    let result = result.map(|_| ());
    registry.keep(result);
    let result = registry.module.register_async_method("eth_sendTransaction", |params, api, extensions| async move {
        let hash = eth_accounts::send_transaction(&api, Args::parse(&params, 1)?).await?;
        api.producer.notify(!is_in_batch(&extensions)).await.map_err(RpcError::no_block)?;
        Ok::<B256, RpcError>(hash)
    });
    let result = result.map(|_| ());
    registry.keep(result);
}

/// Whether a request is part of a batch: it must not hold up the ones behind it.
fn is_in_batch(extensions: &jsonrpsee::Extensions) -> bool {
    extensions.get::<crate::server::InBatch>().is_some()
}

fn development_methods(registry: &mut Registry) {
    registry.quick("anvil_nodeInfo", 0, dev::node_info);
    registry.quick("hardhat_metadata", 0, dev::metadata);
    registry.quick("anvil_metadata", 0, dev::metadata);
    for name in ["hardhat_getAutomine", "anvil_getAutomine"] {
        registry.quick(name, 0, dev::automine);
    }
    for name in ["evm_setAutomine", "anvil_setAutomine"] {
        registry.quick(name, 1, dev::set_automine);
    }
    for name in ["evm_setIntervalMining", "anvil_setIntervalMining"] {
        registry.quick(name, 1, dev::set_interval_mining);
    }
    for name in ["evm_increaseTime", "anvil_increaseTime"] {
        registry.quick(name, 1, dev::increase_time);
    }
    for name in ["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"] {
        registry.quick(name, 1, dev::set_next_timestamp);
    }
    for name in ["anvil_dropTransaction", "hardhat_dropTransaction"] {
        registry.quick(name, 1, dev::drop_transaction);
    }
    let result = registry.module.register_async_method("evm_mine", |params, api, _| async move {
        dev::mine_one(&api, Args::parse(&params, 1)?).await
    });
    let result = result.map(|_| ());
    registry.keep(result);
    for name in ["anvil_mine", "hardhat_mine"] {
        let result = registry.module.register_async_method(name, |params, api, _| async move {
            dev::mine(&api, Args::parse(&params, 2)?).await
        });
        let result = result.map(|_| ());
        registry.keep(result);
    }
}
