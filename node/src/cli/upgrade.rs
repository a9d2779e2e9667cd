//! `esker upgrade`: when later protocol versions begin, in a node's home.

use std::path::PathBuf;

use clap::Args;
use esker_runtime::{Rules, Upgrades};
use serde_json::{Value, json};

use super::answer::{Answer, columns};
use super::failure::Failure;
use crate::home::{Home, upgrade};

/// `esker upgrade`.
#[derive(Args, Clone, Debug)]
pub struct UpgradeArgs {
    /// The node's home
    #[arg(long, value_name = "DIR")]
    home: PathBuf,

    /// The protocol version; without it, only tells what is planned
    #[arg(long, value_name = "VERSION", requires = "change")]
    version: Option<u32>,

    /// The first block under that version, the same on all nodes
    #[arg(long, value_name = "BLOCK", requires = "version", group = "change")]
    height: Option<u64>,

    /// Take the version out of the plan
    #[arg(long, requires = "version", group = "change")]
    remove: bool,
}

/// Changes the table of a home, or tells it.
///
/// # Errors
/// If the home is none, a node runs on it, or the change cannot be; the home is then as before.
pub fn run(args: &UpgradeArgs) -> Result<Answer, Failure> {
    let home = Home::open(&args.home)?;
    let table = match args.version {
        Some(version) => upgrade::change(&home, version, args.height)?,
        None => home.genesis.config.upgrades.clone(),
    };
    // Only told: a node that runs has the store.
    let head = upgrade::head(&home).ok().flatten();
    Ok(answer(args, &table, head))
}

fn answer(args: &UpgradeArgs, table: &Upgrades, head: Option<(u64, u32)>) -> Answer {
    let upgrades: Vec<Value> = table
        .iter()
        .map(|one| json!({"version": one.version, "height": one.height, "isKnown": Rules::of(one.version).is_some()}))
        .collect();
    let json = json!({
        "home": args.home,
        "latestKnownVersion": Rules::LATEST.version,
        "blockNumber": head.map(|(number, _)| number),
        "version": head.map(|(_, version)| version),
        "upgrades": upgrades,
    });
    let mut rows = vec![("home", args.home.display().to_string())];
    if let Some((number, version)) = head {
        rows.push(("last block", format!("{number}, of version {version}")));
    }
    rows.push(("known", format!("versions 1 to {}", Rules::LATEST.version)));
    for one in table.iter() {
        let known = if Rules::of(one.version).is_some() { "" } else { ", which this program does not know" };
        rows.push(("upgrade", format!("to version {} from block {}{known}", one.version, one.height)));
    }
    if table.is_empty() {
        rows.push(("upgrades", "none".to_owned()));
    }
    let mut text = columns(&rows);
    if args.version.is_some() {
        text.push_str(
            "\n\nEvery node of the network needs the same, before that block. A node reads it when it starts.",
        );
    }
    Answer::new(text, json)
}
