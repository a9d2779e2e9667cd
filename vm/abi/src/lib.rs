//! The Esker host interface, version 1, as data.
//!
//! This crate is the one truth about what a contract may import and what each import costs. The
//! validator, the linker, the SDK's bindings and the table in the specification are all made from
//! [`host_functions!`], so none of them can disagree with another.
//!
//! It is a leaf: `no_std`, no dependencies, no code that runs in consensus beyond constants.
#![no_std]
#![forbid(unsafe_code)]

mod costs;
mod functions;
mod limits;
mod status;

pub use costs::{EXPONENT_BYTE_GAS, FUEL_PER_GAS, InstructionCosts, MeterCosts, MeterVersion};
pub use functions::{HOST_FUNCTIONS, HostFunction, HostFunctionId, Param, find};
pub use limits::Limits;
pub use status::{CallStatus, PairingStatus};

/// The module name under which every host function is imported.
pub const IMPORT_MODULE: &str = "esker_v1";

/// The version of the host interface that [`HOST_FUNCTIONS`] describes.
pub const HOST_INTERFACE_VERSION: u32 = 1;

/// The export that holds the linear memory.
pub const EXPORT_MEMORY: &str = "memory";
/// The export that runs a message call. Takes and returns nothing.
pub const EXPORT_CALL: &str = "call";
/// The export that runs the constructor, absent when a contract has none. Takes and returns nothing.
pub const EXPORT_DEPLOY: &str = "deploy";
/// The custom section that carries the contract's JSON ABI.
pub const SECTION_ABI: &str = "esker.abi";
/// The custom section that records how the module was built: compiler, lock file, profile, optimiser.
pub const SECTION_BUILD: &str = "esker.build";
