//! Which name calls which function, and on which thread.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::error::code;
use super::{Api, Args, RpcError};
use super::{
    eth_blocks, eth_execute, eth_fees, eth_filters, eth_logs, eth_state, eth_subscribe, eth_transactions, fill,
    net_web3, protocol, simulate, txpool,
};
use crate::server::limits;

/// How long a request waits for a free worker before it is told that the server is busy.
const BUSY_AFTER: Duration = Duration::from_secs(10);

/// An answer, as JSON text.
type Answer = Result<Box<RawValue>, RpcError>;

fn answer<T: Serialize>(result: Result<T, RpcError>) -> Answer {
    let mut text = Limited::default();
    match serde_json::to_writer(&mut text, &result?) {
        Ok(()) => {
            let text = String::from_utf8(text.bytes).map_err(RpcError::internal)?;
            RawValue::from_string(text).map_err(RpcError::internal)
        }
        Err(error) if error.is_io() => {
            let words = format!("response too large: at most {} bytes, ask for less", limits::ANSWER_BYTES_MAX);
            Err(RpcError::new(code::RESPONSE_TOO_LARGE, words))
        }
        Err(error) => Err(RpcError::internal(error)),
    }
}

/// A text that takes no more than an answer may have, so that what is too large is not even written.
#[derive(Default)]
struct Limited {
    bytes: Vec<u8>,
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > limits::ANSWER_BYTES_MAX {
            return Err(io::Error::other("the answer is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Collects methods that work on a `C`.
pub(super) struct Registry<C> {
    pub(super) module: RpcModule<C>,
    result: Result<(), RegisterMethodError>,
}

impl<C: AsRef<Api> + Send + Sync + 'static> Registry<C> {
    pub(super) fn new(context: Arc<C>) -> Self {
        Self { module: RpcModule::from_arc(context), result: Ok(()) }
    }

    /// All methods, unless one was refused.
    pub(super) fn finish(self) -> Result<RpcModule<C>, RegisterMethodError> {
        self.result.map(|()| self.module)
    }

    pub(super) fn keep(&mut self, result: Result<(), RegisterMethodError>) {
        if self.result.is_ok() {
            self.result = result;
        }
    }

    /// A method that answers from memory.
    pub(super) fn quick<T>(&mut self, name: &'static str, args_max: usize, method: fn(&C, &Args) -> Result<T, RpcError>)
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
    pub(super) fn read<T>(&mut self, name: &'static str, args_max: usize, method: fn(&C, &Args) -> Result<T, RpcError>)
    where
        T: Serialize + 'static,
    {
        self.blocking(name, args_max, |api| api.readers.clone(), method);
    }

    /// A method that reads so much of the store, or answers so much, that only a few may do so at a time.
    pub(super) fn gather<T>(
        &mut self,
        name: &'static str,
        args_max: usize,
        method: fn(&C, &Args) -> Result<T, RpcError>,
    ) where
        T: Serialize + 'static,
    {
        self.blocking(name, args_max, |api| api.gatherers.clone(), method);
    }

    /// A method that executes code.
    pub(super) fn execute<T>(
        &mut self,
        name: &'static str,
        args_max: usize,
        method: fn(&C, &Args) -> Result<T, RpcError>,
    ) where
        T: Serialize + 'static,
    {
        self.blocking(name, args_max, |api| api.executors.clone(), method);
    }

    fn blocking<T>(
        &mut self,
        name: &'static str,
        args_max: usize,
        workers: fn(&Api) -> Arc<Semaphore>,
        method: fn(&C, &Args) -> Result<T, RpcError>,
    ) where
        T: Serialize + 'static,
    {
        let result = self.module.register_async_method(name, move |params, api, _| async move {
            let args = Args::parse(&params, args_max)?;
            // Their text may be long, and there may be no worker for a while.
            drop(params);
            on_worker(workers((*api).as_ref()), move || answer(method(&api, &args))).await
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
    // The permit comes back with the result, which may be large: the next one begins when this one was taken.
    let task = tokio::task::spawn_blocking(move || (work(), permit));
    let (result, _permit) = task.await.map_err(RpcError::internal)?;
    result
}

/// The methods of every node: they read the chain and the pool, simulate, and change nothing.
///
/// # Errors
/// If two have one name.
pub fn module(api: Arc<Api>) -> Result<RpcModule<Api>, RegisterMethodError> {
    let mut registry = Registry::new(api);
    chain_methods(&mut registry);
    transaction_methods(&mut registry);
    let mut module = registry.finish()?;
    eth_subscribe::register(&mut module)?;
    Ok(module)
}

fn chain_methods(registry: &mut Registry<Api>) {
    registry.quick("web3_clientVersion", 0, net_web3::client_version);
    registry.quick("web3_sha3", 1, net_web3::sha3);
    registry.quick("net_version", 0, net_web3::net_version);
    registry.quick("net_listening", 0, net_web3::listening);
    registry.quick("net_peerCount", 0, net_web3::peer_count);
    registry.quick("eth_chainId", 0, net_web3::chain_id);
    registry.quick("eth_syncing", 0, net_web3::syncing);
    registry.quick("esker_protocol", 0, protocol::protocol);

    registry.quick("eth_blockNumber", 0, eth_blocks::block_number);
    registry.gather("eth_getBlockByNumber", 2, eth_blocks::block_by_number);
    registry.gather("eth_getBlockByHash", 2, eth_blocks::block_by_hash);
    registry.gather("eth_getBlockReceipts", 1, eth_blocks::receipts);
    registry.read("eth_getBlockTransactionCountByNumber", 1, eth_blocks::transaction_count_by_number);
    registry.read("eth_getBlockTransactionCountByHash", 1, eth_blocks::transaction_count_by_hash);
    registry.read("eth_getUncleCountByBlockNumber", 1, eth_blocks::uncle_count_by_number);
    registry.read("eth_getUncleCountByBlockHash", 1, eth_blocks::uncle_count_by_hash);
    registry.read("eth_getUncleByBlockNumberAndIndex", 2, eth_blocks::uncle_by_number);
    registry.read("eth_getUncleByBlockHashAndIndex", 2, eth_blocks::uncle_by_hash);
    registry.read("debug_getRawHeader", 1, eth_blocks::raw_header);
    registry.gather("debug_getRawBlock", 1, eth_blocks::raw_block);
    registry.gather("debug_getRawReceipts", 1, eth_blocks::raw_receipts);
    registry.read("debug_getRawTransaction", 1, eth_transactions::raw);

    registry.read("eth_getBalance", 2, eth_state::balance);
    registry.read("eth_getTransactionCount", 2, eth_state::transaction_count);
    registry.read("eth_getCode", 2, eth_state::code);
    registry.read("eth_getStorageAt", 3, eth_state::storage_at);
    registry.gather("eth_getProof", 3, eth_state::proof);
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

    registry.gather("eth_getLogs", 1, eth_logs::logs);
    registry.quick("eth_newFilter", 1, eth_filters::new_log_filter);
    registry.quick("eth_newBlockFilter", 0, eth_filters::new_block_filter);
    registry.quick("eth_newPendingTransactionFilter", 1, eth_filters::new_pending_filter);
    registry.gather("eth_getFilterChanges", 1, eth_filters::changes);
    registry.gather("eth_getFilterLogs", 1, eth_filters::logs);
    registry.quick("eth_uninstallFilter", 1, eth_filters::uninstall);
}

fn transaction_methods(registry: &mut Registry<Api>) {
    registry.read("eth_getTransactionByHash", 1, eth_transactions::by_hash);
    registry.read("eth_getTransactionReceipt", 1, eth_transactions::receipt);
    registry.read("eth_getTransactionByBlockNumberAndIndex", 2, eth_transactions::by_number_and_index);
    registry.read("eth_getTransactionByBlockHashAndIndex", 2, eth_transactions::by_hash_and_index);
    registry.read("eth_getRawTransactionByHash", 1, eth_transactions::raw);
    registry.quick("txpool_status", 0, txpool::status);
    registry.gather("txpool_content", 0, txpool::content);
    registry.gather("txpool_contentFrom", 1, txpool::content_from);
    registry.gather("txpool_inspect", 0, txpool::inspect);
}
