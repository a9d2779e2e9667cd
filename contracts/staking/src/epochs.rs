//! Blocks and epochs: who gets a block's rewards, who is jailed, who validates next.

use esker_sdk::prelude::*;

use crate::math::{COIN, part, per_share, powers_of};
use crate::params::CANDIDATES_MAX;
use crate::staking::{Error, Staking};
use crate::views::NextValidator;

impl Staking {
    /// The epoch of the block being executed.
    pub(crate) fn now(&self, cx: &Context) -> u64 {
        self.params.epoch_of(cx.block_number())
    }

    /// Gives a block's rewards to its proposer and whoever delegated to it.
    pub(crate) fn distribute(&mut self, proposer: Address, rewards: u128, now: u64) {
        let rewards = rewards + self.totals.unallocated.get();
        let mut record = self.validators.at_mut(proposer);
        let shares = record.shares.get();
        if rewards == 0 || shares == 0 {
            self.totals.unallocated.set(rewards);
            return;
        }
        let commission = part(rewards, record.commission_in(now));
        let rest = rewards - commission;
        record.commission.add(commission);
        record.rewards_per_share.add(per_share(rest, shares));
        self.totals.unallocated.set(0u128);
        self.totals.commissions.add(commission);
        self.totals.rewards.add(rest);
    }

    /// Counts the block's proposer slots: that of its proposer, and those of who should have proposed before.
    pub(crate) fn count_slots(&mut self, proposer: Address, missed: &[Address], now: u64) {
        // Of very many rounds the first count: that keeps the cost bounded, whatever the runtime hands over.
        let missed = missed.iter().take(CANDIDATES_MAX.into());
        for (operator, is_missed) in missed.map(|operator| (*operator, true)).chain([(proposer, false)]) {
            let mut record = self.validators.at_mut(operator);
            if record.exists() {
                record.count_slot(now, is_missed);
            }
        }
    }

    /// The present set, with the powers it was given.
    pub(crate) fn active_set(&self) -> Vec<(Address, u64)> {
        let seat = |index| {
            let seat = self.active.at(index);
            (seat.operator.get(), seat.power.get())
        };
        (0..self.active.len()).map(seat).collect()
    }

    /// Jails who missed too many slots in the epoch, the worst first, as long as less than a third of the present set's
    /// power is jailed: more would stop the chain.
    pub(crate) fn jail_absent(&mut self, present: &[(Address, u64)], now: u64) {
        let mut absent = Vec::new();
        for (operator, power) in present {
            let record = self.validators.at(*operator);
            let (slots, missed) = record.slots_in(now);
            if missed > 0 && self.params.is_downtime(slots, missed) && !record.is_tombstoned.get() {
                absent.push((missed, *operator, *power));
            }
        }
        absent.sort_unstable_by_key(|(missed, operator, _)| (u32::MAX - missed, *operator));
        let total: u64 = present.iter().map(|(_, power)| power).sum();
        let mut jailed = 0;
        for (_, operator, power) in absent {
            if (jailed + power) * 3 < total {
                jailed += power;
                self.leave_candidates(operator);
                let until = self.params.release(now);
                let mut record = self.validators.at_mut(operator);
                record.is_jailed.set(true);
                record.jailed_until.set(until);
            }
        }
    }

    /// Chooses the next set among the candidates, and drops those whose operator no longer has enough at stake.
    ///
    /// Empty if nobody is left; the present set stays then.
    pub(crate) fn choose_set(&mut self) -> Vec<NextValidator> {
        let mut chosen = Vec::new();
        for operator in self.candidates.to_vec() {
            if self.self_bond(operator) < self.params.min_self_bond() {
                self.leave_candidates(operator);
            } else {
                chosen.push((self.validators.at(operator).tokens.get(), operator));
            }
        }
        chosen.sort_unstable_by_key(|(stake, operator)| (u128::MAX - stake, *operator));
        chosen.truncate(self.params.max_validators());
        let coins: Vec<u128> = chosen.iter().map(|(stake, _)| stake / COIN).collect();
        let next = |(power, (_, operator)): (u64, (u128, Address))| {
            let public_key = self.validators.at(operator).public_key.get();
            (power > 0).then_some(NextValidator { operator, public_key, power })
        };
        let next: Vec<_> = powers_of(&coins).into_iter().zip(chosen).filter_map(next).collect();
        if !next.is_empty() {
            self.set_active(&next);
        }
        next
    }

    fn set_active(&mut self, next: &[NextValidator]) {
        while self.active.len() > next.len() as u64 {
            self.active.shrink();
        }
        for (index, validator) in (0..).zip(next) {
            let mut seat = if index < self.active.len() { self.active.at_mut(index) } else { self.active.grow() };
            seat.operator.set(validator.operator);
            seat.power.set(validator.power);
        }
    }

    /// Makes a validator a candidate. Where all seats are taken it needs more stake than the one with the least, whose seat
    /// it gets: the one that lost it is returned.
    pub(crate) fn join_candidates(&mut self, operator: Address) -> Result<Option<Address>, Error> {
        let record = self.validators.at(operator);
        let is_out = record.is_jailed.get() || record.is_tombstoned.get();
        ensure!(
            record.exists() && !is_out && self.self_bond(operator) >= self.params.min_self_bond(),
            Error::NotEligible { validator: operator }
        );
        ensure!(record.seat.get() == 0, Error::AlreadyCandidate { validator: operator });
        let mut replaced = None;
        if self.candidates.len() >= u64::from(CANDIDATES_MAX) {
            let (least, loser) = self.least_candidate();
            let have = self.validators.at(operator).tokens.get();
            ensure!(have > least, Error::CandidatesFull { have: have.into(), least: least.into() });
            self.leave_candidates(loser);
            replaced = Some(loser);
        }
        self.candidates.push(operator);
        let seat = u8::try_from(self.candidates.len()).unwrap_or(u8::MAX);
        self.validators.at_mut(operator).seat.set(seat);
        Ok(replaced)
    }

    /// The candidate with the least stake. One whose operator has too little in it counts as having none.
    fn least_candidate(&self) -> (u128, Address) {
        let weight = |operator: Address| {
            let is_eligible = self.self_bond(operator) >= self.params.min_self_bond();
            if is_eligible { self.validators.at(operator).tokens.get() } else { 0 }
        };
        let all = self.candidates.to_vec().into_iter().map(|operator| (weight(operator), operator));
        // Of equals the one with the higher address goes, as it also comes later in a set.
        all.min_by_key(|(stake, operator)| (*stake, core::cmp::Reverse(*operator))).unwrap_or_default()
    }

    /// Takes a validator off the candidates, if it is one.
    pub(crate) fn leave_candidates(&mut self, operator: Address) {
        let seat = self.validators.at(operator).seat.get();
        let Some(index) = u64::from(seat).checked_sub(1) else { return };
        self.candidates.swap_remove(index);
        self.validators.at_mut(operator).seat.set(0u8);
        if index < self.candidates.len() {
            let moved = self.candidates.get(index);
            self.validators.at_mut(moved).seat.set(seat);
        }
    }
}
