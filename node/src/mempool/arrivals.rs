//! The hashes that recently entered the pool, for whoever watches it.

use std::collections::VecDeque;

use alloy_primitives::B256;

/// How many arrivals are remembered: a watcher that falls further behind misses the oldest.
const REMEMBERED: usize = 8_192;

/// A numbered record of arrivals.
#[derive(Debug, Default)]
pub struct Arrivals {
    hashes: VecDeque<B256>,
    /// How many arrived in all.
    count: u64,
}

impl Arrivals {
    /// Records an arrival and returns how many there were.
    pub(super) fn push(&mut self, hash: B256) -> u64 {
        if self.hashes.len() == REMEMBERED {
            self.hashes.pop_front();
        }
        self.hashes.push_back(hash);
        self.count += 1;
        self.count
    }

    /// How many arrived in all.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// What arrived after the first `seen`, as far as it is remembered.
    #[must_use]
    pub fn since(&self, seen: u64) -> Vec<B256> {
        let wanted = usize::try_from(self.count.saturating_sub(seen)).unwrap_or(usize::MAX);
        let skipped = self.hashes.len().saturating_sub(wanted);
        self.hashes.iter().skip(skipped).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watcher_sees_each_arrival_once_and_loses_only_the_oldest() {
        let mut arrivals = Arrivals::default();
        let hash = |index: u64| B256::from(alloy_primitives::U256::from(index));
        for index in 0..3 {
            arrivals.push(hash(index));
        }
        assert_eq!(arrivals.since(1), [hash(1), hash(2)]);
        assert!(arrivals.since(arrivals.count()).is_empty());
        for index in 3..REMEMBERED as u64 + 10 {
            arrivals.push(hash(index));
        }
        let seen = arrivals.since(0);
        assert_eq!((seen.len(), seen[0]), (REMEMBERED, hash(10)));
    }
}
