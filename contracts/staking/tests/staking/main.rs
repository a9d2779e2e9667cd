//! The staking contract, natively and as wasm on the real VM.

mod attacks;
mod contracts;
mod costs;
mod delegations;
mod epochs;
mod evidence;
mod math;
mod support;
mod validators;
