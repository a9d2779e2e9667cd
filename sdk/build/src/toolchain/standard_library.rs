//! Building `core` and `alloc` once, into a compiler's own folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Compiler, TARGET, ToolchainError, add_libraries};
use crate::cache::at;
use crate::process::{self, ProcessError};
use crate::settings::TARGET_FLAGS;

/// Profile of the standard library. Its functions are compiled again with the contract's level when they are inlined
/// or generic; the rest keeps this one.
const OPT_LEVEL: &str = "s";

/// Builds `core` and `alloc` from the compiler's source and puts them where it looks for its targets. Gives the words
/// that record how.
pub(super) fn build(
    compiler: &Compiler,
    libraries: &[PathBuf],
    cargo: &Path,
    work: &Path,
    directory: &Path,
) -> Result<String, ToolchainError> {
    let seed = work.join("seed");
    let write = |path: PathBuf, text: &str| fs::write(&path, text).map_err(at(&path));
    fs::create_dir_all(seed.join("src")).map_err(at(&seed))?;
    write(
        seed.join("Cargo.toml"),
        "[package]\nname = \"seed\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[lib]\n[workspace]\n",
    )?;
    write(seed.join("src/lib.rs"), "#![no_std]\nextern crate alloc;\n")?;

    let source = compiler.sysroot.join("lib/rustlib/src/rust");
    let mut flags: Vec<String> = TARGET_FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
    flags.push("-Cembed-bitcode=yes".to_owned());
    let real = source.canonicalize().map_err(at(&source))?;
    for path in [&source, &real] {
        flags.push(format!("--remap-path-prefix={}=/rust", path.display()));
    }

    // rustup's cargo picks its own version by the folder it is asked about, not by the seed's.
    let mut command = process::clean(cargo);
    command.current_dir(directory).env("RUSTC", &compiler.rustc).env("RUSTC_BOOTSTRAP", "1");
    add_libraries(&mut command, libraries);
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    let target_dir = work.join("seed-target");
    command.args(["build", "--release", "--target", TARGET, "-Zbuild-std=core,alloc", "--manifest-path"]);
    command.arg(seed.join("Cargo.toml")).arg("--target-dir").arg(&target_dir);
    for setting in ["panic=\"abort\"", "codegen-units=1", "debug=false", "lto=false", "incremental=false"] {
        command.arg("--config").arg(format!("profile.release.{setting}"));
    }
    command.arg("--config").arg(format!("profile.release.opt-level=\"{OPT_LEVEL}\""));
    process::output(&mut command)?;

    let built = target_dir.join(TARGET).join("release/deps");
    let place = compiler.sysroot.join("lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&place).map_err(at(&place))?;
    let mut count = 0;
    for entry in fs::read_dir(&built).map_err(at(&built))? {
        let entry = entry.map_err(at(&built))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let own = ["libcore-", "liballoc-", "libcompiler_builtins-"].iter().any(|prefix| name.starts_with(prefix));
        if own && name.ends_with(".rlib") {
            fs::copy(entry.path(), place.join(&name)).map_err(at(&place))?;
            count += 1;
        }
    }
    if count != 3 {
        let stderr =
            format!("expected core, alloc and compiler_builtins in {}, found {count} of them", built.display());
        return Err(ProcessError::Failed { program: "cargo".to_owned(), status: "success".to_owned(), stderr }.into());
    }
    Ok(format!("core and alloc from source, opt-level {OPT_LEVEL}"))
}
