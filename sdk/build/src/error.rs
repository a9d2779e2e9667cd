//! What can go wrong in a build, said so that the next step is clear.

use std::io;
use std::path::PathBuf;

use crate::process::ProcessError;
use crate::{CacheError, ToolchainError};

/// A build failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The path names no crate.
    #[error("there is no crate at {}: give a folder with a Cargo.toml (make one with `esker contract new NAME`)", .0.display())]
    NoCrate(PathBuf),
    /// cargo could not read the manifest.
    #[error("cargo cannot read {}:\n{reason}", path.display())]
    Manifest {
        /// The Cargo.toml.
        path: PathBuf,
        /// What cargo said.
        reason: String,
    },
    /// The crate is none that could be a contract.
    #[error("{} is not a contract: {reason}", path.display())]
    NotAContract {
        /// The Cargo.toml.
        path: PathBuf,
        /// What it lacks.
        reason: String,
    },
    /// rustc or the linker refused the source.
    #[error("{package} does not compile:\n{output}")]
    Compile {
        /// The package.
        package: String,
        /// What cargo, rustc and the linker said.
        output: String,
    },
    /// What came out is no module that can be worked on.
    #[error("the compiled module of {package} is unusable: {reason}")]
    Module {
        /// The package.
        package: String,
        /// What is wrong.
        reason: String,
    },
    /// A file that was to hold a module holds none.
    #[error("{} holds no module: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it holds, or how it is damaged.
        reason: String,
    },
    /// The chain would refuse the module.
    #[error("the chain would refuse {package}: {reason}")]
    Rejected {
        /// The package.
        package: String,
        /// The validator's words: what, where, and a hint.
        reason: String,
    },
    /// The module's ABI section is not what it should be.
    #[error("the ABI that {package} carries is invalid: {reason}")]
    Abi {
        /// The package.
        package: String,
        /// What is wrong.
        reason: String,
    },
    /// A contract that is to be embedded cannot be.
    #[error("{package} cannot embed the contract `{name}`: {reason}")]
    Embedding {
        /// The package that embeds it.
        package: String,
        /// What it calls the other's crate.
        name: String,
        /// Why not.
        reason: String,
    },
    /// There is no telling what code was built from.
    #[error("the code cannot be verified: {0}")]
    Unverifiable(String),
    /// Nothing here reads the counts of instrumented code.
    #[error("coverage cannot be measured: {0}")]
    NoCoverage(String),
    /// A source is not what it was when the compiler was started.
    #[error("{} changed while it was compiled: build again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No compiler.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// The cache folder failed.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A program that was needed could not be run.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl BuildError {
    /// Whether the machine is at fault (no compiler, no disk) rather than the crate.
    #[must_use]
    pub fn is_infrastructure(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::NoCoverage(_) | Self::Toolchain(_) | Self::Cache(_) | Self::Process(_))
    }
}
