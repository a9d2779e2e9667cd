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
            let called = Authority::new();
            let default = Authority::default();
            Token::__esker_root(&called).count.set(1);
            U256::ONE
        }
    }
}

fn main() {}
