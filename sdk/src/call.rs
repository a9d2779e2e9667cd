//! Calls of other contracts, typed.

use alloc::vec::Vec;
use core::marker::PhantomData;

use crate::{
    Address, B256, Context, ContractError, Operand, U256,
    abi::{DecodeError, Decoder, ErrorSet, One, Output},
    contract::empty_revert,
    error::revert_bytes,
    host::{self, CallKind, Ended},
};

/// Why a call did not succeed. Whatever it is, the call has changed nothing and no value has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The callee reverted with this data.
    Revert(Vec<u8>),
    /// The callee halted (out of gas, a trap), or the call could not be made (depth, balance, address taken).
    Halt,
    /// The callee has no code, so it was not called.
    NoCode,
    /// What a view returned is no encoding of the expected types. Where the call may have changed something, such an answer
    /// reverts this frame instead, as it does in Solidity outside of what `try` catches.
    BadOutput,
}

/// What a call gives. `?` in a method that returns one of the contract's own errors reverts with the callee's revert data,
/// unless that error has a variant `#[from] Name(CallError)`.
pub type CallResult<T> = Result<T, CallError>;

impl CallError {
    /// The callee's custom error, if it reverted with one of `E`.
    #[must_use]
    pub fn decode<E: ContractError>(&self) -> Option<E> {
        match self {
            Self::Revert(data) => E::decode(data),
            Self::Halt | Self::NoCode | Self::BadOutput => None,
        }
    }

    /// Reverts with the callee's revert data, or without data if it has none.
    pub fn raise(&self) -> ! {
        match self {
            Self::Revert(data) => revert_bytes(data),
            Self::Halt | Self::NoCode | Self::BadOutput => empty_revert(),
        }
    }
}

/// A method may return [`CallResult`]: it then reverts with the callee's revert data, or without data if the callee gave
/// none. Whose errors these are nobody knows, so the ABI lists none of them.
impl ContractError for CallError {
    const ERRORS: &'static ErrorSet = &ErrorSet { items: &[], wrapped: &[] };
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Revert(data) => data.clone(),
            Self::Halt | Self::NoCode | Self::BadOutput => Vec::new(),
        }
    }
    fn decode(data: &[u8]) -> Option<Self> {
        Some(Self::Revert(data.to_vec()))
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
    call: EncodedCall,
    types: PhantomData<(M, O)>,
}

/// A call without its types: what can be done with it is done in one place for all of a contract's calls.
#[derive(Clone, Debug)]
struct EncodedCall {
    target: Address,
    value: U256,
    gas: u64,
    input: Vec<u8>,
}

impl EncodedCall {
    /// Makes the call. `asks`: whether to look first if there is code, as Solidity does; an account without code accepts
    /// anything.
    fn make(&self, kind: CallKind, asks: bool) -> CallResult<Vec<u8>> {
        if asks && host::code_size(&self.target) == 0 {
            return Err(CallError::NoCode);
        }
        let value = if matches!(kind, CallKind::Delegate) { &U256::ZERO } else { &self.value };
        ended(host::call(kind, self.gas, &self.target, value, &self.input))
    }

    /// [`EncodedCall::make`] for those who go down with the callee.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn output(&self, kind: CallKind, asks: bool) -> Vec<u8> {
        self.make(kind, asks).unwrap_or_else(|error| error.raise())
    }

    fn answer(&self) -> CallResult<bool> {
        let output = self.make(CallKind::Call, false)?;
        match output.first_chunk::<32>() {
            None if output.is_empty() && host::code_size(&self.target) == 0 => Err(CallError::NoCode),
            None => Ok(output.is_empty()),
            Some(answer) => Ok(U256::from_be_bytes(*answer) == 1),
        }
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn require_answer(&self) {
        match self.answer() {
            Ok(true) => {}
            Ok(false) | Err(CallError::NoCode) => SafeERC20FailedOperation { token: self.target }.revert(),
            Err(error) => error.raise(),
        }
    }
}

impl<M, O: Output> MethodCall<M, O> {
    /// For handles.
    #[doc(hidden)]
    pub const fn new(target: Address, input: Vec<u8>) -> Self {
        Self { call: EncodedCall { target, value: U256::ZERO, gas: u64::MAX, input }, types: PhantomData }
    }

    /// Gives at most this much gas. Without it the callee gets all but one 64th.
    pub const fn gas(mut self, gas: u64) -> Self {
        self.call.gas = gas;
        self
    }

    /// The most gas that it gives, `u64::MAX` if all there may be.
    #[must_use]
    pub const fn asked_gas(&self) -> u64 {
        self.call.gas
    }

    /// Whom it calls.
    #[must_use]
    pub const fn target(&self) -> Address {
        self.call.target
    }

    /// Selector and encoded arguments.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        &self.call.input
    }

    /// The value it sends, in wei.
    #[must_use]
    pub const fn sent_value(&self) -> U256 {
        self.call.value
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

    /// The call for those who go down with the callee. They need not look for code where the result shows it.
    fn make(&self, kind: CallKind) -> O::Value {
        let output = self.call.output(kind, O::SHAPES.is_empty());
        let mut decoder = Decoder::new(&output);
        let value = O::decode(&mut decoder);
        decoder.revert_on_fault();
        value
    }

    /// The call for those who go on if it fails: then nothing may have happened.
    fn try_make(&self, kind: CallKind) -> CallResult<O::Value> {
        let output = self.call.make(kind, true)?;
        let mut decoder = Decoder::new(&output);
        let value = O::decode(&mut decoder);
        if !matches!(kind, CallKind::Static) {
            decoder.revert_on_fault();
        }
        decoder.finish(value).map_err(|DecodeError| CallError::BadOutput)
    }

    /// Runs the target's method on this contract's storage, with this call's sender and value; if it fails, this frame
    /// reverts with its revert data. A value given with `value` is not sent: nothing is paid to oneself.
    ///
    /// The target can do anything to this contract: it must be one that the contract's author chose.
    pub fn delegate_call(&self, _cx: &mut Context) -> O::Value {
        self.make(CallKind::Delegate)
    }

    /// Like [`MethodCall::delegate_call`].
    ///
    /// # Errors
    /// [`CallError`].
    pub fn try_delegate_call(&self, _cx: &mut Context) -> CallResult<O::Value> {
        self.try_make(CallKind::Delegate)
    }
}

impl<O: Output> MethodCall<View, O> {
    /// Makes the call; if it fails, this frame reverts with the callee's revert data.
    pub fn call(&self, _cx: &Context) -> O::Value {
        self.make(CallKind::Static)
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn try_call(&self, _cx: &Context) -> CallResult<O::Value> {
        self.try_make(CallKind::Static)
    }
}

impl<O: Output> MethodCall<Write, O> {
    /// Makes the call; if it fails, this frame reverts with the callee's revert data.
    pub fn call(&self, _cx: &mut Context) -> O::Value {
        self.make(CallKind::Call)
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn try_call(&self, _cx: &mut Context) -> CallResult<O::Value> {
        self.try_make(CallKind::Call)
    }
}

/// A token's operation did not succeed, or its address has no code: the error of OpenZeppelin's `SafeERC20`.
#[crate::error]
pub struct SafeERC20FailedOperation {
    /// The token.
    pub token: Address,
}

/// Tokens made before ERC-20 was settled return nothing from `transfer`, `transfer_from` and `approve`.
impl MethodCall<Write, One<bool>> {
    /// Makes the call and takes no answer for yes, as OpenZeppelin's `SafeERC20` does. If the call fails, this frame reverts
    /// with the callee's revert data; if it answers anything but true, or has no code, with [`SafeERC20FailedOperation`].
    pub fn call_optional(&self, _cx: &mut Context) {
        self.call.require_answer();
    }

    /// Makes the call and takes no answer for yes.
    ///
    /// # Errors
    /// [`CallError`]; `NoCode` if the callee has none.
    pub fn try_call_optional(&self, _cx: &mut Context) -> CallResult<bool> {
        self.call.answer()
    }
}

impl<O: Output> MethodCall<Payable, O> {
    /// Sends this much value along, in wei.
    pub fn value(mut self, value: impl Operand<U256>) -> Self {
        self.call.value = value.operand();
        self
    }

    /// Makes the call; if it fails, this frame reverts with the callee's revert data.
    pub fn call(&self, _cx: &mut Context) -> O::Value {
        self.make(CallKind::Call)
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn try_call(&self, _cx: &mut Context) -> CallResult<O::Value> {
        self.try_make(CallKind::Call)
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

    /// Creates the contract at the address that [`Deployment::create2_address`] foretells, endowed with `value` wei.
    ///
    /// # Errors
    /// [`CallError`] if the constructor reverts or halts, or the address is taken.
    pub fn create2(&self, cx: &mut Context, envelope: &[u8], value: U256, salt: B256) -> CallResult<C::Handle> {
        cx.create2(value, &self.payload(envelope), salt).map(C::Handle::from)
    }

    /// Where `creator` creates the contract from this envelope with `salt`: EIP-1014, with the deploy payload as the
    /// initialisation code.
    #[must_use]
    pub fn create2_address(&self, creator: Address, envelope: &[u8], salt: B256) -> Address {
        let mut data = [0xff; 85];
        for (target, source) in data
            .iter_mut()
            .skip(1)
            .zip(creator.0.iter().chain(&salt.0).chain(&host::keccak256(&self.payload(envelope))))
        {
            *target = *source;
        }
        host::keccak256(&data).split_last_chunk::<20>().map_or(Address::ZERO, |(_, low)| Address(*low))
    }
}
