//! `esker contract check`.

use clap::Args;
use serde_json::json;

use super::failure;
use super::source::ContractSource;
use crate::cli::answer::Answer;
use crate::cli::failure::Failure;

/// `esker contract check`.
#[derive(Args, Clone, Debug)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    source: ContractSource,
}

pub(super) fn run(args: &CheckArgs) -> Result<Answer, Failure> {
    let path = &args.source.path;
    let shown = path.display();
    // A crate that builds is accepted: the build asks the same validator.
    let bytes = match args.source.built()? {
        Some(built) => built.wasm.len(),
        None => {
            let checked = esker_sdk_build::check(path).map_err(failure)?;
            if let Err(rejection) = checked.verdict {
                let mut refused = Failure::failed(format!("{shown} would be refused"))
                    .because(match &rejection.function {
                        Some(function) => format!("{} (in {function})", rejection.reason),
                        None => rejection.reason.clone(),
                    })
                    .with("accepted", false)
                    .with("function", rejection.function.clone());
                if let Some(hint) = rejection.hint {
                    refused = refused.hint(hint);
                }
                return Err(refused);
            }
            checked.wasm.len()
        }
    };
    Ok(Answer::new(
        format!("{shown} is acceptable ({bytes} bytes of wasm)"),
        json!({"accepted": true, "wasmBytes": bytes}),
    ))
}
