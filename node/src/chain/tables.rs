//! The block tables on the store: written in the same atomic batch as the state they belong to.

use alloy_consensus::Header;
use alloy_primitives::B256;
use esker_runtime::Genesis;
use esker_runtime::db::{Batch, StoreError, chunks, keys};
use esker_runtime::state::StateDb;

use super::BlockRecord;
use super::block_record::{decode_body, decode_header, decode_receipts, encode_body, encode_receipts};
use super::sets::SetRecord;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Block number.
    pub block: u64,
    /// Place in the block.
    pub index: usize,
}

/// Name of the record that holds the head's number.
const HEAD: &[u8] = b"head";
/// Name of the record that holds the number of the oldest block whose body is there.
const HISTORY_MIN: &[u8] = b"history";
/// Name of the record that holds what the chain was made with.
const GENESIS: &[u8] = b"genesis";

fn header_key(number: u64) -> Vec<u8> {
    keys::key(keys::HEADER, &[&number.to_be_bytes()])
}

fn body_key(number: u64) -> Vec<u8> {
    keys::key(keys::BODY, &[&number.to_be_bytes()])
}

fn receipts_key(number: u64) -> Vec<u8> {
    keys::key(keys::RECEIPTS, &[&number.to_be_bytes()])
}

fn certificate_key(number: u64) -> Vec<u8> {
    keys::key(keys::CERTIFICATE, &[&number.to_be_bytes()])
}

fn set_key(number: u64) -> Vec<u8> {
    keys::key(keys::VALIDATOR_SET, &[&number.to_be_bytes()])
}

fn transaction_key(hash: B256) -> Vec<u8> {
    keys::key(keys::TRANSACTION, &[hash.as_slice()])
}

/// Adds everything that the tables keep of `block`, which becomes the head, but its hash: that goes with its state.
pub fn put_block(batch: &mut Batch, block: &BlockRecord) {
    let number = block.header.number;
    batch.put(header_key(number), alloy_rlp::encode(&block.header));
    chunks::put_chunked(batch, &body_key(number), &encode_body(&block.transactions));
    chunks::put_chunked(batch, &receipts_key(number), &encode_receipts(&block.receipts));
    for (index, transaction) in (0u32..).zip(&block.transactions) {
        let mut place = number.to_be_bytes().to_vec();
        place.extend_from_slice(&index.to_be_bytes());
        batch.put(transaction_key(transaction.hash()), place);
    }
    batch.put(keys::block_number(&block.hash), number.to_be_bytes());
    batch.put(keys::key(keys::METADATA, &[HEAD]), number.to_be_bytes());
}

/// Adds what proves that block `number` was decided.
pub fn put_certificate(batch: &mut Batch, number: u64, certificate: &[u8]) {
    chunks::put_chunked(batch, &certificate_key(number), certificate);
}

/// What [`put_certificate`] recorded of block `number`.
pub fn certificate(db: &StateDb, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
    db.get_chunked(&certificate_key(number))
}

/// Adds what is kept of the validator set after block `number`.
pub fn put_set_record(batch: &mut Batch, number: u64, record: &SetRecord) {
    chunks::put_chunked(batch, &set_key(number), &alloy_rlp::encode(record));
}

/// What [`put_set_record`] recorded of block `number`.
pub fn set_record(db: &StateDb, number: u64) -> Result<Option<SetRecord>, StoreError> {
    let decode = |bytes: Vec<u8>| SetRecord::decode(&bytes);
    let record = db.get_chunked(&set_key(number))?.map(decode).transpose();
    record.map_err(|error| damaged(&format!("the validator set after block {number}"), error))
}

/// Records what the chain was made with, in the batch of its first block. [`StoreError::Mismatch`] if it cannot be written
/// as JSON.
pub fn put_genesis(batch: &mut Batch, genesis: &Genesis) -> Result<(), StoreError> {
    let json = serde_json::to_vec(genesis).map_err(|error| StoreError::Mismatch(error.to_string()))?;
    chunks::put_chunked(batch, &keys::key(keys::METADATA, &[GENESIS]), &json);
    Ok(())
}

/// Records it anew, in the place of what [`put_genesis`] recorded.
pub fn replace_genesis(db: &StateDb, batch: &mut Batch, genesis: &Genesis) -> Result<(), StoreError> {
    chunks::delete_chunked_with(|key| db.get(key), batch, &keys::key(keys::METADATA, &[GENESIS]))?;
    put_genesis(batch, genesis)
}

/// What [`put_genesis`] recorded; `None` on a new store.
pub fn genesis(db: &StateDb) -> Result<Option<Genesis>, StoreError> {
    let json = db.get_chunked(&keys::key(keys::METADATA, &[GENESIS]))?;
    let genesis = json.map(|json| serde_json::from_slice(&json)).transpose();
    genesis.map_err(|error| damaged("the genesis record", error))
}

/// Number of the last committed block; `None` on a new store.
pub fn head(db: &StateDb) -> Result<Option<u64>, StoreError> {
    number_at(db, &keys::key(keys::METADATA, &[HEAD]))
}

/// Adds the header of a block before the first one whose body is there: contracts ask for its hash, and a snapshot of this
/// chain needs it.
pub fn put_ancestor(batch: &mut Batch, header: &Header) {
    batch.put(header_key(header.number), alloy_rlp::encode(header));
    batch.put(keys::block_hash(header.number), header.hash_slow().as_slice());
}

/// Records the number of the oldest block whose body is there.
pub fn put_history_min(batch: &mut Batch, number: u64) {
    batch.put(keys::key(keys::METADATA, &[HISTORY_MIN]), number.to_be_bytes());
}

/// Number of the oldest block whose body is there: 0, unless the chain began with a snapshot.
pub fn history_min(db: &StateDb) -> Result<u64, StoreError> {
    Ok(number_at(db, &keys::key(keys::METADATA, &[HISTORY_MIN]))?.unwrap_or_default())
}

fn number_at(db: &StateDb, key: &[u8]) -> Result<Option<u64>, StoreError> {
    db.get(key)?
        .map(|bytes| {
            <[u8; 8]>::try_from(&*bytes).map(u64::from_be_bytes).map_err(|_| damaged("a block number", "not 8 bytes"))
        })
        .transpose()
}

fn damaged(what: &str, reason: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("{what}: {reason}"))
}

/// Number of the block with this hash.
pub fn number_of(db: &StateDb, hash: B256) -> Result<Option<u64>, StoreError> {
    number_at(db, &keys::block_number(&hash))
}

/// Hash of block `number`.
pub fn hash_of(db: &StateDb, number: u64) -> Result<Option<B256>, StoreError> {
    db.get(&keys::block_hash(number))?
        .map(|bytes| B256::try_from(&*bytes).map_err(|error| damaged("a block hash", error)))
        .transpose()
}

/// Header of block `number`.
pub fn header(db: &StateDb, number: u64) -> Result<Option<Header>, StoreError> {
    db.get(&header_key(number))?
        .map(|bytes| decode_header(&bytes).map_err(|error| damaged(&format!("header of block {number}"), error)))
        .transpose()
}

/// Block `number` with all that belongs to it; `None` also for a block of which only the header is kept.
pub fn block(db: &StateDb, number: u64) -> Result<Option<BlockRecord>, StoreError> {
    if number < history_min(db)? {
        return Ok(None);
    }
    let Some(header) = header(db, number)? else { return Ok(None) };
    let part = |what: &str, bytes: Option<Vec<u8>>| {
        bytes.ok_or_else(|| damaged(&format!("{what} of block {number}"), "missing"))
    };
    let body = part("body", db.get_chunked(&body_key(number))?)?;
    let receipts = part("receipts", db.get_chunked(&receipts_key(number))?)?;
    let transactions = decode_body(&body).map_err(|error| damaged(&format!("body of block {number}"), error))?;
    let receipts =
        decode_receipts(&receipts).map_err(|error| damaged(&format!("receipts of block {number}"), error))?;
    if transactions.len() != receipts.len() {
        return Err(damaged(&format!("block {number}"), "body and receipts differ in length"));
    }
    let hash = header.hash_slow();
    Ok(Some(BlockRecord { header, hash, transactions, receipts }))
}

/// Where the transaction with this hash stands.
pub fn location(db: &StateDb, hash: B256) -> Result<Option<Location>, StoreError> {
    let Some(bytes) = db.get(&transaction_key(hash))? else { return Ok(None) };
    let Some((number, index)) = bytes.split_first_chunk::<8>() else {
        return Err(damaged("a transaction's place", "too short"));
    };
    let index = <[u8; 4]>::try_from(index).map_err(|_| damaged("a transaction's place", "not 12 bytes"))?;
    Ok(Some(Location { block: u64::from_be_bytes(*number), index: u32::from_be_bytes(index) as usize }))
}
