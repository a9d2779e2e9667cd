#![no_std]
use esker_sdk::prelude::*;

#[interface]
pub trait IToken {
    fn total(&self) -> U256 {
        U256::ZERO
    }
}

fn main() {}
