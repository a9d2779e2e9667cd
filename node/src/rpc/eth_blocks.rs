//! Blocks.

use std::sync::Arc;

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, U64};

use super::block_param::{BlockNumberOrTag, BlockParam, Tag};
use super::views::{BlockView, HeaderView, ReceiptView};
use super::{Api, Args, RpcError};
use crate::chain::BlockRecord;

/// `eth_blockNumber`
pub fn block_number(api: &Api, _: &Args) -> Result<U64, RpcError> {
    Ok(U64::from(api.chain.head().block.header.number))
}

/// `eth_getBlockByNumber`
pub fn block_by_number(api: &Api, args: &Args) -> Result<Option<BlockView>, RpcError> {
    let block: BlockNumberOrTag = args.required(0)?;
    let is_full = args.optional::<bool>(1)?.unwrap_or(false);
    if block == BlockNumberOrTag::Tag(Tag::Pending) {
        return Ok(Some(pending_block(api, is_full)));
    }
    Ok(api.block(block.into())?.map(|block| BlockView::new(&block, is_full)))
}

/// The block that would come next, empty: it has no hash, and its roots are its parent's.
fn pending_block(api: &Api, is_full: bool) -> BlockView {
    let head = api.chain.head();
    let parent = &head.block.header;
    let timestamp = api.clock.planned().unwrap_or_else(|| api.clock.now()).max(parent.timestamp);
    let env = api.chain.next_env(parent, timestamp, api.beneficiary);
    let header = alloy_consensus::Header {
        parent_hash: head.block.hash,
        number: env.number,
        timestamp: env.timestamp,
        gas_limit: env.gas_limit,
        base_fee_per_gas: Some(env.base_fee),
        beneficiary: env.beneficiary,
        mix_hash: env.mix_hash,
        extra_data: env.extra_data,
        state_root: parent.state_root,
        ..alloy_consensus::Header::default()
    };
    let block = BlockRecord { header, hash: B256::ZERO, transactions: Vec::new(), receipts: Vec::new() };
    BlockView::new(&block, is_full).without_hash()
}

/// `eth_getBlockByHash`
pub fn block_by_hash(api: &Api, args: &Args) -> Result<Option<BlockView>, RpcError> {
    let hash: B256 = args.required(0)?;
    let is_full = args.optional::<bool>(1)?.unwrap_or(false);
    Ok(api.block(BlockParam::Hash(hash))?.map(|block| BlockView::new(&block, is_full)))
}

/// `eth_getBlockReceipts`
pub fn receipts(api: &Api, args: &Args) -> Result<Option<Vec<ReceiptView>>, RpcError> {
    let block: BlockParam = args.required(0)?;
    if block == BlockParam::Tag(Tag::Pending) {
        return Ok(Some(Vec::new()));
    }
    Ok(api
        .block(block)?
        .map(|block| (0..block.transactions.len()).filter_map(|index| ReceiptView::new(&block, index)).collect()))
}

fn by_number(api: &Api, args: &Args) -> Result<Option<Arc<BlockRecord>>, RpcError> {
    api.block(args.required::<BlockNumberOrTag>(0)?.into())
}

fn by_hash(api: &Api, args: &Args) -> Result<Option<Arc<BlockRecord>>, RpcError> {
    api.block(BlockParam::Hash(args.required(0)?))
}

fn transaction_count(block: &BlockRecord) -> U64 {
    U64::from(block.transactions.len())
}

/// `eth_getBlockTransactionCountByNumber`: the pending block is shown empty.
pub fn transaction_count_by_number(api: &Api, args: &Args) -> Result<Option<U64>, RpcError> {
    if args.required::<BlockNumberOrTag>(0)? == BlockNumberOrTag::Tag(Tag::Pending) {
        return Ok(Some(U64::ZERO));
    }
    Ok(by_number(api, args)?.map(|block| transaction_count(&block)))
}

/// `eth_getBlockTransactionCountByHash`
pub fn transaction_count_by_hash(api: &Api, args: &Args) -> Result<Option<U64>, RpcError> {
    Ok(by_hash(api, args)?.map(|block| transaction_count(&block)))
}

/// `eth_getUncleCountByBlockNumber`: blocks here have no uncles.
pub fn uncle_count_by_number(api: &Api, args: &Args) -> Result<Option<U64>, RpcError> {
    Ok(by_number(api, args)?.map(|_| U64::ZERO))
}

/// `eth_getUncleCountByBlockHash`: blocks here have no uncles.
pub fn uncle_count_by_hash(api: &Api, args: &Args) -> Result<Option<U64>, RpcError> {
    Ok(by_hash(api, args)?.map(|_| U64::ZERO))
}

/// `eth_getUncleByBlockNumberAndIndex`: blocks here have no uncles.
pub fn uncle_by_number(_: &Api, args: &Args) -> Result<Option<HeaderView>, RpcError> {
    args.required::<BlockNumberOrTag>(0)?;
    args.required::<u64>(1)?;
    Ok(None)
}

/// `eth_getUncleByBlockHashAndIndex`: blocks here have no uncles.
pub fn uncle_by_hash(_: &Api, args: &Args) -> Result<Option<HeaderView>, RpcError> {
    args.required::<B256>(0)?;
    args.required::<u64>(1)?;
    Ok(None)
}

fn existing(api: &Api, args: &Args) -> Result<Arc<BlockRecord>, RpcError> {
    api.block(args.required(0)?)?.ok_or_else(|| RpcError::server("header not found"))
}

/// `debug_getRawHeader`
pub fn raw_header(api: &Api, args: &Args) -> Result<Bytes, RpcError> {
    Ok(alloy_rlp::encode(&existing(api, args)?.header).into())
}

/// `debug_getRawBlock`
pub fn raw_block(api: &Api, args: &Args) -> Result<Bytes, RpcError> {
    Ok(existing(api, args)?.encoded().into())
}

/// `debug_getRawReceipts`
pub fn raw_receipts(api: &Api, args: &Args) -> Result<Vec<Bytes>, RpcError> {
    Ok(existing(api, args)?.receipts.iter().map(|receipt| receipt.encoded_2718().into()).collect())
}
