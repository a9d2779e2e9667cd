//! When what waits for a block is sent to all peers again: for those that came, and every so often.

use std::time::{Duration, Instant};

use super::rate::{Rate, TokenBucket};

/// What waited so long has been in no block for some reason, which may be that a proposer does not know it.
const REPEATED_AFTER: Duration = Duration::from_secs(20);
/// Most bytes that are sent again at a time, to all.
const REPEATED_BYTES_MAX: usize = 1 << 20;
/// Most bytes that are sent when a peer comes.
const WELCOME_BYTES_MAX: usize = 8 << 20;
/// The least time between two such times: peers that come together share one.
const WELCOME_EVERY: Duration = Duration::from_secs(1);
/// What such a time costs of [`WELCOMES`].
const WELCOME_COST: u64 = 30;
/// Four such times in a row, then one in half a minute: all peers are sent to, and one that comes and goes must not make us
/// do so for ever. Who comes meanwhile gets what is repeated.
const WELCOMES: Rate = Rate { per_second: 1, burst: 4 * WELCOME_COST };

/// What is to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// What has waited at least so long.
    pub age: Duration,
    /// Most bytes.
    pub bytes_max: usize,
}

/// Knows when something is to be sent again. One question at a time is under way.
pub struct Repeats {
    every: Duration,
    next: Instant,
    is_asking: bool,
    /// Peers came for whom what waits is to be sent.
    is_welcoming: bool,
    welcomed: Option<Instant>,
    welcomes: TokenBucket,
}

impl Repeats {
    /// Repeats what waits `every` so often.
    pub fn new(every: Duration, now: Instant) -> Self {
        let welcomes = TokenBucket::new(WELCOMES, now);
        Self { every, next: now + every, is_asking: false, is_welcoming: false, welcomed: None, welcomes }
    }

    /// A peer came that may know nothing of what waits.
    pub fn peer_came(&mut self) {
        self.is_welcoming = true;
    }

    /// The question is under way.
    pub fn asked(&mut self) {
        self.is_asking = true;
    }

    /// The answer is there.
    pub fn answered(&mut self) {
        self.is_asking = false;
    }

    /// When something is due next; `None` while a question is under way.
    pub fn next_due(&mut self, now: Instant) -> Option<Instant> {
        let welcome = self.is_welcoming.then(|| self.welcome_at(now));
        (!self.is_asking).then(|| welcome.map_or(self.next, |welcome| welcome.min(self.next)))
    }

    /// What is to be asked for now, if anything. It is given once, whether or not it is then asked for.
    pub fn due(&mut self, now: Instant) -> Option<Repeat> {
        if self.is_asking {
            return None;
        }
        if self.is_welcoming && self.welcome_at(now) <= now {
            self.is_welcoming = false;
            self.welcomed = Some(now);
            self.welcomes.spend(WELCOME_COST);
            return Some(Repeat { age: Duration::ZERO, bytes_max: WELCOME_BYTES_MAX });
        }
        if now >= self.next {
            self.next = now + self.every;
            return Some(Repeat { age: REPEATED_AFTER.min(self.every), bytes_max: REPEATED_BYTES_MAX });
        }
        None
    }

    /// When peers that came are next sent what waits.
    fn welcome_at(&mut self, now: Instant) -> Instant {
        let _ = self.welcomes.available(now);
        let due = self.welcomed.map_or(now, |welcomed| welcomed + WELCOME_EVERY);
        due.max(now + self.welcomes.until(WELCOME_COST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_peer_that_comes_and_goes_is_welcomed_four_times_and_then_twice_a_minute() {
        let begin = Instant::now();
        let mut repeats = Repeats::new(EVERY, begin);
        let mut welcomes = Vec::new();
        for second in 0..600u64 {
            repeats.peer_came();
            let now = begin + Duration::from_secs(second);
            if let Some(repeat) = repeats.due(now) {
                assert_eq!(repeat, Repeat { age: Duration::ZERO, bytes_max: WELCOME_BYTES_MAX });
                assert_eq!(repeats.due(now), None, "peers that come together share one");
                welcomes.push(second);
            }
        }
        assert_eq!(welcomes[..4], [0, 1, 2, 3]);
        assert!(welcomes[4..].windows(2).all(|pair| pair[1] - pair[0] == 30), "{welcomes:?}");
    }

    #[test]
    fn one_question_is_under_way_at_a_time() {
        let begin = Instant::now();
        let mut repeats = Repeats::new(EVERY, begin);
        assert_eq!((repeats.next_due(begin), repeats.due(begin)), (Some(begin + EVERY), None));
        let late = begin + EVERY;
        repeats.asked();
        repeats.peer_came();
        assert_eq!((repeats.next_due(late), repeats.due(late)), (None, None));
        repeats.answered();
        assert_eq!(repeats.next_due(late), Some(late));
        let sizes = [repeats.due(late), repeats.due(late), repeats.due(late)].map(|due| due.map(|due| due.bytes_max));
        assert_eq!(sizes, [Some(WELCOME_BYTES_MAX), Some(REPEATED_BYTES_MAX), None]);
    }
}
