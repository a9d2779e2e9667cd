//! `esker completions`: a script with which a shell completes commands and flags.

use clap::Args;
use clap_complete::{Shell, generate};
use serde_json::json;

use super::answer::Answer;
use super::failure::Failure;

/// `esker completions`.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// The script for the shell.
///
/// # Errors
/// None are known: the script is text.
pub fn run(args: &CompletionsArgs) -> Result<Answer, Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut super::tree(), "esker", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Failure::infrastructure("the completion script is no text").because(error))?;
    let json = json!({"shell": args.shell.to_string(), "script": script});
    Ok(Answer::new(script.trim_end(), json))
}
