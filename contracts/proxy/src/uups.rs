//! Implementations that replace themselves (ERC-1822): OpenZeppelin's `UUPSUpgradeable`.

use crate::{
    erc1967::{Error as ProxyError, IMPLEMENTATION_SLOT, Implementation},
    initializable::Initializable,
};
use esker_sdk::prelude::*;

/// What a new implementation is asked, since one that cannot be replaced would be the last.
#[interface]
pub trait IErc1822Proxiable {
    /// What the contract may revert with.
    type Error: ContractError;
    /// The slot in which it expects the implementation.
    #[name = "proxiableUUID"]
    fn proxiable_uuid(&self) -> Result<B256, Self::Error>;
}

/// Upgrades, by whom the contract allows.
#[component]
pub mod uups {
    use super::*;

    /// All of it lies at fixed slots, so a contract may begin or cease to use this without moving its fields.
    #[storage]
    pub struct Uups {
        #[flatten]
        proxy: Implementation,
        #[flatten]
        /// What was initialised.
        pub initializable: Initializable,
        #[at("erc7201:esker.storage.UUPS")]
        own: Own,
    }

    /// What an implementation writes into its own storage, and so no proxy has.
    #[storage(nested)]
    pub struct Own {
        is_implementation: Cell<bool>,
    }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// To be called through a proxy, or to be called directly.
        UUPSUnauthorizedCallContext,
        /// The new implementation expects another slot.
        UUPSUnsupportedProxiableUUID { slot: B256 },
        #[from] Proxy(ProxyError),
    }
    use Error::*;

    impl IErc1822Proxiable for Uups {
        type Error = Error;

        /// Not through a proxy, which would pass itself off for an implementation, and then run itself without end.
        fn proxiable_uuid(&self) -> Result<B256, Error> {
            ensure!(self.own.is_implementation.get(), UUPSUnauthorizedCallContext);
            Ok(IMPLEMENTATION_SLOT)
        }
    }

    impl Uups {
        /// Ends the call unless the caller may upgrade.
        #[hook]
        fn authorize_upgrade(&mut self, cx: &mut Context, new_implementation: Address) {
            panic!("the contract has no hook uups.authorize_upgrade");
        }

        /// How upgrades are called.
        #[name = "UPGRADE_INTERFACE_VERSION"]
        pub fn upgrade_interface_version() -> &'static str {
            "5.0.0"
        }

        /// Runs `new_implementation` from now on, and calls it with `data` first, unless that is empty.
        #[payable]
        pub fn upgrade_to_and_call(
            &mut self,
            cx: &mut Context,
            new_implementation: Address,
            data: &[u8],
        ) -> Result<(), Error> {
            self.check_proxied()?;
            self.authorize_upgrade(cx, new_implementation);
            let uuid = IErc1822ProxiableHandle::at(new_implementation).proxiable_uuid().try_call(cx);
            let invalid = ProxyError::ERC1967InvalidImplementation { implementation: new_implementation };
            let slot = uuid.map_err(|_| Proxy(invalid))?;
            ensure!(slot == IMPLEMENTATION_SLOT, UUPSUnsupportedProxiableUUID { slot });
            self.proxy.upgrade_to_and_call(cx, new_implementation, data)?;
            Ok(())
        }

        /// Makes the contract an implementation, in its constructor: it is there to be run by proxies, and has no state of
        /// its own that anybody could initialise.
        #[internal]
        pub fn init(&mut self, cx: &mut Context) {
            self.own.is_implementation.set(true);
            self.initializable.disable(cx);
        }

        fn check_proxied(&self) -> Result<(), Error> {
            let is_proxy = !self.own.is_implementation.get() && !self.proxy.get().is_zero();
            ensure!(is_proxy, UUPSUnauthorizedCallContext);
            Ok(())
        }
    }
}
pub use uups::*;
