//! `esker contract size`.

use alloy_eips::eip2930::AccessList;
use alloy_primitives::TxKind;
use clap::Args;
use esker_runtime::exec::intrinsic_gas;
use esker_runtime::params::Prices;
use esker_sdk_build::measure;
use esker_vm::abi::FUEL_PER_GAS;
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
    let (wasm, names) = args.source.named_wasm()?;
    let mut report = measure(&wasm, &names)
        .map_err(|error| Failure::failed(format!("{} is no wasm module", args.source.path.display())).because(error))?;
    let count = report.functions.len();
    report.functions.truncate(args.top);
    let mut lines = vec![
        format!("{:>8}  bytes of wasm", report.wasm),
        format!("{:>8}  bytes to deploy (compressed, in its envelope)", report.envelope),
    ];
    let gas = report.complexity.map(|complexity| deploy_gas(&wasm, complexity));
    lines.push(match gas {
        Some(gas) => format!("{gas:>8}  gas to deploy, before the constructor and its arguments"),
        None => "          a chain would refuse it: see `esker contract check`".to_owned(),
    });
    lines.extend([String::new(), "sections".to_owned()]);
    lines.extend(report.sections.iter().map(|section| {
        let inflated = section.inflated.map(|bytes| format!(" (inflated {bytes})")).unwrap_or_default();
        format!("{:>8}  {}{inflated}", section.bytes, printable(&section.name))
    }));
    if report.crates.iter().any(|found| !found.name.is_empty()) {
        lines.extend([String::new(), "functions by crate".to_owned()]);
        lines.extend(report.crates.iter().map(|found| {
            let name = if found.name.is_empty() { "(no crate)" } else { &found.name };
            format!("{:>8}  {} ({})", found.bytes, printable(name), found.functions)
        }));
    }
    lines.push(String::new());
    lines.push(format!("largest functions ({} of {count})", report.functions.len()));
    lines.extend(
        report.functions.iter().map(|function| format!("{:>8}  {}", function.bytes, printable(&function.name))),
    );
    if count > 0 && report.crates.iter().all(|found| found.name.is_empty()) {
        lines.push("\nthe module carries no names: give the crate, or build with --names".to_owned());
    }
    let mut json = serde_json::to_value(&report).unwrap_or_else(|_| json!({}));
    json["deployGas"] = json!(gas);
    Ok(Answer::new(lines.join("\n"), json))
}

/// Gas of a deploy transaction before its constructor runs: intrinsic gas of the envelope, the module's bytes, its
/// complexity, and the frame (`docs/spec/gas.md`).
fn deploy_gas(wasm: &[u8], complexity: u64) -> u64 {
    let prices = Prices::V1;
    let intrinsic = intrinsic_gas(TxKind::Create, &esker_sdk_build::envelope(wasm), &AccessList::default());
    let compiling = complexity.saturating_mul(prices.complexity_unit_fuel).div_ceil(FUEL_PER_GAS);
    intrinsic.base + prices.deploy_byte.saturating_mul(wasm.len() as u64) + compiling + prices.frame
}
