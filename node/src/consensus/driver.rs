//! Between the engine's channels and the application: one thread that answers, and what waits beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use malachite::app::engine::host::Next;
use malachite::app::events::RxEvent;
use malachite::app::streaming::StreamContent;
use malachite::app::types::LocallyProposedValue;
use malachite::app::types::SignedConsensusMsg;
use malachite::app::types::core::{HeightParams, Validator as _, ValidatorSet as _, VoteType};
use malachite::app::types::streaming::{StreamId, StreamMessage};
use malachite::{AppMsg, Channels, NetworkMsg, NetworkRequest, Reply};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::ahead::{Ahead, EarlyVotes};
use super::app::{AppFailure, Application};
use super::context::{EskerContext, Height, ProposalPart, Voters};
use super::domain::Domain;
use super::signing::{ConsensusSigner, ConsensusVerifier};
use super::status::{Status, Step};
use crate::chain::Chain;
use crate::mempool::Pool;

/// The engine starts when its peers listen, or after this.
const PEERS_WAIT_MAX: Duration = Duration::from_secs(3);
/// How often the engine is asked about its peers.
const PEERS_POLL: Duration = Duration::from_millis(100);

/// What stands around the application.
pub struct Surroundings {
    /// Blocks and states.
    pub chain: Arc<Chain>,
    /// Waiting transactions.
    pub pool: Arc<Pool>,
    /// Where RPC reads how it goes.
    pub status: Status,
    /// The chain's name for signatures.
    pub domain: Domain,
    /// What this node votes with.
    pub signer: Option<Arc<ConsensusSigner>>,
}

/// The application's thread, and the tasks beside it.
pub struct Driver {
    thread: JoinHandle<()>,
    failure: watch::Receiver<Option<Arc<AppFailure>>>,
    is_stopping: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Driver {
    /// Starts answering the engine. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        app: Application,
        channels: Channels<EskerContext>,
        surroundings: Surroundings,
    ) -> std::io::Result<Self> {
        let Surroundings { chain, pool, status, domain, signer } = surroundings;
        let (failed, failure) = watch::channel(None);
        let is_stopping = Arc::new(AtomicBool::new(false));
        let ahead = Ahead::default();
        let pace = Pace { chain: chain.clone(), pool, ahead: ahead.clone() };
        let verifier = ConsensusVerifier(domain);
        let watching = Watching { chain, status: status.clone(), ahead: ahead.clone(), verifier, signer };
        let tasks = vec![
            tokio::spawn(watching.run(channels.events.subscribe())),
            tokio::spawn(count_peers(channels.net_requests.clone(), status)),
        ];
        let worker = Worker {
            app,
            pace,
            ahead,
            network: channels.network,
            net_requests: channels.net_requests,
            runtime: Handle::current(),
            sequence: 0,
        };
        let (mut inbox, stopping) = (channels.consensus, is_stopping.clone());
        let thread = std::thread::Builder::new().name("consensus".into()).spawn(move || {
            // Dropped when the thread panics too: whoever waits for it then learns that it ended.
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| worker.run(&mut inbox)));
            let failure = match outcome {
                Ok(Ok(())) if stopping.load(Ordering::SeqCst) => return,
                Ok(Ok(())) | Err(_) => AppFailure::Engine,
                Ok(Err(failure)) => failure,
            };
            tracing::error!(error = %failure, "consensus stopped");
            failed.send_replace(Some(Arc::new(failure)));
        })?;
        Ok(Self { thread, failure, is_stopping, tasks })
    }

    /// Why it ended, once it has.
    pub fn failure(&self) -> watch::Receiver<Option<Arc<AppFailure>>> {
        self.failure.clone()
    }

    /// From now on the end of the engine is no failure.
    pub fn begin_stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        for task in &self.tasks {
            task.abort();
        }
    }

    /// Returns when the application's thread has ended.
    pub async fn join(self) {
        let thread = self.thread;
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}

struct Worker {
    app: Application,
    pace: Pace,
    ahead: Ahead,
    network: mpsc::Sender<NetworkMsg<EskerContext>>,
    net_requests: mpsc::Sender<NetworkRequest>,
    runtime: Handle,
    sequence: u64,
}

/// Whoever asked may have ended meanwhile; then the channel ends next.
fn answer<T>(reply: Reply<T>, value: T) {
    let _ = reply.send(value);
}

impl Worker {
    /// Answers until the engine ends.
    fn run(mut self, inbox: &mut mpsc::Receiver<AppMsg<EskerContext>>) -> Result<(), AppFailure> {
        while let Some(message) = inbox.blocking_recv() {
            self.answer(message)?;
        }
        Ok(())
    }

    fn answer(&mut self, message: AppMsg<EskerContext>) -> Result<(), AppFailure> {
        match message {
            AppMsg::ConsensusReady { reply } => self.start_when_peers_listen(reply),
            AppMsg::StartedRound { height, round, proposer, reply_value, .. } => {
                answer(reply_value, self.app.started_round(height, round, proposer)?);
            }
            AppMsg::GetValue { height, round, timeout, reply } => {
                if let Some((value, part)) = self.app.propose(height, round, timeout)? {
                    answer(reply, LocallyProposedValue::new(height, round, value));
                    self.publish(part);
                }
            }
            AppMsg::ReceivedProposalPart { part, reply, .. } => {
                let value = match part.content {
                    StreamContent::Data(part) => self.app.received(part)?,
                    StreamContent::Fin => None,
                };
                answer(reply, value);
                self.ahead.begun(self.app.others_at());
            }
            AppMsg::RestreamProposal { height, round, valid_round, address, value_id } => {
                if let Some(part) = self.app.restream(height, round, valid_round, address, value_id.0)? {
                    self.publish(part);
                }
            }
            AppMsg::Decided { certificate, reply, .. } => {
                self.app.decided(&certificate)?;
                answer(reply, ());
            }
            AppMsg::Finalized { evidence, reply, .. } => {
                let late = self.ahead.late_at(self.app.height().0);
                let (height, params, idle) = self.app.finalized(&evidence, late)?;
                if idle.is_zero() || self.pace.has_work() {
                    answer(reply, Next::Start(height, params));
                } else {
                    self.runtime.spawn(self.pace.clone().start_later(height, params, idle, reply));
                }
            }
            AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply } => {
                answer(reply, self.app.synced(height, round, proposer, value_bytes)?);
            }
            AppMsg::GetDecidedValues { range, reply } => answer(reply, self.app.decided_values(range)?),
            AppMsg::GetHistoryMinHeight { reply } => answer(reply, self.app.history_min()?),
            // Never asked: no height has vote extensions.
            AppMsg::ExtendVote { reply, .. } => answer(reply, None),
            AppMsg::VerifyVoteExtensions { reply, .. } => answer(reply, Vec::new()),
        }
        Ok(())
    }

    /// Sends a body to all. Each sending is a message of its own, or peers that lack it would take it for one they had.
    fn publish(&mut self, part: ProposalPart) {
        let id = [part.height.0.to_be_bytes(), part.round.as_i64().to_be_bytes()].concat();
        let message = StreamMessage::new(StreamId::new(id.into()), self.sequence, StreamContent::Data(part));
        self.sequence += 1;
        // The network may have ended meanwhile; then the channel of messages ends next.
        let _ = self.network.blocking_send(NetworkMsg::PublishProposalPart(message));
    }

    /// What is published before peers listen is lost, and costs a round.
    fn start_when_peers_listen(&self, reply: Reply<(Height, HeightParams<EskerContext>)>) {
        let (next, requests) = (self.app.next(Duration::ZERO), self.net_requests.clone());
        self.runtime.spawn(async move {
            let until = tokio::time::Instant::now() + PEERS_WAIT_MAX;
            while tokio::time::Instant::now() < until {
                let Ok(Some(dump)) = NetworkRequest::dump_state(&requests).await else { break };
                let listening = dump.peers.values().filter(|peer| !peer.topics.is_empty()).count();
                if listening >= dump.persistent_peer_addrs.len() {
                    break;
                }
                tokio::time::sleep(PEERS_POLL).await;
            }
            answer(reply, next);
        });
    }
}

/// Begins heights: at once if there is work, else after a while.
#[derive(Clone)]
struct Pace {
    chain: Arc<Chain>,
    pool: Arc<Pool>,
    ahead: Ahead,
}

impl Pace {
    fn has_work(&self) -> bool {
        self.pool.has_executable(self.chain.next_base_fee())
    }

    /// Begins `height` when a transaction waits, when others have begun it, or when `idle` is over.
    async fn start_later(
        self,
        height: Height,
        params: HeightParams<EskerContext>,
        idle: Duration,
        reply: Reply<Next<EskerContext>>,
    ) {
        let mut arrivals = self.pool.watch();
        let work = async {
            while !self.has_work() {
                if arrivals.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = work => {}
            () = self.ahead.reached(height.0) => {}
            () = tokio::time::sleep(idle) => {}
        }
        answer(reply, Next::Start(height, params));
    }
}

/// Follows what the engine tells of itself.
struct Watching {
    chain: Arc<Chain>,
    status: Status,
    ahead: Ahead,
    verifier: ConsensusVerifier,
    signer: Option<Arc<ConsensusSigner>>,
}

impl Watching {
    async fn run(self, mut events: RxEvent<EskerContext>) {
        use malachite::app::engine::util::events::Event;
        use tokio::sync::broadcast::error::RecvError;
        let (mut voters, mut votes): (Option<(u64, Voters)>, _) = (None, EarlyVotes::default());
        loop {
            match events.recv().await {
                Ok(Event::Received(message)) => {
                    self.ahead(&message, &mut voters, &mut votes);
                    self.recognise(&message);
                    self.step(&message);
                }
                Ok(Event::Published(message)) => self.step(&message),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// A vote for a later height that a validator signed: perhaps others are there already.
    fn ahead(
        &self,
        message: &SignedConsensusMsg<EskerContext>,
        voters: &mut Option<(u64, Voters)>,
        votes: &mut EarlyVotes,
    ) {
        let SignedConsensusMsg::Vote(vote) = message else { return };
        // A proposer alone makes a height begun, and only votes show that the one before it is decided.
        let is_known = self.status.get().highest.saturating_add(1) >= vote.height.0;
        if is_known && self.ahead.is_begun(vote.height.0) {
            return;
        }
        let head = self.chain.head();
        let number = head.block.header.number;
        if voters.as_ref().is_none_or(|(known, _)| *known != number) {
            let set = esker_runtime::validator_set(&head.state).ok().and_then(|set| Voters::new(&set).ok());
            *voters = set.map(|set| (number, set));
        }
        let Some((_, voters)) = voters else { return };
        let Some(voter) = voters.get_by_address(&vote.voter) else { return };
        if self.verifier.verify_vote(vote, &vote.signature, voter.public_key())
            && votes.count(number, voters, vote.voter, vote.height.0)
        {
            self.ahead.begun(vote.height.0);
            self.status.update(|standing| standing.highest = standing.highest.max(vote.height.0.saturating_sub(1)));
        }
    }

    /// Votes in this validator's name that come from others.
    fn recognise(&self, message: &SignedConsensusMsg<EskerContext>) {
        let (SignedConsensusMsg::Vote(vote), Some(signer)) = (message, &self.signer) else { return };
        if vote.voter == signer.address() && self.verifier.verify_vote(vote, &vote.signature, &signer.public_key()) {
            signer.recognise(vote);
        }
    }

    fn step(&self, message: &SignedConsensusMsg<EskerContext>) {
        let SignedConsensusMsg::Vote(vote) = message else { return };
        let (step, before) = match vote.kind {
            VoteType::Prevote => (Step::Prevote, Step::Propose),
            VoteType::Precommit => (Step::Precommit, Step::Prevote),
        };
        self.status.update(|standing| {
            let is_now = standing.height == vote.height.0 && vote.round.as_u32() == Some(standing.round);
            if is_now && (standing.step == before || standing.step == Step::Propose) {
                standing.step = step;
            }
        });
    }
}

/// Keeps the number of peers true.
async fn count_peers(requests: mpsc::Sender<NetworkRequest>, status: Status) {
    let mut before = 0;
    loop {
        let Ok(dump) = NetworkRequest::dump_state(&requests).await else { return };
        let peers = dump.map_or(0, |dump| dump.peers.len());
        status.update(|standing| standing.peers = peers);
        match peers {
            0 if before > 0 => tracing::warn!("no peer is connected any more: no block can be decided"),
            _ if peers != before => tracing::info!(peers, "connected"),
            _ => {}
        }
        before = peers;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
