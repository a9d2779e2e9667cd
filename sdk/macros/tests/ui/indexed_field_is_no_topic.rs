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
        amounts: Vec<U256>,
    }
}

fn main() {}
