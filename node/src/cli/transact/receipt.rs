//! Waiting for a receipt, and telling what it says.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes, U64, U256};
use alloy_rpc_types_eth::TransactionReceipt;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::super::abi::Decoder;
use super::super::answer::{Answer, columns, printable, remark};
use super::super::failure::Failure;
use super::super::rpc::{Rpc, RpcFailure};
use super::super::units::{format_amount, format_price};
use super::Draft;

/// Requests in a row that may go unanswered before waiting is given up.
const UNANSWERED_MAX: u32 = 5;

/// Waits until the transaction is in a block.
///
/// # Errors
/// If it is not in time, or the server went away; the failure names the transaction.
pub async fn wait(rpc: &Rpc, hash: B256, timeout: Duration) -> Result<TransactionReceipt, Failure> {
    let start = Instant::now();
    let progress = ProgressBar::new_spinner();
    let shown = std::io::stderr().is_terminal();
    let mut announced = false;
    let mut pause = Duration::from_millis(20);
    let mut unanswered = 0;
    loop {
        match rpc.request::<Option<TransactionReceipt>>("eth_getTransactionReceipt", &[json!(hash)]).await {
            Ok(Some(receipt)) => {
                progress.finish_and_clear();
                return Ok(receipt);
            }
            Ok(None) => unanswered = 0,
            // geth answers so while it indexes.
            Err(RpcFailure::Refused(refusal)) if refusal.message.contains("indexing") => {}
            Err(failure) => {
                unanswered += 1;
                if unanswered == UNANSWERED_MAX {
                    progress.finish_and_clear();
                    let hint = format!("the transaction {hash} was sent; ask for its receipt later");
                    return Err(Failure::from(failure).hint(hint).with("transactionHash", hash.to_string()));
                }
            }
        }
        let waited = start.elapsed();
        if waited >= timeout {
            progress.finish_and_clear();
            return Err(timed_out(rpc, hash, timeout).await);
        }
        if shown {
            progress.set_message(format!("waiting for {hash} ({} s)", waited.as_secs()));
            progress.tick();
        } else if !announced && waited > Duration::from_secs(2) {
            announced = true;
            remark(&format!("waiting for {hash} for up to {} s", timeout.as_secs()));
        }
        tokio::time::sleep(pause.min(timeout.saturating_sub(waited))).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(1));
    }
}

async fn timed_out(rpc: &Rpc, hash: B256, timeout: Duration) -> Failure {
    let known = rpc.request::<Option<Value>>("eth_getTransactionByHash", &[json!(hash)]).await;
    let reason = match known {
        Ok(Some(_)) => "the server still holds it in its pool: its fee may be too low, or an earlier nonce is missing",
        Ok(None) => "the server does not know it any more",
        Err(_) => "the server does not say what became of it",
    };
    Failure::infrastructure(format!("the transaction {hash} is in no block after {} s", timeout.as_secs()))
        .because(reason)
        .hint("wait longer with --timeout, or send it again with the same --nonce and higher fees")
        .with("transactionHash", hash.to_string())
}

/// What became of the transaction.
///
/// # Errors
/// If it failed.
pub async fn tell(
    rpc: &Rpc,
    draft: &Draft,
    receipt: &TransactionReceipt,
    decoder: &Decoder,
) -> Result<Answer, Failure> {
    let success = receipt.inner.status();
    let fee = U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price);
    let logs = decoder.logs(receipt.inner.logs());
    let created = receipt.contract_address.filter(|_| success);
    let status = if success { "success" } else { "failed" };
    let block = match (receipt.block_number, receipt.block_hash) {
        (Some(number), Some(hash)) => format!("{number} ({hash})"),
        _ => "unknown".to_owned(),
    };
    let mut rows = vec![("transaction", receipt.transaction_hash.to_string()), ("status", status.to_owned())];
    if let Some(address) = created {
        rows.push(("contract", address.to_checksum(None)));
    }
    rows.push(("block", block));
    rows.push(("gas used", format!("{} of {}", receipt.gas_used, draft.gas_limit)));
    rows.push(("fee", format!("{} ({} a gas)", format_amount(fee), format_price(receipt.effective_gas_price))));
    let shown: Vec<String> = logs.iter().map(super::super::abi::DecodedLog::text).collect();
    if !shown.is_empty() {
        rows.push(("logs", shown.join("\n")));
    }
    let object = json!({
        "transactionHash": receipt.transaction_hash,
        "status": status,
        "from": receipt.from.to_checksum(None),
        "to": receipt.to.map(|to| to.to_checksum(None)),
        "nonce": draft.nonce,
        "contractAddress": created.map(|address| address.to_checksum(None)),
        "blockNumber": receipt.block_number,
        "blockHash": receipt.block_hash,
        "transactionIndex": receipt.transaction_index,
        "gasUsed": receipt.gas_used,
        "gasLimit": draft.gas_limit,
        "effectiveGasPrice": receipt.effective_gas_price.to_string(),
        "fee": fee.to_string(),
        "logs": logs.iter().map(super::super::abi::DecodedLog::json).collect::<Vec<_>>(),
    });
    let answer = Answer::new(columns(&rows), object);
    if success {
        return Ok(answer);
    }
    let failure = Failure::failed("the transaction failed; its fee is paid, its effects are undone");
    Err(match why(rpc, draft, receipt).await {
        Why::Reverted(data) => {
            let revert = decoder.revert(&data);
            failure.because(revert.text()).with("revert", revert.json())
        }
        Why::Words(words) => failure.because(words),
        Why::Unknown if receipt.gas_used >= draft.gas_limit => {
            failure.because("all its gas is burnt: it ran out of gas, or trapped").hint("try a higher --gas-limit")
        }
        Why::Unknown => failure.because("the reason cannot be asked for again: asked now, it would succeed"),
    }
    .after(answer))
}

enum Why {
    Reverted(Bytes),
    Words(String),
    Unknown,
}

/// Asks again, on the state before its block. Transactions before it in the block may make a difference.
async fn why(rpc: &Rpc, draft: &Draft, receipt: &TransactionReceipt) -> Why {
    let mut call = draft.call();
    call["gas"] = json!(U64::from(draft.gas_limit));
    let parent = receipt.block_number.and_then(|number| number.checked_sub(1)).map(U64::from);
    // Servers without old states know the latest one.
    for block in parent.map(|number| json!(number)).into_iter().chain([json!("latest")]) {
        match rpc.request::<Bytes>("eth_call", &[call.clone(), block]).await {
            Ok(_) => return Why::Unknown,
            Err(RpcFailure::Refused(refusal)) => match refusal.revert_data() {
                Some(data) => return Why::Reverted(data),
                None if is_about_state(&refusal.message) => {}
                None => return Why::Words(printable(&refusal.message)),
            },
            Err(RpcFailure::Unanswered(_)) => return Why::Unknown,
        }
    }
    Why::Unknown
}

fn is_about_state(message: &str) -> bool {
    let text = message.to_lowercase();
    ["state", "header not found", "trie node", "history", "historical", "pruned", "archive"]
        .iter()
        .any(|word| text.contains(word))
}
