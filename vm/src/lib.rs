//! Esker's deterministic, gas-metered WebAssembly engine.
//!
//! It knows wasm, gas and the [`Host`] trait, and never names Ethereum. It never reads a clock, never draws a random
//! number, never lets an engine's text or a pointer's value reach an outcome. See `docs/spec/` for the rules.

mod compile;
mod config;
pub mod crypto;
mod engine;
pub mod envelope;
mod facts;
mod host;
mod instance;
pub mod instrument;
mod linker;
mod machine;
mod memory;
mod meter;
mod modules;
mod outcome;
mod places;
mod session;
mod stack;
mod tier;
mod trap;
mod validate;

pub use config::{EngineConfig, EngineKind, TierPolicy, UnknownEngine};
pub use engine::{Engine, EngineError};
pub use esker_abi as abi;
pub use facts::{DataSegment, ModuleFacts};
pub use host::{
    BlockContext, CallKind, CallRequest, CallResult, CreateRequest, CreateResult, Frame, Host, HostError, Log,
    TransactionContext,
};
pub use instrument::{INSTRUMENTATION_VERSION, InstrumentedModule, prepare_module};
pub use machine::{Code, Entry, Execution, Machine, Preparation, PrepareError, RejectReason};
pub use meter::{Meter, OutOfFuel};
pub use modules::ModuleCounts;
pub use outcome::{Fatal, Halt, Outcome};
pub use session::{Admission, Busy, Purpose, Session, execution, simulation};
