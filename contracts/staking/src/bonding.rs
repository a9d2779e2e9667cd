//! Stake coming, moving and leaving, with what it answers for.
//!
//! Coins that leave a validator answer for its offences up to the epoch in which they leave: evidence of these may still
//! come. A validator is slashed at most once. So coins that left remember whom they left and when, and whoever touches
//! them applies that one slash, if there was one, before anything else. Nothing walks over all delegators.

use esker_sdk::prelude::*;

use crate::math::{amount, earned, share_down, share_up, slashed};
use crate::records::{Lot, Unbonding, lots, set_lots, set_unbondings, unbondings};
use crate::staking::{Error, Staking};

/// Most lots of a delegation.
pub const LOTS_MAX: usize = 8;
/// Most unbonding entries of a delegator in a validator.
pub const UNBONDINGS_MAX: usize = 16;

/// What became of a risk.
enum Verdict {
    /// Evidence may still come.
    Open,
    /// None can come any more.
    Over,
    /// It came.
    Slashed,
}

/// What somebody has in a validator, after every slash.
pub(crate) struct Position {
    pub(crate) shares: u128,
    pub(crate) lots: Vec<Lot>,
    /// Shares that a slash takes away.
    pub(crate) lost: u128,
    /// Rewards earned and not claimed.
    pub(crate) unpaid: u128,
}

impl Position {
    /// Shares in no lot.
    pub(crate) fn free(&self) -> u128 {
        self.lots.iter().fold(self.shares, |free, lot| free.saturating_sub(lot.shares))
    }
}

impl Staking {
    /// What became of coins' answering for what `source` did up to `epoch`.
    fn verdict(&self, source: Address, epoch: u64, now: u64) -> Verdict {
        let source = self.validators.at(source);
        match (source.is_tombstoned.get(), epoch >= source.offence_epoch.get()) {
            (true, true) => Verdict::Slashed,
            (true, false) => Verdict::Over,
            (false, _) if self.params.is_past(epoch, now) => Verdict::Over,
            (false, _) => Verdict::Open,
        }
    }

    /// What a delegator has in a validator now.
    pub(crate) fn position(&self, delegator: Address, validator: Address, now: u64) -> Position {
        let record = self.delegations.at((delegator, validator));
        let shares = record.shares.get();
        let grown = self.validators.at(validator).rewards_per_share.get() - record.checkpoint.get();
        let unpaid = record.unpaid.get() + earned(shares, grown);
        let (mut kept, mut lost) = (Vec::new(), 0);
        for lot in lots(&record.lots) {
            match self.verdict(lot.source, lot.epoch, now) {
                Verdict::Open => kept.push(lot),
                Verdict::Over => {}
                Verdict::Slashed => lost += lot.shares - slashed(lot.shares, self.params.slash_bps()),
            }
        }
        Position { shares: shares - lost, lots: kept, lost, unpaid }
    }

    /// Applies slashes and rewards to a delegation. [`Self::close`] must follow.
    ///
    /// Returns with it what the slashes took, in wei.
    pub(crate) fn open(&mut self, delegator: Address, validator: Address, now: u64) -> (Position, u128) {
        let position = self.position(delegator, validator, now);
        let mut record = self.validators.at_mut(validator);
        let taken = record.worth(position.lost);
        if position.lost > 0 {
            record.shares.sub(position.lost);
            record.tokens.sub(taken);
            self.totals.bonded.sub(taken);
            self.totals.burned.add(taken);
        }
        (position, taken)
    }

    /// Keeps a delegation.
    pub(crate) fn close(&mut self, delegator: Address, validator: Address, position: &Position) {
        let grown = self.validators.at(validator).rewards_per_share.get();
        let mut record = self.delegations.at_mut((delegator, validator));
        record.shares.set(position.shares);
        record.unpaid.set(position.unpaid);
        record.checkpoint.set(grown);
        set_lots(&mut record.lots, &position.lots);
    }

    /// Bonds coins to a validator and gives the shares in them.
    fn bond(&mut self, validator: Address, coins: u128) -> u128 {
        let mut record = self.validators.at_mut(validator);
        let (tokens, shares) = (record.tokens.get(), record.shares.get());
        let bought = if shares == 0 { coins } else { share_down(coins, shares, tokens) };
        record.tokens.set(tokens + coins);
        record.shares.set(shares + bought);
        bought
    }

    /// Takes coins out of a validator: how many shares that costs whoever has `owned` shares.
    ///
    /// All that they are worth costs them all, so that no share is left without a coin.
    fn unbond(&mut self, validator: Address, owned: u128, coins: u128) -> Result<u128, Error> {
        let mut record = self.validators.at_mut(validator);
        let have = record.worth(owned);
        ensure!(coins > 0, Error::NoAmount {});
        ensure!(coins <= have, Error::InsufficientStake { have: have.into(), want: coins.into() });
        let (tokens, shares) = (record.tokens.get(), record.shares.get());
        let sold = if coins == have { owned } else { share_up(coins, shares, tokens).min(owned) };
        record.tokens.set(tokens - coins);
        record.shares.set(shares - sold);
        Ok(sold)
    }

    /// Refuses whom nobody can bond to.
    pub(crate) fn ensure_bondable(&self, validator: Address) -> Result<(), Error> {
        let record = self.validators.at(validator);
        ensure!(record.exists(), Error::NoValidator { validator });
        ensure!(!record.is_tombstoned.get(), Error::Tombstoned { validator });
        Ok(())
    }

    /// Adds coins that came with the call to a delegation.
    pub(crate) fn add_stake(&mut self, delegator: Address, validator: Address, coins: u128, now: u64) {
        let (mut position, _) = self.open(delegator, validator, now);
        position.shares += self.bond(validator, coins);
        self.close(delegator, validator, &position);
        self.totals.bonded.add(coins);
    }

    /// Begins unbonding: stake that is free first, then lots, the oldest first.
    pub(crate) fn begin_unbonding(
        &mut self,
        delegator: Address,
        validator: Address,
        coins: u128,
        now: u64,
    ) -> Result<(), Error> {
        ensure!(self.validators.at(validator).exists(), Error::NoValidator { validator });
        let (mut position, _) = self.open(delegator, validator, now);
        let sold = self.unbond(validator, position.shares, coins)?;
        // What was slashed with the validator itself does not answer for it twice.
        let is_at_risk = !self.validators.at(validator).is_tombstoned.get();
        let plain = Unbonding { amount: 0, epoch: now, is_at_risk, source: Address::ZERO, source_epoch: 0 };
        let from_free = position.free().min(sold);
        let mut parts = vec![(from_free, plain)];
        let mut left = sold - from_free;
        for lot in &mut position.lots {
            let taken = lot.shares.min(left);
            lot.shares -= taken;
            left -= taken;
            parts.push((taken, Unbonding { source: lot.source, source_epoch: lot.epoch, ..plain }));
        }
        position.lots.retain(|lot| lot.shares > 0);
        position.shares -= sold;
        self.close(delegator, validator, &position);

        let (mut entries, _) = self.open_unbondings(delegator, validator, now);
        let (mut coins_left, mut shares_left) = (coins, sold);
        for (shares, mut entry) in parts.into_iter().filter(|(shares, _)| *shares > 0) {
            // The last part gets what is left, so the parts are the whole.
            entry.amount = share_down(coins_left, shares, shares_left);
            coins_left -= entry.amount;
            shares_left -= shares;
            if entry.amount > 0 {
                add_entry(&mut entries, entry)?;
            }
        }
        set_unbondings(&mut self.unbondings.at_mut((delegator, validator)), &entries);
        self.totals.bonded.sub(coins);
        self.totals.unbonding.add(coins);
        Ok(())
    }

    /// Moves stake at once. It goes on answering for what the one that it leaves did, so it cannot move again for a while.
    pub(crate) fn move_stake(
        &mut self,
        delegator: Address,
        (from, to): (Address, Address),
        coins: u128,
        now: u64,
    ) -> Result<(), Error> {
        ensure!(from != to, Error::SameValidator {});
        ensure!(self.validators.at(from).exists(), Error::NoValidator { validator: from });
        self.ensure_bondable(to)?;
        let least = self.params.min_delegation();
        ensure!(coins >= least, Error::DelegationTooSmall { have: coins.into(), want: least.into() });
        let (mut position, _) = self.open(delegator, from, now);
        let free = position.free();
        let movable = self.validators.at(from).worth(free);
        if coins > movable && coins <= self.validators.at(from).worth(position.shares) {
            return Err(Error::StakeAtRisk { free: movable.into(), want: coins.into() });
        }
        position.shares -= self.unbond(from, free, coins)?;
        self.close(delegator, from, &position);

        let is_at_risk = !self.validators.at(from).is_tombstoned.get();
        let (mut position, _) = self.open(delegator, to, now);
        let shares = self.bond(to, coins);
        position.shares += shares;
        if is_at_risk {
            add_lot(&mut position.lots, Lot { source: from, epoch: now, shares })?;
        }
        self.close(delegator, to, &position);
        Ok(())
    }

    /// Coins on their way out, after every slash, and how many wei slashes take from them.
    pub(crate) fn settled_unbondings(
        &self,
        delegator: Address,
        validator: Address,
        now: u64,
    ) -> (Vec<Unbonding>, u128) {
        let bps = self.params.slash_bps();
        let mut lost = 0;
        let mut entries = unbondings(&self.unbondings.at((delegator, validator)));
        for entry in &mut entries {
            let before = entry.amount;
            if entry.is_at_risk {
                match self.verdict(validator, entry.epoch, now) {
                    Verdict::Open => {}
                    Verdict::Over => entry.is_at_risk = false,
                    Verdict::Slashed => {
                        entry.is_at_risk = false;
                        entry.amount = slashed(entry.amount, bps);
                    }
                }
            }
            if !entry.source.is_zero() {
                let verdict = self.verdict(entry.source, entry.source_epoch, now);
                if matches!(verdict, Verdict::Slashed) {
                    entry.amount = slashed(entry.amount, bps);
                }
                if !matches!(verdict, Verdict::Open) {
                    (entry.source, entry.source_epoch) = (Address::ZERO, 0);
                }
            }
            lost += before - entry.amount;
        }
        (entries, lost)
    }

    /// Applies slashes to coins on their way out. `set_unbondings` must follow. Returns with them what the slashes took.
    pub(crate) fn open_unbondings(
        &mut self,
        delegator: Address,
        validator: Address,
        now: u64,
    ) -> (Vec<Unbonding>, u128) {
        let (entries, lost) = self.settled_unbondings(delegator, validator, now);
        if lost > 0 {
            self.totals.unbonding.sub(lost);
            self.totals.burned.add(lost);
        }
        (entries, lost)
    }

    /// Takes the matured coins out of those on their way.
    pub(crate) fn take_matured(&mut self, delegator: Address, validator: Address, now: u64) -> Result<u128, Error> {
        let (mut entries, _) = self.open_unbondings(delegator, validator, now);
        let (before, mut coins) = (entries.len(), 0);
        entries.retain(|entry| {
            let is_matured = now >= self.params.matures(entry.epoch);
            if is_matured {
                coins += entry.amount;
            }
            !is_matured
        });
        ensure!(entries.len() < before, Error::NothingMatured {});
        set_unbondings(&mut self.unbondings.at_mut((delegator, validator)), &entries);
        self.totals.unbonding.sub(coins);
        Ok(coins)
    }

    /// Applies every slash to what a delegator has in a validator: what they took, in wei.
    pub(crate) fn apply_slashes(&mut self, delegator: Address, validator: Address, now: u64) -> u128 {
        let (position, taken) = self.open(delegator, validator, now);
        self.close(delegator, validator, &position);
        let (entries, lost) = self.open_unbondings(delegator, validator, now);
        set_unbondings(&mut self.unbondings.at_mut((delegator, validator)), &entries);
        taken + lost
    }

    /// Takes the rewards that a delegator has earned with a validator.
    pub(crate) fn take_rewards(&mut self, delegator: Address, validator: Address, now: u64) -> u128 {
        let (mut position, _) = self.open(delegator, validator, now);
        let coins = core::mem::take(&mut position.unpaid);
        self.close(delegator, validator, &position);
        self.totals.rewards.sub(coins);
        coins
    }

    /// The operator's stake in its own validator.
    pub(crate) fn self_bond(&self, operator: Address) -> u128 {
        self.validators.at(operator).worth(self.delegations.at((operator, operator)).shares.get())
    }

    /// Pays coins out. Whoever refuses them stops nobody but itself.
    pub(crate) fn pay(cx: &mut Context, to: Address, coins: u128) -> Result<(), Error> {
        cx.send(to, coins.into()).map_err(|_| Error::PaymentRefused { to })
    }

    /// The coins that came with the call.
    pub(crate) fn received(cx: &Context) -> u128 {
        amount(cx.value())
    }
}

/// Adds coins on their way out, to those that have the same to answer for if there are any.
fn add_entry(entries: &mut Vec<Unbonding>, entry: Unbonding) -> Result<(), Error> {
    let same = entries.iter_mut().find(|other| Unbonding { amount: entry.amount, ..**other } == entry);
    if let Some(same) = same {
        same.amount += entry.amount;
    } else {
        ensure!(entries.len() < UNBONDINGS_MAX, Error::TooManyUnbondings {});
        entries.push(entry);
    }
    Ok(())
}

/// Adds a lot, to the one with the same to answer for if there is one.
fn add_lot(lots: &mut Vec<Lot>, lot: Lot) -> Result<(), Error> {
    let same = lots.iter_mut().find(|other| (other.source, other.epoch) == (lot.source, lot.epoch));
    if let Some(same) = same {
        same.shares += lot.shares;
    } else {
        ensure!(lots.len() < LOTS_MAX, Error::TooManyLots {});
        lots.push(lot);
    }
    Ok(())
}
