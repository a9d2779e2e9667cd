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
        #[name = "transfer"]
        pub fn send(&mut self, _to: Address) {}

        pub fn transfer(&mut self, _to: Address) {}
    }
}

fn main() {}
