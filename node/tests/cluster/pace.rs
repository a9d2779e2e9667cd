//! How regularly blocks come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonrpsee::core::client::ClientT;
use jsonrpsee::http_client::HttpClient;
use jsonrpsee::rpc_params;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::network::Network;
use crate::node::number;

/// How often nodes are asked for their height.
const POLL: Duration = Duration::from_millis(25);

/// Watches the network's highest block until it is dropped.
pub struct Pace {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

struct Seen {
    head: u64,
    since: Instant,
    longest: Duration,
}

impl Pace {
    /// Begins to watch.
    pub fn watch(network: &Network) -> Self {
        let nodes: Vec<HttpClient> = network.nodes.iter().map(|node| node.http.clone()).collect();
        let seen = Arc::new(Mutex::new(Seen { head: 0, since: Instant::now(), longest: Duration::ZERO }));
        let shared = seen.clone();
        let task = tokio::spawn(async move {
            loop {
                let asked = nodes.iter().map(|node| node.request::<Value, _>("eth_blockNumber", rpc_params![]));
                let answers = futures::future::join_all(asked).await;
                let head = answers.iter().flatten().filter_map(number).max().unwrap_or(0);
                {
                    let mut seen = shared.lock();
                    let gap = seen.since.elapsed();
                    if seen.head > 0 {
                        seen.longest = seen.longest.max(gap);
                    }
                    if head > seen.head {
                        seen.head = head;
                        seen.since = Instant::now();
                    }
                }
                tokio::time::sleep(POLL).await;
            }
        });
        Self { seen, task }
    }

    /// The longest time without a new block since this was last asked.
    pub fn longest_gap(&self) -> Duration {
        std::mem::take(&mut self.seen.lock().longest)
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.task.abort();
    }
}
