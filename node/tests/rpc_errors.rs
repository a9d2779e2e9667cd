//! What is refused, and in which words: geth's.

mod support;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use serde_json::{Value, json};
use support::{TestNode, TransferFields, raw, sign};

#[tokio::test(flavor = "multi_thread")]
async fn malformed_parameters_are_invalid_params() {
    let node = TestNode::start().await;
    let address = node.address(0);
    for (method, params, words) in [
        ("eth_getBalance", json!([]), "missing value for required argument 0"),
        ("eth_getBalance", json!([null, "latest"]), "missing value for required argument 0"),
        ("eth_getBalance", json!(["0x12", "latest"]), "invalid argument 0: hex string has length 2, want 40"),
        ("eth_getBalance", json!([1, "latest"]), "invalid argument 0: cannot read a number as an address"),
        ("eth_getBalance", json!([[], "latest"]), "invalid argument 0: cannot read an array as an address"),
        ("eth_getBalance", json!([{}, "latest"]), "invalid argument 0: cannot read an object as an address"),
        ("eth_getBalance", json!([address, "0x01"]), "invalid argument 1: hex number with leading zero digits"),
        ("eth_getBalance", json!([address, "newest"]), "invalid argument 1: hex string without 0x prefix"),
        ("eth_getBalance", json!([address, "0x"]), "invalid argument 1: hex string \"0x\""),
        ("eth_getBalance", json!([address, "latest", 1]), "too many arguments, want at most 2"),
        ("eth_getBlockByNumber", json!(["0x0", "yes"]), "invalid argument 1: cannot read a string as a bool"),
        ("eth_blockNumber", json!([1]), "too many arguments, want at most 0"),
        ("esker_protocol", json!([null]), "too many arguments, want at most 0"),
        ("eth_getTransactionByHash", json!(["0x12"]), "invalid argument 0: hex string has length 2, want 64"),
        ("eth_sendRawTransaction", json!(["0x123"]), "invalid argument 0: hex string of odd length"),
        ("eth_call", json!([{"data": "0x01", "input": "0x02"}]), "invalid argument 0: both \"data\" and \"input\""),
        ("eth_call", json!([{"type": "0x3"}]), "invalid argument 0: transaction type not supported"),
        ("eth_getLogs", json!([{"fromBlock": "0x5", "toBlock": "0x1"}]), "invalid block range params"),
        ("eth_newFilter", json!([{"fromBlock": "0x5", "toBlock": "0x1"}]), "invalid block range params"),
        ("eth_getLogs", json!([{"toBlock": "0x64"}]), "block range extends beyond current head block"),
        (
            "eth_getLogs",
            json!([{"blockHash": B256::ZERO, "fromBlock": "0x0"}]),
            "invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other",
        ),
    ] {
        let (code, text) = node.error(method, params.clone()).await;
        assert!(code == -32602 && text.starts_with(words), "{method} {params}: {code} {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_things_have_geths_words() {
    let node = TestNode::start().await;
    let address = node.address(0);
    for (method, params, code, words) in [
        ("eth_nonsense", json!([]), -32601, "the method eth_nonsense does not exist/is not available"),
        ("eth_subscribe", json!(["newHeads"]), -32601, "notifications not supported"),
        ("eth_getFilterChanges", json!(["0x99"]), -32000, "filter not found"),
        ("eth_getFilterLogs", json!(["0x99"]), -32000, "filter not found"),
        ("eth_getBalance", json!([address, "0x64"]), -32000, "header not found"),
        ("eth_getBalance", json!([address, {"blockHash": B256::ZERO}]), -32000, "header for hash not found"),
        ("eth_getLogs", json!([{"blockHash": B256::ZERO}]), -32000, "unknown block"),
        ("eth_feeHistory", json!(["0x1", "0x64"]), -32000, "request beyond head block: requested 100, head 0"),
        ("eth_feeHistory", json!(["0x1", "latest", [50, 10]]), -32000, "invalid reward percentile: #0:50 >= #1:10"),
        ("eth_sendTransaction", json!([{"from": Address::ZERO, "to": address}]), -32000, "unknown account"),
    ] {
        let error = node.error(method, params.clone()).await;
        assert_eq!(error, (code, words.to_owned()), "{method} {params}");
    }
    assert_eq!(node.ok("eth_uninstallFilter", json!(["0x99"])).await, json!(false));
}

/// Sends what must be refused.
async fn refused(node: &TestNode, raw: String) -> (i32, String) {
    node.error("eth_sendRawTransaction", json!([raw])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_refuses_in_geths_words() {
    let node = TestNode::start().await;
    let signer = node.signer(0);
    node.send(&node.transfer(0, 0, Address::repeat_byte(1), 1)).await;
    let draft = |nonce| TransferFields { nonce, ..TransferFields::default() };
    let large = Bytes::from(vec![1; 131_072]);
    let cases = [
        (draft(0), "nonce too low: next nonce 1, tx nonce 0"),
        (TransferFields { gas: 20_999, ..draft(1) }, "intrinsic gas too low: gas 20999, minimum needed 21000"),
        (TransferFields { gas: 30_000_001, ..draft(1) }, "exceeds block gas limit"),
        (TransferFields { chain_id: 1, ..draft(1) }, "invalid sender: invalid chain id for signer: have 1 want 31337"),
        (
            TransferFields { fee_cap: 1, tip_cap: 2, ..draft(1) },
            "max priority fee per gas higher than max fee per gas: address 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266, \
             maxPriorityFeePerGas: 2, maxFeePerGas: 1",
        ),
        (TransferFields { nonce: u64::MAX, ..draft(1) }, "nonce has max value"),
        (TransferFields { input: large, gas: 10_000_000, ..draft(1) }, "oversized data: transaction size "),
        (
            TransferFields { to: TxKind::Create, input: Bytes::from_static(&[0x60, 0x80]), gas: 100_000, ..draft(1) },
            "invalid deploy payload: ",
        ),
    ];
    for (fields, words) in cases {
        let (code, text) = refused(&node, raw(&sign(&signer, fields))).await;
        assert!(code == -32000 && text.starts_with(words), "want {words}: {code} {text}");
    }
    let poor = alloy_signer_local::PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a valid key");
    let fields = TransferFields { fee_cap: 1, tip_cap: 1, ..draft(0) };
    let error = refused(&node, raw(&sign(&poor, fields))).await;
    let words = "insufficient funds for gas * price + value: balance 0, tx cost 21000, overshot 21000";
    assert_eq!(error, (-32000, words.to_owned()));
    assert_eq!(node.ok("eth_blockNumber", json!([])).await, json!("0x1"), "nothing of that made a block");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_and_underpriced_transactions_are_refused() {
    let node = TestNode::start().await;
    node.ok("evm_setAutomine", json!([false])).await;
    let first = node.transfer(0, 0, Address::repeat_byte(1), 1);
    node.send(&first).await;
    assert_eq!(refused(&node, raw(&first)).await, (-32000, "already known".to_owned()));
    let other = node.transfer(0, 0, Address::repeat_byte(2), 1);
    assert_eq!(refused(&node, raw(&other)).await, (-32000, "replacement transaction underpriced".to_owned()));
    let better = TransferFields { fee_cap: 11_000_000_000, tip_cap: 1_100_000_000, ..TransferFields::default() };
    node.send(&sign(&node.signer(0), better)).await;
    node.ok("evm_mine", json!([])).await;
    assert_eq!(refused(&node, raw(&first)).await, (-32000, "nonce too low: next nonce 1, tx nonce 0".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_transactions_are_refused() {
    let node = TestNode::start().await;
    let good = node.transfer(0, 0, Address::repeat_byte(1), 1);
    let bytes = alloy_primitives::hex::decode(raw(&good)).expect("our own hex");
    let mut trailing = bytes.clone();
    trailing.push(0);
    let truncated = bytes[..bytes.len() - 1].to_vec();
    let mut blob_type = bytes.clone();
    blob_type[0] = 3;
    let high_s = {
        let signature = *good.signature();
        let order = U256::from_be_slice(&alloy_primitives::hex!(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        ));
        let flipped = alloy_primitives::Signature::new(signature.r(), order - signature.s(), !signature.v());
        let unsigned = good.as_eip1559().expect("our own type").tx().clone();
        let forged = alloy_consensus::SignableTransaction::into_signed(unsigned, flipped);
        alloy_eips::eip2718::Encodable2718::encoded_2718(&alloy_consensus::TxEnvelope::from(forged))
    };
    for (bytes, words) in [
        (Vec::new(), "rlp: "),
        (vec![0xc0], "rlp: "),
        (trailing, "rlp: "),
        (truncated, "rlp: "),
        (blob_type, "transaction type not supported"),
        (vec![0x7f, 0xc0], "transaction type not supported"),
        (high_s, "invalid sender: invalid transaction v, r, s values"),
    ] {
        let (code, text) = refused(&node, alloy_primitives::hex::encode_prefixed(&bytes)).await;
        assert!(code == -32000 && text.starts_with(words), "want {words}: {code} {text}");
    }
    node.send(&good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytecode_of_another_machine_is_refused_in_the_same_words_everywhere() {
    let node = TestNode::start().await;
    let creation = json!({"from": node.address(0), "data": "0x6080604052"});
    for method in ["eth_call", "eth_estimateGas", "eth_createAccessList", "eth_fillTransaction", "eth_sendTransaction"]
    {
        let (code, text) = node.error(method, json!([creation])).await;
        assert!(
            code == -32000 && text.starts_with("invalid deploy payload: not an Esker deploy payload"),
            "{method}: {code} {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chains_call_is_refused() {
    let node = TestNode::start().await;
    for method in ["eth_call", "eth_estimateGas", "esker_simulate"] {
        let error = node.error(method, json!([{"to": node.address(0), "chainId": "0x1"}])).await;
        assert_eq!(error, (-32000, "chainId does not match node's (have=1, want=31337)".to_owned()), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_cannot_be_paid_are_refused() {
    let node = TestNode::start().await;
    let poor = Address::repeat_byte(0x55);
    let (code, text) = node.error("eth_estimateGas", json!([{"from": poor, "to": poor, "value": "0x1"}])).await;
    assert_eq!((code, text.as_str()), (-32000, "insufficient funds for transfer"));
    let cheap = json!({"from": node.address(0), "to": poor, "maxFeePerGas": "0x1"});
    let (code, text) = node.error("eth_call", json!([cheap, "latest"])).await;
    assert!(code == -32000 && text.starts_with("max fee per gas less than block base fee: address 0x"), "{text}");
    let (_, text) = node.error("eth_sendTransaction", json!([{"from": node.address(0)}])).await;
    assert_eq!(text, "contract creation without any data provided");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_cap_below_the_base_fee_waits_for_better_times() {
    let node = TestNode::start().await;
    let fields = TransferFields { fee_cap: 800_000_000, tip_cap: 1, ..TransferFields::default() };
    let hash = node.send(&sign(&node.signer(0), fields)).await;
    assert_eq!(node.receipt(hash).await, Value::Null);
    assert_eq!(node.ok("txpool_status", json!([])).await["pending"], json!("0x1"));
    // Empty blocks lower the base fee by an eighth each: 0.875 gwei in block 1, 0.766 gwei in block 2, …
    node.ok("anvil_mine", json!(["0x3"])).await;
    assert_eq!(node.receipt(hash).await["status"], json!("0x1"));
}
