//! What the contract answers to questions.

use esker_sdk::prelude::*;

use crate::records::{Lot, Unbonding};
use crate::staking::{Error, Staking};

/// A validator of the genesis set.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct GenesisValidator {
    /// The account that runs it, and its name on the chain.
    pub operator: Address,
    /// The Ed25519 key that it votes with.
    pub public_key: B256,
    /// Its commission.
    pub commission_bps: u16,
    /// Its stake in itself, in wei.
    pub self_bond: U256,
}

/// A validator of the next set.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct NextValidator {
    /// Its name on the chain.
    pub operator: Address,
    /// The Ed25519 key that it votes with.
    pub public_key: B256,
    /// The weight of its vote.
    pub power: u64,
}

/// Everything about a validator.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct ValidatorInfo {
    /// The account that runs it.
    pub operator: Address,
    /// The Ed25519 key that it votes with.
    pub public_key: B256,
    /// What it calls itself.
    pub name: String,
    /// Coins bonded to it.
    pub stake: U256,
    /// Shares in them.
    pub shares: U256,
    /// The operator's part of the stake.
    pub self_bond: U256,
    /// The commission now.
    pub commission_bps: u16,
    /// The commission from the next epoch on.
    pub next_commission_bps: u16,
    /// Commission that was not claimed.
    pub commission: U256,
    /// Proposer slots in this epoch.
    pub slots: u32,
    /// How many of them it missed.
    pub missed: u32,
    /// Whether it is jailed.
    pub is_jailed: bool,
    /// If so, the first epoch in which it may come back.
    pub jailed_until: u64,
    /// Whether it was slashed and is out for ever.
    pub is_tombstoned: bool,
    /// If so, the epoch of the offence.
    pub offence_epoch: u64,
    /// Whether it is among the candidates.
    pub is_candidate: bool,
}

/// Redelegated stake that may yet be slashed.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct LotInfo {
    /// For whose offences.
    pub source: Address,
    /// For offences up to which epoch.
    pub epoch: u64,
    /// How many shares.
    pub shares: U256,
}

/// What somebody has in a validator, after every slash.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct DelegationInfo {
    /// Shares.
    pub shares: U256,
    /// What they are worth, in wei.
    pub stake: U256,
    /// What of it can be redelegated, in wei.
    pub redelegable: U256,
    /// Shares that a slash is still to be applied to are not in `shares`; these are they.
    pub lost_shares: U256,
    /// The shares that came from other validators and may yet be slashed for them.
    pub lots: Vec<LotInfo>,
}

/// Coins on their way out, after every slash.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct UnbondingInfo {
    /// Wei.
    pub amount: U256,
    /// The epoch in which they can be withdrawn.
    pub matures: u64,
    /// The epoch in which they were unbonded.
    pub epoch: u64,
    /// Whether an offence of the validator may still slash them.
    pub is_at_risk: bool,
    /// Another validator whose offences may still slash them, or zero.
    pub source: Address,
    /// For its offences up to which epoch.
    pub source_epoch: u64,
}

/// Where the contract's coins are, in wei. They sum to its balance less what was sent to it otherwise.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Bonded to validators.
    pub bonded: U256,
    /// On their way out.
    pub unbonding: U256,
    /// Rewards of delegators not yet claimed, with what rounding left.
    pub rewards: U256,
    /// Commissions not yet claimed.
    pub commissions: U256,
    /// Rewards that nobody could be given yet.
    pub unallocated: U256,
    /// Slashed, and gone for ever.
    pub burned: U256,
    /// Rewards for evidence not yet claimed.
    pub reports: U256,
}

/// Whether and how a validator was slashed.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct SlashInfo {
    /// Whether it was.
    pub is_slashed: bool,
    /// The epoch of the offence: what left the validator in that epoch or later is slashed too.
    pub offence_epoch: u64,
    /// How much of it, in basis points.
    pub slash_bps: u16,
}

impl Staking {
    pub(crate) fn validator_info(&self, operator: Address, now: u64) -> Result<ValidatorInfo, Error> {
        let record = self.validators.at(operator);
        ensure!(record.exists(), Error::NoValidator { validator: operator });
        let (slots, missed) = record.slots_in(now);
        Ok(ValidatorInfo {
            operator,
            public_key: record.public_key.get(),
            name: record.name.get(),
            stake: record.tokens.get().into(),
            shares: record.shares.get().into(),
            self_bond: self.self_bond(operator).into(),
            commission_bps: record.commission_in(now),
            next_commission_bps: record.next_commission_bps.get(),
            commission: record.commission.get().into(),
            slots,
            missed,
            is_jailed: record.is_jailed.get(),
            jailed_until: record.jailed_until.get(),
            is_tombstoned: record.is_tombstoned.get(),
            offence_epoch: record.offence_epoch.get(),
            is_candidate: record.seat.get() > 0,
        })
    }

    pub(crate) fn present_set(&self) -> Vec<NextValidator> {
        let validator = |(operator, power)| NextValidator {
            operator,
            public_key: self.validators.at(operator).public_key.get(),
            power,
        };
        self.active_set().into_iter().map(validator).collect()
    }

    pub(crate) fn delegation_info(&self, delegator: Address, validator: Address, now: u64) -> DelegationInfo {
        let position = self.position(delegator, validator, now);
        let record = self.validators.at(validator);
        let lot = |lot: &Lot| LotInfo { source: lot.source, epoch: lot.epoch, shares: lot.shares.into() };
        DelegationInfo {
            shares: position.shares.into(),
            stake: record.worth(position.shares).into(),
            redelegable: record.worth(position.free()).into(),
            lost_shares: position.lost.into(),
            lots: position.lots.iter().map(lot).collect(),
        }
    }

    pub(crate) fn unbonding_infos(&self, delegator: Address, validator: Address, now: u64) -> Vec<UnbondingInfo> {
        let info = |entry: Unbonding| UnbondingInfo {
            amount: entry.amount.into(),
            matures: self.params.matures(entry.epoch),
            epoch: entry.epoch,
            is_at_risk: entry.is_at_risk,
            source: entry.source,
            source_epoch: entry.source_epoch,
        };
        self.settled_unbondings(delegator, validator, now).0.into_iter().map(info).collect()
    }

    pub(crate) fn slash_info(&self, validator: Address) -> SlashInfo {
        let record = self.validators.at(validator);
        let is_slashed = record.is_tombstoned.get();
        let slash_bps = if is_slashed { self.params.slash_bps() } else { 0 };
        SlashInfo { is_slashed, offence_epoch: record.offence_epoch.get(), slash_bps }
    }

    pub(crate) fn all_totals(&self) -> Totals {
        Totals {
            bonded: self.totals.bonded.get().into(),
            unbonding: self.totals.unbonding.get().into(),
            rewards: self.totals.rewards.get().into(),
            commissions: self.totals.commissions.get().into(),
            unallocated: self.totals.unallocated.get().into(),
            burned: self.totals.burned.get().into(),
            reports: self.totals.reports.get().into(),
        }
    }
}
