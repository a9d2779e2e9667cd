#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        owner: Cell<Address>,
    }


    #[event]
    pub struct Moved {
        #[indexed]
        from: Address,
        #[indexed]
        to: Address,
        #[indexed]
        value: U256,
        #[indexed]
        memo: FixedBytes<32>,
    }
}

fn main() {}
