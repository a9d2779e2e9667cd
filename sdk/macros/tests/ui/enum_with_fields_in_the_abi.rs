#![no_std]
use esker_sdk::prelude::*;

#[derive(Abi)]
pub enum Choice {
    Nothing,
    Amount(U256),
}

fn main() {}
