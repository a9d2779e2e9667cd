#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage(nested)]
    pub struct Part {
        #[at("eip1967:admin")]
        admin: Cell<Address>,
    }

    #[storage]
    pub struct Token {
        parts: Map<U256, Part>,
    }
}

fn main() {}
