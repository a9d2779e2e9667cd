//! Where votes come from.

use esker_sdk::prelude::*;

/// A token that remembers what everybody had (ERC-5805 and ERC-6372).
#[interface]
pub trait IVotes {
    /// What time it is.
    fn clock(&self) -> Uint<48>;
    /// What the clock shows.
    #[name = "CLOCK_MODE"]
    fn clock_mode(&self) -> String;
    /// How many votes `account` had at a past time.
    fn get_past_votes(&self, account: Address, timepoint: U256) -> U256;
    /// How many votes there were at a past time.
    fn get_past_total_supply(&self, timepoint: U256) -> U256;
}
