//! `esker state verify`.

use clap::Args;
use esker_runtime::db::{OpenError, StoreError};
use esker_runtime::state::{StateDb, VerifyError, VerifyProgress, VerifyReport};
use serde_json::json;

use crate::chain::{ChainError, ChainReport, verify_chain};
use crate::cli::answer::{Answer, columns};
use crate::cli::bar::Bar;
use crate::cli::failure::Failure;
use crate::cli::place::PlaceArgs;
use crate::snapshot::SnapshotError;

/// `esker state verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    #[command(flatten)]
    place: PlaceArgs,
}

const DAMAGED: &str = "the state is damaged";
const NEXT: &str = "import a snapshot into a new folder, or sync again from genesis";

pub(super) fn run(args: &VerifyArgs) -> Result<Answer, Failure> {
    let unreadable = |error: StoreError| Failure::infrastructure("the state cannot be read").because(error);
    let damaged = |error: &dyn std::fmt::Display| Failure::failed(DAMAGED).because(error).hint(NEXT);
    let db = match StateDb::open(args.place.open()?) {
        Ok(db) => db,
        Err(error @ (OpenError::Store(StoreError::Corrupt(_)) | OpenError::Corrupt { .. })) => {
            return Err(damaged(&error));
        }
        Err(error @ OpenError::Unfinished) => return Err(Failure::failed("the state is incomplete").because(error)),
        Err(error) => return Err(ChainError::from(error).into()),
    };
    let mut chain = {
        let bar = Bar::new(db.block_number().unwrap_or_default(), "checking blocks {bar:40} {pos}/{len} {elapsed}");
        let last = db.block_number().unwrap_or_default();
        verify_chain(&db, &mut |number| bar.reach(last.saturating_sub(number)))
            .map_err(unreadable)?
            .ok_or_else(|| Failure::infrastructure("the chain cannot be opened").because(SnapshotError::NoChain))?
    };
    let bar = Bar::new(VerifyProgress::WHOLE.into(), "computing the state's roots {bar:40} {percent} % {elapsed}");
    let state = db.verify_with(&mut |progress| bar.reach(progress.done.into()));
    drop(bar);
    let state = match state {
        Ok(report) => report,
        Err(VerifyError::Store(error @ StoreError::Io(_))) => return Err(unreadable(error)),
        Err(fault) => {
            chain.faults.insert(0, fault.to_string());
            VerifyReport { root: db.root(), ..VerifyReport::default() }
        }
    };
    let answer = answer(&chain, &state);
    match chain.faults.first() {
        None => Ok(answer),
        Some(_) => Err(damaged(&chain.faults.join("\n")).after(answer)),
    }
}

fn answer(chain: &ChainReport, state: &VerifyReport) -> Answer {
    let sound = chain.faults.is_empty();
    let json = json!({
        "sound": sound,
        "blockNumber": chain.head,
        "blockHash": chain.hash,
        "historyMin": chain.history_min,
        "headers": chain.headers,
        "blocks": chain.blocks,
        "stateRoot": state.root,
        "accounts": state.accounts,
        "slots": state.slots,
        "contracts": state.contracts,
        "branches": state.branches,
        "faults": chain.faults,
    });
    let verdict = if sound { "every root and hash is as recorded" } else { "damaged" };
    let text = columns(&[
        ("block", format!("{} ({})", chain.head, chain.hash)),
        ("state root", state.root.to_string()),
        ("chain", format!("{} headers, {} whole blocks from {} on", chain.headers, chain.blocks, chain.history_min)),
        (
            "state",
            format!(
                "{} accounts, {} slots, {} contracts, {} branches",
                state.accounts, state.slots, state.contracts, state.branches
            ),
        ),
        ("verdict", verdict.to_owned()),
    ]);
    Answer::new(text, json)
}
