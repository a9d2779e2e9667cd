//! Numbers that are used once, so that what is signed with one counts once: OpenZeppelin's `Nonces`.

use esker_sdk::prelude::*;

/// The numbers of everybody's next messages.
#[component]
pub mod nonces {
    use super::*;

    /// How many messages each account has used.
    #[storage]
    pub struct Nonces {
        nonces: Map<Address, U256>,
    }

    /// The next message of `account` has another number.
    #[error]
    #[rustfmt::skip]
    pub struct InvalidAccountNonce { pub account: Address, pub current_nonce: U256 }

    impl Nonces {
        /// The number of `owner`'s next message.
        pub fn nonces(&self, owner: Address) -> U256 {
            self.nonces.get(owner)
        }

        /// Uses `owner`'s next number and gives it.
        #[internal]
        pub fn use_nonce(&mut self, owner: Address) -> U256 {
            self.nonces.at_mut(owner).add(1) - 1
        }

        /// Uses `owner`'s next number, which has to be `nonce`.
        ///
        /// # Errors
        /// [`InvalidAccountNonce`].
        #[internal]
        pub fn use_checked_nonce(&mut self, owner: Address, nonce: U256) -> Result<(), InvalidAccountNonce> {
            let current_nonce = self.use_nonce(owner);
            ensure!(nonce == current_nonce, InvalidAccountNonce { account: owner, current_nonce });
            Ok(())
        }
    }
}
pub use nonces::*;
