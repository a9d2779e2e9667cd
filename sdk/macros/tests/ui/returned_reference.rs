use esker_sdk::prelude::*;

#[contract]
mod token {
    use super::*;

    #[storage]
    pub struct Token {
        total: Cell<U256>,
    }

    impl Token {
        pub fn name(&self) -> &str {
            "Gold"
        }

        pub fn many(&self) -> impl Iterator<Item = U256> {
            core::iter::empty()
        }
    }
}

fn main() {}
