//! Fractions round as their names say.

use esker_staking::math::{COIN, TOTAL_POWER_MAX, earned, part, per_share, powers_of, share_down, share_up, slashed};

#[test]
fn shares_round_as_their_names_say() {
    assert_eq!((share_down(7, 3, 2), share_up(7, 3, 2)), (10, 11));
    assert_eq!((share_down(8, 3, 2), share_up(8, 3, 2)), (12, 12));
    assert_eq!(share_down(u128::MAX, u128::MAX, u128::MAX), u128::MAX);
    assert_eq!((slashed(101, 500), part(101, 500)), (95, 5));
    assert_eq!((slashed(101, 0), slashed(101, 10_000)), (101, 0));
}

#[test]
fn rewards_come_back_but_for_a_wei() {
    for (rewards, shares) in [(1, 3), (10, 3), (COIN, 7 * COIN + 1), (u128::MAX >> 8, u128::MAX >> 8), (5, 1)] {
        let paid = earned(shares, per_share(rewards, shares));
        assert!(paid <= rewards && rewards - paid <= 1, "{rewards} to {shares} shares: {paid}");
    }
}

#[test]
fn powers_are_coins_and_halved_until_they_fit() {
    let most = u128::from(TOTAL_POWER_MAX) - 1;
    assert!(powers_of(&[]).is_empty());
    assert_eq!(powers_of(&[5, 0, 3]), [5, 0, 3]);
    assert_eq!(powers_of(&[most - 3, 3]), [TOTAL_POWER_MAX - 4, 3]);
    assert_eq!(powers_of(&[most - 2, 3]), [TOTAL_POWER_MAX / 2 - 2, 1], "at the limit all are halved");
    assert_eq!(powers_of(&[most + 1]), [TOTAL_POWER_MAX / 2]);
    // Whoever is poor beside such a fortune has no power, and the fortune does.
    assert_eq!(powers_of(&[most * 1_000, 900])[1], 0);
    // All the coins that 128 bits of wei can be, a hundred times.
    let powers = powers_of(&[u128::MAX / COIN; 100]);
    let total: u64 = powers.iter().sum();
    assert!(powers.len() == 100 && total < TOTAL_POWER_MAX && total > TOTAL_POWER_MAX / 2 - 100, "{total}");
}
