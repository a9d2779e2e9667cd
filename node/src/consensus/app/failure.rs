//! Why a node cannot take part any more.

use std::io;
use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use esker_runtime::Rules;
use esker_runtime::db::StoreError;
use esker_runtime::upgrades::UnknownRules;
use esker_vm::Fatal;

use crate::consensus::context::VotersError;
use crate::consensus::sign_state::SignStateError;

/// A failure of this node, which must stop: going on could mean another history than the others'.
#[derive(Debug, thiserror::Error)]
pub enum AppFailure {
    /// Execution failed for a reason that is not the block's.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file that must be durable is not.
    #[error("{0}: {1}")]
    Io(&'static str, io::Error),
    /// What was signed cannot be recorded.
    #[error(transparent)]
    SignState(#[from] SignStateError),
    /// The state names no usable validators.
    #[error("the validator set of the state: {0}")]
    Voters(#[from] VotersError),
    /// More than two thirds decided what is invalid here.
    #[error(
        "the network decided block {height} ({hash}), which is invalid on this node: {reason}. Either this program is of \
         another version than the network's, or this machine or its data are damaged. The block was written to {}. Do not \
         restart before you know which: compare `esker --version` with other operators', then check the data with `esker \
         state verify`, or start from another node's snapshot", dump.display()
    )]
    InvalidDecision {
        /// Its number.
        height: u64,
        /// Its hash.
        hash: B256,
        /// What is wrong with it.
        reason: String,
        /// Where its RLP lies.
        dump: PathBuf,
    },
    /// The next block needs rules that this program does not have.
    #[error(transparent)]
    UnknownRules(#[from] UnknownRules),
    /// More than two thirds decided under a later protocol version than this node's table has for the height.
    #[error(
        "the network decided block {height} ({hash}) under protocol version {found}, and this node's genesis.json says \
         version {expected} for it: the network has upgraded. {} `esker upgrade --home {home} --version {found} --height \
         {height}`, and start the node again", install(*found)
    )]
    Upgraded {
        /// Its number: the first of that version.
        height: u64,
        /// Its hash.
        hash: B256,
        /// Its protocol version.
        found: u32,
        /// What the table says.
        expected: u32,
        /// The node's home.
        home: String,
    },
    /// More than two thirds decided under an earlier protocol version than this node's table has for the height.
    #[error(
        "the network decided block {height} ({hash}) under protocol version {found}, and this node's genesis.json says \
         version {expected} for it: the network has not upgraded. Ask its operators for the height that they agreed on, and \
         say it with `esker upgrade --home {home} --version {expected} --height HEIGHT`, or take the upgrade out with \
         `esker upgrade --home {home} --version {expected} --remove`; then start the node again"
    )]
    NotUpgraded {
        /// Its number.
        height: u64,
        /// Its hash.
        hash: B256,
        /// Its protocol version.
        found: u32,
        /// What the table says.
        expected: u32,
        /// The node's home.
        home: String,
    },
    /// A block was decided whose body is gone.
    #[error(
        "block {height} ({hash}) was decided, and its body is not in {}: files were deleted or damaged. Delete the \
         folder `wal` beside it and start again; the block is then fetched from other nodes, and the record of what was \
         signed keeps this one from signing twice", folder.display()
    )]
    MissingBody {
        /// Its number.
        height: u64,
        /// Its hash.
        hash: B256,
        /// Where it should be.
        folder: PathBuf,
    },
    /// Others have seen two conflicting messages with this validator's signature.
    #[error(
        "ALARM the key of this validator, {validator}, signed two conflicting messages at height {height}: it runs on another \
         machine too, or somebody has stolen it. This node stops so as not to make it worse. Find the other one and stop it; \
         a stolen key must never sign again. Started anew, this node signs on"
    )]
    KeyElsewhere {
        /// The validator, which is this node's.
        validator: Address,
        /// Where it was seen.
        height: u64,
    },
    /// The engine ended by itself.
    #[error(
        "the consensus engine stopped; its last error in the log says why. Check the disk's space and permissions. If its \
         own log (data/wal) is damaged, delete that folder and start again: the record of what was signed keeps this \
         validator from signing twice"
    )]
    Engine,
}

/// What comes before a version can be put into the table.
fn install(version: u32) -> String {
    match Rules::of(version) {
        Some(_) => "Run".to_owned(),
        None => format!("This program knows versions up to {}: install a newer one, then run", Rules::LATEST.version),
    }
}
