//! Links between nodes that can be made bad: every peer's address in a node's settings is that of a relay in this process.
//!
//! What a relay cannot do is lose single packets: TCP would send them again, so that a lost packet is a pause. A link that
//! loses packets is one that pauses now and then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::network::Network;
use crate::scenario::Scenario;

/// Bytes read at once.
const CHUNK: usize = 16 << 10;
/// Chunks under way in one direction of a connection, at most.
const CHUNKS_MAX: usize = 256;

/// What a link lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Everything.
    Open,
    /// Nothing, and nobody is told: as if a cable were cut.
    Silent,
    /// Nothing: connections end, and new ones too.
    Closed,
}

/// How a link behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it lets through.
    pub gate: Gate,
    /// How long each chunk takes.
    pub delay: Duration,
    /// By how much more, at random.
    pub jitter: Duration,
    /// Bytes in a second, in each direction of each connection.
    pub bandwidth: Option<u64>,
    /// Of a thousand chunks, so many are followed by a pause of this length.
    pub pauses: Option<(u32, Duration)>,
}

/// A link as good as the machine's own.
pub const GOOD: Link =
    Link { gate: Gate::Open, delay: Duration::ZERO, jitter: Duration::ZERO, bandwidth: None, pauses: None };

/// The relay of one direction between two nodes, and of what the dialled node answers.
struct Relay {
    address: SocketAddr,
    link: watch::Sender<Link>,
    task: JoinHandle<()>,
}

impl Relay {
    async fn start(target: SocketAddr, random: Arc<Mutex<StdRng>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let (link, rules) = watch::channel(GOOD);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connect(stream, target, rules.clone(), random.clone()));
            }
        });
        Self { address, link, task }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Joins the stream with one to the target, as long as the link's gate lets it be.
async fn connect(near: TcpStream, target: SocketAddr, mut rules: watch::Receiver<Link>, random: Arc<Mutex<StdRng>>) {
    if rules.wait_for(|link| link.gate != Gate::Silent).await.is_err() || rules.borrow().gate == Gate::Closed {
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let there = carry(near_in, far_out, rules.clone(), random.clone());
    let back = carry(far_in, near_out, rules.clone(), random);
    tokio::select! {
        // One side has ended: so does the other.
        () = there => {}
        () = back => {}
        _ = rules.wait_for(|link| link.gate == Gate::Closed) => {}
    }
}

/// Carries bytes one way, as the link allows it, until one side ends.
async fn carry(
    mut from: OwnedReadHalf,
    to: OwnedWriteHalf,
    mut rules: watch::Receiver<Link>,
    random: Arc<Mutex<StdRng>>,
) {
    let (chunks, queue) = mpsc::channel(CHUNKS_MAX);
    let written = write(queue, to, rules.clone());
    let read = async move {
        let mut free_at = Instant::now();
        loop {
            let mut chunk = vec![0; CHUNK];
            let Ok(length @ 1..) = from.read(&mut chunk).await else { return };
            chunk.truncate(length);
            let Ok(link) = rules.wait_for(|link| link.gate != Gate::Silent).await.map(|link| *link) else { return };
            let (extra, pause) = {
                let mut random = random.lock();
                let extra = random.random_range(0..=link.jitter.as_micros() as u64);
                let is_paused = link.pauses.is_some_and(|(often, _)| random.random_range(0..1_000) < often);
                (Duration::from_micros(extra), link.pauses.filter(|_| is_paused).map(|(_, pause)| pause))
            };
            // Bytes stay in order: none overtakes the one before it.
            let arrives = (Instant::now() + link.delay + extra).max(free_at);
            let takes = link
                .bandwidth
                .map_or(Duration::ZERO, |bandwidth| Duration::from_secs_f64(length as f64 / bandwidth as f64));
            free_at = arrives + takes + pause.unwrap_or_default();
            if chunks.send((arrives + takes, chunk)).await.is_err() {
                return;
            }
        }
    };
    // When the source has ended, what is under way still arrives.
    tokio::join!(read, written);
}

async fn write(
    mut queue: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut to: OwnedWriteHalf,
    mut rules: watch::Receiver<Link>,
) {
    while let Some((at, chunk)) = queue.recv().await {
        tokio::time::sleep_until(at).await;
        let may_pass = rules.wait_for(|link| link.gate != Gate::Silent).await.is_ok();
        if !may_pass || to.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

/// All links of a network.
pub struct Links {
    relays: Vec<(usize, usize, Relay)>,
}

impl Links {
    /// Puts a relay into every link of a network that does not run yet, for consensus and for transactions, each way.
    pub async fn install(scenario: &mut Scenario, network: &Network) -> Self {
        let random = Arc::new(Mutex::new(StdRng::seed_from_u64(scenario.between(0, u64::MAX))));
        let configs: Vec<_> = network.nodes.iter().map(crate::node::Node::config).collect();
        let mut relays = Vec::new();
        for node in &network.nodes {
            let (mut consensus, mut gossip) = (Vec::new(), Vec::new());
            for (index, config) in configs.iter().enumerate().filter(|(index, _)| *index != node.index) {
                let sides = [(config.consensus.listen, &mut consensus), (config.gossip.listen, &mut gossip)];
                for (target, peers) in sides {
                    let relay = Relay::start(target, random.clone()).await;
                    peers.push(relay.address.into());
                    relays.push((node.index, index, relay));
                }
            }
            node.configure(|config| (config.consensus.peers, config.gossip.peers) = (consensus, gossip));
        }
        scenario.says(format_args!("{} relays between the nodes", relays.len()));
        Self { relays }
    }

    /// Sets how all links behave, by who dials and who is dialled.
    pub fn set(&self, rule: impl Fn(usize, usize) -> Link) {
        for (from, to, relay) in &self.relays {
            relay.link.send_replace(rule(*from, *to));
        }
    }

    /// Cuts all links between nodes of different sides; those between the others are good.
    pub fn split(&self, side: &[usize], gate: Gate) {
        self.set(|from, to| {
            let is_cut = side.contains(&from) != side.contains(&to);
            if is_cut { Link { gate, ..GOOD } } else { GOOD }
        });
    }

    /// Makes all links good.
    pub fn heal(&self) {
        self.set(|_, _| GOOD);
    }
}
