//! What validators sign: bytes that are bound to one chain and one kind of message.

use alloy_primitives::{Address, B256};

/// The chain that signatures hold for. A signature for one chain is worth nothing on any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The chain's id (EIP-155).
    pub chain_id: u64,
    /// Hash of block 0, which binds the first validator set too.
    pub genesis_hash: B256,
}

/// A vote, as it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedVote {
    /// Whether it is a precommit; else it is a prevote.
    pub is_precommit: bool,
    /// Height.
    pub height: u64,
    /// Round; −1 is none.
    pub round: i64,
    /// The block's hash, or nil.
    pub hash: Option<B256>,
    /// Who votes.
    pub voter: Address,
}

impl Domain {
    /// What all that is signed begins with: the message's tag, the chain's id, the hash of block 0.
    #[must_use]
    pub fn begin(&self, tag: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160);
        bytes.extend_from_slice(tag.as_bytes());
        bytes.extend_from_slice(&self.chain_id.to_be_bytes());
        bytes.extend_from_slice(self.genesis_hash.as_slice());
        bytes
    }

    /// A vote's sign bytes: tag, chain, `0` or `1` for prevote or precommit, height, round, `0` or `1` and the block's
    /// hash, voter.
    #[must_use]
    pub fn vote(&self, vote: &SignedVote) -> Vec<u8> {
        let mut bytes = self.begin("esker/vote/1");
        bytes.push(u8::from(vote.is_precommit));
        bytes.extend_from_slice(&vote.height.to_be_bytes());
        bytes.extend_from_slice(&vote.round.to_be_bytes());
        match vote.hash {
            None => bytes.push(0),
            Some(hash) => {
                bytes.push(1);
                bytes.extend_from_slice(hash.as_slice());
            }
        }
        bytes.extend_from_slice(vote.voter.as_slice());
        bytes
    }
}
