//! Requests that nobody meant well with: every method with any parameters answers or refuses, and the node lives on.
//!
//! Deterministic: the seed below.

mod support;

use alloy_primitives::{Address, B256};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use support::{TestNode, number};

const SEED: [u8; 32] = *b"esker: hostile requests, a seed.";
const REQUESTS: usize = 4_000;

/// Every method with the most parameters it takes.
const METHODS: &[(&str, usize)] = &[
    ("web3_sha3", 1),
    ("eth_chainId", 0),
    ("eth_getBlockByNumber", 2),
    ("eth_getBlockByHash", 2),
    ("eth_getBlockReceipts", 1),
    ("eth_getBlockTransactionCountByNumber", 1),
    ("eth_getBlockTransactionCountByHash", 1),
    ("eth_getUncleCountByBlockNumber", 1),
    ("eth_getUncleCountByBlockHash", 1),
    ("eth_getUncleByBlockNumberAndIndex", 2),
    ("eth_getUncleByBlockHashAndIndex", 2),
    ("debug_getRawHeader", 1),
    ("debug_getRawBlock", 1),
    ("debug_getRawReceipts", 1),
    ("debug_getRawTransaction", 1),
    ("eth_getBalance", 2),
    ("eth_getTransactionCount", 2),
    ("eth_getCode", 2),
    ("eth_getStorageAt", 3),
    ("eth_getProof", 3),
    ("eth_getAccountInfo", 2),
    ("eth_call", 4),
    ("eth_call", 4),
    ("eth_estimateGas", 4),
    ("eth_createAccessList", 3),
    ("eth_fillTransaction", 1),
    ("esker_simulate", 2),
    ("eth_feeHistory", 3),
    ("eth_getLogs", 1),
    ("eth_newFilter", 1),
    ("eth_newBlockFilter", 0),
    ("eth_newPendingTransactionFilter", 1),
    ("eth_getFilterChanges", 1),
    ("eth_getFilterLogs", 1),
    ("eth_uninstallFilter", 1),
    ("eth_getTransactionByHash", 1),
    ("eth_getTransactionReceipt", 1),
    ("eth_getTransactionByBlockNumberAndIndex", 2),
    ("eth_getTransactionByBlockHashAndIndex", 2),
    ("eth_getRawTransactionByHash", 1),
    ("eth_pendingTransactions", 0),
    ("eth_sign", 2),
    ("personal_sign", 3),
    ("eth_signTransaction", 1),
    ("eth_sendTransaction", 1),
    ("eth_sendRawTransaction", 1),
    ("txpool_content", 0),
    ("txpool_contentFrom", 1),
    ("txpool_inspect", 0),
    ("anvil_nodeInfo", 0),
    ("evm_setAutomine", 1),
    ("evm_setIntervalMining", 1),
    ("evm_increaseTime", 1),
    ("evm_setNextBlockTimestamp", 1),
    ("anvil_dropTransaction", 1),
    ("evm_mine", 1),
    ("anvil_mine", 2),
];

/// Names of the fields that requests know.
const FIELDS: &[&str] = &[
    "from",
    "to",
    "gas",
    "gasPrice",
    "maxFeePerGas",
    "maxPriorityFeePerGas",
    "value",
    "nonce",
    "input",
    "data",
    "accessList",
    "storageKeys",
    "address",
    "chainId",
    "type",
    "topics",
    "fromBlock",
    "toBlock",
    "blockHash",
    "blockNumber",
    "balance",
    "code",
    "state",
    "stateDiff",
    "number",
    "time",
    "gasLimit",
    "baseFeePerGas",
    "timestamp",
    "blocks",
    "transaction",
    "raw",
];

fn leaf(known: Vec<Value>) -> impl Strategy<Value = Value> {
    let quantity = prop::sample::select(vec![0, 1, 2, 3, 21_000, 1 << 33, i64::MAX as u64, u64::MAX]);
    prop_oneof![
        6 => prop::sample::select(known),
        2 => quantity.prop_map(|number: u64| json!(format!("{number:#x}"))),
        1 => prop::sample::select(vec![0u64, 1, 2, 1 << 40, u64::MAX]).prop_map(Value::from),
        1 => prop::sample::select(vec![json!(-1), json!(1.5), json!(1e300), Value::Null, json!(true), json!(false)]),
        1 => (0usize..140).prop_map(|digits| json!(format!("0x{}", "f".repeat(digits)))),
        1 => prop::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| json!(alloy_primitives::Bytes::from(bytes))),
        1 => ".{0,10}".prop_map(Value::from),
    ]
}

/// A field with a value of its kind.
fn usual(account: BoxedStrategy<String>) -> BoxedStrategy<(String, Value)> {
    let names = |names: &[&'static str]| prop::sample::select(names.to_vec());
    let quantity =
        prop::sample::select(vec!["0x0", "0x1", "0x7", "0x5208", "0x186a0", "0x3b9aca00", "0xffffffffffffffff"]);
    let numbers =
        names(&["gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "value", "nonce", "balance", "number"]);
    let bytes = prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| json!(alloy_primitives::Bytes::from(bytes)));
    prop_oneof![
        4 => (names(&["from", "to", "address"]), account).prop_map(|(name, who)| (name.to_owned(), json!(who))),
        4 => (numbers, quantity).prop_map(|(name, number)| (name.to_owned(), json!(number))),
        2 => (names(&["input", "data", "code"]), bytes).prop_map(|(name, bytes)| (name.to_owned(), bytes)),
        2 => (names(&["fromBlock", "toBlock", "blockNumber"]), names(&["earliest", "latest", "0x0", "0x1"]))
            .prop_map(|(name, block)| (name.to_owned(), json!(block))),
    ]
    .boxed()
}

fn value(known: Vec<Value>) -> impl Strategy<Value = Value> {
    let account = prop::sample::select(
        known.iter().filter_map(Value::as_str).filter(|text| text.len() == 42).map(str::to_owned).collect::<Vec<_>>(),
    );
    let usual = usual(account.clone().boxed());
    leaf(known).prop_recursive(3, 20, 5, move |inner| {
        let any_member =
            (prop::sample::select(FIELDS), inner.clone()).prop_map(|(name, value)| (name.to_owned(), value));
        let member = prop_oneof![9 => usual.clone(), 1 => any_member];
        let replaced = (account.clone(), inner.clone());
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
            3 => prop::collection::vec(member, 0..6).prop_map(|members| members.into_iter().collect::<Value>()),
            1 => prop::collection::vec(replaced, 0..3).prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_survives_any_parameters() {
    println!("seed {}, {REQUESTS} requests", String::from_utf8_lossy(&SEED));
    let node = TestNode::start().await;
    let sent = node.send(&node.transfer(0, 0, Address::repeat_byte(0xee), 5)).await;
    let block = node.ok("eth_getBlockByNumber", json!(["latest", false])).await;
    let raw = support::raw(&node.transfer(0, 1, Address::repeat_byte(0xee), 5));
    let mut known = vec![json!(sent), block["hash"].clone(), json!(B256::repeat_byte(7)), json!(raw), json!("0x")];
    known.extend([node.address(0), node.address(1), Address::ZERO, Address::with_last_byte(9)].map(|who| json!(who)));
    known.extend(["latest", "pending", "earliest", "safe", "finalized", "0x0", "0x1", "0x2"].map(Value::from));

    let requests = (prop::sample::select(METHODS), prop::collection::vec(value(known), 5), 0u8..16);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    let mut answered = 0;
    for _ in 0..REQUESTS {
        let ((method, most), mut params, surplus) =
            requests.new_tree(&mut runner).expect("values can be drawn").current();
        // One too many now and then, and some left out.
        params.truncate(match surplus {
            0 => most + 1,
            1 => most.saturating_sub(1),
            _ => most,
        });
        let params = Value::from(params);
        match node.call(method, params.clone()).await {
            Ok(_) => answered += 1,
            Err((code, words)) => {
                assert!(code != -32603 && !words.is_empty(), "{method} {params}: {code} {words}");
            }
        }
    }
    println!("{answered} of {REQUESTS} requests answered");
    assert!(answered > REQUESTS / 10);

    node.ok("evm_setAutomine", json!([true])).await;
    let before = number(&node.ok("eth_blockNumber", json!([])).await);
    node.ok("evm_mine", json!([])).await;
    assert!(number(&node.ok("eth_blockNumber", json!([])).await) > before, "blocks are still made");
}
