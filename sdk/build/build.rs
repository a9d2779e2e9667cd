//! Packs the sources of the SDK, its test kit, what these need, and the contract library into one file that the library
//! carries (`src/carried.rs` unpacks it).
//!
//! The file depends on these sources alone: paths in order, no times, no permissions. Made again from what was unpacked it
//! is the same file, so that a test kit that was built from carried sources carries them too.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use toml::{Table, Value};

/// The crates that are carried, by their folders.
const CRATES: &[&str] = &["runtime", "runtime/light", "sdk", "sdk/build", "sdk/macros", "sdk/test", "vm", "vm/abi"];

/// What of a crate's folder is carried: not its tests.
const PARTS: &[&str] = &["build.rs", "src"];

include!("src/library.rs");

/// Where the tests of the contract library are, all of one program.
const LIBRARY_TESTS: &str = "tests/tests/library";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    println!("cargo::rerun-if-changed=build.rs");
    let manifest = root.join("Cargo.toml");
    let workspace: Table = toml::from_str(&read(&manifest)).expect("the workspace's manifest is TOML");
    // Carried sources are carried on as they are.
    let is_carried = workspace.get("workspace").is_some_and(|workspace| workspace.get("package").is_none());
    let root_text = if is_carried { read(&manifest) } else { root_manifest() };
    let mut files = vec![("Cargo.toml".to_owned(), root_text.into_bytes())];
    files.push(("Cargo.lock".to_owned(), read(&root.join("Cargo.lock")).into_bytes()));
    let library: Vec<String> = LIBRARY.iter().map(|name| format!("contracts/{name}")).collect();
    for folder in CRATES.iter().copied().chain(library.iter().map(String::as_str)) {
        let manifest = read(&root.join(folder).join("Cargo.toml"));
        let whole = if is_carried { manifest } else { whole_manifest(folder, &manifest, &workspace) };
        files.push((format!("{folder}/Cargo.toml"), whole.into_bytes()));
        for part in PARTS {
            let path = root.join(folder).join(part);
            if path.exists() {
                println!("cargo::rerun-if-changed={}", path.display());
                collect(&path, format!("{folder}/{part}"), &mut files);
            }
        }
    }
    for name in LIBRARY {
        collect_tests(&root, name, is_carried, &mut files);
    }
    files.sort();

    let mut archive = DeflateEncoder::new(Vec::new(), Compression::best());
    for (path, content) in &files {
        for part in [path.as_bytes(), content] {
            let length = u32::try_from(part.len()).expect("sources are short").to_be_bytes();
            archive.write_all(&length).and_then(|()| archive.write_all(part)).expect("writing to memory");
        }
    }
    let archive = archive.finish().expect("writing to memory");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("sdk.archive");
    fs::write(&out, archive).unwrap_or_else(|error| panic!("cannot write {}: {error}", out.display()));
}

fn read(path: &Path) -> String {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("cannot read {}: {error}. esker-sdk-build is built inside Esker's source tree", path.display())
    })
}

/// Adds a file, or every file of a folder. Names with a dot at their beginning are an editor's or the system's.
fn collect(path: &Path, name: String, files: &mut Vec<(String, Vec<u8>)>) {
    if !path.is_dir() {
        let content = fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        files.push((name, content));
        return;
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    for entry in entries {
        let entry = entry.unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        let file = entry.file_name().to_string_lossy().into_owned();
        if !file.starts_with('.') {
            collect(&entry.path(), format!("{name}/{file}"), files);
        }
    }
}

/// Adds a contract's tests, each file below `tests` of its crate. In the workspace they are modules of one program.
fn collect_tests(root: &Path, name: &str, is_carried: bool, files: &mut Vec<(String, Vec<u8>)>) {
    let to = format!("contracts/{name}/tests");
    if is_carried {
        let tests = root.join(&to);
        if tests.exists() {
            collect(&tests, to, files);
        }
        return;
    }
    let (tests, module) = (root.join(LIBRARY_TESTS), name.replace('-', "_"));
    let (file, folder) = (tests.join(format!("{module}.rs")), tests.join(&module));
    if file.exists() {
        files.push((format!("{to}/{module}.rs"), read(&file).into_bytes()));
    } else if folder.exists() {
        println!("cargo::rerun-if-changed={}", folder.display());
        collect(&folder, format!("{to}/{module}"), files);
        // The modules of the program's module are those of a program of their own.
        let program = read(&tests.join("main.rs"));
        let begin = format!("mod {module} {{\n");
        let inner = program.split_once(&begin).and_then(|(_, rest)| rest.split_once("\n}\n"));
        let (inner, _) = inner.unwrap_or_else(|| panic!("{LIBRARY_TESTS}/main.rs has no module {module} with modules"));
        let lines: Vec<&str> = inner.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
        let main = format!("//! The contract's tests.\n\n{}\n", lines.join("\n"));
        files.push((format!("{to}/{module}/main.rs"), main.into_bytes()));
    }
}

fn root_manifest() -> String {
    let library = LIBRARY.iter().map(|name| format!("\"contracts/{name}\""));
    let members: Vec<String> = CRATES.iter().map(|folder| format!("\"{folder}\"")).chain(library).collect();
    format!("[workspace]\nresolver = \"2\"\nmembers = [{}]\n", members.join(", "))
}

/// A crate's manifest with everything in it that it takes from the workspace's, and without what only its own tests and
/// lints need: below another workspace's root, cargo takes that for the one to look in.
fn whole_manifest(folder: &str, manifest: &str, workspace: &Table) -> String {
    let mut manifest: Table = toml::from_str(manifest).expect("a crate's manifest is TOML");
    let shared = workspace.get("workspace").and_then(Value::as_table);
    let shared = |name: &str| shared.and_then(|table| table.get(name)).and_then(Value::as_table);
    manifest.remove("lints");
    manifest.remove("dev-dependencies");
    for (key, value) in manifest.get_mut("package").and_then(Value::as_table_mut).expect("a crate has a package") {
        if inherits(value) {
            let found = shared("package").and_then(|package| package.get(key));
            *value = found.unwrap_or_else(|| panic!("the workspace has no package.{key}")).clone();
        }
    }
    let targets = manifest.get_mut("target").and_then(Value::as_table_mut).into_iter().flatten();
    let mut holders: Vec<&mut Table> = targets.filter_map(|(_, target)| target.as_table_mut()).collect();
    for holder in &mut holders {
        holder.remove("dev-dependencies");
        complete(folder, holder, shared("dependencies"));
    }
    complete(folder, &mut manifest, shared("dependencies"));
    toml::to_string(&manifest).expect("a table is TOML")
}

fn inherits(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// Writes out the dependencies that the workspace describes.
fn complete(folder: &str, holder: &mut Table, shared: Option<&Table>) {
    for kind in ["dependencies", "build-dependencies"] {
        for (name, value) in holder.get_mut(kind).and_then(Value::as_table_mut).into_iter().flatten() {
            if !inherits(value) {
                continue;
            }
            let found = shared.and_then(|shared| shared.get(name));
            let found = found.unwrap_or_else(|| panic!("the workspace has no dependency {name}"));
            let mut whole = match found {
                Value::Table(table) => table.clone(),
                version => Table::from_iter([("version".to_owned(), version.clone())]),
            };
            if let Some(path) = whole.get("path").and_then(Value::as_str) {
                let is_library = path.strip_prefix("contracts/").is_some_and(|name| LIBRARY.contains(&name));
                assert!(
                    is_library || CRATES.contains(&path),
                    "{folder} needs {path}, which is not carried: add it to CRATES or LIBRARY"
                );
                let up = "../".repeat(folder.split('/').count());
                whole.insert("path".to_owned(), format!("{up}{path}").into());
            }
            for (key, own) in value.as_table().into_iter().flatten().filter(|(key, _)| *key != "workspace") {
                match (whole.get_mut(key), own) {
                    (Some(Value::Array(all)), Value::Array(more)) => all.extend(more.iter().cloned()),
                    _ => {
                        whole.insert(key.clone(), own.clone());
                    }
                }
            }
            *value = Value::Table(whole);
        }
    }
}
