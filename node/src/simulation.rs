//! `esker simulate`'s answer: what a transaction would do, as data. The server's `esker_simulate` sends it, the command
//! line reads it, whether it came over the wire or from a state directory.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, Log, U64, U256};
use esker_runtime::exec::FrameKind;
use esker_runtime::simulate::{CallFrame, Simulation};
use esker_runtime::state::ChangeSet;
use esker_runtime::{BlockEnv, ExecutionStatus};
use serde::{Deserialize, Serialize};

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It returned.
    Success,
    /// It reverted.
    Revert,
    /// It halted: all its gas is burnt.
    Halt,
}

/// What a transaction would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulationReport {
    /// The block in which it was executed.
    pub block_number: U64,
    /// How it ended.
    pub status: Status,
    /// Why it halted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt_reason: Option<String>,
    /// What it returned or reverted with.
    pub output: Bytes,
    /// Gas that it would pay for.
    pub gas_used: U64,
    /// Gas taken off for cleared storage.
    pub gas_refunded: U64,
    /// The contract that it would create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Address>,
    /// Logs, in order.
    pub logs: Vec<LogReport>,
    /// What it would change, by account; fees included.
    pub state_diff: BTreeMap<Address, AccountDiff>,
    /// The tree of calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CallReport>,
}

/// A log without a place in the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogReport {
    /// Who emitted it.
    pub address: Address,
    /// Its topics.
    pub topics: Vec<B256>,
    /// Its data.
    pub data: Bytes,
}

/// A value before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change<T> {
    /// Before.
    pub from: T,
    /// After.
    pub to: T,
}

impl<T: PartialEq> Change<T> {
    fn of(from: T, to: T) -> Option<Self> {
        (from != to).then_some(Self { from, to })
    }
}

/// What changed in one account; what did not change is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountDiff {
    /// In wei.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Change<U256>>,
    /// The nonce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Change<U64>>,
    /// Hash of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_hash: Option<Change<B256>>,
    /// Storage slots.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<B256, Change<B256>>,
}

/// One frame of the tree of calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallReport {
    /// `call`, `static`, `delegate`, `create` or `create2`.
    pub kind: String,
    /// Who called.
    pub from: Address,
    /// Who was called.
    pub to: Address,
    /// In wei.
    pub value: U256,
    /// Gas given to it.
    pub gas: U64,
    /// Gas it used.
    pub gas_used: U64,
    /// Its input.
    pub input: Bytes,
    /// What it returned or reverted with.
    pub output: Bytes,
    /// How it ended.
    pub status: Status,
    /// Why it halted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt_reason: Option<String>,
    /// The calls it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallReport>,
}

fn status(status: ExecutionStatus) -> (Status, Option<String>) {
    match status {
        ExecutionStatus::Success => (Status::Success, None),
        ExecutionStatus::Revert => (Status::Revert, None),
        ExecutionStatus::Halt(halt) => (Status::Halt, Some(halt.to_string())),
    }
}

impl SimulationReport {
    /// The report of `simulation`, which ran in block `env`.
    #[must_use]
    pub fn new(simulation: Simulation, env: &BlockEnv) -> Self {
        let (status, halt_reason) = status(simulation.status);
        Self {
            block_number: U64::from(env.number),
            status,
            halt_reason,
            output: simulation.output,
            gas_used: U64::from(simulation.gas_used),
            gas_refunded: U64::from(simulation.gas_refunded),
            created: simulation.created,
            logs: simulation.logs.iter().map(LogReport::from).collect(),
            state_diff: state_diff(&simulation.changes),
            call: simulation.frames.map(CallReport::from),
        }
    }
}

impl From<&Log> for LogReport {
    fn from(log: &Log) -> Self {
        Self { address: log.address, topics: log.topics().to_vec(), data: log.data.data.clone() }
    }
}

impl From<CallFrame> for CallReport {
    fn from(frame: CallFrame) -> Self {
        let (status, halt_reason) = status(frame.status);
        let kind = match frame.kind {
            FrameKind::Call => "call",
            FrameKind::Static => "static",
            FrameKind::Delegate => "delegate",
            FrameKind::Create => "create",
            FrameKind::Create2 => "create2",
        };
        Self {
            kind: kind.to_owned(),
            from: frame.from,
            to: frame.to,
            value: frame.value,
            gas: U64::from(frame.gas),
            gas_used: U64::from(frame.gas_used),
            input: frame.input,
            output: frame.output,
            status,
            halt_reason,
            calls: frame.calls.into_iter().map(Self::from).collect(),
        }
    }
}

fn state_diff(changes: &ChangeSet) -> BTreeMap<Address, AccountDiff> {
    let diff = |change: &esker_runtime::state::AccountChange| {
        let (before, after) = (change.before.unwrap_or_default(), change.after.unwrap_or_default());
        let slots = change
            .storage
            .iter()
            .filter_map(|(slot, change)| Change::of(change.before, change.after).map(|change| (*slot, change)));
        AccountDiff {
            balance: Change::of(before.balance, after.balance),
            nonce: Change::of(U64::from(before.nonce), U64::from(after.nonce)),
            code_hash: Change::of(before.code_hash, after.code_hash),
            storage: slots.collect(),
        }
    };
    let all = changes.accounts.iter().map(|(address, change)| (*address, diff(change)));
    all.filter(|(_, diff)| *diff != AccountDiff::default()).collect()
}
