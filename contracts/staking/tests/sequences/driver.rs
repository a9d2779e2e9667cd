//! A random sequence on a backend, and what must hold all along.

use std::collections::BTreeMap;

use esker_sdk::{Address, ContractError, U256};
use esker_staking::math::COIN;
use esker_staking::{Error, Params, SYSTEM};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::backend::Backend;
use crate::model::{Model, Place};

/// Each operation may round by a wei or two; no sequence is longer than half of this.
const TOLERANCE: u128 = 600;

/// Who takes part.
pub struct Cast {
    /// Operators, with their keys' seeds; the first are of genesis.
    pub operators: Vec<Address>,
    pub genesis: usize,
    pub delegators: Vec<Address>,
}

impl Cast {
    fn everybody(&self) -> Vec<Address> {
        self.operators.iter().chain(&self.delegators).copied().collect()
    }
}

/// How often things happened, to see that they do.
pub type Tally = BTreeMap<&'static str, u64>;

/// One sequence.
pub struct Sequence<'a, B> {
    pub backend: B,
    pub rng: ChaCha8Rng,
    pub cast: &'a Cast,
    pub model: Model,
    pub tally: &'a mut Tally,
}

fn small(number: U256) -> u128 {
    number.to_u128().expect("an amount of coins")
}

fn near(what: &str, have: u128, want: u128) {
    assert!(have.abs_diff(want) <= TOLERANCE, "{what}: the contract says {have}, the model {want}");
}

/// Random parameters, often at their limits.
pub fn params(rng: &mut ChaCha8Rng, epoch_length: u32) -> Params {
    let evidence_epochs = rng.random_range(1..4);
    Params {
        epoch_length,
        unbonding_epochs: evidence_epochs + rng.random_range(1..3),
        evidence_epochs,
        max_validators: rng.random_range(1..5),
        min_self_bond: U256::from(COIN),
        min_delegation: U256::from(*[1, 1_000, COIN].choose(rng).expect("some")),
        slash_bps: *[1, 333, 5_000, 9_999, 10_000].choose(rng).expect("some"),
        reporter_bps: rng.random_range(0..=10_000),
        jail_epochs: rng.random_range(1..3),
        missed_slots_bps: 5_000,
        missed_slots_min: 1,
        max_commission_step_bps: 10_000,
        inflation_per_block: U256::ZERO,
    }
}

impl<B: Backend> Sequence<'_, B> {
    fn now(&self) -> u64 {
        (self.backend.height() - 1) / u64::from(self.model.params.epoch_length)
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// The contract's own error: never a panic, an overflow, or nothing.
    fn refused(&mut self, data: &[u8]) -> Error {
        let error = Error::decode(data).unwrap_or_else(|| panic!("it reverted with {data:02x?}"));
        self.count("refused");
        error
    }

    fn somebody(&mut self) -> Address {
        *self.cast.everybody().choose(&mut self.rng).expect("somebody")
    }

    fn validator(&mut self) -> Address {
        *self.cast.operators.choose(&mut self.rng).expect("somebody")
    }

    /// Somebody and a validator, mostly such that there are coins in this place.
    fn pair(&mut self, is_there: impl Fn(Place) -> Option<Address>) -> (Address, Address) {
        let parcels = self.model.parcels.iter();
        let all: Vec<_> = parcels.filter_map(|parcel| Some((parcel.owner, is_there(parcel.place)?))).collect();
        match all.choose(&mut self.rng) {
            Some(pair) if self.rng.random_range(0..8) > 0 => *pair,
            _ => (self.somebody(), self.validator()),
        }
    }

    fn bonded_pair(&mut self) -> (Address, Address) {
        self.pair(|place| match place {
            Place::Bonded(validator) => Some(validator),
            Place::Leaving(..) => None,
        })
    }

    /// An amount that is likely to matter to who has `stake`.
    fn amount(&mut self, stake: u128) -> u128 {
        match self.rng.random_range(0..7) {
            0 => stake,
            1 => stake / 2 + 1,
            2 => stake.saturating_sub(1),
            3 => self.rng.random_range(1..4),
            4 => self.rng.random_range(1..20) * COIN + self.rng.random_range(0..3),
            _ => self.rng.random_range(0..=stake.saturating_add(2)),
        }
    }

    /// What somebody has in a validator, by the contract.
    fn stake(&mut self, owner: Address, validator: Address) -> u128 {
        small(self.backend.read(&self.backend.staking().delegation(owner, validator)).stake)
    }

    /// One step.
    pub fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..22 => self.delegate(),
            22..38 => self.undelegate(),
            38..54 => self.redelegate(),
            54..59 => self.withdraw(),
            59..63 => self.claim(),
            63..67 => self.settle(),
            67..79 => self.end_block(),
            79..88 => self.end_epoch(),
            88..92 => self.offend(),
            92..96 => self.operate(),
            _ => self.create(),
        }
    }

    fn delegate(&mut self) {
        let (who, validator) = (self.somebody(), self.validator());
        let amount = self.amount(20 * COIN);
        match self.backend.send(who, &self.backend.staking().delegate(validator).value(amount)) {
            Ok(()) => {
                self.model.bond(who, validator, amount);
                self.count("delegated");
            }
            Err(data) => {
                let error = self.refused(&data);
                let is_out = self.model.out.contains_key(&validator);
                assert!(is_out || !matches!(error, Error::Tombstoned { .. }), "{error:?}");
            }
        }
    }

    fn undelegate(&mut self) {
        let (who, validator) = self.bonded_pair();
        let stake = self.stake(who, validator);
        let (amount, now) = (self.amount(stake), self.now());
        let bonded = self.model.at(who, validator).0;
        match self.backend.send(who, &self.backend.staking().undelegate(validator, amount)) {
            Ok(()) => {
                assert!(amount <= bonded + TOLERANCE);
                self.model.unbond(who, validator, amount, now);
                self.count("undelegated");
            }
            Err(data) => {
                let error = self.refused(&data);
                let has_it = amount > 0 && amount + TOLERANCE <= bonded;
                assert!(!has_it || matches!(error, Error::TooManyUnbondings {}), "{amount} of {bonded}: {error:?}");
            }
        }
    }

    fn redelegate(&mut self) {
        let ((who, from), to) = (self.bonded_pair(), self.validator());
        let stake = self.stake(who, from);
        let (amount, now) = (self.amount(stake), self.now());
        match self.backend.send(who, &self.backend.staking().redelegate(from, to, amount)) {
            Ok(()) => {
                self.model.redelegate(who, from, to, amount, now);
                self.count("redelegated");
            }
            Err(data) => drop(self.refused(&data)),
        }
    }

    /// Sends a call that pays `who`, and says how much it paid; `None` if it was refused.
    fn paid<M>(&mut self, who: Address, call: &esker_sdk::MethodCall<M, ()>) -> Option<u128> {
        let refuses = self.rng.random_range(0..10) == 0;
        self.backend.refuse(refuses.then_some(who));
        let before = self.backend.balance(who);
        let result = self.backend.send(who, call);
        self.backend.refuse(None);
        match result {
            Ok(()) => Some(small(self.backend.balance(who) - before)),
            Err(data) => {
                self.refused(&data);
                None
            }
        }
    }

    fn withdraw(&mut self) {
        let (now, wait) = (self.now(), u64::from(self.model.params.unbonding_epochs));
        let (who, validator) = self.pair(|place| match place {
            Place::Leaving(validator, since) if now + 1 >= since + wait => Some(validator),
            _ => None,
        });
        self.withdraw_from(who, validator);
    }

    fn withdraw_from(&mut self, who: Address, validator: Address) {
        let now = self.now();
        if let Some(paid) = self.paid(who, &self.backend.staking().withdraw(validator)) {
            near("withdrawn", paid, self.model.withdraw(who, validator, now));
            self.count("withdrawn");
        }
    }

    fn claim(&mut self) {
        let (who, validator) = self.bonded_pair();
        match self.rng.random_range(0..4) {
            0 => drop(self.paid(who, &self.backend.staking().claim_commission())),
            1 => drop(self.paid(who, &self.backend.staking().claim_report())),
            _ => self.claim_from(who, validator),
        }
    }

    fn claim_from(&mut self, who: Address, validator: Address) {
        if let Some(paid) = self.paid(who, &self.backend.staking().claim_rewards(validator)) {
            near("rewards", paid, self.model.owed(who, validator));
            *self.model.paid.entry((who, validator)).or_default() += paid;
            self.count("rewarded");
        }
    }

    fn settle(&mut self) {
        let (who, validator) = self.bonded_pair();
        let call = self.backend.staking().settle(who, validator);
        self.backend.send(SYSTEM, &call).expect("settling never fails");
        self.count("settled");
    }

    /// Shares as they earn: before slashes that nobody applied.
    fn earning(&mut self, validator: Address) -> Vec<(Address, u128)> {
        let staking = self.backend.staking();
        let mut shares = Vec::new();
        for who in self.cast.everybody() {
            let info = self.backend.read(&staking.delegation(who, validator));
            shares.push((who, small(info.shares + info.lost_shares)));
        }
        shares.retain(|(_, shares)| *shares > 0);
        shares
    }

    fn end_block(&mut self) {
        let proposer = if self.rng.random_range(0..8) == 0 { SYSTEM } else { self.validator() };
        let missed: Vec<_> = (0..self.rng.random_range(0..3)).map(|_| self.validator()).collect();
        let rewards = if self.rng.random() { self.rng.random_range(0..5) } else { self.rng.random_range(0..9 * COIN) };
        let staking = self.backend.staking();
        let waiting = small(self.backend.read(&staking.totals()).unallocated);
        let shares = self.earning(proposer);
        if !shares.is_empty() {
            let bps = u128::from(self.backend.read(&staking.validator(proposer)).commission_bps);
            let all = rewards + waiting;
            self.model.reward(proposer, all - all * bps / 10_000, &shares);
        }
        self.backend.credit(rewards);
        let call = staking.end_block(proposer, rewards, missed.len() as u64, &missed);
        self.backend.send(SYSTEM, &call).expect("the runtime's calls succeed");
        self.count("blocks");
    }

    fn end_epoch(&mut self) {
        let staking = self.backend.staking();
        let before = self.backend.read(&staking.validator_set());
        let set = self.backend.send(SYSTEM, &staking.end_epoch()).expect("the runtime's calls succeed");
        assert!(set.len() <= usize::from(self.model.params.max_validators));
        for next in &set {
            assert!(!self.model.out.contains_key(&next.operator), "a tombstoned validator is chosen");
            let info = self.backend.read(&staking.validator(next.operator));
            assert!(!info.is_jailed && info.self_bond >= self.model.params.min_self_bond);
            assert_eq!((U256::from(next.power), next.public_key), (info.stake / COIN, info.public_key));
        }
        let present = self.backend.read(&staking.validator_set());
        assert_eq!(present, if set.is_empty() { before } else { set });
        self.backend.next_epoch(self.model.params.epoch_length.into());
        self.count("epochs");
    }

    /// Two votes of a validator in some epoch come to light.
    fn offend(&mut self) {
        let index = self.rng.random_range(0..self.cast.operators.len());
        let (offender, seed, now) = (self.cast.operators[index], index as u8 + 1, self.now());
        let epoch = (now + 1).saturating_sub(self.rng.random_range(0..6));
        let height = epoch * u64::from(self.model.params.epoch_length) + 1;
        let (chain_id, genesis) = self.backend.domain();
        let vote = |mark: &[u8]| {
            let begin = [&b"esker/vote/1"[..], &chain_id.to_be_bytes(), &genesis.0, &[1], &height.to_be_bytes()];
            [&begin.concat()[..], &[0; 8], mark, &offender.0].concat()
        };
        let (nil, block) = (vote(&[0]), vote(&[1; 33]));
        let signatures = [self.backend.sign(seed, &nil), self.backend.sign(seed, &block)];
        let call = self.backend.staking().submit_evidence(&nil, &signatures[0], &block, &signatures[1], Address::ZERO);
        let exists = self.backend.read(&self.backend.staking().key_owner(self.backend.public_key(seed))) == offender;
        let knows_chain = !self.backend.read(&self.backend.staking().genesis_hash()).is_zero();
        let counts =
            exists && knows_chain && self.model.is_fresh(epoch, now) && !self.model.out.contains_key(&offender);
        let reporter = self.somebody();
        match self.backend.send(reporter, &call) {
            Ok(()) => {
                assert!(counts, "evidence of epoch {epoch} was accepted in {now}");
                self.model.slash(offender, epoch);
                self.count("slashed");
            }
            Err(data) => {
                let error = self.refused(&data);
                assert!(!counts, "evidence of epoch {epoch} was refused in {now}: {error:?}");
            }
        }
    }

    fn operate(&mut self) {
        let operator = self.validator();
        let staking = self.backend.staking();
        let bps = self.rng.random_range(0..=10_000);
        let result = match self.rng.random_range(0..3) {
            0 => self.backend.send(operator, &staking.unjail()),
            1 => self.backend.send(SYSTEM, &staking.enter(operator)),
            _ => self.backend.send(operator, &staking.edit_validator("name", bps)),
        };
        match result {
            Ok(()) => self.count("operated"),
            Err(data) => drop(self.refused(&data)),
        }
    }

    fn create(&mut self) {
        let index = self.rng.random_range(0..self.cast.operators.len());
        let (operator, seed) = (self.cast.operators[index], index as u8 + 1);
        let staking = self.backend.staking();
        let (key, (chain_id, _)) = (self.backend.public_key(seed), self.backend.domain());
        let tag = &b"esker/possession/1"[..];
        let message = [tag, &chain_id.to_be_bytes(), &staking.address().0, &operator.0, &key.0].concat();
        let proof = self.backend.sign(seed, &message);
        let (stake, bps) = (self.rng.random_range(1..30) * COIN, self.rng.random_range(0..=10_000));
        match self.backend.send(operator, &staking.create_validator(key, &proof, bps, "").value(stake)) {
            Ok(()) => {
                self.model.bond(operator, operator, stake);
                self.count("created");
            }
            Err(data) => drop(self.refused(&data)),
        }
    }

    /// Everything that must hold at any time.
    pub fn check(&mut self) {
        let staking = self.backend.staking();
        let totals = self.backend.read(&staking.totals());
        let parts = [
            totals.bonded,
            totals.unbonding,
            totals.rewards,
            totals.commissions,
            totals.unallocated,
            totals.burned,
            totals.reports,
        ];
        assert_eq!(parts.into_iter().sum::<U256>(), self.backend.holdings(), "coins were made or lost: {totals:?}");
        let (mut bonded, mut unbonding, mut rewards, mut commissions) = (0, 0, 0, 0);
        for validator in self.cast.operators.clone() {
            if self.backend.read(&staking.key_owner(self.backend.public_key(self.seed(validator)))) != validator {
                continue;
            }
            let info = self.backend.read(&staking.validator(validator));
            let (stake, all_shares) = (small(info.stake), small(info.shares));
            bonded += stake;
            commissions += small(info.commission);
            let (mut shares, mut worth) = (0, 0);
            for who in self.cast.everybody() {
                let delegation = self.backend.read(&staking.delegation(who, validator));
                let raw = small(delegation.shares + delegation.lost_shares);
                shares += raw;
                if !delegation.lost_shares.is_zero() {
                    self.count("moved stake slashed");
                }
                worth += if raw == 0 { 0 } else { small(U256::from(raw) * stake / all_shares) };
                let entries = self.backend.read(&staking.unbondings(who, validator));
                let leaving = entries.iter().map(|entry| small(entry.amount)).sum();
                unbonding += leaving;
                let owed = small(self.backend.read(&staking.rewards_of(who, validator)));
                rewards += owed;
                let (model_bonded, model_leaving) = self.model.at(who, validator);
                near("bonded", small(delegation.stake), model_bonded);
                near("leaving", leaving, model_leaving);
                near("owed", owed, self.model.owed(who, validator));
            }
            assert_eq!(shares, all_shares, "shares without an owner");
            assert!(worth <= stake, "shares are worth more than what backs them");
            assert!(self.model.out.contains_key(&validator) || stake == all_shares, "a share is not a wei");
        }
        assert_eq!(U256::from(bonded), totals.bonded);
        assert_eq!(U256::from(commissions), totals.commissions);
        assert!(U256::from(unbonding) <= totals.unbonding, "more leaves than there is");
        assert!(U256::from(rewards) <= totals.rewards, "more is owed than there is");
    }

    fn seed(&self, operator: Address) -> u8 {
        self.cast.operators.iter().position(|other| *other == operator).map_or(0, |index| index as u8 + 1)
    }

    /// Everybody leaves and takes everything: what is left are the dead parts alone.
    pub fn drain(&mut self) {
        let everybody = self.cast.everybody();
        let staking = self.backend.staking();
        for round in 0..2 {
            for _ in 0..=self.model.params.unbonding_epochs {
                self.end_epoch();
            }
            for validator in self.cast.operators.clone() {
                for who in &everybody {
                    self.withdraw_all(*who, validator);
                    let stake = self.stake(*who, validator);
                    if round == 0 && stake > 0 {
                        let now = self.now();
                        let call = staking.undelegate(validator, stake);
                        self.backend.send(*who, &call).expect("there is room for an unbonding");
                        self.model.unbond(*who, validator, stake, now);
                    }
                }
            }
        }
        self.check();
        let totals = self.backend.read(&staking.totals());
        // Who had a share worth less than a wei has it still.
        assert!(small(totals.bonded) <= TOLERANCE && small(totals.rewards) <= TOLERANCE, "{totals:?}");
        assert_eq!(totals.unbonding, U256::ZERO, "{totals:?}");
        self.count("drained");
    }

    /// Settles, and takes what there is to take.
    fn withdraw_all(&mut self, who: Address, validator: Address) {
        let staking = self.backend.staking();
        self.backend.send(SYSTEM, &staking.settle(who, validator)).expect("settling never fails");
        while !self.backend.read(&staking.unbondings(who, validator)).iter().all(|entry| entry.matures > self.now()) {
            self.withdraw_from(who, validator);
        }
        while self.backend.read(&staking.rewards_of(who, validator)) > U256::ZERO {
            self.claim_from(who, validator);
        }
    }
}
