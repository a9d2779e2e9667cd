//! Senders from signatures, one at a time or many on several threads. Of many, what is signed and what is hashed goes
//! through the lanes of one keccak.

use std::thread;

use alloy_consensus::{SignableTransaction, Signed, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Signature};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};

use super::{SignedTransaction, Transaction, TransactionError};
use crate::trie::keccak::{self, Message as Hashed};

/// Transactions that are hashed together: enough to fill the lanes, few enough to stay in the processor's cache.
const HASHED_AT_ONCE: usize = 64;

type Recovered = Result<Transaction, TransactionError>;

/// Recovers the senders of many transactions on `workers` threads. Results stand in the order of the transactions.
#[must_use]
pub fn recover_senders(transactions: Vec<SignedTransaction>, workers: usize) -> Vec<Recovered> {
    let chunk_len = transactions.len().div_ceil(workers.max(1)).max(1);
    if chunk_len >= transactions.len() {
        return recover_all(transactions);
    }
    let mut chunks = Vec::with_capacity(workers);
    let mut rest = transactions;
    while rest.len() > chunk_len {
        let tail = rest.split_off(chunk_len);
        chunks.push(std::mem::replace(&mut rest, tail));
    }
    chunks.push(rest);
    thread::scope(|scope| {
        let handles: Vec<_> = chunks.into_iter().map(|chunk| scope.spawn(|| recover_all(chunk))).collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().expect("recovering a sender returns errors, it does not panic"))
            .collect()
    })
}

fn recover_all(transactions: Vec<SignedTransaction>) -> Vec<Recovered> {
    let mut recovered = Vec::with_capacity(transactions.len());
    let mut transactions = transactions.into_iter();
    loop {
        let group: Vec<_> = transactions.by_ref().take(HASHED_AT_ONCE).collect();
        if group.is_empty() {
            return recovered;
        }
        let (signed, hashes) = hashes(&group);
        recovered.extend(group.into_iter().zip(signed).zip(hashes).map(|((mut transaction, signed), hash)| {
            if let Some(hash) = hash {
                transaction.envelope = with_hash(transaction.envelope, hash);
            }
            transaction.recover_from(signed)
        }));
    }
}

/// What each of the transactions signs, hashed, and the hashes of those that do not know theirs.
fn hashes(transactions: &[SignedTransaction]) -> (Vec<B256>, Vec<Option<B256>>) {
    let mut buffer = Vec::new();
    let mut messages = Vec::with_capacity(2 * transactions.len());
    for transaction in transactions {
        let start = buffer.len();
        encode_for_signing(&transaction.envelope, &mut buffer);
        messages.push(Hashed::pad(&mut buffer, start));
    }
    let mut unhashed = Vec::with_capacity(transactions.len());
    for (index, transaction) in transactions.iter().enumerate().filter(|(_, one)| !one.may_know_hash) {
        let start = buffer.len();
        transaction.envelope.encode_2718(&mut buffer);
        messages.push(Hashed::pad(&mut buffer, start));
        unhashed.push(index);
    }
    let mut signed = vec![B256::ZERO; transactions.len()];
    let mut hashes = vec![None; transactions.len()];
    keccak::hash_messages(&buffer, &messages, |message, digest| match message.checked_sub(transactions.len()) {
        None => signed[message] = digest.into(),
        Some(index) => hashes[unhashed[index]] = Some(digest.into()),
    });
    (signed, hashes)
}

fn encode_for_signing(envelope: &TxEnvelope, out: &mut Vec<u8>) {
    match envelope {
        TxEnvelope::Legacy(signed) => signed.tx().encode_for_signing(out),
        TxEnvelope::Eip2930(signed) => signed.tx().encode_for_signing(out),
        TxEnvelope::Eip1559(signed) => signed.tx().encode_for_signing(out),
        TxEnvelope::Eip4844(signed) => signed.tx().encode_for_signing(out),
        TxEnvelope::Eip7702(signed) => signed.tx().encode_for_signing(out),
    }
}

/// The envelope, which knows its hash.
fn with_hash(envelope: TxEnvelope, hash: B256) -> TxEnvelope {
    fn known<T>(signed: Signed<T>, hash: B256) -> Signed<T> {
        let signature = *signed.signature();
        Signed::new_unchecked(signed.strip_signature(), signature, hash)
    }
    match envelope {
        TxEnvelope::Legacy(signed) => TxEnvelope::Legacy(known(signed, hash)),
        TxEnvelope::Eip2930(signed) => TxEnvelope::Eip2930(known(signed, hash)),
        TxEnvelope::Eip1559(signed) => TxEnvelope::Eip1559(known(signed, hash)),
        TxEnvelope::Eip4844(signed) => TxEnvelope::Eip4844(known(signed, hash)),
        TxEnvelope::Eip7702(signed) => TxEnvelope::Eip7702(known(signed, hash)),
    }
}

/// Who signed `message`.
pub(super) fn recover_signer(signature: &Signature, message: B256) -> Result<Address, TransactionError> {
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
