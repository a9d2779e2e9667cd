//! Makes proofs in the shape of `eth_getProof` (EIP-1186).

use alloy_primitives::{Address, B256, U64, keccak256};

use super::record::AccountRecord;
use super::view::{AccountTrie, StorageTrie};
use super::{Account, StateView};
use crate::db::StoreError;
use crate::trie::proof::prove;

pub use esker_light::{AccountProof, AccountProofError, StorageProof};

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
