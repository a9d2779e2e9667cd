//! Validators in one process: they agree on blocks, and answer about themselves.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use alloy_consensus::{TxEip1559, TypedTransaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U256};
use esker::accounts::{Accounts, DEFAULT_MNEMONIC};
use esker::network_node::{NetworkConfig, NetworkNode, ValidatorKey};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::{Genesis, Validator};
use esker_vm::EngineKind;
use jsonrpsee::core::ClientError;
use malachite_ed25519::PrivateKey;
use serde_json::{Value, json};

/// A port that is free now.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// All but one's own.
fn multiaddrs(addresses: &[SocketAddr], own: u8) -> Vec<libp2p::Multiaddr> {
    let others = addresses.iter().enumerate().filter(|(index, _)| *index != usize::from(own));
    others.map(|(_, peer)| format!("/ip4/{}/tcp/{}", peer.ip(), peer.port()).parse().expect("an address")).collect()
}

fn seed(index: u8) -> [u8; 32] {
    [index + 1; 32]
}

fn address(index: u8) -> Address {
    Address::repeat_byte(index + 1)
}

fn genesis(validators: u8) -> Genesis {
    let mut genesis = Genesis::new(31_337, 30_000_000, 1_000);
    genesis.validators = (0..validators)
        .map(|index| Validator {
            address: address(index),
            public_key: B256::from(*PrivateKey::from(seed(index)).public_key().as_bytes()),
            power: 10,
        })
        .collect();
    let accounts = Accounts::from_mnemonic(DEFAULT_MNEMONIC, 2).expect("the well-known words");
    for account in accounts.addresses() {
        genesis
            .alloc
            .insert(*account, GenesisAccount { balance: U256::from(10).pow(U256::from(22)), ..Default::default() });
    }
    genesis
}

struct Network {
    nodes: Vec<NetworkNode>,
    _folder: tempfile::TempDir,
}

async fn start(validators: u8) -> Network {
    let folder = tempfile::tempdir().expect("a folder");
    let addresses: Vec<SocketAddr> = (0..validators).map(|_| free_address()).collect();
    let gossip: Vec<SocketAddr> = (0..validators).map(|_| free_address()).collect();
    let genesis = genesis(validators);
    let mut nodes = Vec::new();
    for index in 0..validators {
        let home = folder.path().join(format!("node{index}"));
        std::fs::create_dir_all(&home).expect("a folder");
        let sign_state = home.join("sign-state.json");
        std::fs::write(&sign_state, esker::consensus::sign_state::fresh()).expect("a new file");
        let config = NetworkConfig {
            name: format!("node{index}"),
            genesis: genesis.clone(),
            data: home.join("data"),
            rpc: "127.0.0.1:0".parse().expect("an address"),
            consensus: addresses[usize::from(index)],
            consensus_peers: multiaddrs(&addresses, index),
            connections_per_ip: 64,
            gossip: gossip[usize::from(index)],
            gossip_peers: multiaddrs(&gossip, index),
            gossip_connections_per_ip: 64,
            node_seed: seed(100 + index),
            validator: Some(ValidatorKey { address: address(index), seed: seed(index), sign_state, sign_now: false }),
            block_time: Duration::from_millis(200),
            idle_block_time: Duration::from_millis(200),
            ns_per_gas: 8,
            engine: EngineKind::Cranelift,
            cache_bytes: 16 << 20,
            clock_offset: 0,
        };
        nodes.push(NetworkNode::start(config).await.expect("the node starts"));
    }
    Network { nodes, _folder: folder }
}

impl Network {
    async fn reach(&self, number: u64) {
        for node in &self.nodes {
            let mut head = node.chain.watch();
            let reached = tokio::time::timeout(Duration::from_secs(60), head.wait_for(|head| *head >= number)).await;
            assert!(reached.is_ok(), "a node stays at block {}", node.chain.head().block.header.number);
        }
    }

    async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

async fn try_ask(node: &NetworkNode, method: &str, params: Value) -> Result<Value, ClientError> {
    use jsonrpsee::core::client::ClientT;
    use jsonrpsee::core::params::ArrayParams;
    let client = jsonrpsee::http_client::HttpClientBuilder::default().build(format!("http://{}", node.address));
    let mut array = ArrayParams::new();
    for param in params.as_array().cloned().unwrap_or_default() {
        array.insert(param).expect("JSON");
    }
    client.expect("a client").request(method, array).await
}

async fn ask(node: &NetworkNode, method: &str, params: Value) -> Value {
    try_ask(node, method, params).await.expect("an answer")
}

/// A transfer of 1 wei from the first account of the genesis, as it travels.
fn transfer(nonce: u64) -> Bytes {
    let accounts = Accounts::from_mnemonic(DEFAULT_MNEMONIC, 1).expect("the well-known words");
    let transaction = TypedTransaction::Eip1559(TxEip1559 {
        chain_id: 31_337,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::repeat_byte(0xee)),
        value: U256::from(1),
        ..TxEip1559::default()
    });
    let signed = accounts.sign(accounts.addresses()[0], transaction).expect("signs");
    signed.encoded_2718().into()
}

/// The receipt, once `node` has it.
async fn receipt(node: &NetworkNode, hash: &Value) -> Value {
    let mut head = node.chain.watch();
    let found = async {
        loop {
            let receipt = ask(node, "eth_getTransactionReceipt", json!([hash])).await;
            if !receipt.is_null() {
                return receipt;
            }
            head.changed().await.expect("the chain goes on");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("the transaction is in a block")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_validator_is_sent_is_final_on_all_and_none_serves_a_development_nodes_methods() {
    let network = start(4).await;
    let node = &network.nodes[0];
    for method in [
        "evm_mine",
        "anvil_mine",
        "hardhat_mine",
        "evm_setAutomine",
        "evm_increaseTime",
        "evm_setNextBlockTimestamp",
        "anvil_setBalance",
        "anvil_dropTransaction",
        "anvil_nodeInfo",
        "eth_sendTransaction",
        "eth_signTransaction",
        "eth_sign",
        "personal_sign",
    ] {
        let refused = try_ask(node, method, json!([])).await;
        let code = match &refused {
            Err(ClientError::Call(error)) => Some(error.code()),
            _ => None,
        };
        assert_eq!(code, Some(-32_601), "{method}: {refused:?}");
    }
    // Nobody has heard of a transaction that was sent before peers listened: blocks say that they do.
    network.reach(1).await;
    let hash = ask(node, "eth_sendRawTransaction", json!([transfer(0)])).await;
    let mut blocks = BTreeSet::new();
    for node in &network.nodes {
        let receipt = receipt(node, &hash).await;
        assert_eq!((&receipt["status"], &receipt["transactionHash"]), (&json!("0x1"), &hash));
        blocks.insert(receipt["blockHash"].to_string());
        let number = receipt["blockNumber"].as_str().and_then(|number| U64::from_str_radix(&number[2..], 16).ok());
        let number = number.expect("a number").to::<u64>();
        for tag in ["finalized", "safe", "latest"] {
            let block = ask(node, "eth_getBlockByNumber", json!([tag, false])).await;
            let at = block["number"].as_str().and_then(|number| U64::from_str_radix(&number[2..], 16).ok());
            assert!(at.is_some_and(|at| at.to::<u64>() >= number), "{tag}: {block}");
            let by_number = ask(node, "eth_getBlockByNumber", json!([block["number"], false])).await;
            assert_eq!(by_number["hash"], block["hash"], "{tag} is a block of the chain");
        }
        // Several requests are several moments: only at one height can the three be compared.
        let same = async {
            loop {
                let before = ask(node, "eth_blockNumber", json!([])).await;
                let mut hashes = BTreeSet::new();
                for tag in ["finalized", "safe", "latest"] {
                    hashes.insert(ask(node, "eth_getBlockByNumber", json!([tag, false])).await["hash"].to_string());
                }
                if ask(node, "eth_blockNumber", json!([])).await == before {
                    return hashes.len();
                }
            }
        };
        assert_eq!(tokio::time::timeout(Duration::from_secs(60), same).await, Ok(1));
        assert_ne!(ask(node, "net_peerCount", json!([])).await, json!("0x0"));
    }
    assert_eq!(blocks.len(), 1, "one block has it");
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_validators_agree_and_say_so() {
    let network = start(4).await;
    network.reach(5).await;
    let hashes: BTreeSet<B256> =
        network.nodes.iter().map(|node| node.chain.block(5).expect("readable").expect("there").hash).collect();
    assert_eq!(hashes.len(), 1, "one history");
    let node = &network.nodes[0];
    let validators = ask(node, "esker_validators", json!([])).await;
    assert_eq!(validators["totalPower"], json!("0x28"));
    assert_eq!(validators["validators"].as_array().map(Vec::len), Some(4));
    // Without staking there is no more to tell, and the set of a block whose state is gone is still known.
    let fields: Vec<&String> = validators["validators"][0].as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["address", "power", "publicKey"]);
    assert_eq!(validators["epoch"], Value::Null);
    assert_eq!(ask(node, "esker_validators", json!(["0x0"])).await["validators"], validators["validators"]);
    let nobody = json!(Address::ZERO);
    let many = vec![nobody.clone(); 101];
    for (method, params, code, words) in [
        ("esker_validators", json!(["0xffff"]), -32_000, "header not found"),
        ("esker_candidates", json!([]), -32_000, "this chain has no staking"),
        ("esker_stakingAccount", json!([nobody]), -32_000, "this chain has no staking"),
        ("esker_stakingAccount", json!([]), -32_602, "missing value for required argument 0"),
        ("esker_stakingAccount", json!([nobody, "latest", many]), -32_602, "name at most 100"),
        ("esker_stakingAccount", json!([nobody, "latest", ["0x12"]]), -32_602, "hex string has length 2"),
        ("esker_stakingAccount", json!([nobody, "latest", nobody]), -32_602, "expected a list of addresses"),
    ] {
        match try_ask(node, method, params.clone()).await {
            Err(ClientError::Call(error)) => {
                assert!(error.code() == code && error.message().contains(words), "{method} {params}: {error:?}");
            }
            other => panic!("{method} {params}: {other:?}"),
        }
    }
    let certificate = ask(node, "esker_getCertificate", json!(["0x5"])).await;
    assert!(certificate["signatures"].as_array().is_some_and(|signatures| signatures.len() >= 3), "{certificate}");
    assert_eq!(certificate["blockHash"], json!(hashes.first()));
    assert_eq!(ask(node, "eth_syncing", json!([])).await, json!(false));
    assert_eq!(ask(node, "eth_accounts", json!([])).await, json!([]));
    let state = ask(node, "esker_consensusState", json!([])).await;
    assert_eq!((&state["isValidator"], &state["isSigning"]), (&json!(true), &json!(true)), "{state}");
    network.stop().await;
}
