//! Constructors for what stands behind a proxy: OpenZeppelin's `Initializable`.

use esker_sdk::prelude::*;

/// What was initialised. A constructor's work would be done on the implementation's own storage, where no proxy sees it: a
/// method does it that can be called once.
#[component]
pub mod initializable {
    use super::*;

    /// What nothing is initialised beyond.
    const LAST: u64 = u64::MAX;

    /// OpenZeppelin's slot, apart from all fields.
    #[storage]
    pub struct Initializable {
        #[at("erc7201:openzeppelin.storage.Initializable")]
        state: State,
    }

    /// What is in that slot.
    #[storage(nested)]
    pub struct State {
        initialized: Cell<u64>,
    }

    /// The storage is what `version` expects.
    #[event]
    #[rustfmt::skip]
    pub struct Initialized { pub version: u64 }

    /// It is initialised already.
    #[error]
    pub struct InvalidInitialization;

    impl Initializable {
        /// Begins what is done once, in a method that initialises: `self.initializable.initializer(cx)?`.
        ///
        /// # Errors
        /// [`InvalidInitialization`].
        #[internal]
        pub fn initializer(&mut self, cx: &mut Context) -> Result<(), InvalidInitialization> {
            ensure!(self.version() == 0, InvalidInitialization);
            self.reinitializer(cx, 1)
        }

        /// Begins what is done once for a `version`, and not for an earlier one any more.
        ///
        /// # Errors
        /// [`InvalidInitialization`].
        #[internal]
        pub fn reinitializer(&mut self, cx: &mut Context, version: u64) -> Result<(), InvalidInitialization> {
            ensure!(version > self.version(), InvalidInitialization);
            self.state.initialized.set(version);
            cx.emit(Initialized { version });
            Ok(())
        }

        /// Leaves nothing to initialise, in an implementation's constructor: what nobody owns, nobody can own.
        #[internal]
        pub fn disable(&mut self, cx: &mut Context) {
            if self.state.initialized.replace(LAST) != LAST {
                cx.emit(Initialized { version: LAST });
            }
        }

        /// Up to which version the storage is initialised; 0 if not at all.
        #[internal]
        pub fn version(&self) -> u64 {
            self.state.initialized.get()
        }
    }
}
pub use initializable::*;
