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

use esker_abi::{Limits, MeterCosts};
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
    let rewritten = prepare(wasm).unwrap_or_else(|reason| panic!("refused: {reason}")).wasm;
    with_data_section_of(wasm, &rewritten)
}

/// `rewritten` with the data section of `original`: there the active segments still are what they were.
fn with_data_section_of(original: &[u8], rewritten: &[u8]) -> Vec<u8> {
    let sections = |wasm: &[u8]| -> Vec<(u8, Vec<u8>)> {
        let payloads = wasmparser::Parser::new(0).parse_all(wasm).map(|payload| payload.expect("a sound module"));
        payloads
            .filter_map(|payload| payload.as_section())
            .map(|(id, range)| (id, wasm[range].to_vec()))
            .collect()
    };
    const DATA: u8 = wasm_encoder::SectionId::Data as u8;
    let data = sections(original).into_iter().find(|(id, _)| *id == DATA);
    let mut module = wasm_encoder::Module::new();
    for (id, contents) in sections(rewritten) {
        let data = data.as_ref().filter(|_| id == DATA).map_or(&contents, |(_, data)| data);
        module.section(&wasm_encoder::RawSection { id, data });
    }
    module.finish()
}
