#![allow(missing_docs)]
use esker_sdk::prelude::*;

#[component]
mod capped {
    use super::*;
    #[storage]
    pub struct Capped<const CAP: u64> { supply: Cell<u64> }
    impl Capped<5> {
        pub fn cap(&self) -> u64 { 5 }
    }
}

fn main() {}
