//! Staking as it should be, told differently from the contract: every coin is in a parcel that carries what it answers for,
//! and a slash walks over all of them at once. No shares, nothing lazy.

use std::collections::BTreeMap;

use esker_sdk::Address;
use esker_staking::Params;
use primitive_types::U256;

/// Where coins are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Bonded to a validator.
    Bonded(Address),
    /// On their way out of one, since an epoch.
    Leaving(Address, u64),
}

/// Coins of one owner that have the same to answer for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    pub owner: Address,
    pub place: Place,
    pub amount: u128,
    /// Validators that they left, each with the epoch in which they did.
    pub left: Vec<(Address, u64)>,
}

/// Rewards are followed in parts of a wei of this size.
const FINE: u32 = 64;

/// The model.
pub struct Model {
    pub params: Params,
    /// In the order in which they came to where they are.
    pub parcels: Vec<Parcel>,
    /// Tombstoned validators.
    pub out: BTreeMap<Address, u64>,
    /// Rewards ever earned, by delegator and validator, in fine parts.
    pub earned: BTreeMap<(Address, Address), U256>,
    /// Rewards ever paid.
    pub paid: BTreeMap<(Address, Address), u128>,
}

impl Model {
    pub fn new(params: Params) -> Self {
        Self { params, parcels: Vec::new(), out: BTreeMap::new(), earned: BTreeMap::new(), paid: BTreeMap::new() }
    }

    /// Whether evidence of an offence in an epoch still counts.
    pub fn is_fresh(&self, epoch: u64, now: u64) -> bool {
        epoch <= now && now - epoch < u64::from(self.params.evidence_epochs)
    }

    /// Whether a parcel may yet be slashed for a validator that it left before it came to where it is.
    fn is_marked(&self, parcel: &Parcel, now: u64) -> bool {
        parcel.left.iter().any(|(of, epoch)| self.is_fresh(*epoch, now) && !self.out.contains_key(of))
    }

    pub fn add(&mut self, parcel: Parcel) {
        if parcel.amount == 0 {
            return;
        }
        let same = |other: &&mut Parcel| {
            (other.owner, other.place) == (parcel.owner, parcel.place) && other.left == parcel.left
        };
        match self.parcels.iter_mut().find(same) {
            Some(other) => other.amount += parcel.amount,
            None => self.parcels.push(parcel),
        }
    }

    pub fn bond(&mut self, owner: Address, validator: Address, amount: u128) {
        self.add(Parcel { owner, place: Place::Bonded(validator), amount, left: Vec::new() });
    }

    /// Takes coins from a delegation: unmarked ones first, then, if allowed, marked ones in order. What rounding makes
    /// missing is missing.
    fn take(&mut self, owner: Address, validator: Address, mut amount: u128, marked: bool, now: u64) -> Vec<Parcel> {
        let mut taken = Vec::new();
        for pass in [false, true] {
            if pass && !marked {
                break;
            }
            for index in 0..self.parcels.len() {
                let parcel = &self.parcels[index];
                let is_here = parcel.owner == owner && parcel.place == Place::Bonded(validator);
                if !is_here || self.is_marked(parcel, now) != pass {
                    continue;
                }
                let part = parcel.amount.min(amount);
                amount -= part;
                taken.push(Parcel { amount: part, ..parcel.clone() });
                self.parcels[index].amount -= part;
            }
        }
        self.parcels.retain(|parcel| parcel.amount > 0);
        taken
    }

    pub fn unbond(&mut self, owner: Address, validator: Address, amount: u128, now: u64) {
        for mut parcel in self.take(owner, validator, amount, true, now) {
            if !self.out.contains_key(&validator) {
                parcel.left.push((validator, now));
            }
            parcel.place = Place::Leaving(validator, now);
            self.add(parcel);
        }
    }

    pub fn redelegate(&mut self, owner: Address, from: Address, to: Address, amount: u128, now: u64) {
        for mut parcel in self.take(owner, from, amount, false, now) {
            // What it answered for is over, or it would not have moved; the order of its marks is what matters from here.
            parcel.left.clear();
            if !self.out.contains_key(&from) {
                parcel.left.push((from, now));
            }
            parcel.place = Place::Bonded(to);
            self.add(parcel);
        }
    }

    pub fn slash(&mut self, validator: Address, epoch: u64) {
        self.out.insert(validator, epoch);
        let keep = u128::from(10_000 - self.params.slash_bps);
        for parcel in &mut self.parcels {
            let is_there = parcel.place == Place::Bonded(validator);
            let was_there = parcel.left.iter().any(|(of, left)| *of == validator && *left >= epoch);
            if is_there || was_there {
                parcel.amount = parcel.amount * keep / 10_000;
            }
            parcel.left.retain(|(of, _)| *of != validator);
        }
    }

    /// Matured coins leave: how many there are.
    pub fn withdraw(&mut self, owner: Address, validator: Address, now: u64) -> u128 {
        let unbonding = u64::from(self.params.unbonding_epochs);
        let is_due = |parcel: &Parcel| match parcel.place {
            Place::Leaving(of, since) => of == validator && parcel.owner == owner && now >= since + unbonding,
            Place::Bonded(_) => false,
        };
        let due = self.parcels.iter().filter(|parcel| is_due(parcel)).map(|parcel| parcel.amount).sum();
        self.parcels.retain(|parcel| !is_due(parcel));
        due
    }

    /// Coins of somebody at a validator: bonded, and leaving.
    pub fn at(&self, owner: Address, validator: Address) -> (u128, u128) {
        let sum = |is_bonded: bool| {
            let here = self.parcels.iter().filter(|parcel| {
                parcel.owner == owner
                    && match parcel.place {
                        Place::Bonded(of) => is_bonded && of == validator,
                        Place::Leaving(of, _) => !is_bonded && of == validator,
                    }
            });
            here.map(|parcel| parcel.amount).sum()
        };
        (sum(true), sum(false))
    }

    /// A block's rewards after the commission, to whoever has shares: given as they are, since a slash that was not applied
    /// yet leaves them earning.
    pub fn reward(&mut self, validator: Address, rewards: u128, shares: &[(Address, u128)]) {
        let total: u128 = shares.iter().map(|(_, shares)| shares).sum();
        for (owner, shares) in shares {
            let part = (U256::from(rewards) << FINE) * U256::from(*shares) / U256::from(total);
            *self.earned.entry((*owner, validator)).or_default() += part;
        }
    }

    /// Rewards not yet paid, rounded down.
    pub fn owed(&self, owner: Address, validator: Address) -> u128 {
        let earned = self.earned.get(&(owner, validator)).copied().unwrap_or_default() >> FINE;
        earned.as_u128().saturating_sub(self.paid.get(&(owner, validator)).copied().unwrap_or_default())
    }
}
