#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage(nested)]
    pub struct Part {
        count: Cell<U256>,
    }

    #[storage]
    pub struct Token {
        #[flatten]
        #[at("eip1967:admin")]
        part: Part,
    }
}

fn main() {}
