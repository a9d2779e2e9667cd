//! A block on its way between nodes: its RLP, `[header, transactions, uncles]`, as Ethereum writes it.

use alloy_consensus::{Header, TxEnvelope};
use alloy_rlp::Decodable;
use bytes::Bytes;
use esker_runtime::types::recover_senders;
use esker_runtime::{Block, ChainConfig, ExecutedBlock, SignedTransaction, TransactionError};

use super::codec::BLOCK_BYTES_MAX;
use crate::chain::BlockRecord;

/// Why bytes are no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// They are not the RLP of one.
    #[error("the block's RLP: {0}")]
    Rlp(#[from] alloy_rlp::Error),
    /// There are too many.
    #[error("the block has {0} bytes; at most {BLOCK_BYTES_MAX} are allowed")]
    TooLarge(usize),
    /// A chain like this has no uncles.
    #[error("the block has uncles")]
    Uncles,
    /// A transaction is none of this chain's.
    #[error("transaction {0}: {1}")]
    Transaction(usize, TransactionError),
}

/// The RLP of a block that was executed here.
#[must_use]
pub fn encode(block: &ExecutedBlock) -> Bytes {
    BlockRecord::from(block).encoded().into()
}

/// The header alone, which names the block.
///
/// # Errors
/// [`BodyError`]
pub fn header(bytes: &[u8]) -> Result<Header, BodyError> {
    let mut rest = bytes;
    let mut fields = alloy_rlp::Header::decode_bytes(&mut rest, true)?;
    Ok(Header::decode(&mut fields)?)
}

/// Reads a block and recovers the senders of its transactions, on all cores.
///
/// # Errors
/// [`BodyError`]: nobody can have built such a block in good faith.
pub fn decode(bytes: &[u8], config: &ChainConfig) -> Result<Block, BodyError> {
    if bytes.len() > BLOCK_BYTES_MAX {
        return Err(BodyError::TooLarge(bytes.len()));
    }
    let mut rest = bytes;
    let mut fields = alloy_rlp::Header::decode_bytes(&mut rest, true)?;
    let header = Header::decode(&mut fields)?;
    let mut list = alloy_rlp::Header::decode_bytes(&mut fields, true)?;
    if fields != [alloy_rlp::EMPTY_LIST_CODE] {
        return Err(BodyError::Uncles);
    }
    if !rest.is_empty() {
        return Err(BodyError::Rlp(alloy_rlp::Error::Custom("bytes follow it")));
    }
    let mut signed = Vec::new();
    while !list.is_empty() {
        let envelope = TxEnvelope::decode(&mut list)?;
        let transaction = SignedTransaction::from_envelope(envelope, config);
        signed.push(transaction.map_err(|error| BodyError::Transaction(signed.len(), error))?);
    }
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let recovered = recover_senders(signed, workers).into_iter().enumerate();
    let transactions = recovered.map(|(index, result)| result.map_err(|error| BodyError::Transaction(index, error)));
    Ok(Block { header, transactions: transactions.collect::<Result<_, _>>()? })
}
