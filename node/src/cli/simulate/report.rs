//! What a simulation showed, for a reader and as JSON.

use alloy_primitives::{B256, Bytes, LogData, U64, U256};
use serde_json::{Map, Value, json};

use super::super::abi::decode::outputs;
use super::super::abi::render::{list_json, list_text, text};
use super::super::abi::{DecodedLog, Decoder};
use super::super::answer::{Answer, columns};
use super::super::failure::Failure;
use super::super::units::format_amount;
use super::Subject;
use crate::simulation::{AccountDiff, CallReport, Change, SimulationReport, Status};

/// Tells what `report` says; a transaction that would fail is a failure that holds all of it.
///
/// # Errors
/// If the transaction would revert or halt.
pub fn tell(report: &SimulationReport, subject: &Subject, source: &str) -> Result<Answer, Failure> {
    let decoder = &subject.decoder;
    let logs: Vec<DecodedLog> = report
        .logs
        .iter()
        .map(|log| decoder.log(log.address, &LogData::new_unchecked(log.topics.clone(), log.data.clone())))
        .collect();
    let revert = (report.status == Status::Revert).then(|| decoder.revert(&report.output));
    let mut rows =
        vec![("status", status_name(report.status).to_owned()), ("block", report.block_number.to::<u64>().to_string())];
    rows.push(("gas used", gas_text(report)));
    if let Some(address) = report.created {
        rows.push(("contract", address.to_checksum(None)));
    } else if report.status == Status::Success {
        rows.extend(returned_text(subject, &report.output).map(|text| ("returns", text)));
    }
    if !logs.is_empty() {
        rows.push(("logs", logs.iter().map(DecodedLog::text).collect::<Vec<_>>().join("\n")));
    }
    if let Some(call) = &report.call {
        let mut lines = Vec::new();
        call_lines(call, decoder, 0, &mut lines);
        rows.push(("calls", lines.join("\n")));
    }
    let changes: Vec<String> = report
        .state_diff
        .iter()
        .map(|(address, diff)| format!("{}\n{}", address.to_checksum(None), diff_lines(diff).join("\n")))
        .collect();
    if !changes.is_empty() {
        rows.push(("changes", changes.join("\n")));
    }
    let object = json!({
        "source": source,
        "blockNumber": report.block_number.to::<u64>(),
        "status": status_name(report.status),
        "haltReason": report.halt_reason,
        "output": report.output,
        "values": if report.status == Status::Success { returned_json(subject, &report.output) } else { Value::Null },
        "revert": revert.as_ref().map(super::super::abi::Revert::json),
        "gasUsed": report.gas_used.to::<u64>(),
        "gasRefunded": report.gas_refunded.to::<u64>(),
        "contractAddress": report.created.map(|address| address.to_checksum(None)),
        "logs": logs.iter().map(DecodedLog::json).collect::<Vec<_>>(),
        "calls": report.call.as_ref().map(|call| call_json(call, decoder)),
        "stateDiff": state_json(report),
        "missing": [],
    });
    let answer = Answer::new(columns(&rows), object);
    match report.status {
        Status::Success => Ok(answer),
        Status::Revert => {
            let reason = revert.map_or_else(String::new, |revert| revert.text());
            Err(Failure::failed("the transaction would revert").because(reason).after(answer))
        }
        Status::Halt => Err(Failure::failed("the transaction would halt and burn all its gas")
            .because(report.halt_reason.as_deref().unwrap_or("the server gives no reason"))
            .after(answer)),
    }
}

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Success => "success",
        Status::Revert => "revert",
        Status::Halt => "halt",
    }
}

fn gas_text(report: &SimulationReport) -> String {
    let refunded = report.gas_refunded.to::<u64>();
    let used = report.gas_used.to::<u64>();
    if refunded == 0 { used.to_string() } else { format!("{used} ({refunded} more were refunded)") }
}

/// The results of the method called, if there are any.
pub fn returned_text(subject: &Subject, output: &Bytes) -> Option<String> {
    let decoded = subject.function.as_ref().and_then(|function| outputs(function, output).ok());
    match decoded {
        Some(values) if values.is_empty() => None,
        Some(values) => Some(values.iter().map(|named| text(&named.value)).collect::<Vec<_>>().join("\n")),
        None if output.is_empty() => None,
        None => Some(output.to_string()),
    }
}

/// As [`returned_text`], for `--json`: `null` if they cannot be decoded.
pub fn returned_json(subject: &Subject, output: &Bytes) -> Value {
    let function = subject.function.as_ref().filter(|function| !function.outputs.is_empty());
    let values = function.and_then(|function| outputs(function, output).ok());
    values.map_or(Value::Null, |values| list_json(&values))
}

fn call_lines(call: &CallReport, decoder: &Decoder, depth: usize, lines: &mut Vec<String>) {
    let what = match decoder.input(&call.input) {
        _ if call.kind.starts_with("create") => format!("{} bytes", call.input.len()),
        Some((name, arguments)) => format!("{name}({})", list_text(&arguments)),
        None if call.input.is_empty() => "no data".to_owned(),
        None => match call.input.get(..4) {
            Some(selector) => format!("0x{} and {} bytes", hex::encode(selector), call.input.len() - 4),
            None => call.input.to_string(),
        },
    };
    let value = if call.value.is_zero() { String::new() } else { format!(" with {}", format_amount(call.value)) };
    let end = match call.status {
        Status::Success => String::new(),
        Status::Revert => format!(": {}", decoder.revert(&call.output).text()),
        Status::Halt => format!(": halted: {}", call.halt_reason.as_deref().unwrap_or("no reason given")),
    };
    let indent = "  ".repeat(depth);
    let gas = call.gas_used.to::<u64>();
    lines.push(format!("{indent}{} {} {what}{value}, {gas} gas{end}", call.kind, call.to.to_checksum(None)));
    for inner in &call.calls {
        call_lines(inner, decoder, depth + 1, lines);
    }
}

fn call_json(call: &CallReport, decoder: &Decoder) -> Value {
    let decoded = decoder.input(&call.input).filter(|_| !call.kind.starts_with("create"));
    json!({
        "kind": call.kind,
        "from": call.from.to_checksum(None),
        "to": call.to.to_checksum(None),
        "value": call.value.to_string(),
        "gas": call.gas.to::<u64>(),
        "gasUsed": call.gas_used.to::<u64>(),
        "input": call.input,
        "method": decoded.as_ref().map(|(name, _)| name),
        "arguments": decoded.as_ref().map(|(_, arguments)| list_json(arguments)),
        "output": call.output,
        "status": status_name(call.status),
        "haltReason": call.halt_reason,
        "revert": (call.status == Status::Revert).then(|| decoder.revert(&call.output).json()),
        "calls": call.calls.iter().map(|inner| call_json(inner, decoder)).collect::<Vec<_>>(),
    })
}

fn diff_lines(diff: &AccountDiff) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(Change { from, to }) = &diff.balance {
        let change = if to > from {
            format!("+{}", format_amount(*to - *from))
        } else {
            format!("-{}", format_amount(*from - *to))
        };
        lines.push(format!("  balance {} → {} ({change})", format_amount(*from), format_amount(*to)));
    }
    if let Some(Change { from, to }) = &diff.nonce {
        lines.push(format!("  nonce {} → {}", from.to::<u64>(), to.to::<u64>()));
    }
    if let Some(Change { from, to }) = &diff.code_hash {
        lines.push(format!("  code hash {from} → {to}"));
    }
    for (slot, Change { from, to }) in &diff.storage {
        lines.push(format!("  slot {slot}: {from} → {to}"));
    }
    lines
}

fn state_json(report: &SimulationReport) -> Value {
    let wei = |change: &Change<U256>| json!({"before": change.from.to_string(), "after": change.to.to_string()});
    let count = |change: &Change<U64>| json!({"before": change.from.to::<u64>(), "after": change.to.to::<u64>()});
    let word = |change: &Change<B256>| json!({"before": change.from, "after": change.to});
    let account = |diff: &AccountDiff| {
        let storage: Map<String, Value> =
            diff.storage.iter().map(|(slot, change)| (slot.to_string(), word(change))).collect();
        json!({
            "balance": diff.balance.as_ref().map(wei),
            "nonce": diff.nonce.as_ref().map(count),
            "codeHash": diff.code_hash.as_ref().map(word),
            "storage": storage,
        })
    };
    Value::Object(report.state_diff.iter().map(|(address, diff)| (address.to_checksum(None), account(diff))).collect())
}
