//! `esker replay`: a stopped node's blocks, executed once more.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use esker_runtime::BlockError;
use esker_runtime::db::StoreError;
use esker_vm::{Engine, EngineConfig, EngineKind};
use serde_json::json;

use super::answer::{Answer, columns};
use super::bar::Bar;
use super::failure::Failure;
use super::place::{CACHE_BYTES, PlaceArgs};
use super::units::parse_quantity;
use crate::chain::{Chain, ChainError, ReplayError, Replayed, open_state_dir};

/// `esker replay`.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// The blocks to compare, the last one included: 100..200, 100.., ..200 or 100 [default: all]
    ///
    /// Blocks before the first one are executed too, since their state is what it stands on.
    #[arg(value_name = "FROM..TO", default_value = "..", hide_default_value = true)]
    range: Range,

    #[command(flatten)]
    place: PlaceArgs,

    /// What executes: cranelift or pulley
    #[arg(long, value_name = "ENGINE", default_value_t = EngineKind::Cranelift)]
    engine: EngineKind,

    /// Where the state that comes out lies meanwhile; as large as the node's, and gone at the end [default: the system's
    /// folder for temporary files]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// Blocks from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    from: Option<u64>,
    to: Option<u64>,
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.trim() {
            "" => Ok(None),
            text => parse_quantity(text).map(Some),
        };
        let (from, to) = match text.split_once("..") {
            Some((from, to)) => (number(from)?, number(to.strip_prefix('=').unwrap_or(to))?),
            None => {
                let only = number(text)?.ok_or("write FROM..TO")?;
                (Some(only), Some(only))
            }
        };
        match (from, to) {
            (Some(from), Some(to)) if from > to => Err(format!("block {from} comes after block {to}")),
            _ => Ok(Self { from, to }),
        }
    }
}

/// Executes the blocks again and compares everything.
///
/// # Errors
/// Failed if a block does not come out as recorded; usage if it is not there; else infrastructure.
pub fn run(args: &ReplayArgs) -> Result<Answer, Failure> {
    let engine = || {
        let engine = Engine::new(EngineConfig::with_kind(args.engine));
        engine.map_err(|error| Failure::infrastructure("the engine does not start").because(error))
    };
    let name = args.place.store_folder().display().to_string();
    let chain = Chain::open_existing(args.place.open()?, &name, Arc::new(engine()?))?;
    let head = chain.head().block.header.number;
    let (from, to) = bounds(args.range, head)?;
    let oldest = chain.history_min().map_err(unreadable)?;
    if oldest > 0 {
        return Err(Failure::usage(format!("blocks before {oldest} are not there, and execution begins with block 0"))
            .because(format!("this node began with a snapshot of block {oldest}"))
            .hint("replay the blocks of a node that began with the genesis"));
    }

    let scratch = match &args.scratch {
        Some(folder) => tempfile::Builder::new().prefix("esker-replay-").tempdir_in(folder),
        None => tempfile::Builder::new().prefix("esker-replay-").tempdir(),
    };
    let no_scratch = |error: std::io::Error| {
        Failure::infrastructure("there is no place for the state that comes out")
            .because(error)
            .hint("name a writable folder: --scratch DIR")
    };
    let scratch = scratch.map_err(no_scratch)?;
    let store = open_state_dir(&scratch.path().join("db"), CACHE_BYTES).map_err(ChainError::from)?;
    let bar = Bar::new(to, "executing blocks {bar:40} {pos}/{len} {elapsed} (about {eta} left)");
    let started = Instant::now();
    let replayed = chain.replay(store, &engine()?, from..=to, &mut |number| bar.reach(number));
    drop(bar);
    let seconds = started.elapsed().as_secs_f64();
    replayed.map(|replayed| answer(args.engine, (from, to), &replayed, seconds)).map_err(failure)
}

fn bounds(range: Range, head: u64) -> Result<(u64, u64), Failure> {
    let (from, to) = (range.from.unwrap_or(0), range.to.unwrap_or(head));
    if to > head || from > head {
        return Err(Failure::usage(format!("there is no block {}: the last one is {head}", to.max(from))));
    }
    Ok((from, to))
}

fn unreadable(error: StoreError) -> Failure {
    Failure::infrastructure("the chain cannot be read").because(error)
}

fn failure(error: ReplayError) -> Failure {
    match error {
        ReplayError::Store(error) => unreadable(error),
        ReplayError::Open(error) => ChainError::from(error).into(),
        ReplayError::Block { number, error: error @ BlockError::Fatal(_) } => {
            Failure::infrastructure(format!("block {number} could not be executed")).because(error)
        }
        error => {
            let failure = Failure::failed("the blocks do not come out as they are recorded");
            let failure = match error.block() {
                Some(number) => failure.with("block", number),
                None => failure,
            };
            failure.because(error).hint(
                "`esker state verify` tells whether the records are damaged; if they are not, please report this with the \
                 program's version and the processor's kind",
            )
        }
    }
}

fn answer(engine: EngineKind, (from, to): (u64, u64), replayed: &Replayed, seconds: f64) -> Answer {
    let json = json!({
        "from": from,
        "to": to,
        "engine": engine.name(),
        "blocks": replayed.blocks,
        "transactions": replayed.transactions,
        "gasUsed": replayed.gas_used,
        "hash": replayed.head,
        "stateRoot": replayed.state_root,
        "seconds": seconds,
        "same": true,
    });
    let text = columns(&[
        ("blocks", format!("{from} to {to}, executed from block 0 on by {engine} in {seconds:.2} s")),
        ("transactions", format!("{} in these blocks, {} gas", replayed.transactions, replayed.gas_used)),
        ("last block", replayed.head.to_string()),
        ("state root", replayed.state_root.to_string()),
        ("verdict", "every state root, receipts root and gas figure is as recorded".to_owned()),
    ]);
    Answer::new(text, json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_written() {
        let range = |from, to| Ok(Range { from, to });
        assert_eq!("3..7".parse(), range(Some(3), Some(7)));
        assert_eq!("3..=7".parse(), range(Some(3), Some(7)));
        assert_eq!("3..".parse(), range(Some(3), None));
        assert_eq!("..7".parse(), range(None, Some(7)));
        assert_eq!("..".parse(), range(None, None));
        assert_eq!("5".parse(), range(Some(5), Some(5)));
        for bad in ["", "7..3", "a..b", "1..2..3", "-1", "1-2"] {
            assert!(bad.parse::<Range>().is_err(), "{bad:?} is no range");
        }
    }
}
