//! Which modules are acceptable: `docs/spec/validation.md`.
//!
//! The general validation is wasmparser's, under [`FEATURES`]; beside it stand our own limits, the interface, and the
//! rule that instantiating an accepted module cannot fail. Only this decides validity: an engine that refuses an
//! accepted module is at fault.

mod body;
mod encoding;
mod interface;
mod module;
mod operators;
mod outline;
mod reject;
mod sections;
mod work;

use esker_abi::Limits;
use wasmparser::{Encoding, FuncValidatorAllocations, Parser, Payload, ValType, ValidPayload, Validator, WasmFeatures};

pub(crate) use self::module::{Constant, Function, FunctionType, Module, ValueType};
pub(crate) use self::operators::{Class, Instruction, Kind};
use self::outline::Outline;
use self::reject::{
    HINT_EXCEPTIONS, HINT_EXPORTS, HINT_FLOATS, HINT_MALFORMED, HINT_PROPOSAL, HINT_SHRINK, bound, invalid, reject,
};
use self::sections::Sections;
use crate::RejectReason;

/// The accepted proposals. `CALL_INDIRECT_OVERLONG` lets the table index of `call_indirect` be padded to five bytes, as
/// rustc's linker writes it.
const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::CALL_INDIRECT_OVERLONG);

/// Decides whether `wasm` is acceptable and decodes it.
pub(crate) fn validate<'a>(wasm: &'a [u8], limits: &Limits) -> Result<Module<'a>, RejectReason> {
    bound("the module is too long in bytes", wasm.len() as u64, u64::from(limits.module_bytes_max), HINT_SHRINK)?;
    if !outline::is_module(wasm) {
        return Err(reject("not a WebAssembly module of version 1", HINT_MALFORMED));
    }
    let outline = Outline::scan(wasm);
    let mut validator = Validator::new_with_features(FEATURES);
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let mut sections = Sections::new(limits, &outline);
    let mut allocations = FuncValidatorAllocations::default();
    for payload in parser.parse_all(wasm) {
        let payload = payload.map_err(|error| invalid(&error))?;
        before_validator(&payload, &mut sections)?;
        match validator.payload(&payload).map_err(|error| invalid(&error))? {
            ValidPayload::Func(to_validate, body) => {
                let index = to_validate.index;
                let read = sections.body(wasm, to_validate, &body, &mut allocations);
                read.map_err(|reason| RejectReason { function: Some(outline.function(index)), ..reason })?;
            }
            ValidPayload::Ok | ValidPayload::Parser(_) | ValidPayload::End(_) => {
                encoding::check_section(&payload, wasm)?;
                after_validator(&payload, &mut sections)?
            }
        }
    }
    sections.finish()
}

/// Limits and messages of our own, before the general validator spends time or memory on a section.
fn before_validator(payload: &Payload<'_>, sections: &mut Sections<'_, '_>) -> Result<(), RejectReason> {
    match payload {
        Payload::Version { encoding: Encoding::Component, .. } => {
            Err(reject("a component, not a module", "Build a core module for wasm32-unknown-unknown"))
        }
        Payload::TypeSection(reader) => sections.types(reader.clone()),
        Payload::ImportSection(reader) => sections.imports(reader.clone()),
        Payload::FunctionSection(reader) => {
            let limit = u64::from(sections.limits.functions_max);
            bound("too many functions", u64::from(reader.count()), limit, HINT_SHRINK)
        }
        Payload::TableSection(reader) => sections.tables(reader.clone()),
        Payload::MemorySection(reader) => sections.memories(reader.clone()),
        Payload::GlobalSection(reader) => {
            let limit = u64::from(sections.limits.globals_max);
            bound("too many globals", u64::from(reader.count()), limit, HINT_SHRINK)
        }
        Payload::ExportSection(reader) => {
            let limit = u64::from(sections.limits.exports_max);
            bound("too many exports", u64::from(reader.count()), limit, HINT_EXPORTS)
        }
        Payload::StartSection { .. } => Err(reject(
            "a start function",
            "Code runs only through `call` and `deploy`; build a cdylib without a `main` or constructors run at load",
        )),
        Payload::ElementSection(reader) => {
            let limit = u64::from(sections.limits.element_segments_max);
            bound("too many element segments", u64::from(reader.count()), limit, HINT_SHRINK)
        }
        Payload::DataSection(reader) => {
            let limit = u64::from(sections.limits.data_segments_max);
            bound("too many data segments", u64::from(reader.count()), limit, HINT_SHRINK)
        }
        Payload::DataCountSection { count, .. } => {
            let limit = u64::from(sections.limits.data_segments_max);
            bound("too many data segments", u64::from(*count), limit, HINT_SHRINK)
        }
        Payload::TagSection(_) => Err(reject("an exception tag", HINT_EXCEPTIONS)),
        Payload::CustomSection(section) => sections.name("a custom section's name", section.name()),
        _ => Ok(()),
    }
}

/// Decodes a section that the general validator accepted.
fn after_validator<'a>(payload: &Payload<'a>, sections: &mut Sections<'_, 'a>) -> Result<(), RejectReason> {
    match payload {
        Payload::FunctionSection(reader) => sections.functions(reader.clone()),
        Payload::GlobalSection(reader) => sections.globals(reader.clone()),
        Payload::ExportSection(reader) => sections.exports(reader.clone()),
        Payload::ElementSection(reader) => sections.elements(reader.clone()),
        Payload::DataSection(reader) => sections.data(reader.clone()),
        _ => Ok(()),
    }
}

/// Our own value type for the parser's.
fn value_type(found: ValType) -> Result<ValueType, RejectReason> {
    match found {
        ValType::I32 => Ok(ValueType::I32),
        ValType::I64 => Ok(ValueType::I64),
        ValType::F32 | ValType::F64 => Err(reject(format!("a value of type {found}"), HINT_FLOATS)),
        ValType::V128 => Err(reject("a value of type v128", reject::HINT_SIMD)),
        ValType::Ref(_) => Err(reject(format!("a value of type {found}"), HINT_PROPOSAL)),
    }
}
