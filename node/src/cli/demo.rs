//! `esker demo`: the main job from end to end.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use esker_sdk_build::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use serde_json::json;

use super::answer::{Answer, columns, remark};
use super::failure::Failure;
use crate::demo::{self, ContractsError, DemoError, DemoOptions, DemoReport, Narrator, Outcome, Scenario};

/// `esker demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// What happens on the chain
    #[arg(long, value_enum, default_value_t = Story::Transfers)]
    scenario: Story,

    /// Token transfers to send, in the scenario `transfers`
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    transfers: u32,

    /// Trades to make, in the scenario `market`, and a fifth as many bets
    #[arg(long, default_value_t = 1_500, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    trades: u32,

    /// Folder with the sources of the contracts [default: contracts of this checkout]
    #[arg(long, value_name = "DIR")]
    contracts: Option<PathBuf>,

    /// Folder for the artifacts
    #[arg(long, value_name = "DIR", default_value = "artifacts")]
    out: PathBuf,
}

/// A scenario's name.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum Story {
    /// A token's transfers, while a validator is killed and started again
    Transfers,
    /// A whole economy: tokens, exchange, loans, a vote, a prediction, a lottery, goods that are followed
    Market,
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
        let scenario = match self.scenario {
            Story::Transfers => Scenario::Transfers(self.transfers),
            Story::Market => Scenario::Market(self.trades),
        };
        let options = DemoOptions { contracts, scenario, artifacts: self.out, program };
        let narrator = Terminal::default();
        let report = demo::run(&options, &narrator);
        narrator.end();
        report.map(|report| answer(&report)).map_err(|error| failure(&error))
    }
}

fn failure(error: &DemoError) -> Failure {
    match error {
        DemoError::Contracts(ContractsError::NoSources { .. }) => Failure::usage(error.to_string()),
        DemoError::Replay(_) | DemoError::Differ(_) => Failure::failed(error.to_string()).hint(
            "two engines must agree on every chain: please report this with the artifacts and the program's version",
        ),
        DemoError::Session(_) | DemoError::Interrupted => Failure::failed(error.to_string()),
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
    let mut json = json!({
        "contracts": contracts,
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
        "replaySeconds": seconds(report.replay_time),
    });
    let (told, more) = outcome(report);
    if let (Some(json), serde_json::Value::Object(more)) = (json.as_object_mut(), more) {
        json.extend(more);
    }
    let (first, second) = (report.engine, report.second_engine);
    let mut rows = vec![
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
    ];
    rows.extend(told);
    rows.push((
        "replay",
        format!("{:.2} s on {second}, from genesis with an empty cache", seconds(report.replay_time)),
    ));
    let text = columns(&rows);
    let verdict = format!(
        "\nFour validators have the same blocks, and {first} and {second} agree on every state root, receipts root and gas \
         figure of all {}.",
        replayed.blocks
    );
    Answer::new(text + "\n" + &verdict, json)
}

/// What the scenario adds to the answer: rows, and members of the object.
fn outcome(report: &DemoReport) -> (Vec<(&'static str, String)>, serde_json::Value) {
    match &report.outcome {
        Outcome::Transfers(told) => {
            let (transfers, catch_up) = (seconds(told.transfer_time), seconds(told.catch_up));
            let validators = format!(
                "{} processes; one was killed, missed {} blocks, and caught up in {catch_up:.2} s",
                report.validators, told.without_one,
            );
            let rows = vec![
                ("transfers", format!("{transfers:.2} s over HTTP, each block final and durable before its receipts")),
                ("validators", validators),
            ];
            let json = json!({
                "token": told.token,
                "collection": told.collection,
                "blocksWithoutOne": told.without_one,
                "catchUpSeconds": catch_up,
                "transferSeconds": transfers,
            });
            (rows, json)
        }
        Outcome::Market(told) => {
            let rows = vec![
                ("people", format!("{}, in {:.2} s over HTTP", told.people, seconds(told.time))),
                ("promises", format!("{} asked for at the end, all of them kept", told.promises.len())),
            ];
            let json = json!({
                "people": told.people,
                "marketSeconds": seconds(told.time),
                "promises": told.promises,
            });
            (rows, json)
        }
    }
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
