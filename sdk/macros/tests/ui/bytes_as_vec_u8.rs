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
        pub fn store(&mut self, data: Vec<u8>) {
            let _ = data;
        }
    }
}

fn main() {}
