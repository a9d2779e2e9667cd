//! A signed transaction: strict decoding, the checks that need no state, and the sender's recovery.

use alloy_consensus::transaction::{Recovered, RlpEcdsaDecodableTx};
use alloy_consensus::{Signed, Transaction as _, TxEip1559, TxEip2930, TxEnvelope, TxLegacy, Typed2718};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use esker_vm::abi::Limits;
use esker_vm::envelope;

use super::TransactionError;
use super::recover::recover_signer;
use crate::params::ChainConfig;

/// Half of the order of secp256k1: the highest `s` that EIP-2 allows.
const SECP256K1_HALF_ORDER: U256 = alloy_consensus::crypto::SECP256K1N_HALF;
/// The order of secp256k1.
const SECP256K1_ORDER: U256 =
    U256::from_limbs([0xBFD2_5E8C_D036_4141, 0xBAAE_DCE6_AF48_A03B, 0xFFFF_FFFF_FFFF_FFFE, 0xFFFF_FFFF_FFFF_FFFF]);

/// A transaction whose bytes and fields are in order, and whose sender is not recovered yet.
///
/// Decoding is cheap and recovery is not: [`recover_senders`](super::recover_senders) does the latter for many at once.
#[derive(Clone, Debug)]
pub struct SignedTransaction {
    pub(super) envelope: TxEnvelope,
    encoded_len: usize,
    /// Whether the envelope may know its hash already.
    pub(super) may_know_hash: bool,
}

impl PartialEq for SignedTransaction {
    fn eq(&self, other: &Self) -> bool {
        self.envelope == other.envelope
    }
}

impl Eq for SignedTransaction {}

/// A transaction that is well-formed and signed by its sender for this chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    inner: Recovered<TxEnvelope>,
    hash: B256,
    encoded_len: usize,
}

impl SignedTransaction {
    /// Decodes an EIP-2718 transaction of type 0, 1 or 2, strictly: canonical RLP, nothing behind it, and every check
    /// that needs neither state nor elliptic-curve arithmetic.
    ///
    /// # Errors
    /// [`TransactionError`] with geth's words.
    pub fn decode(raw: &[u8], config: &ChainConfig) -> Result<Self, TransactionError> {
        if raw.len() > config.transaction_bytes_max {
            return Err(TransactionError::Oversized { size: raw.len(), limit: config.transaction_bytes_max });
        }
        // A first byte below 0x80 is a type (EIP-2718); what we do not execute is not decoded either.
        let mut rest = raw;
        let envelope = match raw.first() {
            None => return Err(TransactionError::Rlp(alloy_rlp::Error::InputTooShort)),
            Some(1) => unhashed::<TxEip2930>(raw.get(1..), &mut rest)?,
            Some(2) => unhashed::<TxEip1559>(raw.get(1..), &mut rest)?,
            Some(&kind @ ..=0x7f) => return Err(TransactionError::TypeNotSupported(kind)),
            Some(0x80..) => unhashed::<TxLegacy>(Some(raw), &mut rest)?,
        };
        if !rest.is_empty() {
            return Err(TransactionError::Rlp(alloy_rlp::Error::UnexpectedLength));
        }
        Self::check(envelope, raw.len(), false, config)
    }

    /// Checks a transaction that is in memory already, as [`SignedTransaction::decode`] does.
    ///
    /// # Errors
    /// [`TransactionError`] with geth's words.
    pub fn from_envelope(envelope: TxEnvelope, config: &ChainConfig) -> Result<Self, TransactionError> {
        let encoded_len = envelope.encode_2718_len();
        if encoded_len > config.transaction_bytes_max {
            return Err(TransactionError::Oversized { size: encoded_len, limit: config.transaction_bytes_max });
        }
        Self::check(envelope, encoded_len, true, config)
    }

    fn check(
        envelope: TxEnvelope,
        encoded_len: usize,
        may_know_hash: bool,
        config: &ChainConfig,
    ) -> Result<Self, TransactionError> {
        if envelope.ty() > 2 {
            return Err(TransactionError::TypeNotSupported(envelope.ty()));
        }
        match envelope.chain_id() {
            None => return Err(TransactionError::Unprotected),
            Some(have) if have != config.chain_id => {
                return Err(TransactionError::ChainId { have, want: config.chain_id });
            }
            Some(_) => {}
        }
        check_signature_range(envelope.signature())?;
        if envelope.nonce() == u64::MAX {
            return Err(TransactionError::NonceMax);
        }
        let gas = envelope.gas_limit();
        if gas > config.gas_limit_max {
            return Err(TransactionError::GasLimitTooHigh { gas, limit: config.gas_limit_max });
        }
        if envelope.is_create() && envelope.input().len() > config.payload_bytes_max {
            let size = envelope.input().len();
            return Err(TransactionError::PayloadTooLarge { size, limit: config.payload_bytes_max });
        }
        Ok(Self { envelope, encoded_len, may_know_hash })
    }

    /// The transaction.
    #[must_use]
    pub const fn envelope(&self) -> &TxEnvelope {
        &self.envelope
    }

    /// Recovers the sender from the signature: some 40 µs.
    ///
    /// # Errors
    /// [`TransactionError::InvalidSignature`], or [`TransactionError::TipAboveFeeCap`], whose text names the sender.
    pub fn recover(self) -> Result<Transaction, TransactionError> {
        let signature_hash = self.envelope.signature_hash();
        self.recover_from(signature_hash)
    }

    /// As [`SignedTransaction::recover`], with the hash that was signed.
    pub(super) fn recover_from(self, signature_hash: B256) -> Result<Transaction, TransactionError> {
        let sender = recover_signer(self.envelope.signature(), signature_hash)?;
        let fee_cap = self.envelope.max_fee_per_gas();
        if let Some(tip) = self.envelope.max_priority_fee_per_gas().filter(|tip| *tip > fee_cap) {
            return Err(TransactionError::TipAboveFeeCap { sender, tip, fee_cap });
        }
        let hash = *self.envelope.hash();
        let inner = Recovered::new_unchecked(self.envelope, sender);
        Ok(Transaction { inner, hash, encoded_len: self.encoded_len })
    }
}

impl Transaction {
    /// Decodes a transaction and recovers its sender: [`SignedTransaction::decode`], then
    /// [`SignedTransaction::recover`].
    ///
    /// # Errors
    /// [`TransactionError`] with geth's words.
    pub fn decode(raw: &[u8], config: &ChainConfig) -> Result<Self, TransactionError> {
        SignedTransaction::decode(raw, config)?.recover()
    }

    /// Takes a sender's word for it, for transactions of impersonated accounts on development chains. Nothing is
    /// checked.
    #[must_use]
    pub fn from_recovered_unchecked(inner: Recovered<TxEnvelope>) -> Self {
        let hash = *inner.hash();
        let encoded_len = inner.encode_2718_len();
        Self { inner, hash, encoded_len }
    }

    /// Who signed it.
    #[must_use]
    pub const fn sender(&self) -> Address {
        self.inner.signer()
    }

    /// keccak256 of the encoding.
    #[must_use]
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// The transaction as alloy has it.
    #[must_use]
    pub const fn envelope(&self) -> &TxEnvelope {
        self.inner.inner()
    }

    /// The transaction with its sender, as alloy has it.
    #[must_use]
    pub const fn recovered(&self) -> &Recovered<TxEnvelope> {
        &self.inner
    }

    /// Size of the EIP-2718 encoding, in bytes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.encoded_len
    }

    /// The EIP-2718 encoding.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        self.inner.encoded_2718()
    }

    /// The sender's nonce.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.inner.nonce()
    }

    /// Most gas it may use.
    #[must_use]
    pub fn gas_limit(&self) -> u64 {
        self.inner.gas_limit()
    }

    /// Most that it pays for one gas, in wei.
    #[must_use]
    pub fn fee_cap(&self) -> u128 {
        self.inner.max_fee_per_gas()
    }

    /// Most that it pays to the beneficiary for one gas, in wei.
    #[must_use]
    pub fn tip_cap(&self) -> u128 {
        self.inner.max_priority_fee_per_gas().unwrap_or_else(|| self.fee_cap())
    }

    /// In wei.
    #[must_use]
    pub fn value(&self) -> U256 {
        self.inner.value()
    }

    /// Says what a pool should say about a creation that cannot succeed, before anybody pays for it. In a block such a
    /// creation halts.
    ///
    /// # Errors
    /// [`TransactionError::IllegalPayload`], [`TransactionError::ModuleTooLarge`].
    pub fn check_payload(&self, limits: &Limits) -> Result<(), TransactionError> {
        if !self.kind().is_create() {
            return Ok(());
        }
        let payload = envelope::parse(self.input()).map_err(TransactionError::IllegalPayload)?;
        let limit = limits.module_bytes_max;
        if payload.raw_len > limit {
            return Err(TransactionError::ModuleTooLarge { size: payload.raw_len, limit });
        }
        Ok(())
    }

    /// Whom it calls, or that it creates.
    #[must_use]
    pub fn kind(&self) -> TxKind {
        self.inner.kind()
    }

    /// Calldata, or the deploy payload.
    #[must_use]
    pub fn input(&self) -> &Bytes {
        self.inner.input()
    }

    /// The access list, empty for legacy transactions.
    #[must_use]
    pub fn access_list(&self) -> &AccessList {
        static EMPTY: AccessList = AccessList(Vec::new());
        self.inner.access_list().unwrap_or(&EMPTY)
    }
}

/// Decodes a transaction and its signature from `fields`, and leaves in `rest` what follows. Hashing it is left for
/// later: who has many hashes them together.
fn unhashed<'a, T: RlpEcdsaDecodableTx>(
    fields: Option<&'a [u8]>,
    rest: &mut &'a [u8],
) -> Result<TxEnvelope, TransactionError>
where
    Signed<T>: Into<TxEnvelope>,
{
    *rest = fields.unwrap_or_default();
    let (transaction, signature) = T::rlp_decode_with_signature(rest).map_err(TransactionError::Rlp)?;
    Ok(Signed::new_unhashed(transaction, signature).into())
}

/// r and s in 1..order, s in its lower half (EIP-2).
fn check_signature_range(signature: &Signature) -> Result<(), TransactionError> {
    let (r, s) = (signature.r(), signature.s());
    if r.is_zero() || r >= SECP256K1_ORDER || s.is_zero() || s > SECP256K1_HALF_ORDER {
        return Err(TransactionError::InvalidSignature);
    }
    Ok(())
}
