//! Contracts made of parts.
#![allow(missing_docs, reason = "the contracts here are read by nobody but this test")]

use esker_sdk::{
    Address, Contract, ContractError, Reverted, U256,
    native::{MemoryHost, Outcome},
    prelude::*,
};

const GOLD: Address = Address::repeat_byte(0x60);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);

#[component]
pub mod erc20 {
    use super::*;

    #[storage]
    pub struct Erc20 {
        balances: Map<Address, U256>,
        total_supply: Cell<U256>,
    }

    #[event]
    pub struct Transfer {
        #[indexed]
        pub from: Address,
        #[indexed]
        pub to: Address,
        pub value: U256,
    }

    #[error]
    pub enum Error {
        ERC20InsufficientBalance { sender: Address, balance: U256, needed: U256 },
    }

    impl Erc20 {
        /// Called before balances change.
        #[hook]
        fn before_update(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) {}

        pub fn total_supply(&self) -> U256 {
            self.total_supply.get()
        }

        pub fn balance_of(&self, account: Address) -> U256 {
            self.balances.get(account)
        }

        pub fn decimals() -> u8 {
            18
        }

        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<bool, Error> {
            let from = cx.sender();
            self.before_update(cx, from, to, value);
            let left = self.balances.at_mut(from).try_sub(value);
            left.map_err(|balance| Error::ERC20InsufficientBalance { sender: from, balance, needed: value })?;
            self.balances.at_mut(to).add(value);
            cx.emit(Transfer { from, to, value });
            Ok(true)
        }

        #[internal]
        pub fn mint(&mut self, cx: &mut Context, to: Address, value: U256) {
            self.before_update(cx, Address::ZERO, to, value);
            self.total_supply.add(value);
            self.balances.at_mut(to).add(value);
            cx.emit(Transfer { from: Address::ZERO, to, value });
        }
    }
}

#[component]
pub mod pausable {
    use super::*;

    #[storage]
    pub struct Pausable {
        paused: Cell<bool>,
    }

    #[error]
    pub enum Error {
        EnforcedPause,
    }

    impl Pausable {
        pub fn paused(&self) -> bool {
            self.paused.get()
        }

        pub fn secret(&self) -> u8 {
            7
        }

        #[internal]
        pub fn set(&mut self, paused: bool) {
            self.paused.set(paused);
        }

        #[internal]
        pub fn when_running(&self, _cx: &Context) -> Result<(), Error> {
            ensure!(!self.paused.get(), Error::EnforcedPause);
            Ok(())
        }
    }
}

#[component]
pub mod ownable {
    use super::*;

    #[storage]
    pub struct Ownable {
        owner: Cell<Address>,
    }

    #[error]
    pub struct OwnableUnauthorizedAccount {
        pub account: Address,
    }

    impl Ownable {
        #[internal]
        pub fn set(&mut self, owner: Address) {
            self.owner.set(owner);
        }

        #[internal]
        pub fn only_owner(&self, cx: &Context) -> Result<(), OwnableUnauthorizedAccount> {
            ensure!(cx.sender() == self.owner.get(), OwnableUnauthorizedAccount { account: cx.sender() });
            Ok(())
        }
    }
}

/// A component with a parameter and a component inside.
#[component]
pub mod capped {
    use super::*;
    pub use super::erc20::Erc20;

    #[storage]
    pub struct Capped<const CAP: u64> {
        #[flatten]
        #[expose]
        pub token: Erc20,
        updates: Cell<u64>,
    }

    #[error]
    pub enum Error {
        ExceededCap { supply: U256, cap: U256 },
    }

    impl<const CAP: u64> Capped<CAP> {
        pub fn cap(&self) -> U256 {
            U256::from(CAP)
        }

        pub fn updates(&self) -> u64 {
            self.updates.get()
        }

        #[hook(token.before_update)]
        fn below_the_cap(&mut self, _cx: &mut Context, from: Address, _to: Address, value: U256) -> Result<(), Error> {
            self.updates.add(1);
            let supply = self.token.total_supply() + value;
            let cap = U256::from(CAP);
            ensure!(!from.is_zero() || supply <= cap, Error::ExceededCap { supply, cap });
            Ok(())
        }
    }
}

#[contract]
pub mod gold {
    use super::{capped::Capped, ownable::Ownable, pausable::Pausable, *};

    #[storage]
    pub struct Gold {
        #[flatten]
        #[expose]
        token: Capped<1000>,
        #[expose(paused)]
        pausable: Pausable,
        ownable: Ownable,
        hooked: Cell<u64>,
    }

    #[error]
    pub enum Error {
        Frozen { from: Address },
    }

    impl Gold {
        #[constructor]
        pub fn new(&mut self, cx: &Context) {
            self.ownable.set(cx.sender());
        }

        pub fn hooked(&self) -> u64 {
            self.hooked.get()
        }

        #[only(ownable.owner)]
        #[when(pausable.running)]
        pub fn mint(&mut self, cx: &mut Context, to: Address, value: U256) {
            self.token.token.mint(cx, to, value);
        }

        #[only(ownable.owner)]
        pub fn pause(&mut self) {
            self.pausable.set(true);
        }

        /// Twice what others have.
        #[overrides]
        pub fn decimals() -> u8 {
            36
        }

        #[hook(token.token.before_update)]
        fn not_while_paused(
            &mut self,
            _cx: &mut Context,
            from: Address,
            _to: Address,
            _value: U256,
        ) -> Result<(), Error> {
            self.hooked.add(1);
            ensure!(!self.pausable.paused(), Error::Frozen { from });
            Ok(())
        }
    }
}
use gold::{Gold, GoldHandle};

fn host() -> MemoryHost {
    let mut host = MemoryHost::new();
    host.deploy::<Gold>(ALICE, GOLD, U256::ZERO, GoldHandle::constructor());
    host
}
#[test]
fn placeholder() { let _ = host(); }
