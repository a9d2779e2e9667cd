//! `esker state export`.

use std::path::PathBuf;

use clap::Args;
use esker_runtime::state::StateDb;
use serde_json::json;

use super::failure;
use crate::chain::ChainError;
use crate::cli::answer::{Answer, columns};
use crate::cli::bar::Bar;
use crate::cli::failure::Failure;
use crate::cli::place::PlaceArgs;
use crate::durable_file::UnfinishedFile;
use crate::snapshot::{Exported, export};

/// `esker state export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &ExportArgs) -> Result<Answer, Failure> {
    let shown = args.output.display().to_string();
    if args.output.exists() && !args.force {
        return Err(Failure::usage(format!("{shown} is there already")).hint("choose another name, or add --force"));
    }
    let unwritten =
        |error: std::io::Error| Failure::infrastructure(format!("{shown} cannot be written")).because(error);
    let db = StateDb::open(args.place.open()?).map_err(ChainError::from)?;
    let mut file = UnfinishedFile::create(&args.output).map_err(unwritten)?;
    let bar = Bar::new(u64::MAX, "exporting the state {bar:40} {percent}% {elapsed}");
    let exported = export(&db, &mut file, &mut |position| bar.reach(position));
    drop(bar);
    let exported = exported.map_err(|error| failure("the state cannot be exported", error))?;
    file.finish().map_err(unwritten)?;
    Ok(answer(&exported, &shown))
}

fn answer(exported: &Exported, output: &str) -> Answer {
    let Exported { chain_id, number, hash, state_root, state, bytes } = exported;
    let json = json!({
        "output": output,
        "chainId": chain_id,
        "blockNumber": number,
        "blockHash": hash,
        "stateRoot": state_root,
        "accounts": state.accounts,
        "slots": state.slots,
        "codes": state.codes,
        "bytes": bytes,
    });
    let text = columns(&[
        ("snapshot", format!("{output}, {bytes} bytes")),
        ("block", format!("{number} of chain {chain_id}")),
        ("hash", format!("{hash}: what --trusted-hash of an import must be")),
        ("state root", state_root.to_string()),
        ("state", format!("{} accounts, {} slots, {} codes", state.accounts, state.slots, state.codes)),
    ]);
    Answer::new(text, json)
}
