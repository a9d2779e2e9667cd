//! What JSON-RPC tells of staking, as data: the server sends it, the command line reads it.

use alloy_primitives::{Address, B256, U64, U256};
use esker_light::Epochs;
use serde::{Deserialize, Serialize};

use super::Staking;

/// An epoch, seen from one of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Epoch {
    /// Its number, from 0.
    pub number: U64,
    /// Its first block.
    pub first_block: U64,
    /// Its last block: the set changes after it.
    pub last_block: U64,
    /// Blocks of it that are still to come.
    pub blocks_left: U64,
}

impl Epoch {
    /// The epoch of a block; block 0 counts to the first.
    #[must_use]
    pub fn of(block: u64, length: u64) -> Self {
        let epochs = Epochs::of_length(length);
        let number = epochs.of(block);
        let (first_block, last_block) = (epochs.first_block(number), epochs.last_block(number));
        Self {
            number: U64::from(number),
            first_block: U64::from(first_block),
            last_block: U64::from(last_block),
            blocks_left: U64::from(last_block.saturating_sub(block)),
        }
    }
}

/// What the staking contract says of a validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// What it calls itself.
    pub name: String,
    /// Coins bonded to it, in wei.
    pub stake: U256,
    /// The operator's part of them, in wei.
    pub self_bond: U256,
    /// The commission in the block's epoch, in basis points.
    pub commission_bps: u16,
    /// The commission from the next epoch on, in basis points.
    pub next_commission_bps: u16,
    /// Commission that was not claimed, in wei.
    pub commission: U256,
    /// Proposer slots in the block's epoch.
    pub slots: u32,
    /// How many of them it missed.
    pub missed: u32,
    /// Whether it is jailed.
    pub is_jailed: bool,
    /// If so, the first epoch in which it may come back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub jailed_until: Option<U64>,
    /// Whether it was slashed and is out for ever.
    pub is_tombstoned: bool,
    /// If so, the epoch of the offence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offence_epoch: Option<U64>,
    /// Whether it may be chosen at the epoch's end.
    pub is_candidate: bool,
}

impl From<Staking::ValidatorInfo> for Standing {
    fn from(info: Staking::ValidatorInfo) -> Self {
        Self {
            name: info.name,
            stake: info.stake,
            self_bond: info.selfBond,
            commission_bps: info.commissionBps,
            next_commission_bps: info.nextCommissionBps,
            commission: info.commission,
            slots: info.slots,
            missed: info.missed,
            is_jailed: info.isJailed,
            jailed_until: info.isJailed.then(|| U64::from(info.jailedUntil)),
            is_tombstoned: info.isTombstoned,
            offence_epoch: info.isTombstoned.then(|| U64::from(info.offenceEpoch)),
            is_candidate: info.isCandidate,
        }
    }
}

/// One of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Its operator's account, and its name on the chain.
    pub address: Address,
    /// The Ed25519 key that it votes with.
    pub public_key: B256,
    /// The weight of its vote.
    pub power: U64,
    /// What the contract says of it, where it can be asked.
    #[serde(flatten)]
    pub standing: Option<Standing>,
}

/// What `esker_validators` says: who decides about the block after the one named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatorSet {
    /// The block named.
    pub block: U64,
    /// All voting power together.
    pub total_power: U64,
    /// The block's epoch, on a chain with staking.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub epoch: Option<Epoch>,
    /// Its members, in the order of the state.
    pub validators: Vec<Member>,
}

/// Somebody who may be chosen, or is in the set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Its operator's account, and its name on the chain.
    pub address: Address,
    /// The Ed25519 key that it votes with.
    pub public_key: B256,
    /// The weight of its vote now; 0 if it is not in the set.
    pub power: U64,
    /// The weight that its vote would have if the epoch ended with the next block; 0 if it would not be in the set.
    pub next_power: U64,
    /// What the contract says of it.
    #[serde(flatten)]
    pub standing: Standing,
}

impl Candidate {
    /// A validator that is neither in the set nor a candidate: what the contract says of it.
    #[must_use]
    pub fn outside(info: Staking::ValidatorInfo) -> Self {
        let (address, public_key, none) = (info.operator, info.publicKey, U64::ZERO);
        Self { address, public_key, power: none, next_power: none, standing: info.into() }
    }
}

/// What `esker_candidates` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidates {
    /// The block named.
    pub block: U64,
    /// Its epoch.
    pub epoch: Epoch,
    /// All voting power of the present set.
    pub total_power: U64,
    /// All that of the set as the next block would choose it.
    pub next_total_power: U64,
    /// The candidates, and who is in the set without being one any more: by most stake, then by lower address.
    pub candidates: Vec<Candidate>,
}

/// Stake that came from another validator and still answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lot {
    /// For whose offences.
    pub source: Address,
    /// For those up to which epoch.
    pub epoch: U64,
    /// How many shares.
    pub shares: U256,
}

/// Coins on their way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unbonding {
    /// Wei.
    pub amount: U256,
    /// The epoch in which they were unbonded.
    pub epoch: U64,
    /// The epoch from which on they can be withdrawn.
    pub matures: U64,
    /// Whether an offence of the validator may still slash them.
    pub is_at_risk: bool,
    /// Another validator whose offences may still slash them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<Address>,
}

/// What an account has in one validator, after every slash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// The validator.
    pub validator: Address,
    /// What it calls itself.
    pub name: String,
    /// Bonded coins, in wei.
    pub stake: U256,
    /// What of them can be redelegated, in wei.
    pub redelegable: U256,
    /// Shares in the validator.
    pub shares: U256,
    /// Shares that a slash took or takes when they are next touched.
    pub lost_shares: U256,
    /// What came from other validators and may yet be slashed for them.
    pub lots: Vec<Lot>,
    /// Rewards that can be claimed, in wei.
    pub rewards: U256,
    /// Coins on their way out.
    pub unbonding: Vec<Unbonding>,
    /// Whether the validator is jailed.
    pub is_jailed: bool,
    /// Whether the validator was slashed and is out for ever.
    pub is_tombstoned: bool,
}

impl Position {
    /// What an account has in a validator, from the contract's answers.
    #[must_use]
    pub fn new(
        validator: &Staking::ValidatorInfo,
        delegation: Staking::DelegationInfo,
        rewards: U256,
        unbonding: Vec<Staking::UnbondingInfo>,
    ) -> Self {
        let lot = |lot: Staking::LotInfo| Lot { source: lot.source, epoch: U64::from(lot.epoch), shares: lot.shares };
        let entry = |entry: Staking::UnbondingInfo| Unbonding {
            amount: entry.amount,
            epoch: U64::from(entry.epoch),
            matures: U64::from(entry.matures),
            is_at_risk: entry.isAtRisk,
            source: Some(entry.source).filter(|source| !source.is_zero()),
        };
        Self {
            validator: validator.operator,
            name: validator.name.clone(),
            stake: delegation.stake,
            redelegable: delegation.redelegable,
            shares: delegation.shares,
            lost_shares: delegation.lostShares,
            lots: delegation.lots.into_iter().map(lot).collect(),
            rewards,
            unbonding: unbonding.into_iter().map(entry).collect(),
            is_jailed: validator.isJailed,
            is_tombstoned: validator.isTombstoned,
        }
    }

    /// Whether there is anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let amounts = [self.shares, self.lost_shares, self.rewards];
        amounts.iter().all(U256::is_zero) && self.unbonding.is_empty()
    }
}

/// What `esker_stakingAccount` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The account.
    pub address: Address,
    /// The block named.
    pub block: U64,
    /// Its epoch.
    pub epoch: Epoch,
    /// In which validators it has anything, of those that were asked.
    pub positions: Vec<Position>,
    /// How many validators were asked.
    pub asked: U64,
    /// Rewards for evidence that it can claim, in wei.
    pub report: U256,
    /// Its own validator's commission that it can claim, in wei; absent if it is no validator.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub commission: Option<U256>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_counted_as_the_contract_counts_them() {
        let facts = |block| {
            let Epoch { number, first_block, last_block, blocks_left } = Epoch::of(block, 10);
            [number, first_block, last_block, blocks_left].map(|number| number.to::<u64>())
        };
        assert_eq!(facts(0), [0, 1, 10, 10]);
        assert_eq!(facts(1), [0, 1, 10, 9]);
        assert_eq!(facts(10), [0, 1, 10, 0]);
        assert_eq!(facts(11), [1, 11, 20, 9]);
    }

    #[test]
    fn a_member_without_a_contract_has_the_plain_fields_only() {
        let plain = Member { address: Address::ZERO, public_key: B256::ZERO, power: U64::from(3), standing: None };
        let json = serde_json::to_value(&plain).expect("JSON");
        let names: Vec<&String> = json.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["address", "power", "publicKey"]);
        assert_eq!(serde_json::from_value::<Member>(json).expect("it reads back"), plain);
    }
}
