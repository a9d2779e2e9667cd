//! Epochs: which block belongs to which, and how far a validator set reaches.

/// The epochs of a chain. Block *h* ≥ 1 belongs to epoch (*h* − 1) / length; block 0 counts to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    length: u64,
}

impl Epochs {
    /// Epochs of so many blocks; 0 on a chain without staking, which has one without end.
    #[must_use]
    pub const fn of_length(length: u64) -> Self {
        Self { length }
    }

    /// The epoch of a block.
    #[must_use]
    pub const fn of(self, block: u64) -> u64 {
        match block.saturating_sub(1).checked_div(self.length) {
            Some(epoch) => epoch,
            None => 0,
        }
    }

    /// The first block of an epoch; the highest number where there is none.
    #[must_use]
    pub const fn first_block(self, epoch: u64) -> u64 {
        epoch.saturating_mul(self.length).saturating_add(1)
    }

    /// The last block of an epoch; the highest number where there is none.
    #[must_use]
    pub const fn last_block(self, epoch: u64) -> u64 {
        match self.length {
            0 => u64::MAX,
            length => epoch.saturating_add(1).saturating_mul(length),
        }
    }

    /// Whether the set may be another one after this block: it is the last of its epoch, or block 0.
    #[must_use]
    pub const fn ends_with(self, block: u64) -> bool {
        matches!(block.checked_rem(self.length), Some(0))
    }

    /// The last block, up to this one, after which the set may have become another.
    #[must_use]
    pub const fn set_since(self, block: u64) -> u64 {
        match block.checked_rem(self.length) {
            Some(past) => block - past,
            None => 0,
        }
    }

    /// The last block that the set in the state after `block` decides: the end of the epoch of the block after it.
    #[must_use]
    pub const fn set_until(self, block: u64) -> u64 {
        self.last_block(self.of(block.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_has_its_epoch() {
        let epochs = Epochs::of_length(3);
        let seen: Vec<_> = (0..8)
            .map(|block| (epochs.of(block), epochs.ends_with(block), epochs.set_since(block), epochs.set_until(block)))
            .collect();
        assert_eq!(
            seen,
            [
                (0, true, 0, 3),
                (0, false, 0, 3),
                (0, false, 0, 3),
                (0, true, 3, 6),
                (1, false, 3, 6),
                (1, false, 3, 6),
                (1, true, 6, 9),
                (2, false, 6, 9),
            ]
        );
        for epoch in 0..5 {
            let (first, last) = (epochs.first_block(epoch), epochs.last_block(epoch));
            assert_eq!((last - first, epochs.of(first), epochs.of(last)), (2, epoch, epoch));
        }
    }

    #[test]
    fn lengths_and_numbers_at_their_limits_do_not_overflow() {
        let none = Epochs::of_length(0);
        assert_eq!((none.of(9), none.first_block(0), none.last_block(0)), (0, 1, u64::MAX));
        assert_eq!((none.ends_with(0), none.set_since(9), none.set_until(9)), (false, 0, u64::MAX));
        for length in [1, 2, 7, u64::MAX] {
            let epochs = Epochs::of_length(length);
            let last = epochs.of(u64::MAX);
            assert!(epochs.first_block(last) <= epochs.last_block(last));
            assert_eq!(epochs.first_block(u64::MAX), u64::MAX);
            assert_eq!(epochs.last_block(u64::MAX), u64::MAX);
            assert_eq!((epochs.set_since(0), epochs.set_until(0)), (0, length));
            assert_eq!(epochs.set_until(u64::MAX), u64::MAX);
        }
    }
}
