use esker_sdk::prelude::*;

#[interface]
pub trait IToken {
    fn burn(&mut self, value: U256) -> bool;
}


#[contract]
mod token {
    use super::*;

    #[storage]
    pub struct Token {
        total: Cell<U256>,
    }

    impl IToken for Token {
        #[name = "destroy"]
        fn burn(&mut self, value: U256) -> bool {
            value > 0
        }
    }
}

fn main() {}
