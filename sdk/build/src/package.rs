//! What cargo knows about a contract crate and its workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha3::{Digest, Keccak256};

use crate::artifact::check_name;
use crate::{BuildError, CacheDir, OptLevel, Progress, Toolchain};
use crate::{carried, process};

/// The crate every contract depends on.
const SDK: &str = "esker-sdk";

/// A package with a library that may be a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name in Cargo.toml.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its Cargo.toml.
    pub manifest: PathBuf,
    /// The root of its workspace; its own folder if it is in none.
    pub workspace_root: PathBuf,
    /// cargo's target folder for the workspace.
    pub target_dir: PathBuf,
    /// The folder in which it is compiled instead, if nothing that lies in the target folder may be taken for fresh.
    pub(crate) apart: Option<PathBuf>,
    /// The library's name, as rustc has it.
    pub library: String,
    /// `package.metadata.esker.name`: what the artifact is called, if not by the contract's name.
    pub artifact_name: Option<String>,
    /// `package.metadata.esker.opt-level`: how hard to optimise, unless a build says otherwise.
    pub opt_level: Option<OptLevel>,
    /// Path dependencies outside the workspace: name and folder.
    pub(crate) outside: Vec<(String, PathBuf)>,
    /// The crates that some member of the workspace asks the registry for and that Esker carries.
    pub(crate) carried: BTreeSet<&'static str>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    version: String,
    manifest_path: PathBuf,
    targets: Vec<MetadataTarget>,
    dependencies: Vec<Dependency>,
    metadata: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct MetadataTarget {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    /// What the crate's code calls it, if not by its name.
    rename: Option<String>,
    path: Option<PathBuf>,
    /// The registry or repository; nothing for a path.
    source: Option<String>,
}

impl MetadataPackage {
    fn library(&self) -> Option<&MetadataTarget> {
        let is_library = |kind: &String| matches!(kind.as_str(), "lib" | "rlib" | "cdylib");
        self.targets.iter().find(|target| target.kind.iter().any(is_library))
    }

    fn depends_on_sdk(&self) -> bool {
        self.dependencies.iter().any(|dependency| dependency.name == SDK && dependency.kind.is_none())
    }
}

impl Metadata {
    fn carried(&self) -> BTreeSet<&'static str> {
        let dependencies = || self.packages.iter().flat_map(|package| &package.dependencies);
        let from_registry = |dependency: &Dependency| {
            dependency.source.as_deref().is_some_and(|source| source.ends_with("/rust-lang/crates.io-index"))
        };
        let is_asked_for = |name: &str| dependencies().any(|found| found.name == name && from_registry(found));
        carried::crates().keys().map(String::as_str).filter(|name| is_asked_for(name)).collect()
    }
}

fn metadata(manifest: &Path) -> Result<Metadata, BuildError> {
    let cargo = process::find_program("cargo").ok_or(crate::ToolchainError::NoCargo)?;
    let mut command = process::clean(cargo);
    if let Some(folder) = manifest.parent() {
        command.current_dir(folder);
    }
    // Where the caller's cargo puts its output is where ours may lie beside it.
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        command.env("CARGO_TARGET_DIR", target);
    }
    command.args(["metadata", "--format-version", "1", "--no-deps", "--manifest-path"]).arg(manifest);
    let output = process::output(&mut command)
        .map_err(|error| BuildError::Manifest { path: manifest.to_owned(), reason: error.to_string() })?;
    serde_json::from_slice(&output)
        .map_err(|error| BuildError::Manifest { path: manifest.to_owned(), reason: error.to_string() })
}

/// The manifest that `path` means: itself, or the one in that folder.
fn manifest_at(path: &Path) -> Result<PathBuf, BuildError> {
    let manifest = if path.is_dir() { path.join("Cargo.toml") } else { path.to_owned() };
    if manifest.file_name().is_none_or(|name| name != "Cargo.toml") || !manifest.is_file() {
        return Err(BuildError::NoCrate(path.to_owned()));
    }
    manifest.canonicalize().map_err(|source| BuildError::Io { path: manifest, source })
}

impl Package {
    /// Reads the package at `path`: a folder with a Cargo.toml, or that file.
    ///
    /// # Errors
    /// [`BuildError::NoCrate`], [`BuildError::Manifest`], or [`BuildError::NotAContract`] if it has no library.
    pub fn read(path: &Path) -> Result<Self, BuildError> {
        let manifest = manifest_at(path)?;
        let metadata = metadata(&manifest)?;
        let package = metadata.packages.iter().find(|package| package.manifest_path == manifest).ok_or_else(|| {
            let reason = "it is a workspace without a package of its own: name one of its crates, or use --workspace";
            BuildError::NotAContract { path: manifest.clone(), reason: reason.to_owned() }
        })?;
        Self::from_metadata(package, &metadata)
    }

    fn from_metadata(package: &MetadataPackage, metadata: &Metadata) -> Result<Self, BuildError> {
        let library = package.library().ok_or_else(|| BuildError::NotAContract {
            path: package.manifest_path.clone(),
            reason: "it has no library: a contract is a crate with a src/lib.rs".to_owned(),
        })?;
        let esker = package.metadata.as_ref().and_then(|metadata| metadata.get("esker"));
        let artifact_name = match esker.and_then(|esker| esker.get("name")) {
            None => None,
            Some(name) => {
                let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
                check_name(&name).map_err(|error| BuildError::Manifest {
                    path: package.manifest_path.clone(),
                    reason: format!("package.metadata.esker.name: {error}"),
                })?;
                Some(name)
            }
        };
        let opt_level = match esker.and_then(|esker| esker.get("opt-level")) {
            None => None,
            Some(level) => {
                let name = level.as_str().map_or_else(|| level.to_string(), str::to_owned);
                Some(OptLevel::from_name(&name).ok_or_else(|| BuildError::Manifest {
                    path: package.manifest_path.clone(),
                    reason: format!("package.metadata.esker.opt-level is {level}: it can be 3, \"s\" or \"z\""),
                })?)
            }
        };
        let outside = package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"));
        let outside = outside.filter_map(|dependency| Some((dependency.name.clone(), dependency.path.clone()?)));
        Ok(Self {
            name: package.name.clone(),
            version: package.version.clone(),
            manifest: package.manifest_path.clone(),
            workspace_root: metadata.workspace_root.clone(),
            target_dir: metadata.target_directory.clone(),
            apart: None,
            library: library.name.clone(),
            artifact_name,
            opt_level,
            carried: metadata.carried(),
            outside: outside.filter(|(_, path)| !path.starts_with(&metadata.workspace_root)).collect(),
        })
    }

    /// What its contract is called, as far as the manifest tells: a module may carry another name.
    #[must_use]
    pub fn contract_name(&self) -> String {
        self.artifact_name.clone().unwrap_or_else(|| crate::pipeline::contract_name(&self.library))
    }

    /// The package's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(&self.manifest)
    }

    /// The target folder that counts: below [`Package::apart`], each workspace has its own.
    pub(crate) fn output_dir(&self) -> PathBuf {
        let Some(apart) = &self.apart else { return self.target_dir.clone() };
        let root = Keccak256::digest(self.workspace_root.as_os_str().as_encoded_bytes());
        apart.join(root.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    /// Whether the lock file is one of this package's workspace: one that only says which versions to take of what may be
    /// needed, as `esker contract new` writes it, is for cargo to complete.
    pub(crate) fn is_locked(&self) -> bool {
        let entry = format!("name = \"{}\"", self.name);
        let text = self.lock_file().and_then(|path| std::fs::read_to_string(path).ok());
        text.is_some_and(|text| text.lines().any(|line| line == entry))
    }

    /// The workspace's lock file, if it has one by now.
    pub(crate) fn lock_file(&self) -> Option<PathBuf> {
        Some(self.workspace_root.join("Cargo.lock")).filter(|path| path.is_file())
    }

    /// Folder names in which this build's sources lie, with the name each is given instead, so that no byte of the
    /// module depends on where they are. The last that fits is the one rustc takes.
    pub(crate) fn remapped(&self) -> Vec<(PathBuf, String)> {
        let mut remapped = Vec::new();
        if let Some(home) = Toolchain::cargo_home() {
            remapped.push((home.join("git/checkouts"), "/cargo/git".to_owned()));
            let registry = home.join("registry/src");
            remapped.push((registry.clone(), "/cargo/registry".to_owned()));
            let mut sources: Vec<PathBuf> = std::fs::read_dir(registry)
                .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
                .unwrap_or_default();
            sources.sort();
            remapped.extend(sources.into_iter().map(|source| (source, "/cargo/registry".to_owned())));
        }
        // What a path says relative to the workspace's root needs no other name; this is for what resolves the link.
        if !self.carried.is_empty()
            && let Ok(folder) = self.workspace_root.join(carried::LINK).canonicalize()
        {
            remapped.push((folder, "/esker".to_owned()));
        }
        for (name, path) in &self.outside {
            // What a dependency outside depends on lies in its workspace more often than not.
            let root =
                metadata(&path.join("Cargo.toml")).map_or_else(|_| path.clone(), |metadata| metadata.workspace_root);
            remapped.push((root, format!("/outside/{name}")));
        }
        remapped.push((self.workspace_root.clone(), "/workspace".to_owned()));
        if self.apart.is_some() {
            // What a build script generates is named as if it lay where it does otherwise.
            let named = match self.target_dir.strip_prefix(&self.workspace_root) {
                Ok(below) => Path::new("/workspace").join(below),
                Err(_) => self.target_dir.clone(),
            };
            remapped.push((self.output_dir(), named.to_string_lossy().into_owned()));
        }
        remapped
    }

    /// Puts the carried crates that the workspace asks for where its cargo finds them, below `.esker` in its root, and
    /// gives the settings that tell cargo. Nothing is done, and nothing given, where it asks for none.
    ///
    /// # Errors
    /// [`BuildError::Cache`].
    pub(crate) fn patches(&self, cache: &CacheDir, progress: &dyn Progress) -> Result<Vec<String>, BuildError> {
        if self.carried.is_empty() {
            return Ok(Vec::new());
        }
        let folder = carried::link(&self.workspace_root, cache, progress)?;
        let asked = carried::crates().iter().filter(|(name, _)| self.carried.contains(name.as_str()));
        let setting = |(name, place): (&String, &String)| {
            // JSON's strings are TOML's.
            let path = serde_json::Value::from(folder.join(place).to_string_lossy().as_ref());
            format!("patch.crates-io.{name}.path={path}")
        };
        Ok(asked.map(setting).collect())
    }
}

/// The contract whose crate `package` calls `name` in its code: one of its dependencies with a path, or a member of its
/// workspace, on which a dependency of it may depend. `None` if there is none.
///
/// # Errors
/// As [`Package::read`].
pub(crate) fn find_library(package: &Package, name: &str) -> Result<Option<Package>, BuildError> {
    let metadata = metadata(&package.manifest)?;
    let in_code = |name: &str| name.replace('-', "_");
    let own = metadata.packages.iter().find(|found| found.manifest_path == package.manifest);
    let renamed = own
        .into_iter()
        .flat_map(|own| &own.dependencies)
        .find(|found| found.rename.as_deref().map(in_code).as_deref() == Some(name));
    let of_name = || own.into_iter().flat_map(|own| &own.dependencies).find(|found| in_code(&found.name) == name);
    // What rustc means by the name: a dependency, whoever else in the workspace is called so.
    if let Some(dependency) = renamed.or_else(of_name) {
        return dependency.path.as_deref().map(Package::read).transpose();
    }
    let is_library = |found: &&MetadataPackage| found.library().is_some_and(|library| in_code(&library.name) == name);
    let member = metadata.packages.iter().find(is_library);
    member.map(|member| Package::from_metadata(member, &metadata)).transpose()
}

/// Every contract of the workspace around `path`: the members whose library is a `cdylib` and depends on `esker-sdk`.
///
/// # Errors
/// [`BuildError::NoCrate`] or [`BuildError::Manifest`]; [`BuildError::NotAContract`] if there is none.
pub fn find_contracts(path: &Path) -> Result<Vec<Package>, BuildError> {
    let manifest = manifest_at(path)?;
    let metadata = metadata(&manifest)?;
    let is_contract = |package: &&MetadataPackage| {
        let cdylib = package.library().is_some_and(|library| library.kind.iter().any(|kind| kind == "cdylib"));
        cdylib && package.depends_on_sdk()
    };
    let mut contracts = metadata
        .packages
        .iter()
        .filter(is_contract)
        .map(|package| Package::from_metadata(package, &metadata))
        .collect::<Result<Vec<_>, _>>()?;
    if contracts.is_empty() {
        let reason = format!(
            "no member of this workspace is a contract (a library with crate-type \"cdylib\" that depends on {SDK})"
        );
        return Err(BuildError::NotAContract { path: manifest, reason });
    }
    contracts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(contracts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cargo says of a contract with this `package.metadata.esker`.
    fn read(esker: serde_json::Value) -> Result<Package, BuildError> {
        let metadata = serde_json::json!({
            "packages": [{
                "name": "gold", "version": "1.0.0", "manifest_path": "/w/gold/Cargo.toml",
                "targets": [{"name": "gold", "kind": ["cdylib"]}],
                "dependencies": [],
                "metadata": {"esker": esker},
            }],
            "workspace_root": "/w",
            "target_directory": "/w/target",
        });
        let metadata: Metadata = serde_json::from_value(metadata).expect("what cargo says");
        Package::from_metadata(&metadata.packages[0], &metadata)
    }

    #[test]
    fn a_contract_is_called_what_a_file_can_be_called() {
        for name in ["Gold", "gold-2", "GOLD_3"] {
            let package = read(serde_json::json!({"name": name})).expect("a plain name");
            assert_eq!(package.contract_name(), name);
        }
        for name in ["", "../Gold", "/tmp/Gold", "a/b", "a\\b", "..", "Gold.names", "Gold\n"] {
            let error = read(serde_json::json!({"name": name})).expect_err(name);
            assert!(error.to_string().contains("package.metadata.esker.name"), "{error}");
        }
        assert!(read(serde_json::json!({"name": ["Gold"]})).is_err(), "no text");
        assert_eq!(read(serde_json::json!({})).expect("none need be said").contract_name(), "Gold");
    }

    #[test]
    fn what_is_compiled_apart_is_named_as_if_it_were_not() {
        let mut package = read(serde_json::json!({})).expect("a package");
        assert_eq!(package.output_dir(), Path::new("/w/target"));
        package.apart = Some(PathBuf::from("/w/target/fresh"));
        let output = package.output_dir();
        assert!(output.starts_with("/w/target/fresh"), "{}", output.display());
        assert_eq!(package.remapped().pop(), Some((output.clone(), "/workspace/target".to_owned())));
        let neighbour = Package { workspace_root: PathBuf::from("/v"), ..package.clone() };
        assert_ne!(neighbour.output_dir(), output);
        assert_eq!(neighbour.remapped().pop().map(|(_, name)| name).as_deref(), Some("/w/target"));
    }
}
