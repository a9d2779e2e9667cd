//! The validator and the instrumentation against independent engines: what is refused and why, that a rewritten module
//! computes what the original does, that charges are exact and that no path runs unchecked for long.

#[path = "metering_instrumentation/bounds.rs"]
mod bounds;
mod engines;
#[path = "metering_instrumentation/equivalence.rs"]
mod equivalence;
#[path = "metering_instrumentation/hostile_bytes.rs"]
mod hostile_bytes;
#[path = "metering_instrumentation/rejections.rs"]
mod rejections;
mod rewriters;
#[path = "generators/seeded.rs"]
mod seeded;
#[path = "generators/smith.rs"]
mod smith;
#[path = "metering_instrumentation/vectors.rs"]
mod vectors;

use esker_abi::{Limits, MeterCosts, MeterVersion};
use esker_vm::{InstrumentedModule, RejectReason, prepare_module};

/// Translates the text format.
fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Prepares under the rules of protocol version 1.
fn prepare(wasm: &[u8]) -> Result<InstrumentedModule, RejectReason> {
    prepare_module(wasm, &Limits::V1, &MeterCosts::V1)
}

/// Prepares what must be accepted, for engines that copy active data segments themselves.
fn metered(wasm: &[u8]) -> Vec<u8> {
    metered_by(wasm, MeterVersion::V1)
}

/// As [`metered`], by another schedule.
fn metered_by(wasm: &[u8], meter: MeterVersion) -> Vec<u8> {
    let prepared = prepare_module(wasm, &Limits::V1, &meter.costs());
    let rewritten = prepared.unwrap_or_else(|reason| panic!("refused: {reason}")).wasm;
    rewriters::with_data_section_of(wasm, &rewritten)
}
