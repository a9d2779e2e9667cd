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
