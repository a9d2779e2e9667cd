//! Several swarms on this machine.

mod hostile;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use libp2p::{Multiaddr, identity};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::*;

const NETWORK: &str = "1337 0xabc";
/// Long enough for the slowest machine; nothing takes that long where all is well.
const WITHIN: Duration = Duration::from_secs(60);

/// Judges a transaction by its first byte, and keeps what it was given.
struct Recorder {
    judged: watch::Sender<Vec<Bytes>>,
    waiting: Mutex<Vec<Bytes>>,
    asked: watch::Sender<Vec<Duration>>,
}

impl Recorder {
    fn new() -> Arc<Self> {
        let (judged, asked) = (watch::Sender::default(), watch::Sender::default());
        Arc::new(Self { judged, waiting: Mutex::default(), asked })
    }

    /// Returns what was judged, once `transaction` was.
    async fn judged(&self, transaction: &Bytes) -> Vec<Bytes> {
        let mut judged = self.judged.subscribe();
        let judged = timeout(WITHIN, judged.wait_for(|judged| judged.contains(transaction))).await;
        judged.unwrap_or_else(|_| panic!("{transaction:?} never came")).expect("the sender is here").clone()
    }

    fn count(&self, transaction: &Bytes) -> usize {
        self.judged.borrow().iter().filter(|other| *other == transaction).count()
    }
}

impl TransactionSink for Recorder {
    fn admit(&self, raw: Vec<Bytes>) -> Vec<Verdict> {
        let verdict = |transaction: &Bytes| match transaction.first() {
            Some(b'r') => Verdict::Reject,
            Some(b'i') => Verdict::Ignore,
            _ => Verdict::Accept,
        };
        let verdicts = raw.iter().map(verdict).collect();
        self.judged.send_modify(|judged| judged.extend(raw));
        verdicts
    }

    fn waiting(&self, age: Duration, _bytes_max: usize) -> Vec<Bytes> {
        self.asked.send_modify(|asked| asked.push(age));
        self.waiting.lock().clone()
    }
}

fn transaction(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}

fn config(peers: &[Multiaddr]) -> GossipConfig {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = GossipConfig::new(listen, NETWORK.to_owned(), identity::Keypair::generate_ed25519());
    GossipConfig { peers: peers.to_vec(), connections_per_host: None, ..config }
}

struct Node {
    gossip: Gossip,
    sink: Arc<Recorder>,
}

impl Node {
    async fn start(peers: &[&Node]) -> Self {
        let peers: Vec<Multiaddr> = peers.iter().map(|node| node.gossip.address()).collect();
        Self::with(config(&peers)).await
    }

    async fn with(config: GossipConfig) -> Self {
        let sink = Recorder::new();
        let gossip = Gossip::start(config, sink.clone()).await.expect("it listens on a free port");
        Self { gossip, sink }
    }

    async fn figures(&self, what: &str, wanted: impl FnMut(&Figures) -> bool) -> Figures {
        let mut figures = self.gossip.figures();
        let reached = timeout(WITHIN, figures.wait_for(wanted)).await;
        *reached.unwrap_or_else(|_| panic!("{what}: {:?}", self.gossip.figures().borrow())).expect("it runs")
    }

    async fn has_peers(&self, count: usize) {
        self.figures("peers", |figures| figures.peers == count).await;
    }

    fn publish(&self, transaction: &Bytes) {
        self.gossip.publish(transaction.clone());
    }
}

async fn stop(nodes: impl IntoIterator<Item = Node>) {
    for node in nodes {
        timeout(WITHIN, node.gossip.stop()).await.expect("it stops");
    }
}

/// A, B and C, of which A and C know B only.
async fn line() -> [Node; 3] {
    let b = Node::start(&[]).await;
    let (a, c) = (Node::start(&[&b]).await, Node::start(&[&b]).await);
    a.has_peers(1).await;
    b.has_peers(2).await;
    c.has_peers(1).await;
    [a, b, c]
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_travel_along_a_line_in_both_directions() {
    let [a, b, c] = line().await;
    let (there, back) = (transaction("there"), transaction("back"));
    a.publish(&there);
    b.sink.judged(&there).await;
    c.sink.judged(&there).await;
    c.publish(&back);
    b.sink.judged(&back).await;
    a.sink.judged(&back).await;
    assert_eq!((a.gossip.peers(), c.gossip.peers()), (1, 1), "the ends do not know each other");
    assert_eq!((a.sink.count(&there), b.sink.count(&there), c.sink.count(&there)), (0, 1, 1));
    stop([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_transactions_travel_in_few_messages() {
    let [a, b, c] = line().await;
    let all: Vec<Bytes> = (0..5_000).map(|index| transaction(format!("{index:0>120}"))).collect();
    for transaction in &all {
        a.publish(transaction);
    }
    let mut judged = c.sink.judged.subscribe();
    let arrived = timeout(WITHIN, judged.wait_for(|judged| judged.len() >= all.len())).await;
    let mut arrived = arrived.expect("all of them arrive").expect("the sender is here").clone();
    arrived.sort();
    assert!(arrived == all, "each arrives once");
    let messages = c.figures("messages", |figures| figures.accepted >= 5_000).await.messages;
    println!("{messages} messages");
    assert!(messages <= 500, "{messages} messages");
    stop([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_larger_than_any_packet_of_the_network_arrives() {
    let [a, b, c] = line().await;
    let large = Bytes::from(vec![7; batch::TRANSACTION_BYTES_MAX]);
    a.publish(&large);
    c.sink.judged(&large).await;
    stop([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_or_ignored_is_not_passed_on() {
    let [a, b, c] = line().await;
    let (bad, useless, good) = (transaction("r bad"), transaction("i useless"), transaction("good"));
    a.publish(&bad);
    b.figures("rejected", |figures| figures.rejected == 1).await;
    a.publish(&useless);
    b.sink.judged(&useless).await;
    a.publish(&good);
    assert_eq!(c.sink.judged(&good).await, [good]);
    assert_eq!(b.gossip.figures().borrow().banned, 0, "one is forgiven");
    stop([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_good_part_of_a_message_is_passed_on_without_the_rest() {
    let [a, b, c] = line().await;
    let good = transaction("good");
    // They wait for a message of their own size: one message has them all.
    a.publish(&transaction("first"));
    b.sink.judged(&transaction("first")).await;
    let useless: Vec<Bytes> = (0..20).map(|index| transaction(format!("i {index}"))).collect();
    a.publish(&useless[0]);
    useless.iter().skip(1).for_each(|useless| a.publish(useless));
    a.publish(&good);
    let judged = c.sink.judged(&good).await;
    let carried = judged.iter().filter(|transaction| transaction.starts_with(b"i")).count();
    assert!(carried <= 1, "{carried} useless ones were carried along");
    stop([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_several_sides_is_judged_once() {
    let a = Node::start(&[]).await;
    let b = Node::start(&[&a]).await;
    let c = Node::start(&[&a, &b]).await;
    for node in [&a, &b, &c] {
        node.has_peers(2).await;
    }
    let (first, second, last) = (transaction("first"), transaction("second"), transaction("last"));
    a.publish(&first);
    b.sink.judged(&first).await;
    c.sink.judged(&first).await;
    // The same once more, and then within another message.
    a.publish(&first);
    c.publish(&first);
    c.publish(&second);
    b.publish(&second);
    a.sink.judged(&second).await;
    a.publish(&last);
    b.sink.judged(&last).await;
    c.sink.judged(&last).await;
    assert_eq!((b.sink.count(&first), b.sink.count(&last), c.sink.count(&last)), (1, 1, 1));
    assert!(a.sink.count(&first) <= 1 && c.sink.count(&first) == 1 && a.sink.count(&second) == 1);
    stop([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_later_gets_what_waits() {
    let a = Node::start(&[]).await;
    let early = transaction("early");
    // Nobody is there: it is not kept, but the pool has it.
    a.publish(&early);
    a.sink.waiting.lock().push(early.clone());
    let b = Node::start(&[&a]).await;
    b.sink.judged(&early).await;
    b.sink.waiting.lock().push(early.clone());
    // A's transaction reaches C though A does not know that C came.
    let c = Node::start(&[&b]).await;
    c.sink.judged(&early).await;
    assert_eq!(b.sink.count(&early), 1);
    stop([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_long_is_sent_again_and_again() {
    let repeat_every = Duration::from_millis(50);
    let a = Node::with(GossipConfig { repeat_every, ..config(&[]) }).await;
    a.sink.waiting.lock().push(transaction("forgotten"));
    let b = Node::start(&[&a]).await;
    let figures = b.figures("repetitions", |figures| figures.messages >= 3).await;
    assert_eq!(figures.rejected, 0);
    let asked = a.sink.asked.borrow().clone();
    assert!(asked.contains(&Duration::ZERO) && asked.contains(&repeat_every), "{asked:?}");
    assert_eq!(b.sink.count(&transaction("forgotten")), 1, "it was seen a moment ago");
    stop([a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_away_is_dialled_until_it_is_back() {
    let b = Node::start(&[]).await;
    let address = b.gossip.address();
    let a = Node::with(config(std::slice::from_ref(&address))).await;
    a.has_peers(1).await;
    stop([b]).await;
    a.has_peers(0).await;
    // Somebody else at the same place, who can therefore not be told from it by an address without an id.
    let port = address.iter().find_map(|part| match part {
        libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port.expect("a port")));
    let anonymous = Node::with(config(&[format!("/ip4/127.0.0.1/tcp/{}", listen.port()).parse().expect("one")])).await;
    let back = Node::with(GossipConfig { listen, ..config(&[]) }).await;
    anonymous.has_peers(1).await;
    assert_eq!(a.gossip.peers(), 0, "this one dials another peer");
    stop([a, anonymous, back]).await;
}

#[test]
fn nothing_runs_any_more_when_it_has_stopped() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let address = runtime.block_on(async {
        let [a, b, c] = line().await;
        a.publish(&transaction("last"));
        c.sink.judged(&transaction("last")).await;
        let address = b.gossip.address();
        stop([a, b, c]).await;
        address
    });
    // Connections end on their own tasks, a moment after the swarm.
    let ended = async {
        while runtime.metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    };
    runtime.block_on(async { timeout(WITHIN, ended).await }).expect("nothing runs any more");
    let listening = std::net::TcpListener::bind(
        address.to_string().trim_start_matches("/ip4/").split("/p2p").next().expect("it").replace("/tcp/", ":"),
    );
    listening.expect("the port is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_that_is_dropped_ends_and_a_port_in_use_is_an_error() {
    let a = Node::start(&[]).await;
    let b = Node::start(&[&a]).await;
    a.has_peers(1).await;
    drop(b);
    a.has_peers(0).await;
    let address = a.gossip.address().to_string();
    let port: u16 = address.split('/').nth(4).and_then(|port| port.parse().ok()).expect("a port");
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let error = Gossip::start(GossipConfig { listen, ..config(&[]) }, Recorder::new()).await.err().expect("in use");
    assert!(error.to_string().starts_with(&format!("cannot listen for peers on 127.0.0.1:{port}: ")), "{error}");
    stop([a]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_panics_ends_gossip_with_a_reason() {
    struct Mad;
    impl TransactionSink for Mad {
        fn admit(&self, _raw: Vec<Bytes>) -> Vec<Verdict> {
            panic!("the sink went mad")
        }
        fn waiting(&self, _age: Duration, _bytes_max: usize) -> Vec<Bytes> {
            Vec::new()
        }
    }
    let mad = Gossip::start(config(&[]), Arc::new(Mad)).await.expect("it listens");
    let a = Node::with(config(&[mad.address()])).await;
    a.has_peers(1).await;
    a.publish(&transaction("good"));
    let reason = timeout(WITHIN, mad.ended()).await.expect("it ends");
    assert!(reason.starts_with("judging transactions from peers failed"), "{reason}");
    mad.stop().await;
    stop([a]).await;
}

#[test]
fn publishing_never_waits() {
    let outbox = Outbox::default();
    let start = Instant::now();
    let large = Bytes::from(vec![1; batch::TRANSACTION_BYTES_MAX]);
    (0..10_000).for_each(|_| outbox.push(large.clone()));
    println!("{:?} for 10,000 of the largest", start.elapsed());
    assert!(outbox.dropped() > 9_000, "nobody takes them");
}
