#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub struct Token {}

fn main() {}
