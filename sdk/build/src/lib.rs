//! Compiles a contract crate to an Esker artifact: source to wasm, wasm to a small module the chain accepts, module to
//! the JSON that Ethereum tools read.
//!
//! [`Toolchain::find`] looks for a Rust that can compile to wasm, and fetches one where it may; [`build`] does the rest.
//! The same source gives the same bytes, in whatever folder it lies, as long as compiler, linker and lock file agree;
//! what they were is recorded in the module (`esker.build`) and in the artifact.
//!
//! The crate runs other programs (cargo, rustc, rustup, apt-get, dpkg-deb, tar) and writes to Esker's cache folder and
//! the workspace's target folder. It never touches the system's packages.

mod artifact;
mod cache;
mod carried;
mod check;
mod compile;
mod coverage;
mod deflate;
mod embedded;
mod error;
mod inputs;
mod interface;
mod layout;
mod layout_lock;
mod library;
mod module;
mod names;
mod natspec;
mod once;
mod package;
mod pipeline;
mod process;
mod progress;
mod provenance;
mod settings;
mod size;
mod stale;
mod template;
mod testing;
mod toolchain;
mod verify;

pub use artifact::{Artifact, ArtifactError, Size};
pub use cache::{CacheDir, CacheError};
pub use carried::{carried_hash, is_carried, link, unpack};
pub use check::{Checked, check};
pub use coverage::{Coverage, FileCoverage};
pub use deflate::envelope;
pub use error::BuildError;
pub use interface::{InterfaceError, solidity, typescript};
pub use layout::{Layouts, StorageField, StorageLayout, StorageTypeEntry};
pub use layout_lock::{Change, LockError, LockMode, Locked, lock_file, lock_layout};
pub use module::{ContractAbi, FunctionName};
pub use names::Names;
pub use natspec::NatSpec;
pub use once::build_once;
pub use package::{Package, find_contracts};
pub use pipeline::{BuildOptions, Built, OptLevel, build};
pub use process::ProcessError;
pub use progress::{Progress, Silent, ToStderr};
pub use provenance::{Provenance, ToolchainRecord};
pub use size::{CrateSize, FunctionSize, SectionSize, SizeReport, measure};
pub use template::{Created, SdkSource, Template, TemplateError, create};
pub use testing::{TestOptions, Tested, test, test_with_coverage};
pub use toolchain::{Toolchain, ToolchainError, ToolchainOptions};
pub use verify::{Difference, Verification, verify};
