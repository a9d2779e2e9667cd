//! The guide's first example and the README's, word for word.

#![allow(missing_docs, reason = "the guide explains it")]

use esker_sdk::prelude::*;
use esker_sdk::{
    native::{MemoryHost, Outcome},
    primitive_types::H256,
};

#[rustfmt::skip]
mod example {
use super::*;

#[contract]
pub mod counter {
    use super::*;

    #[storage]
    pub struct Counter {
        count: Cell<U256>,
        owner: Cell<Address>,
    }

    #[event]
    pub struct Counted { #[indexed] pub by: Address, pub count: U256 }

    #[error]
    pub enum Error { NotOwner { caller: Address } }

    impl Counter {
        #[constructor]
        pub fn new(&mut self, cx: &Context, start: U256) {
            self.owner.set(cx.sender());
            self.count.set(start);
        }

        pub fn count(&self) -> U256 {
            self.count.get()
        }

        pub fn increment(&mut self, cx: &mut Context) {
            let count = self.count.add(1);
            cx.emit(Counted { by: cx.sender(), count });
        }

        pub fn reset(&mut self, cx: &Context) -> Result<(), Error> {
            ensure!(cx.sender() == self.owner.get(), Error::NotOwner { caller: cx.sender() });
            self.count.set(0);
            Ok(())
        }
    }
}
pub use counter::*;
}
use example::*;

#[rustfmt::skip]
mod readme {
use esker_sdk::prelude::*;

#[contract]
pub mod counter {
    use super::*;

    #[storage]
    pub struct Counter {
        count: Cell<U256>,
    }

    impl Counter {
        /// Begins with `first`.
        #[constructor]
        pub fn new(&mut self, first: U256) {
            self.count.set(first);
        }

        /// How often somebody counted.
        pub fn count(&self) -> U256 {
            self.count.get()
        }

        /// Counts once more. Overflow reverts with Panic(0x11), as in Solidity.
        pub fn increment(&mut self) {
            self.count.add(1);
        }
    }
}
pub use counter::*;
}

#[test]
fn the_examples_are_these() {
    for text in [include_str!("../../docs/sdk.md"), include_str!("../../README.md")] {
        let block = text.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).expect("there is code");
        let code = block.strip_prefix("#![no_std]\nuse esker_sdk::prelude::*;\n").expect("it starts like a contract");
        assert!(include_str!("guide.rs").contains(code), "change both together");
    }
}

/// `esker deploy Counter 7`, which the README shows, passes one number.
#[test]
fn the_readmes_example_begins_where_its_deployment_says() {
    assert!(include_str!("../../README.md").contains("esker deploy Counter 7 "));
    let alice = Address::repeat_byte(1);
    let mut chain = MemoryHost::new();
    let deployment = readme::CounterHandle::constructor(7);
    let counter = chain.deploy::<readme::Counter>(alice, Address::repeat_byte(9), &deployment).expect("deploys");
    assert_eq!(chain.send(alice, &counter.increment()), Outcome::Return(Vec::new()));
    assert_eq!(chain.query(alice, &counter.count()), 8);
}

#[test]
fn the_guides_example_counts() {
    let (alice, bob) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let mut chain = MemoryHost::new();
    let counter =
        chain.deploy::<Counter>(alice, Address::repeat_byte(9), &CounterHandle::constructor(5)).expect("deploys");
    assert_eq!(chain.send(bob, &counter.increment()), Outcome::Return(Vec::new()));
    assert_eq!(chain.query(bob, &counter.count()), 6);
    let topics: Vec<H256> = chain.take_logs().remove(0).topics;
    assert_eq!(topics[0].0, <Counted as Event>::TOPIC);
    let refused = Outcome::Revert(Error::NotOwner { caller: bob }.encode());
    assert_eq!(chain.send(bob, &counter.reset()), refused);
    assert_eq!(chain.send(alice, &counter.reset()), Outcome::Return(Vec::new()));
    assert_eq!(chain.query(bob, &counter.count()), 0);
}
