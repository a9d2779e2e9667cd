//! Checks the tables of a chain: every block's hash, its parent's, and what its header says of its body and receipts.

use alloy_consensus::Header;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::B256;
use esker_light::{Epochs, SetProof};
use esker_runtime::Genesis;
use esker_runtime::db::StoreError;
use esker_runtime::state::StateDb;
use esker_runtime::trie::ordered::ordered_root;

use super::sets::SetRecord;
use super::{BlockRecord, Origin, tables};

/// Faults that are told; there may be more.
const FAULTS_MAX: usize = 20;

/// What a check of a chain's tables found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// Number of the last block.
    pub head: u64,
    /// Its hash.
    pub hash: B256,
    /// The oldest block whose body is there.
    pub history_min: u64,
    /// Headers that were checked.
    pub headers: u64,
    /// Blocks whose bodies and receipts were checked.
    pub blocks: u64,
    /// What is wrong, and in which block: the first faults, newest block first.
    pub faults: Vec<String>,
}

/// Checks every block from the head back to the oldest header, and shows `progress` each one's number.
///
/// # Errors
/// [`StoreError`] if the store fails. What is wrong with its content is no error: the report says it. `None` if it holds
/// no chain.
pub fn verify(db: &StateDb, progress: &mut dyn FnMut(u64)) -> Result<Option<ChainReport>, StoreError> {
    let Some(head) = tables::head(db)? else { return Ok(None) };
    let history_min = tables::history_min(db)?;
    let hash = tables::hash_of(db, head)?.unwrap_or_default();
    let genesis = tables::genesis(db).ok().flatten();
    let sets = SetRecords { since: history_min, epochs: genesis.as_ref().and_then(epochs) };
    let mut report = ChainReport { head, hash, history_min, ..ChainReport::default() };
    let oldest = history_min.saturating_sub(Origin::ancestors_of(history_min));
    let mut child: Option<Header> = None;
    for number in (oldest..=head).rev() {
        progress(number);
        let checked = match header(db, number, child.as_ref()) {
            Ok(header) => {
                let checked = body(db, &header, history_min, &mut report.blocks);
                checked.and_then(|()| sets.check(db, &header)).map(|()| header)
            }
            Err(fault) => Err(fault),
        };
        report.headers += 1;
        child = match checked {
            Ok(header) => Some(header),
            Err(Fault::Store(error @ StoreError::Io(_))) => return Err(error),
            Err(fault) => {
                report.faults.push(format!("block {number}: {fault}"));
                // What the next one is a child of is known all the same, if the header can be read.
                tables::header(db, number).ok().flatten()
            }
        };
        if report.faults.len() >= FAULTS_MAX {
            break;
        }
    }
    if let Some(head) = tables::header(db, head).ok().flatten()
        && (db.root() != head.state_root || db.block_number() != Some(head.number))
    {
        let fault =
            format!("block {}: its state has the root {}, its header says {}", head.number, db.root(), head.state_root);
        report.faults.push(fault);
    }
    if genesis.is_none() {
        report.faults.push("the genesis record is missing or damaged".to_owned());
    }
    Ok(Some(report))
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Wrong(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn wrong<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Wrong(what.into()))
}

/// The header of block `number`, which must be the parent of `child`.
fn header(db: &StateDb, number: u64, child: Option<&Header>) -> Result<Header, Fault> {
    let Some(header) = tables::header(db, number)? else { return wrong("its header is missing") };
    let hash = header.hash_slow();
    if header.number != number {
        return wrong(format!("its header is that of block {}", header.number));
    }
    let recorded = tables::hash_of(db, number)?;
    if recorded != Some(hash) {
        return wrong(format!("its header has the hash {hash}, recorded is {}", or_none(recorded)));
    }
    match child {
        Some(child) if child.parent_hash != hash => {
            wrong(format!("its hash is {hash}, but the block after it has the parent {}", child.parent_hash))
        }
        _ => Ok(header),
    }
}

/// Checks what there must be of a block beside its header.
fn body(db: &StateDb, header: &Header, history_min: u64, blocks: &mut u64) -> Result<(), Fault> {
    let number = header.number;
    if number < history_min {
        return Ok(());
    }
    *blocks += 1;
    let hash = header.hash_slow();
    let found = tables::number_of(db, hash)?;
    if found != Some(number) {
        return wrong(format!("its hash leads to block {}", or_none(found)));
    }
    let Some(block) = tables::block(db, number)? else { return wrong("its body is missing") };
    let BlockRecord { transactions, receipts, .. } = &block;
    let root = ordered_root(transactions.len(), |index, out| {
        if let Some(transaction) = transactions.get(index) {
            transaction.envelope().encode_2718(out);
        }
    });
    if root != header.transactions_root {
        return wrong(format!("its transactions have the root {root}, its header says {}", header.transactions_root));
    }
    let root = ordered_root(receipts.len(), |index, out| {
        if let Some(receipt) = receipts.get(index) {
            receipt.encode_2718(out);
        }
    });
    if root != header.receipts_root {
        return wrong(format!("its receipts have the root {root}, its header says {}", header.receipts_root));
    }
    for transaction in transactions {
        let place = tables::location(db, transaction.hash())?.map(|place| place.block);
        if place != Some(number) {
            return wrong(format!("its transaction {} leads to block {}", transaction.hash(), or_none(place)));
        }
    }
    Ok(())
}

/// After which blocks a chain that has validators keeps its set; `None` if it has none.
fn epochs(genesis: &Genesis) -> Option<Epochs> {
    let length = genesis.config.staking.map_or(0, |staking| staking.epoch_length);
    (!genesis.validators.is_empty()).then_some(Epochs::of_length(length))
}

/// What there must be of validator sets.
struct SetRecords {
    /// The oldest block whose body is there; of a block that came with a snapshot there is no record.
    since: u64,
    epochs: Option<Epochs>,
}

impl SetRecords {
    fn check(&self, db: &StateDb, header: &Header) -> Result<(), Fault> {
        let number = header.number;
        let Some(record) = tables::set_record(db, number)? else {
            let is_own = number == 0 || number > self.since;
            let is_kept = self.epochs.is_some_and(|epochs| number == 0 || epochs.ends_with(number));
            return if is_own && is_kept {
                wrong("the record of the validator set after it is missing")
            } else {
                Ok(())
            };
        };
        let SetRecord { changed_at, account, mut storage } = record;
        if changed_at != number {
            let Some(changed) = tables::set_record(db, changed_at)? else {
                return wrong(format!("the set after it is that of block {changed_at}, whose record is missing"));
            };
            storage = changed.storage;
        }
        SetProof { account, storage }
            .verify(header.state_root, None)
            .map(|_| ())
            .or_else(|error| wrong(format!("the proof of the validator set after it does not hold: {error}")))
    }
}

fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
