//! A signed transaction: strict decoding, the checks that need no state, and the sender's recovery.

use std::thread;

use alloy_consensus::transaction::{Recovered, RlpEcdsaDecodableTx};
use alloy_consensus::{Transaction as _, TxEip1559, TxEip2930, TxEnvelope, TxLegacy, Typed2718};
use alloy_eips::eip2718::{Eip2718Error, Encodable2718};
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use esker_vm::abi::Limits;
use esker_vm::envelope;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};

use super::TransactionError;
use crate::params::ChainConfig;

/// Half of the order of secp256k1: the highest `s` that EIP-2 allows.
const SECP256K1_HALF_ORDER: U256 = alloy_consensus::crypto::SECP256K1N_HALF;
/// The order of secp256k1.
const SECP256K1_ORDER: U256 =
    U256::from_limbs([0xBFD2_5E8C_D036_4141, 0xBAAE_DCE6_AF48_A03B, 0xFFFF_FFFF_FFFF_FFFE, 0xFFFF_FFFF_FFFF_FFFF]);

/// A transaction whose bytes and fields are in order, and whose sender is not recovered yet.
///
/// Decoding is cheap and recovery is not: [`recover_senders`] does the latter for many at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    envelope: TxEnvelope,
    encoded_len: usize,
}

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
            Some(1) => TxEip2930::eip2718_decode(&mut rest).map(TxEnvelope::from).map_err(malformed)?,
            Some(2) => TxEip1559::eip2718_decode(&mut rest).map(TxEnvelope::from).map_err(malformed)?,
            Some(&kind @ ..=0x7f) => return Err(TransactionError::TypeNotSupported(kind)),
            Some(0x80..) => TxLegacy::eip2718_decode(&mut rest).map(TxEnvelope::from).map_err(malformed)?,
        };
        if !rest.is_empty() {
            return Err(TransactionError::Rlp(alloy_rlp::Error::UnexpectedLength));
        }
        Self::check(envelope, raw.len(), config)
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
        Self::check(envelope, encoded_len, config)
    }

    fn check(envelope: TxEnvelope, encoded_len: usize, config: &ChainConfig) -> Result<Self, TransactionError> {
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
        Ok(Self { envelope, encoded_len })
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
        let sender = recover_signer(self.envelope.signature(), self.envelope.signature_hash())?;
        let fee_cap = self.envelope.max_fee_per_gas();
        if let Some(tip) = self.envelope.max_priority_fee_per_gas().filter(|tip| *tip > fee_cap) {
            return Err(TransactionError::TipAboveFeeCap { sender, tip, fee_cap });
        }
        let hash = *self.envelope.hash();
        let inner = Recovered::new_unchecked(self.envelope, sender);
        Ok(Transaction { inner, hash, encoded_len: self.encoded_len })
    }
}

/// Recovers the senders of many transactions on `workers` threads. Results stand in the order of the transactions.
#[must_use]
pub fn recover_senders(
    transactions: Vec<SignedTransaction>,
    workers: usize,
) -> Vec<Result<Transaction, TransactionError>> {
    let chunk_len = transactions.len().div_ceil(workers.max(1)).max(1);
    if chunk_len >= transactions.len() {
        return transactions.into_iter().map(SignedTransaction::recover).collect();
    }
    let mut chunks = Vec::with_capacity(workers);
    let mut rest = transactions;
    while rest.len() > chunk_len {
        let tail = rest.split_off(chunk_len);
        chunks.push(std::mem::replace(&mut rest, tail));
    }
    chunks.push(rest);
    thread::scope(|scope| {
        let handles: Vec<_> = chunks
            .into_iter()
            .map(|chunk| scope.spawn(|| chunk.into_iter().map(SignedTransaction::recover).collect::<Vec<_>>()))
            .collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().expect("recovering a sender returns errors, it does not panic"))
            .collect()
    })
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

fn malformed(error: Eip2718Error) -> TransactionError {
    match error {
        Eip2718Error::RlpError(error) => TransactionError::Rlp(error),
        _ => TransactionError::Rlp(alloy_rlp::Error::Custom("malformed typed transaction")),
    }
}

/// r and s in 1..order, s in its lower half (EIP-2).
fn check_signature_range(signature: &Signature) -> Result<(), TransactionError> {
    let (r, s) = (signature.r(), signature.s());
    if r.is_zero() || r >= SECP256K1_ORDER || s.is_zero() || s > SECP256K1_HALF_ORDER {
        return Err(TransactionError::InvalidSignature);
    }
    Ok(())
}

fn recover_signer(signature: &Signature, message: B256) -> Result<Address, TransactionError> {
    let mut compact = [0u8; 64];
    let (r, s) = compact.split_at_mut(32);
    r.copy_from_slice(&signature.r().to_be_bytes::<32>());
    s.copy_from_slice(&signature.s().to_be_bytes::<32>());
    let recovery_id = if signature.v() { RecoveryId::One } else { RecoveryId::Zero };
    let key = RecoverableSignature::from_compact(&compact, recovery_id)
        .and_then(|signature| SECP256K1.recover_ecdsa(Message::from_digest(message.0), &signature))
        .map_err(|_| TransactionError::InvalidSignature)?;
    Ok(Address::from_raw_public_key(&key.serialize_uncompressed()[1..]))
}
