//! A block on its way between nodes: its RLP, `[header, transactions, uncles]`, as Ethereum writes it.

use alloy_consensus::{Header, TxEnvelope};
use alloy_rlp::Decodable;
use bytes::Bytes;
use esker_runtime::trie::ordered::ordered_root;
use esker_runtime::types::recover_senders;
use esker_runtime::{Block, ChainConfig, ExecutedBlock, SignedTransaction, TransactionError};

use super::codec::BLOCK_BYTES_MAX;
use crate::chain::BlockRecord;

/// Least bytes that the encoding of a transaction has. A signature alone has 64, but for zeros in front that nobody finds, so
/// shorter ones are refused before their number makes hashing them a burden.
const TRANSACTION_BYTES_MIN: usize = 64;

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
    /// The transactions are other ones than the header names.
    #[error("the transactions are not those that the header names")]
    OtherTransactions,
    /// A transaction is none of this chain's.
    #[error("transaction {0}: {1}")]
    Transaction(usize, TransactionError),
}

/// The RLP of a block that was executed here.
#[must_use]
pub fn encode(block: &ExecutedBlock) -> Bytes {
    BlockRecord::from(block).encoded().into()
}

/// The header and the list of transactions, which nothing follows but the empty list of uncles.
fn split(bytes: &[u8]) -> Result<(Header, &[u8]), BodyError> {
    if bytes.len() > BLOCK_BYTES_MAX {
        return Err(BodyError::TooLarge(bytes.len()));
    }
    let mut rest = bytes;
    let mut fields = alloy_rlp::Header::decode_bytes(&mut rest, true)?;
    let header = Header::decode(&mut fields)?;
    let list = alloy_rlp::Header::decode_bytes(&mut fields, true)?;
    if fields != [alloy_rlp::EMPTY_LIST_CODE] {
        return Err(BodyError::Uncles);
    }
    if !rest.is_empty() {
        return Err(BodyError::Rlp(alloy_rlp::Error::Custom("bytes follow it")));
    }
    Ok((header, list))
}

/// The header of a block, whose hash stands for all the bytes: the transactions are those that it names, whether or not they
/// are any good. Without this, whoever sends a header with other transactions could have a good block judged by them.
///
/// # Errors
/// [`BodyError`]: the bytes are no block, and say nothing about the one whose header they may hold.
pub fn header(bytes: &[u8]) -> Result<Header, BodyError> {
    let (header, mut list) = split(bytes)?;
    let mut encodings = Vec::new();
    while !list.is_empty() {
        let item = list;
        let prefix = alloy_rlp::Header::decode(&mut list)?;
        let (payload, rest) = list.split_at_checked(prefix.payload_length).ok_or(alloy_rlp::Error::InputTooShort)?;
        list = rest;
        // A legacy transaction is a list and stands for itself; the others are strings that hold their encoding.
        let legacy = item.get(..item.len() - rest.len()).unwrap_or_default();
        let encoding = if prefix.list { legacy } else { payload };
        if encoding.len() < TRANSACTION_BYTES_MIN {
            return Err(BodyError::Rlp(alloy_rlp::Error::Custom("a transaction is too short")));
        }
        encodings.push(encoding);
    }
    let root = ordered_root(encodings.len(), |index, out| {
        out.extend_from_slice(encodings.get(index).copied().unwrap_or_default());
    });
    if root == header.transactions_root { Ok(header) } else { Err(BodyError::OtherTransactions) }
}

/// Reads a block and recovers the senders of its transactions, on all cores.
///
/// # Errors
/// [`BodyError`]: nobody can have built such a block in good faith.
pub fn decode(bytes: &[u8], config: &ChainConfig) -> Result<Block, BodyError> {
    let (header, mut list) = split(bytes)?;
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
