#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {}

    impl Token {
        #[receive]
        #[reentrant]
        fn receive(&mut self) {}
    }
}

fn main() {}
