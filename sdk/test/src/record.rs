//! What the transactions of a run did, to be compared with the other run.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, Log};
use esker_runtime::ExecutionStatus;
use esker_runtime::state::{AccountChange, ChangeSet};
use esker_vm::Halt;

use crate::names::Names;
use crate::observe::{Happening, TransientWrite};

/// Steps that a run keeps whole, the newest. Of all it keeps fingerprints, so that a test of a million calls needs megabytes.
const KEPT: usize = 1_024;

/// How a transaction or call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

    /// Of everything that [`differences`](Self::differences) compares.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.what, self.end, &self.output, &self.logs, self.created).hash(&mut hasher);
        hasher.write_usize(self.changes.accounts.len());
        for (address, change) in &self.changes.accounts {
            let after = change.after.unwrap_or_default();
            (address, after.balance, after.nonce, after.code_hash, change.storage.len()).hash(&mut hasher);
            change.storage.iter().for_each(|(slot, change)| (slot, change.after).hash(&mut hasher));
        }
        (&self.changes.codes, &self.transient, &self.happenings).hash(&mut hasher);
        hasher.finish()
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

/// Everything a run did: fingerprints of all steps, and the newest steps themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    fingerprints: Vec<u64>,
    newest: VecDeque<Arc<Step>>,
    /// A step to keep whatever comes after it, by its index.
    wanted: Option<usize>,
    found: Option<Arc<Step>>,
}

impl Record {
    /// One that keeps this step whole, counted from 0, as well as the newest.
    pub(crate) fn that_keeps(wanted: Option<usize>) -> Self {
        Self { wanted, ..Self::default() }
    }

    pub(crate) fn push(&mut self, step: Arc<Step>) {
        if self.wanted == Some(self.len()) {
            self.found = Some(Arc::clone(&step));
        }
        self.fingerprints.push(step.fingerprint());
        if self.newest.len() == KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(step);
    }

    pub(crate) fn len(&self) -> usize {
        self.fingerprints.len()
    }

    /// The steps from this one on, those that are still kept.
    pub(crate) fn since(&self, step: usize) -> impl Iterator<Item = &Arc<Step>> {
        let gone = self.len() - self.newest.len();
        self.newest.iter().skip(step.saturating_sub(gone))
    }

    fn step(&self, index: usize) -> Option<&Step> {
        let gone = self.len() - self.newest.len();
        let found = self.found.as_ref().filter(|_| self.wanted == Some(index));
        found.or_else(|| self.newest.get(index.checked_sub(gone)?)).map(AsRef::as_ref)
    }

    /// The first step that both runs made and that differs.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<usize> {
        self.fingerprints.iter().zip(&other.fingerprints).position(|(one, other)| one != other)
    }

    /// Whether this step is kept whole.
    pub(crate) fn keeps(&self, index: usize) -> bool {
        self.step(index).is_some()
    }

    /// Demands that both runs did the same.
    ///
    /// # Panics
    /// With everything that differs in the first step that does.
    pub(crate) fn assert_same(native: &Self, wasm: &Self, names: &Names, test: &str) {
        if let Some(index) = native.first_difference(wasm) {
            let number = index + 1;
            match (native.step(index), wasm.step(index)) {
                (Some(native), Some(wasm)) => panic!(
                    "{test}: step {number} differs between the native run and the wasm run ({}):\n  {}",
                    native.what,
                    native.differences(wasm, names).join("\n  ")
                ),
                _ => panic!(
                    "{test}: step {number} differs between the native run and the wasm run, and the test did something \
                     else when it was run again to say how: make it do the same each time"
                ),
            }
        }
        let (native, wasm) = (native.len(), wasm.len());
        assert_eq!(native, wasm, "{test}: the native run made {native} transactions and calls, the wasm run {wasm}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(what: String, balance: u64) -> Arc<Step> {
        let mut changes = ChangeSet::default();
        let after =
            esker_runtime::state::Account { balance: alloy_primitives::U256::from(balance), ..Default::default() };
        changes.accounts.insert(Address::ZERO, AccountChange { after: Some(after), ..Default::default() });
        Arc::new(Step {
            what,
            end: End::Success,
            halt: None,
            input: Bytes::new(),
            output: Bytes::new(),
            logs: Vec::new(),
            created: None,
            gas_used: 0,
            changes,
            happenings: Vec::new(),
            frame_gas: Vec::new(),
            transient: Vec::new(),
        })
    }

    fn record(steps: usize, odd: Option<usize>, wanted: Option<usize>) -> Record {
        let mut record = Record::that_keeps(wanted);
        (0..steps).for_each(|index| record.push(step(format!("step {index}"), u64::from(odd == Some(index)))));
        record
    }

    #[test]
    fn a_record_keeps_the_newest_steps_whole_and_knows_of_all_whether_they_differ() {
        let long = record(5 * KEPT, None, None);
        assert_eq!((long.newest.len(), long.len()), (KEPT, 5 * KEPT));
        let other = record(5 * KEPT, Some(7), None);
        assert_eq!(long.first_difference(&other), Some(7));
        assert!(!long.keeps(7));
        let kept = |odd| record(5 * KEPT, odd, Some(7));
        assert_eq!(kept(None).step(7).map(|step| step.what.as_str()), Some("step 7"));
        let differences =
            kept(None).step(7).zip(kept(Some(7)).step(7)).map(|(one, other)| one.differences(other, &Names::default()));
        assert_eq!(differences.map(|lines| lines.len()), Some(1), "the balance");
        assert_eq!(long.since(5 * KEPT - 2).count(), 2);
        assert_eq!(long.since(0).count(), KEPT);
    }
}
