#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage(nested)]
    pub struct Lock {
        pub held: TransientCell<bool>,
        pub count: Cell<U256>,
    }

    #[storage]
    pub struct Token {
        locks: List<Lock>,
    }
}

fn main() {}
