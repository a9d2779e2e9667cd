//! What rewriting makes of known modules, held against the version that the cache's key carries: one cannot change without
//! the other.

use std::path::Path;

use esker_vm::abi::{Limits, MeterCosts};
use esker_vm::{INSTRUMENTATION_VERSION, crypto, prepare_module};

/// The version, and keccak256 of what it makes of the modules below.
const GOLDEN: (u32, &str) = (4, "5a35a11badaa034baf850828cfa99d02250f8637c3572761b8c7077c1d4a8a14");

#[test]
fn the_version_is_raised_whenever_the_rewritten_modules_change() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let mut files: Vec<_> = ["metering", "charges"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(vectors.join(folder)).expect("the vectors stand in the repository"))
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .collect();
    files.sort();
    assert!(files.len() >= 20, "vectors went missing");
    let mut all = Vec::new();
    for file in files {
        let wasm = wat::parse_file(&file).expect("the vectors are sound");
        let module = prepare_module(&wasm, &Limits::V1, &MeterCosts::V1).expect("acceptable");
        all.extend_from_slice(&(module.wasm.len() as u64).to_be_bytes());
        all.extend_from_slice(&module.wasm);
        all.extend_from_slice(format!("{:?}", module.data).as_bytes());
    }
    let found = hex::encode(crypto::keccak256(&all));
    assert_eq!(
        (INSTRUMENTATION_VERSION, found.as_str()),
        GOLDEN,
        "rewritten modules changed: raise INSTRUMENTATION_VERSION in vm/src/instrument/mod.rs, then set the pair here"
    );
}
