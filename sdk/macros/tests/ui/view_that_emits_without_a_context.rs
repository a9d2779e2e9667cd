#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {}

    #[event]
    pub struct Seen {
        pub number: U256,
    }

    impl Token {
        pub fn look(&self) -> U256 {
            Seen { number: U256::ONE }.emit();
            U256::ONE
        }
    }
}

fn main() {}
