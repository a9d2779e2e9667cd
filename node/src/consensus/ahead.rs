//! How far others are: heights that they have begun, and since when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use malachite::app::types::core::{Validator as _, ValidatorSet as _};
use tokio::sync::watch;

use super::context::{ValidatorAddress, Voters};

/// Heights above the head for which votes are counted.
const HEIGHTS_MAX: u64 = 16;

/// The highest height that others are known to have begun; shared.
#[derive(Clone, Debug)]
pub struct Ahead(Arc<watch::Sender<Option<(u64, Instant)>>>);

impl Default for Ahead {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Ahead {
    /// Others have begun `height`.
    pub fn begun(&self, height: u64) {
        self.0.send_if_modified(|known| {
            let is_news = known.is_none_or(|(known, _)| height > known);
            if is_news {
                *known = Some((height, Instant::now()));
            }
            is_news
        });
    }

    /// Whether others are known to have begun `height`, or a later one.
    #[must_use]
    pub fn is_begun(&self, height: u64) -> bool {
        self.0.borrow().is_some_and(|(begun, _)| begun >= height)
    }

    /// How long others have been at `height`, or at a later one; zero if they are not known to be.
    #[must_use]
    pub fn late_at(&self, height: u64) -> Duration {
        self.0.borrow().filter(|(begun, _)| *begun >= height).map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }

    /// Returns when others have begun `height`.
    pub async fn reached(&self, height: u64) {
        let is_there = |known: &Option<(u64, Instant)>| known.is_some_and(|(begun, _)| begun >= height);
        // The sender lives as long as this.
        let _ = self.0.subscribe().wait_for(is_there).await;
    }
}

/// Who has voted for heights that this node has not begun.
#[derive(Debug, Default)]
pub struct EarlyVotes(BTreeMap<u64, BTreeSet<ValidatorAddress>>);

impl EarlyVotes {
    /// Counts a vote of `voter`, whose signature is good, for `height` on a chain whose last block is `head`. Says whether
    /// more than a third of the power has voted there now: less could be the lie of one.
    pub fn count(&mut self, head: u64, voters: &Voters, voter: ValidatorAddress, height: u64) -> bool {
        self.0 = self.0.split_off(&head.saturating_add(1));
        if !(head.saturating_add(1)..=head.saturating_add(HEIGHTS_MAX)).contains(&height) {
            return false;
        }
        let seen = self.0.entry(height).or_default();
        seen.insert(voter);
        let power: u64 = seen.iter().filter_map(|address| Some(voters.get_by_address(address)?.voting_power())).sum();
        power.saturating_mul(3) > voters.total_voting_power()
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256};
    use esker_runtime::Validator;
    use malachite_ed25519::PrivateKey;

    use super::*;

    fn voters() -> Voters {
        let validator = |index: u8| Validator {
            address: Address::repeat_byte(index),
            public_key: B256::from(*PrivateKey::from([index; 32]).public_key().as_bytes()),
            power: 10,
        };
        Voters::new(&(1..=4).map(validator).collect::<Vec<_>>()).expect("a sound set")
    }

    #[test]
    fn one_voice_is_not_believed_and_heights_are_bounded() {
        let (voters, mut votes) = (voters(), EarlyVotes::default());
        let mut vote =
            |head, voter, height| votes.count(head, &voters, ValidatorAddress(Address::repeat_byte(voter)), height);
        assert!(!vote(5, 1, 7) && !vote(5, 1, 7), "a quarter of the power");
        assert!(vote(5, 2, 7), "half of it");
        assert!(!vote(5, 9, 8), "a stranger");
        assert!(!vote(5, 1, u64::MAX) && !vote(5, 2, u64::MAX), "too far");
        assert!(!vote(7, 3, 7), "that height is over");
        for height in 8..1_000 {
            vote(7, 1, height);
        }
        assert_eq!(votes.0.len() as u64, HEIGHTS_MAX);
    }

    #[tokio::test]
    async fn how_late_a_node_is_counts_from_when_others_began() {
        let ahead = Ahead::default();
        assert_eq!(ahead.late_at(1), Duration::ZERO);
        ahead.begun(4);
        let since = Instant::now();
        ahead.begun(3);
        ahead.reached(4).await;
        while since.elapsed() < Duration::from_millis(2) {}
        assert!(ahead.late_at(4) >= Duration::from_millis(2) && ahead.late_at(3) >= Duration::from_millis(2));
        assert_eq!(ahead.late_at(5), Duration::ZERO);
    }
}
