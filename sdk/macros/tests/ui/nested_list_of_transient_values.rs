#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage(nested)]
    pub struct Lock {
        pub held: TransientCell<bool>,
    }

    #[storage]
    pub struct Token {
        locks: Map<U256, List<Lock>>,
    }
}

fn main() {}
