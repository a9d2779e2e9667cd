#![allow(missing_docs)]
use esker_sdk::prelude::*;

#[component]
mod inner {
    use super::*;
    #[storage]
    pub struct Inner<const N: u64> { supply: Cell<U256> }
    impl<const N: u64> Inner<N> {
        pub fn supply(&self) -> U256 { self.supply.get() }
    }
}

#[component]
mod outer {
    use super::inner::Inner;
    #[storage]
    pub struct Outer<const N: u64> {
        #[expose(suply)]
        fixed: Inner<7>,
    }
}

#[component]
mod other {
    use super::inner::Inner;
    #[storage]
    pub struct Other<const N: u64> {
        #[expose(suply)]
        inner: Inner<N>,
    }
}

#[component]
mod pair {
    use super::inner::Inner;
    #[storage]
    pub struct Pair {
        #[expose]
        inner: Inner<7>,
        #[expose]
        named: Named,
    }
    pub use super::named::Named;
}

/// Calls another method what `Inner` calls one of its own.
#[component]
mod named {
    use super::*;
    #[storage]
    pub struct Named { count: Cell<u64> }
    impl Named {
        pub fn supply(&self, of: u64) -> u64 { self.count.get() + of }
    }
}

#[contract]
mod gold {
    use super::{other::Other, pair::Pair};
    #[storage]
    struct Gold {
        other: Other<5>,
        #[expose(supply)]
        pair: Pair,
    }
}

fn main() {}
