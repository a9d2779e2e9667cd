#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        #[flatten]
        count: Cell<U256>,
    }
}

fn main() {}
