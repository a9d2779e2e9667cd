//! Small components, one of which has another one inside.

use esker_sdk::prelude::*;

/// A switch that stops what asks for it.
#[component]
pub mod pausable {
    use super::*;

    /// Whether it is on.
    #[storage]
    pub struct Pausable {
        paused: Cell<bool>,
    }

    /// `account` stopped it.
    #[event]
    #[rustfmt::skip]
    pub struct Paused { pub account: Address }

    /// It is stopped.
    #[error]
    pub struct EnforcedPause;

    impl Pausable {
        /// Whether it is stopped.
        pub fn paused(&self) -> bool {
            self.paused.get()
        }

        /// Stops it.
        #[internal]
        pub fn pause(&mut self, cx: &mut Context) {
            self.paused.set(true);
            cx.emit(Paused { account: cx.sender() });
        }

        /// Guards what needs it running.
        ///
        /// # Errors
        /// [`EnforcedPause`].
        #[internal]
        pub fn when_running(&self, _cx: &Context) -> Result<(), EnforcedPause> {
            ensure!(!self.paused.get(), EnforcedPause);
            Ok(())
        }
    }
}

/// One who may do what others may not.
#[component]
pub mod ownable {
    use super::*;

    /// Who it is.
    #[storage]
    pub struct Ownable {
        owner: Cell<Address>,
    }

    /// `account` is not the owner.
    #[error]
    #[rustfmt::skip]
    pub struct OwnableUnauthorizedAccount { pub account: Address }

    impl Ownable {
        /// The owner.
        pub fn owner(&self) -> Address {
            self.owner.get()
        }

        /// Makes `owner` the owner.
        #[internal]
        pub fn init(&mut self, owner: Address) {
            self.owner.set(owner);
        }

        /// Guards what is the owner's.
        ///
        /// # Errors
        /// [`OwnableUnauthorizedAccount`].
        #[internal]
        pub fn only_owner(&self, cx: &Context) -> Result<(), OwnableUnauthorizedAccount> {
            ensure!(cx.sender() == self.owner.get(), OwnableUnauthorizedAccount { account: cx.sender() });
            Ok(())
        }
    }
}

/// A token of which there are at most `CAP`.
#[component]
pub mod capped {
    use super::*;
    use crate::erc20::{Erc20, Error as TokenError};

    /// The token, and how often it moved.
    #[storage]
    pub struct Capped<const CAP: u64> {
        #[flatten]
        #[expose]
        /// The token itself.
        pub token: Erc20,
        moves: Cell<u64>,
    }

    /// There would be more than there may.
    #[error]
    #[rustfmt::skip]
    pub struct ERC20ExceededCap { pub supply: U256, pub cap: U256 }

    impl<const CAP: u64> Capped<CAP> {
        /// How many there may be.
        pub fn cap(&self) -> U256 {
            U256::from(CAP)
        }

        /// How often tokens moved.
        pub fn moves(&self) -> u64 {
            self.moves.get()
        }

        /// Names the token.
        ///
        /// # Errors
        /// The token's.
        #[internal]
        pub fn init(&mut self, cx: &mut Context, name: &str, symbol: &str) -> Result<(), TokenError> {
            self.token.init(cx, name, symbol, cx.sender(), U256::ZERO)
        }

        #[hook(token.before_update)]
        fn below_the_cap(
            &mut self,
            _cx: &mut Context,
            from: Address,
            _to: Address,
            value: U256,
        ) -> Result<(), ERC20ExceededCap> {
            self.moves.add(1);
            let (supply, cap) = (self.token.total_supply() + value, self.cap());
            ensure!(!from.is_zero() || supply <= cap, ERC20ExceededCap { supply, cap });
            Ok(())
        }
    }
}
