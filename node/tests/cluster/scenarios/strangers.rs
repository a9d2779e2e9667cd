//! Strangers: no validators, but they can reach the ports.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, hex, keccak256};
use alloy_signer_local::PrivateKeySigner;
use bytes::Bytes;
use esker::chain::genesis_hash;
use esker::consensus::domain::Domain;
use esker::gossip::{Gossip, GossipConfig, TransactionSink, Verdict};
use esker::home::Home;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::rpc_params;
use libp2p::identity::Keypair;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::history::one_history;
use crate::load::{Action, Load, priced, signed, signer, summary};
use crate::network::{Network, Plan};
use crate::node::Node;
use crate::scenario::{Scenario, is_full, scenario, until};

/// Resident memory of a node may be so much, whatever strangers do.
const MEMORY_MAX: u64 = 768 << 20;
/// Where strangers come from: another address of this machine, so that what is held against them is not held against the
/// nodes.
const STRANGERS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));

fn memory_is_bounded(run: &Scenario, network: &Network) {
    let memory: Vec<u64> = network.nodes.iter().map(|node| node.memory() >> 20).collect();
    run.says(format_args!("memory of the nodes, in MiB: {memory:?}"));
    assert!(memory.iter().all(|mib| *mib < MEMORY_MAX >> 20), "too much memory");
}

/// Dials as a stranger; `None` if that is refused.
async fn dial(target: SocketAddr) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind((STRANGERS, 0).into()).ok()?;
    socket.connect(target).await.ok()
}

/// Bytes that no protocol of the node begins with, or that begin like one.
fn garbage(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = match random.random_range(0..4u8) {
        0 => b"\x13/multistream/1.0.0\n\x07/noise\n".to_vec(),
        1 => b"POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n".to_vec(),
        2 => b"\x13/multistream/1.0.0\n\xff\xff\xff\xff\x0f".to_vec(),
        _ => Vec::new(),
    };
    bytes.extend((0..random.random_range(0..20_000)).map(|_| random.random::<u8>()));
    bytes
}

#[test]
fn garbage_on_the_wire() {
    scenario("garbage-on-the-wire", async |run| {
        let mut network = Network::start(run, &Plan::default()).await;
        let load = Load::transfers(&network, &[0, 1]);
        let mut random = StdRng::seed_from_u64(run.between(0, u64::MAX));
        let ports = |node: &Node| {
            let config = node.config();
            [config.consensus.listen, config.gossip.listen, config.rpc.listen]
        };
        let targets: Vec<SocketAddr> = network.nodes.iter().flat_map(ports).collect();
        let mut open = Vec::new();
        let (silent, loud) = if is_full() { (2_000, 2_000) } else { (300, 300) };
        for _ in 0..silent {
            open.extend(dial(targets[random.random_range(0..targets.len())]).await);
        }
        run.says(format_args!("{} connections that say nothing", open.len()));
        let mut sent = 0;
        for _ in 0..loud {
            let bytes = garbage(&mut random);
            if let Some(mut stream) = dial(targets[random.random_range(0..targets.len())]).await {
                // The node may hang up at any time, which is right.
                sent += stream.write(&bytes).await.unwrap_or(0);
                open.push(stream);
            }
        }
        run.says(format_args!("{loud} connections brought {} KiB of garbage", sent >> 10));
        let head = network.progress(&network.all(), 5).await;
        run.says(format_args!("all go on, at block {head}"));
        // Whoever has to connect anew gets through.
        let victim = run.between(0, 3) as usize;
        network.nodes[victim].kill();
        network.nodes[victim].start();
        network.answer().await;
        let head = network.progress(&network.all(), 3).await;
        run.says(format_args!("node{victim} was killed and is back, at block {head}"));
        let acks = load.stop().await;
        drop(open);
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
        memory_is_bounded(run, &network);
    });
}

/// Takes everything, has nothing.
struct Sponge;

impl TransactionSink for Sponge {
    fn admit(&self, raw: Vec<Bytes>) -> Vec<Verdict> {
        vec![Verdict::Accept; raw.len()]
    }

    fn waiting(&self, _: Duration, _: usize) -> Vec<Bytes> {
        Vec::new()
    }
}

/// A stranger that exchanges transactions with all nodes.
async fn stranger(network: &Network) -> Gossip {
    let home = Home::open(&network.nodes[0].home).expect("a home");
    let genesis = genesis_hash(&home.genesis).expect("a genesis");
    let domain = Domain { chain_id: home.genesis.config.chain_id, genesis };
    let peers = network.nodes.iter().map(|node| {
        let listen = node.config().gossip.listen;
        format!("/ip4/{}/tcp/{}", listen.ip(), listen.port()).parse().expect("an address")
    });
    let config = GossipConfig::new((STRANGERS, 0).into(), domain.network(), Keypair::generate_ed25519());
    let config = GossipConfig { peers: peers.collect(), ..config };
    let gossip = Gossip::start(config, Arc::new(Sponge)).await.expect("it starts");
    until("the stranger is connected", async || (gossip.peers() >= network.nodes.len()).then_some(())).await;
    gossip
}

#[test]
fn flood_of_transactions() {
    scenario("flood-of-transactions", async |run| {
        let network = Network::start(run, &Plan::default()).await;
        let load = Load::transfers(&network, &[0, 1]);
        let mut random = StdRng::seed_from_u64(run.between(0, u64::MAX));
        let count = if is_full() { 20_000 } else { 1_000 };

        // By gossip: what nobody can pay, what pays too little, and what is valid.
        let gossip = stranger(&network).await;
        let valid: Vec<PrivateKeySigner> = (4..10).map(signer).collect();
        for number in 0..count {
            let poor = PrivateKeySigner::from_bytes(&keccak256(number.to_string())).expect("a key");
            let action = Action::transfer(Address::repeat_byte(1), number);
            gossip.publish(signed(&poor, 0, action.clone()).into());
            gossip.publish(priced(&poor, 0, action.clone(), 1, 1).into());
            let rich = &valid[(number % 3) as usize];
            gossip.publish(priced(rich, number / 3, action, 50_000_000_000, 1).into());
            if number % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let head = network.progress(&network.all(), 5).await;
        run.says(format_args!("a stranger gossiped {} transactions; all go on, at block {head}", 3 * count));

        // By RPC, to one node.
        let (http, floods) = (network.nodes[0].http.clone(), 8);
        let flood = |part: u64| {
            let (http, valid) = (http.clone(), valid.clone());
            async move {
                let mut refused = 0;
                for number in (part..count).step_by(floods) {
                    let action = Action::transfer(Address::repeat_byte(2), number);
                    let poor = PrivateKeySigner::from_bytes(&keccak256(number.to_string())).expect("a key");
                    let rich = &valid[3 + (number % 3) as usize];
                    let all = [
                        priced(&poor, 0, action.clone(), 1, 1),
                        priced(rich, number / 3, action.clone(), 0, 0),
                        priced(rich, number / 3, action, 50_000_000_000, 1),
                    ];
                    for raw in all {
                        let params = rpc_params![hex::encode_prefixed(raw)];
                        refused += u64::from(http.request::<Value, _>("eth_sendRawTransaction", params).await.is_err());
                    }
                }
                refused
            }
        };
        let refused: u64 = futures::future::join_all((0..floods as u64).map(flood)).await.into_iter().sum();
        run.says(format_args!("{} transactions by RPC, {refused} of them refused", 3 * count));
        assert!(refused >= 2 * count, "what pays nothing is refused");

        // What the gossip's peers do not take.
        let mut figures = gossip.figures();
        for _ in 0..count {
            let length = random.random_range(1..400);
            let bytes: Vec<u8> = (0..length).map(|_| random.random()).collect();
            gossip.publish(bytes.into());
            if figures.has_changed().unwrap_or(false) && figures.borrow_and_update().peers == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        until("nobody talks to the stranger any more", async || (gossip.peers() == 0).then_some(())).await;
        run.says("the stranger gossiped bytes that are no transactions, and was banned by all");

        let before = load.count();
        until("the honest load gets receipts", async || (load.count() >= before + 20).then_some(())).await;
        let head = network.progress(&network.all(), 3).await;
        run.says(format_args!("all go on, at block {head}"));
        let acks = load.stop().await;
        run.says(summary(&acks));
        gossip.stop().await;
        one_history(run, &network.some(&network.all()), &acks).await;
        memory_is_bounded(run, &network);
    });
}
