//! Simulating on a server without `esker_simulate`: what `eth_call` and `eth_estimateGas` can say, and what they cannot.

use alloy_consensus::Transaction as _;
use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::{Bytes, U64, U256};
use serde_json::{Value, json};

use super::super::answer::{Answer, columns, printable};
use super::super::failure::Failure;
use super::super::rpc::{Rpc, RpcFailure};
use super::report::{returned_json, returned_text};
use super::{Request, Subject, decode_signed};

/// What this way cannot tell.
const MISSING: [&str; 4] = ["logs", "calls", "stateDiff", "gasRefunded"];

/// Asks what can be asked.
///
/// # Errors
/// If it would revert or the server refuses it.
pub async fn simulate(rpc: &Rpc, subject: &Subject, block: &Value) -> Result<Answer, Failure> {
    let call = match &subject.request {
        Request::Call { .. } => subject.request.param(),
        Request::Raw(raw) => unsigned(raw)?,
    };
    let note = "the server knows no esker_simulate: logs, calls and state changes cannot be told";
    let output: Bytes = match rpc.request("eth_call", &[call.clone(), block.clone()]).await {
        Ok(output) => output,
        Err(RpcFailure::Refused(refusal)) if !refusal.is_unknown_method() => {
            let revert = refusal.revert_data().map(|data| subject.decoder.revert(&data));
            let status = if revert.is_some() { "revert" } else { "refused" };
            let text = columns(&[("status", status.to_owned()), ("note", note.to_owned())]);
            let revert_json = revert.as_ref().map(super::super::abi::Revert::json);
            let output = refusal.revert_data();
            let object = json!({"source": "eth_call", "status": status, "output": output, "revert": revert_json, "missing": MISSING});
            let failure = Failure::failed("the transaction would fail").with("rpcCode", refusal.code);
            let failure = match revert {
                Some(revert) if output.as_ref().is_some_and(|data| !data.is_empty()) => failure.because(revert.text()),
                _ => failure.because(printable(&refusal.message)),
            };
            return Err(failure.after(Answer::new(text, object)));
        }
        Err(failure) => return Err(failure.into()),
    };
    // An estimate is the least gas limit that suffices; the gas used is at most that.
    let estimate = rpc.request::<U64>("eth_estimateGas", &[call, block.clone()]).await.ok().map(|gas| gas.to::<u64>());
    let mut rows = vec![("status", "success".to_owned())];
    rows.extend(returned_text(subject, &output).map(|text| ("returns", text)));
    if let Some(gas) = estimate {
        rows.push(("gas limit", format!("{gas} suffices (the server's estimate)")));
    }
    rows.push(("note", note.to_owned()));
    let object = json!({
        "source": "eth_call",
        "status": "success",
        "output": output,
        "values": returned_json(subject, &output),
        "revert": null,
        "gasEstimate": estimate,
        "missing": MISSING,
    });
    Ok(Answer::new(columns(&rows), object))
}

/// The call that a signed transaction makes.
fn unsigned(raw: &Bytes) -> Result<Value, Failure> {
    let signed = decode_signed(raw)?;
    let from = signed.recover_signer().map_err(|error| Failure::usage("--raw names no sender").because(error))?;
    let mut call = json!({
        "from": from,
        "value": signed.value(),
        "input": signed.input(),
        "gas": U64::from(signed.gas_limit()),
        "nonce": U64::from(signed.nonce()),
    });
    if let Some(to) = signed.to() {
        call["to"] = json!(to);
    }
    if let Some(list) = signed.access_list() {
        call["accessList"] = json!(list);
    }
    match signed.gas_price() {
        Some(price) => call["gasPrice"] = json!(U256::from(price)),
        None => {
            call["maxFeePerGas"] = json!(U256::from(signed.max_fee_per_gas()));
            call["maxPriorityFeePerGas"] = json!(U256::from(signed.max_priority_fee_per_gas().unwrap_or_default()));
        }
    }
    Ok(call)
}
