#![no_std]
use esker_sdk::prelude::*;

#[derive(Abi, Stored)]
pub enum Phase {
    Open,
    Closed,
}

#[derive(Stored)]
pub struct Pair(U256, U256);

#[derive(Stored)]
pub struct Nothing {}

fn main() {}
