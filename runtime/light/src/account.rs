//! Proofs of accounts and their storage under a state root, in the shape of `eth_getProof` (EIP-1186).

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256, keccak256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use serde::{Deserialize, Serialize};

use crate::trie::{self, EMPTY_ROOT_HASH, ProofError};

/// An account as the account trie holds it (Yellow Paper, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct AccountState {
    /// Nonce.
    pub nonce: u64,
    /// Balance, in wei.
    pub balance: U256,
    /// Root of its storage trie.
    pub storage_root: B256,
    /// keccak256 of its code; of no bytes if it has none.
    pub code_hash: B256,
}

impl AccountState {
    /// What an account is that does not exist.
    pub const ABSENT: Self =
        Self { nonce: 0, balance: U256::ZERO, storage_root: EMPTY_ROOT_HASH, code_hash: KECCAK256_EMPTY };
}

/// What `eth_getProof` answers. The proof of an absent account or slot proves its absence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountProof {
    /// The account.
    pub address: Address,
    /// Its balance, in wei; zero if absent.
    pub balance: U256,
    /// Keccak of its code; of no bytes if it has none.
    pub code_hash: B256,
    /// Its nonce.
    pub nonce: U64,
    /// Root of its storage trie; the empty trie's root if it has none.
    pub storage_hash: B256,
    /// RLP of the account trie's nodes from the root down, as far as the path exists.
    pub account_proof: Vec<Bytes>,
    /// One proof for each slot asked for, in the order asked.
    pub storage_proof: Vec<StorageProof>,
}

/// Proof of one storage slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageProof {
    /// The slot's index (not hashed).
    pub key: B256,
    /// Its value; zero if absent.
    pub value: U256,
    /// RLP of the storage trie's nodes from the root down, as far as the path exists.
    pub proof: Vec<Bytes>,
}

/// Why an [`AccountProof`] proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountProofError {
    /// The account's nodes do not link up.
    #[error("the account's proof does not hold: {0}")]
    Account(ProofError),
    /// The account's nodes link up, but what they lead to is no account.
    #[error("the account's proof leads to something that is no account")]
    NoAccount,
    /// The account's nodes link up, but prove another account than stated.
    #[error(
        "the account's proof holds, but for other fields than the stated nonce, balance, storage hash and code hash"
    )]
    OtherAccount,
    /// A slot's nodes do not link up.
    #[error("the proof of slot {slot} does not hold: {reason}")]
    Storage {
        /// The slot's index.
        slot: B256,
        /// What is wrong.
        reason: ProofError,
    },
    /// A slot's nodes link up, but what they lead to is no value.
    #[error("the proof of slot {0} leads to something that is no value")]
    NoValue(B256),
    /// A slot's nodes link up, but prove another value than stated.
    #[error("the proof of slot {0} holds, but for another value than stated")]
    OtherValue(B256),
}

/// The account at `address` in the state with this root; `None` if the proof shows that there is none.
///
/// # Errors
/// [`AccountProofError::Account`], [`AccountProofError::NoAccount`]
pub fn verify_account(
    state_root: B256,
    address: Address,
    proof: &[Bytes],
) -> Result<Option<AccountState>, AccountProofError> {
    let value = trie::verify(state_root, keccak256(address), proof).map_err(AccountProofError::Account)?;
    let decode = |value: Vec<u8>| alloy_rlp::decode_exact(&value).map_err(|_| AccountProofError::NoAccount);
    value.map(decode).transpose()
}

/// The value at `slot` (its index, not hashed) in the storage with this root; zero if the proof shows that there is none.
///
/// # Errors
/// [`AccountProofError::Storage`], [`AccountProofError::NoValue`]
pub fn verify_storage(storage_root: B256, slot: B256, proof: &[Bytes]) -> Result<U256, AccountProofError> {
    let value = trie::verify(storage_root, keccak256(slot), proof)
        .map_err(|reason| AccountProofError::Storage { slot, reason })?;
    value.map_or(Ok(U256::ZERO), |value| slot_value(&value).ok_or(AccountProofError::NoValue(slot)))
}

/// A slot's value from its leaf. There is none of zero.
pub(crate) fn slot_value(leaf: &[u8]) -> Option<U256> {
    alloy_rlp::decode_exact::<U256>(leaf).ok().filter(|value| !value.is_zero())
}

impl AccountProof {
    /// Checks every proof against `state_root`, and every stated value against its proof.
    ///
    /// # Errors
    /// [`AccountProofError`] names the first thing that does not hold.
    pub fn verify(&self, state_root: B256) -> Result<(), AccountProofError> {
        let proven = verify_account(state_root, self.address, &self.account_proof)?;
        let stated = AccountState {
            nonce: self.nonce.to(),
            balance: self.balance,
            storage_root: self.storage_hash,
            code_hash: self.code_hash,
        };
        if proven.unwrap_or(AccountState::ABSENT) != stated {
            return Err(AccountProofError::OtherAccount);
        }
        for StorageProof { key, value, proof } in &self.storage_proof {
            if verify_storage(self.storage_hash, *key, proof)? != *value {
                return Err(AccountProofError::OtherValue(*key));
            }
        }
        Ok(())
    }
}
