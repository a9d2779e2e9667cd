//! Proofs in the shape of `eth_getProof` (EIP-1186).

use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use serde::{Deserialize, Serialize};

use super::record::AccountRecord;
use super::view::{AccountTrie, StorageTrie};
use super::{Account, StateView};
use crate::db::StoreError;
use crate::trie::proof::prove;
use crate::trie::verify::{self, ProofError};

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

impl StateView {
    /// Proof of an account and some of its slots (indices, not hashed) against [`StateView::root`].
    ///
    /// # Errors
    /// [`StoreError`] if the store fails or is damaged.
    pub fn proof(&self, address: Address, slots: &[B256]) -> Result<AccountProof, StoreError> {
        let hashed = keccak256(address);
        let (_, account_proof) = prove(&AccountTrie(self), self.record().shape, &hashed)?;
        let record = self.account_record(&hashed)?;
        let record = record.unwrap_or(AccountRecord::without_storage(Account::default()));
        let mut storage_proof = Vec::with_capacity(slots.len());
        for key in slots {
            let hashed = keccak256(key);
            let (value, proof) = match record.id {
                Some(id) => {
                    let (_, proof) = prove(&StorageTrie { view: self, id }, record.storage_shape, &hashed)?;
                    (self.slot(id, &hashed)?, proof)
                }
                None => (B256::ZERO, Vec::new()),
            };
            storage_proof.push(StorageProof { key: *key, value: value.into(), proof });
        }
        Ok(AccountProof {
            address,
            balance: record.account.balance,
            code_hash: record.account.code_hash,
            nonce: U64::from(record.account.nonce),
            storage_hash: record.storage_root,
            account_proof,
            storage_proof,
        })
    }
}

/// Why an [`AccountProof`] proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountProofError {
    /// The account's nodes do not link up.
    #[error("the account's proof does not hold: {0}")]
    Account(ProofError),
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
    /// A slot's nodes link up, but prove another value than stated.
    #[error("the proof of slot {0} holds, but for another value than stated")]
    OtherValue(B256),
}

impl AccountProof {
    /// Checks every proof against `state_root`, and every stated value against its proof. Needs no state.
    ///
    /// # Errors
    /// [`AccountProofError`] names the first thing that does not hold.
    pub fn verify(&self, state_root: B256) -> Result<(), AccountProofError> {
        let proven = verify::verify(state_root, keccak256(self.address), &self.account_proof)
            .map_err(AccountProofError::Account)?;
        let account = Account { nonce: self.nonce.to(), balance: self.balance, code_hash: self.code_hash };
        let stated = AccountRecord { storage_root: self.storage_hash, ..AccountRecord::without_storage(account) };
        let holds = match proven {
            Some(value) => value == stated.trie_value(),
            None => stated == AccountRecord::without_storage(Account::default()),
        };
        if !holds {
            return Err(AccountProofError::OtherAccount);
        }
        for StorageProof { key, value, proof } in &self.storage_proof {
            let proven = verify::verify(self.storage_hash, keccak256(key), proof)
                .map_err(|reason| AccountProofError::Storage { slot: *key, reason })?;
            let stated = (!value.is_zero()).then(|| alloy_rlp::encode(value));
            if proven != stated {
                return Err(AccountProofError::OtherValue(*key));
            }
        }
        Ok(())
    }
}
