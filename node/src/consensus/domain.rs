//! What is signed: every message's bytes, bound to one chain.

use alloy_primitives::{B256, keccak256};
use esker_light::SignedVote;
use malachite::app::types::core::{NilOrVal, Round, VoteType};

use super::context::{BlockHash, Proposal, ProposalPart, Vote};

/// The chain that signatures hold for. A signature for one chain is worth nothing on any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The chain's id (EIP-155).
    pub chain_id: u64,
    /// Hash of block 0, which binds the first validator set too.
    pub genesis: B256,
}

/// The round as eight bytes: −1 where there is none.
fn round_bytes(round: Round) -> [u8; 8] {
    round.as_i64().to_be_bytes()
}

impl Domain {
    /// What names of protocols and topics carry, so that nodes of different chains do not talk to each other.
    #[must_use]
    pub fn network(&self) -> String {
        format!("{}-{}", self.chain_id, hex::encode(&self.genesis[..8]))
    }

    /// The same for `esker-light`, which owns what light clients check.
    pub(super) const fn light(&self) -> esker_light::Domain {
        esker_light::Domain { chain_id: self.chain_id, genesis_hash: self.genesis }
    }

    fn begin(&self, tag: &str) -> Vec<u8> {
        self.light().begin(tag)
    }

    /// A vote's sign bytes.
    #[must_use]
    pub fn vote(&self, vote: &Vote) -> Vec<u8> {
        self.light().vote(&SignedVote {
            is_precommit: vote.kind == VoteType::Precommit,
            height: vote.height.0,
            round: vote.round.as_i64(),
            hash: match vote.value {
                NilOrVal::Nil => None,
                NilOrVal::Val(BlockHash(hash)) => Some(hash),
            },
            voter: vote.voter.0,
        })
    }

    /// A proposal's sign bytes: tag, chain, height, round, round of the prevotes, hash, proposer.
    #[must_use]
    pub fn proposal(&self, proposal: &Proposal) -> Vec<u8> {
        let mut bytes = self.begin("esker/proposal/1");
        bytes.extend_from_slice(&proposal.height.0.to_be_bytes());
        bytes.extend_from_slice(&round_bytes(proposal.round));
        bytes.extend_from_slice(&round_bytes(proposal.pol_round));
        bytes.extend_from_slice(proposal.value.0.as_slice());
        bytes.extend_from_slice(proposal.proposer.0.as_slice());
        bytes
    }

    /// A part's sign bytes: as a proposal's, with keccak256 of the block's RLP in place of the block's hash.
    #[must_use]
    pub fn part(&self, part: &ProposalPart) -> Vec<u8> {
        let mut bytes = self.begin("esker/part/1");
        bytes.extend_from_slice(&part.height.0.to_be_bytes());
        bytes.extend_from_slice(&round_bytes(part.round));
        bytes.extend_from_slice(&round_bytes(part.pol_round));
        bytes.extend_from_slice(keccak256(&part.block).as_slice());
        bytes.extend_from_slice(part.proposer.0.as_slice());
        bytes
    }

    /// What binds a network identity to a validator's key: tag, chain, then the engine's own encoding of the two.
    #[must_use]
    pub fn proof(&self, engine_bytes: &[u8]) -> Vec<u8> {
        let mut bytes = self.begin("esker/proof/1");
        bytes.extend_from_slice(engine_bytes);
        bytes
    }
}
