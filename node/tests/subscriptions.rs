//! What is pushed over WebSocket, and what filters find when they are asked.

mod support;

use std::time::Duration;

use alloy_primitives::Address;
use jsonrpsee::core::client::{ClientT, Subscription, SubscriptionClientT};
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use serde_json::{Value, json};
use support::{TestNode, config};

/// Nothing here takes as long: a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

async fn ws(node: &TestNode) -> WsClient {
    WsClientBuilder::default().build(node.ws_url()).await.expect("WebSocket on the same port")
}

fn params(values: Value) -> ArrayParams {
    let mut array = ArrayParams::new();
    for value in values.as_array().expect("an array") {
        array.insert(value).expect("plain data");
    }
    array
}

async fn subscribe(client: &WsClient, values: Value) -> Subscription<Value> {
    client.subscribe("eth_subscribe", params(values), "eth_unsubscribe").await.expect("subscribes")
}

async fn next(subscription: &mut Subscription<Value>) -> Value {
    let next = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("a notification in time");
    next.expect("the subscription is open").expect("plain data")
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_come_in_order_and_none_is_left_out() {
    let node = TestNode::start().await;
    let client = ws(&node).await;
    let mut heads = subscribe(&client, json!(["newHeads"])).await;
    node.ok("anvil_mine", json!(["0x14"])).await;
    let mut parent = node.ok("eth_getBlockByNumber", json!(["0x0", false])).await["hash"].clone();
    for number in 1..=20u64 {
        let head = next(&mut heads).await;
        assert_eq!(head["number"], json!(format!("{number:#x}")));
        assert_eq!(head["parentHash"], parent);
        let block = node.ok("eth_getBlockByNumber", json!([head["number"], false])).await;
        for field in ["hash", "stateRoot", "baseFeePerGas", "mixHash", "extraData", "logsBloom"] {
            assert_eq!(head[field], block[field], "{field}");
        }
        assert!(head.get("transactions").is_none());
        parent = head["hash"].clone();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_transactions_are_announced() {
    let node = TestNode::start().await;
    let client = ws(&node).await;
    let mut hashes = subscribe(&client, json!(["newPendingTransactions"])).await;
    let mut full = subscribe(&client, json!(["newPendingTransactions", true])).await;
    node.ok("evm_setAutomine", json!([false])).await;
    let hash = node.send(&node.transfer(0, 0, Address::repeat_byte(1), 1)).await;
    assert_eq!(next(&mut hashes).await, json!(hash));
    let transaction = next(&mut full).await;
    assert_eq!(transaction["hash"], json!(hash));
    assert!(transaction["blockHash"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn unsubscribing_works_once_and_unknown_kinds_are_refused() {
    let node = TestNode::start().await;
    let client = ws(&node).await;
    let id: Value = client.request("eth_subscribe", params(json!(["newHeads"]))).await.expect("a plain request");
    assert!(id.as_str().is_some_and(|id| id.starts_with("0x")), "{id}");
    let done: bool = client.request("eth_unsubscribe", params(json!([id]))).await.expect("answers");
    assert!(done);
    let again: Result<bool, _> = client.request("eth_unsubscribe", params(json!([id]))).await;
    assert!(!matches!(again, Ok(true)), "{again:?}");
    let error = client.request::<Value, _>("eth_subscribe", params(json!(["newNothing"]))).await.unwrap_err();
    let jsonrpsee::core::ClientError::Call(error) = error else { panic!("{error}") };
    let expected = (-32601, "no \"newNothing\" subscription in eth namespace");
    assert_eq!((error.code(), error.message()), expected);
    let number: Value = client.request("eth_blockNumber", ArrayParams::new()).await.expect("the connection lives");
    assert_eq!(number, json!("0x0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_report_what_is_new_since_they_were_asked() {
    let node = TestNode::start().await;
    let blocks = node.ok("eth_newBlockFilter", json!([])).await;
    let pending = node.ok("eth_newPendingTransactionFilter", json!([])).await;
    let logs = node.ok("eth_newFilter", json!([{}])).await;
    assert_eq!(node.ok("eth_getFilterChanges", json!([blocks])).await, json!([]));
    let hash = node.send(&node.transfer(0, 0, Address::repeat_byte(1), 1)).await;
    let head = node.ok("eth_getBlockByNumber", json!(["latest", false])).await["hash"].clone();
    assert_eq!(node.ok("eth_getFilterChanges", json!([blocks])).await, json!([head]));
    assert_eq!(node.ok("eth_getFilterChanges", json!([blocks])).await, json!([]));
    assert_eq!(node.ok("eth_getFilterChanges", json!([pending])).await, json!([hash]));
    assert_eq!(node.ok("eth_getFilterChanges", json!([pending])).await, json!([]));
    assert_eq!(node.ok("eth_getFilterChanges", json!([logs])).await, json!([]));
    assert_eq!(node.ok("eth_getFilterLogs", json!([logs])).await, json!([]));
    assert_eq!(node.error("eth_getFilterLogs", json!([blocks])).await, (-32000, "filter not found".to_owned()));
    assert_eq!(node.ok("eth_uninstallFilter", json!([blocks])).await, json!(true));
    assert_eq!(node.error("eth_getFilterChanges", json!([blocks])).await, (-32000, "filter not found".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_come_at_their_pace_without_transactions() {
    let pace = Some(Duration::from_millis(20));
    let node = TestNode::with(esker::dev_node::DevConfig { block_time: pace, ..config() }).await;
    let client = ws(&node).await;
    let mut heads = subscribe(&client, json!(["newHeads"])).await;
    for _ in 0..3 {
        next(&mut heads).await;
    }
    let hash = node.send(&node.transfer(0, 0, Address::repeat_byte(1), 1)).await;
    let included = async {
        while node.receipt(hash).await.is_null() {
            next(&mut heads).await;
        }
    };
    tokio::time::timeout(PATIENCE, included).await.expect("a block takes the transaction");
}
