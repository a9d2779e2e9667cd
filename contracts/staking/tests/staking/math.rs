//! Fractions round as their names say.

use esker_staking::math::{COIN, earned, part, per_share, share_down, share_up, slashed};

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
