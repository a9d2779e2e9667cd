//! Finding a Rust that compiles to wasm.
//!
//! Looked for in this order, and the first that works is taken:
//! 1. what the caller names: `ESKER_WASM_RUSTC`, or a rustup toolchain;
//! 2. the toolchain active in the crate's folder, if it has the `wasm32-unknown-unknown` target;
//! 3. the same after `rustup target add` ([`rustup`]), or with the standard library built from its `rust-src`;
//! 4. Debian's packages, unpacked privately into the cache folder ([`debian`]).

mod debian;
mod rustup;
mod standard_library;

use std::path::{Path, PathBuf};
use std::process::Command;

use sha3::{Digest, Keccak256};

pub(crate) use self::rustup::installed;
use crate::process::{self, ProcessError};
use crate::{CacheDir, CacheError, Progress, ToolchainRecord};

/// The target every contract is compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Where to look for a compiler.
#[derive(Clone, Debug)]
pub struct ToolchainOptions {
    /// A rustup toolchain to use instead of the active one; nothing else is tried.
    pub toolchain: Option<String>,
    /// A compiler to use; nothing else is tried.
    pub rustc: Option<PathBuf>,
    /// Fetch nothing.
    pub offline: bool,
    /// Where a fetched compiler is kept.
    pub cache: CacheDir,
    /// The folder whose active toolchain counts: the contract's.
    pub directory: PathBuf,
}

impl ToolchainOptions {
    /// Options for the crate in `directory`, from `ESKER_WASM_RUSTC`, `ESKER_OFFLINE`, `CARGO_NET_OFFLINE` and what
    /// names the cache folder.
    ///
    /// # Errors
    /// [`CacheError::Nowhere`] if no cache folder can be named.
    pub fn from_env(directory: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let truthy = |name: &str| std::env::var(name).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
        Ok(Self {
            toolchain: None,
            rustc: std::env::var_os("ESKER_WASM_RUSTC").filter(|value| !value.is_empty()).map(PathBuf::from),
            offline: truthy("ESKER_OFFLINE") || truthy("CARGO_NET_OFFLINE"),
            cache: CacheDir::from_env()?,
            directory: directory.into(),
        })
    }
}

/// No usable compiler.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// Nothing that was tried worked.
    #[error(
        "no Rust compiler that can build WebAssembly was found.\n\nTried:\n{tried}\n\nDo one of these, then build again:\n{remedies}"
    )]
    NotFound {
        /// One line for each attempt.
        tried: String,
        /// What a person can do, one line each.
        remedies: String,
    },
    /// There is no cargo.
    #[error("cargo was not found: install Rust from https://rustup.rs, or put cargo on PATH")]
    NoCargo,
    /// What the caller named is unusable.
    #[error("{what} cannot build WebAssembly: {why}")]
    Named {
        /// The compiler or toolchain.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The cache folder failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A program that was needed failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// A compiler, a cargo and a linker that together make wasm.
#[derive(Clone, Debug)]
pub struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    /// Named where rustc would not find it itself.
    linker: Option<PathBuf>,
    /// Where the compiler's own shared libraries lie, if not where the system looks.
    libraries: Vec<PathBuf>,
    /// rustup's name of the toolchain, for cargo's proxy.
    rustup_name: Option<String>,
    /// Whether cargo builds `core` and `alloc` beside the contract.
    build_std: bool,
    /// Which files the prebuilt standard library is, for [`Toolchain::key`].
    standard_library_files: Vec<String>,
    /// The standard library's source, if it is there, and the name that rustc gives it elsewhere.
    source: Option<(PathBuf, String)>,
    record: ToolchainRecord,
}

impl Toolchain {
    /// Finds a compiler, fetching one if need be and allowed. Says through `progress` what it fetches and why.
    ///
    /// # Errors
    /// [`ToolchainError::NotFound`] says what was tried and what to install; the others name what failed.
    pub fn find(options: &ToolchainOptions, progress: &dyn Progress) -> Result<Self, ToolchainError> {
        let cargo = process::find_program("cargo").ok_or(ToolchainError::NoCargo)?;
        if let Some(rustc) = &options.rustc {
            let what = || format!("ESKER_WASM_RUSTC={}", rustc.display());
            let compiler =
                Compiler::at(rustc).map_err(|error| ToolchainError::Named { what: what(), why: error.to_string() })?;
            return compiler.toolchain(cargo, None, &options.directory).ok_or_else(|| ToolchainError::Named {
                what: what(),
                why: format!(
                    "neither the {TARGET} target nor the rust-src component is in {}",
                    compiler.sysroot.display()
                ),
            });
        }
        let mut tried = Vec::new();
        let active = Compiler::active(options);
        match &active {
            Ok(compiler) => {
                if compiler.has_target() {
                    return compiler
                        .toolchain(cargo, options.toolchain.clone(), &options.directory)
                        .ok_or_else(|| unreachable_target(compiler));
                }
                tried.push(format!("{} ({}): no {TARGET} target", compiler.version(), compiler.sysroot.display()));
            }
            Err(error) => tried.push(error.to_string()),
        }
        // A compiler fetched earlier is at hand at once; rustup is asked again only when there is none.
        let kept = if options.toolchain.is_none() { debian::kept(options) } else { None };
        if let Ok(compiler) = &active
            && kept.is_none()
        {
            match rustup::add_target(compiler, options, progress) {
                Ok(()) => {
                    if let Some(found) =
                        compiler.toolchain(cargo.clone(), options.toolchain.clone(), &options.directory)
                    {
                        return Ok(found);
                    }
                    tried.push(format!("rustup target add {TARGET}: it ended well, yet the target is not there"));
                }
                Err(reason) => tried.push(format!("rustup target add {TARGET}: {reason}")),
            }
            if let Some(found) = compiler.toolchain(cargo.clone(), options.toolchain.clone(), &options.directory) {
                return Ok(found);
            }
            tried.push("rust-src (to build the standard library from): not installed".to_owned());
        }
        if options.toolchain.is_none() {
            let active = active.as_ref().ok();
            match kept.map_or_else(|| debian::fetch(options, active, &cargo, progress), Ok) {
                Ok(unpacked) => return unpacked.toolchain(active, cargo, &options.directory),
                Err(debian::Unavailable::Failed(error)) => return Err(error),
                Err(debian::Unavailable::NotHere(reason)) => tried.push(format!("Debian's rustc packages: {reason}")),
            }
        }
        let named = options.toolchain.as_ref().map(|name| format!(" --toolchain {name}")).unwrap_or_default();
        Err(ToolchainError::NotFound {
            tried: tried
                .iter()
                .map(|line| format!("  - {}", line.replace('\n', "\n    ")))
                .collect::<Vec<_>>()
                .join("\n"),
            remedies: format!(
                "  - rustup target add {TARGET}{named}\n  - rustup component add rust-src{named}   (the standard library is then built from it)\n  \
                 - on Debian, Ubuntu and kin: sudo apt-get update, then build again; Esker unpacks rustc-web by itself\n  \
                 - set ESKER_WASM_RUSTC to a rustc that has the target"
            ),
        })
    }

    /// What there is to know about this toolchain that can change a module's bytes.
    #[must_use]
    pub fn record(&self) -> &ToolchainRecord {
        &self.record
    }

    /// cargo in `directory`, with this compiler and none of the caller's build settings.
    pub(crate) fn cargo(&self, directory: &Path) -> Command {
        let mut command = process::clean(&self.cargo);
        command.current_dir(directory).env("RUSTC", &self.rustc);
        if let Some(name) = &self.rustup_name {
            command.env("RUSTUP_TOOLCHAIN", name);
        }
        // Said also where rustc would find it by itself: a configuration file could name another.
        let linker = self.linker.as_deref().unwrap_or(Path::new("rust-lld"));
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        // Empty means none, whatever a configuration file says.
        command.env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "").env("CARGO_INCREMENTAL", "0");
        add_libraries(&mut command, &self.libraries);
        if self.build_std {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        command
    }

    /// Where cargo keeps the sources of dependencies.
    pub(crate) fn cargo_home() -> Option<PathBuf> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        set("CARGO_HOME").or_else(|| set("HOME").map(|home| home.join(".cargo")))
    }

    /// A name for this toolchain's output folder: another one, or one fetched anew, must not meet what this one left.
    /// cargo knows the compiler's version, but does not notice when the standard library below it is another.
    pub(crate) fn key(&self) -> String {
        let mut hasher = Keccak256::new();
        let record = &self.record;
        let versions = [&record.rustc, &record.cargo, &record.linker, &record.standard_library];
        for part in versions.into_iter().chain(&self.standard_library_files) {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        hex::encode(&hasher.finalize()[..8])
    }

    /// Where the standard library's source lies, with the name it is given instead.
    pub(crate) fn remapped(&self) -> Vec<(PathBuf, String)> {
        let Some((source, name)) = &self.source else { return Vec::new() };
        let real = source.canonicalize().unwrap_or_else(|_| source.clone());
        let mut folders = vec![source.clone(), real];
        folders.dedup();
        folders.into_iter().map(|folder| (folder, name.clone())).collect()
    }

    /// Whether cargo has to build `core` and `alloc` beside the contract.
    pub(crate) fn builds_std(&self) -> bool {
        self.build_std
    }
}

fn unreachable_target(compiler: &Compiler) -> ToolchainError {
    ToolchainError::Named { what: compiler.version(), why: "its target vanished while it was looked at".to_owned() }
}

fn add_libraries(command: &mut Command, libraries: &[PathBuf]) {
    if libraries.is_empty() {
        return;
    }
    let inherited = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let folders =
        libraries.iter().cloned().chain(std::env::split_paths(&inherited).filter(|path| !path.as_os_str().is_empty()));
    if let Ok(joined) = std::env::join_paths(folders) {
        command.env("LD_LIBRARY_PATH", joined);
    }
}

/// A rustc and where its parts lie.
#[derive(Clone, Debug)]
struct Compiler {
    rustc: PathBuf,
    sysroot: PathBuf,
    host: String,
    /// `rustc -vV`, whole.
    verbose: String,
}

impl Compiler {
    /// The one that cargo would use in the crate's folder, or the named rustup toolchain's.
    fn active(options: &ToolchainOptions) -> Result<Self, ProcessError> {
        let rustc = process::find_program("rustc").unwrap_or_else(|| "rustc".into());
        let prepare = || {
            let mut command = process::clean(&rustc);
            command.current_dir(&options.directory);
            if let Some(name) = &options.toolchain {
                command.env("RUSTUP_TOOLCHAIN", name);
            }
            command
        };
        Self::describe(&rustc, prepare)
    }

    fn at(rustc: &Path) -> Result<Self, ProcessError> {
        Self::describe(rustc, || process::clean(rustc))
    }

    fn describe(rustc: &Path, prepare: impl Fn() -> Command) -> Result<Self, ProcessError> {
        let verbose = process::text(prepare().arg("-vV"))?;
        let sysroot = PathBuf::from(process::text(prepare().args(["--print", "sysroot"]))?);
        let host = verbose.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default().to_owned();
        // Past rustup's proxy: what runs must be what was looked at.
        let own = sysroot.join("bin/rustc");
        let rustc = if own.is_file() { own } else { rustc.to_owned() };
        Ok(Self { rustc, sysroot, host, verbose })
    }

    fn version(&self) -> String {
        self.verbose.lines().next().unwrap_or("rustc").to_owned()
    }

    fn version_with_llvm(&self) -> String {
        let llvm = self.verbose.lines().find_map(|line| line.strip_prefix("LLVM version: ")).unwrap_or("unknown");
        format!("{}, LLVM {llvm}", self.version())
    }

    fn has_target(&self) -> bool {
        let folder = self.sysroot.join("lib/rustlib").join(TARGET).join("lib");
        std::fs::read_dir(folder).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
        })
    }

    /// Name, size and time of each library of the target: the same only for the very same files.
    fn standard_library_files(&self) -> Vec<String> {
        let folder = self.sysroot.join("lib/rustlib").join(TARGET).join("lib");
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let describe = |entry: std::fs::DirEntry| {
            let metadata = entry.metadata().ok()?;
            Some(format!("{} {} {:?}", entry.file_name().to_string_lossy(), metadata.len(), metadata.modified().ok()?))
        };
        let mut files: Vec<String> = entries.flatten().filter_map(describe).collect();
        files.sort();
        files
    }

    fn has_source(&self) -> bool {
        self.source().join("library/core/Cargo.toml").is_file()
    }

    fn source(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust")
    }

    /// What the standard library's source is called in what was compiled without it at hand.
    fn source_name(&self) -> String {
        let commit = self.verbose.lines().find_map(|line| line.strip_prefix("commit-hash: "));
        commit
            .filter(|commit| *commit != "unknown")
            .map_or_else(|| "/rust".to_owned(), |commit| format!("/rustc/{commit}"))
    }

    fn own_linker(&self) -> Option<PathBuf> {
        Some(self.sysroot.join("lib/rustlib").join(&self.host).join("bin/rust-lld")).filter(|path| path.is_file())
    }

    /// This compiler as a toolchain, if it has the target or the source to make it from.
    fn toolchain(&self, cargo: PathBuf, rustup_name: Option<String>, directory: &Path) -> Option<Toolchain> {
        let prebuilt = self.has_target();
        if !prebuilt && !self.has_source() {
            return None;
        }
        let own = self.own_linker();
        let linker = own.clone().or_else(|| find_linker(None));
        let record = ToolchainRecord {
            rustc: self.version_with_llvm(),
            cargo: cargo_version(&cargo, rustup_name.as_deref(), directory),
            linker: linker.as_deref().map(linker_version).unwrap_or_default(),
            standard_library: if prebuilt { "prebuilt" } else { "built with the contract" }.to_owned(),
        };
        Some(Toolchain {
            cargo,
            rustc: self.rustc.clone(),
            linker: if own.is_some() { None } else { linker },
            libraries: Vec::new(),
            rustup_name,
            build_std: !prebuilt,
            standard_library_files: self.standard_library_files(),
            source: self.has_source().then(|| (self.source(), self.source_name())),
            record,
        })
    }
}

/// The version of the cargo that works in `directory`: rustup's proxy takes another one for another folder.
fn cargo_version(cargo: &Path, rustup_name: Option<&str>, directory: &Path) -> String {
    let mut command = process::clean(cargo);
    command.current_dir(directory).arg("--version");
    if let Some(name) = rustup_name {
        command.env("RUSTUP_TOOLCHAIN", name);
    }
    let version = process::text(&mut command).unwrap_or_default();
    match version.split_once(" (") {
        // A release is told by its number; of what is built each night there are many of one number.
        Some((release, _)) if !release.contains('-') => release.to_owned(),
        _ => version,
    }
}

fn linker_version(linker: &Path) -> String {
    let mut command = process::clean(linker);
    if linker.file_name().is_some_and(|name| name == "rust-lld") {
        command.args(["-flavor", "wasm"]);
    }
    let version = process::text(command.arg("--version")).unwrap_or_default();
    // What follows in brackets is where somebody's build machine had the source.
    version.split(" (").next().unwrap_or_default().to_owned()
}

/// A linker for wasm: the given compiler's, any rustup toolchain's, or one on PATH.
fn find_linker(active: Option<&Compiler>) -> Option<PathBuf> {
    active.and_then(Compiler::own_linker).or_else(rustup::any_linker).or_else(|| {
        std::iter::once("wasm-ld".to_owned())
            .chain((16..40).rev().map(|version| format!("wasm-ld-{version}")))
            .find_map(|name| process::find_program(&name))
    })
}
