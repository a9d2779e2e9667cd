use esker_sdk::prelude::*;

#[contract]
mod token {
    use super::*;

    #[storage]
    pub struct Token {
        total: Cell<U256>,
    }

    impl Token {
        pub fn fail(&self) {
            esker_sdk::revert_with(super::Wrong { code: 1 })
        }
    }
}

pub struct Wrong {
    pub code: u8,
}

fn main() {}
