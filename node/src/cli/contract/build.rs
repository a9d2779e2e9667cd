//! `esker contract build`.

use std::path::{Path, PathBuf};

use clap::Args;
use esker_sdk_build::{ArtifactError, Built, LockMode, Package, find_contracts, lock_file};
use serde_json::{Value, json};

use super::source::CompilerArgs;
use super::{failure, layout};
use crate::cli::answer::Answer;
use crate::cli::failure::Failure;

/// `esker contract build`.
#[derive(Args, Clone, Debug)]
pub(super) struct BuildArgs {
    /// The contracts' folders (default: the one here; in a workspace's root, all of its contracts)
    paths: Vec<PathBuf>,

    /// Build every contract of the workspace
    #[arg(long, conflicts_with = "paths")]
    workspace: bool,

    /// Where to write the artifacts (default: artifacts in the workspace's root)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Also write NAME.names.json: the module's function names, which the artifact leaves out
    #[arg(long)]
    names: bool,

    /// Write NAME.layout.json beside each Cargo.toml anew, whatever it says, instead of refusing what differs
    #[arg(long)]
    accept_layout: bool,

    #[command(flatten)]
    compiler: CompilerArgs,
}

pub(super) fn run(args: &BuildArgs) -> Result<Answer, Failure> {
    let packages = packages(args)?;
    let built = args.compiler.build(&packages)?;
    distinct_names(&packages, &built)?;
    let mode = if args.accept_layout { LockMode::Accept } else { LockMode::Compare };
    // All of them before the first artifact is written.
    let locked = packages.iter().zip(&built).map(|(package, built)| {
        layout::lock(package, &built.artifact.contract_name, built.artifact.layouts.as_ref(), mode)
    });
    let locked = locked.collect::<Result<Vec<_>, _>>()?;
    let mut lines = Vec::new();
    let mut entries = Vec::new();
    for ((package, built), locked) in packages.iter().zip(&built).zip(&locked) {
        let out = args.out.clone().unwrap_or_else(|| package.workspace_root.join("artifacts"));
        let path = built.artifact.write(&out).map_err(|error| match error {
            ArtifactError::Io { .. } => Failure::infrastructure(error.to_string()),
            _ => Failure::usage(error.to_string()),
        })?;
        if args.names {
            built.names_file().write(&out).map_err(|error| Failure::infrastructure(error.to_string()))?;
        }
        let size = built.artifact.size;
        lines.push(format!(
            "{}  {} bytes of wasm, {} to deploy  {}",
            built.artifact.contract_name,
            size.wasm,
            size.envelope,
            short(&path)
        ));
        let lock = lock_file(package.folder(), &built.artifact.contract_name);
        lines.extend(layout::said(locked).map(|said| format!("  {}: {said}", short(&lock))));
        entries.push(json!({
            "contractName": built.artifact.contract_name,
            "package": package.name,
            "artifact": path,
            "size": size,
            "codeHash": built.artifact.code_hash,
            "sourceHash": built.artifact.source_hash,
            "toolchain": built.artifact.toolchain,
        }));
    }
    Ok(Answer::new(lines.join("\n"), json!({"contracts": Value::Array(entries)})))
}

fn packages(args: &BuildArgs) -> Result<Vec<Package>, Failure> {
    let here = Path::new(".");
    if args.workspace {
        return find_contracts(here).map_err(failure);
    }
    if !args.paths.is_empty() {
        return args.paths.iter().map(|path| Package::read(path).map_err(failure)).collect();
    }
    match Package::read(here) {
        Ok(package) => Ok(vec![package]),
        // A workspace's root without a package of its own means all of it.
        Err(error) => find_contracts(here).map_err(|_| failure(error)),
    }
}

/// Two artifacts of one name would overwrite each other.
fn distinct_names(packages: &[Package], built: &[Built]) -> Result<(), Failure> {
    for (index, one) in built.iter().enumerate() {
        let name = &one.artifact.contract_name;
        let twin = built.iter().skip(index + 1).position(|other| other.artifact.contract_name == *name);
        if let (Some(twin), Some(first)) = (twin, packages.get(index)) {
            let second = packages.get(index + 1 + twin).map(|package| package.name.as_str()).unwrap_or_default();
            return Err(Failure::usage(format!("{} and {second} would both be written as {name}.json", first.name))
                .hint("give one of them another name: [package.metadata.esker] name = \"...\" in its Cargo.toml"));
        }
    }
    Ok(())
}

/// The path from here, where that is shorter.
fn short(path: &Path) -> String {
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).display().to_string()
}
