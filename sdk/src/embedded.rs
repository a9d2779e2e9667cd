//! Contracts that carry the code of others, to create them.

use alloc::borrow::Cow;
use core::marker::PhantomData;

use crate::{Address, B256, CallResult, Context, Contract, Deployment, U256};

/// The deploy envelope of contract `C`, carried by the contract that creates it. [`include_contract!`](crate::include_contract)
/// makes one.
///
/// As wasm the bytes are part of the module: those that `esker contract build` makes of `C`'s crate. Natively the code is
/// what the host knows `C` by: on the test kit's chain the same envelope, so that addresses are the same in both runs.
pub struct Embedded<C> {
    #[cfg(target_arch = "wasm32")]
    code: &'static [u8],
    contract: PhantomData<fn() -> C>,
}

impl<C> Clone for Embedded<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Embedded<C> {}

impl<C> core::fmt::Debug for Embedded<C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Embedded")
    }
}

impl<C: Contract> Embedded<C> {
    /// For [`include_contract!`](crate::include_contract).
    #[cfg(target_arch = "wasm32")]
    #[doc(hidden)]
    #[must_use]
    pub const fn new(code: &'static [u8]) -> Self {
        Self { code, contract: PhantomData }
    }

    /// For [`include_contract!`](crate::include_contract).
    #[cfg(not(target_arch = "wasm32"))]
    #[doc(hidden)]
    #[must_use]
    #[allow(clippy::new_without_default, reason = "the macro makes it, in wasm from bytes")]
    pub const fn new() -> Self {
        Self { contract: PhantomData }
    }

    /// The envelope's bytes.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn envelope(&self) -> Cow<'static, [u8]> {
        Cow::Borrowed(self.code)
    }

    /// The envelope's bytes.
    ///
    /// # Panics
    /// If the host that runs the contract natively has no code for others.
    #[cfg(not(target_arch = "wasm32"))]
    #[must_use]
    pub fn envelope(&self) -> Cow<'static, [u8]> {
        Cow::Owned(crate::host::code_of(&crate::native::NativeContract::of::<C>()))
    }

    /// Creates the contract, endowed with `value` wei.
    ///
    /// # Errors
    /// [`CallError`](crate::CallError) if the constructor reverts or halts.
    pub fn create(&self, cx: &mut Context, deployment: &Deployment<C>, value: U256) -> CallResult<C::Handle> {
        deployment.create(cx, &self.envelope(), value)
    }

    /// Creates the contract at the address that [`Embedded::create2_address`] foretells, endowed with `value` wei.
    ///
    /// # Errors
    /// [`CallError`](crate::CallError) if the constructor reverts or halts, or the address is taken.
    pub fn create2(
        &self,
        cx: &mut Context,
        deployment: &Deployment<C>,
        value: U256,
        salt: B256,
    ) -> CallResult<C::Handle> {
        deployment.create2(cx, &self.envelope(), value, salt)
    }

    /// Where `creator` creates the contract with these arguments and `salt` (EIP-1014).
    #[must_use]
    pub fn create2_address(&self, creator: Address, deployment: &Deployment<C>, salt: B256) -> Address {
        deployment.create2_address(creator, &self.envelope(), salt)
    }
}

/// The code of another contract, for a factory: `const PAIR: Embedded<Pair> = include_contract!(my_pair::Pair);`.
///
/// The path begins with the name of a crate that this one depends on by path and whose `#[contract] mod` it is.
/// `esker contract build` builds that crate first, as it would be built by itself, and puts the code where the macro finds
/// it.
#[macro_export]
macro_rules! include_contract {
    ($library:ident :: $($path:ident)::+) => {{
        #[cfg(target_arch = "wasm32")]
        {
            $crate::Embedded::<$library::$($path)::+>::new(::core::include_bytes!(::core::concat!(
                ::core::env!("ESKER_EMBEDDED", "only `esker contract build` makes wasm of a contract that carries another"),
                "/",
                ::core::stringify!($library),
                ".envelope"
            )))
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            $crate::Embedded::<$library::$($path)::+>::new()
        }
    }};
}
