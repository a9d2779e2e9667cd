//! Transactions of every type, signed by one of four accounts.

use alloy_consensus::{SignableTransaction, Signed, TxEip1559, TxEip2930, TxEnvelope, TxLegacy};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use arbitrary::{Result, Unstructured};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};

/// The chain of these transactions.
pub const CHAIN_ID: u64 = 31_337;
/// How many accounts sign.
pub const SIGNERS: u8 = 4;

fn key(index: u8) -> SecretKey {
    SecretKey::from_byte_array(keccak256([index]).0).expect("a hash is a valid key")
}

/// The address of signer `index`.
pub fn signer(index: u8) -> Address {
    let public = PublicKey::from_secret_key(SECP256K1, &key(index));
    Address::from_raw_public_key(&public.serialize_uncompressed()[1..])
}

fn signed<T: SignableTransaction<Signature>>(index: u8, transaction: T) -> TxEnvelope
where
    TxEnvelope: From<Signed<T>>,
{
    let digest = Message::from_digest(transaction.signature_hash().0);
    let (id, compact) = SECP256K1.sign_ecdsa_recoverable(digest, &key(index)).serialize_compact();
    let (r, s) = compact.split_at(32);
    let signature = Signature::new(U256::from_be_slice(r), U256::from_be_slice(s), i32::from(id) == 1);
    transaction.into_signed(signature).into()
}

/// A small number most of the time, else any.
fn number(bytes: &mut Unstructured<'_>, usual: u64) -> Result<u64> {
    if bytes.ratio(1, 10)? { bytes.arbitrary() } else { bytes.int_in_range(0..=usual) }
}

fn word(bytes: &mut Unstructured<'_>) -> Result<B256> {
    if bytes.ratio(1, 4)? { bytes.arbitrary().map(B256::new) } else { bytes.arbitrary().map(B256::with_last_byte) }
}

/// One of the signers, one of `targets`, or anybody.
fn account(bytes: &mut Unstructured<'_>, targets: &[Address]) -> Result<Address> {
    Ok(match bytes.int_in_range(0..=3)? {
        0 => signer(bytes.int_in_range(0..=SIGNERS - 1)?),
        1 => bytes.arbitrary().map(Address::new)?,
        // Precompiles and empty low addresses.
        2 => Address::with_last_byte(bytes.arbitrary()?),
        _ if targets.is_empty() => Address::ZERO,
        _ => *bytes.choose(targets)?,
    })
}

fn access_list(bytes: &mut Unstructured<'_>, targets: &[Address]) -> Result<AccessList> {
    let items = (0..bytes.int_in_range(0..=3)?).map(|_| {
        let address = account(bytes, targets)?;
        let storage_keys = (0..bytes.int_in_range(0..=3)?).map(|_| word(bytes)).collect::<Result<_>>()?;
        Ok(AccessListItem { address, storage_keys })
    });
    items.collect::<Result<_>>().map(AccessList)
}

/// A signed transaction. `nonces` are the signers' own, counted up when a transaction uses one, so that many of the
/// transactions drawn fit a block; `payloads` are creations that may succeed.
pub fn transaction(
    bytes: &mut Unstructured<'_>,
    nonces: &mut [u64; SIGNERS as usize],
    targets: &[Address],
    payloads: &[Bytes],
) -> Result<TxEnvelope> {
    let index = bytes.int_in_range(0..=SIGNERS - 1)?;
    let nonce = if bytes.ratio(1, 12)? {
        bytes.arbitrary()?
    } else {
        let next = &mut nonces[usize::from(index)];
        *next += 1;
        *next - 1
    };
    let length = bytes.int_in_range(0..=200)?.min(bytes.len());
    let mut input = Bytes::copy_from_slice(bytes.bytes(length)?);
    let to = if bytes.ratio(1, 5)? { TxKind::Create } else { TxKind::Call(account(bytes, targets)?) };
    if to.is_create() && !payloads.is_empty() && bytes.ratio(3, 4)? {
        input = [bytes.choose(payloads)?.as_ref(), &input].concat().into();
    }
    let gas_limit = if bytes.ratio(1, 8)? { number(bytes, 60_000)? } else { bytes.int_in_range(50_000..=3_000_000)? };
    let value = U256::from(number(bytes, 1_000)?);
    let price = u128::from(if bytes.ratio(1, 8)? { number(bytes, 2)? } else { 2_000_000_000 });
    let chain_id = if bytes.ratio(1, 20)? { bytes.arbitrary()? } else { CHAIN_ID };
    Ok(match bytes.int_in_range(0..=2)? {
        0 => signed(index, TxLegacy { chain_id: Some(chain_id), nonce, gas_price: price, gas_limit, to, value, input }),
        1 => {
            let access_list = access_list(bytes, targets)?;
            signed(index, TxEip2930 { chain_id, nonce, gas_price: price, gas_limit, to, value, access_list, input })
        }
        _ => {
            let access_list = access_list(bytes, targets)?;
            let max_priority_fee_per_gas = u128::from(number(bytes, 1_000_000_000)?);
            signed(
                index,
                TxEip1559 {
                    chain_id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: price,
                    max_priority_fee_per_gas,
                    to,
                    value,
                    access_list,
                    input,
                },
            )
        }
    })
}
