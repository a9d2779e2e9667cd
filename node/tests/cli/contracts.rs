//! `esker contract` as a user runs it, where no compiler is needed.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::process::{esker, esker_in};

/// `(module (memory (export "memory") 1) (func (export "call")))`, with a start section if asked for.
fn module(with_start: bool) -> Vec<u8> {
    let mut wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01".to_vec();
    wasm.extend_from_slice(b"\x07\x11\x02\x06memory\x02\0\x04call\0\0");
    if with_start {
        wasm.extend_from_slice(b"\x08\x01\0");
    }
    wasm.extend_from_slice(b"\x0a\x04\x01\x02\0\x0b");
    wasm
}

fn write(folder: &Path, name: &str, content: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, content).expect("a written file");
    path.to_str().expect("text").to_owned()
}

#[test]
fn check_accepts_a_module_and_its_deploy_payload() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wasm = write(folder.path(), "good.wasm", &module(false));
    let payload = write(folder.path(), "good.bin", &esker_vm::envelope::encode(&module(false)));
    for path in [wasm, payload] {
        let run = esker(&["contract", "check", &path, "--json"]).expect(0);
        assert_eq!(run.json(), json!({"accepted": true, "wasmBytes": module(false).len()}));
    }
}

#[test]
fn check_says_why_a_module_would_be_refused_and_exits_with_1() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let started = write(folder.path(), "start.wasm", &module(true));
    let run = esker(&["contract", "check", &started]).expect(1);
    assert!(run.stderr.contains("would be refused") && run.stderr.contains("start"), "{run:?}");
    let run = esker(&["contract", "check", &started, "--json"]).expect(1);
    assert_eq!(run.json()["error"]["accepted"], false);

    let whole = module(false);
    for length in 8..whole.len() {
        let cut = write(folder.path(), "cut.wasm", &whole[..length]);
        esker(&["contract", "check", &cut]).expect(1);
    }
}

#[test]
fn files_that_are_no_contract_are_told_apart_from_refused_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = write(folder.path(), "notes.txt", b"hello");
    for what in ["check", "size", "abi"] {
        let run = esker(&["contract", what, &text]).expect(2);
        assert!(run.stderr.contains("holds no module: it is neither wasm"), "{run:?}");
    }
    let other = write(folder.path(), "package.json", b"{}");
    let run = esker(&["contract", "check", &other]).expect(2);
    assert!(run.stderr.contains("is not an Esker artifact"), "{run:?}");
    let payload = esker_vm::envelope::encode(&module(false));
    let damaged = write(folder.path(), "damaged.bin", &payload[..payload.len() - 1]);
    let run = esker(&["contract", "check", &damaged]).expect(1);
    assert!(run.stderr.contains("the chain would refuse"), "{run:?}");
    let run = esker(&["contract", "check", "nowhere.wasm"]).expect(2);
    assert!(run.stderr.contains("there is nothing at nowhere.wasm"), "{run:?}");
    let run = esker_in(folder.path(), &["contract", "build"]).expect(2);
    assert!(run.stderr.contains("esker contract new"), "{run:?}");
    let artifact = write(folder.path(), "Odd.json", br#"{"contractName": "Odd", "abi": []}"#);
    let run = esker(&["contract", "abi", &artifact]).expect(2);
    assert!(run.stderr.contains("is not an Esker artifact"), "{run:?}");
}

#[test]
fn size_counts_every_byte_and_says_what_deploying_costs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wasm = write(folder.path(), "good.wasm", &module(false));
    let report = esker(&["contract", "size", &wasm, "--json"]).expect(0).json();
    assert_eq!(report["wasm"], module(false).len());
    let sections = report["sections"].as_array().expect("sections");
    let sum: u64 = sections.iter().filter_map(|section| section["bytes"].as_u64()).sum();
    assert_eq!(sum + 8, module(false).len() as u64);
    assert!(report["deployGas"].as_u64().is_some_and(|gas| gas > 53_000), "{report}");

    // A module that no chain accepts has a size, but deploying it has no price.
    let started = write(folder.path(), "start.wasm", &module(true));
    let report = esker(&["contract", "size", &started, "--json"]).expect(0).json();
    assert_eq!(report["deployGas"], json!(null));
}

/// A built contract's artifact without an interface.
fn artifact() -> serde_json::Value {
    let envelope = esker_vm::envelope::encode(&module(false));
    let code = format!("0x{}", hex::encode(&envelope));
    json!({
        "contractName": "Good", "sourceName": "src/lib.rs", "abi": [], "bytecode": code, "deployedBytecode": code,
        "size": {"wasm": 1, "envelope": 1}, "codeHash": alloy_primitives::keccak256(&envelope).to_string(),
        "toolchain": {"rustc": "", "cargo": "", "linker": "", "standardLibrary": ""}, "sourceHash": "", "dependencyHash": "",
    })
}

#[test]
fn size_takes_names_from_the_file_beside_an_artifact_of_the_same_code() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let artifact = artifact();
    let hash = artifact["codeHash"].as_str().expect("a text").to_owned();
    let path = write(folder.path(), "Good.json", artifact.to_string().as_bytes());
    let names =
        |hash: &str| json!({"codeHash": hash, "functions": [{"index": 0, "name": "good::shop::open"}]}).to_string();
    write(folder.path(), "Good.names.json", names(&hash).as_bytes());
    let report = esker(&["contract", "size", &path, "--json"]).expect(0).json();
    assert_eq!(report["functions"][0]["name"], "good::shop::open");
    assert_eq!(report["crates"], json!([{"name": "good", "bytes": 2, "functions": 1}]));
    let shown = esker(&["contract", "size", &path]).expect(0);
    assert!(shown.stdout.contains("functions by crate") && shown.stdout.contains("good::shop::open"), "{shown:?}");

    // Names of another module would be lies.
    write(folder.path(), "Good.names.json", names(&format!("0x{:064x}", 1)).as_bytes());
    let report = esker(&["contract", "size", &path, "--json"]).expect(0).json();
    assert_eq!(report["functions"][0]["name"], "function 0");
}

#[test]
fn new_writes_a_crate_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = esker_in(folder.path(), &["contract", "new", "my-token", "--json"]).expect(0);
    assert_eq!(run.json()["name"], "my-token");
    let manifest = fs::read_to_string(folder.path().join("my-token/Cargo.toml")).expect("written");
    assert!(manifest.contains("name = \"my-token\"") && manifest.contains("esker-sdk = \"0.1\""), "{manifest}");
    let run = esker_in(folder.path(), &["contract", "new", "my-token"]).expect(2);
    assert!(run.stderr.contains("exists already"), "{run:?}");
    let run = esker_in(folder.path(), &["contract", "new", "another"]).expect(0);
    assert!(run.stdout.starts_with("wrote another\n") && run.stdout.contains("\n  cd another\n"), "{run:?}");
    for name in ["My Token", "", "1st", "../up", "-x-"] {
        let run = esker_in(folder.path(), &["contract", "new", "--", name]).expect(2);
        assert!(run.stderr.contains("use lowercase letters"), "{run:?}");
    }
    for name in ["match", "std", "esker-sdk", "context"] {
        let run = esker_in(folder.path(), &["contract", "new", name]).expect(2);
        assert!(run.stderr.contains("means something else by it"), "{run:?}");
        assert!(!folder.path().join(name).exists());
    }
}

#[test]
fn abi_is_written_for_other_languages() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut wasm = module(false);
    let abi = br#"{"contractName":"Shop","abi":[{"type":"function","name":"open","inputs":[{"name":"for","type":"uint64"}],"outputs":[],"stateMutability":"view"}]}"#;
    let section = [&[9][..], b"esker.abi", abi].concat();
    wasm.extend_from_slice(&[0, section.len() as u8 | 0x80, (section.len() >> 7) as u8]);
    wasm.extend_from_slice(&section);
    let path = write(folder.path(), "any.wasm", &wasm);
    let shown = |format: &str| esker(&["contract", "abi", &path, "--format", format]).expect(0).stdout;
    assert!(shown("solidity").contains("interface IShop {\n    function open(uint64 for_) external view;\n}"));
    assert!(shown("typescript").contains("export const shopAbi = ["));
    let json: serde_json::Value = serde_json::from_str(&shown("json")).expect("JSON");
    assert_eq!(json[0]["name"], "open");
    esker(&["contract", "abi", &path, "--format", "python"]).expect(2);
}

#[test]
fn abi_shows_the_documentation_of_an_artifact() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut artifact = artifact();
    artifact["abi"] = json!([{"type": "error", "name": "Late", "inputs": [{"name": "by", "type": "uint64"}]}]);
    artifact["userdoc"] = json!({"kind": "user", "version": 1, "notice": "A shop.", "methods": {}, "events": {},
        "errors": {"Late(uint64)": [{"notice": "It is closed."}]}});
    artifact["devdoc"] = json!({"kind": "dev", "version": 1, "methods": {}, "events": {}, "errors": {}});
    let path = write(folder.path(), "Good.json", artifact.to_string().as_bytes());
    let shown = |format: &str| esker(&["contract", "abi", &path, "--format", format]).expect(0).stdout;
    let interface = shown("solidity");
    assert!(
        interface.contains("/// @notice A shop.\ninterface IGood {\n    /// @notice It is closed.\n    error Late(")
    );
    let module = shown("typescript");
    assert!(module.contains("/** A shop. */\nexport const goodAbi = [\n  /** It is closed. */\n  {"), "{module}");
    let report = esker(&["contract", "abi", &path, "--json"]).expect(0).json();
    assert_eq!((&report["userdoc"], &report["devdoc"]), (&artifact["userdoc"], &artifact["devdoc"]));
}

#[test]
fn verify_needs_code_with_a_record() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    esker_in(folder.path(), &["contract", "new", "gold", "--template", "token"]).expect(0);
    let gold = folder.path().join("gold");
    let source = fs::read_to_string(gold.join("src/lib.rs")).expect("written");
    assert!(source.contains("ERC20InsufficientBalance"));
    let run = esker_in(&gold, &["contract", "verify"]).expect(2);
    assert!(run.stderr.contains("Gold.json") && run.stderr.contains("--address"), "{run:?}");
    let nobody = ["contract", "verify", "--address", "0x0000000000000000000000000000000000000001"];
    let run = esker_in(&gold, &[&nobody[..], &["--rpc-url", "http://127.0.0.1:1"]].concat()).expect(3);
    assert!(run.stderr.contains("127.0.0.1:1"), "{run:?}");
    let run = esker_in(&gold, &["contract", "verify", "--address", "0x12"]).expect(2);
    assert!(run.stderr.contains("40 hexadecimal digits"), "{run:?}");
}
