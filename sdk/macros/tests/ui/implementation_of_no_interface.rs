use esker_sdk::prelude::*;

#[interface]
pub trait IToken {
    fn burn(&mut self, value: U256) -> bool;
}

pub trait Helper {
    fn help(&self) -> bool;
}

#[contract]
mod token {
    use super::*;

    #[storage]
    pub struct Token {
        total: Cell<U256>,
    }

    impl Helper for Token {
        fn help(&self) -> bool {
            self.total.get() > 0
        }
    }
}

fn main() {}
