//! Source to wasm: cargo with a profile, flags and an environment of our own.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::FileLock;
use crate::embedded::Embedded;
use crate::inputs::{Unit, units};
use crate::process::Finished;
use crate::settings::{PROFILE, flags, profile};
use crate::stale::Sources;
use crate::toolchain::TARGET;
use crate::{BuildError, BuildOptions, Package, Progress, Toolchain};
use crate::{carried, embedded, process};

/// The folder's name in a target folder.
pub(crate) const FOLDER: &str = "esker-contracts";

/// What cargo left.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The module as the linker wrote it, names included.
    pub(crate) wasm: Vec<u8>,
    /// Everything that took part.
    pub(crate) units: Vec<Unit>,
}

/// Where the package is compiled.
pub(crate) fn target_dir(package: &Package, toolchain: &Toolchain) -> PathBuf {
    let mut key = toolchain.key();
    if !package.carried.is_empty() {
        // cargo would not notice when the sources behind the link are others, and older than what it built.
        key.push('-');
        key.extend(carried::carried_hash().chars().take(8));
    }
    package.output_dir().join(FOLDER).join(key)
}

/// Compiles the package's library to a module.
pub(crate) fn compile(
    package: &Package,
    toolchain: &Toolchain,
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<Compiled, BuildError> {
    let target_dir = target_dir(package, toolchain);
    let lock = target_dir.join("build.lock");
    let _lock =
        FileLock::acquire(&lock, "another contract build is running in this workspace: waiting for it", progress)?;
    let patches = package.patches(&options.cache()?, progress)?;
    let sources = Sources::forget_stale(&target_dir, &package.workspace_root)?;
    loop {
        let remapped: Vec<_> = toolchain.remapped().into_iter().chain(package.remapped()).collect();
        let finished = run(package, toolchain, options, &patches, &remapped, &target_dir, progress)?;
        // A registry that this build fetched from for the first time was not among the folders to rename.
        if remapped.iter().eq(&toolchain.remapped().into_iter().chain(package.remapped()).collect::<Vec<_>>()) {
            let compiled = compiled(package, &finished.stdout)?;
            sources.keep(&compiled.units)?;
            return Ok(compiled);
        }
    }
}

/// Runs cargo once.
fn run(
    package: &Package,
    toolchain: &Toolchain,
    options: &BuildOptions,
    patches: &[String],
    remapped: &[(PathBuf, String)],
    target_dir: &Path,
    progress: &dyn Progress,
) -> Result<Finished, BuildError> {
    let level = options.level(package);
    let mut rustflags = flags(level);
    for (from, to) in remapped {
        rustflags.push(format!("--remap-path-prefix={}={to}", from.display()));
    }
    let mut command = toolchain.cargo(package.folder());
    command.env("CARGO_ENCODED_RUSTFLAGS", rustflags.join("\u{1f}"));
    // What rustc read is looked up beside what it wrote.
    command.env("CARGO_BUILD_BUILD_DIR", target_dir);
    // Tells `#[contract]` which crate's entry points are exported: not those of contracts that this one only calls.
    command.env("ESKER_CONTRACT", package.library.replace('-', "_"));
    command.env(embedded::VARIABLE, Embedded::of(package, target_dir).folder());
    // `cargo rustc` can say what kind of library to make, whatever the manifest says; with an rlib beside it, there
    // would be no link-time optimisation.
    command.args(["rustc", "--lib", "--crate-type", "cdylib", "--profile", PROFILE, "--target", TARGET]);
    command.args(["--message-format", "json-render-diagnostics"]).arg("--manifest-path").arg(&package.manifest);
    command.arg("--target-dir").arg(target_dir);
    for setting in profile(level) {
        command.arg("--config").arg(format!("profile.{PROFILE}.{setting}"));
    }
    for patch in patches {
        command.arg("--config").arg(patch);
    }
    if toolchain.builds_std() {
        command.arg("-Zbuild-std=core,alloc");
    }
    if package.is_locked() {
        command.arg("--locked");
    }
    if options.offline {
        command.arg("--offline");
    }
    let finished = process::finish(&mut command, &mut |line| {
        let line = line.trim();
        if ["Compiling", "Downloading", "Downloaded", "Updating", "Blocking"].iter().any(|word| line.starts_with(word))
        {
            progress.note(line);
        }
    })?;
    if finished.status.success() {
        return Ok(finished);
    }
    let mut output = finished.stderr.trim_end().to_owned();
    if output.contains("--locked was passed") {
        output.push_str(
            "\n\nhint: Cargo.lock no longer fits Cargo.toml; run `cargo update --workspace` in the workspace, then build again",
        );
    }
    Err(BuildError::Compile { package: package.name.clone(), output })
}

/// The module and what it was made of, from what cargo reports.
fn compiled(package: &Package, messages: &[u8]) -> Result<Compiled, BuildError> {
    let units = units(messages);
    let own = units.iter().filter(|unit| unit.manifest.as_ref() == Some(&package.manifest));
    let is_module = |file: &&PathBuf| file.extension().is_some_and(|name| name == "wasm");
    let path = own.flat_map(|unit| &unit.products).rfind(is_module).cloned().ok_or_else(|| BuildError::Module {
        package: package.name.clone(),
        reason: "cargo reported no wasm file".to_owned(),
    })?;
    let wasm = fs::read(&path).map_err(|source| BuildError::Io { path, source })?;
    Ok(Compiled { wasm, units })
}
