#![allow(missing_docs)]
use esker_sdk::prelude::*;

#[component]
mod inner {
    use super::*;
    #[storage]
    pub struct Inner { supply: Cell<U256> }
    impl Inner {
        pub fn supply(&self) -> U256 { self.supply.get() }
        pub fn decimals(&self) -> u8 { 18 }
    }
}

#[component]
mod misspelt {
    use super::inner::Inner;
    #[storage]
    pub struct Misspelt { #[expose] inner: Inner }
    impl Misspelt {
        #[overrides]
        pub fn decimal(&self) -> u8 { 6 }
    }
}

#[component]
mod hidden {
    use super::{inner::Inner, *};
    #[storage]
    pub struct Hidden { #[expose(decimals)] inner: Inner }
    impl Hidden {
        #[overrides]
        pub fn supply(&self) -> U256 { U256::ZERO }
    }
}

#[component]
mod generic {
    use super::inner::Inner;
    #[storage]
    pub struct Generic<const N: u64> { #[expose] inner: Inner }
    impl<const N: u64> Generic<N> {
        #[overrides]
        pub fn decimal(&self) -> u8 { 6 }
    }
}

#[component]
mod alone {
    use super::*;
    #[storage]
    pub struct Alone { count: Cell<u64> }
    impl Alone {
        #[overrides]
        pub fn decimals(&self) -> u8 { 6 }
    }
}

#[contract]
mod gold {
    use super::generic::Generic;
    #[storage]
    struct Gold { #[expose] generic: Generic<5> }
    impl Gold {
        #[constructor]
        #[overrides]
        pub fn new(&mut self) {}
    }
}

#[contract]
mod silver {
    use super::generic::Generic;
    #[storage]
    struct Silver { #[expose] generic: Generic<5> }
}

fn main() {}
