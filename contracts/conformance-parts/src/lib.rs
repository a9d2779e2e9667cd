//! A token made of components, which serve other crates as a library too.
#![no_std]
use esker_sdk::{Eip712Domain, prelude::*};

pub mod erc20;
pub mod parts;
pub mod permit;

/// A token of which its owner creates at most a thousand, which can be stopped, and whose allowances can be signed.
#[contract]
pub mod gold {
    use super::{
        erc20::Error as TokenError,
        parts::{capped::Capped, ownable::Ownable, pausable::Pausable},
        permit::permit::Permit,
        *,
    };

    /// The token's state.
    #[storage]
    pub struct Gold {
        #[flatten]
        #[expose]
        token: Capped<1000>,
        #[flatten]
        #[expose(paused)]
        pausable: Pausable,
        #[flatten]
        ownable: Ownable,
        asked: Cell<u64>,
        #[flatten]
        #[expose]
        permit: Permit,
    }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error { Frozen { from: Address } }

    impl Gold {
        /// Names the token; the deployer owns it.
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, name: &str, symbol: &str) -> Result<(), TokenError> {
            self.ownable.init(cx.sender());
            self.token.init(cx, name, symbol)
        }

        /// Creates `value` tokens for `to`.
        #[only(ownable.owner)]
        #[when(pausable.running)]
        pub fn mint(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<(), TokenError> {
            self.token.token.mint(cx, to, value)
        }

        /// Stops it.
        #[only(ownable.owner)]
        pub fn pause(&mut self, cx: &mut Context) {
            self.pausable.pause(cx);
        }

        /// Six, and not eighteen.
        #[overrides]
        pub fn decimals() -> u8 {
            6
        }

        #[hook(token.token.before_update)]
        #[rustfmt::skip]
        fn not_while_paused(&mut self, _: &mut Context, from: Address, _: Address, _: U256) -> Result<(), Error> {
            self.asked.add(1);
            ensure!(!self.pausable.paused(), Error::Frozen { from });
            Ok(())
        }

        #[hook(permit.domain)]
        fn domain(&self, cx: &Context) -> Eip712Domain {
            Eip712Domain::here(cx, &self.token.token.name(), "1")
        }

        #[hook(permit.permitted)]
        #[rustfmt::skip]
        fn allow(&mut self, cx: &mut Context, owner: Address, to: Address, value: U256) -> Result<(), TokenError> {
            self.token.token.allow(cx, owner, to, value).map(drop)
        }
    }
}
pub use gold::*;
