//! Calls of other contracts, typed.

use alloc::vec::Vec;
use core::marker::PhantomData;

use crate::{
    Address, Context, ContractError, U256,
    abi::{DecodeError, Decoder, Output},
    contract::empty_revert,
    error::revert_bytes,
    host::{self, CallKind, Ended},
};

/// Why a call did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The callee reverted with this data.
    Revert(Vec<u8>),
    /// The callee halted (out of gas, a trap), or the call could not be made (depth, balance, address taken).
    Halt,
    /// The callee has no code, or what it returned is no encoding of the expected types.
    BadOutput,
}

/// What a call gives.
pub type CallResult<T> = Result<T, CallError>;

impl CallError {
    /// The callee's custom error, if it reverted with one of `E`.
    #[must_use]
    pub fn decode<E: ContractError>(&self) -> Option<E> {
        match self {
            Self::Revert(data) => E::decode(data),
            Self::Halt | Self::BadOutput => None,
        }
    }

    /// Reverts with the callee's revert data, or without data if it has none.
    pub fn raise(&self) -> ! {
        match self {
            Self::Revert(data) => revert_bytes(data),
            Self::Halt | Self::BadOutput => empty_revert(),
        }
    }
}

pub(crate) fn ended((end, data): (Ended, Vec<u8>)) -> CallResult<Vec<u8>> {
    match end {
        Ended::Returned => Ok(data),
        Ended::Reverted => Err(CallError::Revert(data)),
        Ended::Halted => Err(CallError::Halt),
    }
}

/// Marks the call of a method that changes nothing (`&self`, or no receiver).
#[derive(Clone, Copy, Debug)]
pub enum View {}
/// Marks the call of a method that may change state (`&mut self`).
#[derive(Clone, Copy, Debug)]
pub enum Write {}
/// Marks the call of a method that may be sent value (`#[payable]`).
#[derive(Clone, Copy, Debug)]
pub enum Payable {}

/// A call of a method, encoded but not made. A handle's methods return it: `token.transfer(to, 5).call(cx)`.
///
/// `M` is [`View`], [`Write`] or [`Payable`]; `O` is what the method returns, as an [`Output`].
#[derive(Clone, Debug)]
#[must_use = "the call is not made before `.call(cx)` or `.try_call(cx)`"]
pub struct MethodCall<M, O> {
    target: Address,
    value: U256,
    gas: u64,
    input: Vec<u8>,
    types: PhantomData<(M, O)>,
}

impl<M, O: Output> MethodCall<M, O> {
    /// For handles.
    #[doc(hidden)]
    pub const fn new(target: Address, input: Vec<u8>) -> Self {
        Self { target, value: U256::ZERO, gas: u64::MAX, input, types: PhantomData }
    }

    /// Gives at most this much gas. Without it the callee gets all but one 64th.
    pub const fn gas(mut self, gas: u64) -> Self {
        self.gas = gas;
        self
    }

    /// The most gas that it gives, `u64::MAX` if all there may be.
    #[must_use]
    pub const fn asked_gas(&self) -> u64 {
        self.gas
    }

    /// Whom it calls.
    #[must_use]
    pub const fn target(&self) -> Address {
        self.target
    }

    /// Selector and encoded arguments.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// The value it sends, in wei.
    #[must_use]
    pub const fn sent_value(&self) -> U256 {
        self.value
    }

    /// What the method returned, from the call's output.
    ///
    /// # Errors
    /// [`DecodeError`] if the output is no encoding of it.
    pub fn decode(output: &[u8]) -> Result<O::Value, DecodeError> {
        let mut decoder = Decoder::new(output);
        let value = O::decode(&mut decoder);
        decoder.finish(value)
    }

    fn make(&self, kind: CallKind) -> CallResult<O::Value> {
        // An account without code would accept anything; where no output shows that, ask first, as Solidity does.
        if O::SHAPES.is_empty() && host::code_size(&self.target) == 0 {
            return Err(CallError::BadOutput);
        }
        let output = ended(host::call(kind, self.gas, &self.target, &self.value, &self.input))?;
        Self::decode(&output).map_err(|DecodeError| CallError::BadOutput)
    }
}

impl<O: Output> MethodCall<View, O> {
    /// Makes the call; if it fails, this frame reverts with the callee's revert data.
    pub fn call(&self, cx: &Context) -> O::Value {
        self.try_call(cx).unwrap_or_else(|error| error.raise())
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn try_call(&self, _cx: &Context) -> CallResult<O::Value> {
        self.make(CallKind::Static)
    }
}

impl<O: Output> MethodCall<Write, O> {
    /// Makes the call; if it fails, this frame reverts with the callee's revert data.
    pub fn call(&self, cx: &mut Context) -> O::Value {
        self.try_call(cx).unwrap_or_else(|error| error.raise())
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn try_call(&self, _cx: &mut Context) -> CallResult<O::Value> {
        self.make(CallKind::Call)
    }
}

impl<O: Output> MethodCall<Payable, O> {
    /// Sends this much value along, in wei.
    pub fn value(mut self, value: impl Into<U256>) -> Self {
        self.value = value.into();
        self
    }

    /// Makes the call; if it fails, this frame reverts with the callee's revert data.
    pub fn call(&self, cx: &mut Context) -> O::Value {
        self.try_call(cx).unwrap_or_else(|error| error.raise())
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn try_call(&self, _cx: &mut Context) -> CallResult<O::Value> {
        self.make(CallKind::Call)
    }
}

/// A contract's constructor with its encoded arguments. A handle's `constructor` returns it.
#[derive(Clone, Debug)]
#[must_use = "nothing is deployed before the arguments are sent with the contract's code"]
pub struct Deployment<C> {
    arguments: Vec<u8>,
    contract: PhantomData<C>,
}

impl<C: crate::Contract> Deployment<C> {
    /// For handles.
    #[doc(hidden)]
    pub const fn new(arguments: Vec<u8>) -> Self {
        Self { arguments, contract: PhantomData }
    }

    /// The encoded arguments, which follow the envelope in a deploy payload.
    #[must_use]
    pub fn arguments(&self) -> &[u8] {
        &self.arguments
    }

    /// The deploy payload for this envelope.
    #[must_use]
    pub fn payload(&self, envelope: &[u8]) -> Vec<u8> {
        let mut payload = envelope.to_vec();
        payload.extend_from_slice(&self.arguments);
        payload
    }

    /// Creates the contract from its envelope, endowed with `value` wei.
    ///
    /// # Errors
    /// [`CallError`] if the constructor reverts or halts.
    pub fn create(&self, cx: &mut Context, envelope: &[u8], value: U256) -> CallResult<C::Handle> {
        cx.create(value, &self.payload(envelope)).map(C::Handle::from)
    }
}
