#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;

    #[storage]
    pub struct Token {
        owner: Cell<Address>,
    }

    impl Token {
        pub fn owner(&self) -> Option<Address> {
            Some(self.owner.get())
        }
    }
}

fn main() {}
