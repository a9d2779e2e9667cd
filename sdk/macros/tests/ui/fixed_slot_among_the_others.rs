#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        a: Cell<U256>,
        b: Cell<U256>,
        #[at("0x1")]
        c: Cell<U256>,
    }
}

fn main() {}
