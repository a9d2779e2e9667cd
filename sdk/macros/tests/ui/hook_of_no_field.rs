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
    struct Gold { token: Token, count: Cell<u64> }
    impl Gold {
        #[hook(tokens.before_update)]
        fn no_field(&mut self, _cx: &mut Context, _value: U256) {}
        #[hook(count.before_update)]
        fn no_component(&mut self, _cx: &mut Context, _value: U256) {}
        #[hook]
        fn whose(&mut self, _cx: &mut Context, _value: U256) {}
        #[hook(token.before_update)]
        fn first(&mut self, _cx: &mut Context, _value: U256) {}
        #[hook(token.before_update)]
        fn second(&mut self, _cx: &mut Context, _value: U256) {}
    }
}

fn main() {}
