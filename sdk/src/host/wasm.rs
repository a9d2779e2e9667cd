//! The imports of `esker_v1`, declared from the one table in `esker-abi`, and safe functions around them.
#![allow(unsafe_code, reason = "a guest reaches its host through foreign imports only")]
#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "one argument holds for all: every pointer comes from a live reference or vector of the length that the host \
              is told, or of the fixed length that the table gives, and the host keeps none of them"
)]

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use super::{CallKind, Curve, Ended};
use crate::{Address, U256, buffer::Buffer};

mod import {
    macro_rules! parameter {
        (Ptr) => { *const u8 };
        (Mut) => { *mut u8 };
        (Offset) => { usize };
        (Len) => { usize };
        (I32) => { u32 };
        (I64) => { u64 };
    }

    macro_rules! declare {
        (@one $name:ident ($($param:ident: $kind:ident),*) ()) => {
            pub fn $name($($param: parameter!($kind)),*);
        };
        (@one $name:ident ($($param:ident: $kind:ident),*) !) => {
            pub fn $name($($param: parameter!($kind)),*) -> !;
        };
        (@one $name:ident ($($param:ident: $kind:ident),*) $result:ident) => {
            pub fn $name($($param: parameter!($kind)),*) -> parameter!($result);
        };
        ($($(#[doc = $doc:literal])+ [$base:expr, $byte:expr] fn $name:ident($($param:ident: $kind:ident),*) -> $result:tt;)+) => {
            #[link(wasm_import_module = "esker_v1")]
            #[allow(dead_code, reason = "the table is declared whole")]
            unsafe extern "C" {
                $(declare!(@one $name ($($param: $kind),*) $result);)+
            }
        };
    }

    esker_abi::host_functions!(declare);
}

/// What `fill` writes, all of it: the host does so wherever its table says.
#[inline(always)]
fn written<T>(fill: impl FnOnce(*mut u8)) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    fill(value.as_mut_ptr().cast());
    unsafe { value.assume_init() }
}

/// The call's input.
#[inline(never)]
pub fn input() -> Vec<u8> {
    let length = unsafe { import::input_size() } as usize;
    Buffer::filled(length, |destination| unsafe { import::input_copy(destination, 0, length) }).into_vec()
}

/// Ends the frame successfully.
pub fn finish(output: &[u8]) -> ! {
    unsafe { import::finish(output.as_ptr(), output.len()) }
}

/// Ends the frame and undoes its effects.
pub fn revert(output: &[u8]) -> ! {
    unsafe { import::revert(output.as_ptr(), output.len()) }
}

/// Reads a storage slot.
pub fn storage_load(key: &[u8; 32]) -> [u8; 32] {
    written(|value| unsafe { import::storage_load(key.as_ptr(), value) })
}

/// Writes a storage slot.
pub fn storage_store(key: &[u8; 32], value: &[u8; 32]) {
    unsafe { import::storage_store(key.as_ptr(), value.as_ptr()) }
}

/// Reads a transient slot.
pub fn transient_load(key: &[u8; 32]) -> [u8; 32] {
    written(|value| unsafe { import::transient_load(key.as_ptr(), value) })
}

/// Writes a transient slot.
pub fn transient_store(key: &[u8; 32], value: &[u8; 32]) {
    unsafe { import::transient_store(key.as_ptr(), value.as_ptr()) }
}

macro_rules! addresses {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        pub fn $name() -> Address {
            Address(written(|address| unsafe { import::$name(address) }))
        }
    )*};
}

addresses! {
    /// Who called.
    caller
    /// Who sent the transaction.
    origin
    /// Whose storage this is.
    address
    /// Who receives the block's tips.
    coinbase
}

/// The value sent, in wei, 32 bytes big-endian.
pub fn call_value() -> [u8; 32] {
    written(|value| unsafe { import::call_value(value) })
}

macro_rules! amounts {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        pub fn $name() -> U256 {
            U256::from_be_bytes(written(|amount| unsafe { import::$name(amount) }))
        }
    )*};
}

amounts! {
    /// The transaction's effective gas price, in wei.
    gas_price
    /// The block's base fee, in wei.
    base_fee
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        pub fn $name() -> u64 {
            unsafe { import::$name() }
        }
    )*};
}

numbers! {
    /// The block's number.
    block_number
    /// The block's timestamp, in seconds.
    block_timestamp
    /// The block's gas limit.
    block_gas_limit
    /// The chain's id.
    chain_id
    /// Gas left, rounded down.
    gas_left
}

/// Balance of an account, in wei.
pub fn balance(account: &Address) -> U256 {
    U256::from_be_bytes(written(|balance| unsafe { import::balance(account.0.as_ptr(), balance) }))
}

/// Code hash of an account (EIP-1052).
pub fn code_hash(account: &Address) -> [u8; 32] {
    written(|hash| unsafe { import::code_hash(account.0.as_ptr(), hash) })
}

/// Code size of an account, in bytes.
pub fn code_size(account: &Address) -> u32 {
    unsafe { import::code_size(account.0.as_ptr()) }
}

/// Hash of one of the 256 blocks before this one, else zero.
pub fn block_hash(number: u64) -> [u8; 32] {
    written(|hash| unsafe { import::block_hash(number, hash) })
}

/// The block's `mixHash`.
pub fn prevrandao() -> [u8; 32] {
    written(|hash| unsafe { import::prevrandao(hash) })
}

/// Whether this address already has a frame below this one that is not a delegate frame.
pub fn is_reentrant() -> bool {
    unsafe { import::is_reentrant() != 0 }
}

fn return_data() -> Vec<u8> {
    let length = unsafe { import::return_data_size() } as usize;
    Buffer::filled(length, |destination| unsafe { import::return_data_copy(destination, 0, length) }).into_vec()
}

fn ended(status: u32) -> Ended {
    match status {
        0 => Ended::Returned,
        1 => Ended::Reverted,
        _ => Ended::Halted,
    }
}

/// Makes a call with at most `gas`; `value` counts for [`CallKind::Call`] only.
pub fn call(kind: CallKind, gas: u64, target: &Address, value: &U256, input: &[u8]) -> (Ended, Vec<u8>) {
    let (target, data, length) = (target.0.as_ptr(), input.as_ptr(), input.len());
    let status = match kind {
        CallKind::Call => unsafe { import::call(gas, target, value.to_be_bytes().as_ptr(), data, length) },
        CallKind::Static => unsafe { import::static_call(gas, target, data, length) },
        CallKind::Delegate => unsafe { import::delegate_call(gas, target, data, length) },
    };
    (ended(status), return_data())
}

/// Creates a contract: with a salt like CREATE2, else like CREATE.
pub fn create(value: &U256, code: &[u8], salt: Option<&[u8; 32]>) -> (Ended, Address, Vec<u8>) {
    let value = value.to_be_bytes();
    let mut created = Address::ZERO;
    let (code, length, destination) = (code.as_ptr(), code.len(), created.0.as_mut_ptr());
    let status = match salt {
        Some(salt) => unsafe { import::create2(value.as_ptr(), code, length, salt.as_ptr(), destination) },
        None => unsafe { import::create(value.as_ptr(), code, length, destination) },
    };
    (ended(status), created, return_data())
}

/// Emits a log.
#[inline(never)]
pub fn log(topics: &[[u8; 32]], data: &[u8]) {
    unsafe { import::log(topics.as_ptr().cast(), topics.len() as u32, data.as_ptr(), data.len()) }
}

/// keccak256.
#[inline(never)]
pub fn keccak256(data: &[u8]) -> [u8; 32] {
    written(|hash| unsafe { import::keccak256(data.as_ptr(), data.len(), hash) })
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    written(|hash| unsafe { import::sha256(data.as_ptr(), data.len(), hash) })
}

/// RIPEMD-160.
pub fn ripemd160(data: &[u8]) -> [u8; 20] {
    written(|hash| unsafe { import::ripemd160(data.as_ptr(), data.len(), hash) })
}

/// The signer of `hash`.
pub fn ecrecover(hash: &[u8; 32], signature: &[u8; 64], recovery_id: u32) -> Option<Address> {
    let mut signer = Address::ZERO;
    let found = unsafe { import::ecrecover(hash.as_ptr(), signature.as_ptr(), recovery_id, signer.0.as_mut_ptr()) };
    (found != 0).then_some(signer)
}

/// Whether an Ed25519 signature is valid.
pub fn ed25519_verify(public_key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> bool {
    unsafe { import::ed25519_verify(public_key.as_ptr(), signature.as_ptr(), message.as_ptr(), message.len()) != 0 }
}

/// Whether a P-256 signature is valid.
pub fn p256_verify(hash: &[u8; 32], signature: &[u8; 64], public_key: &[u8; 64]) -> bool {
    unsafe { import::p256_verify(hash.as_ptr(), signature.as_ptr(), public_key.as_ptr()) != 0 }
}

/// A curve operation on `input`, whose length the caller has checked; fills `output` and says whether it was valid.
/// A pairing has no output and returns a `PairingStatus`.
pub fn curve(operation: Curve, input: &[u8], output: &mut [u8]) -> u32 {
    let (data, length, destination) = (input.as_ptr(), input.len(), output.as_mut_ptr());
    unsafe {
        match operation {
            Curve::bn254_add => import::bn254_add(data, destination),
            Curve::bn254_mul => import::bn254_mul(data, destination),
            Curve::bn254_pairing => import::bn254_pairing(data, length),
            Curve::bls12_381_g1_add => import::bls12_381_g1_add(data, destination),
            Curve::bls12_381_g1_msm => import::bls12_381_g1_msm(data, length, destination),
            Curve::bls12_381_g2_add => import::bls12_381_g2_add(data, destination),
            Curve::bls12_381_g2_msm => import::bls12_381_g2_msm(data, length, destination),
            Curve::bls12_381_pairing => import::bls12_381_pairing(data, length),
            Curve::bls12_381_map_fp_to_g1 => import::bls12_381_map_fp_to_g1(data, destination),
            Curve::bls12_381_map_fp2_to_g2 => import::bls12_381_map_fp2_to_g2(data, destination),
            _ => 0,
        }
    }
}

fn limbs(number: &mut U256) -> *mut u8 {
    // The host takes four u64 limbs as they lie in memory.
    number.0.0.as_mut_ptr().cast()
}

fn limbs_of(number: &U256) -> *const u8 {
    number.0.0.as_ptr().cast()
}

/// ⌊a / b⌋ and a mod b; both zero when b is zero.
pub fn u256_div_rem(a: U256, b: U256) -> (U256, U256) {
    let (mut quotient, mut remainder) = (U256::ZERO, U256::ZERO);
    unsafe { import::u256_div_rem(limbs_of(&a), limbs_of(&b), limbs(&mut quotient), limbs(&mut remainder)) };
    (quotient, remainder)
}

/// a + b mod m.
pub fn u256_add_mod(a: U256, b: U256, modulus: U256) -> U256 {
    let mut result = U256::ZERO;
    unsafe { import::u256_add_mod(limbs_of(&a), limbs_of(&b), limbs_of(&modulus), limbs(&mut result)) };
    result
}

/// a × b mod m.
pub fn u256_mul_mod(a: U256, b: U256, modulus: U256) -> U256 {
    let mut result = U256::ZERO;
    unsafe { import::u256_mul_mod(limbs_of(&a), limbs_of(&b), limbs_of(&modulus), limbs(&mut result)) };
    result
}

/// base ^ exponent mod 2^256.
pub fn u256_exp(base: U256, exponent: U256) -> U256 {
    let mut result = U256::ZERO;
    unsafe { import::u256_exp(limbs_of(&base), limbs_of(&exponent), limbs(&mut result)) };
    result
}
