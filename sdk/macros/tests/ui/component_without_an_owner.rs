#![allow(missing_docs)]
use esker_sdk::prelude::*;

#[component]
mod blob {
    use esker_sdk::prelude::*;
    #[storage]
    pub struct Token { supply: Cell<U256> }
    impl Token {
        #[hook]
        fn before_update(&mut self) {}
        pub fn supply(&mut self) -> U256 { self.before_update(); self.supply.get() }
    }
    pub use Token as Blob;
}
use blob::Token;

#[storage(nested)]
pub struct Nested { token: Token, count: Cell<u64> }

#[storage(nested)]
pub struct Pair<T: esker_sdk::storage::StorageType> { one: T, two: T }

#[component]
mod holder {
    use esker_sdk::storage::StorageType;
    #[storage]
    pub struct Holder<T: StorageType> { inner: T }
    impl<T: StorageType> Holder<T> {
        #[internal]
        pub fn nothing(&self) {}
    }
}

#[component]
mod keeper {
    use super::*;
    #[storage]
    pub struct Keeper { tokens: Map<Address, Token> }
}

#[contract]
mod gold {
    use super::{Pair, Token, blob::Blob, holder::Holder, *};
    #[storage]
    struct Gold {
        tokens: Map<Address, Token>,
        list: List<Token>,
        array: Array<Token, 2>,
        pair: Pair<Token>,
        holder: Holder<Token>,
        named: Blob,
        fine: Token,
    }
}

fn main() {}
