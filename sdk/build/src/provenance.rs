//! What a module was made from and with: enough to make it again and compare.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

use crate::compile::Compiled;
use crate::{BuildError, BuildOptions, Package, Toolchain};

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
pub(crate) const RECIPE: u32 = 1;

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
    /// keccak256 over every other package that took part: name, version, origin and, where the lock file has it,
    /// checksum.
    pub dependency_hash: String,
}

impl Provenance {
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
            dependency_hash: dependency_hash(package, &compiled.packages)?,
        })
    }
}

/// keccak256 over `Cargo.toml`, `build.rs` and everything below `src`, in order of their paths: for each file the
/// length of its path, the path with `/`, the length of its content, the content; lengths as u64 big-endian.
fn source_hash(folder: &Path) -> Result<String, BuildError> {
    let mut files = Vec::new();
    for name in ["Cargo.toml", "build.rs"] {
        let path = folder.join(name);
        if path.is_file() {
            files.push((name.to_owned(), path));
        }
    }
    collect(&folder.join("src"), "src", &mut files)?;
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
        let name = format!("{prefix}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, files)?;
        } else {
            files.push((name, path));
        }
    }
    Ok(())
}

/// The packages by name and version; a folder of the machine never shows. The standard library is the compiler's.
fn dependency_hash(package: &Package, ids: &BTreeSet<String>) -> Result<String, BuildError> {
    let lock = match package.lock_file() {
        Some(path) => fs::read_to_string(&path).map_err(|source| BuildError::Io { path, source })?,
        None => String::new(),
    };
    let mut lines = BTreeSet::new();
    for id in ids {
        let Some(dependency) = describe(id) else { continue };
        if dependency.name == package.name && dependency.origin == "path" || id.contains("/rustlib/src/rust/") {
            continue;
        }
        let checksum = checksum(&lock, &dependency).unwrap_or_default();
        lines.insert(format!("{} {} {} {checksum}\n", dependency.name, dependency.version, dependency.origin));
    }
    let mut hasher = Keccak256::new();
    for line in lines {
        hasher.update(line.as_bytes());
    }
    Ok(format!("0x{}", hex::encode(hasher.finalize())))
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
