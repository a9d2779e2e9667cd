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
        #[flatten]
        part: Part,
        #[at("0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103")]
        owner: Cell<Address>,
    }
}

fn main() {}
