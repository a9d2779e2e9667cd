#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    pub struct Token {}

    impl Token {
        pub fn owner(&self) {}
    }
}

fn main() {}
