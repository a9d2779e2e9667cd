//! `esker state`: the state of a stopped node, as a file and back, and checked.

mod export;
mod import;
mod verify;

use clap::Subcommand;

use super::answer::Answer;
use super::failure::Failure;
use crate::snapshot::SnapshotError;

/// Commands about the state of a stopped node.
#[derive(Subcommand, Clone, Debug)]
pub enum StateCommand {
    /// Write the last block and its state to a file, from which a new node can begin
    #[command(after_help = "Examples:\n  \
        esker state export --home node0 --output chain.snapshot\n  \
        esker state export --state ./chain --output chain.snapshot --force --json")]
    Export(export::ExportArgs),
    /// Begin a chain with a snapshot instead of its genesis
    ///
    /// Everything in the snapshot is checked against the hash of its block, which must come from somewhere else than the
    /// file: from nodes that you trust.
    #[command(after_help = "Examples:\n  \
        esker state import chain.snapshot --home node4 --genesis genesis.json \\\n      \
          --trusted-hash 0x3f4e0c7d5b1f6a2c98e07d4b5a6c1d2e3f40516273849a5b6c7d8e9fa0b1c2d3\n  \
        esker state import chain.snapshot --state ./chain \\\n      \
          --trusted-hash 0x3f4e0c7d5b1f6a2c98e07d4b5a6c1d2e3f40516273849a5b6c7d8e9fa0b1c2d3 --json")]
    Import(import::ImportArgs),
    /// Compute all roots and hashes anew from what is stored, and say what differs
    #[command(after_help = "Examples:\n  \
        esker state verify --home node0\n  \
        esker state verify --state ./chain --json")]
    Verify(verify::VerifyArgs),
}

/// Runs a command about a state.
///
/// # Errors
/// Says whether the state, the snapshot, the command line or the machine is at fault.
pub fn run(command: &StateCommand) -> Result<Answer, Failure> {
    match command {
        StateCommand::Export(args) => export::run(args),
        StateCommand::Import(args) => import::run(args),
        StateCommand::Verify(args) => verify::run(args),
    }
}

/// A snapshot's error as a command's, which failed to do this.
fn failure(message: &str, error: SnapshotError) -> Failure {
    let failure = match &error {
        SnapshotError::NotEmpty => Failure::usage(message),
        SnapshotError::Impersonated(_) => Failure::failed(message),
        error if error.is_refusal() => Failure::failed(message),
        _ => Failure::infrastructure(message),
    };
    failure.because(error)
}
