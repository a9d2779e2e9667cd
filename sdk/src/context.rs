//! What surrounds a call.

use alloc::vec::Vec;

use crate::{
    Address, Authority, B256, Event, U256,
    call::{CallResult, ended},
    host::{self, CallKind},
    storage::Slot,
};

/// The call, its transaction, its block, and the other accounts.
///
/// A method that needs it takes `cx: &Context`, or `cx: &mut Context` to emit events and to call others in a way that may
/// change state, which only methods with `&mut self` may do. The dispatcher passes it; it is no ABI parameter.
pub struct Context {
    _private: (),
}

impl Context {
    /// For the dispatcher.
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub const fn new(_: &Authority) -> Self {
        Self { _private: () }
    }

    /// Who called: Solidity's `msg.sender`.
    #[must_use]
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn sender(&self) -> Address {
        host::caller()
    }

    /// The value sent with the call, in wei: `msg.value`.
    #[must_use]
    pub fn value(&self) -> U256 {
        U256::from_be_bytes(host::call_value())
    }

    /// The call's input with its selector: `msg.data`.
    #[must_use]
    pub fn input(&self) -> Vec<u8> {
        host::input()
    }

    /// Who sent the transaction: `tx.origin`.
    #[must_use]
    pub fn origin(&self) -> Address {
        host::origin()
    }

    /// The transaction's effective gas price, in wei: `tx.gasprice`.
    #[must_use]
    pub fn gas_price(&self) -> U256 {
        host::gas_price()
    }

    /// The contract's own address: `address(this)`.
    #[must_use]
    pub fn address(&self) -> Address {
        host::address()
    }

    /// An account's balance, in wei.
    #[must_use]
    pub fn balance(&self, account: Address) -> U256 {
        host::balance(&account)
    }

    /// The hash of an account's code (EIP-1052): zero for an account that does not exist.
    #[must_use]
    pub fn code_hash(&self, account: Address) -> B256 {
        host::code_hash(&account).into()
    }

    /// The size of an account's code, in bytes: zero for one that is no contract.
    #[must_use]
    pub fn code_size(&self, account: Address) -> u32 {
        host::code_size(&account)
    }

    /// The block's number.
    #[must_use]
    pub fn block_number(&self) -> u64 {
        host::block_number()
    }

    /// The block's timestamp, in seconds since the Unix epoch.
    #[must_use]
    pub fn timestamp(&self) -> u64 {
        host::block_timestamp()
    }

    /// The hash of one of the 256 blocks before this one, else zero.
    #[must_use]
    pub fn block_hash(&self, number: u64) -> B256 {
        host::block_hash(number).into()
    }

    /// The block's gas limit.
    #[must_use]
    pub fn block_gas_limit(&self) -> u64 {
        host::block_gas_limit()
    }

    /// The block's base fee, in wei.
    #[must_use]
    pub fn base_fee(&self) -> U256 {
        host::base_fee()
    }

    /// Who receives the block's tips.
    #[must_use]
    pub fn coinbase(&self) -> Address {
        host::coinbase()
    }

    /// The block's `mixHash`. Anybody can predict it: it is no source of randomness.
    #[must_use]
    pub fn prevrandao(&self) -> B256 {
        host::prevrandao().into()
    }

    /// The chain's id.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        host::chain_id()
    }

    /// Gas left, rounded down.
    #[must_use]
    pub fn gas_left(&self) -> u64 {
        host::gas_left()
    }

    /// Whether this address already has a frame below this one that is not a delegate frame.
    #[must_use]
    pub fn is_reentrant(&self) -> bool {
        host::is_reentrant()
    }

    /// Emits an event.
    #[inline]
    pub fn emit<E: Event>(&mut self, event: E) {
        #[cfg(not(target_arch = "wasm32"))]
        crate::native::tell(|host| host.emits(E::ITEM));
        event.emit(&Authority::new());
    }

    /// Emits a log with any topics and data.
    ///
    /// # Panics
    /// Halts the frame if there are more than 4 topics.
    pub fn emit_raw(&mut self, topics: &[B256], data: &[u8]) {
        let topics: Vec<[u8; 32]> = topics.iter().map(|topic| topic.0).collect();
        host::log(&topics, data);
    }

    /// Calls an account with `input`, sending `value` wei and at most `gas` gas (`u64::MAX`: all that may be given).
    ///
    /// Prefer a typed handle. An account without code takes any input and returns nothing.
    ///
    /// # Errors
    /// [`crate::CallError`] if the callee reverts or halts.
    pub fn call(&mut self, target: Address, value: U256, gas: u64, input: &[u8]) -> CallResult<Vec<u8>> {
        ended(host::call(CallKind::Call, gas, &target, &value, input))
    }

    /// Calls an account in such a way that nothing may change state.
    ///
    /// # Errors
    /// [`crate::CallError`] if the callee reverts or halts.
    pub fn static_call(&self, target: Address, gas: u64, input: &[u8]) -> CallResult<Vec<u8>> {
        ended(host::call(CallKind::Static, gas, &target, &U256::ZERO, input))
    }

    /// Runs an account's code on this contract's storage, with this call's sender and value.
    ///
    /// # Errors
    /// [`crate::CallError`] if the code reverts or halts.
    pub fn delegate_call(&mut self, target: Address, gas: u64, input: &[u8]) -> CallResult<Vec<u8>> {
        ended(host::call(CallKind::Delegate, gas, &target, &U256::ZERO, input))
    }

    /// Sends `value` wei, with all the gas that may be given.
    ///
    /// # Errors
    /// [`crate::CallError`] if the receiver refuses it or the balance is too small.
    pub fn send(&mut self, target: Address, value: U256) -> CallResult<()> {
        self.call(target, value, u64::MAX, &[]).map(drop)
    }

    /// Creates a contract from a deploy payload (envelope and constructor arguments) and endows it with `value` wei.
    ///
    /// # Errors
    /// [`crate::CallError`] if the constructor reverts or halts, or the payload is not acceptable.
    pub fn create(&mut self, value: U256, payload: &[u8]) -> CallResult<Address> {
        let (end, address, data) = host::create(&value, payload, None);
        ended((end, data)).map(|_| address)
    }

    /// Like [`Context::create`], at the address that EIP-1014 gives for `salt`.
    ///
    /// # Errors
    /// [`crate::CallError`], also if the address is taken.
    pub fn create2(&mut self, value: U256, payload: &[u8], salt: B256) -> CallResult<Address> {
        let (end, address, data) = host::create(&value, payload, Some(&salt.0));
        ended((end, data)).map(|_| address)
    }

    /// Reads any storage slot of this contract.
    #[must_use]
    pub fn storage_load(&self, slot: B256) -> B256 {
        Slot(slot.0).load().into()
    }

    /// Writes any storage slot of this contract.
    pub fn storage_store(&mut self, slot: B256, value: B256) {
        Slot(slot.0).store(&value.0);
    }

    /// Reads any transient slot of this contract (EIP-1153).
    #[must_use]
    pub fn transient_load(&self, slot: B256) -> B256 {
        host::transient_load(&slot.0).into()
    }

    /// Writes any transient slot of this contract (EIP-1153).
    pub fn transient_store(&mut self, slot: B256, value: B256) {
        host::transient_store(&slot.0, &value.0);
    }
}
