//! What a chain's genesis decides about staking, once and for all.

use esker_sdk::prelude::*;

use crate::math::{COIN, WHOLE_BPS};

/// Most candidates, and most validators of a set (the runtime's own limit).
pub const CANDIDATES_MAX: u16 = 100;
/// Inflation stays below so many wei a block, 1.2 million coins: in 2^39 blocks less than 2^119 wei come into being.
pub const INFLATION_MAX: u128 = 1 << 80;

/// The parameters, as the constructor takes them and `params()` gives them. Amounts are in wei, fractions in basis points.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// Blocks of an epoch. Block h, from 1 on, belongs to epoch (h − 1) / `epoch_length`.
    pub epoch_length: u32,
    /// Epochs that unbonding stake waits.
    pub unbonding_epochs: u32,
    /// Evidence is accepted in fewer than this many epochs after the offence's; less than `unbonding_epochs`.
    pub evidence_epochs: u32,
    /// Most validators of a set.
    pub max_validators: u16,
    /// Least stake of an operator in its own validator.
    pub min_self_bond: U256,
    /// Least amount of a delegation or redelegation.
    pub min_delegation: U256,
    /// What equivocation costs.
    pub slash_bps: u16,
    /// Which part of the operator's own slashed stake goes to who submitted the evidence.
    pub reporter_bps: u16,
    /// Epochs that a jailed validator sits out at least.
    pub jail_epochs: u32,
    /// A validator is jailed if it missed more than this part of its proposer slots in an epoch …
    pub missed_slots_bps: u16,
    /// … and at least this many.
    pub missed_slots_min: u32,
    /// How much a commission may change from one epoch to the next.
    pub max_commission_step_bps: u16,
    /// What the runtime mints for a block's proposer. The contract only tells it.
    pub inflation_per_block: U256,
}

impl Params {
    /// Whether a chain can be run by them.
    #[must_use]
    pub fn are_sound(&self) -> bool {
        let fractions = [self.slash_bps, self.reporter_bps, self.missed_slots_bps, self.max_commission_step_bps];
        // Evidence must come while what it slashes is still here.
        let in_time = (1..self.unbonding_epochs).contains(&self.evidence_epochs);
        // A validator with the least self-bond must have voting power.
        let amounts = [self.min_self_bond, self.min_delegation];
        self.epoch_length > 0
            && self.jail_epochs > 0
            && in_time
            && (1..=CANDIDATES_MAX).contains(&self.max_validators)
            && fractions.iter().all(|bps| *bps <= WHOLE_BPS)
            && amounts.iter().all(|amount| amount.to_u128().is_some())
            && self.min_self_bond >= U256::from(COIN)
            && !self.min_delegation.is_zero()
            && self.inflation_per_block < U256::from(INFLATION_MAX)
    }
}

/// The parameters in storage: three slots.
#[storage]
pub struct ParamsStore {
    epoch_length: Cell<u32>,
    unbonding_epochs: Cell<u32>,
    evidence_epochs: Cell<u32>,
    jail_epochs: Cell<u32>,
    missed_slots_min: Cell<u32>,
    max_validators: Cell<u16>,
    slash_bps: Cell<u16>,
    reporter_bps: Cell<u16>,
    missed_slots_bps: Cell<u16>,
    max_commission_step_bps: Cell<u16>,
    min_self_bond: Cell<u128>,
    min_delegation: Cell<u128>,
    inflation_per_block: Cell<u128>,
}

impl ParamsStore {
    /// Keeps the parameters.
    pub fn set(&mut self, params: &Params) {
        self.epoch_length.set(params.epoch_length);
        self.unbonding_epochs.set(params.unbonding_epochs);
        self.evidence_epochs.set(params.evidence_epochs);
        self.jail_epochs.set(params.jail_epochs);
        self.missed_slots_min.set(params.missed_slots_min);
        self.max_validators.set(params.max_validators);
        self.slash_bps.set(params.slash_bps);
        self.reporter_bps.set(params.reporter_bps);
        self.missed_slots_bps.set(params.missed_slots_bps);
        self.max_commission_step_bps.set(params.max_commission_step_bps);
        self.min_self_bond.set(crate::math::amount(params.min_self_bond));
        self.min_delegation.set(crate::math::amount(params.min_delegation));
        self.inflation_per_block.set(crate::math::amount(params.inflation_per_block));
    }

    /// All of them.
    #[must_use]
    pub fn get(&self) -> Params {
        Params {
            epoch_length: self.epoch_length.get(),
            unbonding_epochs: self.unbonding_epochs.get(),
            evidence_epochs: self.evidence_epochs.get(),
            max_validators: self.max_validators.get(),
            min_self_bond: self.min_self_bond.get().into(),
            min_delegation: self.min_delegation.get().into(),
            slash_bps: self.slash_bps.get(),
            reporter_bps: self.reporter_bps.get(),
            jail_epochs: self.jail_epochs.get(),
            missed_slots_bps: self.missed_slots_bps.get(),
            missed_slots_min: self.missed_slots_min.get(),
            max_commission_step_bps: self.max_commission_step_bps.get(),
            inflation_per_block: self.inflation_per_block.get().into(),
        }
    }

    /// The epoch of a block; block 0 counts to the first.
    #[must_use]
    pub fn epoch_of(&self, height: u64) -> u64 {
        height.saturating_sub(1) / u64::from(self.epoch_length.get()).max(1)
    }

    /// The epoch in which what is unbonded in `epoch` can be withdrawn.
    #[must_use]
    pub fn matures(&self, epoch: u64) -> u64 {
        epoch.saturating_add(self.unbonding_epochs.get().into())
    }

    /// Whether evidence of an offence in `epoch` comes too late in epoch `now`.
    #[must_use]
    pub fn is_past(&self, epoch: u64, now: u64) -> bool {
        now.saturating_sub(epoch) >= u64::from(self.evidence_epochs.get())
    }

    /// The first epoch in which a validator that is jailed at the end of `epoch` may come back.
    #[must_use]
    pub fn release(&self, epoch: u64) -> u64 {
        epoch.saturating_add(self.jail_epochs.get().into())
    }

    /// Whether so many misses among so many slots put a validator into jail.
    #[must_use]
    pub fn is_downtime(&self, slots: u32, missed: u32) -> bool {
        let share = u64::from(slots) * u64::from(self.missed_slots_bps.get());
        missed >= self.missed_slots_min.get() && u64::from(missed) * u64::from(WHOLE_BPS) > share
    }

    /// See [`Params::max_validators`].
    #[must_use]
    pub fn max_validators(&self) -> usize {
        self.max_validators.get().into()
    }

    /// See [`Params::min_self_bond`].
    #[must_use]
    pub fn min_self_bond(&self) -> u128 {
        self.min_self_bond.get()
    }

    /// See [`Params::min_delegation`].
    #[must_use]
    pub fn min_delegation(&self) -> u128 {
        self.min_delegation.get()
    }

    /// See [`Params::slash_bps`].
    #[must_use]
    pub fn slash_bps(&self) -> u16 {
        self.slash_bps.get()
    }

    /// See [`Params::reporter_bps`].
    #[must_use]
    pub fn reporter_bps(&self) -> u16 {
        self.reporter_bps.get()
    }

    /// See [`Params::max_commission_step_bps`].
    #[must_use]
    pub fn max_commission_step_bps(&self) -> u16 {
        self.max_commission_step_bps.get()
    }
}
