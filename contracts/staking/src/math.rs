//! Fractions of amounts. Everything rounds in the direction that its name says; nothing wraps.

use esker_sdk::{Panic, U256};

/// The whole, in basis points.
pub const WHOLE_BPS: u16 = 10_000;
/// Wei in a coin, and stake for one unit of voting power.
pub const COIN: u128 = 1_000_000_000_000_000_000;
/// Rewards per share are kept times 2 to this power.
pub const SHARE_BITS: u32 = 128;

/// The number as an amount: what does not fit in 128 bits is no amount of coins, and reverts with `Panic(0x11)`.
#[must_use]
pub fn amount(number: U256) -> u128 {
    number.to_u128().unwrap_or_else(|| Panic::Overflow.raise())
}

/// ⌊a × b / c⌋. Reverts with `Panic(0x12)` if `c` is zero.
#[must_use]
pub fn share_down(a: u128, b: u128, c: u128) -> u128 {
    amount(U256::from(a) * b / c)
}

/// ⌈a × b / c⌉. Reverts with `Panic(0x12)` if `c` is zero.
#[must_use]
pub fn share_up(a: u128, b: u128, c: u128) -> u128 {
    let (quotient, remainder) =
        (U256::from(a) * b).checked_div_rem(c.into()).unwrap_or_else(|| Panic::DivisionByZero.raise());
    amount(quotient) + u128::from(!remainder.is_zero())
}

/// ⌊amount × bps / 10,000⌋.
#[must_use]
pub fn part(amount: u128, bps: u16) -> u128 {
    share_down(amount, bps.into(), WHOLE_BPS.into())
}

/// What a slash of `bps` leaves of an amount, rounded down.
#[must_use]
pub fn slashed(amount: u128, bps: u16) -> u128 {
    part(amount, WHOLE_BPS.saturating_sub(bps))
}

/// By how much an accumulator of rewards per share grows when `rewards` go to `shares`.
#[must_use]
pub fn per_share(rewards: u128, shares: u128) -> U256 {
    (U256::from(rewards) << SHARE_BITS) / shares
}

/// What `shares` earned while the accumulator grew by `grown`.
///
/// The product fits: whoever has `shares` of at least as many earned at most all rewards ever paid, which are below 2^128.
#[must_use]
pub fn earned(shares: u128, grown: U256) -> u128 {
    amount((grown * shares) >> SHARE_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_round_as_their_names_say() {
        assert_eq!((share_down(7, 3, 2), share_up(7, 3, 2)), (10, 11));
        assert_eq!((share_down(8, 3, 2), share_up(8, 3, 2)), (12, 12));
        assert_eq!(share_down(u128::MAX, u128::MAX, u128::MAX), u128::MAX);
        assert_eq!((slashed(101, 500), part(101, 500)), (95, 5));
        assert_eq!((slashed(101, 0), slashed(101, 10_000)), (101, 0));
    }

    #[test]
    fn rewards_come_back_but_for_less_than_a_wei_a_share() {
        for (rewards, shares) in [(1, 3), (10, 3), (COIN, 7 * COIN + 1), (u128::MAX >> 8, u128::MAX >> 8), (5, 1)] {
            let paid = earned(shares, per_share(rewards, shares));
            assert!(paid <= rewards && rewards - paid <= 1, "{rewards} to {shares} shares: {paid}");
        }
    }
}
