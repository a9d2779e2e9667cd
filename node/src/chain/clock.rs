//! What time a block gets: the system's clock, moved by whoever tests time locks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// Seconds since the Unix epoch, as this development chain sees them.
#[derive(Debug, Default)]
pub struct Clock {
    inner: Mutex<Shift>,
    /// Does not follow the system's clock at all.
    stands: bool,
}

#[derive(Debug, Default)]
struct Shift {
    /// Added to the system's clock, in seconds.
    offset: i64,
    /// Timestamp of the next block, once.
    next: Option<u64>,
}

impl Clock {
    /// The system's clock, unmoved.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that differs from the system's by so many seconds: what a node whose clock is wrong has.
    #[must_use]
    pub fn shifted(offset: i64) -> Self {
        Self { inner: Mutex::new(Shift { offset, next: None }), stands: false }
    }

    /// A clock that shows `seconds` until it is moved: what a simulation has, which keeps its own time.
    #[must_use]
    pub fn standing(seconds: u64) -> Self {
        let offset = i64::try_from(seconds).unwrap_or(i64::MAX);
        Self { inner: Mutex::new(Shift { offset, next: None }), stands: true }
    }

    /// What is moved: the system's clock, or zero.
    fn base(&self) -> u64 {
        if self.stands {
            return 0;
        }
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
    }

    /// The time now, in seconds since the Unix epoch.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.base().saturating_add_signed(self.inner.lock().offset)
    }

    /// Moves the clock forward for good and returns by how much it differs from the system's, in seconds.
    pub fn increase(&self, seconds: u64) -> i64 {
        let mut shift = self.inner.lock();
        shift.offset = shift.offset.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
        shift.offset
    }

    /// Gives the next block exactly this timestamp; the clock goes on from there.
    pub fn set_next(&self, timestamp: u64) {
        self.inner.lock().next = Some(timestamp);
    }

    /// What [`Clock::set_next`] asked for and no block has used yet.
    #[must_use]
    pub fn planned(&self) -> Option<u64> {
        self.inner.lock().next
    }

    /// The timestamp of a block on a parent of this age: what was asked for, else now; never below the parent's.
    #[must_use]
    pub fn next_block(&self, parent: u64) -> u64 {
        self.planned().unwrap_or_else(|| self.now()).max(parent)
    }

    /// A block with this timestamp was made: a plan is used up, and the clock goes on from there.
    pub fn block_made(&self, timestamp: u64) {
        let mut shift = self.inner.lock();
        if shift.next.take().is_some() {
            let system = i64::try_from(self.base()).unwrap_or(i64::MAX);
            shift.offset = i64::try_from(timestamp).unwrap_or(i64::MAX).saturating_sub(system);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_moves_only_when_it_is_moved() {
        let clock = Clock::standing(1_000);
        assert_eq!(clock.now(), 1_000);
        clock.increase(5);
        assert_eq!((clock.now(), clock.next_block(0)), (1_005, 1_005));
        clock.set_next(2_000);
        clock.block_made(2_000);
        assert_eq!(clock.now(), 2_000);
    }

    #[test]
    fn time_never_runs_backwards_and_goes_on_from_where_it_was_set() {
        let clock = Clock::new();
        let now = clock.now();
        assert_eq!(clock.next_block(now + 1_000), now + 1_000);
        clock.set_next(now + 5_000);
        assert_eq!(clock.planned(), Some(now + 5_000));
        assert_eq!(clock.next_block(now), now + 5_000);
        assert_eq!(clock.planned(), Some(now + 5_000), "no block has used it");
        clock.block_made(now + 5_000);
        assert!(clock.planned().is_none() && clock.now() >= now + 5_000);
        assert!(clock.increase(100) >= 5_099 && clock.now() >= now + 5_100);
    }
}
