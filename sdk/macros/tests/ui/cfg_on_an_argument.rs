use esker_sdk::prelude::*;

#[contract]
mod token {
    use super::*;

    #[storage]
    pub struct Token {
        total: Cell<U256>,
    }

    impl Token {
        pub fn set(&mut self, #[cfg(debug_assertions)] to: U256) {}
    }
}

fn main() {}
