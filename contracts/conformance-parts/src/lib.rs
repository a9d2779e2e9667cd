//! The token of `contracts/erc20`, made of a component.
#![no_std]
use esker_sdk::prelude::*;

pub mod erc20;

/// A token with a fixed supply, all of it given to the deployer.
#[contract]
pub mod gold {
    use super::{
        erc20::{Erc20, Error},
        *,
    };

    /// The token's state.
    #[storage]
    pub struct Gold {
        #[flatten]
        #[expose]
        token: Erc20,
    }

    impl Gold {
        /// Creates the token and gives `initial_supply` to the deployer.
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, name: &str, symbol: &str, initial_supply: U256) -> Result<(), Error> {
            self.token.init(cx, name, symbol, cx.sender(), initial_supply)
        }
    }
}
pub use gold::*;
