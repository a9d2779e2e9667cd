//! Proofs in the shape of `eth_getProof` (EIP-1186).

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::{Deserialize, Serialize};

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
