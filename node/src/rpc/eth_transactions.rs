//! Transactions: sending them, and finding them again.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use esker_runtime::{Transaction, TransactionError};

use super::block_param::{BlockNumberOrTag, BlockParam, Tag};
use super::register::on_worker;
use super::views::{ReceiptView, TransactionView};
use super::{Api, Args, RpcError};
use crate::chain::BlockRecord;
use crate::mempool::PoolError;
use crate::mempool::submit::{self, SubmitError};

impl From<PoolError> for RpcError {
    fn from(error: PoolError) -> Self {
        Self::server(error.to_string())
    }
}

impl From<TransactionError> for RpcError {
    fn from(error: TransactionError) -> Self {
        Self::server(error.to_string())
    }
}

impl From<SubmitError> for RpcError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(error) => error.into(),
            SubmitError::Store(error) => error.into(),
        }
    }
}

/// Offers a transaction to the pool.
pub(super) fn submit(api: &Api, transaction: Transaction) -> Result<B256, RpcError> {
    let hash = transaction.hash();
    submit::submit(&api.chain, &api.pool, transaction)?;
    Ok(hash)
}

/// `eth_sendRawTransaction`
pub async fn send_raw(api: &Arc<Api>, args: Args) -> Result<B256, RpcError> {
    let worker = api.clone();
    on_worker(api.senders.clone(), move || {
        let raw: Bytes = args.required(0)?;
        submit(&worker, Transaction::decode(&raw, worker.chain.config())?)
    })
    .await
}

/// The block that holds a transaction, and its place there.
fn included(api: &Api, hash: B256) -> Result<Option<(Arc<BlockRecord>, usize)>, RpcError> {
    let Some(location) = api.chain.location(hash)? else { return Ok(None) };
    // A block's tables are durable a moment before it is acknowledged.
    let block = api.block(BlockParam::Number(location.block))?;
    Ok(block.map(|block| (block, location.index)))
}

/// `eth_getTransactionByHash`
pub fn by_hash(api: &Api, args: &Args) -> Result<Option<TransactionView>, RpcError> {
    let hash = args.required(0)?;
    // The pool first: a transaction leaves it only after its block is acknowledged.
    let waiting = api.pool.get(hash);
    if let Some((block, index)) = included(api, hash)? {
        return Ok(TransactionView::included(&block, index));
    }
    Ok(waiting.map(|transaction| TransactionView::pending(&transaction)))
}

/// `eth_getTransactionReceipt`
pub fn receipt(api: &Api, args: &Args) -> Result<Option<ReceiptView>, RpcError> {
    Ok(included(api, args.required(0)?)?.and_then(|(block, index)| ReceiptView::new(&block, index)))
}

fn at(block: Option<Arc<BlockRecord>>, index: u64) -> Option<TransactionView> {
    TransactionView::included(&*block?, usize::try_from(index).ok()?)
}

/// `eth_getTransactionByBlockNumberAndIndex`: the pending block is shown empty.
pub fn by_number_and_index(api: &Api, args: &Args) -> Result<Option<TransactionView>, RpcError> {
    let block: BlockNumberOrTag = args.required(0)?;
    let index = args.required(1)?;
    if block == BlockNumberOrTag::Tag(Tag::Pending) {
        return Ok(None);
    }
    Ok(at(api.block(block.into())?, index))
}

/// `eth_getTransactionByBlockHashAndIndex`
pub fn by_hash_and_index(api: &Api, args: &Args) -> Result<Option<TransactionView>, RpcError> {
    let hash = args.required(0)?;
    let index = args.required(1)?;
    Ok(at(api.block(BlockParam::Hash(hash))?, index))
}

/// `eth_getRawTransactionByHash`, `debug_getRawTransaction`
pub fn raw(api: &Api, args: &Args) -> Result<Option<Bytes>, RpcError> {
    let hash = args.required(0)?;
    if let Some((block, index)) = included(api, hash)? {
        return Ok(block.transactions.get(index).map(|transaction| transaction.encoded().into()));
    }
    Ok(api.pool.get(hash).map(|transaction| transaction.encoded().into()))
}
