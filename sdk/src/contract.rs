//! What `#[contract]` leaves of a contract for tools, and what its dispatcher calls.

use alloc::vec::Vec;

use crate::{
    Address,
    abi::{Description, Encoder},
    error, host,
    utf8::is_zero,
};

/// Which entry point a frame runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A message call.
    Call,
    /// The constructor.
    Deploy,
}

/// A contract, as tools see it. `#[contract]` implements it for the storage struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a contract",
    label = "not a contract",
    note = "a contract is the storage struct of a module marked #[contract]; a component, marked #[component], is a field of one"
)]
pub trait Contract {
    /// The contract's name: that of its storage struct.
    const NAME: &'static str;
    /// The name of the crate that defines it, as cargo's `CARGO_CRATE_NAME`.
    const CRATE: &'static str;
    /// Whether there is a constructor, for the ABI. The wasm exports `deploy` in any case: it refuses coins.
    const HAS_CONSTRUCTOR: bool;
    /// The ABI as data.
    const ABI: &'static Description;
    /// The typed handle by which others call it.
    type Handle: From<Address> + Clone;

    /// The ABI as JSON, as the wasm carries it in its custom section. Natively only: in wasm nothing reads it.
    #[cfg(not(target_arch = "wasm32"))]
    fn abi_json() -> &'static str;

    /// Runs a message call on the current host and returns its output. Unwinds if the call reverts. Natively only: in
    /// wasm only the host may start a frame, so that no method can run another that changes more than itself.
    #[cfg(not(target_arch = "wasm32"))]
    fn call() -> Vec<u8>;

    /// Runs the constructor. Without one it only refuses coins. Natively only.
    #[cfg(not(target_arch = "wasm32"))]
    fn deploy() -> Vec<u8>;
}

/// The permission to change state.
///
/// Handles of storage and the [`crate::Context`] come into being through it alone, and only the dispatcher has one: so
/// what a method can change is what its `&mut self` and `&mut Context` reach, and a view changes nothing. Takes no room.
pub struct Authority {
    _private: (),
}

impl Authority {
    /// For this crate: handles open handles, and the context emits.
    pub(crate) const fn new() -> Self {
        Self { _private: () }
    }
}

/// For the dispatcher.
#[must_use]
pub const fn authority() -> Authority {
    Authority::new()
}

/// Emits a log, for `#[event]`.
#[cfg_attr(target_arch = "wasm32", inline(never))]
pub fn log(_: &Authority, topics: &[[u8; 32]], data: Encoder) {
    data.look(|data| host::log(topics, data));
}

/// Ends a frame with what it returns. Natively the entry point gives it to its caller; in wasm nothing behind this runs, so
/// that nothing has to be dropped.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn finish(output: Vec<u8>) -> Vec<u8> {
    output
}

/// Ends a frame with what it returns.
#[cfg(target_arch = "wasm32")]
#[inline(always)]
pub fn finish(output: Vec<u8>) -> Vec<u8> {
    host::finish(&output)
}

/// Ends a frame with the results that were encoded.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[must_use]
pub fn done(encoder: &mut Encoder) -> Vec<u8> {
    #[cfg(not(target_arch = "wasm32"))]
    return core::mem::replace(encoder, Encoder::empty()).finish();
    #[cfg(target_arch = "wasm32")]
    host::finish(encoder.last())
}

/// What [`done`] gave, natively.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn answered(output: Vec<u8>) -> Vec<u8> {
    output
}

/// Behind [`done`], which does not return: so that nothing has to be dropped.
#[cfg(target_arch = "wasm32")]
#[inline(always)]
pub fn answered(output: Vec<u8>) -> Vec<u8> {
    core::mem::forget(output);
    core::arch::wasm32::unreachable()
}

/// The call's input.
pub fn input() -> Vec<u8> {
    host::input()
}

/// Reverts without data, as Solidity does when the input is no encoding of the arguments, when no function has the
/// selector, or when value is sent where none is taken.
#[cold]
#[cfg_attr(target_arch = "wasm32", inline(never))]
pub fn empty_revert() -> ! {
    host::revert(&[])
}

/// Refuses value.
#[cfg_attr(target_arch = "wasm32", inline(never))]
pub fn guard_payment() {
    if !is_zero(&host::call_value()) {
        empty_revert()
    }
}

/// Refuses to run when a frame of this address is below, unless the contract calls itself: who calls is then its own code,
/// whose first frame was let in.
#[cfg_attr(target_arch = "wasm32", inline(never))]
pub fn guard_reentrancy() {
    if host::is_reentrant() && host::caller() != host::address() {
        error::refuse_reentrancy()
    }
}
