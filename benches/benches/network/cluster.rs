//! A network of real processes, and what the system says that they take.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use esker::home::network::{genesis_text, read_genesis};
use esker::home::testnet::{GENESIS, LOG, Testnet, TestnetPlan};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::http::Http;
use super::transfers::{CHAIN_ID, Workload};

/// How long nodes may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Apart from where networks are usually made: whoever makes one meanwhile does not take the same ports.
const BASE_PORT: u16 = 29_500;
const POLL: Duration = Duration::from_millis(50);

/// The network. Its processes are killed when it is dropped.
pub struct Cluster {
    pub net: Testnet,
    processes: Vec<Child>,
    _folder: TempDir,
}

impl Cluster {
    /// Writes a network whose genesis funds the workload's senders, and starts its nodes.
    pub fn start(program: &Path, validators: usize, gas_limit: u64, block_time: Duration, workload: &Workload) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let plan = TestnetPlan {
            chain_id: CHAIN_ID,
            gas_limit,
            block_time,
            base_port: BASE_PORT,
            ..TestnetPlan::new(folder.path().join("network"), validators, program.to_owned())
        };
        let net = plan.write().unwrap_or_else(|error| panic!("{error}"));
        let mut genesis = read_genesis(&net.folder.join(GENESIS)).unwrap_or_else(|error| panic!("{error}"));
        workload.fund(&mut genesis);
        let text = genesis_text(&genesis);
        for home in net.nodes.iter().map(|node| &node.home).chain([&net.folder]) {
            std::fs::write(home.join(GENESIS), &text).expect("the genesis can be written");
        }
        let mut cluster = Self { net, processes: Vec::new(), _folder: folder };
        for node in &cluster.net.nodes {
            cluster.processes.push(node.spawn(program).unwrap_or_else(|error| panic!("{}: {error}", node.name)));
        }
        let deadline = Instant::now() + PATIENCE;
        for index in 0..validators {
            while Http::connect(cluster.net.nodes[index].rpc).is_err() {
                assert!(Instant::now() < deadline, "node{index} does not serve:\n{}", cluster.log_ends());
                std::thread::sleep(POLL);
            }
        }
        for index in 0..validators {
            let ended = cluster.processes[index].try_wait().expect("it is our child");
            assert!(ended.is_none(), "node{index} ended:\n{}", cluster.log_ends());
        }
        cluster
    }

    /// The processes' ids.
    pub fn pids(&self) -> Vec<u32> {
        self.processes.iter().map(Child::id).collect()
    }

    /// The most memory that each process ever had resident, in bytes.
    pub fn peak_memory(&self) -> Vec<u64> {
        let peak = |pid: u32| {
            let status = read(&format!("/proc/{pid}/status"));
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            kib.expect("the system tells how much memory a process had") << 10
        };
        self.pids().into_iter().map(peak).collect()
    }

    /// The last lines of every node's log.
    pub fn log_ends(&self) -> String {
        let end = |path: PathBuf| {
            let log = std::fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<&str> = log.lines().rev().take(6).collect();
            lines.into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        let nodes = self.net.nodes.iter();
        nodes.map(|node| format!("{}:\n{}\n", node.name, end(node.home.join(LOG)))).collect()
    }

    /// The warnings and errors in all logs so far. While nodes start there are some: peers are not there yet.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for node in &self.net.nodes {
            let log = std::fs::read_to_string(node.home.join(LOG)).unwrap_or_default();
            let bad = log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR "));
            complaints.extend(bad.map(|line| format!("{}: {line}", node.name)));
        }
        complaints
    }

    /// Ends all nodes; each must end well.
    pub fn stop(mut self) {
        for process in &self.processes {
            kill_process(Pid::from_child(process), Signal::TERM).expect("the node runs");
        }
        let deadline = Instant::now() + PATIENCE;
        for index in 0..self.processes.len() {
            loop {
                if let Some(status) = self.processes[index].try_wait().expect("it is our child") {
                    assert!(status.success(), "node{index} ended with {status}:\n{}", self.log_ends());
                    break;
                }
                assert!(Instant::now() < deadline, "node{index} does not end:\n{}", self.log_ends());
                std::thread::sleep(POLL);
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // Fails only if it has ended.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Seconds of processor time taken until now.
#[derive(Clone, Debug, Default)]
pub struct CpuTimes {
    /// By each node.
    pub nodes: Vec<f64>,
    /// By this process.
    pub load: f64,
    /// By the whole machine.
    pub machine: f64,
}

impl CpuTimes {
    /// Reads what the system says.
    pub fn now(pids: &[u32]) -> Self {
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let of = |process: &str| {
            let stat = read(&format!("/proc/{process}/stat"));
            // The name before may hold spaces.
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            [11, 12].iter().map(|index| fields[*index].parse::<f64>().expect("a number of ticks")).sum::<f64>() / ticks
        };
        let stat = read("/proc/stat");
        let all: Vec<f64> = stat.lines().next().unwrap_or_default().split(' ').filter_map(|n| n.parse().ok()).collect();
        // All but idle and waiting for disks; guests' time is in the user's already.
        let machine = all.iter().take(8).sum::<f64>() - all[3] - all[4];
        Self {
            nodes: pids.iter().map(|pid| of(&pid.to_string())).collect(),
            load: of("self"),
            machine: machine / ticks,
        }
    }

    /// What was taken since `before`.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            nodes: self.nodes.iter().zip(&before.nodes).map(|(now, before)| now - before).collect(),
            load: self.load - before.load,
            machine: self.machine - before.machine,
        }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
