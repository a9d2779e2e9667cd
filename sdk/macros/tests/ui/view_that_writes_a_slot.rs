#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;
    use esker_sdk::storage::Slot;

    #[storage]
    pub struct Token {}

    impl Token {
        pub fn look(&self) -> U256 {
            Slot::ZERO.store(&[1; 32]);
            U256::from_be_bytes(Slot::ZERO.load())
        }
    }
}

fn main() {}
