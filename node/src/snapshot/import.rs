//! Reading a snapshot: first all that belongs to the block, checked against the trusted hash, then the state.

use std::io::Read;
use std::sync::Arc;
use std::thread::available_parallelism;

use alloy_consensus::{Header, ReceiptEnvelope};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{B256, keccak256};
use alloy_rlp::Decodable;
use esker_runtime::block::protocol_version;
use esker_runtime::db::{MemoryStore, Store};
use esker_runtime::state::{Rebuild, Rebuilt, StateDb};
use esker_runtime::trie::ordered::ordered_root;
use esker_runtime::types::recover_senders;
use esker_runtime::{ChainConfig, Genesis, PreparedBlock, SignedTransaction, Transaction};

use super::chunks::ChunkReader;
use super::{
    ANCESTORS_BYTES_MAX, CERTIFICATE_BYTES_MAX, GENESIS_BYTES_MAX, HEADER_BYTES_MAX, RECEIPTS_BYTES_MAX, Section,
    SnapshotError, TRANSACTIONS_BYTES_MAX, records,
};
use crate::chain::{BlockRecord, Origin};

/// A snapshot whose block is checked, and whose state is not read yet.
pub struct Snapshot<R> {
    chunks: ChunkReader<R>,
    origin: Origin,
    is_genesis_proven: bool,
}

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The chain.
    pub chain_id: u64,
    /// Number of the block.
    pub number: u64,
    /// Hash of the block.
    pub hash: B256,
    /// Root of the state.
    pub state_root: B256,
    /// What the state consists of.
    pub state: Rebuilt,
}

/// The number of the block that a snapshot says it is of; nothing is checked.
///
/// # Errors
/// [`SnapshotError`] if it does not begin as one.
pub fn claimed_number(input: impl Read) -> Result<u64, SnapshotError> {
    let (mut chunks, _) = ChunkReader::begin(input)?;
    Ok(decode_header(&chunks.expect(Section::Header)?)?.number)
}

impl<R: Read> Snapshot<R> {
    /// Reads all before the state and checks it against `trusted`, the hash of the block.
    ///
    /// # Errors
    /// [`SnapshotError`] says what is wrong with it.
    pub fn read(input: R, trusted: B256) -> Result<Self, SnapshotError> {
        let (mut chunks, chain_id) = ChunkReader::begin(input)?;
        let bytes = chunks.expect(Section::Header)?;
        let header = decode_header(&bytes)?;
        let found = keccak256(&bytes);
        if found != trusted {
            return Err(SnapshotError::OtherBlock { number: header.number, found, trusted });
        }
        // The RLP of a header of ours is the only one of its content.
        if header.hash_slow() != trusted || bytes.len() > HEADER_BYTES_MAX {
            return Err(SnapshotError::content(Section::Header, "it has fields that no header of this chain has"));
        }
        let genesis = genesis(&chunks.section(Section::Genesis, GENESIS_BYTES_MAX)?, chain_id, &header)?;
        let certificate = chunks.section(Section::Certificate, CERTIFICATE_BYTES_MAX)?;
        let certificate = (!certificate.is_empty()).then_some(certificate);
        let ancestors = ancestors(&chunks.section(Section::Ancestors, ANCESTORS_BYTES_MAX)?, &header)?;
        let bytes = chunks.section(Section::Transactions, TRANSACTIONS_BYTES_MAX)?;
        let transactions = transactions(&bytes, header.transactions_root, &genesis.chain_config())?;
        let bytes = chunks.section(Section::Receipts, RECEIPTS_BYTES_MAX)?;
        let receipts = receipts(&bytes, header.receipts_root)?;
        if receipts.len() != transactions.len() {
            return Err(SnapshotError::content(Section::Receipts, "they are not as many as the transactions"));
        }
        let is_genesis_proven = proves_genesis(&genesis, ancestors.last().unwrap_or(&header))?;
        let head = BlockRecord { header, hash: trusted, transactions, receipts };
        let origin = Origin { genesis, head, certificate, ancestors };
        Ok(Self { chunks, origin, is_genesis_proven })
    }

    /// The block and what belongs to it.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether the trusted hash proves the genesis too: it does while the ancestors reach back to block 0.
    #[must_use]
    pub const fn is_genesis_proven(&self) -> bool {
        self.is_genesis_proven
    }

    /// Reads the state into `store`, which must be empty, and begins the chain there. `progress` is shown how many bytes of
    /// the snapshot were read.
    ///
    /// # Errors
    /// [`SnapshotError`]; the store is then marked as incomplete and cannot be opened as a chain.
    pub fn import(self, store: Arc<dyn Store>, progress: &mut dyn FnMut(u64)) -> Result<Imported, SnapshotError> {
        let Self { mut chunks, origin, .. } = self;
        let threads = available_parallelism().map_or(1, usize::from);
        let mut rebuild = Rebuild::begin(store, threads)?;
        for section in [Section::Codes, Section::Accounts] {
            while let Some(payload) = chunks.take(section)? {
                let mut rest = payload.as_slice();
                while let Some(item) =
                    records::decode(section, &mut rest).map_err(|reason| SnapshotError::content(section, reason))?
                {
                    rebuild.add(item)?;
                }
                progress(chunks.offset());
            }
        }
        let state = rebuild.so_far();
        if chunks.expect(Section::End)? != records::encode_counts(&state) {
            let Rebuilt { accounts, slots, codes } = state;
            let reason = format!("there were {accounts} accounts, {slots} slots and {codes} codes; it counts others");
            return Err(SnapshotError::content(Section::End, reason));
        }
        chunks.end()?;
        let BlockRecord { header, hash, .. } = &origin.head;
        let state = rebuild.finish(header.state_root, header.number, origin.tables()?)?;
        let chain_id = origin.genesis.config.chain_id;
        Ok(Imported { chain_id, number: header.number, hash: *hash, state_root: header.state_root, state })
    }
}

fn decode_header(mut bytes: &[u8]) -> Result<Header, SnapshotError> {
    let header = Header::decode(&mut bytes).map_err(|error| SnapshotError::content(Section::Header, error))?;
    if bytes.is_empty() { Ok(header) } else { Err(SnapshotError::content(Section::Header, "bytes follow it")) }
}

/// The genesis, which must be of that chain, and its table of upgrades that of the block with this header.
fn genesis(json: &[u8], chain_id: u64, header: &Header) -> Result<Genesis, SnapshotError> {
    let genesis: Genesis =
        serde_json::from_slice(json).map_err(|error| SnapshotError::content(Section::Genesis, error))?;
    let found = genesis.config.chain_id;
    if found != chain_id {
        let reason = format!("it is that of chain {found}, the snapshot begins with {chain_id}");
        return Err(SnapshotError::content(Section::Genesis, reason));
    }
    let (expected, found) = (genesis.config.upgrades.version_at(header.number), protocol_version(&header.extra_data));
    if found.is_some_and(|found| found != expected) {
        let reason = format!("its upgrades say that block {} is of protocol version {expected}", header.number);
        return Err(SnapshotError::content(Section::Genesis, reason));
    }
    Ok(genesis)
}

/// The headers before `head`, each of which must be the parent of the one before it.
fn ancestors(mut bytes: &[u8], head: &Header) -> Result<Vec<Header>, SnapshotError> {
    let fault = |reason: String| SnapshotError::content(Section::Ancestors, reason);
    let mut ancestors = Vec::new();
    let (mut number, mut hash) = (head.number, head.parent_hash);
    for _ in 0..Origin::ancestors_of(head.number) {
        number -= 1;
        let before = bytes;
        let header = Header::decode(&mut bytes).map_err(|error| fault(format!("block {number}: {error}")))?;
        let encoded = before.get(..before.len() - bytes.len()).unwrap_or_default();
        let found = keccak256(encoded);
        if found != hash || header.hash_slow() != hash || encoded.len() > HEADER_BYTES_MAX {
            return Err(fault(format!("block {number} has the hash {found}, the block after it names {hash}")));
        }
        if header.number != number {
            return Err(fault(format!("block {} stands where block {number} should", header.number)));
        }
        hash = header.parent_hash;
        ancestors.push(header);
    }
    if bytes.is_empty() { Ok(ancestors) } else { Err(fault("there are more than the chain has or needs".to_owned())) }
}

/// The byte strings that these bytes are the RLP of, one after the other.
fn strings(section: Section, mut bytes: &[u8]) -> Result<Vec<&[u8]>, SnapshotError> {
    let mut strings = Vec::new();
    while !bytes.is_empty() {
        let string = alloy_rlp::Header::decode_bytes(&mut bytes, false);
        strings.push(string.map_err(|error| SnapshotError::content(section, error))?);
    }
    Ok(strings)
}

/// Compares the root of these encodings with what the header says.
fn check_root(section: Section, encoded: &[&[u8]], wanted: B256) -> Result<(), SnapshotError> {
    let root = ordered_root(encoded.len(), |index, out| out.extend_from_slice(encoded.get(index).unwrap_or(&&[][..])));
    if root == wanted {
        return Ok(());
    }
    Err(SnapshotError::content(section, format!("they have the root {root}, the header says {wanted}")))
}

fn transactions(bytes: &[u8], root: B256, config: &ChainConfig) -> Result<Vec<Arc<Transaction>>, SnapshotError> {
    let section = Section::Transactions;
    let encoded = strings(section, bytes)?;
    check_root(section, &encoded, root)?;
    let decode = |raw: &&[u8]| SignedTransaction::decode(raw, config);
    let fault = |error| SnapshotError::content(section, error);
    let signed = encoded.iter().map(decode).collect::<Result<Vec<_>, _>>().map_err(fault)?;
    let workers = available_parallelism().map_or(1, usize::from);
    recover_senders(signed, workers).into_iter().map(|recovered| recovered.map(Arc::new).map_err(fault)).collect()
}

fn receipts(bytes: &[u8], root: B256) -> Result<Vec<ReceiptEnvelope>, SnapshotError> {
    let section = Section::Receipts;
    let encoded = strings(section, bytes)?;
    check_root(section, &encoded, root)?;
    let decode = |raw: &&[u8]| {
        let receipt =
            ReceiptEnvelope::decode_2718_exact(raw).map_err(|error| SnapshotError::content(section, error))?;
        if receipt.encoded_2718() == *raw {
            return Ok(receipt);
        }
        Err(SnapshotError::content(section, "one is written in another way than receipts are"))
    };
    encoded.iter().map(decode).collect()
}

/// Whether the genesis is proven by the oldest known header: it must give that header if that is block 0's.
fn proves_genesis(genesis: &Genesis, oldest: &Header) -> Result<bool, SnapshotError> {
    if oldest.number != 0 {
        return Ok(false);
    }
    let fault = |reason: String| SnapshotError::content(Section::Genesis, reason);
    let built = genesis.build().map_err(|error| fault(error.to_string()))?;
    let db = StateDb::open(Arc::new(MemoryStore::new()))?;
    let (built, wanted) = (PreparedBlock::genesis(&db, built)?.block().hash, oldest.hash_slow());
    if built != wanted {
        return Err(fault(format!("it gives the block {built}, the chain began with {wanted}")));
    }
    Ok(true)
}
