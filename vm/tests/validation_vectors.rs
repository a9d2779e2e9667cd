//! The vectors of `tests/vectors/validation`: modules that are accepted and modules that are refused.
//!
//! Each case says its verdict here, by the specification; the files carry the modules' bytes for a second implementation.
//! `ESKER_BLESS=1` writes the files anew.

#[path = "validation_vectors/encodings.rs"]
mod encodings;
#[path = "validation_vectors/limits.rs"]
mod limits;
#[path = "validation_vectors/rules.rs"]
mod rules;

use std::io::{Read, Write};
use std::path::PathBuf;

use esker_vm::abi::{Limits, MeterCosts};
use esker_vm::prepare_module;
use serde_json::{Value, json};

/// Longer modules stand in the files as a raw DEFLATE stream.
const PLAIN_BYTES_MAX: usize = 2_048;

/// A module and whether it is acceptable.
pub struct Case {
    name: String,
    module: Vec<u8>,
    accepted: bool,
}

impl Case {
    /// A case whose verdict is by the specification.
    pub fn new(name: impl Into<String>, module: Vec<u8>, accepted: bool) -> Self {
        Self { name: name.into(), module, accepted }
    }
}

/// Translates the text format.
pub fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A contract around more fields.
pub fn with(fields: &str) -> Vec<u8> {
    wasm(&format!(r#"(module {fields} (memory (export "memory") 1) (func (export "call")))"#))
}

fn files() -> [(&'static str, Vec<Case>); 3] {
    [("encodings", encodings::cases()), ("limits", limits::cases()), ("rules", rules::cases())]
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/validation").join(format!("{file}.json"))
}

#[allow(clippy::disallowed_methods, reason = "a test's switch, no consensus code")]
fn blessing() -> bool {
    std::env::var_os("ESKER_BLESS").is_some()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn inflated(stream: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::DeflateDecoder::new(stream).read_to_end(&mut bytes).expect("a sound stream");
    bytes
}

fn written(case: &Case) -> Value {
    let (field, bytes) = if case.module.len() > PLAIN_BYTES_MAX {
        ("deflated", deflated(&case.module))
    } else {
        ("module", case.module.clone())
    };
    json!({ "name": case.name, field: format!("0x{}", hex::encode(bytes)), "accepted": case.accepted })
}

fn module_of(vector: &Value) -> Vec<u8> {
    let bytes = |field: &str| {
        let text = vector.get(field)?.as_str().expect("hex is text");
        Some(hex::decode(text.strip_prefix("0x").expect("hex begins with 0x")).expect("hex"))
    };
    bytes("module").or_else(|| bytes("deflated").map(|stream| inflated(&stream))).expect("a vector has a module")
}

fn bless() {
    for (file, cases) in files() {
        // One vector a line: they are read by machines, and diffs stay small.
        let lines: Vec<_> = cases.iter().map(|case| written(case).to_string()).collect();
        std::fs::write(path(file), format!("[\n{}\n]\n", lines.join(",\n"))).expect("the tree is writable");
    }
}

#[test]
fn every_vector_is_accepted_or_refused_as_it_says() {
    if blessing() {
        bless();
    }
    let mut wrong = Vec::new();
    for (file, cases) in files() {
        let text = std::fs::read_to_string(path(file)).expect("the vectors are part of the repository");
        let vectors: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        for vector in &vectors {
            let verdict = prepare_module(&module_of(vector), &Limits::V1, &MeterCosts::V1);
            if vector["accepted"] != json!(verdict.is_ok()) {
                wrong.push(format!("{file}, {}: {:?}", vector["name"], verdict.err()));
            }
        }
        let found: Vec<_> = vectors.iter().map(|vector| (vector["name"].clone(), module_of(vector))).collect();
        let expected: Vec<_> = cases.into_iter().map(|case| (json!(case.name), case.module)).collect();
        assert_eq!(found.len(), expected.len(), "{file} is out of date: run the test again with ESKER_BLESS=1");
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found == expected, "{} in {file} is out of date: ESKER_BLESS=1", expected.0);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_file_has_both_verdicts_and_no_name_twice() {
    for (file, cases) in files() {
        let mut names: Vec<_> = cases.iter().map(|case| &case.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), cases.len(), "{file}");
        assert!(cases.iter().any(|case| case.accepted) && cases.iter().any(|case| !case.accepted), "{file}");
    }
}
