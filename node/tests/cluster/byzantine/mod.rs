//! A validator that breaks the rules: a process of this very test binary, so that nothing of it is in the one that ships.
//!
//! The engine and most of the application are the honest ones; what differs is what is proposed, what is published, and
//! how messages look on the wire. It has no guard, no RPC server, and does not exchange transactions.

mod contradiction;
mod garbling;
mod lies;
mod rewriting;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use async_trait::async_trait;
use bytes::Bytes;
use esker::chain::{Chain, Clock, genesis_hash, open_state_dir};
use esker::consensus::app::{AppFailure, Application, Parts};
use esker::consensus::codec::EskerCodec;
use esker::consensus::context::{BlockHash, EskerContext, Proposal, ProposalPart, ValidatorAddress, Vote};
use esker::consensus::domain::Domain;
use esker::consensus::engine::{EngineSettings, Voting, start_malachite};
use esker::consensus::sign_state::SignState;
use esker::consensus::signing::ConsensusSigner;
use esker::consensus::status::Status;
use esker::consensus::timing::Timing;
use esker::home::{Home, PeerAddress};
use esker::mempool::{Limits, Pool};
use esker_vm::{Engine, EngineConfig};
use libp2p::identity::Keypair;
use malachite::app::engine::host::Next;
use malachite::app::streaming::StreamContent;
use malachite::app::types::LocallyProposedValue;
use malachite::app::types::core::{Round, SignedMessage, ValidatorProof};
use malachite::app::types::streaming::{StreamId, StreamMessage};
use malachite::{AppMsg, Channels, NetworkMsg};
use malachite_ed25519::PrivateKey;
use malachite_signing::{Error, Signer};

use self::contradiction::contradicting;
use self::garbling::garbling;
pub use self::lies::LIES;
use self::rewriting::Rewriting;
use crate::node::Node;

/// The home of the validator that this process plays.
const HOME: &str = "ESKER_BYZANTINE_HOME";
/// What it does.
const MISDEED: &str = "ESKER_BYZANTINE_MISDEED";

/// What a Byzantine validator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// Proposes blocks that are wrong, each in another way, properly signed.
    Lie,
    /// Says that it proposes a block and shows it to nobody, or shows one and does not say so.
    Withhold,
    /// Damages some of all messages that it sends.
    Garble,
    /// Does as honest ones do, but minds nothing: another machine has its key.
    Agree,
    /// Votes for nothing where that other machine votes for a block.
    Contradict,
}

impl Misdeed {
    const fn name(self) -> &'static str {
        match self {
            Self::Lie => "lie",
            Self::Withhold => "withhold",
            Self::Garble => "garble",
            Self::Agree => "agree",
            Self::Contradict => "contradict",
        }
    }

    fn named(name: &str) -> Self {
        let all = [Self::Lie, Self::Withhold, Self::Garble, Self::Agree, Self::Contradict];
        all.into_iter().find(|misdeed| misdeed.name() == name).unwrap_or_else(|| panic!("no misdeed is called {name}"))
    }
}

/// Starts a process that plays the validator of this node's home. What it does stands in the node's log.
pub fn start(node: &mut Node, misdeed: Misdeed) {
    let mut command = Command::new(std::env::current_exe().expect("this binary has a path"));
    command.args(["--exact", "byzantine::a_byzantine_validator", "--ignored", "--nocapture"]);
    command.env(HOME, &node.home).env(MISDEED, misdeed.name()).stdin(Stdio::null());
    node.spawn_silent(command);
}

#[test]
#[ignore = "a process that scenarios start; does nothing by itself"]
fn a_byzantine_validator() {
    let Some(home) = std::env::var_os(HOME).map(PathBuf::from) else { return };
    let misdeed = Misdeed::named(&std::env::var(MISDEED).expect("a misdeed"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    runtime.block_on(play(&home, misdeed));
}

/// Signs whatever it is given.
struct Unguarded {
    domain: Domain,
    key: PrivateKey,
}

#[async_trait]
impl Signer<EskerContext> for Unguarded {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<EskerContext, Vote>, Error> {
        let signature = self.key.sign(&self.domain.vote(&vote));
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<EskerContext, Proposal>, Error> {
        let signature = self.key.sign(&self.domain.proposal(&proposal));
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        _: malachite::app::types::core::VoteExtensionScope<EskerContext>,
        _: Bytes,
    ) -> Result<SignedMessage<EskerContext, Bytes>, Error> {
        unreachable!("no height has vote extensions")
    }

    async fn sign_validator_proof(&self, key: Vec<u8>, peer: Vec<u8>) -> Result<ValidatorProof<EskerContext>, Error> {
        let bytes = ValidatorProof::<EskerContext>::signing_bytes(&key, &peer);
        let signature = self.key.sign(&self.domain.proof(&bytes));
        Ok(ValidatorProof::new(key, peer, signature))
    }
}

async fn play(home: &Path, misdeed: Misdeed) {
    let home = Home::open(home).expect("a home");
    let password = home.password().expect("readable").expect("the home names the password's file");
    let key = home.consensus_key(&password).expect("the password fits").expect("a validator's key");
    let store = open_state_dir(&home.data().join("db"), 16 << 20).expect("a store");
    let engine = Engine::new(EngineConfig::with_kind(home.config.engine)).expect("an engine");
    let chain = Arc::new(Chain::open(store, &home.genesis, Arc::new(engine)).expect("a chain"));
    let domain =
        Domain { chain_id: home.genesis.config.chain_id, genesis: genesis_hash(&home.genesis).expect("a genesis") };
    let address = ValidatorAddress(key.address);
    let head = chain.head().block.header.number;
    let clock = Arc::new(Clock::shifted(0));
    let guard = SignState::open(&home.path.join("keys/sign-state.json"), head, clock.now(), true).expect("a guard");
    let config = &home.config.consensus;
    let timing = Timing {
        block_time: config.block_time,
        idle_block_time: config.idle_block_time,
        execution: Duration::from_nanos(home.genesis.gas_limit * u64::from(config.ns_per_gas)),
    };
    let parts = Parts {
        chain,
        pool: Arc::new(Pool::new(Limits::default())),
        clock,
        signer: Some(Arc::new(ConsensusSigner::new(domain, address, key.private_key(), guard))),
        timing,
        status: Status::default(),
    };
    let app = Application::open(parts, domain, &home.data()).expect("an application");
    let keypair = Keypair::ed25519_from_bytes(home.node_key().expect("a key")).expect("a key");
    let settings = EngineSettings {
        name: "byzantine".to_owned(),
        listen: config.listen,
        peers: config.peers.iter().map(PeerAddress::to_multiaddr).collect(),
        connections_per_ip: config.connections_per_ip,
        keypair,
        domain,
        folder: home.data(),
    };
    let signer = Arc::new(Unguarded { domain, key: key.private_key() });
    let voting = Voting { address, public_key: key.private_key().public_key(), signer };
    let started = match misdeed {
        Misdeed::Garble => start_malachite(&settings, Some(voting), Rewriting(garbling())).await,
        Misdeed::Contradict => {
            let codec = Rewriting(contradicting(domain, key.private_key()));
            start_malachite(&settings, Some(voting), codec).await
        }
        _ => start_malachite(&settings, Some(voting), EskerCodec).await,
    };
    let (channels, _handle) = started.expect("the engine starts");
    let liar = Liar { app, misdeed, domain, key: key.private_key(), told: 0, sequence: 0 };
    liar.run(channels).await;
}

struct Liar {
    app: Application,
    misdeed: Misdeed,
    domain: Domain,
    key: PrivateKey,
    told: usize,
    sequence: u64,
}

impl Liar {
    async fn run(mut self, mut channels: Channels<EskerContext>) {
        while let Some(message) = channels.consensus.recv().await {
            let published = tokio::task::block_in_place(|| self.answer(message));
            for part in published {
                let id = [part.height.0.to_be_bytes(), part.round.as_i64().to_be_bytes()].concat();
                let message = StreamMessage::new(StreamId::new(id.into()), self.sequence, StreamContent::Data(part));
                self.sequence += 1;
                if channels.network.send(NetworkMsg::PublishProposalPart(message)).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Answers the engine; returns what is to be published. What the engine does not wait for any more is no matter.
    fn answer(&mut self, message: AppMsg<EskerContext>) -> Vec<ProposalPart> {
        match message {
            AppMsg::ConsensusReady { reply } => {
                let _ = reply.send(self.app.next(Duration::ZERO));
            }
            AppMsg::StartedRound { height, round, proposer, reply_value, .. } => {
                let _ = reply_value.send(self.app.started_round(height, round, proposer).expect("it goes on"));
            }
            AppMsg::GetValue { height, round, timeout, reply } => {
                if let Some((value, part)) = self.app.propose(height, round, timeout).expect("it goes on") {
                    let (value, said, shown) = self.propose(value.0, part);
                    if said {
                        let _ = reply.send(LocallyProposedValue::new(height, round, BlockHash(value)));
                    }
                    return shown;
                }
            }
            AppMsg::ReceivedProposalPart { part, reply, .. } => {
                let value = match part.content {
                    StreamContent::Data(part) => self.app.received(part).expect("it goes on"),
                    StreamContent::Fin => None,
                };
                let _ = reply.send(value);
            }
            AppMsg::RestreamProposal { height, round, valid_round, address, value_id } => {
                let part = self.app.restream(height, round, valid_round, address, value_id.0).expect("it goes on");
                return part.into_iter().collect();
            }
            AppMsg::Decided { certificate, reply, .. } => {
                self.app.decided(&certificate).expect("honest validators decide what is valid");
                let _ = reply.send(());
            }
            AppMsg::Finalized { evidence, reply, .. } => {
                match self.app.finalized(&evidence, Duration::ZERO) {
                    // What an honest one stops for.
                    Ok(_) | Err(AppFailure::KeyElsewhere { .. }) => {}
                    Err(failure) => panic!("it cannot go on: {failure}"),
                }
                let (height, params) = self.app.next(Duration::ZERO);
                let _ = reply.send(Next::Start(height, params));
            }
            AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply } => {
                let _ = reply.send(self.app.synced(height, round, proposer, value_bytes).expect("it goes on"));
            }
            AppMsg::GetDecidedValues { range, reply } => {
                let _ = reply.send(self.app.decided_values(range).expect("it goes on"));
            }
            AppMsg::GetHistoryMinHeight { reply } => {
                let _ = reply.send(self.app.history_min().expect("it goes on"));
            }
            AppMsg::ExtendVote { reply, .. } => {
                let _ = reply.send(None);
            }
            AppMsg::VerifyVoteExtensions { reply, .. } => {
                let _ = reply.send(Vec::new());
            }
        }
        Vec::new()
    }

    /// What becomes of an honest proposal: its value, whether the engine says it, and the bodies that are shown.
    fn propose(&mut self, hash: B256, part: ProposalPart) -> (B256, bool, Vec<ProposalPart>) {
        let (height, round) = (part.height.0, part.round);
        let turn = self.told;
        self.told += 1;
        match self.misdeed {
            Misdeed::Garble | Misdeed::Agree | Misdeed::Contradict => (hash, true, vec![part]),
            Misdeed::Withhold => {
                let says = turn.is_multiple_of(2);
                println!(
                    "{} at height {height}, {round}",
                    if says { "withholds the body" } else { "withholds the word" }
                );
                (hash, says, if says { Vec::new() } else { vec![part] })
            }
            Misdeed::Lie => {
                let lie = LIES[turn % LIES.len()];
                let (block, hash) = lies::tell(lie, &part.block);
                println!("lie {lie:?} at height {height}, {round}: {hash}");
                (hash, true, vec![self.sign(ProposalPart { block, ..part })])
            }
        }
    }

    fn sign(&self, mut part: ProposalPart) -> ProposalPart {
        part.pol_round = Round::Nil;
        part.signature = self.key.sign(&self.domain.part(&part));
        part
    }
}
