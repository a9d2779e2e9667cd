//! Esker's deterministic, gas-metered WebAssembly engine.
//!
//! It knows wasm, gas and the [`Host`] trait, and never names Ethereum. It never reads a clock, never draws a random
//! number, never lets an engine's text or a pointer's value reach an outcome. See `docs/spec/` for the rules.

pub mod envelope;
mod host;
pub mod instrument;
mod machine;
mod meter;
mod outcome;
mod validate;

pub use esker_abi as abi;
pub use host::{
    BlockContext, CallKind, CallRequest, CallResult, CreateRequest, CreateResult, Frame, Host, HostError, Log,
    TransactionContext,
};
pub use instrument::{INSTRUMENTATION_VERSION, InstrumentedModule, ModuleInfo, prepare_module};
pub use machine::{Entry, Execution, Machine, PrepareError, Prepared, RejectReason};
pub use meter::{Meter, OutOfFuel};
pub use outcome::{Fatal, Halt, Outcome};
