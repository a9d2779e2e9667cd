//! Contract code through JSON-RPC: reverts, halts, logs, storage, proofs.

mod support;

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_sol_types::{Panic, Revert, SolError};
use jsonrpsee::core::client::{Subscription, SubscriptionClientT};
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::ws_client::WsClientBuilder;
use serde_json::{Value, json};
use support::probe::{self, ECHO, LOG, LOOP, REVERT, STORE, TRAP, input};
use support::{TestNode, number};

/// What the contract answers to `eth_call` with this input.
async fn ask(node: &TestNode, to: &Value, what: u8, rest: &[u8]) -> Result<Value, (i32, String)> {
    node.call("eth_call", json!([{"to": to, "input": input(what, rest)}, "latest"])).await
}

/// Has the first account send it as a transaction and returns the receipt.
async fn tell(node: &TestNode, to: &Value, what: u8, rest: &[u8]) -> Value {
    let request = json!({"from": node.address(0), "to": to, "input": input(what, rest), "gas": "0x493e0"});
    let hash = node.ok("eth_sendTransaction", json!([request])).await;
    node.ok("eth_getTransactionReceipt", json!([hash])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployed_contract_answers_and_its_code_is_what_was_sent() {
    let node = TestNode::start().await;
    let contract = probe::deploy(&node, 0).await;
    let code: Bytes = serde_json::from_value(node.ok("eth_getCode", json!([contract])).await).expect("bytes");
    assert_eq!(code, probe::payload());
    assert_eq!(ask(&node, &contract, ECHO, b"hello").await, Ok(json!(hex::encode_prefixed(b"hello"))));
    let proof = node.ok("eth_getProof", json!([contract, [], "latest"])).await;
    assert_eq!(proof["codeHash"], json!(keccak256(&code)));
    let creation = json!({"from": node.address(0), "input": probe::payload()});
    let gas = number(&node.ok("eth_estimateGas", json!([creation])).await);
    let mut exact = creation.clone();
    exact["gas"] = json!(format!("{gas:#x}"));
    let hash = node.ok("eth_sendTransaction", json!([exact])).await;
    let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], json!("0x1"), "a limit equal to the estimate suffices");
}

/// A contract that does more in a block that nobody has called it in before, as one does that keeps a history by block.
#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_is_for_the_block_that_comes_next() {
    let node = TestNode::start().await;
    let text = r#"(module
        (import "esker_v1" "block_number" (func $number (result i64)))
        (import "esker_v1" "storage_load" (func $get (param i32 i32)))
        (import "esker_v1" "storage_store" (func $set (param i32 i32)))
        (memory (export "memory") 1)
        (func (export "call") (local $left i32)
            (i64.store (i32.const 32) (call $number))
            (call $get (i32.const 0) (i32.const 64))
            (if (i64.ne (i64.load (i32.const 64)) (call $number)) (then
                (call $set (i32.const 0) (i32.const 32))
                (local.set $left (i32.const 100000))
                (loop $again (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))))"#;
    let payload = esker_vm::envelope::encode(&wat::parse_str(text).expect("the text is a module"));
    let creation = json!({"from": node.address(0), "input": hex::encode_prefixed(payload)});
    let hash = node.ok("eth_sendTransaction", json!([creation])).await;
    let contract = node.ok("eth_getTransactionReceipt", json!([hash])).await["contractAddress"].clone();
    let call = json!({"from": node.address(0), "to": contract});
    let hash = node.ok("eth_sendTransaction", json!([call])).await;
    let used = number(&node.ok("eth_getTransactionReceipt", json!([hash])).await["gasUsed"]);
    // Within the last block, which has called it, it would cost less than in the next one.
    let head = node.ok("eth_blockNumber", json!([])).await;
    let within = number(&node.ok("eth_estimateGas", json!([call, head])).await);
    let mut estimates = Vec::new();
    for block in [json!([call]), json!([call, "latest"]), json!([call, "pending"])] {
        estimates.push(number(&node.ok("eth_estimateGas", block).await));
    }
    assert!(within < estimates[0] && estimates.iter().all(|gas| *gas == estimates[0]), "{within} {estimates:?}");
    let mut exact = call.clone();
    exact["gas"] = json!(format!("{:#x}", estimates[0]));
    let hash = node.ok("eth_sendTransaction", json!([exact])).await;
    let receipt = node.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], json!("0x1"), "estimated {estimates:?}, first used {used}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reverts_have_code_3_and_their_data() {
    let node = TestNode::start().await;
    let contract = probe::deploy(&node, 0).await;
    let reason = Revert::from("out of luck").abi_encode();
    let panic = Panic { code: U256::from(0x11) }.abi_encode();
    let custom = hex!("deadbeef").to_vec();
    for (data, words) in [
        (reason, "execution reverted: out of luck"),
        (panic, "execution reverted: arithmetic underflow or overflow"),
        (custom, "execution reverted"),
        (Vec::new(), "execution reverted"),
    ] {
        for method in ["eth_call", "eth_estimateGas"] {
            let request = json!([{"to": contract, "input": input(REVERT, &data)}]);
            let error = support::error_object(&node.http, method, request).await;
            assert_eq!((error.code(), error.message()), (3, words), "{method}");
            let expected = json!(hex::encode_prefixed(&data)).to_string();
            assert_eq!(error.data().map(|data| data.get().to_owned()), Some(expected), "{method}");
        }
    }
    let list = json!([{"to": contract, "input": input(REVERT, b"")}]);
    let list = node.ok("eth_createAccessList", list).await;
    assert_eq!(list["error"], json!("execution reverted"), "a failing call is a result here");
    let receipt = tell(&node, &contract, REVERT, b"no").await;
    assert_eq!(receipt["status"], json!("0x0"));
    assert!(number(&receipt["gasUsed"]) < 300_000, "unspent gas comes back");
}

#[tokio::test(flavor = "multi_thread")]
async fn halts_burn_the_gas_and_say_why() {
    let node = TestNode::start().await;
    let contract = probe::deploy(&node, 0).await;
    let (code, text) = ask(&node, &contract, TRAP, b"").await.unwrap_err();
    assert_eq!((code, text.as_str()), (-32000, "unreachable instruction executed"));
    let (code, text) = ask(&node, &contract, LOOP, b"").await.unwrap_err();
    assert_eq!((code, text.as_str()), (-32000, "out of gas"));
    for what in [TRAP, LOOP] {
        let receipt = tell(&node, &contract, what, b"").await;
        assert_eq!((&receipt["status"], &receipt["gasUsed"]), (&json!("0x0"), &json!("0x493e0")));
    }
    let report = node.ok("esker_simulate", json!([{"to": contract, "input": input(TRAP, b"")}])).await;
    assert_eq!(report["status"], json!("halt"));
    assert_eq!(report["haltReason"], json!("unreachable instruction executed"));
    let (code, text) = node.error("eth_estimateGas", json!([{"to": contract, "input": input(LOOP, b"")}])).await;
    assert!(code == -32000 && text.starts_with("gas required exceeds allowance ("), "{text}");
}

fn topic(number: u8) -> B256 {
    B256::with_last_byte(number)
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_found_filtered_and_pushed_with_their_place() {
    let node = TestNode::start().await;
    let contract = probe::deploy(&node, 0).await;
    let client = WsClientBuilder::default().build(node.ws_url()).await.expect("WebSocket on the same port");
    let mut wanted = ArrayParams::new();
    wanted.insert("logs").expect("plain data");
    wanted.insert(json!({"address": contract, "topics": [topic(2)]})).expect("plain data");
    let mut pushed: Subscription<Value> =
        client.subscribe("eth_subscribe", wanted, "eth_unsubscribe").await.expect("subscribes");
    let filter = node.ok("eth_newFilter", json!([{"topics": [[topic(1), topic(2)]]}])).await;

    node.ok("evm_setAutomine", json!([false])).await;
    for (from, number) in [(1, 1), (2, 2), (3, 3)] {
        let rest = [topic(number).as_slice(), b"data"].concat();
        let request = json!({"from": node.address(from), "to": contract, "input": input(LOG, &rest), "gas": "0x186a0"});
        node.ok("eth_sendTransaction", json!([request])).await;
    }
    node.ok("evm_mine", json!([])).await;
    let block = node.ok("eth_getBlockByNumber", json!(["latest", false])).await;
    let all = node.ok("eth_getLogs", json!([{"blockHash": block["hash"]}])).await;
    let all = all.as_array().expect("a list");
    assert_eq!(all.len(), 3);
    for (index, log) in all.iter().enumerate() {
        assert_eq!(log["logIndex"], json!(format!("{index:#x}")), "the index counts through the block");
        assert_eq!(log["blockHash"], block["hash"]);
        assert_eq!(log["blockTimestamp"], block["timestamp"]);
        assert_eq!(log["removed"], json!(false));
        assert_eq!(log["data"], json!(hex::encode_prefixed(b"data")));
        let receipt = node.ok("eth_getTransactionReceipt", json!([log["transactionHash"]])).await;
        assert_eq!(receipt["logs"], json!([log]), "a receipt shows the same log");
        assert_eq!(receipt["transactionIndex"], log["transactionIndex"]);
    }
    if let Some(schemas) = support::schema::Schemas::load() {
        all.iter().for_each(|log| schemas.check("Log", log));
    }
    let find = async |filter: Value| {
        let logs = node.ok("eth_getLogs", json!([filter])).await;
        logs.as_array().expect("a list").iter().map(|log| log["topics"][0].clone()).collect::<Vec<_>>()
    };
    let from_start = |rest: Value| {
        let mut filter = json!({"fromBlock": "earliest", "toBlock": "latest"});
        for (name, value) in rest.as_object().expect("an object") {
            filter[name] = value.clone();
        }
        filter
    };
    assert_eq!(find(from_start(json!({"topics": [topic(3)]}))).await, [json!(topic(3))]);
    let two = find(from_start(json!({"topics": [[topic(1), topic(3)]], "address": [contract]}))).await;
    assert_eq!(two.len(), 2);
    assert!(find(from_start(json!({"address": Address::repeat_byte(9)}))).await.is_empty());
    assert!(find(from_start(json!({"topics": [null, topic(1)]}))).await.is_empty());
    assert!(find(json!({"fromBlock": "0x0", "toBlock": "0x1"})).await.is_empty());

    let changes = node.ok("eth_getFilterChanges", json!([filter])).await;
    assert_eq!(changes, json!([all[0], all[1]]));
    let notified = tokio::time::timeout(std::time::Duration::from_secs(30), pushed.next()).await;
    let notified = notified.expect("in time").expect("open").expect("plain data");
    assert_eq!(notified, all[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_is_read_proven_and_shown_in_simulations() {
    let node = TestNode::start().await;
    let contract = probe::deploy(&node, 0).await;
    let rest = [topic(7).as_slice(), topic(42).as_slice()].concat();
    let call = json!({"from": node.address(0), "to": contract, "input": input(STORE, &rest)});
    let report = node.ok("esker_simulate", json!([call])).await;
    let slots = &report["stateDiff"][contract.as_str().expect("an address")]["storage"];
    assert_eq!(slots[topic(7).to_string()], json!({"from": B256::ZERO, "to": topic(42)}), "{report:#}");
    assert_eq!(report["call"]["kind"], json!("call"));
    let empty = node.ok("eth_getStorageAt", json!([contract, "0x7", "latest"])).await;
    assert_eq!(empty, json!(B256::ZERO), "a simulation changes nothing");

    let receipt = tell(&node, &contract, STORE, &rest).await;
    assert_eq!(receipt["gasUsed"], report["gasUsed"], "the simulation foretold the gas");
    let stored = node.ok("eth_getStorageAt", json!([contract, "0x7", "latest"])).await;
    assert_eq!(stored, json!(topic(42)));
    let proof = node.ok("eth_getProof", json!([contract, ["0x7"], "latest"])).await;
    assert_eq!(proof["storageProof"][0]["value"], json!("0x2a"));
    let first: Bytes = serde_json::from_value(proof["storageProof"][0]["proof"][0].clone()).expect("a node");
    assert_eq!(json!(keccak256(&first)), proof["storageHash"]);
    let before = format!("{:#x}", number(&receipt["blockNumber"]) - 1);
    let old = node.ok("eth_getStorageAt", json!([contract, "0x7", before])).await;
    assert_eq!(old, json!(B256::ZERO), "the state before is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_on_one_state_see_one_state() {
    let node = std::sync::Arc::new(TestNode::start().await);
    let contract = probe::deploy(&node, 0).await;
    let mut tasks = tokio::task::JoinSet::new();
    for text in 0..40u8 {
        let (node, contract) = (node.clone(), contract.clone());
        tasks.spawn(async move {
            let answer = ask(&node, &contract, ECHO, &[text; 40]).await;
            assert_eq!(answer, Ok(json!(hex::encode_prefixed([text; 40]))));
        });
    }
    for nonce in 1..20 {
        node.send(&node.transfer(0, nonce, Address::repeat_byte(1), 1)).await;
    }
    tasks.join_all().await;
}
