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
        #[constructor]
        pub fn new(&mut self) {}

        #[constructor]
        pub fn again(&mut self, owner: Address) {
            self.owner.set(owner);
        }
    }
}

fn main() {}
