//! The methods that clients live on, against a real node: encodings, hashes, schemas.

mod support;

use alloy_consensus::{Header, ReceiptEnvelope, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use serde_json::{Value, json};
use support::schema::Schemas;
use support::{TestNode, number, raw};

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_node_says_what_it_is() {
    let node = TestNode::start().await;
    assert_eq!(node.ok("eth_chainId", json!([])).await, json!("0x7a69"));
    assert_eq!(node.ok("net_version", json!([])).await, json!("31337"));
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, json!("0x0"));
    assert_eq!(node.ok("eth_syncing", json!([])).await, json!(false));
    assert_eq!(node.ok("net_listening", json!([])).await, json!(true));
    let version = node.ok("web3_clientVersion", json!([])).await;
    let version = version.as_str().expect("a text");
    assert!(version.starts_with("anvil/") && version.contains("Esker/v"), "{version}");
    let accounts: Vec<Address> = serde_json::from_value(node.ok("eth_accounts", json!([])).await).expect("addresses");
    assert_eq!(accounts, node.node.accounts.addresses());
    assert_eq!(accounts.len(), 10);
    let balance = node.ok("eth_getBalance", json!([accounts[9], "latest"])).await;
    assert_eq!(balance, json!("0x21e19e0c9bab2400000"), "10,000 coins");
    assert_eq!(node.ok("eth_getBalance", json!([accounts[9]])).await, balance, "the block is latest by default");
    assert_eq!(node.ok("web3_sha3", json!(["0x"])).await, json!(keccak256([])));
    assert_eq!(node.ok("hardhat_getAutomine", json!([])).await, json!(true));
    assert_eq!(node.ok("anvil_nodeInfo", json!([])).await["environment"]["chainId"], json!(31_337));
    assert_eq!(node.ok("hardhat_metadata", json!([])).await["chainId"], json!(31_337));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_mined_before_its_hash_is_answered() {
    let node = TestNode::start().await;
    let to = Address::repeat_byte(0x77);
    let transaction = node.transfer(0, 0, to, 5);
    let hash = node.send(&transaction).await;
    assert_eq!(hash, *transaction.hash());
    let receipt = node.receipt(hash).await;
    assert_eq!(receipt["status"], json!("0x1"));
    assert_eq!(receipt["gasUsed"], json!("0x5208"));
    assert_eq!(receipt["blockNumber"], json!("0x1"));
    assert_eq!(receipt["type"], json!("0x2"));
    assert!(receipt["contractAddress"].is_null() && receipt["logs"] == json!([]));
    assert_eq!(node.ok("eth_getBalance", json!([to, "latest"])).await, json!("0x5"));
    assert_eq!(node.ok("eth_getTransactionCount", json!([node.address(0), "latest"])).await, json!("0x1"));
    // The base fee of block 1 and the tip are paid; the base fee is burnt.
    let base_fee = number(&node.ok("eth_getBlockByNumber", json!(["0x1", false])).await["baseFeePerGas"]);
    assert_eq!(number(&receipt["effectiveGasPrice"]), base_fee + 1_000_000_000);
    let tips = node.ok("eth_getBalance", json!([Address::ZERO, "latest"])).await;
    assert_eq!(number(&tips), 21_000 * 1_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_hash_to_their_hash_and_roots_recompute() {
    let node = TestNode::start().await;
    for nonce in 0..3 {
        node.send(&node.transfer(0, nonce, Address::repeat_byte(1), 1)).await;
    }
    for block in 0..=3u64 {
        let block = node.ok("eth_getBlockByNumber", json!([format!("{block:#x}"), true])).await;
        let header = header_of(&block);
        assert_eq!(json!(header.hash_slow()), block["hash"]);
        let raw_header: Bytes =
            serde_json::from_value(node.ok("debug_getRawHeader", json!([block["number"]])).await).expect("bytes");
        assert_eq!(Header::decode(&mut raw_header.as_ref()).expect("a header"), header);
        let raw_block: Bytes =
            serde_json::from_value(node.ok("debug_getRawBlock", json!([block["number"]])).await).expect("bytes");
        assert_eq!(number(&block["size"]), raw_block.len() as u64);
        check_roots(&node, &block, &header).await;
    }
}

/// Rebuilds the header out of the block's JSON alone.
fn header_of(block: &Value) -> Header {
    fn field<T: serde::de::DeserializeOwned>(block: &Value, name: &str) -> T {
        serde_json::from_value(block[name].clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
    Header {
        parent_hash: field(block, "parentHash"),
        ommers_hash: field(block, "sha3Uncles"),
        beneficiary: field(block, "miner"),
        state_root: field(block, "stateRoot"),
        transactions_root: field(block, "transactionsRoot"),
        receipts_root: field(block, "receiptsRoot"),
        logs_bloom: field(block, "logsBloom"),
        difficulty: field(block, "difficulty"),
        number: number(&block["number"]),
        gas_limit: number(&block["gasLimit"]),
        gas_used: number(&block["gasUsed"]),
        timestamp: number(&block["timestamp"]),
        extra_data: field(block, "extraData"),
        mix_hash: field(block, "mixHash"),
        nonce: field(block, "nonce"),
        base_fee_per_gas: Some(number(&block["baseFeePerGas"])),
        ..Header::default()
    }
}

/// Recomputes the roots from the raw transactions and receipts that the node hands out.
async fn check_roots(node: &TestNode, block: &Value, header: &Header) {
    let mut transactions = Vec::new();
    for transaction in block["transactions"].as_array().expect("a list") {
        let raw = node.ok("eth_getRawTransactionByHash", json!([transaction["hash"]])).await;
        let raw: Bytes = serde_json::from_value(raw).expect("bytes");
        assert_eq!(json!(keccak256(&raw)), transaction["hash"]);
        transactions.push(TxEnvelope::decode_2718_exact(&raw).expect("a transaction"));
    }
    let root = alloy_consensus::proofs::calculate_transaction_root(&transactions);
    assert_eq!(root, header.transactions_root);
    let raw: Vec<Bytes> =
        serde_json::from_value(node.ok("debug_getRawReceipts", json!([block["number"]])).await).expect("a list");
    let receipts: Vec<ReceiptEnvelope> =
        raw.iter().map(|raw| ReceiptEnvelope::decode_2718_exact(raw).expect("a receipt")).collect();
    assert_eq!(alloy_consensus::proofs::calculate_receipt_root(&receipts), header.receipts_root);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_follow_the_schemas_of_the_execution_apis() {
    let Some(schemas) = Schemas::load() else { return };
    let node = TestNode::start().await;
    let hash = node.send(&node.transfer(0, 0, Address::repeat_byte(1), 1)).await;
    // A legacy and an EIP-2930 transaction too.
    for extra in [json!({"gasPrice": "0x77359400"}), json!({"gasPrice": "0x77359400", "accessList": []})] {
        let mut request = json!({"from": node.address(1), "to": node.address(2), "value": "0x1"});
        for (name, value) in extra.as_object().expect("an object") {
            request[name] = value.clone();
        }
        let sent = node.ok("eth_sendTransaction", json!([request])).await;
        schemas.check("TransactionInfo", &node.ok("eth_getTransactionByHash", json!([sent])).await);
        schemas.check("ReceiptInfo", &node.ok("eth_getTransactionReceipt", json!([sent])).await);
    }
    schemas.check("TransactionInfo", &node.ok("eth_getTransactionByHash", json!([hash])).await);
    schemas.check("ReceiptInfo", &node.receipt(hash).await);
    for number in ["0x0", "0x1"] {
        for is_full in [false, true] {
            schemas.check("Block", &node.ok("eth_getBlockByNumber", json!([number, is_full])).await);
        }
        for receipt in node.ok("eth_getBlockReceipts", json!([number])).await.as_array().expect("a list") {
            schemas.check("ReceiptInfo", receipt);
        }
    }
    let key = format!("{:#066x}", 1);
    let proof = node.ok("eth_getProof", json!([node.address(0), ["0x0", key], "latest"])).await;
    schemas.check("AccountProof", &proof);
    assert_eq!(proof["storageProof"][0]["key"], json!("0x0"));
    assert_eq!(proof["storageProof"][1]["key"], json!(key));
    node.ok("evm_setAutomine", json!([false])).await;
    node.send(&node.transfer(0, 1, Address::repeat_byte(1), 1)).await;
    node.send(&node.transfer(0, 5, Address::repeat_byte(1), 1)).await;
    schemas.check("TxpoolStatus", &node.ok("txpool_status", json!([])).await);
    schemas.check("TxpoolContent", &node.ok("txpool_content", json!([])).await);
    schemas.check("TxpoolContentFromResult", &node.ok("txpool_contentFrom", json!([node.address(0)])).await);
    let mut filled = node.ok("eth_fillTransaction", json!([{"from": node.address(3), "to": node.address(4)}])).await;
    // The schema is that of a transaction in a block and demands its effective price, which an unsigned one has not.
    assert!(filled["tx"]["gasPrice"].is_null());
    filled["tx"]["gasPrice"] = filled["tx"]["maxFeePerGas"].clone();
    schemas.check("FillTransactionResult", &filled);
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_things_are_null() {
    let node = TestNode::start().await;
    let nothing = B256::repeat_byte(9);
    for (method, params) in [
        ("eth_getTransactionByHash", json!([nothing])),
        ("eth_getTransactionReceipt", json!([nothing])),
        ("eth_getBlockByHash", json!([nothing, false])),
        ("eth_getBlockByNumber", json!(["0x64", false])),
        ("eth_getBlockReceipts", json!(["0x64"])),
        ("eth_getBlockTransactionCountByHash", json!([nothing])),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["0x0", "0x0"])),
        ("eth_getUncleByBlockNumberAndIndex", json!(["0x0", "0x0"])),
    ] {
        assert!(node.ok(method, params).await.is_null(), "{method}");
    }
    assert_eq!(node.ok("eth_getBlockReceipts", json!(["0x0"])).await, json!([]));
    assert_eq!(node.ok("eth_getCode", json!([Address::repeat_byte(5)])).await, json!("0x"));
    let slot = node.ok("eth_getStorageAt", json!([Address::repeat_byte(5), "0x0", "latest"])).await;
    assert_eq!(slot, json!(B256::ZERO));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_transactions_are_visible_and_mined_on_request() {
    let node = TestNode::start().await;
    node.ok("evm_setAutomine", json!([false])).await;
    assert_eq!(node.ok("hardhat_getAutomine", json!([])).await, json!(false));
    let first = node.send(&node.transfer(0, 0, Address::repeat_byte(1), 1)).await;
    let third = node.send(&node.transfer(0, 2, Address::repeat_byte(1), 1)).await;
    let waiting = node.ok("eth_getTransactionByHash", json!([third])).await;
    assert!(
        waiting["blockHash"].is_null() && waiting["blockNumber"].is_null() && waiting["transactionIndex"].is_null()
    );
    assert_eq!(node.ok("txpool_status", json!([])).await, json!({"pending": "0x1", "queued": "0x1"}));
    let content = node.ok("txpool_content", json!([])).await;
    let sender = node.address(0).to_checksum(None);
    assert_eq!(content["pending"][&sender]["0"]["hash"], json!(first), "nonces are decimal keys");
    assert_eq!(content["queued"][&sender]["2"]["hash"], json!(third));
    assert_eq!(node.ok("eth_getTransactionCount", json!([node.address(0), "pending"])).await, json!("0x1"));
    assert_eq!(node.ok("eth_getTransactionCount", json!([node.address(0), "latest"])).await, json!("0x0"));
    node.send(&node.transfer(0, 1, Address::repeat_byte(1), 1)).await;
    assert_eq!(node.ok("eth_getTransactionCount", json!([node.address(0), "pending"])).await, json!("0x3"));
    assert_eq!(node.ok("evm_mine", json!([])).await, json!("0x0"));
    let block = node.ok("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(block["transactions"].as_array().map(Vec::len), Some(3), "all three share a block");
    assert_eq!(node.ok("txpool_status", json!([])).await, json!({"pending": "0x0", "queued": "0x0"}));
    node.ok("anvil_mine", json!(["0x3", "0xa"])).await;
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, json!("0x4"));
    let times: Vec<u64> = {
        let mut times = Vec::new();
        for block in ["0x2", "0x3", "0x4"] {
            times.push(number(&node.ok("eth_getBlockByNumber", json!([block, false])).await["timestamp"]));
        }
        times
    };
    assert_eq!((times[1] - times[0], times[2] - times[1]), (10, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_sends_in_any_order_are_all_mined() {
    let node = std::sync::Arc::new(TestNode::start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for nonce in (0..50).rev() {
        let transaction = node.transfer(0, nonce, Address::repeat_byte(1), 1);
        let node = node.clone();
        tasks.spawn(async move { node.send(&transaction).await });
    }
    let hashes = tasks.join_all().await;
    for hash in hashes {
        assert_eq!(node.receipt(hash).await["status"], json!("0x1"));
    }
    assert_eq!(node.ok("eth_getTransactionCount", json!([node.address(0)])).await, json!("0x32"));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_unlocked_sends_get_a_nonce_each() {
    let node = std::sync::Arc::new(TestNode::start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let node = node.clone();
        let request = json!([{"from": node.address(0), "to": node.address(1), "value": "0x1"}]);
        tasks.spawn(async move { node.ok("eth_sendTransaction", request).await });
    }
    tasks.join_all().await;
    assert_eq!(node.ok("eth_getTransactionCount", json!([node.address(0)])).await, json!("0x14"));
}

#[tokio::test(flavor = "multi_thread")]
async fn estimates_and_fees_are_what_clients_expect() {
    let node = TestNode::start().await;
    let transfer = json!({"from": node.address(0), "to": node.address(1), "value": "0x1"});
    assert_eq!(node.ok("eth_estimateGas", json!([transfer])).await, json!("0x5208"));
    let mut with_list = transfer.clone();
    with_list["accessList"] = json!([{"address": Address::repeat_byte(1), "storageKeys": [B256::ZERO]}]);
    assert_eq!(number(&node.ok("eth_estimateGas", json!([with_list])).await), 25_300);
    assert_eq!(node.ok("eth_call", json!([transfer, "latest"])).await, json!("0x"));
    let list = node.ok("eth_createAccessList", json!([transfer])).await;
    assert_eq!(list, json!({"accessList": [], "gasUsed": "0x5208"}));

    assert_eq!(node.ok("eth_maxPriorityFeePerGas", json!([])).await, json!("0x3b9aca00"));
    node.send(&node.transfer(0, 0, Address::repeat_byte(1), 1)).await;
    let history = node.ok("eth_feeHistory", json!(["0xa", "latest", [20.0, 50.0]])).await;
    assert_eq!(history["oldestBlock"], json!("0x0"));
    assert_eq!(history["baseFeePerGas"].as_array().map(Vec::len), Some(3));
    assert_eq!(history["gasUsedRatio"], json!([0.0, 21_000.0 / 30_000_000.0]));
    assert_eq!(history["reward"], json!([["0x0", "0x0"], ["0x3b9aca00", "0x3b9aca00"]]));
    let next = number(&history["baseFeePerGas"][2]);
    assert_eq!(number(&node.ok("eth_gasPrice", json!([])).await), next + 1_000_000_000);
    node.ok("evm_mine", json!([])).await;
    let block = node.ok("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(number(&block["baseFeePerGas"]), next);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_transaction_can_be_signed_and_sent() {
    let node = TestNode::start().await;
    let request = json!({"from": node.address(0), "to": node.address(1), "value": "0x7"});
    let tx = node.ok("eth_fillTransaction", json!([request])).await["tx"].clone();
    assert_eq!((&tx["gas"], &tx["nonce"], &tx["type"]), (&json!("0x5208"), &json!("0x0"), &json!("0x2")));
    let signed = node.ok("eth_signTransaction", json!([request])).await;
    let hash = node.ok("eth_sendRawTransaction", json!([signed["raw"]])).await;
    assert_eq!(node.ok("eth_getTransactionReceipt", json!([hash])).await["status"], json!("0x1"));
    assert_eq!(node.ok("eth_getTransactionByHash", json!([hash])).await["value"], json!("0x7"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pending_block_is_empty_however_it_is_asked_for() {
    let node = TestNode::start().await;
    node.send(&node.transfer(0, 0, Address::repeat_byte(0x44), 10)).await;
    let pending = node.ok("eth_getBlockByNumber", json!(["pending", true])).await;
    assert_eq!((&pending["number"], &pending["transactions"]), (&json!("0x2"), &json!([])));
    assert_eq!(node.ok("eth_getBlockTransactionCountByNumber", json!(["pending"])).await, json!("0x0"));
    assert_eq!(node.ok("eth_getBlockReceipts", json!(["pending"])).await, json!([]));
    assert_eq!(node.ok("eth_getTransactionByBlockNumberAndIndex", json!(["pending", "0x0"])).await, json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_states_can_be_asked_and_proofs_fit_their_header() {
    let node = TestNode::start().await;
    let to = Address::repeat_byte(0x44);
    for nonce in 0..3 {
        node.send(&node.transfer(0, nonce, to, 10)).await;
    }
    for (block, balance) in [("0x0", 0), ("0x1", 10), ("0x2", 20), ("latest", 30)] {
        assert_eq!(number(&node.ok("eth_getBalance", json!([to, block])).await), balance, "{block}");
        let proof = node.ok("eth_getProof", json!([to, [], block])).await;
        assert_eq!(number(&proof["balance"]), balance);
        let header = node.ok("eth_getBlockByNumber", json!([block, false])).await;
        let first: Bytes = serde_json::from_value(proof["accountProof"][0].clone()).expect("a node");
        assert_eq!(json!(keccak256(&first)), header["stateRoot"], "{block}: the proof begins at the root");
    }
    let by_hash = node.ok("eth_getBlockByNumber", json!(["0x1", false])).await["hash"].clone();
    let balance = node.ok("eth_getBalance", json!([to, {"blockHash": by_hash}])).await;
    assert_eq!(number(&balance), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn simulation_reports_what_would_change_and_changes_nothing() {
    let node = TestNode::start().await;
    let to = Address::repeat_byte(0x33);
    let before = node.ok("eth_getBlockByNumber", json!(["latest", false])).await;
    let call = json!({"from": node.address(0), "to": to, "value": "0x5"});
    let report = node.ok("esker_simulate", json!([call])).await;
    assert_eq!((&report["status"], &report["gasUsed"]), (&json!("success"), &json!("0x5208")));
    let key = format!("{to:#x}");
    assert_eq!(report["stateDiff"][&key]["balance"], json!({"from": "0x0", "to": "0x5"}), "{report:#}");
    let signed = node.transfer(0, 0, to, 5);
    let report = node.ok("esker_simulate", json!([raw(&signed)])).await;
    assert_eq!(report["status"], json!("success"));
    let late = node.transfer(0, 7, to, 5);
    let (code, text) = node.error("esker_simulate", json!([raw(&late)])).await;
    assert!(code == -32000 && text.starts_with("nonce too high"), "{text}");
    assert_eq!(node.ok("eth_getBlockByNumber", json!(["latest", false])).await, before);
    assert_eq!(node.ok("eth_getBalance", json!([to])).await, json!("0x0"));
    let rich = U256::from(10u64).pow(U256::from(30u64));
    let overridden = json!({ to.to_string(): { "balance": rich } });
    let call = json!({"from": to, "to": node.address(0), "value": rich});
    assert_eq!(node.ok("eth_call", json!([call, "latest", overridden])).await, json!("0x"));
}
