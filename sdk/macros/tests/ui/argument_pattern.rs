#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        owner: Cell<Address>,
    }

    impl Token {
        pub fn add(&self, (a, b): (U256, U256)) -> U256 {
            a + b
        }
    }
}

fn main() {}
