//! Fractions of amounts, and voting powers. Everything rounds in the direction that its name says; nothing wraps.

use esker_sdk::prelude::*;

/// The whole, in basis points.
pub const WHOLE_BPS: u16 = 10_000;
/// Wei in a coin, and stake for one unit of voting power.
pub const COIN: u128 = 1_000_000_000_000_000_000;
/// Rewards per share are kept times 2 to this power.
pub const SHARE_BITS: u32 = 128;
/// The voting powers of a set together stay below this: the consensus engine multiplies them by 3.
pub const TOTAL_POWER_MAX: u64 = 1 << 60;

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

/// The voting powers of so many whole coins: a coin is one, unless the sum is too much. Then all are halved until it is not,
/// so that no fortune, however large, can end a set before its time.
#[must_use]
pub fn powers_of(coins: &[u128]) -> Vec<u64> {
    let total = coins.iter().fold(0u128, |sum, coins| sum.saturating_add(*coins));
    let halvings = (u128::BITS - total.leading_zeros()).saturating_sub(TOTAL_POWER_MAX.trailing_zeros());
    // Each is below `TOTAL_POWER_MAX`, as their sum is.
    coins.iter().map(|coins| u64::try_from(coins >> halvings).unwrap_or(u64::MAX)).collect()
}
