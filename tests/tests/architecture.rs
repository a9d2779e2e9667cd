//! The structure of the workspace, held by tests: who may import whom, and what a file may look like.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use esker_tests::workspace_root;

/// What each crate of the workspace may import from the workspace, in code that ships.
const ALLOWED: &[(&str, &[&str])] = &[
    ("esker-abi", &[]),
    ("esker-vm", &["esker-abi"]),
    ("esker-light", &[]),
    ("esker-runtime", &["esker-abi", "esker-light", "esker-vm"]),
    ("esker", &["esker-light", "esker-runtime", "esker-vm", "esker-sdk-build"]),
    ("esker-sdk-macros", &[]),
    ("esker-sdk", &["esker-abi", "esker-sdk-macros"]),
    ("esker-sdk-build", &["esker-abi", "esker-vm"]),
    ("esker-sdk-test", &["esker-abi", "esker-runtime", "esker-sdk", "esker-sdk-build", "esker-sdk-macros", "esker-vm"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(workspace_root().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .expect("cargo metadata runs in the workspace")
}

/// Names of the workspace's crates, each with the workspace crates it imports outside its tests.
fn imports(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let imported = package
                .dependencies
                .iter()
                .filter(|dependency| {
                    dependency.kind != DependencyKind::Development && members.contains(&dependency.name)
                })
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.to_string(), imported)
        })
        .collect()
}

#[test]
fn imports_run_one_way() {
    let metadata = metadata();
    let root = workspace_root();
    let allowed: BTreeMap<&str, BTreeSet<String>> = ALLOWED
        .iter()
        .map(|(name, imports)| (*name, imports.iter().map(|import| (*import).to_owned()).collect()))
        .collect();
    let folder_of = |name: &str| {
        let package = metadata.workspace_packages().into_iter().find(|package| package.name.as_str() == name);
        package.expect("it is a member").manifest_path.clone().into_std_path_buf()
    };
    let is_contract = |name: &str| folder_of(name).starts_with(root.join("contracts"));
    for (name, imported) in imports(&metadata) {
        let folder = folder_of(&name);
        if is_contract(&name) {
            let extra: Vec<_> =
                imported.iter().filter(|import| *import != "esker-sdk" && !is_contract(import)).collect();
            assert!(extra.is_empty(), "contract {name} may import esker-sdk and other contracts only, not {extra:?}");
        } else if folder.starts_with(root.join("tests")) || folder.starts_with(root.join("benches")) {
            // Nobody imports these, so they may import anything.
        } else {
            let may = allowed.get(name.as_str()).unwrap_or_else(|| panic!("crate {name} has no row in ALLOWED"));
            let extra: Vec<_> = imported.difference(may).collect();
            assert!(extra.is_empty(), "{name} must not import {extra:?}; allowed: {may:?}");
        }
    }
}

#[test]
fn nothing_imports_the_tests_or_the_benches() {
    for (name, imported) in imports(&metadata()) {
        assert!(
            !imported.contains("esker-tests") && !imported.contains("esker-benches"),
            "{name} imports a test crate"
        );
    }
}

/// Every dependency that is compiled for the target, with its features, when these kinds of dependencies count. What the
/// macro crate's own tests need is compiled for the host, apart from everything else.
fn features(kinds: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--exclude",
            "esker-sdk-macros",
            "--offline",
            "--locked",
            "--edges",
            kinds,
            "--prefix",
            "none",
            "--format",
            "{p} {f}",
        ])
        .current_dir(workspace_root())
        .output()
        .expect("cargo tree runs in the workspace");
    let listing = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    assert!(listing.len() > 1_000, "cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    listing.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

#[test]
fn nothing_compiles_twice_for_the_main_job_and_the_tests() {
    let (job, tests) = (features("normal,no-proc-macro"), features("normal,dev,no-proc-macro"));
    let differ: Vec<_> = tests.symmetric_difference(&job).collect();
    assert!(differ.is_empty(), "features differ between `cargo run` and `cargo test`: {differ:#?}");
}

#[test]
fn the_vm_never_names_ethereum_crates() {
    let metadata = metadata();
    let vm = metadata.workspace_packages().into_iter().find(|package| package.name.as_str() == "esker-vm");
    let vm = vm.expect("esker-vm is a member of the workspace");
    for dependency in vm.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal) {
        assert!(!dependency.name.starts_with("alloy"), "esker-vm imports {}", dependency.name);
    }
}

/// Every tracked file of the workspace with one of these endings.
fn tracked(endings: &[&str]) -> Vec<PathBuf> {
    let root = workspace_root();
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .expect("git lists the files of the checkout");
    let listing = String::from_utf8(output.stdout).expect("file names are UTF-8");
    let ends = |name: &&str| endings.iter().any(|ending| name.ends_with(ending));
    let files: Vec<PathBuf> =
        listing.lines().filter(ends).map(|name| root.join(name)).filter(|path| path.exists()).collect();
    assert!(!files.is_empty(), "no files end in {endings:?}: is this a git checkout?");
    files
}

fn relative(path: &Path) -> String {
    path.strip_prefix(workspace_root()).unwrap_or(path).display().to_string()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", relative(path)))
}

#[test]
fn files_stay_small() {
    const LINES_MAX: usize = 560;
    for path in tracked(&[".rs"]) {
        let lines = read(&path).lines().count();
        assert!(
            lines <= LINES_MAX,
            "{} has {lines} lines: split it by what it does (most {LINES_MAX})",
            relative(&path)
        );
    }
}

#[test]
fn no_module_is_a_drawer() {
    for path in tracked(&[".rs"]) {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let drawer = ["utils", "util", "common", "misc", "helpers", "helper"].contains(&stem);
        assert!(!drawer, "{}: name the file after what it does", relative(&path));
    }
}

/// Where unsafe code may stand. Guests have no other way to reach their host than foreign imports, and own their memory.
const MAY_BE_UNSAFE: &[&str] = &[
    "vm/",
    "runtime/src/trie/keccak/",
    "sdk/src/host/wasm.rs",
    "sdk/src/wasm/",
    "sdk/src/buffer.rs",
    "sdk/src/utf8.rs",
    "sdk/src/native/installed.rs",
    // Entry points that the macro writes, a fixture, and a source that must not compile.
    "sdk/macros/",
    "sdk/build/tests/fixtures/",
    // A peer's constructor is unsafe by its signature.
    "benches/peers/src/machines/cosmwasm.rs",
];

#[test]
fn unsafe_stays_in_its_places() {
    let needle = concat!("un", "safe ");
    for path in tracked(&[".rs"]) {
        let name = relative(&path);
        let may = MAY_BE_UNSAFE.iter().any(|place| name.starts_with(place));
        let text = read(&path);
        let uses = text.lines().any(|line| {
            !line.trim_start().starts_with("//")
                && (line.contains(&format!("{needle}{{"))
                    || line.contains(&format!("{needle}fn"))
                    || line.contains(&format!("{needle}impl")))
        });
        assert!(may || !uses, "{name} uses unsafe code");
    }
}

#[test]
fn documents_link_to_files_that_exist() {
    for path in tracked(&[".md"]) {
        let folder = path.parent().expect("a file has a folder").to_path_buf();
        let text = read(&path);
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            assert!(folder.join(file).exists(), "{} links to {file}, which is not there", relative(&path));
        }
    }
}
