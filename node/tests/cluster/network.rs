//! Some nodes that belong together.

use serde_json::Value;

use crate::node::{Node, esker};
use crate::scenario::{Scenario, until};

/// What network is wanted.
pub struct Plan {
    /// Nodes that vote.
    pub validators: usize,
    /// Nodes that follow.
    pub full_nodes: usize,
    /// Pace of blocks, with transactions or without.
    pub block_time: &'static str,
    /// More arguments of `esker testnet`.
    pub more: &'static [&'static str],
    /// A file of parameters of staking; empty for the usual ones.
    pub staking: &'static str,
}

impl Default for Plan {
    fn default() -> Self {
        Self { validators: 4, full_nodes: 0, block_time: "200ms", more: &[], staking: "" }
    }
}

/// A network on this machine.
pub struct Network {
    /// Its nodes, validators first.
    pub nodes: Vec<Node>,
}

impl Network {
    /// Writes the homes of a network.
    pub fn create(scenario: &Scenario, plan: &Plan) -> Self {
        let folder = scenario.path("network");
        // Not from the seed: two runs at once must not meet.
        let base_port = rand::random_range(scenario.ports());
        let staking = scenario.path("staking.toml");
        std::fs::write(&staking, plan.staking).expect("the folder is ours");
        let output = esker()
            .args(["--json", "testnet", "--block-time", plan.block_time, "--idle-block-time", plan.block_time])
            .args(["--validators", &plan.validators.to_string(), "--full-nodes", &plan.full_nodes.to_string()])
            .args(["--base-port", &base_port.to_string(), "--output"])
            .arg(&folder)
            .arg("--staking")
            .arg(&staking)
            .args(plan.more)
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let network: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let nodes = network["nodes"].as_array().expect("nodes").iter().enumerate().map(|(index, node)| {
            let text = |member: &str| node[member].as_str().expect("text");
            Node::new(index, text("home").into(), text("rpc"))
        });
        let nodes = nodes.collect();
        scenario.says(format_args!("{} validators, blocks each {}", plan.validators, plan.block_time));
        Self { nodes }
    }

    /// Writes a network and starts it.
    pub async fn start(scenario: &Scenario, plan: &Plan) -> Self {
        let mut network = Self::create(scenario, plan);
        network.start_all(scenario).await;
        network
    }

    /// Starts all nodes that do not run, and returns when they make blocks.
    pub async fn start_all(&mut self, scenario: &Scenario) {
        for node in self.nodes.iter_mut().filter(|node| !node.is_running()) {
            node.start();
        }
        self.answer().await;
        let head = self.progress(&self.all(), 2).await;
        scenario.says(format_args!("all run, at block {head}"));
    }

    /// Returns when all nodes that run answer.
    pub async fn answer(&mut self) {
        for node in self.nodes.iter_mut().filter(|node| node.is_running()) {
            node.answers().await;
        }
    }

    /// Gives a node that validates for nobody the keys of another one.
    pub fn share_keys(&self, of: usize, with: usize) {
        let [from, to] = [of, with].map(|index| &self.nodes[index]);
        for file in ["keys/consensus.json", "keys/operator.json", "keys/sign-state.json", "password"] {
            if from.home.join(file).exists() {
                std::fs::copy(from.home.join(file), to.home.join(file)).expect("writable");
            }
        }
        to.configure(|config| config.password_file = Some("password".into()));
    }

    /// The numbers of all nodes.
    pub fn all(&self) -> Vec<usize> {
        (0..self.nodes.len()).collect()
    }

    /// The numbers of all nodes but these.
    pub fn but(&self, others: &[usize]) -> Vec<usize> {
        self.all().into_iter().filter(|index| !others.contains(index)).collect()
    }

    /// The nodes with these numbers.
    pub fn some(&self, indices: &[usize]) -> Vec<&Node> {
        indices.iter().map(|index| &self.nodes[*index]).collect()
    }

    /// The highest block that any of these nodes tells of.
    pub async fn head(&self, indices: &[usize]) -> u64 {
        let mut head = 0;
        for node in self.some(indices) {
            head = head.max(node.height().await.unwrap_or(0));
        }
        head
    }

    /// Returns when each of these nodes has the block.
    pub async fn reach(&self, indices: &[usize], number: u64) {
        for node in self.some(indices) {
            let what = format!("node{} has block {number}", node.index);
            until(what, async || node.height().await.filter(|height| *height >= number)).await;
        }
    }

    /// Returns when each of these nodes is so many blocks past the highest of today, with that block's number.
    pub async fn progress(&self, indices: &[usize], blocks: u64) -> u64 {
        let head = self.head(indices).await;
        // In steps: how long a step may take says nothing about how long many do.
        for step in (0..blocks).step_by(20) {
            self.reach(indices, head + (step + 20).min(blocks)).await;
        }
        head + blocks
    }
}
