//! The same functions over the natively installed host.

use primitive_types::{H160, H256, U256 as Word, U512};

use super::{CallKind, Curve, Ended};
use crate::{
    Address, U256,
    native::{
        self, BlockContext, CallRequest, CallResult, CreateRequest, CreateResult, CryptoRequest, Interrupted,
        TransactionContext, unwind, with_installed,
    },
};

/// Asks the installed host; if it cannot go on, the frame ends here.
fn ask<T>(question: impl FnOnce(&mut dyn native::Host) -> Result<T, Interrupted>) -> T {
    with_installed(question).unwrap_or_else(|Interrupted| unwind(native::Outcome::Interrupted))
}

fn block<T>(field: impl FnOnce(&BlockContext) -> T) -> T {
    ask(|host| Ok(field(&host.block())))
}

fn transaction<T>(field: impl FnOnce(&TransactionContext) -> T) -> T {
    ask(|host| Ok(field(&host.transaction())))
}

/// The call's input.
pub fn input() -> Vec<u8> {
    ask(|host| Ok(host.frame().input))
}

/// Ends the frame and undoes its effects.
pub fn revert(output: &[u8]) -> ! {
    unwind(native::Outcome::Revert(output.to_vec()))
}

/// Reads a storage slot.
pub fn storage_load(key: &[u8; 32]) -> [u8; 32] {
    ask(|host| host.storage_load(H256(*key))).0
}

/// Writes a storage slot.
pub fn storage_store(key: &[u8; 32], value: &[u8; 32]) {
    ask(|host| host.storage_store(H256(*key), H256(*value)));
}

/// Reads a transient slot.
pub fn transient_load(key: &[u8; 32]) -> [u8; 32] {
    ask(|host| host.transient_load(H256(*key))).0
}

/// Writes a transient slot.
pub fn transient_store(key: &[u8; 32], value: &[u8; 32]) {
    ask(|host| host.transient_store(H256(*key), H256(*value)));
}

/// Who called.
pub fn caller() -> Address {
    ask(|host| Ok(host.frame().caller)).into()
}

/// Whose storage this is.
pub fn address() -> Address {
    ask(|host| Ok(host.frame().address)).into()
}

/// The value sent, in wei, 32 bytes big-endian.
pub fn call_value() -> [u8; 32] {
    ask(|host| Ok(host.frame().value)).to_big_endian()
}

/// Whether this address already has a frame below this one that is not a delegate frame.
pub fn is_reentrant() -> bool {
    ask(|host| Ok(host.frame().is_reentrant))
}

/// Who sent the transaction.
pub fn origin() -> Address {
    transaction(|context| context.origin).into()
}

/// The transaction's effective gas price, in wei.
pub fn gas_price() -> U256 {
    transaction(|context| context.gas_price).into()
}

/// Who receives the block's tips.
pub fn coinbase() -> Address {
    block(|context| context.coinbase).into()
}

/// The block's base fee, in wei.
pub fn base_fee() -> U256 {
    block(|context| context.base_fee).into()
}

/// The block's number.
pub fn block_number() -> u64 {
    block(|context| context.number)
}

/// The block's timestamp, in seconds.
pub fn block_timestamp() -> u64 {
    block(|context| context.timestamp)
}

/// The block's gas limit.
pub fn block_gas_limit() -> u64 {
    block(|context| context.gas_limit)
}

/// The chain's id.
pub fn chain_id() -> u64 {
    block(|context| context.chain_id)
}

/// The block's `mixHash`.
pub fn prevrandao() -> [u8; 32] {
    block(|context| context.prevrandao).0
}

/// Gas left, rounded down.
pub fn gas_left() -> u64 {
    ask(|host| Ok(host.gas_left()))
}

/// Balance of an account, in wei.
pub fn balance(account: &Address) -> U256 {
    ask(|host| host.balance(H160(account.0))).into()
}

/// Code hash of an account (EIP-1052).
pub fn code_hash(account: &Address) -> [u8; 32] {
    ask(|host| host.code_hash(H160(account.0))).0
}

/// Code size of an account, in bytes.
pub fn code_size(account: &Address) -> u32 {
    ask(|host| host.code_size(H160(account.0)))
}

/// Hash of one of the 256 blocks before this one, else zero.
pub fn block_hash(number: u64) -> [u8; 32] {
    ask(|host| host.block_hash(number)).0
}

/// Makes a call with at most `gas`; `value` counts for [`CallKind::Call`] only.
pub fn call(kind: CallKind, gas: u64, target: &Address, value: &U256, input: &[u8]) -> (Ended, Vec<u8>) {
    let value = if kind == CallKind::Call { (*value).into() } else { Word::zero() };
    match ask(|host| host.call(CallRequest { kind, gas, target: (*target).into(), value, input })) {
        CallResult::Success(output) => (Ended::Returned, output),
        CallResult::Revert(output) => (Ended::Reverted, output),
        CallResult::Halt => (Ended::Halted, Vec::new()),
    }
}

/// Creates a contract: with a salt like CREATE2, else like CREATE.
pub fn create(value: &U256, code: &[u8], salt: Option<&[u8; 32]>) -> (Ended, Address, Vec<u8>) {
    let request = CreateRequest { value: (*value).into(), payload: code, salt: salt.map(|salt| H256(*salt)) };
    match ask(|host| host.create(request)) {
        CreateResult::Success(address) => (Ended::Returned, address.into(), Vec::new()),
        CreateResult::Revert(output) => (Ended::Reverted, Address::ZERO, output),
        CreateResult::Halt => (Ended::Halted, Address::ZERO, Vec::new()),
    }
}

/// The deploy envelope by which the host knows a contract.
pub fn code_of(contract: &native::NativeContract) -> Vec<u8> {
    let code = with_installed(|host| host.code_of(contract));
    code.unwrap_or_else(|| panic!("this host cannot create {}", contract.declared.name))
}

/// Emits a log.
pub fn log(topics: &[[u8; 32]], data: &[u8]) {
    let topics: Vec<H256> = topics.iter().map(|topic| H256(*topic)).collect();
    ask(|host| host.log(&topics, data));
}

/// keccak256.
pub fn keccak256(data: &[u8]) -> [u8; 32] {
    crate::abi::keccak256(data)
}

fn crypto<const N: usize>(request: CryptoRequest<'_>) -> Option<[u8; N]> {
    let answer = ask(|host| host.crypto(request));
    answer.map(|bytes| bytes.try_into().expect("a native host answers with as many bytes as its documentation says"))
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    crypto(CryptoRequest::Sha256(data)).expect("every byte string has a hash")
}

/// RIPEMD-160.
pub fn ripemd160(data: &[u8]) -> [u8; 20] {
    crypto(CryptoRequest::Ripemd160(data)).expect("every byte string has a hash")
}

/// The signer of `hash`.
pub fn ecrecover(hash: &[u8; 32], signature: &[u8; 64], recovery_id: u32) -> Option<Address> {
    crypto(CryptoRequest::Ecrecover { hash, signature, recovery_id }).map(Address)
}

/// Whether an Ed25519 signature is valid.
pub fn ed25519_verify(public_key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> bool {
    crypto::<0>(CryptoRequest::Ed25519Verify { public_key, signature, message }).is_some()
}

/// Whether a P-256 signature is valid.
pub fn p256_verify(hash: &[u8; 32], signature: &[u8; 64], public_key: &[u8; 64]) -> bool {
    crypto::<0>(CryptoRequest::P256Verify { hash, signature, public_key }).is_some()
}

/// A curve operation on `input`, whose length the caller has checked; fills `output` and says whether it was valid.
/// A pairing has no output and returns a `PairingStatus`.
pub fn curve(operation: Curve, input: &[u8], output: &mut [u8]) -> u32 {
    let answer = ask(|host| host.crypto(CryptoRequest::Curve { operation, input }));
    match (operation, answer) {
        (Curve::bn254_pairing | Curve::bls12_381_pairing, answer) => match answer.as_deref() {
            Some([1]) => 1,
            Some(_) => 0,
            None => 2,
        },
        (_, Some(bytes)) => {
            output.copy_from_slice(&bytes);
            1
        }
        (_, None) => 0,
    }
}

/// ⌊a / b⌋ and a mod b; both zero when b is zero.
pub fn u256_div_rem(a: U256, b: U256) -> (U256, U256) {
    if b.is_zero() {
        return (U256::ZERO, U256::ZERO);
    }
    let (quotient, remainder) = a.0.div_mod(b.0);
    (U256(quotient), U256(remainder))
}

fn modulo(number: U512, modulus: U256) -> U256 {
    if modulus.is_zero() {
        return U256::ZERO;
    }
    let reduced = number % U512::from(modulus.0);
    U256(Word::try_from(reduced).expect("a remainder is smaller than its modulus"))
}

/// a + b mod m.
pub fn u256_add_mod(a: U256, b: U256, modulus: U256) -> U256 {
    modulo(U512::from(a.0) + U512::from(b.0), modulus)
}

/// a × b mod m.
pub fn u256_mul_mod(a: U256, b: U256, modulus: U256) -> U256 {
    modulo(a.0.full_mul(b.0), modulus)
}

/// base ^ exponent mod 2^256.
pub fn u256_exp(base: U256, exponent: U256) -> U256 {
    U256(base.0.overflowing_pow(exponent.0).0)
}
