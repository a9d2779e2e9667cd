//! How rustc is told to compile: a profile, flags, and what cargo's configuration adds that nothing here overrides.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sha3::{Digest, Keccak256};
use toml::{Table, Value};

use crate::{BuildError, OptLevel, Package, Toolchain};

/// The WebAssembly the chain accepts, named feature by feature: what a new Rust turns on by itself stays off.
pub(crate) const TARGET_FLAGS: &[&str] =
    &["-Ctarget-cpu=mvp", "-Ctarget-feature=+bulk-memory,+multivalue,+mutable-globals,+sign-ext"];

/// Stack in linear memory, in bytes, at its low end, so that running over it traps instead of overwriting data.
const STACK_BYTES: u32 = 32 * 1024;

/// Name of the cargo profile that builds contracts. It inherits from `release` but sets all that matters itself.
pub(crate) const PROFILE: &str = "esker-contract";

/// The profile's settings, as cargo's `--config` takes them.
pub(crate) fn profile(level: OptLevel) -> Vec<String> {
    let level = match level {
        OptLevel::Speed => "3",
        OptLevel::Size => "\"s\"",
        OptLevel::MinimalSize => "\"z\"",
    };
    let every_package = [
        format!("opt-level={level}"),
        "codegen-units=1".to_owned(),
        "overflow-checks=true".to_owned(),
        "debug-assertions=false".to_owned(),
        "debug=false".to_owned(),
        "strip=\"debuginfo\"".to_owned(),
        "incremental=false".to_owned(),
    ];
    let mut settings: Vec<String> =
        ["inherits=\"release\"", "lto=\"fat\"", "panic=\"abort\"", "rpath=false"].map(str::to_owned).into();
    for setting in every_package {
        // What a workspace says of all dependencies would beat what the profile says.
        settings.push(format!("package.\"*\".{setting}"));
        settings.push(setting);
    }
    settings
}

/// The flags that reach rustc for the contract and everything it links, without those that name folders. rustc gets them
/// behind the profile's and takes the last that it gets, so what a manifest says of a single package does not count.
pub(crate) fn flags(level: OptLevel) -> Vec<String> {
    let mut flags: Vec<String> = TARGET_FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
    flags.push(format!("-Copt-level={}", level.name()));
    let codegen = [
        "-Coverflow-checks=on",
        "-Cdebug-assertions=off",
        "-Ccodegen-units=1",
        "-Cpanic=abort",
        "-Cdebuginfo=0",
        "-Cstrip=debuginfo",
    ];
    flags.extend(codegen.map(str::to_owned));
    flags.push(format!("-Clink-arg=-zstack-size={STACK_BYTES}"));
    // Immediates take the bytes they need, not the five that the linker leaves room for.
    flags.push("-Clink-arg=--compress-relocations".to_owned());
    // A word's copy is one instruction of eleven bytes, not four loads and four stores of forty.
    flags.extend(["cpy", "move", "set"].map(|kind| format!("-Cllvm-args=-max-store-mem{kind}=1")));
    flags
}

/// keccak256 over a line for each setting of the profile, each flag, and each setting of [`foreign`].
pub(crate) fn hash(package: &Package, level: OptLevel) -> Result<String, BuildError> {
    let mut hasher = Keccak256::new();
    for line in profile(level).into_iter().chain(flags(level)).chain(foreign(package)?) {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    Ok(format!("0x{}", hex::encode(hasher.finalize())))
}

/// What the workspace's manifest and cargo's configuration files say that can reach a contract's bytes nevertheless: what
/// profiles say of single packages and of build scripts (it takes part in symbols' names), variables, unstable options.
fn foreign(package: &Package) -> Result<BTreeSet<String>, BuildError> {
    let mut lines = BTreeSet::new();
    let manifest = package.workspace_root.join("Cargo.toml");
    for path in std::iter::once(manifest).chain(configurations(package.folder())) {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(BuildError::Io { path, source }),
        };
        let table: Table = toml::from_str(&text)
            .map_err(|error| BuildError::Manifest { path: path.clone(), reason: error.to_string() })?;
        pick(&table, path.starts_with(&package.workspace_root), &mut lines);
    }
    Ok(lines)
}

/// The configuration files that cargo reads in `folder`, whether they are there or not.
fn configurations(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = folder.ancestors().map(|folder| folder.join(".cargo")).collect();
    folders.extend(Toolchain::cargo_home());
    folders.dedup();
    folders.iter().flat_map(|folder| ["config", "config.toml"].map(|name| folder.join(name))).collect()
}

/// `of_workspace`: variables and options of a machine are not the workspace's, as those of a shell are not.
fn pick(table: &Table, of_workspace: bool, lines: &mut BTreeSet<String>) {
    for name in ["env", "unstable"].into_iter().filter(|_| of_workspace) {
        if let Some(value) = table.get(name).filter(|value| value.is_table()) {
            flatten(name, value, lines);
        }
    }
    for profile in ["release", PROFILE] {
        let Some(found) = table.get("profile").and_then(|profiles| profiles.get(profile)) else { continue };
        if let Some(value) = found.get("build-override") {
            flatten(&format!("profile.{profile}.build-override"), value, lines);
        }
        let packages = found.get("package").and_then(Value::as_table);
        for (spec, value) in packages.into_iter().flatten().filter(|(spec, _)| *spec != "*") {
            flatten(&format!("profile.{profile}.package.{spec}"), value, lines);
        }
    }
}

fn flatten(path: &str, value: &Value, lines: &mut BTreeSet<String>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                flatten(&format!("{path}.{key}"), value, lines);
            }
        }
        value => {
            lines.insert(format!("{path}={value}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_overridden_is_picked_and_nothing_else() {
        let text = r#"
            [build]
            rustflags = ["-Copt-level=0"]
            [env]
            PRICE = "7"
            [profile.release]
            opt-level = 1
            [profile.release.package."*"]
            opt-level = 1
            [profile.release.package.words]
            codegen-units = 4
            [profile.dev.package.words]
            codegen-units = 4
        "#;
        let table = text.parse().expect("TOML");
        let picked = |of_workspace| {
            let mut lines = BTreeSet::new();
            pick(&table, of_workspace, &mut lines);
            lines.into_iter().collect::<Vec<String>>()
        };
        assert_eq!(picked(true), ["env.PRICE=\"7\"", "profile.release.package.words.codegen-units=4"]);
        assert_eq!(picked(false), ["profile.release.package.words.codegen-units=4"]);
    }
}
