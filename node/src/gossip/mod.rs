//! Transactions travel between nodes: a swarm of its own, on a port of its own, apart from consensus.
//!
//! One task owns the swarm ([`task`]). What peers send is bytes until a [`TransactionSink`] has judged it, on threads that
//! may block, and only what the sink accepts is passed on. Nothing that a peer sends makes the task wait or memory grow:
//! connections are counted and read at a bounded pace ([`gate`], [`rate`]), packets and transactions of each peer are
//! metered, and what waits to be judged is bounded and taken from the peers in turn ([`intake`]). A peer that sends what no
//! honest one does loses score with each message and is then disconnected and refused for a while.
//!
//! `docs/spec` says nothing about gossip: it decides nothing but which transactions a proposer knows.

pub mod batch;
mod gate;
mod guarded;
mod intake;
mod judge;
mod outbox;
mod pool_sink;
mod rate;
mod redial;
mod repeats;
mod seen;
mod task;
#[cfg(test)]
mod tests;
mod topic;
mod transport;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use libp2p::{Multiaddr, identity};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

pub use intake::IntakeLimits;
use outbox::Outbox;
pub use pool_sink::PoolSink;
pub use rate::Rate;

/// How gossip is set up.
#[derive(Clone, Debug)]
pub struct GossipConfig {
    /// Where peers connect to; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Peers that are dialled, again and again; an address may end with `/p2p/` and the peer's id, and then no other peer
    /// is talked to there.
    pub peers: Vec<Multiaddr>,
    /// Proves who this node is to its peers. No account and no validator's key.
    pub keypair: identity::Keypair,
    /// What chain this is: its id and the hash of its genesis block. Nodes of different networks cannot connect.
    pub network: String,
    /// Most peers that may connect by themselves; those in `peers` come on top.
    pub peers_max: usize,
    /// Most connections from one IPv4 address or one IPv6 network of 64 bits, which is then also banned along with a peer.
    /// `None` where many nodes share an address, as on one machine.
    pub connections_per_host: Option<usize>,
    /// Bounds of what one peer may send.
    pub limits: PeerLimits,
    /// How long a peer that misbehaved is refused.
    pub ban: Duration,
    /// How often transactions that wait for long are sent again.
    pub repeat_every: Duration,
}

impl GossipConfig {
    /// A node without peers, with the usual bounds.
    #[must_use]
    pub fn new(listen: SocketAddr, network: String, keypair: identity::Keypair) -> Self {
        Self {
            listen,
            peers: Vec::new(),
            keypair,
            network,
            peers_max: 50,
            connections_per_host: Some(4),
            limits: PeerLimits::default(),
            ban: Duration::from_secs(5 * 60),
            repeat_every: Duration::from_secs(30),
        }
    }
}

/// What one peer may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerLimits {
    /// Bytes of a connection: who sends more has to wait.
    pub bytes: Rate,
    /// Packets: more are dropped unread, and a burst too many is a reason for a ban.
    pub packets: Rate,
    /// Transactions to be judged: messages with more are ignored.
    pub transactions: Rate,
    /// What may wait to be judged.
    pub intake: IntakeLimits,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            bytes: Rate { per_second: 4 << 20, burst: 4 << 20 },
            packets: Rate { per_second: 2_000, burst: 8_000 },
            transactions: Rate { per_second: 10_000, burst: 20_000 },
            intake: IntakeLimits::default(),
        }
    }
}

/// What a sink thinks of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is good and was not known: others should have it.
    Accept,
    /// Nobody's fault: known already, or of no use here at this time.
    Ignore,
    /// No honest peer would have passed it on.
    Reject,
}

/// Where transactions from peers go to, and where those come from that peers may have missed. Its methods are called on
/// threads that may block, several at a time.
pub trait TransactionSink: Send + Sync {
    /// Judges transactions, each of at most [`batch::TRANSACTION_BYTES_MAX`] bytes, and takes the good ones. There are as
    /// many verdicts as transactions, in their order.
    fn admit(&self, raw: Vec<Bytes>) -> Vec<Verdict>;

    /// Transactions that wait for a block and came `age` ago or earlier, the ones to be sent first at the beginning, as
    /// far as `bytes_max` goes. They are sent to peers that come, and, if they wait for long, again to all: so nothing
    /// need be kept for peers that are not there.
    fn waiting(&self, age: Duration, bytes_max: usize) -> Vec<Bytes>;
}

/// Gossip could not start.
#[derive(Debug, thiserror::Error)]
pub enum GossipError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen for peers on {address}: {reason}. Choose another address or port for the gossip of transactions"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        reason: String,
    },
    /// The system's configuration for host names cannot be read.
    #[error("cannot set up host name resolution: {0}. Check /etc/resolv.conf")]
    Resolver(std::io::Error),
    /// A mistake in this program.
    #[error("gossip cannot be set up: {0}")]
    Setup(String),
}

/// What gossip has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Peers that want transactions.
    pub peers: usize,
    /// Messages that came, each counted once.
    pub messages: u64,
    /// Messages with something in them that no honest peer sends.
    pub rejected: u64,
    /// Messages that were not looked at because their peer, or all of them, sent too much.
    pub over_limit: u64,
    /// Transactions that the sink accepted.
    pub accepted: u64,
    /// Messages sent of our own making.
    pub published: u64,
    /// Own transactions that were not sent because too many waited.
    pub dropped: u64,
    /// Peers that were banned.
    pub banned: u64,
}

/// Gossip that is under way. Dropping it ends it too, but nobody then knows when.
pub struct Gossip {
    address: Multiaddr,
    outbox: Arc<Outbox>,
    figures: watch::Receiver<Figures>,
    failure: watch::Receiver<Option<String>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Gossip {
    /// Listens, and starts the task that does the rest. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`GossipError`].
    pub async fn start(config: GossipConfig, sink: Arc<dyn TransactionSink>) -> Result<Self, GossipError> {
        let outbox = Arc::new(Outbox::default());
        let (figures_sender, figures) = watch::channel(Figures::default());
        let (failure_sender, failure) = watch::channel(None);
        let (stop, stopped) = oneshot::channel();
        let (task, address) = task::Task::listen(config, sink, Arc::clone(&outbox), figures_sender).await?;
        let task = tokio::spawn(async move {
            if let Some(reason) = task.run(stopped).await {
                failure_sender.send_replace(Some(reason));
            }
        });
        Ok(Self { address, outbox, figures, failure, stop, task })
    }

    /// Where this node can be dialled, with its id: the address that was asked for and the port that it got.
    #[must_use]
    pub fn address(&self) -> Multiaddr {
        self.address.clone()
    }

    /// Sends a transaction to peers, soon. Never waits: if too many are waiting to be sent, the oldest is dropped. Without
    /// peers nothing is kept: whoever comes gets what the sink says is waiting.
    pub fn publish(&self, raw: Bytes) {
        self.outbox.push(raw);
    }

    /// How many peers want transactions.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.figures.borrow().peers
    }

    /// What it has come to; changes can be waited for.
    #[must_use]
    pub fn figures(&self) -> watch::Receiver<Figures> {
        self.figures.clone()
    }

    /// Returns when gossip has ended by itself, which it must not, with the reason.
    pub async fn ended(&self) -> String {
        let mut failure = self.failure.clone();
        let reason = failure.wait_for(Option::is_some).await;
        reason.ok().and_then(|reason| reason.clone()).unwrap_or_else(|| "the gossip task panicked".to_owned())
    }

    /// Closes all connections and returns when nothing runs any more.
    pub async fn stop(self) {
        let Self { stop, task, .. } = self;
        drop(stop);
        if let Err(error) = task.await {
            tracing::error!(%error, "the gossip task panicked");
        }
    }
}
