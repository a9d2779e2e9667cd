//! What came of a transaction or call, and what a test demands of it.

use std::marker::PhantomData;

use alloy_primitives::Address;
use esker_sdk::abi::Output;
use esker_sdk::{ContractError, Event, MethodCall, View};

use crate::record::{End, Step};

/// The result of a transaction or call whose method returns `O`.
#[derive(Clone, Debug)]
pub struct Sent<O> {
    step: Step,
    pub(crate) created: Option<Address>,
    output: PhantomData<O>,
}

impl<O> Sent<O> {
    pub(crate) fn new(step: Step) -> Self {
        Self { created: step.created, step, output: PhantomData }
    }

    pub(crate) fn typed<P>(self) -> Sent<P> {
        Sent { step: self.step, created: self.created, output: PhantomData }
    }

    /// How it ended.
    #[must_use]
    pub const fn end(&self) -> End {
        self.step.end
    }

    /// The bytes it returned or reverted with.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.step.output
    }

    /// Gas that a transaction used, intrinsic gas included. It means something in the wasm run only.
    #[must_use]
    pub const fn gas_used(&self) -> u64 {
        self.step.gas_used
    }

    /// The contract that it deployed.
    #[must_use]
    pub fn created(&self) -> Option<esker_sdk::Address> {
        self.created.map(crate::chain::inside)
    }

    /// Demands that it succeeded.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.step.end, End::Success, "it should have succeeded: {}", self.step.describe());
        self
    }

    /// Demands that it succeeded and emitted this event, at whatever place among its logs.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn emits(self, event: impl Event) -> Self {
        let this = self.succeeds();
        let wanted = event.to_log();
        let matches = |log: &alloy_primitives::Log| {
            log.data.topics().iter().map(|topic| topic.0).eq(wanted.topics.iter().copied())
                && log.data.data.as_ref() == wanted.data.as_slice()
        };
        let found = this.step.logs.iter().any(matches);
        assert!(found, "it should have emitted {wanted:?}; it emitted {:?}", this.step.logs);
        this
    }

    /// Demands that it emitted nothing.
    ///
    /// # Panics
    /// If it did.
    #[track_caller]
    pub fn emits_nothing(self) -> Self {
        assert!(self.step.logs.is_empty(), "it should have emitted nothing; it emitted {:?}", self.step.logs);
        self
    }

    /// Demands that it reverted with this custom error.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn reverts(self, error: impl ContractError) {
        self.reverts_with_bytes(&error.encode());
    }

    /// Demands that it reverted with `Error(text)`, as panics and `require!` do.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn reverts_with_text(self, text: &str) {
        let in_words = crate::record::revert_in_words(&self.step.output);
        let matches = self.step.end == End::Revert && in_words == format!("{text:?}");
        assert!(matches, "it should have reverted with {text:?}: {}", self.step.describe());
    }

    /// Demands that it reverted with `Panic(code)`.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn panics(self, panic: esker_sdk::Panic) {
        let mut expected = vec![0x4e, 0x48, 0x7b, 0x71];
        expected.extend([0; 31]);
        expected.push(panic as u8);
        self.reverts_with_bytes(&expected);
    }

    /// Demands that it reverted with exactly these bytes.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn reverts_with_bytes(self, data: &[u8]) {
        let matches = self.step.end == End::Revert && self.step.output.as_ref() == data;
        let wanted = crate::record::revert_in_words(data);
        assert!(matches, "it should have reverted with {wanted}: {}", self.step.describe());
    }

    /// Demands that it halted: ran out of gas, trapped, changed state in a static call.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn halts(self) {
        assert_eq!(self.step.end, End::Halt, "it should have halted: {}", self.step.describe());
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
        MethodCall::<View, O>::decode(&this.step.output).expect("a method returns what its signature says")
    }
}
