//! A switch that stops what asks for it: OpenZeppelin's `Pausable`.

use esker_sdk::prelude::*;

/// The switch. Who may turn it is for the contract to say.
#[component]
pub mod pausable {
    use super::*;

    /// Whether it is stopped.
    #[storage]
    pub struct Pausable {
        paused: Cell<bool>,
    }

    /// `account` stopped it.
    #[event]
    #[rustfmt::skip]
    pub struct Paused { pub account: Address }

    /// `account` let it go on.
    #[event]
    #[rustfmt::skip]
    pub struct Unpaused { pub account: Address }

    /// What can go wrong.
    #[error]
    pub enum Error {
        /// It is stopped.
        EnforcedPause,
        /// It is not stopped.
        ExpectedPause,
    }
    use Error::*;

    impl Pausable {
        /// Whether it is stopped.
        pub fn paused(&self) -> bool {
            self.paused.get()
        }

        /// Stops it.
        ///
        /// # Errors
        /// `EnforcedPause` if it is stopped.
        #[internal]
        #[when(not_paused)]
        pub fn pause(&mut self, cx: &mut Context) {
            self.paused.set(true);
            cx.emit(Paused { account: cx.sender() });
        }

        /// Lets it go on.
        ///
        /// # Errors
        /// `ExpectedPause` if it is not stopped.
        #[internal]
        #[when(paused)]
        pub fn unpause(&mut self, cx: &mut Context) {
            self.paused.set(false);
            cx.emit(Unpaused { account: cx.sender() });
        }

        /// Guards what needs it running: `#[when(pausable.not_paused)]`.
        ///
        /// # Errors
        /// `EnforcedPause`.
        #[internal]
        pub fn when_not_paused(&self, _cx: &Context) -> Result<(), Error> {
            ensure!(!self.paused(), EnforcedPause);
            Ok(())
        }

        /// Guards what needs it stopped: `#[when(pausable.paused)]`.
        ///
        /// # Errors
        /// `ExpectedPause`.
        #[internal]
        pub fn when_paused(&self, _cx: &Context) -> Result<(), Error> {
            ensure!(self.paused(), ExpectedPause);
            Ok(())
        }
    }
}
pub use pausable::*;
