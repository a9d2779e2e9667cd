//! Upgrades of a home's chain: the table in its genesis.json, changed so that it fits the blocks that are there.

use std::fs;
use std::path::{Path, PathBuf};

use esker_runtime::state::StateDb;
use esker_runtime::{Genesis, Rules, Upgrades};
use serde_json::{Value, json};

use super::error::HomeError;
use super::layout::{GENESIS, read_genesis_text};
use super::{Home, network};
use crate::chain::{self, ChainError, TableError};
use crate::durable_file;

/// The last block that an upgrade can be planned for: what lies beyond is no date but a slip, and programs that read
/// genesis.json may keep numbers in 64-bit floats, which hold whole ones up to here.
pub const HEIGHT_MAX: u64 = (1 << 53) - 1;
/// Bound of the store's cache while its headers are looked at, in bytes.
const CACHE_BYTES: u64 = 16 << 20;

/// Reads `VERSION=HEIGHT`, an upgrade of a network that is yet to begin.
///
/// # Errors
/// What is wrong with it, with what would be right.
pub fn parse(text: &str) -> Result<(u32, u64), String> {
    const EXPECTED: &str = "write it like 2=100000, the protocol version and the number of its first block";
    let (version, height) = text.split_once('=').ok_or_else(|| format!("{text:?} has no \"=\"; {EXPECTED}"))?;
    let version = version.parse().map_err(|_| format!("{version:?} is no version; {EXPECTED}"))?;
    let height = height.parse().map_err(|_| format!("{height:?} is no block's number; {EXPECTED}"))?;
    check_known(version)?;
    check_height(height).map(|()| (version, height))
}

/// Puts these upgrades into the genesis of a network that is yet to begin.
///
/// # Errors
/// What is wrong with them.
pub fn put_into(genesis: &mut Genesis, upgrades: &[(u32, u64)]) -> Result<(), String> {
    let mut table = Upgrades::none();
    for (version, height) in upgrades {
        if table.height_of(*version).is_some() {
            return Err(format!("version {version} is given two heights"));
        }
        table = table.with(*version, Some(*height)).map_err(|error| error.to_string())?;
    }
    genesis.config.upgrades = table;
    Ok(())
}

fn check_known(version: u32) -> Result<(), String> {
    match Rules::of(version) {
        Some(_) => Ok(()),
        None => Err(format!("this program knows protocol versions 1 to {}, not {version}", Rules::LATEST.version)),
    }
}

fn check_height(height: u64) -> Result<(), String> {
    if height > HEIGHT_MAX {
        return Err(format!("no chain comes to block {height}: name one up to {HEIGHT_MAX}"));
    }
    Ok(())
}

/// The last block in a home and the protocol version that it is of; `None` where nothing has begun.
///
/// # Errors
/// If a running node has the store, or it cannot be read.
pub fn head(home: &Home) -> Result<Option<(u64, u32)>, HomeError> {
    let Some(db) = open(home)? else { return Ok(None) };
    chain::head_version(&db).map_err(|error| HomeError::system("the chain cannot be read").because(error))
}

fn open(home: &Home) -> Result<Option<StateDb>, HomeError> {
    let folder = home.data().join("db");
    if !folder.is_dir() {
        return Ok(None);
    }
    let store = chain::open_state_dir(&folder, CACHE_BYTES).and_then(StateDb::open);
    store.map(Some).map_err(|error| {
        HomeError::system("the chain in the home cannot be read")
            .because(error)
            .next("stop the node first: it reads genesis.json only when it starts")
    })
}

/// Gives `version` another first block, or takes it out of the table (`height` is `None`), and returns the table. On an
/// error everything is as before.
///
/// # Errors
/// If the version is not known, the table would not be one or would contradict the blocks that the home has, a node runs on
/// the home, or the file cannot be replaced.
pub fn change(home: &Home, version: u32, height: Option<u64>) -> Result<Upgrades, HomeError> {
    let refused = |reason: &dyn std::fmt::Display| HomeError::invalid("the upgrade cannot be").because(reason);
    let before = &home.genesis.config.upgrades;
    match height {
        Some(height) => {
            check_known(version).map_err(|reason| refused(&reason).next("install the program that knows it first"))?;
            check_height(height)
                .map_err(|reason| refused(&reason).next("name the block at which the network is to change"))?;
            if height == 0 {
                return Err(refused(&"block 0 is what the chain began with").next(
                    "name the first block of the version; a new network can begin with it: `esker init --upgrade`",
                ));
            }
        }
        None if before.height_of(version).is_none() => {
            return Err(
                refused(&format!("there is no upgrade to version {version}")).next("see `esker upgrade --home`")
            );
        }
        None => {}
    }
    let after = before.with(version, height).map_err(|error| refused(&error).next("choose another height"))?;
    if after == *before {
        return Ok(after);
    }
    if let Some(db) = open(home)? {
        chain::check_change(&db, before, &after).map_err(|error| match error {
            ChainError::Upgrades(conflict) => contradicted(conflict),
            other => HomeError::system("the chain in the home cannot be read").because(other),
        })?;
    }
    write(&home.path.join(GENESIS), &home.genesis, &after)?;
    Ok(after)
}

/// Why blocks that are there forbid a change that was asked for, and what would be right.
fn contradicted(conflict: TableError) -> HomeError {
    let refused = |reason: String| HomeError::invalid("the upgrade cannot be").because(reason);
    match conflict {
        TableError::NotThere { number, found, expected } => refused(format!(
            "block {number} of this chain is of protocol version {found}, so version {expected} did not begin before it"
        ))
        .next("name the block that the network agreed on: one that this chain has not reached"),
        TableError::Missing { found, since, .. } => {
            refused(format!("the blocks from {since} on are of protocol version {found}, whatever is planned"))
                .next(format!("say so: --version {found} --height {since}"))
        }
        TableError::Past { .. } => refused(conflict.to_string()),
    }
}

/// Replaces the table in the file, and nothing else of what the file says.
fn write(path: &Path, genesis: &Genesis, table: &Upgrades) -> Result<(), HomeError> {
    let by_hand = |reason: String| {
        HomeError::invalid(format!("{} cannot be rewritten without changing more", path.display()))
            .because(reason)
            .next(format!("write the upgrades into it yourself: \"config\": {{…, \"upgrades\": {}}}", json!(table)))
    };
    let mut value: Value =
        serde_json::from_str(&read_genesis_text(path)?).map_err(|error| by_hand(error.to_string()))?;
    let config = value.get_mut("config").and_then(Value::as_object_mut);
    let config = config.ok_or_else(|| by_hand("it has no config".to_owned()))?;
    if table.is_empty() {
        config.remove("upgrades");
    } else {
        config.insert("upgrades".to_owned(), json!(table));
    }
    let text = format!("{value:#}\n");
    let mut wanted = genesis.clone();
    wanted.config.upgrades = table.clone();
    if serde_json::from_str::<Genesis>(&text).ok() != Some(wanted) {
        return Err(by_hand("its numbers do not survive".to_owned()));
    }
    let real = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let failed = |error: std::io::Error| HomeError::unwritable(&real, &error);
    let permissions = fs::metadata(&real).map_err(failed)?.permissions();
    durable_file::replace(&real, text.as_bytes()).map_err(failed)?;
    fs::set_permissions(&real, permissions).map_err(failed)?;
    network::read_genesis(&real).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_blocks_contradict_is_refused_with_the_right_next_step() {
        let early = contradicted(TableError::NotThere { number: 272, found: 1, expected: 2 }).to_string();
        assert!(early.contains("did not begin before it") && early.contains("has not reached"), "{early}");
        let late = TableError::Missing { number: 9, found: 2, since: 5, is_first: true, expected: 1 };
        let late = contradicted(late).to_string();
        assert!(late.contains("from 5 on") && late.contains("--version 2 --height 5"), "{late}");
        let past = contradicted(TableError::Past { version: 2, height: 5, head: 9 }).to_string();
        assert!(past.contains("what is past cannot change"), "{past}");
    }
}
