#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        owner: Address,
        balances: Map<Address, U256>,
    }
}

fn main() {}
