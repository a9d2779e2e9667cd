use esker_sdk::prelude::*;

#[contract]
mod token {
    use super::*;

    #[storage]
    pub struct Token {
        total: Cell<U256>,
    }

    impl Token {
        #[constructor]
        #[cfg(debug_assertions)]
        pub fn new(&mut self) {}
    }
}

fn main() {}
