//! Peers that do what no honest one does.

use futures::{FutureExt, StreamExt};
use libp2p::gossipsub::{self, TopicHash};
use libp2p::swarm::{DialError, SwarmEvent};
use libp2p::{PeerId, Swarm};

use super::super::guarded::Gossipsub;
use super::super::rate::Rate;
use super::super::topic::{self, Names};
use super::super::transport::transport;
use super::*;

/// Speaks the protocol and keeps no rule.
struct Villain {
    swarm: Swarm<Gossipsub>,
    topic: TopicHash,
}

impl Villain {
    fn new(names: &Names) -> Self {
        let keypair = identity::Keypair::generate_ed25519();
        let (gossipsub, topic) = topic::gossipsub(names).expect("it is set up");
        let unlimited = Rate { per_second: 1 << 40, burst: 1 << 40 };
        let transport = transport(&keypair, names.handshake.clone(), unlimited).expect("it is set up");
        let config = libp2p::swarm::Config::with_tokio_executor();
        Self { swarm: Swarm::new(transport, gossipsub, keypair.public().to_peer_id(), config), topic }
    }

    fn id(&self) -> PeerId {
        *self.swarm.local_peer_id()
    }

    /// What comes of dialling.
    async fn dial(&mut self, node: &Node) -> Result<(), DialError> {
        self.swarm.dial(node.gossip.address()).expect("an address");
        loop {
            match timeout(WITHIN, self.swarm.select_next_some()).await.expect("something happens") {
                SwarmEvent::ConnectionEstablished { .. } => return Ok(()),
                SwarmEvent::OutgoingConnectionError { error, .. } => return Err(error),
                _ => {}
            }
        }
    }

    /// Connects and waits until the other side takes part.
    async fn join(&mut self, node: &Node) {
        self.dial(node).await.expect("it is let in");
        self.until(|event| matches!(event, SwarmEvent::Behaviour(gossipsub::Event::Subscribed { .. }))).await;
    }

    async fn until(&mut self, is_wanted: impl Fn(&SwarmEvent<gossipsub::Event>) -> bool) {
        let wanted = async { while !is_wanted(&self.swarm.select_next_some().await) {} };
        timeout(WITHIN, wanted).await.expect("it happens");
    }

    async fn until_disconnected(&mut self) {
        self.until(|event| matches!(event, SwarmEvent::ConnectionClosed { num_established: 0, .. })).await;
    }

    /// Dials until the door is shut in its face: a connection that was let in ends at once.
    async fn is_refused(&mut self, node: &Node) {
        if self.dial(node).await.is_ok() {
            self.until_disconnected().await;
        }
    }

    /// Sends one message after the other until it is thrown out. Returns how many it tried to send.
    async fn flood(&mut self) -> usize {
        let flood = async {
            let mut tried = 0;
            loop {
                self.send(message(&[transaction(format!("flood {tried}"))]));
                tried += 1;
                while let Some(event) = self.swarm.select_next_some().now_or_never() {
                    if matches!(event, SwarmEvent::ConnectionClosed { num_established: 0, .. }) {
                        return tried;
                    }
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(WITHIN, flood).await.expect("it is thrown out")
    }

    fn send(&mut self, message: impl Into<Vec<u8>>) {
        // A full queue loses some, which is as well.
        let _ = self.swarm.behaviour_mut().publish(self.topic.clone(), message);
    }
}

fn message(transactions: &[Bytes]) -> Bytes {
    let mut batch = batch::BatchBuilder::new(0, batch::MESSAGE_BYTES_MAX);
    transactions.iter().for_each(|transaction| assert!(batch.push(transaction)));
    batch.finish().expect("something is in it")
}

/// B with an honest peer A, and few packets allowed.
async fn honest_pair(limits: PeerLimits) -> [Node; 2] {
    let b = Node::with(GossipConfig { limits, ..config(&[]) }).await;
    let a = Node::start(&[&b]).await;
    a.has_peers(1).await;
    b.has_peers(1).await;
    [a, b]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_bounded_and_banned_and_the_honest_are_heard() {
    let packets = Rate { per_second: 1, burst: 200 };
    let [a, b] = honest_pair(PeerLimits { packets, ..PeerLimits::default() }).await;
    let mut villain = Villain::new(&Names::new(NETWORK));
    villain.join(&b).await;
    let before = transaction("before");
    a.publish(&before);
    let tried = villain.flood().await;
    b.sink.judged(&before).await;
    assert_eq!(b.figures("banned", |figures| figures.banned > 0).await.banned, 1);
    let flood = b.sink.judged.borrow().iter().filter(|one| one.starts_with(b"flood")).count();
    println!("{flood} of {tried} were judged");
    assert!(flood < 300, "{flood}");
    assert!(flood > 0 || b.gossip.figures().borrow().over_limit > 0, "it was heard at first");

    villain.is_refused(&b).await;
    let after = transaction("after");
    a.publish(&after);
    b.sink.judged(&after).await;
    assert_eq!(b.gossip.peers(), 1, "the honest one is still there");
    stop([a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_sending_what_is_no_message_is_banned() {
    let [a, b] = honest_pair(PeerLimits::default()).await;
    let mut villain = Villain::new(&Names::new(NETWORK));
    villain.join(&b).await;
    for index in 0..20u8 {
        villain.send(vec![index, 0xff, 0xff]);
    }
    villain.until_disconnected().await;
    let figures = b.figures("banned", |figures| figures.banned == 1).await;
    assert!((4..=20).contains(&figures.rejected), "{figures:?}");
    assert!(b.sink.judged.borrow().is_empty(), "the sink never saw any of it");
    villain.is_refused(&b).await;
    let good = transaction("good");
    b.publish(&good);
    a.sink.judged(&good).await;
    stop([a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_sending_bad_transactions_is_banned() {
    let [a, b] = honest_pair(PeerLimits::default()).await;
    let mut villain = Villain::new(&Names::new(NETWORK));
    villain.join(&b).await;
    for index in 0..20 {
        villain.send(message(&[transaction(format!("r {index}")), transaction(format!("fine {index}"))]));
    }
    villain.until_disconnected().await;
    b.figures("banned", |figures| figures.banned == 1).await;
    a.publish(&transaction("good"));
    b.sink.judged(&transaction("good")).await;
    assert!(a.sink.judged.borrow().iter().all(|one| one.starts_with(b"fine")), "nothing bad is passed on");
    villain.is_refused(&b).await;
    stop([a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_transactions_than_a_peer_may_have_judged_are_ignored() {
    let transactions = Rate { per_second: 1, burst: 50 };
    let [a, b] = honest_pair(PeerLimits { transactions, ..PeerLimits::default() }).await;
    let mut villain = Villain::new(&Names::new(NETWORK));
    villain.join(&b).await;
    for index in 0..10 {
        let some: Vec<Bytes> = (0..20).map(|one| transaction(format!("many {index} {one}"))).collect();
        villain.send(message(&some));
    }
    let heard = async { villain.until(|_| false).await };
    let figures = tokio::select! {
        figures = b.figures("messages", |figures| figures.messages >= 10) => figures,
        () = heard => unreachable!("it never ends"),
    };
    println!("{figures:?}");
    assert!(figures.over_limit >= 5, "{figures:?}");
    assert_eq!(figures.banned, 0, "nobody is banned for that");
    a.publish(&transaction("good"));
    b.sink.judged(&transaction("good")).await;
    stop([a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_another_topic_or_too_large_ones_are_dropped() {
    let [a, b] = honest_pair(PeerLimits::default()).await;
    let mut villain = Villain::new(&Names::new(NETWORK));
    villain.join(&b).await;
    for index in 0..50u8 {
        let elsewhere = TopicHash::from_raw(format!("elsewhere {index}"));
        let _ = villain.swarm.behaviour_mut().publish(elsewhere, vec![index; 1_000]);
    }
    let heard = transaction("heard");
    villain.send(message(std::slice::from_ref(&heard)));
    tokio::select! {
        _ = b.sink.judged(&heard) => {}
        () = villain.until(|_| false) => unreachable!("it never ends"),
    }
    // The sink hears of a message a moment before it is counted.
    let mut figures = b.gossip.figures();
    let counted = timeout(WITHIN, figures.wait_for(|figures| figures.messages > 0)).await.expect("in time");
    let counted = *counted.expect("it runs");
    assert_eq!((counted.messages, counted.banned), (1, 0));
    stop([a, b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn networks_never_mix() {
    let a = Node::start(&[]).await;
    let mut stranger = Villain::new(&Names::new("another"));
    let refused = stranger.dial(&a).await.expect_err("the handshake fails");
    assert!(matches!(refused, DialError::Transport(_)), "{refused:?}");

    // Whoever knows the handshake and speaks another network's protocol is sent away.
    let liar = Names { handshake: Names::new(NETWORK).handshake, ..Names::new("another") };
    let mut liar = Villain::new(&liar);
    liar.dial(&a).await.expect("the handshake is right");
    liar.until_disconnected().await;
    assert_eq!(a.gossip.peers(), 0);

    let b = Node::with(GossipConfig { network: "another".to_owned(), ..config(&[a.gossip.address()]) }).await;
    let c = Node::start(&[&a]).await;
    // A node that knows nobody who listens keeps nothing for later.
    a.has_peers(1).await;
    c.has_peers(1).await;
    a.publish(&transaction("ours"));
    c.sink.judged(&transaction("ours")).await;
    assert_eq!((a.gossip.peers(), b.gossip.peers()), (1, 0));
    stop([a, b, c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_peers_are_let_in_than_there_may_be() {
    let names = Names::new(NETWORK);
    let full = Node::with(GossipConfig { peers_max: 2, ..config(&[]) }).await;
    let mut crowd: Vec<Villain> = (0..4).map(|_| Villain::new(&names)).collect();
    crowd[0].join(&full).await;
    crowd[1].join(&full).await;
    full.has_peers(2).await;
    crowd[2].is_refused(&full).await;
    crowd[3].is_refused(&full).await;
    assert_eq!(full.gossip.peers(), 2);

    let guarded = Node::with(GossipConfig { connections_per_host: Some(1), ..config(&[]) }).await;
    let mut crowd: Vec<Villain> = (0..2).map(|_| Villain::new(&names)).collect();
    crowd[0].join(&guarded).await;
    crowd[1].is_refused(&guarded).await;
    assert_ne!(crowd[0].id(), crowd[1].id());
    stop([full, guarded]).await;
}
