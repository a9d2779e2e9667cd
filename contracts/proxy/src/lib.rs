//! A proxy whose implementation can be replaced (ERC-1967): OpenZeppelin's `ERC1967Proxy`, release 5.
//!
//! The proxy has the address, the coins and the storage; what it does, an implementation says, which it runs by delegate
//! call. How the implementation is replaced, that says too: by [`uups`], with [`initializable`] in place of a constructor.
//! A contract does not know the address of the code that runs, so [`uups`] tells an implementation from a proxy by a mark in
//! the implementation's own storage, where the model compares addresses.
#![no_std]
use esker_sdk::prelude::*;

pub mod erc1967;
pub mod initializable;
pub mod uups;

/// Does what its implementation says.
#[contract]
pub mod proxy {
    use super::{
        erc1967::{Error, Implementation},
        *,
    };

    /// Nothing but the implementation, at a slot that no field of its meets.
    #[storage]
    pub struct Proxy {
        #[flatten]
        proxy: Implementation,
    }

    impl Proxy {
        /// Runs `implementation`, and has `data` called first. It should initialise: whoever is first to call afterwards could
        /// do it otherwise.
        #[constructor]
        #[payable]
        pub fn new(&mut self, cx: &mut Context, implementation: Address, data: &[u8]) -> Result<(), Error> {
            self.proxy.upgrade_to_and_call(cx, implementation, data)
        }

        /// Hands every call on, coins without words too. Whether it may be entered again, the method behind it knows.
        #[fallback]
        #[payable]
        fn fallback(&mut self, cx: &mut Context, input: &[u8]) -> Bytes {
            match cx.delegate_call(self.proxy.get(), u64::MAX, input) {
                Ok(output) => output.into(),
                Err(error) => error.raise(),
            }
        }
    }
}
pub use proxy::*;
