//! What a module was made from and with: enough to make it again and compare.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use esker_vm::abi::SECTION_BUILD;
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

use crate::compile::Compiled;
use crate::embedded;
use crate::inputs::Unit;
use crate::module::custom_section;
use crate::{BuildError, BuildOptions, Package, Toolchain, settings};

/// The programs whose versions a module's bytes depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolchainRecord {
    /// rustc and its LLVM.
    pub rustc: String,
    /// cargo, which names symbols.
    pub cargo: String,
    /// The linker.
    pub linker: String,
    /// Where `core` and `alloc` came from.
    pub standard_library: String,
}

/// Raised by every change of the profile, the flags or the passes of a build (`docs/contracts.md` lists them).
pub(crate) const RECIPE: u32 = 3;

/// The content of the module's `esker.build` section, as JSON. Nothing in it depends on folders, machines or time. It is
/// short: every byte of a module is paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The crate and its version.
    pub package: String,
    /// Version of Esker's build.
    pub esker: String,
    /// Which profile, flags and passes that version used.
    pub recipe: u32,
    /// rustc's `opt-level`.
    pub opt_level: String,
    /// Compiler, cargo, linker, standard library.
    #[serde(flatten)]
    pub toolchain: ToolchainRecord,
    /// keccak256 over the crate's own sources: `Cargo.toml`, `build.rs`, everything below `src`.
    pub source_hash: String,
    /// keccak256 over everything else that took part: see `docs/contracts.md`.
    pub dependency_hash: String,
    /// keccak256 over the profile and the flags.
    #[serde(default)]
    pub profile_hash: String,
}

impl Provenance {
    /// Reads a module's build section. `None` if there is none.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(wasm: &[u8]) -> Result<Option<Self>, String> {
        let Some(section) = custom_section(wasm, SECTION_BUILD)? else { return Ok(None) };
        serde_json::from_slice(&section).map(Some).map_err(|error| format!("it is no build record: {error}"))
    }

    pub(crate) fn of(
        package: &Package,
        toolchain: &Toolchain,
        options: &BuildOptions,
        compiled: &Compiled,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            package: format!("{} {}", package.name, package.version),
            esker: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: RECIPE,
            opt_level: options.level(package).name().to_owned(),
            toolchain: toolchain.record().clone(),
            source_hash: source_hash(package.folder())?,
            dependency_hash: dependency_hash(package, &compiled.units)?,
            profile_hash: settings::hash(package, options.level(package))?,
        })
    }
}

/// keccak256 over `Cargo.toml`, `build.rs` and everything below `src` but what editors leave there, in order of their
/// paths: for each file the length of its path, the path with `/`, the length of its content, the content; lengths as u64 big-endian.
fn source_hash(folder: &Path) -> Result<String, BuildError> {
    let mut files = Vec::new();
    for name in ["Cargo.toml", "build.rs"] {
        let path = folder.join(name);
        if path.is_file() {
            files.push((name.to_owned(), path));
        }
    }
    if folder.join("src").is_dir() {
        collect(&folder.join("src"), "src", &mut files)?;
    }
    content_hash(files)
}

/// keccak256 over named files, in order of their names.
fn content_hash(mut files: Vec<(String, PathBuf)>) -> Result<String, BuildError> {
    files.sort();
    let mut hasher = Keccak256::new();
    for (name, path) in files {
        let content = fs::read(&path).map_err(|source| BuildError::Io { path, source })?;
        for part in [name.as_bytes(), &content] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
    }
    Ok(format!("0x{}", hex::encode(hasher.finalize())))
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> Result<(), BuildError> {
    let failed = |source| BuildError::Io { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let own = path.file_name().unwrap_or_default().to_string_lossy();
        // Locks, swap files and copies of editors: hidden, or with a tilde. A lock may even be a link to nothing.
        if own.starts_with('.') || own.ends_with('~') {
            continue;
        }
        let name = format!("{prefix}/{own}");
        if path.is_dir() {
            collect(&path, &name, files)?;
        } else {
            files.push((name, path));
        }
    }
    Ok(())
}

/// A line for each compilation and each build script: the package by name, version and origin, its checksum or the hash of
/// its sources, what else it read, and how it was compiled. A folder of the machine shows only where the code asked for it.
/// The standard library is the compiler's.
fn dependency_hash(package: &Package, units: &[Unit]) -> Result<String, BuildError> {
    let lock = match package.lock_file() {
        Some(path) => fs::read_to_string(&path).map_err(|source| BuildError::Io { path, source })?,
        None => String::new(),
    };
    let mut lines = BTreeSet::new();
    for unit in units {
        let Some(dependency) = describe(&unit.package) else { continue };
        if unit.package.contains("/rustlib/src/rust/") {
            continue;
        }
        let content = match &unit.manifest {
            Some(manifest) if dependency.origin == "path" => {
                let folder = manifest.parent().unwrap_or(manifest);
                let extra = content_hash(beside(package, folder, &unit.files))?;
                // The contract's own sources have a hash of their own.
                let own = if *manifest == package.manifest { String::new() } else { source_hash(folder)? };
                format!("{own} {extra}")
            }
            _ => checksum(&lock, &dependency).unwrap_or_default().to_owned(),
        };
        let Dependency { name, version, origin } = &dependency;
        lines.insert(format!("{name} {version} {origin} {content} {}\n", unit.facts.join("; ")));
    }
    let mut hasher = Keccak256::new();
    for line in lines {
        hasher.update(line.as_bytes());
    }
    Ok(format!("0x{}", hex::encode(hasher.finalize())))
}

/// The files that rustc read beside those of [`source_hash`] (`include_str!`, generated code), by names that say nothing of
/// the machine.
fn beside(package: &Package, folder: &Path, files: &[PathBuf]) -> Vec<(String, PathBuf)> {
    let mut named = Vec::new();
    for file in files {
        let path = package.workspace_root.join(file);
        let Ok(path) = path.canonicalize() else { continue };
        let inside = |root: &Path| {
            let root = root.canonicalize().ok()?;
            Some(path.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/"))
        };
        let text = path.to_string_lossy();
        let name = match inside(folder) {
            Some(name) if name.starts_with("src/") || name == "build.rs" || name == "Cargo.toml" => continue,
            // The same file wherever this build's output lies.
            _ if embedded::is_code(&path) => format!("embedded/{}", path.file_name().unwrap_or_default().display()),
            // Generated by a build script, in a folder with cargo's hash in its name.
            _ if inside(&package.target_dir).or_else(|| inside(&package.output_dir())).is_some() => {
                format!("OUT_DIR/{}", text.rsplit_once("/out/").map_or(&*text, |(_, name)| name))
            }
            Some(name) => name,
            None => inside(&package.workspace_root).map_or_else(
                || format!("../{}", path.file_name().unwrap_or_default().to_string_lossy()),
                |name| format!("/{name}"),
            ),
        };
        named.push((name, path));
    }
    named
}

struct Dependency {
    name: String,
    version: String,
    /// `path`, or the registry or repository.
    origin: String,
}

/// Reads cargo's package id: `path+file:///a/b#name@1.0.0`, `registry+https://…#name@1.0.0`, or, where the folder has
/// the package's name, `…/name#1.0.0`.
fn describe(id: &str) -> Option<Dependency> {
    let (url, fragment) = id.rsplit_once('#')?;
    let (kind, address) = url.split_once('+')?;
    let (name, version) = match fragment.rsplit_once('@') {
        Some((name, version)) => (name, version),
        None => (address.split(['?', '#']).next()?.rsplit('/').next()?, fragment),
    };
    let origin = if kind == "path" { kind } else { url };
    Some(Dependency { name: name.to_owned(), version: version.to_owned(), origin: origin.to_owned() })
}

/// The checksum that a lock file has for a package.
fn checksum<'a>(lock: &'a str, dependency: &Dependency) -> Option<&'a str> {
    let name = format!("name = \"{}\"", dependency.name);
    let version = format!("version = \"{}\"", dependency.version);
    let record = lock
        .split("[[package]]")
        .find(|record| record.lines().any(|line| line == name) && record.lines().any(|line| line == version))?;
    record.lines().find_map(|line| line.strip_prefix("checksum = \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_ids_are_read_without_the_folders_of_a_machine() {
        let read = |id: &str| describe(id).map(|d| format!("{} {} {}", d.name, d.version, d.origin));
        let path = read("path+file:///home/a/sdk#esker-sdk@0.1.0");
        assert_eq!(path.as_deref(), Some("esker-sdk 0.1.0 path"));
        assert_eq!(read("path+file:///home/b/token#0.2.0").as_deref(), Some("token 0.2.0 path"));
        let registry = read("registry+https://github.com/rust-lang/crates.io-index#syn@2.0.1");
        assert_eq!(registry.as_deref(), Some("syn 2.0.1 registry+https://github.com/rust-lang/crates.io-index"));
        let git = read("git+https://example.org/x/y?rev=1#abcdef");
        assert_eq!(git.as_deref(), Some("y abcdef git+https://example.org/x/y?rev=1"));
    }

    #[test]
    fn a_lock_file_gives_the_checksum_of_the_right_version() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"11\"\n\n\
            [[package]]\nname = \"a\"\nversion = \"2.0.0\"\nchecksum = \"22\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";
        let find = |name: &str, version: &str| {
            let dependency = Dependency { name: name.to_owned(), version: version.to_owned(), origin: String::new() };
            checksum(lock, &dependency)
        };
        assert_eq!(find("a", "2.0.0"), Some("22"));
        assert_eq!(find("a", "1.0.0"), Some("11"));
        assert_eq!(find("b", "2.0.0"), None);
    }
}
