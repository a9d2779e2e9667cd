//! A limit to how many tokens there are: OpenZeppelin's `ERC20Capped`.

use esker_sdk::prelude::*;

/// The limit. The contract asks [`Capped::check`] after it created tokens.
#[component]
pub mod capped {
    use super::*;

    /// The limit, in the token's smallest unit.
    #[storage]
    pub struct Capped {
        cap: Cell<U256>,
    }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// There would be more than there may.
        ERC20ExceededCap { increased_supply: U256, cap: U256 },
        /// A limit is more than nothing.
        ERC20InvalidCap { cap: U256 },
    }
    use Error::*;

    impl Capped {
        /// How many tokens there may be.
        pub fn cap(&self) -> U256 {
            self.cap.get()
        }

        /// Sets the limit; for the constructor.
        ///
        /// # Errors
        /// `ERC20InvalidCap` of zero.
        #[internal]
        pub fn init(&mut self, cap: U256) -> Result<(), Error> {
            ensure!(cap > 0, ERC20InvalidCap { cap });
            self.cap.set(cap);
            Ok(())
        }

        /// Refuses a supply above the limit.
        ///
        /// # Errors
        /// `ERC20ExceededCap`.
        #[internal]
        pub fn check(&self, increased_supply: U256) -> Result<(), Error> {
            let cap = self.cap();
            ensure!(increased_supply <= cap, ERC20ExceededCap { increased_supply, cap });
            Ok(())
        }
    }
}
pub use capped::*;
