//! What the machine asks of whoever runs it: state, block data, calls of other contracts.

use primitive_types::{H160, H256, U256};

use crate::{Fatal, Halt, Meter, OutOfFuel};

/// Why a host operation did not complete. Any of these ends the frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The frame halts.
    #[error(transparent)]
    Halt(#[from] Halt),
    /// The node is at fault.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

impl From<OutOfFuel> for HostError {
    fn from(_: OutOfFuel) -> Self {
        Self::Halt(Halt::OutOfGas)
    }
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
    /// Seconds since the Unix epoch, as the header says.
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

/// One call frame, as its guest sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The account whose storage and balance the frame works on.
    pub address: H160,
    /// Who called; in a delegate frame, the caller of the frame above.
    pub caller: H160,
    /// Value as the guest sees it, in wei.
    pub value: U256,
    /// The call's input; for a constructor, its ABI-encoded arguments.
    pub input: Vec<u8>,
    /// Whether state changes halt the frame.
    pub is_static: bool,
    /// Whether [`Frame::address`] already has a frame below this one that is not a delegate frame.
    pub is_reentrant: bool,
}

/// How a call relates to the frame that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// An ordinary message call.
    Call,
    /// A call in which nothing may change state.
    Static,
    /// The callee's code on the caller's address, caller and value.
    Delegate,
}

/// A call that a guest asks for.
#[derive(Clone, Debug)]
pub struct CallRequest<'a> {
    /// Call, static or delegate.
    pub kind: CallKind,
    /// Gas asked for; the host gives min(this, L − ⌊L/64⌋) of the L gas left.
    pub gas: u64,
    /// Whose code is called.
    pub target: H160,
    /// Value to transfer, in wei; zero unless `kind` is [`CallKind::Call`].
    pub value: U256,
    /// Input bytes.
    pub input: &'a [u8],
}

/// A creation that a guest asks for.
#[derive(Clone, Debug)]
pub struct CreateRequest<'a> {
    /// Endowment, in wei.
    pub value: U256,
    /// Envelope followed by the constructor's arguments.
    pub payload: &'a [u8],
    /// The salt of CREATE2; `None` for CREATE.
    pub salt: Option<H256>,
}

/// How a call that a guest asked for ended. `Fatal` travels as [`HostError::Fatal`] instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallResult {
    /// The callee returned these bytes.
    Success(Vec<u8>),
    /// The callee reverted with these bytes.
    Revert(Vec<u8>),
    /// The callee halted, or the call could not be made.
    Halt,
}

/// How a creation that a guest asked for ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateResult {
    /// The new contract's address.
    Success(H160),
    /// The constructor reverted with these bytes.
    Revert(Vec<u8>),
    /// The constructor halted, or the creation could not be made.
    Halt,
}

/// One log record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// 0 to 4 topics.
    pub topics: Vec<H256>,
    /// Data bytes.
    pub data: Vec<u8>,
}

/// The world around a frame.
///
/// The machine has already charged the base and per-byte costs of the table in `esker-abi` when it calls one of these
/// methods; what state access costs beyond that the host charges to `meter` itself, before any effect. Methods that
/// change state must refuse static frames with [`Halt::StaticViolation`]: the host knows the frame.
pub trait Host {
    /// The transaction being executed.
    fn transaction(&self) -> &TransactionContext;
    /// The block being executed.
    fn block(&self) -> &BlockContext;
    /// Hash of block `number`: zero unless it is one of the 256 before the current one.
    ///
    /// # Errors
    /// [`Fatal`] if the store fails.
    fn block_hash(&mut self, number: u64) -> Result<H256, HostError>;
    /// Reads a storage slot of the frame's account.
    ///
    /// # Errors
    /// [`Halt::OutOfGas`], or [`Fatal`] if the store fails.
    fn storage_load(&mut self, key: H256, meter: &mut Meter) -> Result<H256, HostError>;
    /// Writes a storage slot of the frame's account.
    ///
    /// # Errors
    /// [`Halt::OutOfGas`], [`Halt::StaticViolation`], or [`Fatal`] if the store fails.
    fn storage_store(&mut self, key: H256, value: H256, meter: &mut Meter) -> Result<(), HostError>;
    /// Reads a transient slot of the frame's account (EIP-1153).
    ///
    /// # Errors
    /// [`Halt::OutOfGas`].
    fn transient_load(&mut self, key: H256, meter: &mut Meter) -> Result<H256, HostError>;
    /// Writes a transient slot of the frame's account (EIP-1153).
    ///
    /// # Errors
    /// [`Halt::OutOfGas`], [`Halt::StaticViolation`].
    fn transient_store(&mut self, key: H256, value: H256, meter: &mut Meter) -> Result<(), HostError>;
    /// Balance of any account, in wei.
    ///
    /// # Errors
    /// [`Halt::OutOfGas`], or [`Fatal`] if the store fails.
    fn balance(&mut self, account: H160, meter: &mut Meter) -> Result<U256, HostError>;
    /// Code hash of any account (EIP-1052).
    ///
    /// # Errors
    /// [`Halt::OutOfGas`], or [`Fatal`] if the store fails.
    fn code_hash(&mut self, account: H160, meter: &mut Meter) -> Result<H256, HostError>;
    /// Size of any account's code, in bytes.
    ///
    /// # Errors
    /// [`Halt::OutOfGas`], or [`Fatal`] if the store fails.
    fn code_size(&mut self, account: H160, meter: &mut Meter) -> Result<u32, HostError>;
    /// Emits a log from the frame's account.
    ///
    /// # Errors
    /// [`Halt::OutOfGas`], [`Halt::StaticViolation`].
    fn log(&mut self, log: Log, meter: &mut Meter) -> Result<(), HostError>;
    /// Makes a call: charges `meter` for the access and for the gas handed over, runs the callee, gives back what it
    /// did not use.
    ///
    /// # Errors
    /// [`Halt::OutOfGas`] and [`Halt::StaticViolation`] of the calling frame, or [`Fatal`].
    fn call(&mut self, request: CallRequest<'_>, meter: &mut Meter) -> Result<CallResult, HostError>;
    /// Creates a contract, charging `meter` in the same way.
    ///
    /// # Errors
    /// [`Halt::OutOfGas`] and [`Halt::StaticViolation`] of the calling frame, or [`Fatal`].
    fn create(&mut self, request: CreateRequest<'_>, meter: &mut Meter) -> Result<CreateResult, HostError>;
}
