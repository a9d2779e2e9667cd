//! `esker send` and `esker deploy`.

use alloy_consensus::transaction::SignerRecoverable;
use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, Bytes, U256, address};
use serde_json::{Value, json};

use crate::process::{Run, command, esker, esker_in, finish};
use crate::scripted_server::{Script, Server};

const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const SENDER: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
const TO: &str = "0x00000000000000000000000000000000000000aa";
const HASH: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";

fn receipt(status: &str, contract: Option<&str>, logs: &Value) -> Value {
    json!({
        "type": "0x2", "status": status, "cumulativeGasUsed": "0x5208", "gasUsed": "0x5208", "effectiveGasPrice": "0x3b9aca01",
        "logsBloom": format!("0x{}", "0".repeat(512)), "logs": logs, "transactionHash": HASH, "transactionIndex": "0x0",
        "blockHash": HASH, "blockNumber": "0x2", "from": SENDER, "to": if contract.is_some() { Value::Null } else { json!(TO) },
        "contractAddress": contract,
    })
}

fn transfer_log() -> Value {
    let word = |value: u64| format!("0x{value:064x}");
    json!([{
        "address": TO, "topics": ["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef", word(1), word(2)],
        "data": word(7), "blockNumber": "0x2", "blockHash": HASH, "transactionHash": HASH, "transactionIndex": "0x0",
        "logIndex": "0x0", "removed": false,
    }])
}

fn send(server: &Server, more: &[&str]) -> Run {
    finish(command(&[&["send", TO, "--rpc-url", &server.url][..], more].concat()).env("ESKER_PRIVATE_KEY", KEY))
}

fn sent(server: &Server) -> TxEnvelope {
    let asked = server.asked("eth_sendRawTransaction");
    assert_eq!(asked.len(), 1, "one transaction is sent");
    let raw: Bytes = serde_json::from_value(asked[0][0].clone()).expect("bytes");
    TxEnvelope::decode_2718_exact(&raw).expect("the transaction is well-formed")
}

#[test]
fn a_transaction_is_filled_in_signed_sent_and_waited_for() {
    let script = Script::chain()
        .answer("eth_getCode", json!("0xef"))
        .answer("eth_estimateGas", json!("0x186a0"))
        .answer("eth_sendRawTransaction", json!(HASH))
        .answer("eth_getTransactionReceipt", Value::Null)
        .answer("eth_getTransactionReceipt", receipt("0x1", None, &transfer_log()));
    let server = script.start();
    let arguments = ["transfer(address,uint256)", TO, "7", "--value", "0.5gwei", "--json"];
    let object = send(&server, &arguments).expect(0).json();
    let sent = sent(&server);
    assert_eq!(sent.recover_signer().expect("signed"), SENDER);
    assert_eq!((sent.chain_id(), sent.nonce(), sent.gas_limit()), (Some(31337), 5, 110_000));
    assert_eq!((sent.max_fee_per_gas(), sent.max_priority_fee_per_gas()), (2_000_000_001, Some(1)));
    assert_eq!((sent.value(), &sent.input()[..4]), (U256::from(500_000_000), &[0xa9, 0x05, 0x9c, 0xbb][..]));
    assert_eq!(object["status"], "success");
    assert_eq!(
        (&object["blockNumber"], &object["gasUsed"], &object["gasLimit"]),
        (&json!(2), &json!(21000), &json!(110_000))
    );
    assert_eq!(object["fee"], (21_000u64 * 1_000_000_001).to_string());
    assert_eq!(object["logs"][0]["event"]["name"], "Transfer");
    assert_eq!(object["logs"][0]["event"]["arguments"][2]["value"], "7");
    assert!(object.get("error").is_none());
}

#[test]
fn a_method_is_not_sent_where_no_contract_is() {
    let script = || Script::chain().answer("eth_sendRawTransaction", json!(HASH));
    let server = script().answer("eth_getCode", json!("0x")).start();
    let more = ["transfer(address,uint256)", TO, "7", "--gas-limit", "50000", "--no-wait"];
    let run = send(&server, &more).expect(1);
    assert!(run.stderr.contains("there is no contract at") && run.stderr.contains("nothing was sent"), "{run:#?}");
    assert!(server.asked("eth_sendRawTransaction").is_empty());
    // Call data, and coins alone, go wherever they are sent.
    for more in [&["0xa9059cbb"][..], &["--value", "1"]] {
        let server = script().start();
        send(&server, &[more, &["--gas-limit", "50000", "--no-wait"]].concat()).expect(0);
        assert_eq!(server.asked("eth_sendRawTransaction").len(), 1);
    }
}

#[test]
fn fees_nonce_and_limit_may_be_given() {
    let script = || Script::chain().answer("eth_sendRawTransaction", json!(HASH));
    let server = script().start();
    let more = ["--no-wait", "--gas-limit", "50000", "--nonce", "9", "--max-fee", "30gwei", "--priority-fee", "2gwei"];
    let run = send(&server, &more).expect(0);
    assert!(run.stdout.contains(HASH) && run.stdout.contains("sent"), "{run:#?}");
    let transaction = sent(&server);
    assert_eq!((transaction.nonce(), transaction.gas_limit()), (9, 50_000));
    assert_eq!(transaction.max_fee_per_gas(), 30_000_000_000);
    assert!(server.asked("eth_estimateGas").is_empty() && server.asked("eth_getTransactionCount").is_empty());

    let server = script().answer("eth_gasPrice", json!("0x9")).start();
    send(&server, &["--no-wait", "--gas-limit", "21000", "--legacy"]).expect(0);
    assert_eq!((sent(&server).gas_price(), sent(&server).chain_id()), (Some(9), Some(31337)));
}

#[test]
fn what_would_revert_is_not_sent() {
    let panic = format!("0x4e487b71{:064x}", 0x12);
    let server = Script::chain().refuse("eth_estimateGas", 3, "execution reverted", Some(&panic)).start();
    let object = send(&server, &["--json"]).expect(1).json();
    assert_eq!(object["error"]["revert"]["code"], "0x12");
    assert!(object["error"]["message"].as_str().expect("words").contains("not sent"), "{object}");
    assert!(server.asked("eth_sendRawTransaction").is_empty());
}

#[test]
fn a_failed_transaction_tells_its_reason_and_exits_with_1() {
    let panic = format!("0x4e487b71{:064x}", 0x01);
    let server = Script::chain()
        .answer("eth_sendRawTransaction", json!(HASH))
        .answer("eth_getTransactionReceipt", receipt("0x0", None, &json!([])))
        .refuse("eth_call", 3, "execution reverted", Some(&panic))
        .start();
    let run = send(&server, &["--gas-limit", "30000"]).expect(1);
    assert!(run.stdout.contains("failed") && run.stderr.contains("an assertion failed"), "{run:#?}");
    assert_eq!(server.asked("eth_call")[0][1], "0x1", "it is asked on the state before its block");
    let object = send(&server, &["--gas-limit", "30000", "--json"]).expect(1).json();
    assert_eq!((&object["status"], &object["error"]["revert"]["kind"]), (&json!("failed"), &json!("panic")));
}

#[test]
fn refusals_come_with_what_to_do() {
    for (message, words) in [
        ("insufficient funds for gas * price + value: balance 0", "send coins to"),
        ("nonce too low: next nonce 5, tx nonce 3", "leave out --nonce"),
        ("replacement transaction underpriced", "raise --max-fee"),
        ("intrinsic gas too low: gas 1, minimum needed 21000", "leave out --gas-limit"),
        ("anything else", "anything else"),
    ] {
        let server = Script::chain().refuse("eth_sendRawTransaction", -32000, message, None).start();
        let run = send(&server, &["--gas-limit", "1"]).expect(1);
        assert!(run.stderr.contains(message) && run.stderr.contains(words), "{run:#?}");
    }
}

#[test]
fn a_transaction_that_stays_out_of_blocks_is_named_and_exits_with_3() {
    let server = Script::chain()
        .answer("eth_sendRawTransaction", json!(HASH))
        .answer("eth_getTransactionReceipt", Value::Null)
        .answer("eth_getTransactionByHash", Value::Null)
        .start();
    let object = send(&server, &["--gas-limit", "21000", "--timeout", "1", "--json"]).expect(3).json();
    assert_eq!(object["error"]["transactionHash"], HASH);
    assert!(object["error"]["reason"].as_str().expect("words").contains("does not know it"), "{object}");
}

#[test]
fn a_development_nodes_account_can_send() {
    let server = Script::chain()
        .answer("eth_accounts", json!([SENDER]))
        .answer("eth_estimateGas", json!("0x5208"))
        .answer("eth_sendTransaction", json!(HASH))
        .answer("eth_getTransactionReceipt", receipt("0x1", None, &json!([])))
        .start();
    esker(&["send", TO, "--value", "1ether", "--unlocked", "--rpc-url", &server.url]).expect(0);
    let asked = &server.asked("eth_sendTransaction")[0][0];
    assert_eq!(
        (&asked["gas"], &asked["nonce"], &asked["value"]),
        (&json!("0x5208"), &json!("0x5"), &json!("0xde0b6b3a7640000"))
    );
    assert_eq!(asked["from"].as_str().expect("an address").to_lowercase(), SENDER.to_string().to_lowercase());
}

#[test]
fn nobody_to_send_is_wrong_usage() {
    let server = Script::chain().answer("eth_accounts", json!([])).start();
    let run = esker(&["send", TO, "--rpc-url", &server.url]).expect(2);
    assert!(run.stderr.contains("--keystore NAME"), "{run:#?}");
    let run = esker(&["send", TO, "--unlocked", "--rpc-url", &server.url]).expect(2);
    assert!(run.stderr.contains("holds no accounts"), "{run:#?}");
    let run = send(&server, &["--from", TO]).expect(2);
    assert!(run.stderr.contains("is not that of"), "{run:#?}");
}

#[test]
fn a_contract_is_deployed_from_its_artifact() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(folder.path().join("artifacts")).expect("writable");
    let constructor = json!({"type": "constructor", "inputs": [{"name": "supply", "type": "uint256"}], "stateMutability": "nonpayable"});
    let artifact = json!({"contractName": "Token", "abi": [constructor], "bytecode": "0xef45534b"});
    std::fs::write(folder.path().join("artifacts/Token.json"), artifact.to_string()).expect("writable");
    let server = Script::chain()
        .answer("eth_estimateGas", json!("0x30d40"))
        .answer("eth_sendRawTransaction", json!(HASH))
        .answer("eth_getTransactionReceipt", receipt("0x1", Some(TO), &json!([])))
        .start();
    let arguments = ["deploy", "Token", "3", "--private-key", KEY, "--rpc-url", &server.url, "--json"];
    let object = esker_in(folder.path(), &arguments).expect(0).json();
    assert_eq!(object["contractAddress"], "0x00000000000000000000000000000000000000AA");
    let transaction = sent(&server);
    assert!(transaction.is_create());
    assert_eq!(transaction.input().to_string(), format!("0xef45534b{:064x}", 3));
    let run = esker_in(folder.path(), &["deploy", "Token"]).expect(2);
    assert!(run.stderr.contains("the constructor of Token takes 1 argument, 0 given"), "{run:#?}");
    let run = esker_in(folder.path(), &["deploy", "Coin"]).expect(2);
    assert!(run.stderr.contains("holds Token"), "{run:#?}");
}
