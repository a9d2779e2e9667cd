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

#[component]
mod other {
    use super::*;
    #[storage]
    pub struct Other { count: Cell<u64> }
    impl Other {
        #[constructor]
        pub fn new(&mut self) {}
        #[fallback]
        fn fallback(&mut self) {}
        #[hook]
        pub fn public(&mut self) {}
    }
}

fn main() {}
