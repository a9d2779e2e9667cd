use esker_sdk::prelude::*;

#[contract]
mod token {
    use super::*;

    #[storage]
    pub struct Token {
        total: Cell<U256>,
    }

    impl Token {
        pub fn ask(&self) -> super::outside::Result<U256> {
            super::outside::Result(self.total.get())
        }
    }
}

mod outside {
    pub struct Result<T>(pub T);
}

fn main() {}
