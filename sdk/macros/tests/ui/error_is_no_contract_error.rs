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
        pub fn fail(&self) -> Result<bool, u32> {
            Err(1)
        }
    }
}

fn main() {}
