//! Does this source give that code? Built again as the code's own record says, and compared.

use std::fs;

use esker_vm::abi::Limits;
use esker_vm::envelope;
use serde::Serialize;
use sha3::{Digest, Keccak256};

use crate::cache::at;
use crate::{
    BuildError, BuildOptions, OptLevel, Package, Progress, Provenance, Toolchain, ToolchainOptions, ToolchainRecord,
    build, compile, toolchain,
};

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Whether the source gives the very code.
    pub verified: bool,
    /// Hash of the code in question.
    pub code_hash: String,
    /// Hash of the code that was built.
    pub built_code_hash: String,
    /// What the two records say differently. If the code differs and this is empty, only bytes do.
    pub differences: Vec<Difference>,
    /// What to install, if the code was built with another compiler than there is here.
    pub hint: Option<String>,
    /// The record in the code in question.
    pub record: Provenance,
}

/// Something that two build records say differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What: `package`, `esker`, `recipe`, `optLevel`, `rustc`, `cargo`, `linker`, `standardLibrary`, `source`,
    /// `dependencies` or `profile`.
    pub what: &'static str,
    /// What the code in question says.
    pub recorded: String,
    /// What was found here.
    pub here: String,
}

/// Builds `package` as the record in `code` says, and compares. `code` is an account's code: a module in its envelope.
///
/// The compiler is the recorded one if it is at hand: the one that would be used anyway, or a toolchain of rustup's of that
/// version. Otherwise another is tried; the verification says so where the code differs. Nothing that was built before is
/// used, also of contracts that it embeds.
///
/// # Errors
/// [`BuildError::Unverifiable`] if `code` holds no module or no build record; else as [`build`].
pub fn verify(
    code: &[u8],
    package: &Package,
    options: &ToolchainOptions,
    progress: &dyn Progress,
) -> Result<Verification, BuildError> {
    let unusable = BuildError::Unverifiable;
    let wasm = envelope::decode_code(code, Limits::V1.module_bytes_max).map_err(|error| unusable(error.to_string()))?;
    let record = Provenance::read(&wasm)
        .map_err(unusable)?
        .ok_or_else(|| unusable("it carries no build record: `esker contract build` did not make it".to_owned()))?;
    let opt_level = OptLevel::from_name(&record.opt_level)
        .ok_or_else(|| unusable(format!("its record names the optimisation level {:?}", record.opt_level)))?;

    let mut toolchain = Toolchain::find(options, progress)?;
    let is_free = options.toolchain.is_none() && options.rustc.is_none();
    if *toolchain.record() != record.toolchain
        && is_free
        && let Some(name) = version(&record.toolchain).and_then(toolchain::installed)
    {
        let named = ToolchainOptions { toolchain: Some(name), ..options.clone() };
        if let Ok(found) = Toolchain::find(&named, progress)
            && *found.record() == record.toolchain
        {
            toolchain = found;
        }
    }
    let build_options =
        BuildOptions { opt_level: Some(opt_level), offline: options.offline, cache: Some(options.cache.clone()) };
    // What lies in the target folder need not have been built from these sources: cargo goes by files' times, and
    // whoever can write a file sets them.
    let folder = package.target_dir.join(compile::FOLDER);
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let apart = tempfile::Builder::new().prefix("verify-").tempdir_in(&folder).map_err(at(&folder))?;
    let package = Package { apart: Some(apart.path().to_owned()), ..package.clone() };
    let built = build(&package, &toolchain, &build_options, progress)?;
    let here = Provenance::read(&built.wasm)
        .map_err(unusable)?
        .ok_or_else(|| unusable("what was built here carries no record".to_owned()))?;
    let code_hash = format!("0x{}", hex::encode(Keccak256::digest(code)));
    let verified = code_hash == built.artifact.code_hash;
    let hint = (!verified && record.toolchain != here.toolchain).then(|| advice(&record.toolchain));
    Ok(Verification {
        verified,
        code_hash,
        built_code_hash: built.artifact.code_hash,
        differences: differences(&record, &here),
        hint,
        record,
    })
}

fn differences(recorded: &Provenance, here: &Provenance) -> Vec<Difference> {
    let recipe = |record: &Provenance| record.recipe.to_string();
    let rows = [
        ("package", recorded.package.clone(), here.package.clone()),
        ("esker", recorded.esker.clone(), here.esker.clone()),
        ("recipe", recipe(recorded), recipe(here)),
        ("optLevel", recorded.opt_level.clone(), here.opt_level.clone()),
        ("rustc", recorded.toolchain.rustc.clone(), here.toolchain.rustc.clone()),
        ("cargo", recorded.toolchain.cargo.clone(), here.toolchain.cargo.clone()),
        ("linker", recorded.toolchain.linker.clone(), here.toolchain.linker.clone()),
        ("standardLibrary", recorded.toolchain.standard_library.clone(), here.toolchain.standard_library.clone()),
        ("source", recorded.source_hash.clone(), here.source_hash.clone()),
        ("dependencies", recorded.dependency_hash.clone(), here.dependency_hash.clone()),
        ("profile", recorded.profile_hash.clone(), here.profile_hash.clone()),
    ];
    let differing = rows.into_iter().filter(|(_, recorded, here)| recorded != here);
    differing.map(|(what, recorded, here)| Difference { what, recorded, here }).collect()
}

/// `1.96.0` in `rustc 1.96.0 (…), LLVM …`. A record says what it likes, and this goes into commands: what could be more
/// there than a version is none.
fn version(record: &ToolchainRecord) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    let version = record.rustc.split(' ').nth(1)?;
    (version.starts_with(|first: char| first.is_ascii_alphanumeric()) && version.bytes().all(plain)).then_some(version)
}

fn advice(record: &ToolchainRecord) -> String {
    let rustc = &record.rustc;
    // So Debian's compilers say of themselves; the standard library is what Esker made of their source.
    if rustc.contains("built from a source tarball") {
        return format!(
            "it was built with {rustc}, of Debian's package rustc-web, and {}: on Debian or kin, `esker contract` unpacks that compiler where no other has the target",
            record.cargo
        );
    }
    let version = version(record).unwrap_or("VERSION");
    format!(
        "it was built with {rustc} and {}: `rustup toolchain install {version} --target wasm32-unknown-unknown`, then verify again",
        record.cargo
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_goes_into_a_command() {
        let of = |version: &str| ToolchainRecord {
            rustc: format!("rustc {version} (0123456 2020-01-01), LLVM 1"),
            cargo: "cargo 1.0.0".to_owned(),
            linker: String::new(),
            standard_library: String::new(),
        };
        for good in ["1.96.0", "1.97.0-nightly", "1.96.0-beta.3+x"] {
            assert_eq!(version(&of(good)), Some(good));
            assert!(advice(&of(good)).contains(&format!("`rustup toolchain install {good} --target")));
        }
        for bad in ["1.96.0`;reboot", "$(reboot)", "1;reboot", "--force", "", "1\nx", "../x"] {
            assert_eq!(version(&of(bad)), None, "{bad}");
            assert!(advice(&of(bad)).contains("`rustup toolchain install VERSION --target"), "{bad}");
        }
    }
}
