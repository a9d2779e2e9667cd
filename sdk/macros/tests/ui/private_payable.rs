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
        #[payable]
        fn pay(&mut self) {}
    }
}

fn main() {}
