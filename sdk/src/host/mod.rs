//! The host's functions with safe signatures: imports in wasm, the installed [`crate::native::Host`] elsewhere.
//!
//! Both versions have the same functions, so nothing above them knows which one it runs on.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub use native::*;
#[cfg(target_arch = "wasm32")]
pub use wasm::*;

/// How a call relates to the frame that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// An ordinary message call.
    Call,
    /// A call in which nothing may change state.
    Static,
    /// The callee's code on the caller's address, caller and value.
    Delegate,
}

/// How a call or creation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The callee returned.
    Returned,
    /// The callee reverted.
    Reverted,
    /// The callee halted, or the call could not be made.
    Halted,
}

/// The curve operations whose input and output are plain byte strings.
pub use esker_abi::HostFunctionId as Curve;
