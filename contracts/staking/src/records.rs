//! What the contract stores about validators and delegations, and the same as plain values.

use esker_sdk::prelude::*;

/// A validator. It exists once it has a key, and for ever.
#[storage]
pub struct ValidatorRecord {
    pub(crate) public_key: Cell<B256>,
    /// Coins bonded to it.
    pub(crate) tokens: Cell<u128>,
    /// Shares in these coins. As many as coins until it is slashed.
    pub(crate) shares: Cell<u128>,
    /// Rewards that a share has earned since the beginning, times 2^128.
    pub(crate) rewards_per_share: Cell<U256>,
    /// Commission that was not claimed.
    pub(crate) commission: Cell<u128>,
    pub(crate) commission_bps: Cell<u16>,
    /// The commission from `next_commission_epoch` on.
    pub(crate) next_commission_bps: Cell<u16>,
    pub(crate) next_commission_epoch: Cell<u64>,
    pub(crate) jailed_until: Cell<u64>,
    /// The epoch of the offence that it is tombstoned for.
    pub(crate) offence_epoch: Cell<u64>,
    pub(crate) is_jailed: Cell<bool>,
    pub(crate) is_tombstoned: Cell<bool>,
    /// Its place among the candidates, counted from 1.
    pub(crate) seat: Cell<u8>,
    /// The epoch that the two counters are about; in any other they count as zero.
    pub(crate) slots_epoch: Cell<u64>,
    pub(crate) slots: Cell<u32>,
    pub(crate) missed: Cell<u32>,
    pub(crate) name: Text,
}

impl ValidatorRecord {
    /// Whether there is such a validator.
    #[must_use]
    pub fn exists(&self) -> bool {
        !self.public_key.get().is_zero()
    }

    /// Coins that so many shares are worth, rounded down.
    #[must_use]
    pub fn worth(&self, shares: u128) -> u128 {
        if shares == 0 { 0 } else { crate::math::share_down(shares, self.tokens.get(), self.shares.get()) }
    }

    /// The commission that holds in an epoch.
    #[must_use]
    pub fn commission_in(&self, epoch: u64) -> u16 {
        if epoch >= self.next_commission_epoch.get() { &self.next_commission_bps } else { &self.commission_bps }.get()
    }

    /// Proposer slots that it had in an epoch, and how many of them it missed.
    #[must_use]
    pub fn slots_in(&self, epoch: u64) -> (u32, u32) {
        if self.slots_epoch.get() == epoch { (self.slots.get(), self.missed.get()) } else { (0, 0) }
    }

    /// Counts a slot.
    pub fn count_slot(&mut self, epoch: u64, is_missed: bool) {
        let (slots, missed) = self.slots_in(epoch);
        self.slots_epoch.set(epoch);
        self.slots.set(slots.saturating_add(1));
        self.missed.set(missed.saturating_add(is_missed.into()));
    }
}

/// One of the present set, in a slot of storage.
#[storage]
pub struct ActiveRecord {
    pub(crate) operator: Cell<Address>,
    pub(crate) power: Cell<u64>,
}

/// What somebody has in a validator.
#[storage]
pub struct DelegationRecord {
    pub(crate) shares: Cell<u128>,
    /// Rewards earned up to `checkpoint` and not claimed.
    pub(crate) unpaid: Cell<u128>,
    /// The validator's rewards per share when the shares last changed.
    pub(crate) checkpoint: Cell<U256>,
    pub(crate) lots: List<LotRecord>,
}

/// A [`Lot`] in storage.
#[storage]
pub struct LotRecord {
    source: Cell<Address>,
    epoch: Cell<u64>,
    shares: Cell<u128>,
}

/// An [`Unbonding`] in storage.
#[storage]
pub struct UnbondingRecord {
    amount: Cell<u128>,
    epoch: Cell<u64>,
    is_at_risk: Cell<bool>,
    source: Cell<Address>,
    source_epoch: Cell<u64>,
}

/// Shares that came from another validator and still answer for what that one did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Whom they came from.
    pub source: Address,
    /// The epoch in which they left it: they answer for its offences up to that one.
    pub epoch: u64,
    /// Shares of the validator that they are in now.
    pub shares: u128,
}

/// Coins on their way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbonding {
    /// Wei.
    pub amount: u128,
    /// The epoch in which they were unbonded.
    pub epoch: u64,
    /// Whether they still answer for what the validator did up to that epoch.
    pub is_at_risk: bool,
    /// The validator that they had left for this one, and answer for too; zero if there is none.
    pub source: Address,
    /// The epoch in which they left it.
    pub source_epoch: u64,
}

/// Reads all lots of a delegation.
#[must_use]
pub fn lots(list: &List<LotRecord>) -> Vec<Lot> {
    let lot = |record: &LotRecord| Lot {
        source: record.source.get(),
        epoch: record.epoch.get(),
        shares: record.shares.get(),
    };
    (0..list.len()).map(|index| lot(&list.at(index))).collect()
}

/// Makes a list have so many elements.
fn resize<V: esker_sdk::storage::Stored>(list: &mut List<V>, length: usize) {
    while list.len() > length as u64 {
        list.shrink();
    }
    while list.len() < length as u64 {
        list.grow();
    }
}

/// Replaces the lots of a delegation.
pub fn set_lots(list: &mut List<LotRecord>, lots: &[Lot]) {
    resize(list, lots.len());
    for (index, lot) in (0..).zip(lots) {
        let mut record = list.at_mut(index);
        record.source.set(lot.source);
        record.epoch.set(lot.epoch);
        record.shares.set(lot.shares);
    }
}

/// Reads all coins on their way out.
#[must_use]
pub fn unbondings(list: &List<UnbondingRecord>) -> Vec<Unbonding> {
    let unbonding = |record: &UnbondingRecord| Unbonding {
        amount: record.amount.get(),
        epoch: record.epoch.get(),
        is_at_risk: record.is_at_risk.get(),
        source: record.source.get(),
        source_epoch: record.source_epoch.get(),
    };
    (0..list.len()).map(|index| unbonding(&list.at(index))).collect()
}

/// Replaces the coins on their way out.
pub fn set_unbondings(list: &mut List<UnbondingRecord>, unbondings: &[Unbonding]) {
    resize(list, unbondings.len());
    for (index, unbonding) in (0..).zip(unbondings) {
        let mut record = list.at_mut(index);
        record.amount.set(unbonding.amount);
        record.epoch.set(unbonding.epoch);
        record.is_at_risk.set(unbonding.is_at_risk);
        record.source.set(unbonding.source);
        record.source_epoch.set(unbonding.source_epoch);
    }
}

/// Where all coins of the contract are: the parts sum to what it was ever given and has not paid out.
#[storage]
pub struct TotalsRecord {
    pub(crate) bonded: Cell<u128>,
    pub(crate) unbonding: Cell<u128>,
    pub(crate) rewards: Cell<u128>,
    pub(crate) commissions: Cell<u128>,
    pub(crate) unallocated: Cell<u128>,
    pub(crate) burned: Cell<u128>,
    pub(crate) reports: Cell<u128>,
}
