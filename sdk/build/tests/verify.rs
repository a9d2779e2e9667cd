//! Verifying code against its source. Where no compiler is at hand, every test here says so and does nothing.

mod support;

use std::fs;

use esker_sdk_build::{
    BuildError, BuildOptions, Built, Package, Provenance, ToStderr, ToolchainOptions, Verification, verify,
};
use support::{build_in, copied, edit, toolchain};

fn verified(built: &Built, folder: &std::path::Path) -> Verification {
    let code = built.artifact.code().expect("an envelope");
    let options = ToolchainOptions::from_env(folder).expect("a cache folder");
    verify(&code, &Package::read(folder).expect("a package"), &options, &ToStderr).expect("it can be told")
}

fn what(found: &Verification) -> Vec<&'static str> {
    found.differences.iter().map(|difference| difference.what).collect()
}

/// The module with another record, as another compiler's build would have it.
fn with_record(wasm: &[u8], record: &Provenance) -> Vec<u8> {
    let mut module = wasm_encoder::Module::new();
    for payload in wasmparser::Parser::new(0).parse_all(wasm).flatten() {
        let is_record =
            matches!(&payload, wasmparser::Payload::CustomSection(section) if section.name() == "esker.build");
        if let Some((id, range)) = payload.as_section().filter(|_| !is_record) {
            module.section(&wasm_encoder::RawSection { id, data: &wasm[range] });
        }
    }
    let data = serde_json::to_vec(record).expect("JSON");
    module.section(&wasm_encoder::CustomSection { name: "esker.build".into(), data: data.into() });
    module.finish()
}

#[test]
fn a_source_is_told_from_another_and_from_another_compiler() {
    let Some(toolchain) = toolchain() else { return };
    let (_guard, folder) = copied("contract");
    let small = BuildOptions { opt_level: Some(esker_sdk_build::OptLevel::Size), ..BuildOptions::default() };
    let built = build_in(&folder, toolchain, &small).expect("the fixture builds");
    let (_other_guard, other) = copied("another/place");
    fs::copy(folder.join("Cargo.lock"), other.join("Cargo.lock")).expect("copied");
    // Built as the record says, not with the default level.
    let found = verified(&built, &other);
    assert!(found.verified && found.differences.is_empty() && found.hint.is_none(), "{found:?}");
    assert_eq!(found.record.opt_level, "s");

    // Another compiler on record.
    let mut record = found.record.clone();
    record.toolchain.rustc = "rustc 1.2.3 (0123456 2020-01-01), LLVM 1".to_owned();
    let wasm = with_record(&built.wasm, &record);
    let mut elsewhere = built.clone();
    elsewhere.artifact.bytecode = format!("0x{}", hex::encode(esker_vm::envelope::encode(&wasm)));
    let found = verified(&elsewhere, &other);
    assert!(!found.verified, "{found:?}");
    assert_eq!(what(&found), ["rustc"]);
    assert!(found.hint.as_deref().is_some_and(|hint| hint.contains("rustup toolchain install 1.2.3")), "{found:?}");

    // Another source, and another dependency.
    edit(&other.join("words/src/lib.rs"), "no word", "no such word");
    assert_eq!(what(&verified(&built, &other)), ["dependencies"]);
    edit(&other.join("src/lib.rs"), "input.len().div_ceil(32)", "input.len().div_ceil(32) + 1");
    let found = verified(&built, &other);
    assert_eq!(what(&found), ["source", "dependencies"]);
    assert_ne!(found.code_hash, found.built_code_hash);
}

/// cargo goes by the times of files.
#[test]
fn what_was_built_from_another_source_before_is_not_taken_for_this_ones() {
    let Some(toolchain) = toolchain() else { return };
    let (_guard, folder) = copied("contract");
    let source = folder.join("src/lib.rs");
    let (clean, options) = (fs::read_to_string(&source).expect("readable"), BuildOptions::default());
    edit(&source, "input.len().div_ceil(32)", "input.len().div_ceil(32) + 1");
    let other = build_in(&folder, toolchain, &options).expect("it builds");
    fs::write(&source, clean).expect("written");
    fs::File::open(&source).and_then(|file| file.set_modified(std::time::SystemTime::UNIX_EPOCH)).expect("set");
    let honest = build_in(&folder, toolchain, &options).expect("it builds");
    assert_ne!(honest.artifact.source_hash, other.artifact.source_hash);
    let found = verified(&honest, &folder);
    assert!(found.verified, "{found:?}");
    // Now the clean source's record is in the other's code.
    let mut passed_off = honest.clone();
    let wasm = with_record(&other.wasm, &found.record);
    passed_off.artifact.bytecode = format!("0x{}", hex::encode(esker_vm::envelope::encode(&wasm)));
    let found = verified(&passed_off, &folder);
    assert!(!found.verified && found.differences.is_empty(), "{found:?}");
    let package = Package::read(&folder).expect("a package");
    let left = fs::read_dir(package.target_dir.join("esker-contracts")).expect("a folder").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("verify-")), "{left:?}");
}

#[test]
fn code_without_a_record_cannot_be_verified() {
    let (_guard, folder) = copied("contract");
    let options = ToolchainOptions::from_env(&folder).expect("a cache folder");
    let package = Package::read(&folder).expect("a package");
    let empty = esker_vm::envelope::encode(b"\0asm\x01\0\0\0");
    for code in [&b""[..], b"\x60\x80\x60\x40", &empty] {
        let error = verify(code, &package, &options, &ToStderr).expect_err("nothing to go by");
        assert!(matches!(error, BuildError::Unverifiable(_)), "{error}");
    }
}
