//! The task that owns the swarm.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use libp2p::gossipsub::{self, MessageAcceptance, MessageId, PublishError, TopicHash};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{DialError, NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, ping, swarm};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinError, JoinSet};

use super::batch::{self, MESSAGE_BYTES_MAX};
use super::gate::Gate;
use super::guarded::{Guarded, Heard};
use super::intake::{Intake, Job};
use super::judge::{Judged, judge};
use super::outbox::{self, Outbox};
use super::rate::{Rate, TokenBucket};
use super::redial::{Redial, reason};
use super::repeats::{Repeat, Repeats};
use super::seen::Seen;
use super::topic::{self, BAN_SCORE, Names};
use super::transport::{Tasks, transport};
use super::{Figures, GossipConfig, GossipError, TransactionSink};

/// A message is sent when so many bytes wait,
const BATCH_BYTES: usize = 64 << 10;
/// or when the last one was sent so long ago.
const BATCH_EVERY: Duration = Duration::from_millis(25);
/// How fast own messages are sent: half of what a peer may send, the rest is for what it passes on.
const SENT_SHARE: u64 = 2;
/// How often scores are looked at.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// A connection on which nobody speaks the protocol is closed after so long.
const IDLE: Duration = Duration::from_secs(15);
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_WITHIN: Duration = Duration::from_secs(20);
/// Events of the swarm between two times that others on this thread may run.
const EVENTS_AT_A_TIME: u32 = 64;

/// What peers speak with each other.
#[derive(NetworkBehaviour)]
pub struct Behaviour {
    guarded: Guarded,
    ping: ping::Behaviour,
}

/// What comes back from threads that may block.
enum Done {
    Judged(Judged),
    Waiting(Vec<Bytes>),
}

/// See the module.
pub struct Task {
    swarm: Swarm<Behaviour>,
    tasks: Tasks,
    topic: TopicHash,
    sink: Arc<dyn TransactionSink>,
    seen: Arc<Mutex<Seen>>,
    outbox: Arc<Outbox>,
    redial: Redial,
    intake: Intake,
    workers: JoinSet<Done>,
    judging: usize,
    judging_max: usize,
    /// Transactions that each peer may have judged.
    allowances: HashMap<PeerId, TokenBucket>,
    allowance: Rate,
    subscribed: BTreeSet<PeerId>,
    /// What is sent again, in messages of this round.
    repeated: VecDeque<Bytes>,
    round: u32,
    repeats: Repeats,
    pace: TokenBucket,
    sent: Option<Instant>,
    next_sweep: Instant,
    figures: Figures,
    told: watch::Sender<Figures>,
}

impl Task {
    /// Listens where `config` says. Returns the task and the address with the port that it got.
    ///
    /// # Errors
    /// [`GossipError`].
    pub async fn listen(
        config: GossipConfig,
        sink: Arc<dyn TransactionSink>,
        outbox: Arc<Outbox>,
        told: watch::Sender<Figures>,
    ) -> Result<(Self, Multiaddr), GossipError> {
        let now = Instant::now();
        let names = Names::new(&config.network);
        let local = config.keypair.public().to_peer_id();
        let (gossipsub, topic) = topic::gossipsub(&names)?;
        let gate = Gate::new(config.peers_max, config.connections_per_host, config.ban, &config.peers);
        let ping = ping::Config::new().with_interval(PING_EVERY).with_timeout(PING_WITHIN);
        let behaviour = Behaviour {
            guarded: Guarded::new(gossipsub, gate, config.limits.packets),
            ping: ping::Behaviour::new(ping),
        };
        let tasks = Tasks::default();
        let transport = transport(&config.keypair, names.handshake, config.limits.bytes)?;
        let setup = swarm::Config::with_executor(tasks.clone()).with_idle_connection_timeout(IDLE);
        let mut swarm = Swarm::new(transport, behaviour, local, setup);
        let port = listen(&mut swarm, &config).await?;
        let address = Multiaddr::from(config.listen.ip()).with(Protocol::Tcp(port)).with(Protocol::P2p(local));
        let sent = Rate {
            per_second: config.limits.bytes.per_second / SENT_SHARE,
            burst: (config.limits.bytes.burst / SENT_SHARE).max(MESSAGE_BYTES_MAX as u64),
        };
        let task = Self {
            swarm,
            tasks,
            topic,
            sink,
            seen: Arc::new(Mutex::new(Seen::new(now))),
            outbox,
            redial: Redial::new(config.peers, now),
            intake: Intake::new(config.limits.intake),
            workers: JoinSet::new(),
            judging: 0,
            judging_max: std::thread::available_parallelism().map_or(1, usize::from),
            allowances: HashMap::new(),
            allowance: config.limits.transactions,
            subscribed: BTreeSet::new(),
            repeated: VecDeque::new(),
            round: 0,
            repeats: Repeats::new(config.repeat_every, now),
            pace: TokenBucket::new(sent, now),
            sent: None,
            next_sweep: now + SWEEP_EVERY,
            figures: Figures::default(),
            told,
        };
        Ok((task, address))
    }

    /// Runs until `stopped` is told or dropped. Returns a reason if it ends before.
    pub async fn run(mut self, mut stopped: oneshot::Receiver<()>) -> Option<String> {
        let outbox = Arc::clone(&self.outbox);
        let mut events = 0;
        let reason = loop {
            let wake = self.wake_at(Instant::now());
            let outcome = tokio::select! {
                _ = &mut stopped => break None,
                Some(done) = self.workers.join_next() => self.on_done(done),
                () = outbox.arrived() => Ok(()),
                () = tokio::time::sleep_until(wake.into()) => Ok(()),
                event = self.swarm.select_next_some() => {
                    events += 1;
                    self.on_event(event)
                }
            };
            if let Err(reason) = outcome {
                break Some(reason);
            }
            self.turn(Instant::now());
            // The swarm may have something ready for ever, and tokio lets nothing else become ready until then.
            if events >= EVENTS_AT_A_TIME {
                events = 0;
                tokio::task::yield_now().await;
            }
        };
        let Self { swarm, tasks, mut workers, .. } = self;
        drop(swarm);
        tasks.end().await;
        while workers.join_next().await.is_some() {}
        reason
    }

    /// When something is to be done even if nothing happens.
    fn wake_at(&mut self, now: Instant) -> Instant {
        let others = [self.redial.next_due(), self.repeats.next_due(now), self.flush_at(now)];
        others.into_iter().flatten().fold(self.next_sweep, Instant::min)
    }

    /// When the next message is to be sent, if anything waits.
    fn flush_at(&mut self, now: Instant) -> Option<Instant> {
        let waiting = self.outbox.bytes();
        if waiting == 0 && self.repeated.is_empty() {
            return None;
        }
        let is_full = waiting >= BATCH_BYTES || !self.repeated.is_empty();
        let due = self.sent.filter(|_| !is_full).map_or(now, |sent| sent + BATCH_EVERY);
        let _ = self.pace.available(now);
        Some(due.max(now + self.pace.until(BATCH_BYTES as u64)))
    }

    /// Does whatever is due.
    fn turn(&mut self, now: Instant) {
        for options in self.redial.due(now) {
            let id = options.connection_id();
            match self.swarm.dial(options) {
                Ok(()) => {}
                Err(DialError::DialPeerConditionFalse(_)) => self.redial.not_needed(id, now),
                Err(error) => self.dial_failed(id, &error, now),
            }
        }
        while self.judging < self.judging_max
            && let Some(job) = self.intake.pop()
        {
            let (sink, seen) = (Arc::clone(&self.sink), Arc::clone(&self.seen));
            self.workers.spawn_blocking(move || Done::Judged(judge(job, &*sink, &seen)));
            self.judging += 1;
        }
        if now >= self.next_sweep {
            self.next_sweep = now + SWEEP_EVERY;
            self.ban_those_below(now);
        }
        self.repeat(now);
        if self.flush_at(now).is_some_and(|due| due <= now) {
            self.flush(now);
        }
        self.figures.peers = self.subscribed.len();
        self.figures.dropped = self.outbox.dropped();
        let figures = self.figures;
        self.told.send_if_modified(|told| std::mem::replace(told, figures) != figures);
    }

    /// Asks the sink what still waits, for peers that came or because it is time.
    fn repeat(&mut self, now: Instant) {
        let Some(Repeat { age, bytes_max }) = self.repeats.due(now) else { return };
        // What is left of the last time still waits, and is asked for again.
        if self.subscribed.is_empty() {
            return;
        }
        self.repeats.asked();
        let sink = Arc::clone(&self.sink);
        self.workers.spawn_blocking(move || Done::Waiting(sink.waiting(age, bytes_max)));
    }

    /// Sends what waits, as far as the pace allows.
    fn flush(&mut self, now: Instant) {
        if self.subscribed.is_empty() {
            self.outbox.clear();
            self.repeated.clear();
            return;
        }
        self.sent = Some(now);
        while self.pace.available(now) >= BATCH_BYTES as u64 {
            let message = match self.outbox.next_message(BATCH_BYTES) {
                Some(message) => message,
                None => match outbox::fill(&mut self.repeated, self.round, BATCH_BYTES).0 {
                    Some(message) => message,
                    None => break,
                },
            };
            self.pace.spend(message.len() as u64);
            let sent = self.swarm.behaviour_mut().guarded.gossipsub.publish(self.topic.clone(), message);
            match sent {
                Ok(_) => self.figures.published += 1,
                // Others said the very same a moment ago.
                Err(PublishError::Duplicate) => {}
                Err(error) => tracing::debug!(%error, "a message was not sent to peers"),
            }
        }
        // A sink that gave something of no lawful size would stand in the way for ever.
        if self.repeated.front().is_some_and(|next| !(1..=batch::TRANSACTION_BYTES_MAX).contains(&next.len())) {
            self.repeated.pop_front();
        }
    }

    fn on_done(&mut self, done: Result<Done, JoinError>) -> Result<(), String> {
        let done = done.map_err(|error| format!("judging transactions from peers failed: {error}"))?;
        let Judged { job, acceptance, accepted, to_relay } = match done {
            Done::Judged(judged) => judged,
            Done::Waiting(transactions) => {
                self.repeats.answered();
                // The seconds set a repetition apart from the one before.
                self.round = self.round.wrapping_add(1).max(unix_seconds());
                self.repeated = transactions.into();
                return Ok(());
            }
        };
        self.judging -= 1;
        self.figures.accepted += accepted as u64;
        self.figures.rejected += u64::from(matches!(acceptance, MessageAcceptance::Reject));
        let is_accepted = matches!(acceptance, MessageAcceptance::Accept);
        let is_relayed = self.report(&job.id, &job.peer, acceptance);
        // It took longer than the swarm remembers a message.
        let late = if is_accepted && !is_relayed { job.transactions } else { Vec::new() };
        for transaction in to_relay.into_iter().chain(late) {
            self.outbox.push(transaction);
        }
        Ok(())
    }

    /// Tells gossipsub what to do with a message; says whether it still knew it.
    fn report(&mut self, id: &MessageId, peer: &PeerId, acceptance: MessageAcceptance) -> bool {
        let is_rejected = matches!(acceptance, MessageAcceptance::Reject);
        let gossipsub = &mut self.swarm.behaviour_mut().guarded.gossipsub;
        let is_known = gossipsub.report_message_validation_result(id, peer, acceptance);
        let score = gossipsub.peer_score(peer);
        if is_rejected && score.is_some_and(|score| score <= BAN_SCORE) {
            self.ban(*peer, "it keeps sending what is invalid", Instant::now());
        }
        is_known
    }

    fn ban_those_below(&mut self, now: Instant) {
        let gossipsub = &self.swarm.behaviour().guarded.gossipsub;
        let is_below = |peer: &&PeerId| gossipsub.peer_score(peer).is_some_and(|score| score <= BAN_SCORE);
        let below: Vec<PeerId> = self.swarm.connected_peers().filter(is_below).copied().collect();
        for peer in below {
            self.ban(peer, "its score has fallen too low", now);
        }
    }

    fn ban(&mut self, peer: PeerId, reason: &str, now: Instant) {
        let gate = &mut self.swarm.behaviour_mut().guarded.gate;
        if !gate.is_banned(peer, now) {
            gate.ban(peer, now);
            self.figures.banned += 1;
            tracing::warn!(%peer, reason, "a peer was banned for a while");
        }
        let _ = self.swarm.disconnect_peer_id(peer);
        self.forget(peer);
    }

    /// A peer is gone.
    fn forget(&mut self, peer: PeerId) {
        self.subscribed.remove(&peer);
        self.allowances.remove(&peer);
        for job in self.intake.forget(&peer) {
            self.report(&job.id, &peer, MessageAcceptance::Ignore);
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) -> Result<(), String> {
        let now = Instant::now();
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Guarded(Heard::Gossip(event))) => self.on_gossip(event, now),
            SwarmEvent::Behaviour(BehaviourEvent::Guarded(Heard::Flood(peer))) => {
                self.ban(peer, "it sends far more than it may", now);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping)) => {
                // Who does not know pings may well be alive.
                if let Err(failure @ (ping::Failure::Timeout | ping::Failure::Other { .. })) = ping.result {
                    tracing::debug!(peer = %ping.peer, %failure, "a peer does not answer");
                    self.swarm.close_connection(ping.connection);
                }
            }
            SwarmEvent::ConnectionEstablished { connection_id, peer_id, .. } => {
                tracing::debug!(peer = %peer_id, "connected to a peer");
                self.redial.connected(connection_id, now);
            }
            SwarmEvent::ConnectionClosed { connection_id, peer_id, num_established, cause, .. } => {
                let cause = cause.map_or_else(|| "closed here".to_owned(), |cause| cause.to_string());
                tracing::debug!(peer = %peer_id, cause, "disconnected from a peer");
                if let Some((address, _)) = self.redial.failed(connection_id, now) {
                    tracing::warn!(%address, cause, "lost a peer; it is dialled again until it answers");
                }
                if num_established == 0 {
                    self.forget(peer_id);
                }
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.dial_failed(connection_id, &error, now);
            }
            SwarmEvent::ListenerClosed { reason, .. } => {
                let reason = reason.err().map_or_else(|| "it was closed".to_owned(), |error| error.to_string());
                return Err(format!("peers cannot connect any more: {reason}"));
            }
            SwarmEvent::ListenerError { error, .. } => tracing::debug!(%error, "a connection could not be taken"),
            _ => {}
        }
        Ok(())
    }

    fn dial_failed(&mut self, id: swarm::ConnectionId, error: &DialError, now: Instant) {
        if let Some((address, _)) = self.redial.failed(id, now) {
            let error = reason(error);
            tracing::warn!(%address, error, "a peer cannot be reached; it is dialled again until it answers");
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event, now: Instant) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                self.on_message(propagation_source, message_id, message.data.into(), now);
            }
            gossipsub::Event::Subscribed { peer_id, topic } => {
                let is_banned = self.swarm.behaviour().guarded.gate.is_banned(peer_id, now);
                if topic == self.topic && !is_banned && self.subscribed.insert(peer_id) {
                    tracing::info!(peer = %peer_id, peers = self.subscribed.len(), "a peer takes part in the gossip of transactions");
                    self.repeats.peer_came();
                }
            }
            gossipsub::Event::Unsubscribed { peer_id, .. } => {
                self.subscribed.remove(&peer_id);
            }
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                tracing::debug!(peer = %peer_id, "a peer does not speak the protocol");
                let _ = self.swarm.disconnect_peer_id(peer_id);
            }
            gossipsub::Event::SlowPeer { peer_id, .. } => tracing::debug!(peer = %peer_id, "a peer is slow"),
        }
    }

    /// What costs little is done here: taking a message apart, and finding out whether its peer sends too much.
    fn on_message(&mut self, peer: PeerId, id: MessageId, data: Bytes, now: Instant) {
        self.figures.messages += 1;
        if self.swarm.behaviour().guarded.gate.is_banned(peer, now) {
            self.report(&id, &peer, MessageAcceptance::Ignore);
            return;
        }
        let transactions = match batch::decode(&data) {
            Ok(transactions) => transactions,
            Err(error) => {
                tracing::debug!(%peer, %error, "a peer sent a message that is none");
                self.figures.rejected += 1;
                self.report(&id, &peer, MessageAcceptance::Reject);
                return;
            }
        };
        let rate = self.allowance;
        let allowance = self.allowances.entry(peer).or_insert_with(|| TokenBucket::new(rate, now));
        let is_within = allowance.take(transactions.len() as u64, now);
        let job = Job { peer, id, transactions, bytes: data.len() };
        let refused = if is_within { self.intake.push(job).err() } else { Some(Box::new(job)) };
        if let Some(job) = refused {
            self.figures.over_limit += 1;
            self.report(&job.id, &peer, MessageAcceptance::Ignore);
        }
    }
}

/// Listens, and returns the port.
async fn listen(swarm: &mut Swarm<Behaviour>, config: &GossipConfig) -> Result<u16, GossipError> {
    let failed = |reason: String| GossipError::Listen { address: config.listen, reason };
    // The swarm's sockets share a port with whoever else would: better that its owner hears of it.
    std::net::TcpListener::bind(config.listen).map_err(|error| failed(error.to_string()))?;
    let wanted = Multiaddr::from(config.listen.ip()).with(Protocol::Tcp(config.listen.port()));
    swarm.listen_on(wanted).map_err(|error| failed(error.to_string()))?;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => {
                let port = address.iter().find_map(|part| match part {
                    Protocol::Tcp(port) => Some(port),
                    _ => None,
                });
                return port.ok_or_else(|| failed(format!("{address} has no port")));
            }
            SwarmEvent::ListenerClosed { reason: Err(error), .. } | SwarmEvent::ListenerError { error, .. } => {
                return Err(failed(error.to_string()));
            }
            _ => {}
        }
    }
}

fn unix_seconds() -> u32 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
