//! Random choices that can be made again, and made smaller.

use std::ops::RangeInclusive;

use esker_sdk::U256;

/// SplitMix64 (Steele, Lea and Flood, 2014): fast, small, and the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Where an action gets its values from: drawn at first, and the same again when a sequence is repeated.
///
/// Each value comes from one number or a few that shrinking makes smaller: the smallest value of a range, and the first
/// item of a list, are the simplest.
#[derive(Debug)]
pub struct Draw {
    /// What was drawn, or is to be drawn again.
    choices: Vec<u64>,
    used: usize,
    random: Random,
}

impl Draw {
    pub(crate) const fn new(choices: Vec<u64>, random: Random) -> Self {
        Self { choices, used: 0, random }
    }

    /// The numbers that the values came from.
    pub(crate) fn into_choices(mut self) -> Vec<u64> {
        self.choices.truncate(self.used);
        self.choices
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        let choice = self.choices.get(self.used).copied().unwrap_or_else(|| {
            // One draw in eight is an edge, where mistakes are.
            let next = self.random.next();
            let choice = match next % 8 {
                0 => [0, 1, u64::MAX, u64::MAX - 1][(next >> 8) as usize % 4],
                _ => self.random.next(),
            };
            self.choices.push(choice);
            choice
        });
        self.used += 1;
        choice
    }

    /// A number of a range, its ends included.
    ///
    /// # Panics
    /// If the range is empty.
    #[track_caller]
    pub fn number(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (start, end) = range.into_inner();
        let span = end.checked_sub(start).expect("a range that is not empty");
        let choice = self.any();
        start + span.checked_add(1).map_or(choice, |count| choice % count)
    }

    /// A 256-bit number, every size as likely as any other.
    pub fn u256(&mut self) -> U256 {
        let bits = self.number(0..=256) as u32;
        let limbs = [self.any(), self.any(), self.any(), self.any()];
        let number = U256::from_limbs(limbs);
        if bits == 0 { U256::ZERO } else { number >> (256 - bits) }
    }

    /// Yes or no; shrinks to no.
    pub fn chance(&mut self) -> bool {
        self.number(0..=1) == 1
    }

    /// One of several.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let last = from.len().checked_sub(1).expect("something to pick from");
        from[self.number(0..=last as u64) as usize].clone()
    }
}
