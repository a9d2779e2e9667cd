//! What was committed, when each node said so, and what that had taken until then.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use jsonrpsee::core::client::{Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::WsClientBuilder;
use serde_json::{Value, json};

use super::cluster::CpuTimes;
use super::http::{Http, quantity};

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    pub number: u64,
    pub gas_used: u64,
    pub transactions: usize,
    /// When the first node announced it.
    pub seen: Instant,
    /// Processor time taken until then.
    pub cpu: CpuTimes,
}

/// A node announced a block.
struct Head {
    node: usize,
    number: u64,
    gas_used: u64,
    seen: Instant,
}

#[derive(Default)]
struct Inner {
    /// Blocks as the first node has them.
    blocks: Vec<Block>,
    included: HashMap<B256, u64>,
    /// Committed transactions by lane.
    by_lane: Vec<usize>,
    /// When each node announced each block.
    seen: Vec<BTreeMap<u64, Instant>>,
}

/// Follows all nodes of a network until they end.
pub struct Ledger {
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl Ledger {
    /// Begins to follow. `lane_of` says which lane a transaction is of.
    pub fn follow(nodes: &[SocketAddr], pids: Vec<u32>, lane_of: HashMap<B256, usize>, lanes: usize) -> Arc<Self> {
        let inner = Inner { by_lane: vec![0; lanes], seen: vec![BTreeMap::new(); nodes.len()], ..Inner::default() };
        let ledger = Arc::new(Self { inner: Mutex::new(inner), changed: Condvar::new() });
        let heads = announcements(nodes);
        let (kept, first) = (ledger.clone(), nodes[0]);
        std::thread::spawn(move || {
            let mut http = Http::connect(first).expect("the node serves");
            for head in heads {
                let cpu = CpuTimes::now(&pids);
                let hashes = if head.node == 0 { hashes(&mut http, head.number) } else { Vec::new() };
                let mut inner = kept.inner.lock().expect("nobody panicked");
                inner.seen[head.node].insert(head.number, head.seen);
                if head.node == 0 {
                    let Head { number, gas_used, seen, .. } = head;
                    inner.blocks.push(Block { number, gas_used, transactions: hashes.len(), seen, cpu });
                    for hash in hashes {
                        inner.included.insert(hash, number);
                        if let Some(lane) = lane_of.get(&hash) {
                            inner.by_lane[*lane] += 1;
                        }
                    }
                }
                drop(inner);
                kept.changed.notify_all();
            }
        });
        ledger
    }

    /// Waits until `lane` has at least `count` committed transactions; `false` if `until` came first.
    pub fn wait_for(&self, lane: usize, count: usize, until: Instant) -> bool {
        self.wait(until, |inner| inner.by_lane[lane] >= count)
    }

    /// Waits until all of `hashes` are in blocks that every node has announced; `false` if `until` came first.
    pub fn wait_for_all(&self, hashes: &BTreeSet<B256>, until: Instant) -> bool {
        let all = |inner: &Inner| hashes.iter().all(|hash| inner.included.contains_key(hash));
        let everywhere = |inner: &Inner| {
            let last = inner.blocks.last().map_or(0, |block| block.number);
            inner.seen.iter().all(|seen| seen.contains_key(&last))
        };
        let mut is_included = false;
        self.wait(until, |inner| {
            // What is included stays so.
            is_included = is_included || all(inner);
            is_included && everywhere(inner)
        })
    }

    fn wait(&self, until: Instant, mut done: impl FnMut(&Inner) -> bool) -> bool {
        let inner = self.inner.lock().expect("nobody panicked");
        let patience = until.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(inner, patience, |inner| !done(inner));
        !waited.expect("nobody panicked").1.timed_out()
    }

    /// The blocks so far.
    pub fn blocks(&self) -> Vec<Block> {
        self.inner.lock().expect("nobody panicked").blocks.clone()
    }

    /// How long after `sent` each transaction was in a block that `node` announced.
    pub fn latencies(&self, node: usize, sent: &[(B256, Instant)]) -> Vec<Duration> {
        let inner = self.inner.lock().expect("nobody panicked");
        let latency = |(hash, sent): &(B256, Instant)| inner.seen[node][&inner.included[hash]].duration_since(*sent);
        sent.iter().map(latency).collect()
    }
}

fn hashes(http: &mut Http, number: u64) -> Vec<B256> {
    let block = http.call("eth_getBlockByNumber", &json!([format!("{number:#x}"), false]));
    serde_json::from_value(block["transactions"].clone()).expect("a list of hashes")
}

/// The blocks that nodes announce from now on, with the time at which that came here. Ends when all nodes have ended.
fn announcements(nodes: &[SocketAddr]) -> mpsc::Receiver<Head> {
    let (heads, receiver) = mpsc::channel();
    let (ready, is_ready) = mpsc::channel();
    let urls: Vec<String> = nodes.iter().map(|node| format!("ws://{node}")).collect();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        runtime.block_on(async {
            let mut tasks = Vec::new();
            for (node, url) in urls.into_iter().enumerate() {
                let client = WsClientBuilder::default().build(&url).await.expect("the node serves WebSocket");
                let subscribed = client.subscribe("eth_subscribe", rpc_params!["newHeads"], "eth_unsubscribe").await;
                let mut subscription: Subscription<Value> = subscribed.expect("the node has subscriptions");
                let heads = heads.clone();
                tasks.push(tokio::spawn(async move {
                    while let Some(Ok(head)) = subscription.next().await {
                        let (number, gas_used) = (quantity(&head["number"]), quantity(&head["gasUsed"]));
                        let head = Head { node, number, gas_used, seen: Instant::now() };
                        if heads.send(head).is_err() {
                            break;
                        }
                    }
                    drop(client);
                }));
            }
            drop((ready, heads));
            for task in tasks {
                task.await.expect("following does not panic");
            }
        });
    });
    // Ends when the other side is dropped, which is when all are subscribed.
    let never: Result<(), _> = is_ready.recv();
    assert!(never.is_err());
    receiver
}
