//! `esker contract layout` and the lock file that builds compare with.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{Run, esker, esker_in};

/// `(module (memory (export "memory") 1) (func (export "call")))`
const MODULE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\
    \x07\x11\x02\x06memory\x02\0\x04call\0\0\x0a\x04\x01\x02\0\x0b";

fn artifact(folder: &Path, name: &str, layout: Option<Value>) -> String {
    let envelope = esker_vm::envelope::encode(MODULE);
    let code = format!("0x{}", hex::encode(&envelope));
    let mut artifact = json!({
        "contractName": name, "sourceName": "src/lib.rs", "abi": [], "bytecode": code, "deployedBytecode": code,
        "size": {"wasm": 1, "envelope": 1}, "codeHash": alloy_primitives::keccak256(&envelope),
        "toolchain": {"rustc": "", "cargo": "", "linker": "", "standardLibrary": ""}, "sourceHash": "", "dependencyHash": "",
    });
    if let Some(layout) = layout {
        artifact["storageLayout"] = layout.clone();
        artifact["transientStorageLayout"] = layout;
    }
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, artifact.to_string()).expect("a written file");
    path.to_str().expect("text").to_owned()
}

#[test]
fn an_artifact_tells_where_its_storage_lies() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fixed = "81955473079516046949633743016697847541294818689821282749996681496272635257091";
    let field = |label: &str, offset: u64, slot: &str, kind: &str| json!({"contract": "src/lib.rs:Good", "label": label, "offset": offset, "slot": slot, "type": kind});
    let layout = json!({
        "storage": [field("open", 20, "0", "t_bool"), field("admin", 0, fixed, "t_address")],
        "types": {
            "t_bool": {"encoding": "inplace", "label": "bool", "numberOfBytes": "1"},
            "t_address": {"encoding": "inplace", "label": "address", "numberOfBytes": "20"},
        },
    });
    let good = artifact(folder.path(), "Good", Some(layout.clone()));
    let shown = esker(&["contract", "layout", &good]).expect(0).stdout;
    let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["slot", "offset", "bytes", "label", "type"]);
    assert_eq!(rows[1], ["0", "20", "1", "open", "bool"]);
    let admin = "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103";
    assert_eq!(rows[2], [admin, "0", "20", "admin", "address"]);
    assert_eq!(rows[4], ["transient"]);
    let report = esker(&["contract", "layout", &good, "--json"]).expect(0).json();
    assert_eq!(report, json!({"contractName": "Good", "storageLayout": layout, "transientStorageLayout": layout}));

    let run = esker(&["contract", "layout", &good, "--lock"]).expect(2);
    assert!(run.stderr.contains("give the contract's folder"), "{run:?}");
    let untold = artifact(folder.path(), "Untold", None);
    let run = esker(&["contract", "layout", &untold]).expect(1);
    assert!(run.stderr.contains("does not tell its storage layout"), "{run:?}");
    let wasm = folder.path().join("module.wasm");
    fs::write(&wasm, MODULE).expect("a written file");
    esker(&["contract", "layout", wasm.to_str().expect("text")]).expect(2);
}

/// Writes a contract without the SDK that hands over a layout as the SDK does.
fn contract(folder: &Path, fields: &[(&str, u64, &str, u64)]) {
    let manifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                    [lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\n[workspace]\n";
    let fields: Vec<Value> = fields
        .iter()
        .map(|(label, slot, kind, bytes)| {
            json!({"label": label, "slot": slot, "offset": 0, "type": {"value": kind, "bytes": bytes}})
        })
        .collect();
    let section = json!({"storage": fields, "transient": []}).to_string();
    let source = format!(
        "#![cfg_attr(target_arch = \"wasm32\", no_std)]\n\
         #[cfg(target_arch = \"wasm32\")]\n#[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! {{ loop {{}} }}\n\
         #[unsafe(no_mangle)]\npub extern \"C\" fn call() {{}}\n\
         #[cfg(target_arch = \"wasm32\")]\n#[unsafe(link_section = \"esker-layout\")]\n\
         static LAYOUT: [u8; {}] = *b{section:?};\n",
        section.len(),
    );
    fs::create_dir_all(folder.join("src")).expect("a folder");
    fs::write(folder.join("Cargo.toml"), manifest).expect("a written file");
    fs::write(folder.join("src/lib.rs"), source).expect("a written file");
}

/// Whether nothing here compiles contracts: then there is nothing to compare. `ESKER_REQUIRE_COMPILER=1` makes it a failure.
fn has_no_compiler(run: &Run) -> bool {
    let is_required = std::env::var("ESKER_REQUIRE_COMPILER").is_ok_and(|value| !value.is_empty() && value != "0");
    if run.code != 3 || is_required {
        return false;
    }
    let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: nothing here compiles contracts: {} ***\n", run.stderr);
    true
}

#[test]
fn a_build_refuses_storage_that_moved() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = folder.path();
    let (owner, total, cap) = (("owner", 0, "address", 20), ("total", 1, "uint256", 32), ("cap", 2, "uint256", 32));
    contract(here, &[owner, total]);
    let lock = here.join("Shop.layout.json");
    let read = || fs::read_to_string(&lock).expect("a lock file");

    let built = esker_in(here, &["contract", "build"]);
    if has_no_compiler(&built) {
        return;
    }
    built.expect(0);
    assert!(!lock.exists(), "a build begins no lock file by itself");
    let run = esker_in(here, &["contract", "layout", "--lock"]).expect(0);
    assert!(run.stdout.contains("Shop.layout.json: written"), "{run:?}");
    let first = read();

    // What is appended is taken over.
    contract(here, &[owner, total, cap]);
    let run = esker_in(here, &["contract", "build"]).expect(0);
    assert!(run.stdout.contains("Shop.layout.json: appended cap"), "{run:?}");
    let second = read();
    assert!(first != second && second.contains("\"cap\""), "{second}");
    let artifact = fs::read_to_string(here.join("artifacts/Shop.json")).expect("an artifact");

    // A field in front moves the others.
    contract(here, &[("open", 0, "bool", 1), ("owner", 1, "address", 20), ("total", 2, "uint128", 16)]);
    let run = esker_in(here, &["contract", "build"]).expect(1);
    for line in [
        "the storage of Shop no longer lies as",
        "moved     owner: slot 0 -> slot 1",
        "moved     total: slot 1 -> slot 2",
        "retyped   total: uint256 -> uint128",
        "removed   cap: uint256 at slot 2",
        "inserted  open: bool at slot 0",
        "esker contract build --accept-layout",
    ] {
        assert!(run.stderr.contains(line), "{line} is missing in {run:?}");
    }
    assert_eq!(read(), second, "a refusal changes nothing");
    let after = fs::read_to_string(here.join("artifacts/Shop.json")).expect("an artifact");
    assert_eq!(after, artifact, "a refused build writes no artifact");
    let run = esker_in(here, &["contract", "build", "--json"]).expect(1);
    assert_eq!(run.json()["error"]["changes"].as_array().map(Vec::len), Some(5), "{run:?}");
    esker_in(here, &["contract", "layout", "--lock"]).expect(1);

    let run = esker_in(here, &["contract", "build", "--accept-layout"]).expect(0);
    assert!(run.stdout.contains("Shop.layout.json: written"), "{run:?}");
    let run = esker_in(here, &["contract", "layout", "--lock", "--json"]).expect(0);
    assert_eq!(run.json()["storageLayout"]["storage"][0]["label"], "open");
    assert!(run.json()["lockFile"].as_str().is_some_and(|path| path.ends_with("Shop.layout.json")), "{run:?}");

    fs::write(&lock, "{}").expect("a written file");
    let run = esker_in(here, &["contract", "build"]).expect(2);
    assert!(run.stderr.contains("is no storage layout"), "{run:?}");
}
