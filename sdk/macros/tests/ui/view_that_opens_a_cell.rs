#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;
    use esker_sdk::storage::{Place, StorageType};

    #[storage]
    pub struct Token {}

    impl Token {
        pub fn look(&self) -> U256 {
            Cell::<U256>::open(Place::ROOT).set(1);
            U256::ONE
        }
    }
}

fn main() {}
