#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        #[at("erc7201:example.main")]
        lock: TransientCell<bool>,
    }
}

fn main() {}
