//! What a command is pointed at: a crate that is built first, or something built earlier.

use std::path::{Path, PathBuf};

use clap::Args;
use esker_sdk_build::{
    BuildOptions, Built, FunctionName, Names, OptLevel, Package, Toolchain, ToolchainOptions, build,
};

use super::failure;
use super::progress::Shown;
use crate::cli::failure::Failure;

/// Which compiler to use.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ToolchainArgs {
    /// Use this rustup toolchain, and no other
    #[arg(long, value_name = "NAME")]
    toolchain: Option<String>,

    /// Fetch nothing: neither a compiler nor crates
    #[arg(long)]
    offline: bool,
}

impl ToolchainArgs {
    /// Where to look for a compiler for the crate in `folder`.
    pub(super) fn options(&self, folder: &Path) -> Result<ToolchainOptions, Failure> {
        let mut options =
            ToolchainOptions::from_env(folder).map_err(|error| Failure::infrastructure(error.to_string()))?;
        options.toolchain.clone_from(&self.toolchain);
        options.offline |= self.offline;
        Ok(options)
    }
}

/// How to compile.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct CompilerArgs {
    /// Optimise for size alone (z, the default), size and speed (s) or speed (3), whatever the crate's manifest says
    #[arg(long, value_name = "LEVEL", value_parser = ["z", "s", "3"])]
    opt_level: Option<String>,

    #[command(flatten)]
    toolchain: ToolchainArgs,
}

impl CompilerArgs {
    /// Builds packages one after another with one compiler.
    pub(super) fn build(&self, packages: &[Package]) -> Result<Vec<Built>, Failure> {
        let progress = Shown::start();
        let folder = packages.first().map_or(Path::new("."), Package::folder);
        let options = self.toolchain.options(folder)?;
        let toolchain = Toolchain::find(&options, &progress).map_err(|error| failure(error.into()))?;
        let opt_level = self.opt_level.as_deref().and_then(OptLevel::from_name);
        let options = BuildOptions { opt_level, offline: options.offline, cache: Some(options.cache) };
        packages.iter().map(|package| build(package, &toolchain, &options, &progress).map_err(failure)).collect()
    }
}

/// A contract that a command looks at.
#[derive(Args, Clone, Debug)]
pub(super) struct ContractSource {
    /// A contract's crate (which is built first), its artifact, or a wasm file
    #[arg(default_value = ".")]
    pub(super) path: PathBuf,

    #[command(flatten)]
    pub(super) compiler: CompilerArgs,
}

impl ContractSource {
    /// Builds the crate, if it is one.
    pub(super) fn built(&self) -> Result<Option<Built>, Failure> {
        let is_manifest = self.path.file_name().is_some_and(|name| name == "Cargo.toml");
        if !self.path.is_dir() && !is_manifest {
            if !self.path.exists() {
                return Err(Failure::usage(format!("there is nothing at {}", self.path.display()))
                    .hint("give a contract's folder, an artifact or a wasm file"));
            }
            return Ok(None);
        }
        let package = Package::read(&self.path).map_err(failure)?;
        Ok(self.compiler.build(&[package])?.pop())
    }

    /// The module: of the crate after building it, or in the file.
    pub(super) fn wasm(&self) -> Result<Vec<u8>, Failure> {
        Ok(self.named_wasm()?.0)
    }

    /// The module, and what its functions are called: as the build says, or the file `NAME.names.json` beside an artifact,
    /// if it is of the same code.
    pub(super) fn named_wasm(&self) -> Result<(Vec<u8>, Vec<FunctionName>), Failure> {
        if let Some(built) = self.built()? {
            return Ok((built.wasm, built.names));
        }
        let wasm = esker_sdk_build::check(&self.path).map_err(failure)?.wasm;
        let names = Names::beside(&self.path).filter(|names| names.are_of(&wasm));
        Ok((wasm, names.map(|names| names.functions).unwrap_or_default()))
    }
}
