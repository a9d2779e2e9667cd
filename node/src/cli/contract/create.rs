//! `esker contract new`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use esker_sdk_build::{CacheDir, SdkSource, Template, TemplateError, create};
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

    /// What the contract does to begin with
    #[arg(long, value_name = "NAME", default_value = "counter", value_parser = template_names())]
    template: String,

    /// Use the SDK in this folder (default: that of the Esker source around here, if any, else the one this program carries)
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

fn template_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Template::all().into_iter().map(Template::name))
}

pub(super) fn run(args: &NewArgs) -> Result<Answer, Failure> {
    let sdk = args.sdk.clone().or_else(|| sdk_around(&args.parent));
    let source = sdk.as_deref().map_or(SdkSource::Carried, SdkSource::At);
    let cache = CacheDir::from_env().map_err(|error| Failure::infrastructure(error.to_string()))?;
    let template = Template::from_name(&args.template).unwrap_or_default();
    let created = create(&args.parent, &args.name, template, source, &cache).map_err(|error| match error {
        TemplateError::Io { .. } | TemplateError::Cache(_) => Failure::infrastructure(error.to_string()),
        _ => Failure::usage(error.to_string()),
    })?;
    let folder = &created.folder;
    let shown = folder.strip_prefix(".").unwrap_or(folder).display();
    let mut text = format!(
        "wrote {shown}\n\nnext:\n  cd {shown}\n  esker contract test      # its tests; `cargo test` does as well\n  esker contract build     # artifacts/*.json, for `esker deploy` and every Ethereum tool"
    );
    if let Some(config) = &created.unchanged {
        text.push_str(&format!(
            "\n\n`esker contract` finds the SDK by itself; for `cargo test` without it, add to {}:\n  [patch.crates-io]\n  {}",
            config.display(),
            created.patches.join("\n  ")
        ));
    }
    Ok(Answer::new(
        text,
        json!({"name": args.name, "folder": folder, "template": template.name(), "sdk": sdk, "unchanged": created.unchanged}),
    ))
}

/// The SDK of the source tree of Esker that `folder` lies in.
fn sdk_around(folder: &Path) -> Option<PathBuf> {
    let is_sdk = |path: &PathBuf| path.join("Cargo.toml").is_file() && path.join("macros/Cargo.toml").is_file();
    let folder = folder.canonicalize().ok().or_else(|| std::env::current_dir().ok())?;
    folder.ancestors().map(|ancestor| ancestor.join("sdk")).find(is_sdk)
}
