//! `esker simulate` against servers.

use serde_json::{Value, json};

use crate::process::esker;
use crate::scripted_server::Script;

const TO: &str = "0x00000000000000000000000000000000000000aa";
const FROM: &str = "0x00000000000000000000000000000000000000bb";

fn report(status: &str, output: &str) -> Value {
    let word = |value: u64| format!("0x{value:064x}");
    json!({
        "blockNumber": "0x5", "status": status, "output": output, "gasUsed": "0xc350", "gasRefunded": "0x12c0",
        "logs": [{"address": TO, "topics": ["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef", word(1), word(2)], "data": word(7)}],
        "stateDiff": {
            FROM: {"balance": {"from": "0xde0b6b3a7640000", "to": "0x6f05b59d3b20000"}, "nonce": {"from": "0x0", "to": "0x1"}},
            TO: {"storage": {word(0): {"from": word(1), "to": word(2)}}},
        },
        "call": {
            "kind": "call", "from": FROM, "to": TO, "value": "0x0", "gas": "0x10000", "gasUsed": "0x100", "input": "0x12345678",
            "output": output, "status": status, "calls": [{
                "kind": "static", "from": TO, "to": FROM, "value": "0x0", "gas": "0x1000", "gasUsed": "0x10", "input": "0x",
                "output": "0x", "status": "halt", "haltReason": "out of gas",
            }],
        },
    })
}

#[test]
fn a_simulation_is_told_whole() {
    let output = format!("0x{:064x}", 42);
    let server = Script::chain().answer("esker_simulate", report("success", &output)).start();
    let arguments = ["simulate", "--to", TO, "--from", FROM, "f(uint256)(uint256)", "9", "--rpc-url", &server.url];
    let run = esker(&arguments).expect(0);
    for words in [
        "success",
        "50000 (4800 more were refunded)",
        "42",
        "Transfer(from: ",
        "value: 7)",
        "call 0x00000000000000000000000000000000000000AA",
        "  static 0x00000000000000000000000000000000000000bb no data, 16 gas: halted: out of gas",
        "balance 1 ether → 0.5 ether (-0.5 ether)",
        "nonce 0 → 1",
        "slot 0x0000",
    ] {
        assert!(run.stdout.contains(words), "{words:?} is missing in {}", run.stdout);
    }
    let asked = &server.asked("esker_simulate")[0];
    assert_eq!((&asked[0]["to"], &asked[1]), (&json!(TO), &json!("pending")));
    let object = esker(&[&arguments[..], &["--json"]].concat()).expect(0).json();
    assert_eq!(
        (&object["status"], &object["gasUsed"], &object["source"]),
        (&json!("success"), &json!(50_000), &json!("esker_simulate"))
    );
    assert_eq!(object["values"][0]["value"], "42");
    assert_eq!(
        object["stateDiff"]["0x00000000000000000000000000000000000000bb"]["nonce"],
        json!({"before": 0, "after": 1})
    );
    assert_eq!(object["calls"]["calls"][0]["haltReason"], "out of gas");
    assert_eq!(object["logs"][0]["event"]["name"], "Transfer");
}

#[test]
fn a_simulation_that_fails_is_told_whole_too_and_exits_with_1() {
    let panic = format!("0x4e487b71{:064x}", 0x32);
    let server = Script::chain().answer("esker_simulate", report("revert", &panic)).start();
    let arguments = ["simulate", TO, "f()", "--rpc-url", &server.url];
    let run = esker(&arguments).expect(1);
    assert!(run.stdout.contains("revert") && run.stdout.contains("50000"), "{run:#?}");
    assert!(run.stderr.contains("an index outside its array"), "{run:#?}");
    let object = esker(&[&arguments[..], &["--json"]].concat()).expect(1).json();
    assert_eq!((&object["revert"]["code"], &object["error"]["kind"]), (&json!("0x32"), &json!("failed")));

    let mut halted = report("halt", "0x");
    halted["haltReason"] = json!("out of gas");
    let server = Script::chain().answer("esker_simulate", halted).start();
    let run = esker(&["simulate", "--to", TO, "--rpc-url", &server.url]).expect(1);
    assert!(run.stderr.contains("out of gas"), "{run:#?}");
}

#[test]
fn a_transaction_that_no_block_would_take_exits_with_1() {
    let server =
        Script::chain().refuse("esker_simulate", -32000, "nonce too low: next nonce 5, tx nonce 3", None).start();
    let object = esker(&["simulate", "--to", TO, "--json", "--rpc-url", &server.url]).expect(1).json();
    assert_eq!(object["error"]["rpcCode"], -32000);
    assert!(object["error"]["reason"].as_str().expect("words").contains("nonce too low"), "{object}");
}

#[test]
fn any_ethereum_node_is_asked_what_it_can_tell() {
    let output = format!("0x{:064x}", 42);
    let server = Script::chain().answer("eth_call", json!(output)).answer("eth_estimateGas", json!("0x5300")).start();
    let arguments = ["simulate", "--to", TO, "f()(uint256)", "--rpc-url", &server.url];
    let run = esker(&arguments).expect(0);
    assert!(
        run.stdout.contains("42") && run.stdout.contains("21248") && run.stdout.contains("cannot be told"),
        "{run:#?}"
    );
    let object = esker(&[&arguments[..], &["--json"]].concat()).expect(0).json();
    assert_eq!((&object["source"], &object["missing"][0]), (&json!("eth_call"), &json!("logs")));

    let panic = format!("0x4e487b71{:064x}", 0x12);
    let server = Script::chain().refuse("eth_call", 3, "execution reverted", Some(&panic)).start();
    let object = esker(&["simulate", "--to", TO, "f()", "--json", "--rpc-url", &server.url]).expect(1).json();
    assert_eq!((&object["status"], &object["revert"]["code"]), (&json!("revert"), &json!("0x12")));
}

#[test]
fn a_signed_transaction_is_checked_against_the_chain() {
    // EIP-1559, chain id 1, signed by the key 0x4646…46 (that of EIP-155's example).
    use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
    use alloy_eips::eip2718::Encodable2718;
    use alloy_signer::SignerSync;
    let signer = alloy_signer_local::PrivateKeySigner::from_slice(&[0x46; 32]).expect("a key");
    let sign = |chain_id: u64| {
        let to = alloy_primitives::TxKind::Call(TO.parse().expect("an address"));
        let transaction = TxEip1559 { chain_id, gas_limit: 21_000, max_fee_per_gas: 9, to, ..TxEip1559::default() };
        let signature = signer.sign_hash_sync(&transaction.signature_hash()).expect("signed");
        let signed = TxEnvelope::Eip1559(transaction.into_signed(signature));
        alloy_primitives::hex::encode_prefixed(signed.encoded_2718())
    };
    let server = Script::chain().answer("esker_simulate", report("success", "0x")).start();
    let raw = sign(31_337);
    esker(&["simulate", "--raw", &raw, "--rpc-url", &server.url]).expect(0);
    assert_eq!(server.asked("esker_simulate")[0][0], json!(raw));
    let run = esker(&["simulate", "--raw", &sign(1), "--rpc-url", &server.url]).expect(1);
    assert!(run.stderr.contains("signed for chain id 1"), "{run:#?}");
    // Servers without the method get the call that it makes, with its sender and fees.
    let server = Script::chain().answer("eth_call", json!("0x")).answer("eth_estimateGas", json!("0x5208")).start();
    esker(&["simulate", "--raw", &raw, "--rpc-url", &server.url]).expect(0);
    let asked = &server.asked("eth_call")[0][0];
    let from = signer.address().to_string().to_lowercase();
    assert_eq!(
        (&asked["from"], &asked["maxFeePerGas"], &asked["gas"]),
        (&json!(from), &json!("0x9"), &json!("0x5208"))
    );
}
