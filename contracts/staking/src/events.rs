//! What the contract tells the world. System calls leave no logs.

use esker_sdk::prelude::*;

/// A validator came to be.
#[event]
pub struct ValidatorCreated {
    #[indexed]
    pub operator: Address,
    pub public_key: B256,
    pub commission_bps: u16,
    pub name: String,
    pub stake: U256,
}

/// A validator changed its name or its commission, which holds from `epoch` on.
#[event]
pub struct ValidatorEdited {
    #[indexed]
    pub operator: Address,
    pub name: String,
    pub commission_bps: u16,
    pub epoch: u64,
}

/// A validator may be chosen from now on.
#[event]
pub struct CandidateEntered {
    #[indexed]
    pub validator: Address,
}

/// A validator lost its place among the candidates to one with more stake.
#[event]
pub struct CandidateReplaced {
    #[indexed]
    pub validator: Address,
    #[indexed]
    pub by: Address,
}

/// Coins were bonded.
#[event]
pub struct Delegated {
    #[indexed]
    pub delegator: Address,
    #[indexed]
    pub validator: Address,
    pub amount: U256,
}

/// Coins can be withdrawn from epoch `matures` on.
#[event]
pub struct Undelegated {
    #[indexed]
    pub delegator: Address,
    #[indexed]
    pub validator: Address,
    pub amount: U256,
    pub matures: u64,
}

/// Bonded coins moved from one validator to another.
#[event]
pub struct Redelegated {
    #[indexed]
    pub delegator: Address,
    #[indexed]
    pub from: Address,
    #[indexed]
    pub to: Address,
    pub amount: U256,
}

/// Unbonded coins were paid out.
#[event]
pub struct Withdrawn {
    #[indexed]
    pub delegator: Address,
    #[indexed]
    pub validator: Address,
    pub amount: U256,
}

/// A delegator's rewards were paid out.
#[event]
pub struct RewardsClaimed {
    #[indexed]
    pub delegator: Address,
    #[indexed]
    pub validator: Address,
    pub amount: U256,
}

/// An operator's commission was paid out.
#[event]
pub struct CommissionClaimed {
    #[indexed]
    pub operator: Address,
    pub amount: U256,
}

/// Rewards for evidence were paid out.
#[event]
pub struct ReportClaimed {
    #[indexed]
    pub reporter: Address,
    pub amount: U256,
}

/// A validator is out of jail.
#[event]
pub struct Unjailed {
    #[indexed]
    pub operator: Address,
}

/// A validator lost `amount` of the coins bonded to it, for what it did in `epoch`, and is out for ever. `reporter` is who
/// may claim the reward.
#[event]
pub struct Slashed {
    #[indexed]
    pub validator: Address,
    #[indexed]
    pub reporter: Address,
    pub epoch: u64,
    pub amount: U256,
    pub reward: U256,
}

/// Coins that had left a slashed validator lost `amount`.
#[event]
pub struct SlashSettled {
    #[indexed]
    pub delegator: Address,
    #[indexed]
    pub validator: Address,
    pub amount: U256,
}
