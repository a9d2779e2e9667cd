#![allow(missing_docs)]
use esker_sdk::prelude::*;

#[component]
mod twice {
    use super::*;
    #[storage]
    pub struct Twice { count: Cell<u64> }
    impl Twice {
        pub fn count(&self) -> u64 { self.count.get() }
        #[name = "count"]
        pub fn second(&self) -> u64 { 2 }
    }
}

#[component]
mod generic {
    use super::*;
    #[storage]
    pub struct Generic<const N: u64> { count: Cell<u64> }
    impl<const N: u64> Generic<N> {
        pub fn count(&self) -> u64 { self.count.get() }
        #[name = "count"]
        pub fn second(&self) -> u64 { N }
    }
}

#[contract]
mod gold {
    use super::generic::Generic;
    #[storage]
    struct Gold { generic: Generic<5> }
}

fn main() {}
