//! `esker contract new`.

use std::path::{Path, PathBuf};

use clap::Args;
use esker_sdk_build::{TemplateError, create};
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;

/// `esker contract new`.
#[derive(Args, Clone, Debug)]
pub(super) struct NewArgs {
    /// The crate's name: lowercase letters, digits, - and _
    name: String,

    /// The folder to make the crate's folder in
    #[arg(long = "in", value_name = "DIR", default_value = ".")]
    parent: PathBuf,

    /// The folder of esker-sdk (default: that of the Esker source around here, else the one this program was built from)
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

pub(super) fn run(args: &NewArgs) -> Result<Answer, Failure> {
    let sdk = match &args.sdk {
        Some(sdk) => sdk.clone(),
        None => find_sdk(&args.parent).ok_or_else(|| {
            Failure::usage("the SDK was not found")
                .hint("say where it is: --sdk DIR, the `sdk` folder of Esker's source")
        })?,
    };
    let folder = create(&args.parent, &args.name, &sdk).map_err(|error| match error {
        TemplateError::Io { .. } => Failure::infrastructure(error.to_string()),
        _ => Failure::usage(error.to_string()),
    })?;
    let shown = folder.display();
    let text = format!(
        "wrote {shown}\n\nnext:\n  cd {shown}\n  cargo test               # the contract's tests\n  esker contract build     # artifacts/*.json, for `esker deploy` and every Ethereum tool"
    );
    Ok(Answer::new(text, json!({"name": args.name, "folder": folder, "sdk": sdk})))
}

/// The SDK of the source tree around `folder`, else of the tree this program was built from.
fn find_sdk(folder: &Path) -> Option<PathBuf> {
    let is_sdk = |path: &PathBuf| path.join("Cargo.toml").is_file() && path.join("macros/Cargo.toml").is_file();
    let folder = folder.canonicalize().ok().or_else(|| std::env::current_dir().ok())?;
    let around = folder.ancestors().map(|ancestor| ancestor.join("sdk")).find(is_sdk);
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(|root| root.join("sdk")).filter(is_sdk);
    around.or_else(own)
}
