//! Who proposes: a weighted permutation of the validators, drawn anew for each height, walked through by the rounds.
//!
//! `docs/spec/consensus.md` defines it. It depends on nothing but the set, the height and the round, so any node knows the
//! proposer of any round, also of one that it did not see.

use alloy_primitives::keccak256;

/// What the draws' seeds begin with.
const DOMAIN: &[u8] = b"esker/proposer/1";

/// The indices of validators with these `powers` in the order in which they propose at `height`, one a round.
///
/// Draw `i` takes `keccak256(domain ‖ height ‖ i)`, both big-endian 64-bit numbers; the first 16 bytes of it, modulo the
/// power of those not drawn yet, choose the next one, each having as many chances as it has power.
pub fn order(powers: impl Iterator<Item = u64>, height: u64) -> impl Iterator<Item = usize> {
    let mut left: Vec<(usize, u128)> = powers.map(u128::from).enumerate().collect();
    let mut draw = 0;
    std::iter::from_fn(move || {
        if left.is_empty() {
            return None;
        }
        let total: u128 = left.iter().map(|(_, power)| power).sum();
        let mut chosen = seed(height, draw).checked_rem(total).unwrap_or(0);
        draw += 1;
        let mut place = 0;
        for (index, (_, power)) in left.iter().enumerate() {
            place = index;
            match chosen.checked_sub(*power) {
                Some(rest) => chosen = rest,
                None => break,
            }
        }
        Some(left.remove(place).0)
    })
}

/// Index of the proposer of `round` at `height` among validators with these `powers`; 0 if there are none. Round `r`
/// belongs to the one of draw `r` modulo the number of validators.
#[must_use]
pub fn index(powers: impl ExactSizeIterator<Item = u64>, height: u64, round: u32) -> usize {
    let count = powers.len();
    let round = usize::try_from(round).unwrap_or(usize::MAX);
    round.checked_rem(count).and_then(|turn| order(powers, height).nth(turn)).unwrap_or(0)
}

fn seed(height: u64, draw: u64) -> u128 {
    let hash = keccak256([DOMAIN, &height.to_be_bytes(), &draw.to_be_bytes()].concat());
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounds_of_a_height_give_each_validator_one_turn_before_any_has_a_second() {
        let powers = [1, 5, 1 << 59, 7, 7];
        for height in 0..200 {
            let mut turns: Vec<usize> = (0..5).map(|round| index(powers.into_iter(), height, round)).collect();
            assert_eq!(index(powers.into_iter(), height, 5), turns[0]);
            assert_eq!(index(powers.into_iter(), height, u32::MAX), turns[(u32::MAX % 5) as usize]);
            turns.sort_unstable();
            assert_eq!(turns, [0, 1, 2, 3, 4], "height {height}");
        }
    }

    #[test]
    fn first_turns_follow_the_power() {
        let mut turns = [0u32; 3];
        for height in 0..30_000 {
            turns[index([1, 2, 3].into_iter(), height, 0)] += 1;
        }
        for (turns, expected) in turns.into_iter().zip([5_000u32, 10_000, 15_000]) {
            assert!(turns.abs_diff(expected) < 400, "{turns} turns, {expected} expected");
        }
    }

    #[test]
    fn nobody_and_one_alone_are_no_exception() {
        assert_eq!(index([].into_iter(), 1, 1), 0);
        assert_eq!(index([9].into_iter(), u64::MAX, u32::MAX), 0);
    }
}
