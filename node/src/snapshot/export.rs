//! Writing a snapshot.

use std::io::Write;

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes};
use alloy_rlp::Encodable;
use esker_runtime::Transaction;
use esker_runtime::state::{Rebuilt, StateDb, StateItem};

use super::chunks::ChunkWriter;
use super::{CERTIFICATE_BYTES_MAX, GENESIS_BYTES_MAX, Section, SnapshotError, records};
use crate::chain::{BlockRecord, Origin};

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The chain.
    pub chain_id: u64,
    /// Number of the block.
    pub number: u64,
    /// Hash of the block: what whoever imports must trust.
    pub hash: B256,
    /// Root of the state.
    pub state_root: B256,
    /// What the state consists of.
    pub state: Rebuilt,
    /// Length of the snapshot, in bytes.
    pub bytes: u64,
}

/// Writes the last block of the chain that `db` holds, and the state after it, to `out`. `progress` is shown how far
/// that is: the first 64 bits of the hashed address that was reached, so `u64::MAX` is the end.
///
/// # Errors
/// [`SnapshotError`]; what was written until then is no snapshot.
pub fn export(db: &StateDb, out: impl Write, progress: &mut dyn FnMut(u64)) -> Result<Exported, SnapshotError> {
    let origin = Origin::read(db)?.ok_or(SnapshotError::NoChain)?;
    let chain_id = origin.genesis.config.chain_id;
    let mut out = ChunkWriter::begin(out, chain_id)?;
    write_origin(&origin, &mut out)?;
    let mut state = Rebuilt::default();
    let mut record = Vec::new();
    db.snapshot().visit_items::<SnapshotError>(&mut |item| {
        match &item {
            StateItem::Code(_) => state.codes += 1,
            StateItem::Slot { .. } => state.slots += 1,
            StateItem::Account { hashed_address, .. } => {
                state.accounts += 1;
                let first = hashed_address.0.first_chunk();
                progress(first.map_or(0, |first| u64::from_be_bytes(*first)));
            }
        }
        let section = records::encode(&item, &mut record);
        out.record(section, &record)
    })?;
    out.section(Section::End, &records::encode_counts(&state))?;
    let bytes = out.finish()?;
    let BlockRecord { header, hash, .. } = &origin.head;
    Ok(Exported { chain_id, number: header.number, hash: *hash, state_root: header.state_root, state, bytes })
}

fn write_origin<W: Write>(origin: &Origin, out: &mut ChunkWriter<W>) -> Result<(), SnapshotError> {
    let Origin { genesis, head, certificate, ancestors } = origin;
    let json = serde_json::to_vec(genesis).map_err(|error| SnapshotError::content(Section::Genesis, error))?;
    let certificate = certificate.as_deref().unwrap_or_default();
    for (section, bytes, bytes_max) in
        [(Section::Genesis, &json[..], GENESIS_BYTES_MAX), (Section::Certificate, certificate, CERTIFICATE_BYTES_MAX)]
    {
        if bytes.len() > bytes_max {
            let reason = format!("{} bytes are more than the {bytes_max} that a snapshot takes", bytes.len());
            return Err(SnapshotError::content(section, reason));
        }
    }
    out.section(Section::Header, &alloy_rlp::encode(&head.header))?;
    out.section(Section::Genesis, &json)?;
    out.section(Section::Certificate, certificate)?;
    let mut headers = Vec::new();
    for header in ancestors {
        header.encode(&mut headers);
    }
    out.section(Section::Ancestors, &headers)?;
    let config = genesis.chain_config();
    let mut bytes = Vec::new();
    for transaction in &head.transactions {
        let encoded = transaction.encoded();
        let sender = Transaction::decode(&encoded, &config).map(|decoded| decoded.sender());
        if sender != Ok(transaction.sender()) {
            return Err(SnapshotError::Impersonated(transaction.hash()));
        }
        Bytes::from(encoded).encode(&mut bytes);
    }
    out.section(Section::Transactions, &bytes)?;
    bytes.clear();
    for receipt in &head.receipts {
        Bytes::from(receipt.encoded_2718()).encode(&mut bytes);
    }
    out.section(Section::Receipts, &bytes)
}
