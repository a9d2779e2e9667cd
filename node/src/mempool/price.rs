//! Transactions by what they pay at the present base fee, best and worst to be had at once.
//!
//! What a transaction pays its beneficiary for one gas is the smaller of its tip cap and of what its fee cap leaves above the
//! base fee. So it is bound by one of two numbers that do not change with the base fee: among those bound by their tip caps
//! the tip cap orders them, among the others the fee cap does. When the base fee moves, only those change sides whose caps'
//! difference it passed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use alloy_primitives::Address;
use esker_runtime::Transaction;

/// The most that a transaction pays for one gas, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caps {
    /// Base fee and tip together.
    pub fee: u128,
    /// The tip.
    pub tip: u128,
}

impl Caps {
    /// Those of `transaction`.
    pub fn of(transaction: &Transaction) -> Self {
        Self { fee: transaction.fee_cap(), tip: transaction.tip_cap() }
    }

    /// The lower of each.
    pub fn lower(self, other: Self) -> Self {
        Self { fee: self.fee.min(other.fee), tip: self.tip.min(other.tip) }
    }

    /// What the beneficiary gets for one gas, in wei; `None` if the fee cap is below the base fee.
    pub fn effective_tip(self, base_fee: u64) -> Option<u128> {
        let room = self.fee.checked_sub(u128::from(base_fee))?;
        Some(room.min(self.tip))
    }

    fn difference(self) -> u128 {
        self.fee.saturating_sub(self.tip)
    }
}

/// Something that has a price, and the sender that it belongs to. No two have the same arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    pub caps: Caps,
    pub arrival: u64,
    pub sender: Address,
}

/// How good something is for a block: what cannot pay the base fee is below all that can, then the amount counts, and of
/// equals the one that came first is the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Worth {
    pays_base_fee: bool,
    amount: u128,
    arrival: Reverse<u64>,
}

impl Priced {
    /// Its worth at `base_fee`.
    pub fn worth(&self, base_fee: u64) -> Worth {
        let tip = self.caps.effective_tip(base_fee);
        let amount = tip.unwrap_or(self.caps.fee);
        Worth { pays_base_fee: tip.is_some(), amount, arrival: Reverse(self.arrival) }
    }
}

type Key = (u128, Reverse<u64>);

/// See the module.
#[derive(Debug, Default)]
pub struct ByPrice {
    base_fee: u64,
    /// By tip cap: those whose caps differ by the base fee or more.
    tip_bound: BTreeMap<Key, Priced>,
    /// By fee cap: the others.
    fee_bound: BTreeMap<Key, Priced>,
    /// All by the difference of their caps.
    by_difference: BTreeMap<(u128, u64), Priced>,
}

impl ByPrice {
    fn is_tip_bound(&self, caps: Caps) -> bool {
        caps.difference() >= u128::from(self.base_fee)
    }

    fn put(&mut self, item: Priced) {
        let arrival = Reverse(item.arrival);
        if self.is_tip_bound(item.caps) {
            self.tip_bound.insert((item.caps.tip, arrival), item);
        } else {
            self.fee_bound.insert((item.caps.fee, arrival), item);
        }
    }

    fn take(&mut self, item: &Priced) {
        let arrival = Reverse(item.arrival);
        if self.is_tip_bound(item.caps) {
            self.tip_bound.remove(&(item.caps.tip, arrival));
        } else {
            self.fee_bound.remove(&(item.caps.fee, arrival));
        }
    }

    pub fn insert(&mut self, item: Priced) {
        self.by_difference.insert((item.caps.difference(), item.arrival), item);
        self.put(item);
    }

    pub fn remove(&mut self, item: &Priced) {
        self.by_difference.remove(&(item.caps.difference(), item.arrival));
        self.take(item);
    }

    pub fn set_base_fee(&mut self, base_fee: u64) {
        let (low, high) = (self.base_fee.min(base_fee), self.base_fee.max(base_fee));
        let passed: Vec<Priced> =
            self.by_difference.range((u128::from(low), 0)..(u128::from(high), 0)).map(|(_, item)| *item).collect();
        for item in &passed {
            self.take(item);
        }
        self.base_fee = base_fee;
        for item in passed {
            self.put(item);
        }
    }

    /// The worst, by [`Worth`].
    pub fn worst(&self) -> Option<Priced> {
        let ends = [self.tip_bound.values().next(), self.fee_bound.values().next()];
        ends.into_iter().flatten().min_by_key(|item| item.worth(self.base_fee)).copied()
    }

    /// The best that can pay the base fee and is worse than `after`.
    pub fn best_after(&self, after: Option<Worth>) -> Option<Priced> {
        let below = |map: &BTreeMap<Key, Priced>, base: u64| match after {
            None => map.values().next_back().copied(),
            Some(Worth { amount, arrival, .. }) => {
                let key = (amount.saturating_add(u128::from(base)), arrival);
                map.range(..key).next_back().map(|(_, item)| *item)
            }
        };
        let found = [below(&self.tip_bound, 0), below(&self.fee_bound, self.base_fee)];
        let best = found.into_iter().flatten().max_by_key(|item| item.worth(self.base_fee));
        best.filter(|item| item.caps.effective_tip(self.base_fee).is_some())
    }
}
