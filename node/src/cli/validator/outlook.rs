//! Whether a validator will be in the next set as things stand, and if not, why, and what would change it.

use alloy_primitives::{Address, U256};

use super::super::units::format_amount;
use crate::staking::report::{Candidate, Candidates};
use crate::staking::{Staking, WHOLE_BPS};

/// Why a validator would not be in the set if the epoch ended with the next block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// It was slashed, and is out for ever.
    Tombstoned,
    /// It is jailed.
    Jailed,
    /// It is in the set and has missed so many slots that it will be jailed.
    Absent,
    /// Its operator has too little at stake.
    SelfBond {
        /// What the operator has, in wei.
        have: U256,
        /// What it must have, in wei.
        least: U256,
    },
    /// It could be a candidate and is none.
    NoCandidate,
    /// Others have more stake, and all places are taken.
    Outranked {
        /// Places in the set.
        places: usize,
        /// The least stake of those who have one, in wei.
        least: U256,
    },
    /// So many coins are staked that powers were halved until its own was nothing.
    PowerLimit,
}

impl Hindrance {
    /// Why `one` would not be in the next set; `None` if it would.
    #[must_use]
    pub fn of(one: &Candidate, known: &Candidates, params: &Staking::Params) -> Option<Self> {
        let standing = &one.standing;
        if !one.next_power.is_zero() {
            return None;
        }
        let share = u64::from(standing.slots) * u64::from(params.missedSlotsBps);
        let is_absent =
            standing.missed >= params.missedSlotsMin && u64::from(standing.missed) * u64::from(WHOLE_BPS) > share;
        let chosen = known.candidates.iter().filter(|other| !other.next_power.is_zero());
        let places = usize::from(params.maxValidators);
        Some(match () {
            () if standing.is_tombstoned => Self::Tombstoned,
            () if standing.is_jailed => Self::Jailed,
            () if standing.self_bond < params.minSelfBond => {
                Self::SelfBond { have: standing.self_bond, least: params.minSelfBond }
            }
            () if !standing.is_candidate => Self::NoCandidate,
            () if !one.power.is_zero() && is_absent => Self::Absent,
            () if chosen.clone().count() >= places => {
                let least = chosen.map(|other| other.standing.stake).min().unwrap_or_default();
                Self::Outranked { places, least }
            }
            () => Self::PowerLimit,
        })
    }

    /// In a word or two.
    #[must_use]
    pub const fn short(&self) -> &'static str {
        match self {
            Self::Tombstoned => "slashed, out for ever",
            Self::Jailed => "jailed",
            Self::Absent => "missed too many slots",
            Self::SelfBond { .. } => "self-bond too small",
            Self::NoCandidate => "no candidate",
            Self::Outranked { .. } => "too little stake",
            Self::PowerLimit => "no voting power left",
        }
    }

    /// In full, about `validator`, with what would change it.
    #[must_use]
    pub fn text(&self, validator: Address) -> String {
        match self {
            Self::Tombstoned => {
                format!("{validator} was slashed and is out for ever; what is bonded to it can be undelegated")
            }
            Self::Jailed => format!(
                "{validator} is jailed, until its operator brings it back with `esker validator unjail`; \
                 `esker validator show {validator}` says from when on that is possible"
            ),
            Self::Absent => format!(
                "{validator} missed so many of its slots in this epoch that it is jailed at the epoch's end, unless its \
                 node runs and makes up for it"
            ),
            Self::SelfBond { have, least } => format!(
                "{validator} can be no candidate: its operator has {} of its own at stake, and {} are the least; \
                 the operator must delegate more to it, and then `esker validator enter {validator}`, if it is none",
                format_amount(*have),
                format_amount(*least)
            ),
            Self::NoCandidate => format!(
                "{validator} is no candidate; `esker validator enter {validator}` makes it one, if fewer than 100 others \
                 have as much stake"
            ),
            Self::Outranked { places, least } => format!(
                "{validator} waits: a set has {places} places, and those who have them have more stake, {} or more; \
                 it needs more than that",
                format_amount(*least)
            ),
            Self::PowerLimit => format!(
                "{validator} waits: the voting powers of a set stay below 2^60 together, so with this much stake in the set one \
                 is more than a coin, and more than it has"
            ),
        }
    }
}

/// Whether a validator stays in the set only because nobody may be chosen: an empty set would end the chain.
#[must_use]
pub fn is_left_over(one: &Candidate, params: &Staking::Params) -> bool {
    let standing = &one.standing;
    let is_out = standing.is_tombstoned || standing.is_jailed || !standing.is_candidate;
    !one.next_power.is_zero() && (is_out || standing.self_bond < params.minSelfBond)
}

/// How a validator stands, in a few words.
#[must_use]
pub fn state(one: &Candidate, known: &Candidates, params: &Staking::Params) -> String {
    let is_in = !one.power.is_zero();
    match Hindrance::of(one, known, params) {
        None if is_left_over(one, params) => "stays: nobody may be chosen".to_owned(),
        None => if is_in { "in the set" } else { "enters the set" }.to_owned(),
        Some(out @ (Hindrance::Tombstoned | Hindrance::Jailed)) => out.short().to_owned(),
        Some(why) if is_in => format!("leaves the set: {}", why.short()),
        Some(Hindrance::NoCandidate) => Hindrance::NoCandidate.short().to_owned(),
        Some(why) if one.standing.is_candidate => format!("waits: {}", why.short()),
        Some(why) => format!("no candidate: {}", why.short()),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, U64};

    use super::*;
    use crate::home::staking::StakingPlan;
    use crate::staking::COIN;
    use crate::staking::report::{Epoch, Standing};

    fn coins(number: u64) -> U256 {
        U256::from(number) * U256::from(COIN)
    }

    /// A candidate with that stake, all of it its operator's.
    fn candidate(index: u8, stake: u64, power: u64, next_power: u64) -> Candidate {
        let standing = Standing {
            name: String::new(),
            stake: coins(stake),
            self_bond: coins(stake),
            commission_bps: 0,
            next_commission_bps: 0,
            commission: U256::ZERO,
            slots: 10,
            missed: 0,
            is_jailed: false,
            jailed_until: None,
            is_tombstoned: false,
            offence_epoch: None,
            is_candidate: true,
        };
        let (power, next_power) = (U64::from(power), U64::from(next_power));
        Candidate { address: Address::repeat_byte(index), public_key: B256::ZERO, power, next_power, standing }
    }

    fn changed(mut one: Candidate, change: fn(&mut Standing)) -> Candidate {
        change(&mut one.standing);
        one
    }

    #[test]
    fn each_state_has_its_own_words() {
        let params: Staking::Params =
            StakingPlan { max_validators: 2, min_self_bond: coins(5), missed_slots_min: 3, ..StakingPlan::default() }
                .into();
        // Two places, both taken in the next set.
        let full = [candidate(1, 30, 30, 30), candidate(2, 20, 0, 20)];
        let cases: [(Candidate, &str, Option<&str>); 13] = [
            (full[0].clone(), "in the set", None),
            (full[1].clone(), "enters the set", None),
            (
                candidate(3, 10, 0, 0),
                "waits: too little stake",
                Some("2 places, and those who have them have more stake, 20"),
            ),
            (candidate(3, 10, 10, 0), "leaves the set: too little stake", Some("needs more than that")),
            (
                candidate(3, 4, 0, 0),
                "waits: self-bond too small",
                Some("has 4 ether of its own at stake, and 5 ether are"),
            ),
            (candidate(3, 4, 4, 0), "leaves the set: self-bond too small", Some("the operator must delegate more")),
            (
                changed(candidate(3, 4, 0, 0), |it| it.is_candidate = false),
                "no candidate: self-bond too small",
                Some("enter"),
            ),
            (
                changed(candidate(3, 9, 0, 0), |it| it.is_candidate = false),
                "no candidate",
                Some("`esker validator enter 0x"),
            ),
            (changed(candidate(3, 9, 0, 0), |it| it.is_jailed = true), "jailed", Some("esker validator unjail")),
            (changed(candidate(3, 9, 9, 0), |it| it.is_tombstoned = true), "slashed, out for ever", Some("for ever")),
            (
                changed(candidate(3, 90, 9, 0), |it| it.missed = 6),
                "leaves the set: missed too many slots",
                Some("jailed at"),
            ),
            // What is not in the set misses nothing that counts.
            (changed(candidate(3, 9, 0, 0), |it| it.missed = 6), "waits: too little stake", Some("places")),
            (changed(candidate(3, 0, 9, 9), |it| it.is_candidate = false), "stays: nobody may be chosen", None),
        ];
        for (one, words, reason) in cases {
            let mut candidates = full.to_vec();
            candidates.push(one.clone());
            let total = U64::from(50);
            let known = Candidates {
                block: U64::from(7),
                epoch: Epoch::of(7, 10),
                total_power: total,
                next_total_power: total,
                candidates,
            };
            assert_eq!(state(&one, &known, &params), words);
            let text = Hindrance::of(&one, &known, &params).map(|why| why.text(one.address));
            assert_eq!(text.is_some(), reason.is_some(), "{words}: {text:?}");
            assert!(text.clone().unwrap_or_default().contains(reason.unwrap_or_default()), "{words}: {text:?}");
        }
        // Room in the set, and yet not chosen: only the halving of powers does that.
        let one = candidate(3, 9, 0, 0);
        let known = Candidates {
            block: U64::from(7),
            epoch: Epoch::of(7, 10),
            total_power: U64::from(30),
            next_total_power: U64::from(30),
            candidates: vec![full[0].clone(), one.clone()],
        };
        assert_eq!(Hindrance::of(&one, &known, &params), Some(Hindrance::PowerLimit));
        assert_eq!(state(&one, &known, &params), "waits: no voting power left");
    }
}
