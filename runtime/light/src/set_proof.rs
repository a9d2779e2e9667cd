//! The proof of a validator set under a block's state root.

use alloy_primitives::{B256, Bytes, keccak256};
use serde::{Deserialize, Serialize};

use crate::account::{AccountProofError, slot_value, verify_account};
use crate::trie::{NodeSet, ProofError};
use crate::validators::{SetError, StoredSetError, VALIDATORS_ADDRESS, ValidatorSet, read};

/// Most nodes of a proof: a hundred validators need some 420.
pub const SET_PROOF_NODES_MAX: usize = 1_024;
/// Most bytes of a proof's nodes together: a hundred validators need some 35,000.
pub const SET_PROOF_BYTES_MAX: usize = 128 << 10;

/// What proves which set decides the blocks after a block: nodes of the state trie and of a storage trie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetProof {
    /// RLP of the account trie's nodes from the state root down to the account of the set.
    pub account: Vec<Bytes>,
    /// RLP of the nodes of the account's storage trie that the set's slots need, each once, in any order. None of them if
    /// the set is one that the verifier knows: then the account proves that it has not changed.
    pub storage: Vec<Bytes>,
}

/// Why a [`SetProof`] proves no set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetProofError {
    /// More nodes, or bytes of them, than a set can need.
    #[error("it has {nodes} nodes with {bytes} bytes; at most {SET_PROOF_NODES_MAX} with {SET_PROOF_BYTES_MAX}")]
    TooLarge {
        /// Nodes.
        nodes: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// The account is not proven.
    #[error(transparent)]
    Account(#[from] AccountProofError),
    /// The state has no account for the set.
    #[error("the state has no validator set")]
    NoSet,
    /// The set is another than the known one, and its storage is not there.
    #[error("the set has changed, and the proof has only its account")]
    Changed,
    /// The slots' nodes do not link up.
    #[error("the storage of the set is not proven: {0}")]
    Storage(#[from] ProofError),
    /// A leaf that is no value.
    #[error("slot {0} of the set holds no number")]
    Value(B256),
    /// The storage holds no set.
    #[error(transparent)]
    Stored(#[from] StoredSetError),
    /// Nothing could be decided with the set.
    #[error(transparent)]
    Set(#[from] SetError),
}

/// What a proof shows.
#[derive(Clone, Debug)]
pub struct ProvenSet {
    /// Root of the storage that holds the set: equal roots are equal sets.
    pub root: B256,
    /// The set; `None` if it is the known one.
    pub set: Option<ValidatorSet>,
}

impl SetProof {
    /// Bytes of all nodes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.account.iter().chain(&self.storage).map(|node| node.len()).sum()
    }

    /// The set in the state with this root. `known` is the root of the storage of a set that need not be proven again.
    ///
    /// # Errors
    /// [`SetProofError`]
    pub fn verify(&self, state_root: B256, known: Option<B256>) -> Result<ProvenSet, SetProofError> {
        let (nodes, bytes) = (self.account.len() + self.storage.len(), self.bytes());
        if nodes > SET_PROOF_NODES_MAX || bytes > SET_PROOF_BYTES_MAX {
            return Err(SetProofError::TooLarge { nodes, bytes });
        }
        let account = verify_account(state_root, VALIDATORS_ADDRESS, &self.account)?.ok_or(SetProofError::NoSet)?;
        let root = account.storage_root;
        if self.storage.is_empty() {
            return if known == Some(root) { Ok(ProvenSet { root, set: None }) } else { Err(SetProofError::Changed) };
        }
        let mut nodes = NodeSet::new(root, &self.storage)?;
        let set = read(|slot| match nodes.get(keccak256(slot))? {
            None => Ok(B256::ZERO),
            Some(leaf) => slot_value(leaf).map(Into::into).ok_or(SetProofError::Value(slot)),
        })??;
        nodes.finish()?;
        Ok(ProvenSet { root, set: Some(ValidatorSet::new(set)?) })
    }
}
