//! Source to wasm: cargo with a profile, flags and an environment of our own.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use crate::cache::FileLock;
use crate::process;
use crate::toolchain::TARGET;
use crate::{BuildError, BuildOptions, OptLevel, Package, Progress, Toolchain};

/// The WebAssembly the chain accepts, named feature by feature: what a new Rust turns on by itself stays off.
pub(crate) const TARGET_FLAGS: &[&str] =
    &["-Ctarget-cpu=mvp", "-Ctarget-feature=+bulk-memory,+multivalue,+mutable-globals,+sign-ext"];

/// Stack in linear memory, in bytes, at its low end, so that running over it traps instead of overwriting data.
const STACK_BYTES: u32 = 32 * 1024;

/// Name of the cargo profile that builds contracts. It inherits from `release` but sets all that matters itself.
const PROFILE: &str = "esker-contract";

/// What cargo left.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The module as the linker wrote it, names included.
    pub(crate) wasm: Vec<u8>,
    /// cargo's ids of every package that took part.
    pub(crate) packages: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    manifest_path: Option<PathBuf>,
}

/// The profile's settings, as cargo's `--config` takes them.
pub(crate) fn profile(level: OptLevel) -> Vec<String> {
    let level = match level {
        OptLevel::Speed => "3",
        OptLevel::Size => "\"s\"",
        OptLevel::MinimalSize => "\"z\"",
    };
    [
        "inherits=\"release\"",
        &format!("opt-level={level}"),
        "lto=\"fat\"",
        "codegen-units=1",
        "panic=\"abort\"",
        "overflow-checks=true",
        "debug-assertions=false",
        "debug=false",
        "strip=\"debuginfo\"",
        "incremental=false",
        "rpath=false",
    ]
    .map(str::to_owned)
    .into()
}

/// The flags that reach rustc for the contract and what it links, without those that name folders.
pub(crate) fn flags() -> Vec<String> {
    let mut flags: Vec<String> = TARGET_FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
    flags.push(format!("-Clink-arg=-zstack-size={STACK_BYTES}"));
    // Immediates take the bytes they need, not the five that the linker leaves room for.
    flags.push("-Clink-arg=--compress-relocations".to_owned());
    // A word's copy is one instruction of eleven bytes, not four loads and four stores of forty.
    flags.extend(["cpy", "move", "set"].map(|kind| format!("-Cllvm-args=-max-store-mem{kind}=1")));
    flags
}

/// Compiles the package's library to a module.
pub(crate) fn compile(
    package: &Package,
    toolchain: &Toolchain,
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<Compiled, BuildError> {
    let target_dir = package.target_dir.join("esker-contracts").join(toolchain.key());
    let lock = target_dir.join("build.lock");
    let _lock =
        FileLock::acquire(&lock, "another contract build is running in this workspace: waiting for it", progress)?;

    let mut rustflags = flags();
    for (from, to) in package.remapped() {
        rustflags.push(format!("--remap-path-prefix={}={to}", from.display()));
    }
    let mut command = toolchain.cargo(package.folder());
    command.env("CARGO_ENCODED_RUSTFLAGS", rustflags.join("\u{1f}"));
    // Tells `#[contract]` which crate's entry points are exported: not those of contracts that this one only calls.
    command.env("ESKER_CONTRACT", package.library.replace('-', "_"));
    // `cargo rustc` can say what kind of library to make, whatever the manifest says; with an rlib beside it, there
    // would be no link-time optimisation.
    command.args(["rustc", "--lib", "--crate-type", "cdylib", "--profile", PROFILE, "--target", TARGET]);
    command.args(["--message-format", "json-render-diagnostics"]).arg("--manifest-path").arg(&package.manifest);
    command.arg("--target-dir").arg(&target_dir);
    for setting in profile(options.level(package)) {
        command.arg("--config").arg(format!("profile.{PROFILE}.{setting}"));
    }
    if toolchain.builds_std() {
        command.arg("-Zbuild-std=core,alloc");
    }
    if package.lock_file().is_some() {
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
    if !finished.status.success() {
        let mut output = finished.stderr.trim_end().to_owned();
        if output.contains("--locked was passed") {
            output.push_str(
                "\n\nhint: Cargo.lock no longer fits Cargo.toml; run `cargo update --workspace` in the workspace, then build again",
            );
        }
        return Err(BuildError::Compile { package: package.name.clone(), output });
    }

    let mut packages = BTreeSet::new();
    let mut wasm = None;
    for line in finished.stdout.split(|&byte| byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Message>(line) else { continue };
        if message.reason != "compiler-artifact" {
            continue;
        }
        if message.manifest_path.as_ref() == Some(&package.manifest) {
            let module = message.filenames.iter().find(|file| file.extension().is_some_and(|name| name == "wasm"));
            wasm = module.cloned().or(wasm);
        }
        packages.insert(message.package_id);
    }
    let path = wasm.ok_or_else(|| BuildError::Module {
        package: package.name.clone(),
        reason: "cargo reported no wasm file".to_owned(),
    })?;
    let wasm = fs::read(&path).map_err(|source| BuildError::Io { path, source })?;
    Ok(Compiled { wasm, packages })
}
