//! What came of a transaction or call, and what a test demands of it.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use alloy_primitives::Log;
use esker_sdk::abi::Output;
use esker_sdk::{ContractError, Event, MethodCall, View};
use parking_lot::{Mutex, RwLock};

use crate::convert::{inside, outside};
use crate::gas::Measured;
use crate::names::Names;
use crate::outcome::{ExpectedLog, RevertData, data_of, in_order};
use crate::record::{End, Step};
use crate::trace;

/// The result of a transaction or call whose method returns `O`.
#[derive(Debug)]
pub struct Sent<O> {
    step: Arc<Step>,
    names: Arc<RwLock<Names>>,
    /// Where measurements go; nowhere in the native run.
    gas: Option<Arc<Mutex<Measured>>>,
    output: PhantomData<O>,
}

impl<O> Clone for Sent<O> {
    fn clone(&self) -> Self {
        let (step, names) = (Arc::clone(&self.step), Arc::clone(&self.names));
        Self { step, names, gas: self.gas.clone(), output: PhantomData }
    }
}

impl<O> Sent<O> {
    pub(crate) const fn new(step: Arc<Step>, names: Arc<RwLock<Names>>, gas: Option<Arc<Mutex<Measured>>>) -> Self {
        Self { step, names, gas, output: PhantomData }
    }

    pub(crate) fn typed<P>(self) -> Sent<P> {
        Sent { step: self.step, names: self.names, gas: self.gas, output: PhantomData }
    }

    /// How it ended.
    #[must_use]
    pub fn end(&self) -> End {
        self.step.end
    }

    /// The bytes it returned or reverted with.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.step.output
    }

    /// The logs that it kept.
    #[must_use]
    pub fn logs(&self) -> &[Log] {
        &self.step.logs
    }

    /// Gas that a transaction used, intrinsic gas included. It means something in the wasm run only.
    #[must_use]
    pub fn gas_used(&self) -> u64 {
        self.step.gas_used
    }

    /// Demands that the gas which the transaction used in the wasm run is what the crate's `.gas-snapshot` says of this test
    /// and `name`, within the tolerance. With `ESKER_GAS=write` the file is written instead.
    ///
    /// # Panics
    /// If the test measured something else under this name. What differs fails the test at its end.
    #[track_caller]
    pub fn measured(self, name: &str) -> Self {
        assert!(!name.contains(['\n', '#']), "a measurement is called by a line of text without `#`");
        if let Some(gas) = &self.gas {
            let before = gas.lock().insert(name.to_owned(), self.step.gas_used);
            assert!(before.is_none(), "this test has measured {name:?} already: call it otherwise");
        }
        self
    }

    /// The contract that it deployed.
    #[must_use]
    pub fn created(&self) -> Option<esker_sdk::Address> {
        self.step.created.map(inside)
    }

    /// What came of it, in words: errors and events by their names, where a contract of the chain has them in its ABI.
    #[must_use]
    pub fn describe(&self) -> String {
        self.step.describe(&self.names.read())
    }

    /// Its frames and logs, one a line, those undone included: who called what, how it ended, and the gas it used, which
    /// means something in the wasm run only.
    #[must_use]
    pub fn trace(&self) -> String {
        trace::tree(&self.step, &self.names.read())
    }

    /// The gas of its frames as folded stacks, the input of tools that draw flame graphs. It means something in the wasm run
    /// only.
    #[must_use]
    pub fn gas_stacks(&self) -> String {
        trace::folded(&self.step, &self.names.read())
    }

    /// Fails the test with what came of it instead, and with the frames if there was more than one.
    #[track_caller]
    fn demand(&self, holds: bool, wanted: impl FnOnce(&Names) -> String) {
        if !holds {
            let (step, names) = (&self.step, self.names.read());
            let trace =
                if step.frame_gas.len() > 1 { format!("\n{}", trace::tree(step, &names)) } else { String::new() };
            panic!("{}: it should have {}, but {}{trace}", step.what, wanted(&names), step.describe(&names));
        }
    }

    /// Demands that it succeeded.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.demand(self.step.end == End::Success, |_| "succeeded".to_owned());
        self
    }

    /// Fails the test with the logs there are.
    #[track_caller]
    fn demand_logs(&self, holds: bool, wanted: impl FnOnce(&Names) -> String) {
        if !holds {
            let names = self.names.read();
            let (what, logs) = (&self.step.what, names.logs(&self.step.logs));
            panic!("{what}: it should have emitted {}; it emitted {logs}", wanted(&names));
        }
    }

    /// Demands that it succeeded and that some contract emitted this event, at whatever place among its logs.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn emits(self, event: impl Event) -> Self {
        let this = self.succeeds();
        let wanted = data_of(&event);
        this.demand_logs(this.step.logs.iter().any(|log| log.data == wanted), |names| {
            format!("{} from anybody", names.event(&wanted))
        });
        this
    }

    /// Demands that it succeeded and that the contract at `address` emitted this event.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn emits_from(self, address: impl Into<esker_sdk::Address>, event: impl Event) -> Self {
        let this = self.succeeds();
        let wanted = Log { address: outside(address.into()), data: data_of(&event) };
        this.demand_logs(this.step.logs.contains(&wanted), |names| names.log(&wanted));
        this
    }

    /// Demands that it succeeded and emitted these logs in this order; others may lie between them.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn emits_in_order<const N: usize>(self, wanted: [ExpectedLog; N]) -> Self {
        let this = self.succeeds();
        this.demand_logs(in_order(&this.step.logs, &wanted), |names| {
            format!("in this order{}", names.logs(&wanted.clone().map(|log| log.0)))
        });
        this
    }

    /// Demands that it succeeded and emitted these logs, in this order and no others.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn emits_only<const N: usize>(self, wanted: [ExpectedLog; N]) -> Self {
        let this = self.succeeds();
        let wanted = wanted.map(|log| log.0);
        this.demand_logs(this.step.logs == wanted, |names| format!("only{}", names.logs(&wanted)));
        this
    }

    /// Demands that it succeeded and emitted nothing.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn emits_nothing(self) -> Self {
        let this = self.succeeds();
        this.demand_logs(this.step.logs.is_empty(), |_| "nothing".to_owned());
        this
    }

    /// Demands that it reverted with this custom error.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn reverts(self, error: impl ContractError) {
        self.reverts_with(error.encode());
    }

    /// Demands that it reverted with exactly this: a [`Panic`](esker_sdk::Panic), the text of `Error(string)`, or bytes.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn reverts_with(self, data: impl Into<RevertData>) {
        let RevertData(data) = data.into();
        let matches = self.step.end == End::Revert && self.step.output.as_ref() == data.as_slice();
        self.demand(matches, |names| format!("reverted with {}", names.revert(&data)));
    }

    /// Demands that it reverted with one of the errors of `E`, and gives which.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn error<E: ContractError>(self) -> E {
        let found = Some(&self.step).filter(|step| step.end == End::Revert).and_then(|step| E::decode(&step.output));
        self.demand(found.is_some(), |_| format!("reverted with one of the errors of {}", std::any::type_name::<E>()));
        found.expect("it was there just now")
    }

    /// Demands that it reverted with `ReentrancyGuardReentrantCall()`, as methods do that are re-entered.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn reverts_as_reentrant(self) {
        let selector = esker_sdk::expansion::REENTRANT_CALL.selector().to_be_bytes();
        self.reverts_with(selector.to_vec());
    }

    /// Demands that it reverted with `Error(text)`, as panics and `require!` do.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn reverts_with_text(self, text: &str) {
        self.reverts_with(text);
    }

    /// Demands that it reverted with `Panic(code)`.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn panics(self, panic: esker_sdk::Panic) {
        self.reverts_with(panic);
    }

    /// Demands that it reverted with exactly these bytes.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn reverts_with_bytes(self, data: &[u8]) {
        self.reverts_with(data);
    }

    /// Demands that it halted: ran out of gas, trapped, changed state in a static call.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn halts(self) {
        self.demand(self.step.end == End::Halt, |_| "halted".to_owned());
    }
}

impl<O: Output> Sent<O> {
    /// What it returned.
    ///
    /// # Panics
    /// If it did not succeed, or returned something else than its method says.
    #[track_caller]
    pub fn returned(self) -> O::Value {
        let this = self.succeeds();
        let returned = MethodCall::<View, O>::decode(&this.step.output);
        this.demand(returned.is_ok(), |_| "returned what its signature says".to_owned());
        returned.unwrap_or_else(|_| unreachable!("demanded just now"))
    }

    /// Demands that it returned this.
    ///
    /// # Panics
    /// If it did not succeed, or returned something else.
    #[track_caller]
    pub fn returns<T>(self, value: T) -> Self
    where
        O::Value: PartialEq<T> + Debug,
        T: Debug,
    {
        let returned = self.clone().returned();
        self.demand(returned == value, |_| format!("returned {value:?}"));
        self
    }
}
