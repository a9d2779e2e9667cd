#![no_std]
use esker_sdk::prelude::*;

#[contract]
pub mod token {
    use super::*;
    use esker_sdk::Authority;

    #[storage]
    pub struct Token {
        count: Cell<U256>,
    }

    impl Token {
        pub fn look(&self) -> U256 {
            Token::__esker_root(&Authority { _private: () }).count.set(1);
            U256::ONE
        }
    }
}

fn main() {}
