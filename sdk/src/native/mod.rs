//! Running contracts natively, over any host.
//!
//! The same contract code that becomes wasm runs here as ordinary Rust: fast, debuggable, with the same outcomes byte by
//! byte. A test kit or tool implements [`Host`] and calls [`run`].

mod declared;
mod host;
mod installed;
mod memory;
mod panics;

pub use crate::host::{CallKind, Curve};
pub use declared::{Declared, Heard};
pub use host::{
    BlockContext, CallRequest, CallResult, CreateRequest, CreateResult, CryptoRequest, Frame, Host, Interrupted,
    TransactionContext,
};
pub use installed::with_host;
pub(crate) use installed::{tell, with_installed};
pub use memory::{Emitted, MemoryHost};

use std::panic::{self, AssertUnwindSafe};

use crate::{Contract, Entry};

/// A contract as ordinary functions and data, without its type.
#[derive(Clone, Copy, Debug)]
pub struct NativeContract {
    /// [`Contract::CRATE`].
    pub library: &'static str,
    /// [`Contract::HAS_CONSTRUCTOR`].
    pub has_constructor: bool,
    /// Its name and its ABI.
    pub declared: Declared,
    /// [`Contract::abi_json`].
    pub abi_json: fn() -> &'static str,
    /// [`Contract::call`].
    pub call: fn() -> Vec<u8>,
    /// [`Contract::deploy`].
    pub deploy: fn() -> Vec<u8>,
}

impl NativeContract {
    /// Contract `C`.
    #[must_use]
    pub const fn of<C: Contract>() -> Self {
        Self {
            library: C::CRATE,
            has_constructor: C::HAS_CONSTRUCTOR,
            declared: Declared::of::<C>(),
            abi_json: C::abi_json,
            call: C::call,
            deploy: C::deploy,
        }
    }
}

/// How a native frame ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The frame succeeded with these bytes.
    Return(Vec<u8>),
    /// The frame is to be undone, with these bytes.
    Revert(Vec<u8>),
    /// The host could not go on ([`Interrupted`]): it knows why, and how the frame ends.
    Interrupted,
}

/// Runs an entry point of a contract over `host` and says how the frame ended.
///
/// Undoing the effects of a frame that did not return is the host's business. A Rust panic in the contract is a revert
/// with the same bytes as in wasm, and prints nothing.
///
/// # Panics
/// Never because of the contract.
pub fn run<C: Contract>(entry: Entry, host: &mut dyn Host) -> Outcome {
    run_entry(
        match entry {
            Entry::Call => C::call,
            Entry::Deploy => C::deploy,
        },
        host,
    )
}

/// Like [`run`], given the entry point itself: [`Contract::call`] or [`Contract::deploy`].
pub fn run_entry(entry: fn() -> Vec<u8>, host: &mut dyn Host) -> Outcome {
    catch(|| with_host(host, entry))
}

/// Runs contract code and turns its end, a revert or panic included, into an outcome.
///
/// For tests of single functions over a host that is installed already ([`with_host`]).
pub fn catch(body: impl FnOnce() -> Vec<u8>) -> Outcome {
    let quiet = panics::Quiet::enter();
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    let struck = quiet.leave();
    match result {
        Ok(output) => Outcome::Return(output),
        Err(payload) => match payload.downcast::<Unwinding>() {
            Ok(unwinding) => unwinding.0,
            Err(_) => Outcome::Revert(struck.unwrap_or_default()),
        },
    }
}

/// What a frame that ends early unwinds with.
struct Unwinding(Outcome);

/// Ends the frame from wherever it is.
pub(crate) fn unwind(outcome: Outcome) -> ! {
    panic::resume_unwind(Box::new(Unwinding(outcome)))
}
