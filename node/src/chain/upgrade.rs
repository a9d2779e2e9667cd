//! The activation table of a chain that runs: held against its blocks, and put into its store.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy_consensus::Header;
use esker_runtime::block::protocol_version;
use esker_runtime::db::{Batch, Store, StoreError};
use esker_runtime::state::StateDb;
use esker_runtime::{Genesis, Rules, Upgrade, Upgrades};
use esker_vm::abi::MeterVersion;

use super::{Chain, ChainError, Origin, tables};

/// A table that says something else than the blocks that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A block is of a later version than the table says.
    #[error(
        "block {number} of this chain is of protocol version {found}, as is block {since}{}, and the upgrades in genesis.json \
         say version {expected}: put it right with `esker upgrade --home HOME --version {found} --height {since}`",
        if *is_first {" as the first"} else {""}
    )]
    Missing {
        /// The block.
        number: u64,
        /// Its version.
        found: u32,
        /// The first block of that version that is here.
        since: u64,
        /// Whether it is the first of the chain.
        is_first: bool,
        /// What the table says.
        expected: u32,
    },
    /// A block is of an earlier version than the table says.
    #[error(
        "block {number} of this chain is of protocol version {found}, and the upgrades in genesis.json say version \
         {expected}: that upgrade did not happen there. Name the block that the network agreed on with `esker upgrade \
         --home HOME --version {expected} --height BLOCK`, or take it out with `--remove`"
    )]
    NotThere {
        /// The block.
        number: u64,
        /// Its version.
        found: u32,
        /// What the table says.
        expected: u32,
    },
    /// An upgrade that the chain has passed, changed although it was right.
    #[error(
        "protocol version {version} began at block {height}, and the last block is {head}: what is past cannot change"
    )]
    Past {
        /// The version.
        version: u32,
        /// Its first block.
        height: u64,
        /// The chain's last block.
        head: u64,
    },
}

/// Holds `upgrades` against the headers of the chain that `db` holds. Where a table and a chain agree at both ends of each
/// stretch without an upgrade they agree everywhere, since versions never fall.
///
/// # Errors
/// [`ChainError::Upgrades`] names a block that contradicts the table; else the store's.
pub fn check_upgrades(db: &StateDb, upgrades: &Upgrades) -> Result<(), ChainError> {
    let Some(head) = tables::head(db)? else { return Ok(()) };
    let oldest = oldest_header(db)?;
    let passed = upgrades.iter().map(|upgrade| upgrade.height).filter(|height| (oldest + 1..=head).contains(height));
    let mut numbers: BTreeSet<u64> = passed.flat_map(|height| [height - 1, height]).collect();
    numbers.extend([oldest, head]);
    for number in numbers {
        let (Some(found), expected) = (version_of(db, number)?, upgrades.version_at(number)) else { continue };
        if found < expected {
            return Err(TableError::NotThere { number, found, expected }.into());
        }
        if found > expected {
            let since = first_of(db, found, oldest, number)?;
            let is_first = since > oldest || oldest == 0;
            return Err(TableError::Missing { number, found, since, is_first, expected }.into());
        }
    }
    Ok(())
}

/// Checks a change of a chain's table: the new one must agree with its blocks, and if the old one did, what is past must
/// not change.
///
/// # Errors
/// As [`check_upgrades`].
pub fn check_change(db: &StateDb, before: &Upgrades, after: &Upgrades) -> Result<(), ChainError> {
    let (Some(head), Ok(())) = (tables::head(db)?, check_upgrades(db, before)) else {
        return check_upgrades(db, after);
    };
    let past = |table: &Upgrades| -> Vec<Upgrade> { table.iter().take_while(|one| one.height <= head).collect() };
    match past(before).into_iter().find(|one| !past(after).contains(one)) {
        Some(Upgrade { version, height }) => Err(TableError::Past { version, height, head }.into()),
        None => check_upgrades(db, after),
    }
}

/// The last block of the chain that `db` holds, and the protocol version that its header names; `None` if it holds none.
///
/// # Errors
/// The store's.
pub fn head_version(db: &StateDb) -> Result<Option<(u64, u32)>, StoreError> {
    let Some(head) = tables::head(db)? else { return Ok(None) };
    Ok(version_of(db, head)?.map(|version| (head, version)))
}

/// Gives the chain in `store` the upgrades of `genesis`, if it is that chain; durable when this returns. A store without a
/// chain, or with another one, stays as it is.
///
/// # Errors
/// As [`check_upgrades`]; nothing is written then.
pub fn adopt_upgrades(store: &Arc<dyn Store>, genesis: &Genesis) -> Result<(), ChainError> {
    let db = StateDb::open(store.clone())?;
    let Some(recorded) = tables::genesis(&db)? else { return Ok(()) };
    if !recorded.is_same_chain(genesis) {
        return Ok(());
    }
    check_upgrades(&db, &genesis.config.upgrades)?;
    if recorded.config.upgrades == genesis.config.upgrades {
        return Ok(());
    }
    let mut batch = Batch::new();
    tables::replace_genesis(&db, &mut batch, genesis)?;
    drop(db);
    store.apply(batch)?;
    store.flush()?;
    let upgrades: Vec<String> =
        genesis.config.upgrades.iter().map(|one| format!("{} from block {}", one.version, one.height)).collect();
    tracing::info!(upgrades = upgrades.join(", "), "the chain's upgrades were changed");
    Ok(())
}

impl Chain {
    /// The first upgrade after the last block whose modules are others, with its rules; none beyond a version that this
    /// program does not know. One that the very next block brings is no more to be prepared for.
    pub(super) fn next_recompilation(&self, head: u64) -> Option<(Upgrade, Rules)> {
        let upgrades = &self.config().upgrades;
        let known = upgrades.iter().map_while(|upgrade| Some((upgrade, Rules::of(upgrade.version)?)));
        let coming = known.filter(|(upgrade, _)| upgrade.height > head.saturating_add(1));
        let changes = |upgrade: &Upgrade, rules: &Rules| {
            upgrades.rules_at(upgrade.height - 1).is_ok_and(|before| before.meter != rules.meter)
        };
        coming.into_iter().find(|(upgrade, rules)| changes(upgrade, rules))
    }

    /// The schedules by which this and later blocks are metered, as far as this program knows them.
    pub(super) fn meters(&self) -> Vec<MeterVersion> {
        let (head, upgrades) = (self.head().block.header.number, &self.config().upgrades);
        let now = upgrades.rules_at(head).ok();
        let later = upgrades.iter().filter(|upgrade| upgrade.height > head).filter_map(|one| Rules::of(one.version));
        let meters: BTreeSet<MeterVersion> = now.into_iter().chain(later).map(|rules| rules.meter).collect();
        meters.into_iter().collect()
    }
}

fn oldest_header(db: &StateDb) -> Result<u64, StoreError> {
    let history_min = tables::history_min(db)?;
    Ok(history_min - Origin::ancestors_of(history_min))
}

/// The version that the header of block `number` names; `None` if the header is not there.
fn version_of(db: &StateDb, number: u64) -> Result<Option<u32>, StoreError> {
    let header: Option<Header> = tables::header(db, number)?;
    Ok(header.and_then(|header| protocol_version(&header.extra_data)))
}

/// The first block from `low` on, up to `high`, that is of `version`, which that of `high` is.
fn first_of(db: &StateDb, version: u32, mut low: u64, mut high: u64) -> Result<u64, StoreError> {
    while low < high {
        let middle = low + (high - low) / 2;
        match version_of(db, middle)? {
            Some(found) if found >= version => high = middle,
            _ => low = middle + 1,
        }
    }
    Ok(high)
}
