//! Keys, and what they sign: written from `docs/spec/consensus.md`, not from the contract's code.

use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use esker_sdk::{Address, B256, FixedBytes};

/// A validator's key.
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from([seed; 32])
}

/// Its public half.
pub fn public_key(seed: u8) -> B256 {
    FixedBytes(VerificationKeyBytes::from(&key(seed)).into())
}

/// A key's signature.
pub fn sign(seed: u8, message: &[u8]) -> Vec<u8> {
    key(seed).sign(message).to_bytes().to_vec()
}

/// The chain that messages are signed for.
#[derive(Clone, Copy, Debug)]
pub struct SignedFor {
    pub chain_id: u64,
    pub genesis: B256,
}

impl SignedFor {
    fn begin(&self, tag: &str) -> Vec<u8> {
        [tag.as_bytes(), &self.chain_id.to_be_bytes(), &self.genesis.0].concat()
    }

    /// A vote: kind 0 is a prevote, 1 a precommit; `None` is nil.
    pub fn vote(&self, kind: u8, height: u64, round: i64, value: Option<[u8; 32]>, voter: Address) -> Vec<u8> {
        let mut bytes = self.begin("esker/vote/1");
        bytes.push(kind);
        bytes.extend(height.to_be_bytes());
        bytes.extend(round.to_be_bytes());
        match value {
            None => bytes.push(0),
            Some(hash) => {
                bytes.push(1);
                bytes.extend(hash);
            }
        }
        bytes.extend(voter.0);
        bytes
    }

    /// A proposal.
    pub fn proposal(&self, height: u64, round: i64, valid_round: i64, hash: [u8; 32], proposer: Address) -> Vec<u8> {
        let mut bytes = self.begin("esker/proposal/1");
        bytes.extend(height.to_be_bytes());
        bytes.extend(round.to_be_bytes());
        bytes.extend(valid_round.to_be_bytes());
        bytes.extend(hash);
        bytes.extend(proposer.0);
        bytes
    }
}

/// What a key signs to show that its operator has it.
pub fn possession(chain_id: u64, contract: Address, operator: Address, public_key: B256) -> Vec<u8> {
    [b"esker/possession/1", &chain_id.to_be_bytes()[..], &contract.0, &operator.0, &public_key.0].concat()
}
