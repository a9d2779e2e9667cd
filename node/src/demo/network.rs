//! The chain of the demonstration: four validators, each a process of its own, that can be killed and started again.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use esker_vm::EngineKind;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::rpc_params;
use serde_json::{Value, json};

use super::DemoError;
use crate::home::processes::{end_all, kill_all};
use crate::home::testnet::{Testnet, TestnetPlan};

/// Nodes of the network.
pub(super) const VALIDATORS: usize = 4;
/// The one that interprets code instead of running it natively.
pub(super) const INTERPRETER: usize = 3;
/// The one that is killed.
pub(super) const VICTIM: usize = 1;
/// Pace of blocks.
const BLOCK_TIME: Duration = Duration::from_millis(200);
/// Gas limit of a block: what the interpreter keeps up with.
const GAS_LIMIT: u64 = 10_000_000;
/// How long a node may take to answer, to catch up, or to end.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// The network. Processes that still run are killed when it is dropped.
pub(super) struct Network {
    program: PathBuf,
    plan: Testnet,
    processes: Vec<Option<Child>>,
}

/// Height and hash of a node's last block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) state_root: B256,
}

impl Network {
    /// Writes the network into `folder` and starts every node.
    pub(super) async fn start(folder: PathBuf, program: PathBuf) -> Result<Self, DemoError> {
        let plan = TestnetPlan {
            block_time: BLOCK_TIME,
            idle_block_time: BLOCK_TIME,
            gas_limit: GAS_LIMIT,
            engines: [(INTERPRETER, EngineKind::Pulley)].into(),
            ..TestnetPlan::new(folder, VALIDATORS, program.clone())
        };
        let plan = plan.write()?;
        let mut network = Self { program, plan, processes: (0..VALIDATORS).map(|_| None).collect() };
        for index in 0..VALIDATORS {
            network.launch(index)?;
        }
        for index in 0..VALIDATORS {
            network.wait_for(index, 1).await?;
        }
        Ok(network)
    }

    /// Where node `index` answers.
    pub(super) fn url(&self, index: usize) -> String {
        self.plan.nodes[index].rpc_url()
    }

    /// Where node `index` keeps what it writes.
    pub(super) fn data(&self, index: usize) -> PathBuf {
        self.plan.nodes[index].home.join(crate::home::layout::DATA)
    }

    /// Starts node `index`.
    pub(super) fn launch(&mut self, index: usize) -> Result<(), DemoError> {
        self.processes[index] = Some(self.plan.nodes[index].spawn(&self.program)?);
        Ok(())
    }

    /// Kills node `index` as a power cut would.
    pub(super) fn kill(&mut self, index: usize) -> Result<(), DemoError> {
        if let Some(mut process) = self.processes[index].take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Waits until node `index` has block `number`, and returns its head.
    pub(super) async fn wait_for(&self, index: usize, number: u64) -> Result<Head, DemoError> {
        let client = self.client(index)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let head = block(&client, json!("latest")).await;
            match head {
                Ok(Some(head)) if head.number >= number => return Ok(head),
                _ if Instant::now() > deadline => {
                    let log = self.plan.nodes[index].home.join(crate::home::testnet::LOG);
                    let end = std::fs::read_to_string(log).unwrap_or_default();
                    let end: Vec<&str> = end.lines().rev().take(8).collect();
                    return Err(DemoError::Stuck {
                        index,
                        number,
                        log: end.into_iter().rev().collect::<Vec<_>>().join("\n"),
                    });
                }
                _ => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// The highest block that all nodes have, which must be the same on each.
    pub(super) async fn agreed(&self) -> Result<Head, DemoError> {
        let mut lowest = u64::MAX;
        for index in 0..VALIDATORS {
            lowest = lowest.min(self.wait_for(index, 1).await?.number);
        }
        let mut agreed = None;
        for number in 1..=lowest {
            let mut found = Vec::with_capacity(VALIDATORS);
            for index in 0..VALIDATORS {
                let client = self.client(index)?;
                found.extend(block(&client, json!(format!("{number:#x}"))).await?);
            }
            if found.len() != VALIDATORS || found.iter().any(|head| *head != found[0]) {
                return Err(DemoError::Differ(number));
            }
            agreed = Some(found[0]);
        }
        agreed.ok_or(DemoError::Differ(0))
    }

    /// Ends every node and waits for that.
    pub(super) async fn stop(&mut self) {
        let mut processes: Vec<_> = self.processes.iter_mut().collect();
        end_all(&mut processes, PATIENCE).await;
    }

    fn client(&self, index: usize) -> Result<HttpClient, DemoError> {
        Ok(HttpClientBuilder::default().build(self.url(index)).map_err(super::SessionError::Rpc)?)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        kill_all(self.processes.iter_mut());
    }
}

async fn block(client: &HttpClient, number: Value) -> Result<Option<Head>, DemoError> {
    let block: Value =
        client.request("eth_getBlockByNumber", rpc_params![number, false]).await.map_err(super::SessionError::Rpc)?;
    let number = block["number"].as_str().and_then(|text| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok());
    let hash = |name: &str| block[name].as_str().and_then(|text| text.parse().ok());
    Ok(number.zip(hash("hash")).zip(hash("stateRoot")).map(|((number, hash), state_root)| Head {
        number,
        hash,
        state_root,
    }))
}

/// Where a node's store lies.
pub(super) fn store(data: &Path) -> PathBuf {
    data.join(crate::dev_node::STORE_FOLDER)
}
