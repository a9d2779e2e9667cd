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
        pub fn weigh(&self, grams: f32) -> bool {
            grams > 1.0
        }
    }
}

fn main() {}
