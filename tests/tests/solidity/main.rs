//! Our contracts beside Solidity's: the same random calls on both, which must return, revert, log and pay the same.
//!
//! `ESKER_SOLIDITY_CALLS` says how many calls each pair makes, about; a few hundred unless it does.

mod erc1155;
mod exchange;
mod governor;
mod nft;
mod payment_splitter;
mod receiver;
mod router;
mod signer;
mod staking_rewards;
mod target;
mod timelock;
mod token;
mod tokens;
mod vault;
mod weth;

/// Actions of a sequence.
const LENGTH: u32 = 60;

/// Sequences that make about as many calls as the environment asks for.
fn sequences() -> u32 {
    let asked = std::env::var("ESKER_SOLIDITY_CALLS").map_or(600, |text| text.parse().expect("a number of calls"));
    // A sequence has from 1 to LENGTH actions.
    (asked * 2 / LENGTH).max(1)
}
