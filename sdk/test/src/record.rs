//! What the transactions of a run did, to be compared with the other run.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, Log, hex};
use esker_runtime::ExecutionStatus;
use esker_runtime::state::ChangeSet;

/// How a transaction or call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned.
    Success,
    /// It reverted.
    Revert,
    /// It halted.
    Halt,
}

/// One transaction or call. Its gas is not compared: that of a native run means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) end: End,
    /// Why it halted, in words; not compared.
    pub(crate) halt: Option<esker_vm::Halt>,
    pub(crate) output: Bytes,
    pub(crate) logs: Vec<Log>,
    pub(crate) created: Option<Address>,
    /// Gas of a transaction; zero for a call.
    pub(crate) gas_used: u64,
    /// Slots after the transaction that it changed.
    storage: BTreeMap<(Address, B256), B256>,
}

impl Step {
    pub(crate) fn new(
        status: ExecutionStatus,
        output: &Bytes,
        logs: &[Log],
        changes: &ChangeSet,
        created: Option<Address>,
    ) -> Self {
        let (end, halt) = match status {
            ExecutionStatus::Success => (End::Success, None),
            ExecutionStatus::Revert => (End::Revert, None),
            ExecutionStatus::Halt(halt) => (End::Halt, Some(halt)),
        };
        let storage = changes
            .accounts
            .iter()
            .flat_map(|(address, change)| change.storage.iter().map(move |(slot, value)| ((*address, *slot), value)))
            .filter(|(_, value)| value.before != value.after)
            .map(|(place, value)| (place, value.after))
            .collect();
        Self { end, halt, output: output.clone(), logs: logs.to_vec(), created, gas_used: 0, storage }
    }

    /// What happened, for a person.
    pub(crate) fn describe(&self) -> String {
        match (self.end, self.halt) {
            (End::Success, _) => format!("it returned {}", hex::encode_prefixed(&self.output)),
            (End::Revert, _) => format!("it reverted with {}", revert_in_words(&self.output)),
            (End::Halt, Some(halt)) => format!("it halted: {halt}"),
            (End::Halt, None) => "it halted".to_owned(),
        }
    }

    /// The first way in which two runs of the same step differ.
    fn difference(&self, other: &Self) -> Option<String> {
        if self.end != other.end || self.output != other.output {
            return Some(format!("natively {}; as wasm {}", self.describe(), other.describe()));
        }
        if self.logs != other.logs {
            return Some(format!("natively it logged {:?}; as wasm {:?}", self.logs, other.logs));
        }
        if self.created != other.created {
            return Some(format!("natively it created {:?}; as wasm {:?}", self.created, other.created));
        }
        (self.storage != other.storage)
            .then(|| format!("natively it left {:?} in storage; as wasm {:?}", self.storage, other.storage))
    }
}

/// `Error(string)` as text, everything else as hex.
pub(crate) fn revert_in_words(data: &[u8]) -> String {
    let text = data.strip_prefix(&[0x08, 0xc3, 0x79, 0xa0]).and_then(|body| {
        let length = usize::try_from(u64::from_be_bytes(body.get(56..64)?.try_into().ok()?)).ok()?;
        std::str::from_utf8(body.get(64..64usize.checked_add(length)?)?).ok()
    });
    text.map_or_else(|| hex::encode_prefixed(data), |text| format!("{text:?}"))
}

/// Everything a run did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Vec<Step>);

impl Record {
    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Demands that both runs did the same.
    ///
    /// # Panics
    /// With the first difference.
    pub(crate) fn assert_same(native: &Self, wasm: &Self, test: &str) {
        for (index, (native, wasm)) in native.0.iter().zip(&wasm.0).enumerate() {
            if let Some(difference) = native.difference(wasm) {
                panic!("{test}: step {} differs between the native run and the wasm run: {difference}", index + 1);
            }
        }
        let (native, wasm) = (native.0.len(), wasm.0.len());
        assert_eq!(native, wasm, "{test}: the native run made {native} transactions and calls, the wasm run {wasm}");
    }
}
