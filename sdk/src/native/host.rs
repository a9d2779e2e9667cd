//! What a contract that runs natively asks of its host.

use primitive_types::{H160, H256, U256};

use super::{CallKind, Curve, NativeContract};
use crate::abi::{ErrorSet, EventItem};

/// The host cannot go on with this frame: out of gas, a state change in a static call, a failing store. The host keeps
/// the reason; the contract's code is unwound and [`super::Outcome::Interrupted`] comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// One call frame, as its guest sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The account whose storage and balance the frame works on.
    pub address: H160,
    /// Who called.
    pub caller: H160,
    /// Value sent, in wei.
    pub value: U256,
    /// The call's input, or the constructor's encoded arguments.
    pub input: Vec<u8>,
    /// Whether the address already has a frame below this one that is not a delegate frame.
    pub is_reentrant: bool,
}

/// What stays the same through a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionContext {
    /// The transaction's sender.
    pub origin: H160,
    /// Effective gas price, in wei.
    pub gas_price: U256,
}

/// What stays the same through a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockContext {
    /// Height.
    pub number: u64,
    /// Seconds since the Unix epoch.
    pub timestamp: u64,
    /// Gas limit of the block.
    pub gas_limit: u64,
    /// Base fee, in wei.
    pub base_fee: U256,
    /// Who receives the tips.
    pub coinbase: H160,
    /// The header's `mixHash`.
    pub prevrandao: H256,
    /// The chain's id.
    pub chain_id: u64,
}

/// A call that a contract makes.
#[derive(Clone, Debug)]
pub struct CallRequest<'a> {
    /// Call, static or delegate.
    pub kind: CallKind,
    /// Gas asked for, `u64::MAX` for all there is.
    pub gas: u64,
    /// Whose code is called.
    pub target: H160,
    /// Value to transfer, in wei; zero unless `kind` is [`CallKind::Call`].
    pub value: U256,
    /// Input bytes.
    pub input: &'a [u8],
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallResult {
    /// The callee returned these bytes.
    Success(Vec<u8>),
    /// The callee reverted with these bytes.
    Revert(Vec<u8>),
    /// The callee halted, or the call could not be made.
    Halt,
}

/// A creation that a contract asks for.
#[derive(Clone, Debug)]
pub struct CreateRequest<'a> {
    /// Endowment, in wei.
    pub value: U256,
    /// Deploy payload: envelope, then the constructor's encoded arguments.
    pub payload: &'a [u8],
    /// The salt of CREATE2; `None` for CREATE.
    pub salt: Option<H256>,
}

/// How a creation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateResult {
    /// The new contract's address.
    Success(H160),
    /// The constructor reverted with these bytes.
    Revert(Vec<u8>),
    /// The constructor halted, or the creation could not be made.
    Halt,
}

/// A cryptographic host function with its arguments. keccak256 and 256-bit arithmetic never reach a native host.
#[derive(Clone, Copy, Debug)]
pub enum CryptoRequest<'a> {
    /// SHA-256. Answer: 32 bytes.
    Sha256(&'a [u8]),
    /// RIPEMD-160. Answer: 20 bytes.
    Ripemd160(&'a [u8]),
    /// The signer of a hash. Answer: the 20-byte address, or `None`.
    Ecrecover {
        /// What was signed.
        hash: &'a [u8; 32],
        /// r ‖ s.
        signature: &'a [u8; 64],
        /// 0 or 1.
        recovery_id: u32,
    },
    /// Ed25519 by ZIP-215's rules. Answer: no bytes if valid, else `None`.
    Ed25519Verify {
        /// The public key.
        public_key: &'a [u8; 32],
        /// The signature.
        signature: &'a [u8; 64],
        /// What was signed.
        message: &'a [u8],
    },
    /// P-256 (RIP-7212). Answer: no bytes if valid, else `None`.
    P256Verify {
        /// What was signed.
        hash: &'a [u8; 32],
        /// r ‖ s.
        signature: &'a [u8; 64],
        /// x ‖ y.
        public_key: &'a [u8; 64],
    },
    /// One of the `bn254_…` and `bls12_381_…` functions, whose input length is right. Answer: the output's bytes; for a
    /// pairing one byte, 1 or 0; `None` for an invalid input.
    Curve {
        /// Which function.
        operation: Curve,
        /// Its input.
        input: &'a [u8],
    },
}

/// The world around a natively run frame: the host functions of `esker-abi`, family by family, in safe Rust types.
///
/// An [`Interrupted`] ends the frame at once. A host that meters gas charges whatever it likes: gas of a native run is not
/// that of the wasm.
pub trait Host {
    /// The frame being run.
    fn frame(&mut self) -> Frame;
    /// The transaction being executed.
    fn transaction(&mut self) -> TransactionContext;
    /// The block being executed.
    fn block(&mut self) -> BlockContext;
    /// Gas left, rounded down.
    fn gas_left(&mut self) -> u64;
    /// Hash of block `number`: zero unless it is one of the 256 before the current one.
    ///
    /// # Errors
    /// [`Interrupted`].
    fn block_hash(&mut self, number: u64) -> Result<H256, Interrupted>;
    /// Reads a storage slot of the frame's account.
    ///
    /// # Errors
    /// [`Interrupted`].
    fn storage_load(&mut self, key: H256) -> Result<H256, Interrupted>;
    /// Writes a storage slot of the frame's account.
    ///
    /// # Errors
    /// [`Interrupted`], in a static frame always.
    fn storage_store(&mut self, key: H256, value: H256) -> Result<(), Interrupted>;
    /// Reads a transient slot of the frame's account.
    ///
    /// # Errors
    /// [`Interrupted`].
    fn transient_load(&mut self, key: H256) -> Result<H256, Interrupted>;
    /// Writes a transient slot of the frame's account.
    ///
    /// # Errors
    /// [`Interrupted`], in a static frame always.
    fn transient_store(&mut self, key: H256, value: H256) -> Result<(), Interrupted>;
    /// Balance of any account, in wei.
    ///
    /// # Errors
    /// [`Interrupted`].
    fn balance(&mut self, account: H160) -> Result<U256, Interrupted>;
    /// Code hash of any account (EIP-1052).
    ///
    /// # Errors
    /// [`Interrupted`].
    fn code_hash(&mut self, account: H160) -> Result<H256, Interrupted>;
    /// Size of any account's code, in bytes.
    ///
    /// # Errors
    /// [`Interrupted`].
    fn code_size(&mut self, account: H160) -> Result<u32, Interrupted>;
    /// Emits a log of at most 4 topics.
    ///
    /// # Errors
    /// [`Interrupted`], in a static frame always.
    fn log(&mut self, topics: &[H256], data: &[u8]) -> Result<(), Interrupted>;
    /// Makes a call. The host may run other contracts natively in turn: installed hosts nest.
    ///
    /// # Errors
    /// [`Interrupted`], for a call with value in a static frame always.
    fn call(&mut self, request: CallRequest<'_>) -> Result<CallResult, Interrupted>;
    /// Creates a contract.
    ///
    /// # Errors
    /// [`Interrupted`], in a static frame always.
    fn create(&mut self, request: CreateRequest<'_>) -> Result<CreateResult, Interrupted>;
    /// The log that comes next is this event. A tool may hold it to the contract's ABI; raw logs are not announced.
    fn emits(&mut self, event: &'static EventItem) {
        let _ = event;
    }
    /// The frame is about to revert with `data`, which one of these errors encoded to. A tool may hold it to the contract's
    /// ABI; raw revert data, and panics, are not announced.
    fn raises(&mut self, errors: &'static ErrorSet, data: &[u8]) {
        let _ = (errors, data);
    }
    /// The deploy envelope by which this host knows a contract, for a frame that creates it: whatever is created from it is
    /// that contract. `None`: the host creates none.
    fn code_of(&mut self, contract: &NativeContract) -> Option<Vec<u8>> {
        let _ = contract;
        None
    }
    /// Computes a cryptographic function. `None` is the function's own "invalid".
    ///
    /// # Errors
    /// [`Interrupted`].
    fn crypto(&mut self, request: CryptoRequest<'_>) -> Result<Option<Vec<u8>>, Interrupted>;
}
