//! A block on its way between nodes: its RLP, `[header, transactions, uncles]`, as Ethereum writes it.

use std::sync::Arc;

use alloy_consensus::{Header, TxEnvelope};
use alloy_primitives::B256;
use alloy_rlp::Decodable;
use bytes::Bytes;
use esker_runtime::trie::ordered::ordered_root;
use esker_runtime::types::recover_senders;
use esker_runtime::{Block, ChainConfig, ExecutedBlock, SignedTransaction, Transaction, TransactionError};

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
    decode_knowing(bytes, config, |_| None)
}

/// As [`decode`], but nothing is recovered of the transactions that `known` finds by their hash: it covers the signature, so
/// whoever signed the one signed the other. What it finds must have passed this chain's checks, as what waits in a pool has.
///
/// # Errors
/// As [`decode`].
pub fn decode_knowing(
    bytes: &[u8],
    config: &ChainConfig,
    known: impl Fn(B256) -> Option<Arc<Transaction>>,
) -> Result<Block, BodyError> {
    let (header, mut list) = split(bytes)?;
    let (mut signed, mut found) = (Vec::new(), Vec::new());
    while !list.is_empty() {
        let envelope = TxEnvelope::decode(&mut list)?;
        let transaction = known(*envelope.hash());
        if transaction.is_none() {
            let checked = SignedTransaction::from_envelope(envelope, config);
            signed.push(checked.map_err(|error| BodyError::Transaction(found.len(), error))?);
        }
        found.push(transaction);
    }
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut recovered = recover_senders(signed, workers).into_iter();
    let transactions = found.into_iter().enumerate().map(|(index, found)| match found {
        Some(transaction) => Ok(Transaction::clone(&transaction)),
        // As many were recovered as were not found.
        None => {
            let recovered = recovered.next().unwrap_or(Err(TransactionError::InvalidSignature));
            recovered.map_err(|error| BodyError::Transaction(index, error))
        }
    });
    Ok(Block { header, transactions: transactions.collect::<Result<_, _>>()? })
}

#[cfg(test)]
mod tests {
    use alloy_consensus::transaction::Recovered;
    use alloy_consensus::{BlockBody, SignableTransaction, TxEip1559};
    use alloy_primitives::{Address, U256};
    use alloy_signer::SignerSync;
    use alloy_signer_local::PrivateKeySigner;

    use super::*;

    fn signed(signer: &PrivateKeySigner, nonce: u64) -> TxEnvelope {
        let transaction =
            TxEip1559 { chain_id: 7, nonce, gas_limit: 21_000, value: U256::from(1), ..TxEip1559::default() };
        let signature = signer.sign_hash_sync(&transaction.signature_hash()).expect("a local key signs");
        transaction.into_signed(signature).into()
    }

    fn encoded(transactions: Vec<TxEnvelope>) -> Vec<u8> {
        let body = BlockBody { transactions, ommers: Vec::new(), withdrawals: None };
        alloy_rlp::encode(alloy_consensus::Block { header: Header::default(), body })
    }

    #[test]
    fn what_is_known_is_not_recovered_and_all_else_is() {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).expect("a valid key");
        let transactions: Vec<TxEnvelope> = (0..5).map(|nonce| signed(&signer, nonce)).collect();
        let config = ChainConfig::new(7);
        // A wrong sender shows whose word was taken.
        let someone = Address::repeat_byte(9);
        let know = |index: usize| {
            let recovered = Recovered::new_unchecked(transactions[index].clone(), someone);
            Arc::new(Transaction::from_recovered_unchecked(recovered))
        };
        let known = [know(1), know(3)];
        let find = |hash| known.iter().find(|known| known.hash() == hash).cloned();
        let block = decode_knowing(&encoded(transactions.clone()), &config, find).expect("a block");
        let senders: Vec<Address> = block.transactions.iter().map(Transaction::sender).collect();
        let own = signer.address();
        assert_eq!(senders, [own, someone, own, someone, own]);
        let decoded: Vec<&TxEnvelope> = block.transactions.iter().map(Transaction::envelope).collect();
        assert_eq!(decoded, transactions.iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_fault_is_told_with_its_place_in_the_block() {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).expect("a valid key");
        let good = signed(&signer, 0);
        let TxEnvelope::Eip1559(of_another_chain) = signed(&signer, 1) else { panic!("it is one") };
        let (mut fields, signature, _) = of_another_chain.into_parts();
        fields.chain_id = 8;
        let bad: TxEnvelope = fields.into_signed(signature).into();
        let config = ChainConfig::new(7);
        let first = Transaction::decode(&alloy_eips::eip2718::Encodable2718::encoded_2718(&good), &config);
        let first = Arc::new(first.expect("well-formed"));
        for is_known in [false, true] {
            let find = |hash| (is_known && hash == first.hash()).then(|| first.clone());
            let error =
                decode_knowing(&encoded(vec![good.clone(), bad.clone()]), &config, find).expect_err("of another chain");
            let expected = TransactionError::ChainId { have: 8, want: 7 };
            assert_eq!(error, BodyError::Transaction(1, expected));
        }
    }
}
