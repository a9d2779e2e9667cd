//! What operations and proposals call, beside `TargetModel`.

#![allow(missing_docs, reason = "a contract of the tests alone")]

use esker_sdk::prelude::*;

/// Counts what it is sent, and fails in two ways. It runs natively, so that gas of calls that reach it is not comparable.
#[contract]
pub mod target {
    use super::*;

    #[storage]
    pub struct Target {
        runs: Cell<U256>,
    }

    impl Target {
        pub fn runs(&self) -> U256 {
            self.runs.get()
        }

        #[payable]
        pub fn run(&mut self, times: U256) {
            self.runs.add(times);
        }

        pub fn fail() {
            require!(false, "no");
        }

        pub fn fail_silently() {
            esker_sdk::revert_bytes(&[]);
        }
    }
}
pub use target::*;
