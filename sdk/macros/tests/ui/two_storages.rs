#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        owner: Cell<Address>,
    }

    #[storage]
    pub struct Extra {
        count: Cell<U256>,
    }
}

fn main() {}
