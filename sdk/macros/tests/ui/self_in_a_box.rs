use esker_sdk::prelude::*;

#[contract]
mod token {
    use super::*;

    #[storage]
    pub struct Token {
        total: Cell<U256>,
    }

    impl Token {
        pub fn consume(self: Box<Self>) {}

        pub fn two(&self, one: &Context, other: &Context) {}

        pub fn unnamed(&self, _: U256) {}
    }
}

fn main() {}
