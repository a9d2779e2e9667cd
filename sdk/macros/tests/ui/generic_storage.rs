#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token<T> {
        value: Cell<T>,
    }
}

fn main() {}
