//! `esker demo`: the main job from end to end.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use esker_sdk_build::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use serde_json::json;

use super::answer::{Answer, columns, remark};
use super::failure::Failure;
use crate::demo::{self, ContractsError, DemoError, DemoOptions, DemoReport, Narrator};

/// `esker demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Token transfers to send
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    transfers: u32,

    /// Folder with the sources of erc20 and erc721 [default: contracts of this checkout]
    #[arg(long, value_name = "DIR")]
    contracts: Option<PathBuf>,

    /// Folder for the artifacts
    #[arg(long, value_name = "DIR", default_value = "artifacts")]
    out: PathBuf,
}

impl DemoArgs {
    /// Runs the demonstration.
    ///
    /// # Errors
    /// [`Failure`]: infrastructure when contracts or chain could not be had, failed when the engines disagree.
    pub fn run(self) -> Result<Answer, Failure> {
        let contracts = self.contracts.unwrap_or_else(demo::find_contracts_dir);
        let program = std::env::current_exe()
            .map_err(|error| Failure::infrastructure("this program's own file is not to be found").because(error))?;
        let options = DemoOptions { contracts, transfers: self.transfers, artifacts: self.out, program };
        let narrator = Terminal::default();
        let report = demo::run(&options, &narrator);
        narrator.end();
        report.map(|report| answer(&report)).map_err(|error| failure(&error))
    }
}

fn failure(error: &DemoError) -> Failure {
    match error {
        DemoError::Contracts(ContractsError::NoSources(_)) => Failure::usage(error.to_string()),
        DemoError::Replay(_) | DemoError::Differ(_) => Failure::failed(error.to_string()).hint(
            "two engines must agree on every chain: please report this with the artifacts and the program's version",
        ),
        DemoError::Session(_) => Failure::failed(error.to_string()),
        _ => Failure::infrastructure(error.to_string()),
    }
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

fn answer(report: &DemoReport) -> Answer {
    let replayed = &report.replayed;
    let contracts: Vec<_> = report
        .contracts
        .iter()
        .map(|contract| {
            json!({
                "name": contract.name,
                "wasmBytes": contract.wasm_bytes,
                "envelopeBytes": contract.envelope_bytes,
                "codeHash": contract.code_hash,
            })
        })
        .collect();
    let json = json!({
        "contracts": contracts,
        "token": report.token,
        "collection": report.collection,
        "blocks": replayed.blocks,
        "transactions": replayed.transactions,
        "succeeded": report.succeeded,
        "reverted": report.reverted,
        "gasUsed": replayed.gas_used,
        "stateRoot": replayed.state_root,
        "head": replayed.head,
        "engines": [report.engine.name(), report.second_engine.name()],
        "enginesAgree": true,
        "validators": report.validators,
        "blocksWithoutOne": report.without_one,
        "catchUpSeconds": seconds(report.catch_up),
        "transferSeconds": seconds(report.transfer_time),
        "replaySeconds": seconds(report.replay_time),
    });
    let (first, second) = (report.engine, report.second_engine);
    let text = columns(&[
        ("blocks", replayed.blocks.to_string()),
        (
            "transactions",
            format!(
                "{} ({} succeeded, {} reverted as it should)",
                replayed.transactions, report.succeeded, report.reverted
            ),
        ),
        ("gas used", replayed.gas_used.to_string()),
        ("head", replayed.head.to_string()),
        ("state root", replayed.state_root.to_string()),
        (
            "transfers",
            format!(
                "{:.2} s over HTTP, each block final and durable before its receipts",
                seconds(report.transfer_time)
            ),
        ),
        (
            "validators",
            format!(
                "{} processes; one was killed, missed {} blocks, and caught up in {:.2} s",
                report.validators,
                report.without_one,
                seconds(report.catch_up)
            ),
        ),
        ("replay", format!("{:.2} s on {second}, from genesis with an empty cache", seconds(report.replay_time))),
    ]);
    let verdict = format!(
        "\nFour validators have the same blocks, and {first} and {second} agree on every state root, receipts root and gas \
         figure of all {}.",
        replayed.blocks
    );
    Answer::new(text + "\n" + &verdict, json)
}

/// Tells the story on standard error.
#[derive(Default)]
struct Terminal {
    bar: Mutex<Option<ProgressBar>>,
}

impl Terminal {
    fn end(&self) {
        if let Some(bar) = self.bar.lock().take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Terminal {
    fn note(&self, line: &str) {
        remark(&format!("    {line}"));
    }
}

impl Narrator for Terminal {
    fn begin(&self, title: &str) {
        self.end();
        remark(&format!("• {title}"));
    }

    fn fact(&self, text: &str) {
        self.end();
        remark(&format!("    {text}"));
    }

    fn advance(&self, done: u64, total: u64) {
        let mut bar = self.bar.lock();
        let bar = bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("    {bar:40} {pos}/{len} {elapsed}");
            ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done);
    }
}
