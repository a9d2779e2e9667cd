//! What amounts of two tokens are worth in each other: the pure half of Uniswap V2's library.

use esker_sdk::prelude::*;

use crate::router::Error;

/// How much of the other token is worth `amount`, at the pool's price and without fee, rounded down.
pub fn quote(amount: U256, reserve: U256, reserve_other: U256) -> Result<U256, Error> {
    ensure!(amount > 0, Error::InsufficientAmount);
    ensure!(reserve > 0 && reserve_other > 0, Error::InsufficientLiquidity);
    Ok(amount * reserve_other / reserve)
}

/// The most that a pool pays out for `amount_in`, after its fee of 0.3 %, rounded down.
pub fn amount_out(amount_in: U256, reserve_in: U256, reserve_out: U256) -> Result<U256, Error> {
    ensure!(amount_in > 0, Error::InsufficientInputAmount);
    ensure!(reserve_in > 0 && reserve_out > 0, Error::InsufficientLiquidity);
    let after_fee = amount_in * 997;
    Ok(after_fee * reserve_out / (reserve_in * 1000 + after_fee))
}

/// The least for which a pool pays out `amount_out`, with its fee of 0.3 %, rounded up.
pub fn amount_in(amount_out: U256, reserve_in: U256, reserve_out: U256) -> Result<U256, Error> {
    ensure!(amount_out > 0, Error::InsufficientOutputAmount);
    ensure!(reserve_in > 0 && reserve_out > amount_out, Error::InsufficientLiquidity);
    Ok(reserve_in * amount_out * 1000 / ((reserve_out - amount_out) * 997) + 1)
}
