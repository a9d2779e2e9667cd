//! What rustup can give.

use std::path::PathBuf;
use std::time::Duration;

use super::{Compiler, TARGET, ToolchainOptions};
use crate::Progress;
use crate::process;

/// How long a download may take before it counts as failed.
const LIMIT: Duration = Duration::from_secs(180);

/// Adds the wasm target to the compiler's toolchain. Says why not, otherwise.
///
/// Nothing is tried where it is not wanted: offline, or with `RUSTUP_AUTO_INSTALL=0`, by which a person tells rustup to
/// install nothing unasked.
pub(super) fn add_target(
    compiler: &Compiler,
    options: &ToolchainOptions,
    progress: &dyn Progress,
) -> Result<(), String> {
    let Some(rustup) = process::find_program("rustup") else { return Err("rustup is not installed".to_owned()) };
    let Some(name) = toolchain_name(compiler) else {
        return Err(format!("{} is not one of rustup's toolchains", compiler.sysroot.display()));
    };
    if options.offline {
        return Err("not tried: offline".to_owned());
    }
    if std::env::var_os("RUSTUP_AUTO_INSTALL").is_some_and(|value| value == "0") {
        return Err("not tried: RUSTUP_AUTO_INSTALL=0 forbids installing unasked".to_owned());
    }
    progress.note(&format!("adding the {TARGET} target to {name} with rustup: contracts compile to WebAssembly"));
    let mut command = process::clean(rustup);
    command.args(["target", "add", TARGET, "--toolchain", &name]);
    command.env("RUSTUP_MAX_RETRIES", "1").env("RUSTUP_DOWNLOAD_TIMEOUT", "20");
    process::output_within(&mut command, LIMIT).map_err(|error| error.to_string())
}

fn toolchain_name(compiler: &Compiler) -> Option<String> {
    let parent = compiler.sysroot.parent()?;
    if parent.file_name()? != "toolchains" {
        return None;
    }
    Some(compiler.sysroot.file_name()?.to_str()?.to_owned())
}

/// The installed toolchains' folders, in order of their names.
fn toolchains() -> Vec<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = set("RUSTUP_HOME").or_else(|| set("HOME").map(|home| home.join(".rustup")));
    let entries = home.and_then(|home| std::fs::read_dir(home.join("toolchains")).ok());
    let mut found: Vec<PathBuf> = entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// The name of an installed toolchain that was asked for by this version.
pub(crate) fn installed(version: &str) -> Option<String> {
    let names = toolchains().into_iter().filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned()));
    names.into_iter().find(|name| name.strip_prefix(version).is_some_and(|rest| rest.starts_with('-')))
}

/// The linker of any installed toolchain: it links wasm whatever the compiler.
pub(super) fn any_linker() -> Option<PathBuf> {
    toolchains().into_iter().find_map(|toolchain| {
        let hosts = std::fs::read_dir(toolchain.join("lib/rustlib")).ok()?;
        let mut linkers: Vec<PathBuf> = hosts.flatten().map(|host| host.path().join("bin/rust-lld")).collect();
        linkers.sort();
        linkers.into_iter().find(|path| path.is_file())
    })
}
