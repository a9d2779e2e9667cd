//! Where a proxy keeps its implementation, and how it gets another: OpenZeppelin's `ERC1967Utils`.

use esker_sdk::prelude::*;

/// The slot of the implementation's address (ERC-1967).
#[rustfmt::skip]
pub const IMPLEMENTATION_SLOT: B256 = FixedBytes([
    0x36, 0x08, 0x94, 0xa1, 0x3b, 0xa1, 0xa3, 0x21, 0x06, 0x67, 0xc8, 0x28, 0x49, 0x2d, 0xb9, 0x8d,
    0xca, 0x3e, 0x20, 0x76, 0xcc, 0x37, 0x35, 0xa9, 0x20, 0xa3, 0xca, 0x50, 0x5d, 0x38, 0x2b, 0xbc,
]);

/// A contract's implementation.
#[component]
pub mod implementation {
    use super::*;

    /// The slot of ERC-1967, wherever this stands.
    #[storage]
    pub struct Implementation {
        #[at("eip1967:implementation")]
        implementation: Cell<Address>,
    }

    /// The proxy runs `implementation` now.
    #[event]
    #[rustfmt::skip]
    pub struct Upgraded { #[indexed] pub implementation: Address }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// There is no code, or none that would do.
        ERC1967InvalidImplementation { implementation: Address },
        /// Coins were sent along, and nothing is called that would take them.
        ERC1967NonPayable,
        /// The call of the new implementation failed without saying why.
        FailedCall,
    }
    use Error::*;

    impl Implementation {
        /// The code that runs on this storage.
        #[internal]
        pub fn get(&self) -> Address {
            self.implementation.get()
        }

        /// Runs `implementation` from now on, and calls it with `data` first, unless that is empty.
        ///
        /// # Errors
        /// [`Error`]; what the call reverts with goes on.
        #[internal]
        pub fn upgrade_to_and_call(
            &mut self,
            cx: &mut Context,
            implementation: Address,
            data: &[u8],
        ) -> Result<(), Error> {
            ensure!(cx.code_size(implementation) > 0, ERC1967InvalidImplementation { implementation });
            self.implementation.set(implementation);
            cx.emit(Upgraded { implementation });
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
    }
}
pub use implementation::*;
