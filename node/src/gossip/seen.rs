//! Which transactions passed by lately.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use alloy_primitives::B256;

/// How long a generation lasts. What was seen is forgotten after one to two of them: before others repeat what still
/// waits, which must get through to a pool that could not take it the first time.
const GENERATION: Duration = Duration::from_secs(8);
/// Most transactions of a generation.
const GENERATION_MAX: usize = 65_536;

/// A set that forgets, by time and by number.
#[derive(Debug)]
pub struct Seen {
    young: HashSet<B256>,
    old: HashSet<B256>,
    since: Instant,
}

impl Seen {
    /// Nothing was seen.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { young: HashSet::new(), old: HashSet::new(), since: now }
    }

    /// Whether this is the first time, as far as is remembered. A transaction that is seen again is not remembered longer
    /// for that.
    pub fn insert(&mut self, hash: B256, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.since);
        if age >= GENERATION || self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
            if age >= 2 * GENERATION {
                self.old.clear();
            }
            self.since = now;
        }
        !self.old.contains(&hash) && self.young.insert(hash)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;

    use super::*;

    #[test]
    fn what_was_seen_is_forgotten_by_time_and_by_number() {
        let start = Instant::now();
        let hash = |index: u64| B256::from(U256::from(index));
        let mut seen = Seen::new(start);
        assert!(seen.insert(hash(1), start) && !seen.insert(hash(1), start));
        assert!(!seen.insert(hash(1), start + GENERATION), "in the old generation");
        assert!(seen.insert(hash(1), start + 2 * GENERATION));
        assert!(seen.insert(hash(1), start + 9 * GENERATION), "after a long silence nothing is remembered");

        let late = start + 9 * GENERATION;
        for index in 0..200_000 {
            seen.insert(hash(index), late);
            assert!(seen.young.len() <= GENERATION_MAX && seen.old.len() <= GENERATION_MAX);
        }
        assert!(!seen.insert(hash(199_999), late) && seen.insert(hash(2), late));
    }
}
