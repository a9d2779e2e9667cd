//! Networks of real processes on this machine: four validators beside one, with the same transactions.
//!
//! `cargo build --release && cargo bench --workspace --bench network`; `SECONDS` is how long each load lasts, `HOLDERS` how
//! many accounts send, `TRANSFERS` how many transfers are signed, `VALIDATORS` compares that many instead of four.
//!
//! First as many transfers are sent as are taken, over several connections, to all nodes in turn, as JSON-RPC batches; then
//! half as many a second, at a steady pace. The bench fails if a transfer is not in a block of every node, did not succeed,
//! or the nodes do not end with one state.

mod cluster;
mod http;
mod ledger;
mod load;
mod transfers;

use esker_benches as _;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use alloy_primitives::{B256, Bytes};
use serde_json::{Value, json};

use cluster::{Cluster, CpuTimes};
use http::{Http, quantity};
use ledger::{Block, Ledger};
use load::{LANES, Lane};
use transfers::Workload;

const BLOCK_TIME: Duration = Duration::from_secs(1);
/// Of a block: some sixteen thousand transfers, more than ever wait for one.
const GAS_LIMIT: u64 = 600_000_000;
/// Load before the first block that counts.
const WARM_UP: Duration = Duration::from_secs(4);
/// Most warnings of a network's logs that are shown.
const COMPLAINTS_SHOWN: usize = 10;
/// How long what is sent to set the network up may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The binary that `cargo build --release` makes, beside the folder of this one.
fn program() -> PathBuf {
    let bench = std::env::current_exe().expect("the system tells the path of this program");
    let program = bench.ancestors().nth(2).expect("it lies in target/release/deps").join("esker");
    let Ok(built) = program.metadata().and_then(|metadata| metadata.modified()) else {
        panic!("{} is missing: run cargo build --release first", program.display());
    };
    let age = SystemTime::now().duration_since(built).unwrap_or_default().as_secs() / 60;
    println!("{}, built {age} minutes ago", program.display());
    program
}

/// What a network came to.
struct Figures {
    validators: usize,
    /// Committed transfers a second.
    rate: f64,
    /// The blocks that count, with the one before the first of them.
    blocks: Vec<Block>,
    /// Processor seconds between the two ends.
    cpu: CpuTimes,
    /// Blocks that were decided in a later round than the first, of all.
    late: (usize, u64),
    /// Transfers a second of the steady load, and how long each took.
    paced_rate: f64,
    latencies: Vec<Duration>,
    /// Peak of each node, in bytes.
    memory: Vec<u64>,
}

impl Figures {
    fn transfers(&self) -> usize {
        self.blocks[1..].iter().map(|block| block.transactions).sum()
    }

    fn seconds(&self) -> f64 {
        let (first, last) = (&self.blocks[0], &self.blocks[self.blocks.len() - 1]);
        last.seen.duration_since(first.seen).as_secs_f64()
    }

    fn nodes_cpu(&self) -> f64 {
        self.cpu.nodes.iter().sum()
    }

    /// Executions of transfers, on all nodes together, in a processor second of theirs.
    fn executions_per_cpu_second(&self) -> f64 {
        (self.transfers() * self.validators) as f64 / self.nodes_cpu()
    }

    fn latency_ms(&self, share: f64) -> f64 {
        let index = ((self.latencies.len() - 1) as f64 * share).round() as usize;
        self.latencies[index].as_secs_f64() * 1e3
    }
}

fn measure(program: &Path, validators: usize, workload: &Workload, lasting: Duration) -> Figures {
    let cluster = Cluster::start(program, validators, GAS_LIMIT, BLOCK_TIME, workload);
    let nodes: Vec<_> = cluster.net.nodes.iter().map(|node| node.rpc).collect();
    let lane_of = |(lane, transfers): (usize, &Vec<transfers::Signed>)| {
        transfers.iter().map(|signed| (signed.hash, lane)).collect::<Vec<_>>()
    };
    let lane_of: HashMap<B256, usize> = workload.lanes.iter().enumerate().flat_map(lane_of).collect();
    let ledger = Ledger::follow(&nodes, cluster.pids(), lane_of, LANES);

    let mut http = Http::connect(nodes[0]).expect("the node serves");
    load::send(&mut http, &workload.set_up);
    let mut sent: BTreeSet<B256> = workload.set_up.iter().map(|signed| signed.hash).collect();
    assert!(ledger.wait_for_all(&sent, Instant::now() + PATIENCE), "no token:\n{}", cluster.log_ends());

    let before: BTreeSet<String> = cluster.complaints().into_iter().collect();

    let mut lanes = Lane::open(&nodes, &workload.lanes);
    let counts_from = Instant::now() + WARM_UP;
    let counts_until = counts_from + lasting;
    load::saturate(&mut lanes, &ledger, counts_until);
    let counts = |block: &Block| block.seen >= counts_from && block.seen <= counts_until;
    let blocks: Vec<Block> = ledger.blocks().into_iter().filter(counts).collect();
    assert!(blocks.len() >= 3, "{} blocks are too few: give more SECONDS\n{}", blocks.len(), cluster.log_ends());
    let cpu = blocks[blocks.len() - 1].cpu.since(&blocks[0].cpu);
    let mut figures = Figures {
        validators,
        rate: 0.0,
        blocks,
        cpu,
        late: (0, 0),
        paced_rate: 0.0,
        latencies: Vec::new(),
        memory: Vec::new(),
    };
    figures.rate = figures.transfers() as f64 / figures.seconds();
    figures.paced_rate = figures.rate / 2.0;
    figures.latencies = load::pace(&mut lanes, &ledger, figures.paced_rate, Instant::now() + lasting);
    figures.memory = cluster.peak_memory();

    sent.extend(load::sent(&lanes));
    figures.late = check(&nodes, &sent);
    let complaints: Vec<String> = cluster.complaints().into_iter().filter(|line| !before.contains(line)).collect();
    for complaint in complaints.iter().take(COMPLAINTS_SHOWN) {
        println!("{complaint}");
    }
    println!("network of {validators}: {} warnings in the logs during the loads", complaints.len());
    drop(lanes);
    cluster.stop();
    figures
}

/// Checks that all nodes have one chain in which everything that was sent succeeded. Returns how many blocks were decided
/// in a later round than the first, and how many there are.
fn check(nodes: &[std::net::SocketAddr], sent: &BTreeSet<B256>) -> (usize, u64) {
    let mut clients: Vec<Http> = nodes.iter().map(|node| Http::connect(*node).expect("the node serves")).collect();
    let head = |http: &mut Http| quantity(&http.call("eth_blockNumber", &json!([])));
    // All have what was sent; some may be a block ahead.
    let last = clients.iter_mut().map(head).min().expect("there is a node");
    let fields = |http: &mut Http| {
        let block = http.call("eth_getBlockByNumber", &json!([format!("{last:#x}"), false]));
        (block["hash"].clone(), block["stateRoot"].clone())
    };
    let heads: Vec<(Value, Value)> = clients.iter_mut().map(fields).collect();
    assert!(heads.iter().all(|head| *head == heads[0] && head.0.is_string()), "block {last} differs: {heads:?}");

    let (mut succeeded, mut late) = (BTreeSet::new(), 0);
    for number in 1..=last {
        let number = json!([format!("{number:#x}")]);
        for receipt in clients[0].call("eth_getBlockReceipts", &number).as_array().expect("a list") {
            assert_eq!(receipt["status"], json!("0x1"), "a transfer failed: {receipt}");
            let hash: B256 = serde_json::from_value(receipt["transactionHash"].clone()).expect("a hash");
            succeeded.insert(hash);
        }
        let certificate = clients[0].call("esker_getCertificate", &number);
        late += usize::from(certificate["round"].as_u64().expect("every block has a certificate") > 0);
    }
    assert!(succeeded == *sent, "{} transactions have receipts, {} were sent", succeeded.len(), sent.len());
    (late, last)
}

fn report(one: &Figures, many: &Figures) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let row =
        |what: &str, value: &dyn Fn(&Figures) -> String| println!("| {what} | {} | {} |", value(one), value(many));
    println!("\n| | one node | {} validators |\n|---|---|---|", many.validators);
    row("committed transfers a second", &|it| format!("{:.0}", it.rate));
    row("blocks, their mean time, the fullest", &|it| {
        let fullest = it.blocks[1..].iter().map(|block| block.gas_used).max().unwrap_or_default();
        let count = it.blocks.len() - 1;
        format!("{count}, {:.2} s, {:.0} %", it.seconds() / count as f64, fullest as f64 * 100.0 / GAS_LIMIT as f64)
    });
    row("blocks decided in a later round, of all", &|it| format!("{} of {}", it.late.0, it.late.1));
    row("executions (transfers × nodes) in a CPU second of the nodes", &|it| {
        format!("{:.0}", it.executions_per_cpu_second())
    });
    row("CPU of the nodes · the load · others, of all cores", &|it| {
        let share = |seconds: f64| seconds * 100.0 / (it.seconds() * cores);
        let others = it.cpu.machine - it.nodes_cpu() - it.cpu.load;
        format!("{:.0} · {:.0} · {:.0} %", share(it.nodes_cpu()), share(it.cpu.load), share(others))
    });
    row("load for the latency, transfers a second", &|it| format!("{:.0}", it.paced_rate));
    row("latency, median · p99 · longest", &|it| {
        let of = |share| it.latency_ms(share);
        format!("{:.0} · {:.0} · {:.0} ms", of(0.5), of(0.99), of(1.0))
    });
    row("the same in block times", &|it| {
        let of = |share| it.latency_ms(share) / BLOCK_TIME.as_secs_f64() / 1e3;
        format!("{:.2} · {:.2} · {:.2}", of(0.5), of(0.99), of(1.0))
    });
    row("peak memory of a node, MiB", &|it| {
        it.memory.iter().map(|bytes| format!("{}", bytes >> 20)).collect::<Vec<_>>().join(" · ")
    });
    let share = many.executions_per_cpu_second() / one.executions_per_cpu_second();
    println!("\n{} validators' executions in a CPU second: {:.0} % of one node's", many.validators, share * 100.0);
}

fn main() {
    let program = program();
    let lasting = Duration::from_secs(size("SECONDS", 20) as u64);
    let (holders, validators) = (size("HOLDERS", 400), size("VALIDATORS", 4));
    let transfers = size("TRANSFERS", 300_000);
    let artifact = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/artifacts/Erc20.json");
    let artifact = std::fs::read_to_string(artifact).expect("the committed artifact is there");
    let artifact: Value = serde_json::from_str(&artifact).expect("the committed artifact is JSON");
    let envelope: Bytes = serde_json::from_value(artifact["bytecode"].clone()).expect("the artifact has bytecode");
    println!(
        "block time {BLOCK_TIME:?}, gas limit {GAS_LIMIT}, {holders} holders, {LANES} connections, at most {} transfers \
         waiting; each load {lasting:?}",
        load::WINDOW
    );
    let workload = Workload::new(&envelope, holders, transfers, LANES);
    let one = measure(&program, 1, &workload, lasting);
    println!("one node: {:.0} transfers/s", one.rate);
    let many = measure(&program, validators, &workload, lasting);
    report(&one, &many);
}
