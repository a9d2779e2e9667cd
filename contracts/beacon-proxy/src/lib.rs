//! A proxy that runs what a beacon says (ERC-1967): OpenZeppelin's `BeaconProxy`, release 5. Whoever changes the beacon's
//! implementation upgrades all its proxies at once; [`beacon`] is what a beacon is made of.
#![no_std]
use esker_sdk::prelude::*;

pub mod beacon;

/// Does what its beacon's implementation says.
#[contract]
pub mod beacon_proxy {
    use super::{beacon::IBeaconHandle, *};

    /// Nothing but the beacon, at a slot that no field of the implementation's meets.
    #[storage]
    pub struct BeaconProxy {
        #[at("eip1967:beacon")]
        beacon: Cell<Address>,
    }

    /// The proxy runs what `beacon` says.
    #[event]
    #[rustfmt::skip]
    pub struct BeaconUpgraded { #[indexed] pub beacon: Address }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// There is no code.
        ERC1967InvalidBeacon { beacon: Address },
        /// The beacon names no code.
        ERC1967InvalidImplementation { implementation: Address },
        /// Coins were sent along, and nothing is called that would take them.
        ERC1967NonPayable,
        /// The first call failed without saying why.
        FailedCall,
    }
    use Error::*;

    impl BeaconProxy {
        /// Runs what `beacon` says, and has `data` called first. It should initialise: whoever is first to call afterwards
        /// could do it otherwise.
        #[constructor]
        #[payable]
        pub fn new(&mut self, cx: &mut Context, beacon: Address, data: &[u8]) -> Result<(), Error> {
            ensure!(cx.code_size(beacon) > 0, ERC1967InvalidBeacon { beacon });
            self.beacon.set(beacon);
            let implementation = self.implementation(cx);
            ensure!(cx.code_size(implementation) > 0, ERC1967InvalidImplementation { implementation });
            cx.emit(BeaconUpgraded { beacon });
            if data.is_empty() {
                ensure!(cx.value() == 0, ERC1967NonPayable);
                return Ok(());
            }
            match cx.delegate_call(implementation, u64::MAX, data) {
                Err(CallError::Revert(why)) if why.is_empty() => Err(FailedCall),
                Err(CallError::Halt | CallError::BadOutput) => Err(FailedCall),
                Err(error) => error.raise(),
                Ok(_) => Ok(()),
            }
        }

        /// Hands every call on, coins without words too. Whether it may be entered again, the method behind it knows.
        #[fallback]
        #[payable]
        fn fallback(&mut self, cx: &mut Context, input: &[u8]) -> Bytes {
            match cx.delegate_call(self.implementation(cx), u64::MAX, input) {
                Ok(output) => output.into(),
                Err(error) => error.raise(),
            }
        }

        fn implementation(&self, cx: &Context) -> Address {
            IBeaconHandle::at(self.beacon.get()).implementation().call(cx)
        }
    }
}
pub use beacon_proxy::*;
