//! What the transactions of a run did, to be compared with the other run.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, Log};
use esker_runtime::ExecutionStatus;
use esker_runtime::state::{AccountChange, ChangeSet};
use esker_vm::Halt;

use crate::names::Names;
use crate::observe::{Happening, TransientWrite};

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

impl End {
    pub(crate) const fn of(status: ExecutionStatus) -> (Self, Option<Halt>) {
        match status {
            ExecutionStatus::Success => (Self::Success, None),
            ExecutionStatus::Revert => (Self::Revert, None),
            ExecutionStatus::Halt(halt) => (Self::Halt, Some(halt)),
        }
    }
}

/// One transaction or call. Its gas is not compared: that of a native run means nothing.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Who did what, in words.
    pub(crate) what: String,
    pub(crate) end: End,
    /// Why it halted, in words; not compared.
    pub(crate) halt: Option<Halt>,
    pub(crate) input: Bytes,
    pub(crate) output: Bytes,
    pub(crate) logs: Vec<Log>,
    pub(crate) created: Option<Address>,
    /// Gas of a transaction; zero for a call.
    pub(crate) gas_used: u64,
    /// Everything that it changed.
    pub(crate) changes: ChangeSet,
    pub(crate) happenings: Vec<Happening>,
    /// Gas of each frame, in the order in which they ended; not compared.
    pub(crate) frame_gas: Vec<u64>,
    pub(crate) transient: Vec<TransientWrite>,
}

impl Step {
    /// How it ended, for a person.
    pub(crate) fn describe(&self, names: &Names) -> String {
        match (self.end, self.halt) {
            (End::Success, _) => format!("it returned {}", names.returned(&self.input, &self.output)),
            (End::Revert, _) => format!("it reverted with {}", names.revert(&self.output)),
            (End::Halt, Some(halt)) => format!("it halted ({halt:?}): {halt}"),
            (End::Halt, None) => "it halted".to_owned(),
        }
    }

    /// Every way in which the wasm run of this step differs, a line each.
    fn differences(&self, wasm: &Self, names: &Names) -> Vec<String> {
        let mut found = Differences::default();
        let native = self;
        if native.what != wasm.what {
            found.push("the step", &native.what, &wasm.what);
        }
        if native.end != wasm.end || native.output != wasm.output {
            found.push("the outcome", native.describe(names), wasm.describe(names));
        }
        if native.logs != wasm.logs {
            found.push("the logs", names.logs(&native.logs), names.logs(&wasm.logs));
        }
        let address = |created: Option<Address>| created.map_or("none".to_owned(), |address| names.address(address));
        if native.created != wasm.created {
            found.push("the contract created", address(native.created), address(wasm.created));
        }
        let (before, after) = (&native.changes.accounts, &wasm.changes.accounts);
        for account in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            found.account(*account, before.get(account), after.get(account), names);
        }
        for hash in native.changes.codes.keys().chain(wasm.changes.codes.keys()).collect::<BTreeSet<_>>() {
            let code = |step: &Self| step.changes.codes.get(hash).map(|code| format!("{} bytes", code.len()));
            found.unless_same(format!("the code with the hash {hash}"), code(native), code(wasm));
        }
        if let Some((first, second)) = first_difference(&native.transient, &wasm.transient) {
            let shown = |write: Option<&TransientWrite>| {
                write.map_or("none".to_owned(), |write| {
                    format!("{} at slot {} of {}", write.value, write.slot, names.address(write.account))
                })
            };
            found.push("a transient write", shown(first), shown(second));
        }
        // What is different on the way only, as in a call whose failure the caller swallows.
        if let Some((first, second)) = first_difference(&native.happenings, &wasm.happenings) {
            let shown = |event: Option<&Happening>| event.map_or("nothing".to_owned(), |event| event.describe(names));
            found.push("what happened on the way", shown(first), shown(second));
        }
        found.0
    }
}

/// The first place where two lists differ.
fn first_difference<'l, T: PartialEq>(first: &'l [T], second: &'l [T]) -> Option<(Option<&'l T>, Option<&'l T>)> {
    (0..first.len().max(second.len())).map(|index| (first.get(index), second.get(index))).find(|(a, b)| a != b)
}

/// Lines that say what differs.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn push(&mut self, what: impl Display, native: impl Display, wasm: impl Display) {
        self.0.push(format!("{what}: natively {native}; as wasm {wasm}"));
    }

    /// A field that only one of the runs may have changed.
    fn unless_same<T: PartialEq + Display>(&mut self, what: impl Display, native: Option<T>, wasm: Option<T>) {
        let shown = |value: &Option<T>| value.as_ref().map_or("unchanged".to_owned(), ToString::to_string);
        if native != wasm {
            self.push(what, shown(&native), shown(&wasm));
        }
    }

    fn account(
        &mut self,
        address: Address,
        native: Option<&AccountChange>,
        wasm: Option<&AccountChange>,
        names: &Names,
    ) {
        let name = names.address(address);
        let after = |change: Option<&AccountChange>| change.map(|change| change.after.unwrap_or_default());
        let (ours, theirs) = (after(native), after(wasm));
        self.unless_same(
            format!("the balance of {name} in wei"),
            ours.map(|account| account.balance),
            theirs.map(|account| account.balance),
        );
        self.unless_same(
            format!("the nonce of {name}"),
            ours.map(|account| account.nonce),
            theirs.map(|account| account.nonce),
        );
        self.unless_same(
            format!("the code hash of {name}"),
            ours.map(|account| account.code_hash),
            theirs.map(|account| account.code_hash),
        );
        let slots = |change: Option<&AccountChange>| change.map(|change| change.storage.clone()).unwrap_or_default();
        let (ours, theirs) = (slots(native), slots(wasm));
        for slot in ours.keys().chain(theirs.keys()).collect::<BTreeSet<&B256>>() {
            let value = |slots: &std::collections::BTreeMap<B256, _>| slots.get(slot).map(after_of);
            self.unless_same(format!("slot {slot} of {name}"), value(&ours), value(&theirs));
        }
    }
}

fn after_of(change: &esker_runtime::state::SlotChange) -> B256 {
    change.after
}

/// Everything a run did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    steps: Vec<Arc<Step>>,
}

impl Record {
    pub(crate) fn push(&mut self, step: Arc<Step>) {
        self.steps.push(step);
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The steps from this one on.
    pub(crate) fn since(&self, step: usize) -> &[Arc<Step>] {
        self.steps.get(step..).unwrap_or_default()
    }

    /// Demands that both runs did the same.
    ///
    /// # Panics
    /// With everything that differs in the first step that does.
    pub(crate) fn assert_same(native: &Self, wasm: &Self, names: &Names, test: &str) {
        for (index, (native, wasm)) in native.steps.iter().zip(&wasm.steps).enumerate() {
            let differences = native.differences(wasm, names);
            assert!(
                differences.is_empty(),
                "{test}: step {} differs between the native run and the wasm run ({}):\n  {}",
                index + 1,
                native.what,
                differences.join("\n  ")
            );
        }
        let (native, wasm) = (native.steps.len(), wasm.steps.len());
        assert_eq!(native, wasm, "{test}: the native run made {native} transactions and calls, the wasm run {wasm}");
    }
}
