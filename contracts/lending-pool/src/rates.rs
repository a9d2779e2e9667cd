//! What borrowing costs: little while much is left to withdraw, and a lot when nearly all is lent out.

use esker_sdk::prelude::*;

/// One, in parts of 10^-18.
pub const WAD: U256 = u256!("1e18");
/// Seconds in a year.
const YEAR: u128 = 365 * 24 * 60 * 60;

/// Up to this use the rate rises slowly, beyond it steeply.
const KINK: U256 = u256!("0.8e18");
/// What a year costs when nothing is lent.
const BASE: U256 = u256!("0.02e18");
/// What a year costs more at the kink.
const SLOPE: U256 = u256!("0.08e18");
/// What a year costs more than at the kink when all is lent.
const STEEP_SLOPE: U256 = u256!("0.9e18");

/// What part of what lenders have is lent, in parts of 10^-18. `assets` is what they have, lent or not.
pub fn utilization(debt: U256, assets: U256) -> U256 {
    match (debt == 0, debt >= assets) {
        (true, _) => U256::ZERO,
        // Lenders may have gone with all but the owner's part: it is lent whole.
        (false, true) => WAD,
        (false, false) => debt.mul_div(WAD, assets, Rounding::Floor),
    }
}

/// What part of a debt a year costs at this use, in parts of 10^-18.
pub fn yearly_rate(utilization: U256) -> U256 {
    let slow = SLOPE.mul_div(utilization.min(KINK), KINK, Rounding::Floor);
    let steep = STEEP_SLOPE.mul_div(utilization.saturating_sub(KINK), WAD - KINK, Rounding::Floor);
    BASE + slow + steep
}

/// What a debt costs in so many seconds at a yearly rate, and what is left over of a unit. What was left over before, `left`,
/// counts too: however often somebody has interest written down, debts grow as fast as they should.
pub fn interest(debt: U256, rate: U256, seconds: u64, left: U256) -> (U256, U256) {
    let (parts, whole) = (rate * u128::from(seconds), WAD * YEAR);
    let left = debt % whole * (parts % whole) % whole + left;
    (debt.mul_div(parts, whole, Rounding::Floor) + left / whole, left % whole)
}
