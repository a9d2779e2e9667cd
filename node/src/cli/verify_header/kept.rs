//! What is kept between two runs: the file of `--state`, and beside it a fork that was found.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use esker_light::{Fork, TrustedState};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::proof::file::read;
use crate::durable_file;

/// What the command adds to a trusted state in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Notes {
    /// The last block that validators proved who were older than the trust period allows. All that comes after it stands on
    /// it, so it is to be compared with another source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<Named>,
    /// The longest trust period that the genesis allows, in seconds, if it is known and the chain has staking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_period_max: Option<u64>,
}

/// A block by its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Named {
    pub number: u64,
    pub hash: B256,
}

/// What the file holds.
#[derive(Debug)]
pub(super) struct Kept {
    pub trusted: TrustedState,
    pub notes: Notes,
}

impl Kept {
    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    /// If it is none of ours, or a fork is kept beside it.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, Failure> {
        let fork = fork_path(path);
        if fork.exists() {
            return Err(Failure::failed(format!("nothing goes on from {}", path.display()))
                .because(format!("{} shows that the validators decided two things at one height", fork.display()))
                .hint(format!(
                    "show that file to the network's operators; when it is known which block holds, move it away and begin \
                     with --trust and that block's hash, and another file for --state if {} stands on the other one",
                    path.display()
                )));
        }
        Self::read(path)
    }

    fn read(path: &Path) -> Result<Option<Self>, Failure> {
        if path.metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(None);
        }
        let wrong = |failure: Failure| failure.hint("remove it, and begin anew with --trust or --genesis");
        let mut value: Value = read(path, "trusted state").map_err(wrong)?;
        let failed = |error: serde_json::Error| {
            wrong(Failure::usage(format!("{} is no trusted state", path.display())).because(error))
        };
        let mut notes = serde_json::Map::new();
        if let Some(members) = value.as_object_mut() {
            for name in ["unchecked", "trustPeriodMax"] {
                notes.extend(members.remove_entry(name));
            }
        }
        let notes = serde_json::from_value(notes.into()).map_err(failed)?;
        Ok(Some(Self { trusted: serde_json::from_value(value).map_err(failed)?, notes }))
    }

    /// Writes the file, unless it holds a later block: another run can have come further. Returns the number of the block that
    /// it holds then.
    ///
    /// # Errors
    /// If it cannot be written, or holds another block of the same number.
    pub(super) fn save(path: &Path, trusted: &TrustedState, notes: Notes) -> Result<u64, Failure> {
        let header = trusted.header();
        if let Some(there) = Self::read(path)? {
            let held = there.trusted.header();
            if held.number > header.number {
                return Ok(held.number);
            }
            if held.number == header.number && held.hash != header.hash {
                return Err(Failure::failed(format!(
                    "block {} is {}, and {} holds it as {}",
                    header.number,
                    header.hash,
                    path.display(),
                    held.hash
                ))
                .because("one of the two is not the network's, or its validators have lied")
                .hint("compare both hashes with other sources; if that of the file is wrong, move the file away"));
            }
        }
        let failed = |reason: String| unwritable(path).because(reason);
        let mut value = serde_json::to_value(trusted).map_err(|error| failed(error.to_string()))?;
        let notes = serde_json::to_value(notes).map_err(|error| failed(error.to_string()))?;
        if let (Some(members), Value::Object(notes)) = (value.as_object_mut(), notes) {
            members.extend(notes);
        }
        durable_file::replace(path, format!("{value:#}\n").as_bytes()).map_err(|error| failed(error.to_string()))?;
        Ok(header.number)
    }
}

/// Keeps a fork beside the file of `--state`, from which nothing goes on then. Returns where.
///
/// # Errors
/// If it cannot be written.
pub(super) fn keep_fork(state: &Path, trusted: &TrustedState, fork: &Fork) -> Result<PathBuf, Failure> {
    let path = fork_path(state);
    let text = format!("{:#}\n", json!({"chain": trusted.chain(), "fork": fork}));
    durable_file::replace(&path, text.as_bytes()).map_err(|error| unwritable(&path).because(error))?;
    Ok(path)
}

fn fork_path(state: &Path) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(".fork");
    name.into()
}

fn unwritable(path: &Path) -> Failure {
    Failure::infrastructure(format!("{} cannot be written", path.display()))
}
