//! What a governor tells.

use esker_sdk::prelude::*;

/// Something was proposed.
#[event]
pub struct ProposalCreated {
    pub proposal_id: U256,
    pub proposer: Address,
    pub targets: Vec<Address>,
    pub values: Vec<U256>,
    pub signatures: Vec<String>,
    pub calldatas: Vec<Bytes>,
    pub vote_start: U256,
    pub vote_end: U256,
    pub description: String,
}

/// The proposal may be carried out from `eta_seconds` on.
#[event]
#[rustfmt::skip]
pub struct ProposalQueued { pub proposal_id: U256, pub eta_seconds: U256 }

/// The proposal was carried out.
#[event]
#[rustfmt::skip]
pub struct ProposalExecuted { pub proposal_id: U256 }

/// The proposal was taken back.
#[event]
#[rustfmt::skip]
pub struct ProposalCanceled { pub proposal_id: U256 }

/// `voter` voted with `weight` votes: 0 against, 1 for, 2 abstain.
#[event]
pub struct VoteCast {
    #[indexed]
    pub voter: Address,
    pub proposal_id: U256,
    pub support: u8,
    pub weight: U256,
    pub reason: String,
}

/// Another timelock carries out what is decided.
#[event]
#[rustfmt::skip]
pub struct TimelockChange { pub old_timelock: Address, pub new_timelock: Address }
