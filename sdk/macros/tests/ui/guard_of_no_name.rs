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
    struct Gold { token: Token, owner: Cell<Address> }
    impl Gold {
        fn only_owner(&self, cx: &Context) -> bool { cx.sender() == self.owner.get() }

        #[only(token.minter)]
        pub fn mint(&mut self, cx: &mut Context) { self.token.mint(cx, U256::ONE); }
        #[only(owner)]
        pub fn burn(&mut self) {}
    }
}

#[contract]
mod silver {
    use super::*;
    #[storage]
    struct Silver { owner: Cell<Address> }
    impl Silver {
        #[only]
        pub fn whom(&mut self) {}
        #[when(open)]
        pub fn pure() {}
    }
}

fn main() {}
