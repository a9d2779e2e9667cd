//! The guide's example of a contract made of parts, word for word.

#![allow(missing_docs, reason = "the guide explains it")]

use esker_sdk::{
    native::{MemoryHost, Outcome},
    prelude::*,
};

#[rustfmt::skip]
mod example {
use super::*;

#[component]
pub mod ledger {
    use super::*;

    #[storage]
    pub struct Ledger<const CAP: u64> {
        balances: Map<Address, U256>,
        supply: Cell<U256>,
    }

    #[event]
    pub struct Moved { #[indexed] pub from: Address, #[indexed] pub to: Address, pub value: U256 }

    #[error]
    pub enum Error { TooMany { supply: U256 }, TooFew { balance: U256 } }

    impl<const CAP: u64> Ledger<CAP> {
        /// Called before balances change.
        #[hook]
        fn before_move(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) {}

        pub fn balance_of(&self, account: Address) -> U256 {
            self.balances.get(account)
        }

        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<(), Error> {
            let from = cx.sender();
            self.before_move(cx, from, to, value);
            self.balances.at_mut(from).try_sub(value).map_err(|balance| Error::TooFew { balance })?;
            self.balances.at_mut(to).add(value);
            cx.emit(Moved { from, to, value });
            Ok(())
        }

        #[internal]
        pub fn mint(&mut self, to: Address, value: U256) -> Result<(), Error> {
            let supply = self.supply.add(value);
            ensure!(supply <= CAP as u128, Error::TooMany { supply });
            self.balances.at_mut(to).add(value);
            Ok(())
        }
    }
}

#[component]
pub mod ownable {
    use super::*;

    #[storage]
    pub struct Ownable { owner: Cell<Address> }

    #[error]
    pub struct NotOwner { pub caller: Address }

    impl Ownable {
        pub fn owner(&self) -> Address {
            self.owner.get()
        }

        #[internal]
        pub fn init(&mut self, owner: Address) {
            self.owner.set(owner);
        }

        #[internal]
        pub fn only_owner(&self, cx: &Context) -> Result<(), NotOwner> {
            ensure!(cx.sender() == self.owner.get(), NotOwner { caller: cx.sender() });
            Ok(())
        }
    }
}

#[contract]
pub mod gold {
    use super::{ledger::Ledger, ownable::Ownable, *};

    #[storage]
    pub struct Gold {
        #[flatten]
        #[expose]
        ledger: Ledger<1000>,
        #[expose(owner)]
        ownable: Ownable,
        frozen: Map<Address, bool>,
    }

    #[error]
    pub enum Error { Frozen { account: Address } }

    impl Gold {
        #[constructor]
        pub fn new(&mut self, cx: &Context) {
            self.ownable.init(cx.sender());
        }

        #[only(ownable.owner)]
        pub fn mint(&mut self, to: Address, value: U256) -> Result<(), super::ledger::Error> {
            self.ledger.mint(to, value)
        }

        #[only(ownable.owner)]
        pub fn freeze(&mut self, account: Address) {
            self.frozen.set(account, true);
        }

        #[hook(ledger.before_move)]
        fn not_while_frozen(&mut self, _cx: &mut Context, from: Address, _to: Address, _value: U256) -> Result<(), Error> {
            ensure!(!self.frozen.get(from), Error::Frozen { account: from });
            Ok(())
        }
    }
}
}
use example::{
    gold::{Error, GoldHandle},
    ledger::{Error as LedgerError, LedgerHandle, Moved},
    ownable::NotOwner,
};

#[rustfmt::skip]
fn calls(cx: &mut Context, address: Address, bob: Address) {
let gold = GoldHandle::at(address);
gold.transfer(bob, 1).call(cx);
gold.ledger.transfer(bob, 2).call(cx);
LedgerHandle::<1000>::at(address).transfer(bob, 3).call(cx);
}

/// Calls as the guide does.
#[contract]
pub mod payer {
    use super::*;

    #[storage]
    pub struct Payer {}

    impl Payer {
        pub fn pay(&mut self, cx: &mut Context, gold: Address, bob: Address) {
            calls(cx, gold, bob);
        }
    }
}

#[test]
fn the_example_is_this() {
    let guide = include_str!("../../docs/sdk.md");
    let chapter = guide.split("## Contracts made of parts\n").nth(1).expect("there is a chapter");
    let chapter = chapter.split("\n## ").next().expect("it has an end");
    let codes: Vec<&str> = chapter.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(codes.len(), 2);
    for code in codes {
        assert!(include_str!("guide_parts.rs").contains(code), "change both together");
    }
}

#[test]
fn the_guides_example_does_what_it_says() {
    let (alice, bob) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let mut chain = MemoryHost::new();
    let gold = chain.deploy(alice, Address::repeat_byte(9), &GoldHandle::constructor()).expect("deploys");
    let nothing = Outcome::Return(Vec::new());
    assert_eq!(chain.send(bob, &gold.mint(bob, 1)), Outcome::Revert(NotOwner { caller: bob }.encode()));
    assert_eq!(chain.send(alice, &gold.mint(alice, 1000)), nothing);
    let too_many = LedgerError::TooMany { supply: U256::from(1001) };
    assert_eq!(chain.send(alice, &gold.mint(alice, 1)), Outcome::Revert(too_many.encode()));
    assert_eq!(chain.send(alice, &gold.transfer(bob, 5)), nothing);
    assert_eq!(chain.take_logs().remove(0).topics[0].0, <Moved as Event>::TOPIC);
    assert_eq!(chain.query(bob, &gold.balance_of(bob)), 5);
    assert_eq!(chain.query(bob, &gold.owner()), alice);
    assert_eq!(chain.send(alice, &gold.freeze(bob)), nothing);
    let frozen = Error::Frozen { account: bob };
    assert_eq!(chain.send(bob, &gold.transfer(alice, 1)), Outcome::Revert(frozen.encode()));
}

#[test]
fn the_guides_calls_are_all_of_the_same_method() {
    let (alice, bob, payer) = (Address::repeat_byte(1), Address::repeat_byte(2), Address::repeat_byte(3));
    let mut chain = MemoryHost::new();
    let gold = chain.deploy(alice, Address::repeat_byte(9), &GoldHandle::constructor()).expect("deploys");
    let payer = chain.install::<payer::Payer>(payer);
    assert_eq!(chain.send(alice, &gold.mint(payer, 10)), Outcome::Return(Vec::new()));
    assert_eq!(chain.send(alice, &payer.pay(gold, bob)), Outcome::Return(Vec::new()));
    assert_eq!(chain.query(bob, &gold.balance_of(bob)), 6);
}
