//! A build from one end to the other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::slice;

use sha3::{Digest, Keccak256};

use crate::artifact::{Artifact, Size, check_name};
use crate::check::validate;
use crate::compile::Compiled;
use crate::deflate::envelope;
use crate::embedded::{self, Embedded};
use crate::module::{self, ContractAbi, FunctionName};
use crate::{BuildError, CacheDir, CacheError, Layouts, NatSpec, Package, Progress, Provenance, Toolchain, compile};

/// How hard rustc optimises, and for what.
///
/// Between `z`, the default, and `s` there is little: deploying costs 2,402 gas more for the ERC-20 (of 572,016) and 2,564
/// less for the ERC-721 (of 731,214).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptLevel {
    /// `3`: for speed.
    Speed,
    /// `s`: for size, with inlining where it pays.
    Size,
    /// `z`: for size alone.
    #[default]
    MinimalSize,
}

impl OptLevel {
    /// The level that rustc calls so: `3`, `s` or `z`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Speed, Self::Size, Self::MinimalSize].into_iter().find(|level| level.name() == name)
    }

    /// What rustc calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Speed => "3",
            Self::Size => "s",
            Self::MinimalSize => "z",
        }
    }
}

/// What a build may vary.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// How hard to optimise; if unsaid, as `package.metadata.esker.opt-level` says, else [`OptLevel::default`].
    pub opt_level: Option<OptLevel>,
    /// Fetch no crate.
    pub offline: bool,
    /// Where the SDK's sources are unpacked; if unsaid, where the environment says ([`CacheDir::from_env`]).
    pub cache: Option<CacheDir>,
}

impl BuildOptions {
    pub(crate) fn cache(&self) -> Result<CacheDir, CacheError> {
        self.cache.clone().map_or_else(CacheDir::from_env, Ok)
    }

    /// The level that counts for this package.
    pub(crate) fn level(&self, package: &Package) -> OptLevel {
        self.opt_level.or(package.opt_level).unwrap_or_default()
    }
}

/// A built contract.
#[derive(Clone)]
pub struct Built {
    /// What goes to `artifacts/NAME.json`.
    pub artifact: Artifact,
    /// The module that the artifact's envelope holds.
    pub wasm: Vec<u8>,
    /// What the module's functions are called in the source: the module itself carries no names.
    pub names: Vec<FunctionName>,
}

impl std::fmt::Debug for Built {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Artifact { contract_name, code_hash, size, .. } = &self.artifact;
        f.debug_struct("Built")
            .field("contract", contract_name)
            .field("code_hash", code_hash)
            .field("size", size)
            .finish_non_exhaustive()
    }
}

/// Builds `package` with `toolchain`. The result is a module that the chain accepts, or an error.
///
/// # Errors
/// [`BuildError`] says whether the source, the module or the machine is at fault.
pub fn build(
    package: &Package,
    toolchain: &Toolchain,
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<Built, BuildError> {
    build_within(package, toolchain, options, progress, &[])
}

/// [`build`], for contracts that embed it in turn.
fn build_within(
    package: &Package,
    toolchain: &Toolchain,
    options: &BuildOptions,
    progress: &dyn Progress,
    within: &[PathBuf],
) -> Result<Built, BuildError> {
    let compiled = compile_with_embedded(package, toolchain, options, progress, within)?;
    let unusable = |reason: String| BuildError::Module { package: package.name.clone(), reason };
    // Checked with its names, so that an error can say where.
    if !exports_call(&compiled.wasm) {
        return Err(BuildError::NotAContract {
            path: package.manifest.clone(),
            reason: "its module exports no `call`: a contract has one `#[contract] mod` (see docs/contracts.md)"
                .to_owned(),
        });
    }
    let refused = |reason: String| BuildError::Rejected { package: package.name.clone(), reason };
    let provenance = Provenance::of(package, toolchain, options, &compiled)?;
    let section = serde_json::to_vec(&provenance).expect("the record is plain JSON");
    let wasm = module::shrink(&compiled.wasm, &section).map_err(|error| unusable(error.to_string()))?;
    if let Err(reason) = validate(&wasm) {
        // The linker's module names its functions; say it with them if it is refused for the same reason.
        return Err(refused(validate(&compiled.wasm).err().unwrap_or(reason).to_string()));
    }
    let abi = ContractAbi::read(&wasm)
        .map_err(|reason| BuildError::Abi { package: package.name.clone(), reason })?
        .unwrap_or_else(|| ContractAbi { name: None, items: serde_json::Value::Array(Vec::new()) });
    let docs = module::docs(&compiled.wasm)
        .and_then(|docs| docs.map_or_else(|| Ok(NatSpec::default()), |docs| NatSpec::new(&abi.items, &docs)))
        .map_err(|reason| BuildError::Abi { package: package.name.clone(), reason })?;
    let bytecode = envelope(&wasm);
    let contract_name = package.artifact_name.clone().or(abi.name).unwrap_or_else(|| contract_name(&package.library));
    // A module says what it likes.
    check_name(&contract_name).map_err(|error| unusable(error.to_string()))?;
    let source_name = source_name(package);
    let layouts = Layouts::read(&compiled.wasm, &format!("{source_name}:{contract_name}"))
        .map_err(|reason| unusable(format!("its storage layout is invalid: {reason}")))?;
    let artifact = Artifact {
        contract_name,
        source_name,
        docs,
        abi: abi.items,
        layouts,
        size: Size { wasm: wasm.len() as u64, envelope: bytecode.len() as u64 },
        code_hash: format!("0x{}", hex::encode(Keccak256::digest(&bytecode))),
        bytecode: format!("0x{}", hex::encode(&bytecode)),
        toolchain: provenance.toolchain.clone(),
        source_hash: provenance.source_hash.clone(),
        dependency_hash: provenance.dependency_hash,
        profile_hash: provenance.profile_hash,
    };
    Ok(Built { artifact, wasm, names: module::function_names(&compiled.wasm) })
}

/// Compiles, with what the contract embeds built before it.
fn compile_with_embedded(
    package: &Package,
    toolchain: &Toolchain,
    options: &BuildOptions,
    progress: &dyn Progress,
    within: &[PathBuf],
) -> Result<Compiled, BuildError> {
    let embedded = Embedded::of(package, &compile::target_dir(package, toolchain));
    let within = [within, slice::from_ref(&package.manifest)].concat();
    let provide = |name: &str| {
        let contract = embedded::resolve(package, name, &within)?;
        // As it would be built by itself: the optimisation level that was asked for is the embedding contract's.
        let options = BuildOptions { opt_level: None, ..options.clone() };
        let built = build_within(&contract, toolchain, &options, progress, &within)?;
        embedded.put(name, &envelope(&built.wasm))
    };
    let failed = embedded.renew(provide)?;
    loop {
        let error = match compile::compile(package, toolchain, options, progress) {
            Ok(compiled) => {
                embedded.keep_read(&compiled.units)?;
                return Ok(compiled);
            }
            Err(error) => error,
        };
        let missing = match &error {
            BuildError::Compile { output, .. } => embedded.missing(output),
            _ => BTreeSet::new(),
        };
        if missing.is_empty() {
            return Err(embedded::blame(error, failed));
        }
        for name in missing {
            progress.note(&format!("{} embeds {name}: building that first", package.name));
            provide(&name)?;
        }
    }
}

fn exports_call(wasm: &[u8]) -> bool {
    wasmparser::Parser::new(0).parse_all(wasm).flatten().any(|payload| match payload {
        wasmparser::Payload::ExportSection(exports) => {
            exports.into_iter().flatten().any(|export| export.name == esker_vm::abi::EXPORT_CALL)
        }
        _ => false,
    })
}

/// The library's file, below the workspace's root.
fn source_name(package: &Package) -> String {
    let folder = package.folder().strip_prefix(&package.workspace_root).unwrap_or(Path::new(""));
    folder.join("src/lib.rs").to_string_lossy().replace('\\', "/")
}

/// A crate's name as a contract's: `esker_` at its beginning goes, and words begin with a capital (`esker_erc20` is
/// `Erc20`, `token_sale` is `TokenSale`), as the type of its `#[contract] mod` would be called.
pub(crate) fn contract_name(library: &str) -> String {
    let bare = library.strip_prefix("esker_").unwrap_or(library);
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    bare.split(['_', '-']).map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::contract_name;

    #[test]
    fn crates_give_their_contracts_names() {
        for (library, name) in [
            ("esker_erc20", "Erc20"),
            ("esker_erc721", "Erc721"),
            ("esker", "Esker"),
            ("token_sale", "TokenSale"),
            ("counter", "Counter"),
        ] {
            assert_eq!(contract_name(library), name);
        }
    }
}
