//! Validators in one process: they agree on blocks, and answer about themselves.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use esker::accounts::{Accounts, DEFAULT_MNEMONIC};
use esker::consensus::sign_state::SignState;
use esker::network_node::{NetworkConfig, NetworkNode, ValidatorKey};
use esker_runtime::genesis::GenesisAccount;
use esker_runtime::{Genesis, Validator};
use esker_vm::EngineKind;
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
        SignState::create(&sign_state).expect("a new file");
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

async fn ask(node: &NetworkNode, method: &str, params: Value) -> Value {
    use jsonrpsee::core::client::ClientT;
    use jsonrpsee::core::params::ArrayParams;
    let client = jsonrpsee::http_client::HttpClientBuilder::default().build(format!("http://{}", node.address));
    let mut array = ArrayParams::new();
    for param in params.as_array().cloned().unwrap_or_default() {
        array.insert(param).expect("JSON");
    }
    client.expect("a client").request(method, array).await.expect("an answer")
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
    let certificate = ask(node, "esker_getCertificate", json!(["0x5"])).await;
    assert!(certificate["signatures"].as_array().is_some_and(|signatures| signatures.len() >= 3), "{certificate}");
    assert_eq!(certificate["blockHash"], json!(hashes.first()));
    assert_eq!(ask(node, "eth_syncing", json!([])).await, json!(false));
    assert_eq!(ask(node, "eth_accounts", json!([])).await, json!([]));
    let state = ask(node, "esker_consensusState", json!([])).await;
    assert_eq!((&state["isValidator"], &state["isSigning"]), (&json!(true), &json!(true)), "{state}");
    network.stop().await;
}
