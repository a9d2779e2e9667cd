//! A beacon that all its proxies follow: OpenZeppelin's `UpgradeableBeacon`, release 5, whose owner is handed over in two
//! steps. It is the component of [`esker_beacon_proxy::beacon`] and nothing else.
#![no_std]
use esker_beacon_proxy::beacon;
use esker_sdk::prelude::*;

/// Says what proxies run.
#[contract]
pub mod upgradeable_beacon {
    use super::{beacon::Error, *};

    /// The component's state: the owner and its successor, and the implementation.
    #[storage]
    pub struct UpgradeableBeacon {
        #[flatten]
        #[expose]
        beacon: beacon::UpgradeableBeacon,
    }

    impl UpgradeableBeacon {
        /// Has proxies run `implementation`, until `initial_owner` changes it.
        #[constructor]
        pub fn new(&mut self, cx: &mut Context, implementation: Address, initial_owner: Address) -> Result<(), Error> {
            self.beacon.init(cx, implementation, initial_owner)
        }
    }
}
pub use upgradeable_beacon::*;
