//! The node's own application on a simulated machine: the real `Application` over a real chain, whose blocks the real
//! runtime executes, with the real pool, files and guard. What is not real about it: its clock stands where the simulation
//! puts it, its database is in memory and can lose its power in the middle of a commit, its files lie in a folder of this
//! process, and the channels and tasks between it and the engine (`node/src/consensus/driver.rs`) are the simulation's.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use esker::chain::{Chain, Clock};
use esker::consensus::app::{AppFailure, Application, Parts};
use esker::consensus::body;
use esker::consensus::context::{BlockHash, EskerContext, Height, ProposalPart, ValidatorAddress};
use esker::consensus::signing::ConsensusSigner;
use esker::consensus::status::Status;
use esker::consensus::timing::Timing;
use esker::mempool::submit::submit_encoded;
use esker::mempool::{Limits, Pool};
use esker_runtime::Proposal;
use esker_runtime::block::InOrder;
use esker_vm::{Engine, EngineConfig, Machine};
use malachite::app::engine::host::SyncedValueOutcome;
use malachite::app::types::core::{HeightParams, Round, ValueOrigin};
use malachite::app::types::{LocallyProposedValue, ProposedValue};
use malachite_sync::{Request as SyncRequest, Response, ValueResponse};

use super::app::stream;
use super::engine::Host;
use super::env::{Env, Local, Message, Out, Request, Stop};
use super::kills::{What, When};
use super::plan::SECOND;
use super::roster::{Roster, Stake};
use super::store::{Cut, SimStore};
use super::trace::Time;
use super::wire::Wire;

/// Seconds since 1970 at which the simulated clock begins, which is also the time of block 0.
pub const BEGINS: u64 = 1_700_000_000;
/// Building never ends for want of time: the machine's clock decides nothing here.
const FOR_BUILDING: Duration = Duration::from_secs(1 << 20);

/// Executes everything, for all nodes.
pub fn machine() -> Arc<dyn Machine> {
    static MACHINE: OnceLock<Arc<Engine>> = OnceLock::new();
    MACHINE.get_or_init(|| Arc::new(Engine::new(EngineConfig::default()).expect("the engine starts"))).clone()
}

/// What outlives the application.
#[derive(Clone)]
pub struct NodeDisk {
    /// Blocks and states.
    pub store: Arc<SimStore>,
    /// Proposed bodies and evidence.
    pub folder: PathBuf,
}

impl NodeDisk {
    /// An empty one; its files will lie in `folder`, which is emptied.
    pub fn new(folder: &Path) -> Self {
        if folder.exists() {
            std::fs::remove_dir_all(folder).expect("the folder is this test's own");
        }
        std::fs::create_dir_all(folder).expect("the folder is this test's own");
        Self { store: Arc::new(SimStore::default()), folder: folder.to_owned() }
    }

    /// The chain on it.
    pub fn chain(&self, stake: &Stake) -> Arc<Chain> {
        let chain = Chain::open(self.store.clone(), &stake.genesis, machine());
        Arc::new(chain.expect("the database is whole after every crash"))
    }
}

/// The application with what it stands on.
pub struct NodeApp {
    app: Application,
    /// Blocks and states.
    pub chain: Arc<Chain>,
    pool: Arc<Pool>,
    clock: Arc<Clock>,
    shows: u64,
    disk: NodeDisk,
    /// What was answered to the end of the height before.
    next: Option<HeightParams<EskerContext>>,
}

fn seconds(clock: Time) -> u64 {
    BEGINS + clock / SECOND
}

fn broken(failure: &AppFailure) -> Stop {
    Stop::Broken(failure.to_string())
}

impl NodeApp {
    /// Opens it on `chain`, which `disk` holds, at what the node's clock shows.
    pub fn open(roster: &Roster, disk: NodeDisk, chain: Arc<Chain>, signer: Arc<ConsensusSigner>, now: Time) -> Self {
        let pool = Arc::new(Pool::new(Limits::default()));
        chain.follow(pool.clone());
        let shows = seconds(now);
        let clock = Arc::new(Clock::standing(shows));
        let stake = roster.stake.as_ref().expect("only a chain with staking has nodes' own applications");
        let timing = Timing {
            block_time: stake.block_time,
            idle_block_time: stake.block_time,
            execution: Duration::from_millis(80),
        };
        let parts = Parts {
            chain: chain.clone(),
            pool: pool.clone(),
            clock: clock.clone(),
            signer: Some(signer),
            timing,
            status: Status::default(),
        };
        let app = Application::open(parts, roster.domain, &disk.folder).expect("its files are whole after every crash");
        Self { app, chain, pool, clock, shows, disk, next: None }
    }

    fn at(&mut self, now: Time) -> &mut Application {
        let now = seconds(now).max(self.shows);
        self.clock.increase(now - self.shows);
        self.shows = now;
        &mut self.app
    }

    /// Height of the last block.
    pub fn head(&self) -> u64 {
        self.chain.head().block.header.number
    }

    /// Where its evidence lies.
    pub fn evidence_folder(&self) -> PathBuf {
        self.disk.folder.join("evidence")
    }

    /// How the next height is decided.
    pub fn next(&mut self, now: Time) -> HeightParams<EskerContext> {
        self.next.take().unwrap_or_else(|| self.at(now).next(Duration::ZERO).1)
    }

    /// A round begins.
    pub fn started_round(
        &mut self,
        height: Height,
        round: Round,
        proposer: ValidatorAddress,
        now: Time,
    ) -> Result<Vec<ProposedValue<EskerContext>>, Stop> {
        self.at(now).started_round(height, round, proposer).map_err(|failure| broken(&failure))
    }

    /// A transaction has come; what the pool does not want is not its sender's concern.
    pub fn submit(&self, raw: &Bytes) {
        let _ = submit_encoded(&self.chain, &self.pool, &[raw.to_vec().into()]);
    }

    /// Answers a peer that is behind.
    pub fn serve(&mut self, request: &SyncRequest<EskerContext>) -> Result<Wire, Stop> {
        let SyncRequest::ValueRequest(request) = request;
        let start = *request.range.start();
        let values = self.app.decided_values(request.range.clone()).map_err(|failure| broken(&failure))?;
        Ok(Wire::Response(Response::ValueResponse(ValueResponse::new(start, values))))
    }

    /// Another block than the one proposed, as good as that.
    fn alternative(&mut self, height: Height, round: Round, address: ValidatorAddress) -> Option<Bytes> {
        let head = self.chain.head();
        let parent = head.as_parent().expect("block and state belong together");
        let timestamp = self.clock.now().max(head.block.header.timestamp) + 1;
        let proposal = Proposal { timestamp, beneficiary: address.0, round: round.as_u32()? };
        if height.0 != parent.header().number + 1 {
            return None;
        }
        let built = self.chain.propose(&parent, proposal, &mut InOrder::new(Vec::new()), &mut || true);
        Some(body::encode(built.expect("the machine does not fail").block.block()))
    }
}

impl Host {
    fn node(&mut self, env: &Env<'_>) -> &mut Application {
        let now = self.clock.shows(env.at());
        self.node.as_mut().expect("asked only where it is the node's own").at(now)
    }

    /// Answers one request of the engine, as the node's driver does.
    pub fn node_answer(&mut self, request: Request, env: &mut Env<'_>) -> Result<(), Stop> {
        let failed = |failure: AppFailure| broken(&failure);
        match request {
            Request::Ready => {}
            Request::Part(part) => {
                if let Some(value) = self.node(env).received(part).map_err(failed)? {
                    env.later(env.at(), Local::Engine(Message::Proposed(value, ValueOrigin::Consensus)));
                }
            }
            Request::GetValue(height, round) => {
                if let Some((value, part)) = self.node(env).propose(height, round, FOR_BUILDING).map_err(failed)? {
                    self.publish_own(height, round, value, part, env)?;
                }
            }
            Request::Restream(height, round, valid_round, proposer, value) => {
                let part = self.node(env).restream(height, round, valid_round, proposer, value.0).map_err(failed)?;
                if let Some(part) = part {
                    env.emit(Out::Broadcast(stream(part)));
                }
            }
            Request::Decided(certificate) => {
                let height = certificate.height.0;
                let cut = if env.dies_at(What::Store, When::Before, height) {
                    Some(Cut::Before)
                } else {
                    env.dies_at(What::Store, When::After, height).then_some(Cut::After)
                };
                if let (Some(cut), Some(node)) = (cut, &self.node) {
                    node.disk.store.cut_next(cut);
                }
                match self.node(env).decided(&certificate) {
                    Err(AppFailure::Store(_)) if cut.is_some() => return Err(Stop::Crash),
                    result => result.map_err(failed)?,
                }
                if let Some(node) = &self.node {
                    let round = certificate.round.as_i64();
                    env.checker.commits_node(self.index, height, round, &node.chain, env.roster, env.verifier);
                }
            }
            Request::Finalized(height, evidence) => {
                env.checker.accuses(env.roster, env.verifier, self.index, height.0, &evidence);
                let (next, params, idle) = self.node(env).finalized(&evidence, Duration::ZERO).map_err(failed)?;
                env.checker.keeps(self.index, &evidence);
                if let Some(node) = &mut self.node {
                    node.next = Some(params);
                }
                let pause = idle.as_micros() as Time + env.plan.pause(env.dice);
                env.later(env.at() + pause, Local::Engine(Message::StartHeight(next.0)));
            }
            Request::Synced(response, proposer) => {
                let (height, round) = (response.certificate.height, response.certificate.round);
                match self.node(env).synced(height, round, proposer, response.value_bytes).map_err(failed)? {
                    SyncedValueOutcome::Verdict(value) => {
                        env.checker.tally.synced += 1;
                        env.later(env.at(), Local::Engine(Message::Proposed(value, ValueOrigin::Sync)));
                    }
                    SyncedValueOutcome::PeerFault => {
                        env.checker.tally.refused += 1;
                        if let Some(from) = env.roster.peer(&response.peer) {
                            self.sync.blame(from);
                        }
                    }
                    SyncedValueOutcome::LocalTransientError => {}
                }
            }
        }
        Ok(())
    }

    /// Sends what this node proposes; or what it would not if it were honest.
    fn publish_own(
        &mut self,
        height: Height,
        round: Round,
        mut value: BlockHash,
        mut part: ProposalPart,
        env: &mut Env<'_>,
    ) -> Result<(), Stop> {
        let address = env.roster.nodes[self.index].address;
        if let Some(behaviour) = env.plan.behaviour(self.index) {
            if behaviour.two_faced
                && part.pol_round == Round::Nil
                && let Some(other) = self.node.as_mut().and_then(|node| node.alternative(height, round, address))
            {
                // It keeps both: either may be decided.
                let second = self.signer.part(ProposalPart { block: other.clone(), ..part.clone() });
                self.node(env).received(second).map_err(|failure| broken(&failure))?;
                env.emit(Out::Alternative(height.0, round.as_i64(), other));
            }
            if let Some(spoilt) = behaviour.spoil_block(&part.block, env.dice) {
                value = body::header(&spoilt).map_or(value, |header| BlockHash(header.hash_slow()));
                part = self.signer.part(ProposalPart { block: spoilt, ..part });
            }
        }
        env.later(env.at(), Local::Engine(Message::Propose(LocallyProposedValue::new(height, round, value))));
        env.emit(Out::Broadcast(stream(part)));
        Ok(())
    }
}
