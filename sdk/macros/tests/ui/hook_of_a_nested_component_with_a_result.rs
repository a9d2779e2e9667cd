#![allow(missing_docs)]
use esker_sdk::prelude::*;

#[component]
mod low {
    use super::*;
    #[storage]
    pub struct Low { count: Cell<u64> }
    impl Low {
        #[hook]
        fn limit(&self) -> u64 { 10 }
        pub fn is_full(&self) -> bool { self.count.get() >= self.limit() }
    }
}

#[component]
mod middle {
    use super::low::Low;
    #[storage]
    pub struct Middle { low: Low }
    impl Middle {}
}

#[contract]
mod top {
    use super::{middle::Middle, *};
    #[storage]
    struct Top { middle: Middle }
    impl Top {
        #[hook(middle.low.limit)]
        fn limit(&self) -> u64 { 20 }
    }
}

fn main() {}
