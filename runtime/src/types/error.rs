//! Why a transaction is invalid. The texts are geth's, since clients match on them.

use alloy_primitives::{Address, U256};
use esker_vm::Fatal;
use esker_vm::envelope::EnvelopeError;

/// A transaction that no block can carry, now or ever: the sender's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// Not canonical RLP of a transaction.
    #[error("rlp: {}", rlp_words(.0))]
    Rlp(alloy_rlp::Error),
    /// Longer than a transaction may be.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Encoded size, in bytes.
        size: usize,
        /// Most allowed, in bytes.
        limit: usize,
    },
    /// A type other than legacy, 1 and 2.
    #[error("transaction type not supported")]
    TypeNotSupported(u8),
    /// A legacy transaction without a chain id.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    Unprotected,
    /// Signed for another chain.
    #[error("invalid sender: invalid chain id for signer: have {have} want {want}")]
    ChainId {
        /// What the transaction says.
        have: u64,
        /// This chain's id.
        want: u64,
    },
    /// The signature is out of range, has a high s (EIP-2), or recovers no key.
    #[error("invalid sender: invalid transaction v, r, s values")]
    InvalidSignature,
    /// The nonce is 2^64 − 1 (EIP-2681).
    #[error("nonce has max value")]
    NonceMax,
    /// A gas limit that the machine cannot count in fuel.
    #[error("gas limit too high: {gas}, limit {limit}")]
    GasLimitTooHigh {
        /// The transaction's gas limit.
        gas: u64,
        /// Most allowed.
        limit: u64,
    },
    /// More gas than a whole block has.
    #[error("exceeds block gas limit")]
    ExceedsBlockGasLimit {
        /// The transaction's gas limit.
        gas: u64,
        /// The block's.
        limit: u64,
    },
    /// The tip is above the fee cap (EIP-1559).
    #[error(
        "max priority fee per gas higher than max fee per gas: address {sender}, maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee_cap}"
    )]
    TipAboveFeeCap {
        /// Who sent it.
        sender: Address,
        /// In wei.
        tip: u128,
        /// In wei.
        fee_cap: u128,
    },
    /// The fee cap is below the block's base fee.
    #[error("max fee per gas less than block base fee: address {sender}, maxFeePerGas: {fee_cap}, baseFee: {base_fee}")]
    FeeCapTooLow {
        /// Who sent it.
        sender: Address,
        /// In wei.
        fee_cap: u128,
        /// In wei.
        base_fee: u64,
    },
    /// A creation payload longer than allowed.
    #[error("max initcode size exceeded: code size {size} limit {limit}")]
    PayloadTooLarge {
        /// In bytes.
        size: usize,
        /// In bytes.
        limit: usize,
    },
    /// A creation payload that is no deploy envelope. Pools refuse it; in a block it halts.
    #[error("invalid deploy payload: {0}. Build the contract with `esker contract build` and send its `bytecode`")]
    IllegalPayload(EnvelopeError),
    /// A creation payload whose module is longer than allowed. Pools refuse it; in a block it halts.
    #[error("invalid deploy payload: its module has {size} bytes, limit {limit}")]
    ModuleTooLarge {
        /// In bytes, raw.
        size: u32,
        /// In bytes.
        limit: u32,
    },
    /// The gas limit does not cover the transaction's own price.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas {
        /// The transaction's gas limit.
        gas: u64,
        /// Least allowed.
        needed: u64,
    },
    /// The gas limit is below the calldata floor (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {gas}, minimum needed {needed}")]
    FloorGas {
        /// The transaction's gas limit.
        gas: u64,
        /// Least allowed.
        needed: u64,
    },
    /// The nonce was used already.
    #[error("nonce too low: next nonce {expected}, tx nonce {nonce}")]
    NonceTooLow {
        /// The account's nonce.
        expected: u64,
        /// The transaction's.
        nonce: u64,
    },
    /// The nonce leaves a gap.
    #[error("nonce too high: address {sender}, tx: {nonce} state: {expected}")]
    NonceTooHigh {
        /// Who sent it.
        sender: Address,
        /// The account's nonce.
        expected: u64,
        /// The transaction's.
        nonce: u64,
    },
    /// The sender holds code (EIP-3607).
    #[error("sender not an eoa: address {sender}")]
    SenderNotEoa {
        /// Who sent it.
        sender: Address,
    },
    /// The sender cannot pay for value and gas.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {}",
        cost.saturating_sub(*balance)
    )]
    InsufficientFunds {
        /// The sender's, in wei.
        balance: U256,
        /// Value + gas limit × fee cap, in wei; 2^256 − 1 if it is more than that.
        cost: U256,
    },
}

/// Why a transaction was not executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// The transaction is invalid in this state: nothing was changed.
    #[error(transparent)]
    Invalid(#[from] TransactionError),
    /// This node failed: nothing was changed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// geth's words for what is wrong with an encoding, where it has any.
fn rlp_words(error: &alloy_rlp::Error) -> String {
    match error {
        alloy_rlp::Error::InputTooShort => "value size exceeds available input length".into(),
        alloy_rlp::Error::LeadingZero => "non-canonical integer (leading zero bytes)".into(),
        alloy_rlp::Error::NonCanonicalSize | alloy_rlp::Error::NonCanonicalSingleByte => {
            "non-canonical size information".into()
        }
        alloy_rlp::Error::UnexpectedString => "expected input list".into(),
        alloy_rlp::Error::UnexpectedList => "expected input string or byte".into(),
        alloy_rlp::Error::UnexpectedLength => "input contains more than one value".into(),
        alloy_rlp::Error::Overflow => "value too large".into(),
        other => other.to_string(),
    }
}
