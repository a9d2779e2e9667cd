//! Debian's Rust for WebAssembly, unpacked privately: no root, nothing installed.
//!
//! `rustc-web` follows upstream closely, on old releases of Debian as well. Its packages are downloaded with `apt-get`,
//! unpacked into the cache folder with `dpkg-deb` and `tar`, and `core` and `alloc` are built once from its source, so
//! that afterwards it is a compiler like any other that has the target.

mod apt;
mod packages;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use self::apt::Apt;
use self::packages::Package;
use super::{Compiler, Toolchain, ToolchainError, ToolchainOptions, find_linker, linker_version, standard_library};
use crate::cache::{FileLock, at};
use crate::process::{self, ProcessError};
use crate::{Progress, ToolchainRecord};

/// Raised whenever what lies in the folder changes: packages, parts kept, flags of the standard library.
const FORMAT: u32 = 1;
/// Names the file that makes an unpacked folder complete.
const MARKER: &str = "esker-toolchain.json";

/// Why there is no compiler from here.
#[derive(Debug)]
pub(super) enum Unavailable {
    /// This system does not offer it: something else may be tried.
    NotHere(String),
    /// It is offered, but fetching it failed.
    Failed(ToolchainError),
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotHere(reason) => f.write_str(reason),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<E: Into<ToolchainError>> From<E> for Unavailable {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    format: u32,
    /// `name=version` of each package.
    packages: Vec<String>,
    /// How `core` and `alloc` were built.
    standard_library: String,
}

/// A complete unpacked compiler.
#[derive(Clone, Debug)]
pub(super) struct Unpacked {
    root: PathBuf,
    standard_library: String,
}

fn folder(options: &ToolchainOptions) -> PathBuf {
    options.cache.path().join("toolchains").join(format!("debian-{FORMAT}"))
}

/// The compiler that was fetched earlier, if there is one.
pub(super) fn kept(options: &ToolchainOptions) -> Option<Unpacked> {
    let root = folder(options);
    let marker: Marker = serde_json::from_slice(&fs::read(root.join(MARKER)).ok()?).ok()?;
    (marker.format == FORMAT).then_some(Unpacked { root, standard_library: marker.standard_library })
}

/// Downloads and unpacks the compiler, unless another process does so first.
pub(super) fn fetch(
    options: &ToolchainOptions,
    active: Option<&Compiler>,
    cargo: &Path,
    progress: &dyn Progress,
) -> Result<Unpacked, Unavailable> {
    for program in ["apt-get", "apt-cache", "dpkg-deb", "dpkg-query", "tar"] {
        if process::find_program(program).is_none() {
            return Err(Unavailable::NotHere(format!("{program} is not here, so this is not Debian or kin")));
        }
    }
    if options.offline {
        return Err(Unavailable::NotHere("not fetched: offline".to_owned()));
    }
    let toolchains = options.cache.path().join("toolchains");
    let lock = toolchains.join("lock");
    let _lock = FileLock::acquire(&lock, "another build is fetching the compiler: waiting for it", progress)?;
    if let Some(unpacked) = kept(options) {
        return Ok(unpacked);
    }
    progress
        .note("no installed Rust can compile to WebAssembly: fetching Debian's rustc-web into Esker's cache (once)");
    let work = tempfile::Builder::new().prefix(".fetch-").tempdir_in(&toolchains).map_err(at(&toolchains))?;
    let root = work.path().join("root");
    let with_linker = find_linker(active).is_none();
    let system = Apt::system();
    let mut packages = None;
    if system.knows_compiler() {
        match unpack_all(&system, with_linker, work.path(), &root, progress) {
            Ok(unpacked) => packages = Some(unpacked),
            Err(Unavailable::Failed(ToolchainError::Cache(error))) => return Err(error.into()),
            Err(reason) => progress.note(&format!("that failed with the system's package lists: {reason}")),
        }
    }
    let packages = match packages {
        Some(packages) => packages,
        None => {
            let apt = Apt::updated(&options.cache.path().join("apt"), progress).map_err(Unavailable::NotHere)?;
            unpack_all(&apt, with_linker, work.path(), &root, progress)?
        }
    };
    let compiler = Compiler::describe(&root.join("usr/bin/rustc"), || {
        let mut command = process::clean(root.join("usr/bin/rustc"));
        super::add_libraries(&mut command, &libraries(&root));
        command
    })?;
    progress.note(&format!("building core and alloc for WebAssembly with {} (once)", compiler.version()));
    let built = standard_library::build(&compiler, &libraries(&root), cargo, work.path(), &options.directory)?;
    for source in ["usr/lib/rustlib/src", "usr/src"] {
        let path = root.join(source);
        if path.exists() {
            fs::remove_dir_all(&path).map_err(at(&path))?;
        }
    }
    let marker = Marker {
        format: FORMAT,
        packages: packages.iter().map(|package| format!("{}={}", package.name, package.version)).collect(),
        standard_library: built,
    };
    let text = serde_json::to_vec_pretty(&marker).expect("a marker is plain JSON");
    fs::write(root.join(MARKER), text).map_err(at(&root))?;
    let target = folder(options);
    if target.exists() {
        // Without a valid marker it is what a crash or another version left behind.
        fs::remove_dir_all(&target).map_err(at(&target))?;
    }
    fs::rename(&root, &target).map_err(at(&target))?;
    Ok(Unpacked { root: target, standard_library: marker.standard_library })
}

/// Downloads every package that is needed and unpacks it below `root`, which is emptied first.
fn unpack_all(
    apt: &Apt,
    with_linker: bool,
    work: &Path,
    root: &Path,
    progress: &dyn Progress,
) -> Result<Vec<Package>, Unavailable> {
    if root.exists() {
        fs::remove_dir_all(root).map_err(at(root))?;
    }
    fs::create_dir_all(root).map_err(at(root))?;
    let packages = packages::needed(apt, with_linker).map_err(Unavailable::NotHere)?;
    for package in &packages {
        let megabytes = package.size.div_ceil(1_000_000);
        progress.note(&format!("fetching {} {} ({megabytes} MB)", package.name, package.version));
        let file = apt.download(package, work)?;
        unpack(package, &file, root)?;
        fs::remove_file(&file).map_err(at(&file))?;
    }
    Ok(packages)
}

/// Unpacks a package below `root`; of the compiler's source only the standard library's.
fn unpack(package: &Package, file: &Path, root: &Path) -> Result<(), ToolchainError> {
    let mut contents = process::clean("dpkg-deb");
    contents.arg("--fsys-tarfile").arg(file).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let failed =
        |status: String| ProcessError::Failed { program: "dpkg-deb".to_owned(), status, stderr: String::new() };
    let mut contents = contents.spawn().map_err(|error| failed(error.to_string()))?;
    let pipe = contents.stdout.take().expect("standard output was piped");
    let mut tar = process::clean("tar");
    tar.args(["--extract", "--no-same-owner", "--file=-", "--directory"]).arg(root);
    if package.is_source {
        tar.args(["--wildcards", "./usr/src/*/library", "./usr/lib/rustlib/src*"]);
    } else {
        tar.args(["--exclude=./usr/share", "--exclude=./usr/bin/rustdoc"]);
    }
    run_with_input(&mut tar, pipe)?;
    let status = contents.wait().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string()).into()) }
}

fn run_with_input(command: &mut Command, input: std::process::ChildStdout) -> Result<(), ProcessError> {
    let name = process::name(command);
    let start = |error: std::io::Error| ProcessError::Start { program: name.clone(), reason: error.to_string() };
    let output = command.stdin(input).stdout(Stdio::null()).stderr(Stdio::piped()).output().map_err(start)?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(ProcessError::Failed { program: name, status: output.status.to_string(), stderr })
}

/// The folders that hold the compiler's shared libraries: `usr/lib`'s and `lib`'s folders by architecture.
fn libraries(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for parent in ["usr/lib", "lib"] {
        let Ok(entries) = fs::read_dir(root.join(parent)) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.contains("-linux-") {
                found.push(path);
            } else if name.starts_with("llvm-") {
                found.push(path.join("lib"));
            }
        }
    }
    found.sort();
    found
}

impl Unpacked {
    /// The toolchain, with a linker from wherever there is one.
    pub(super) fn toolchain(
        &self,
        active: Option<&Compiler>,
        cargo: PathBuf,
        directory: &Path,
    ) -> Result<Toolchain, ToolchainError> {
        let libraries = libraries(&self.root);
        let rustc = self.root.join("usr/bin/rustc");
        let compiler = Compiler::describe(&rustc, || {
            let mut command = process::clean(&rustc);
            super::add_libraries(&mut command, &libraries);
            command
        })?;
        let linker = find_linker(active).or_else(|| self.own_linker()).ok_or_else(|| ToolchainError::Named {
            what: compiler.version(),
            why: "there is no WebAssembly linker: install lld".to_owned(),
        })?;
        let mut toolchain = compiler.toolchain(cargo, None, directory).ok_or_else(|| ToolchainError::Named {
            what: compiler.version(),
            why: format!("{} is damaged: delete it and build again", self.root.display()),
        })?;
        toolchain.record = ToolchainRecord {
            linker: linker_version(&linker),
            standard_library: self.standard_library.clone(),
            ..toolchain.record
        };
        toolchain.linker = Some(linker);
        toolchain.libraries = libraries;
        Ok(toolchain)
    }

    fn own_linker(&self) -> Option<PathBuf> {
        let folders = fs::read_dir(self.root.join("usr/lib")).ok()?;
        let mut linkers: Vec<PathBuf> = folders.flatten().map(|entry| entry.path().join("bin/wasm-ld")).collect();
        linkers.sort();
        linkers.into_iter().find(|path| path.exists())
    }
}
