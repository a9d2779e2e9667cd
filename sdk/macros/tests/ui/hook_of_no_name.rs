#![allow(missing_docs)]
use esker_sdk::prelude::*;

#[component]
mod token {
    use super::*;
    #[storage]
    pub struct Token { supply: Cell<U256> }
    impl Token {
        #[hook]
        fn before_update(&mut self, cx: &mut Context, value: U256) {}
        pub fn supply(&self) -> U256 { self.supply.get() }
        #[internal]
        pub fn mint(&mut self, cx: &mut Context, value: U256) {
            self.before_update(cx, value);
            self.supply.add(value);
        }
    }
}

#[contract]
mod gold {
    use super::{token::Token, *};
    #[storage]
    struct Gold { token: Token }
    impl Gold {
        #[hook(token.before_updates)]
        fn check(&mut self, _cx: &mut Context, _value: U256) {}
    }
}

fn main() {}
