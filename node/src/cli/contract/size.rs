//! `esker contract size`.

use clap::Args;
use esker_sdk_build::measure;
use serde_json::json;

use super::source::ContractSource;
use crate::cli::answer::{Answer, printable};
use crate::cli::failure::Failure;

/// `esker contract size`.
#[derive(Args, Clone, Debug)]
pub(super) struct SizeArgs {
    #[command(flatten)]
    source: ContractSource,

    /// How many functions to show, the largest first
    #[arg(long, value_name = "N", default_value_t = 15)]
    top: usize,
}

pub(super) fn run(args: &SizeArgs) -> Result<Answer, Failure> {
    let (wasm, built) = args.source.wasm()?;
    let names = built.as_ref().map(|built| built.names.as_slice()).unwrap_or_default();
    let mut report = measure(&wasm, names)
        .map_err(|error| Failure::failed(format!("{} is no wasm module", args.source.path.display())).because(error))?;
    let count = report.functions.len();
    report.functions.truncate(args.top);
    let mut lines = vec![
        format!("{:>8}  bytes of wasm", report.wasm),
        format!("{:>8}  bytes to deploy (compressed, in its envelope)", report.envelope),
        format!("{:>8}  gas to deploy, at least (constructor not counted)", report.deploy_gas_floor),
        String::new(),
        "sections".to_owned(),
    ];
    lines.extend(report.sections.iter().map(|section| format!("{:>8}  {}", section.bytes, printable(&section.name))));
    lines.push(String::new());
    lines.push(format!("largest functions ({} of {count})", report.functions.len()));
    lines.extend(
        report.functions.iter().map(|function| format!("{:>8}  {}", function.bytes, printable(&function.name))),
    );
    let json = serde_json::to_value(&report).unwrap_or_else(|_| json!({}));
    Ok(Answer::new(lines.join("\n"), json))
}
