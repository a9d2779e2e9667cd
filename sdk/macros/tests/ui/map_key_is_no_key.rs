#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        held: Map<Vec<U256>, bool>,
    }
}

fn main() {}
