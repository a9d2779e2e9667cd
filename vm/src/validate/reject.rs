//! How refusals are worded: what is wrong, where, and what an author can do about it.

use wasmparser::WasmFeatures;

use crate::RejectReason;

/// Longest name shown in a message, in characters: room for a mangled one, which whoever shows it can make readable only
/// while it is whole.
const SHOWN_NAME_CHARS: usize = 500;

pub(super) const HINT_FLOATS: &str = "Floating point differs between machines and is refused; use integers or \
     fixed-point arithmetic, and look for a dependency or a formatting of floats that pulls it in";
pub(super) const HINT_SIMD: &str = "Build without the target feature simd128";
pub(super) const HINT_REFERENCE_TYPES: &str = "Build with -Ctarget-feature=-reference-types";
pub(super) const HINT_SATURATING: &str = "Build without floating point; saturating conversions are refused with it";
pub(super) const HINT_THREADS: &str = "Build without the target feature atomics; a contract runs on one thread";
pub(super) const HINT_TAIL_CALLS: &str = "Build without the target feature tail-call";
pub(super) const HINT_EXCEPTIONS: &str =
    "Build with panic = \"abort\" and without the target feature exception-handling";
pub(super) const HINT_TABLES: &str = "Tables never change once a module is instantiated; only call_indirect reads them";
pub(super) const HINT_PROPOSAL: &str = "Accepted are wasm 1.0 without floating point, mutable globals, sign extension, \
     bulk memory and multi-value; build for plain wasm32-unknown-unknown";
pub(super) const HINT_MALFORMED: &str =
    "The file is damaged or cut short, or it was not made by a WebAssembly compiler";
pub(super) const HINT_IMPORTS: &str = "Only the host functions of `esker_v1` may be imported; a dependency that needs an \
     operating system or JavaScript cannot run in a contract";
pub(super) const HINT_SHRINK: &str = "Make the module smaller: optimise for size, drop dependencies, or split the \
     contract";
pub(super) const HINT_COMPLEX: &str =
    "Make the module smaller: fewer functions, types, locals and calls with many values";
pub(super) const HINT_SPLIT: &str = "Split the function into smaller ones";
pub(super) const HINT_EXPORTS: &str = "A contract exports `memory`, `call` and, if it has a constructor, `deploy`; the \
     last two take and return nothing";

/// A refusal without a place.
pub(super) fn reject(reason: impl Into<String>, hint: &'static str) -> RejectReason {
    RejectReason { reason: reason.into(), function: None, hint: Some(hint) }
}

/// A refusal because something is larger than its limit.
pub(super) fn over_limit(what: &str, found: u64, limit: u64, hint: &'static str) -> RejectReason {
    reject(format!("{what}: {found}, the limit is {limit}"), hint)
}

/// Refuses when `found` is over `limit`.
pub(super) fn bound(what: &str, found: u64, limit: u64, hint: &'static str) -> Result<(), RejectReason> {
    if found > limit { Err(over_limit(what, found, limit, hint)) } else { Ok(()) }
}

/// A refusal by the general wasm validator.
pub(super) fn invalid(error: &wasmparser::Error) -> RejectReason {
    let hint = match error.missing_wasm_feature() {
        Some(feature) => hint_for_feature(feature),
        None if error.message().contains("SIMD") => HINT_SIMD,
        None if error.message().contains("floating-point") => HINT_FLOATS,
        None => HINT_MALFORMED,
    };
    let message: String = error.message().chars().flat_map(char::escape_default).take(400).collect();
    reject(format!("invalid WebAssembly: {message} at offset {}", error.offset()), hint)
}

fn hint_for_feature(feature: WasmFeatures) -> &'static str {
    if feature.intersects(WasmFeatures::FLOATS) {
        HINT_FLOATS
    } else if feature.intersects(WasmFeatures::SIMD | WasmFeatures::RELAXED_SIMD) {
        HINT_SIMD
    } else if feature.intersects(WasmFeatures::THREADS | WasmFeatures::SHARED_EVERYTHING_THREADS) {
        HINT_THREADS
    } else if feature.intersects(WasmFeatures::EXCEPTIONS | WasmFeatures::LEGACY_EXCEPTIONS) {
        HINT_EXCEPTIONS
    } else if feature.intersects(WasmFeatures::TAIL_CALL) {
        HINT_TAIL_CALLS
    } else if feature.intersects(WasmFeatures::REFERENCE_TYPES) {
        HINT_REFERENCE_TYPES
    } else {
        HINT_PROPOSAL
    }
}

/// A name from the module made fit for a terminal: bounded, control characters escaped.
pub(super) fn shown(name: &str) -> String {
    let mut text = String::new();
    for (count, character) in name.chars().enumerate() {
        if count == SHOWN_NAME_CHARS {
            text.push('…');
            break;
        }
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}
