//! A token made of components, which serve other crates as a library too.
#![no_std]
use esker_sdk::prelude::*;

pub mod erc20;
pub mod parts;

/// A token of which its owner creates at most a thousand, and which can be stopped.
#[contract]
pub mod gold {
    use super::{
        erc20::Error as TokenError,
        parts::{capped::Capped, ownable::Ownable, pausable::Pausable},
        *,
    };

    /// The token's state.
    #[storage]
    pub struct Gold {
        #[flatten]
        #[expose]
        token: Capped<1000>,
        #[expose(paused)]
        #[flatten]
        pausable: Pausable,
        #[flatten]
        ownable: Ownable,
        asked: Cell<u64>,
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
            self.token.mint(cx, to, value)
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
        fn not_while_paused(
            &mut self,
            _cx: &mut Context,
            from: Address,
            _to: Address,
            _value: U256,
        ) -> Result<(), Error> {
            self.asked.add(1);
            ensure!(!self.pausable.paused(), Error::Frozen { from });
            Ok(())
        }
    }
}
pub use gold::*;
