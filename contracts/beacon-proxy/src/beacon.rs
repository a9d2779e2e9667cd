//! What tells proxies what to run: OpenZeppelin's `UpgradeableBeacon`.

use esker_components::access::ownable::{Error as OwnerError, Ownable};
use esker_sdk::prelude::*;

/// What a proxy asks.
#[interface]
pub trait IBeacon {
    /// The code that its proxies run.
    fn implementation(&self) -> Address;
}

/// A beacon whose owner changes what its proxies run.
#[component]
pub mod upgradeable_beacon {
    use super::*;

    /// The beacon's state, in the order of OpenZeppelin's, with the owner's successor between.
    #[storage]
    pub struct UpgradeableBeacon {
        #[flatten]
        #[expose]
        ownable: Ownable,
        implementation: Cell<Address>,
    }

    /// Proxies run `implementation` now.
    #[event]
    #[rustfmt::skip]
    pub struct Upgraded { #[indexed] pub implementation: Address }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// There is no code.
        BeaconInvalidImplementation { implementation: Address },
        #[from] Owner(OwnerError),
    }
    use Error::*;

    impl IBeacon for UpgradeableBeacon {
        fn implementation(&self) -> Address {
            self.implementation.get()
        }
    }

    impl UpgradeableBeacon {
        /// Has all proxies run `new_implementation` from now on.
        #[only(ownable.owner)]
        pub fn upgrade_to(&mut self, cx: &mut Context, new_implementation: Address) -> Result<(), Error> {
            self.set(cx, new_implementation)
        }

        /// Has proxies run `implementation`, until `initial_owner` changes it; for the constructor.
        ///
        /// # Errors
        /// [`Error`].
        #[internal]
        pub fn init(&mut self, cx: &mut Context, implementation: Address, initial_owner: Address) -> Result<(), Error> {
            self.ownable.init(cx, initial_owner)?;
            self.set(cx, implementation)
        }

        fn set(&mut self, cx: &mut Context, implementation: Address) -> Result<(), Error> {
            ensure!(cx.code_size(implementation) > 0, BeaconInvalidImplementation { implementation });
            self.implementation.set(implementation);
            cx.emit(Upgraded { implementation });
            Ok(())
        }
    }
}
pub use upgradeable_beacon::*;
