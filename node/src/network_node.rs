//! A node of a network, validating or not: what `esker node` runs, and what tests start in-process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::Address;
use esker_runtime::upgrades::UnknownRules;
use esker_runtime::{Genesis, Rules};
use esker_vm::{Engine as VmEngine, EngineConfig, EngineError, EngineKind, Machine};
use jsonrpsee::server::Methods;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use malachite_ed25519::PrivateKey;
use tokio::runtime::Runtime;

use crate::chain::{self, AheadCompiler, Chain, ChainError, Clock, open_state_dir};
use crate::consensus::app::{AppFailure, Parts};
use crate::consensus::context::ValidatorAddress;
use crate::consensus::domain::Domain;
use crate::consensus::engine::{self, Engine, EngineSettings, StartError};
use crate::consensus::evidence::EVIDENCE;
use crate::consensus::sign_state::{SignState, SignStateError};
use crate::consensus::signing::ConsensusSigner;
use crate::consensus::status::Status;
use crate::consensus::timing::Timing;
use crate::gossip::{Gossip, GossipConfig, GossipError, PoolSink};
use crate::mempool::journal::{Journal, JournalError, JournalKeeper};
use crate::mempool::{Limits, Pool, Publish};
use crate::reporter::account::ReporterAccount;
use crate::reporter::{self, Reporter};
use crate::rpc::network::NetworkApi;
use crate::rpc::{self, Api};
use crate::server::{Listener, RpcServer, ServerError};

/// Threads that talk to other validators.
const CONSENSUS_THREADS: usize = 2;
/// How often what waits in the pool is written down.
const JOURNAL_EVERY: Duration = Duration::from_secs(10);

/// A validator's key and its record of signatures.
pub struct ValidatorKey {
    /// Its name on the chain.
    pub address: Address,
    /// Ed25519 seed.
    pub seed: [u8; 32],
    /// File of the double-sign guard.
    pub sign_state: PathBuf,
    /// Signs although the record may be incomplete.
    pub sign_now: bool,
}

/// How a node is set up.
pub struct NetworkConfig {
    /// What peers see it as.
    pub name: String,
    /// What the chain begins with.
    pub genesis: Genesis,
    /// Folder of everything that the node writes.
    pub data: PathBuf,
    /// Where JSON-RPC is served; port 0 takes a free one.
    pub rpc: SocketAddr,
    /// Where validators' peers are listened for.
    pub consensus: SocketAddr,
    /// Peers for consensus.
    pub consensus_peers: Vec<Multiaddr>,
    /// Most connections from one address, for consensus.
    pub connections_per_ip: usize,
    /// Where transactions' peers are listened for.
    pub gossip: SocketAddr,
    /// Peers for transactions.
    pub gossip_peers: Vec<Multiaddr>,
    /// Most connections from one address, for transactions.
    pub gossip_connections_per_ip: usize,
    /// Ed25519 seed of the identity among peers.
    pub node_seed: [u8; 32],
    /// `None`: it follows the chain and does not vote.
    pub validator: Option<ValidatorKey>,
    /// Pace of blocks.
    pub block_time: Duration,
    /// Pace of blocks without transactions.
    pub idle_block_time: Duration,
    /// How long the network's slowest node takes for one gas, in nanoseconds.
    pub ns_per_gas: u32,
    /// What runs contract code.
    pub engine: EngineKind,
    /// Bound of the store's cache, in bytes.
    pub cache_bytes: u64,
    /// By how many seconds the clock is wrong; for tests.
    pub clock_offset: i64,
}

/// A node could not start.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The engine for contracts failed.
    #[error(transparent)]
    Vm(#[from] EngineError),
    /// The chain could not be opened.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The store holds a chain that began otherwise.
    #[error(
        "the data folder holds a chain that began with block {found}, and genesis.json begins with {wanted}: use the \
         genesis.json of this network, or another data folder"
    )]
    OtherGenesis {
        /// Hash of block 0 in the store.
        found: alloy_primitives::B256,
        /// Hash of block 0 of the genesis.
        wanted: alloy_primitives::B256,
    },
    /// The store holds a chain that began with the same block, by other rules.
    #[error(
        "the data folder holds a chain that began with the same block 0, but the \"config\" of genesis.json says another chain \
         id, or other staking, than it began with: use the genesis.json of this network"
    )]
    OtherConfig,
    /// The next block needs rules that this program does not have.
    #[error(transparent)]
    UnknownRules(#[from] UnknownRules),
    /// The server could not start.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The double-sign guard could not be opened.
    #[error("the double-sign guard: {0}")]
    SignState(#[from] SignStateError),
    /// Consensus could not start.
    #[error(transparent)]
    Consensus(#[from] StartError),
    /// A key that is none.
    #[error("the node's key: {0}")]
    Key(#[from] libp2p::identity::DecodingError),
    /// Gossip could not start.
    #[error("gossip of transactions: {0}")]
    Gossip(#[from] GossipError),
    /// The journal of waiting transactions cannot be written.
    #[error("the journal of waiting transactions: {0}")]
    Journal(#[from] JournalError),
    /// The system refused a thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// Two methods have one name: a mistake in this program.
    #[error("the methods do not fit together: {0}")]
    Methods(#[from] jsonrpsee::core::RegisterMethodError),
}

/// Why a node that was well cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum NetworkFailure {
    /// Consensus ended.
    #[error(transparent)]
    Consensus(Arc<AppFailure>),
    /// Transactions are not exchanged any more.
    #[error("gossip of transactions ended: {0}")]
    Gossip(String),
    /// No more requests are answered.
    #[error("the server ended by itself")]
    Server,
}

/// A running node.
pub struct NetworkNode {
    /// Where it serves JSON-RPC.
    pub address: SocketAddr,
    /// Its chain.
    pub chain: Arc<Chain>,
    /// How it stands.
    pub status: Status,
    server: RpcServer,
    engine: Engine,
    consensus_runtime: ConsensusRuntime,
    gossip: Arc<Gossip>,
    journal: JournalKeeper,
    reporter: Option<Reporter>,
    ahead: Option<AheadCompiler>,
}

/// Threads of consensus alone: however many requests clients send, they wait for each other and not for these.
struct ConsensusRuntime(Option<Runtime>);

impl ConsensusRuntime {
    fn new() -> std::io::Result<Self> {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        threads.worker_threads(CONSENSUS_THREADS).thread_name("consensus-io").enable_all().build().map(Some).map(Self)
    }

    /// Runs `work` there.
    async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let task = self.0.as_ref()?.spawn(work);
        Some(task.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())))
    }
}

impl Drop for ConsensusRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting is not allowed where this may be dropped, and nothing is lost: what matters is durable.
            runtime.shutdown_background();
        }
    }
}

impl NetworkNode {
    /// Opens the chain, serves it, and takes part. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`NetworkError`]
    pub async fn start(config: NetworkConfig) -> Result<Self, NetworkError> {
        let listener = Listener::bind(config.rpc)?;
        let keypair = Keypair::ed25519_from_bytes(config.node_seed)?;
        let domain =
            Domain { chain_id: config.genesis.config.chain_id, genesis: chain::genesis_hash(&config.genesis)? };
        let (chain, machine) = open_chain(&config).await?;
        let ahead = AheadCompiler::start(&chain)?;
        let head = chain.head().block.header.number;
        let clock = Arc::new(Clock::shifted(config.clock_offset));
        let pool = Arc::new(Pool::new(Limits::default()));
        chain.follow(pool.clone());
        let validator = config.validator.as_ref().map(|key| key.address);
        let reporter_account = config.validator.as_ref().map(|key| ReporterAccount::of_validator(&key.seed));
        let signer =
            config.validator.map(|key| open_signer(&key, domain, head, clock.now(), &config.data)).transpose()?;
        let status = Status::default();
        status.update(|standing| standing.started_at = head);

        let journal = Journal::open(config.data.join("mempool"))?;
        let restored = {
            let (chain, pool) = (chain.clone(), pool.clone());
            tokio::task::spawn_blocking(move || (journal.restore(&chain, &pool), journal)).await
        };
        let (_, journal) = restored.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let journal = journal.keep(pool.clone(), JOURNAL_EVERY)?;
        let gossip = GossipConfig {
            peers: config.gossip_peers,
            connections_per_host: Some(config.gossip_connections_per_ip),
            ..GossipConfig::new(config.gossip, domain.network(), keypair.clone())
        };
        let sink = Arc::new(PoolSink { chain: chain.clone(), pool: pool.clone() });
        let gossip = Arc::new(Gossip::start(gossip, sink).await?);

        let beneficiary = validator.unwrap_or_default();
        let api = Api::new(chain.clone(), pool.clone(), clock.clone(), machine.clone(), beneficiary, client_version());
        let api = Arc::new(api.in_network(status.clone()));
        let mut methods = Methods::from(rpc::module(api.clone())?);
        let (told, waiting) = (gossip.clone(), pool.clone());
        let publish: Publish = Arc::new(move |hash| {
            if let Some(transaction) = waiting.get(hash) {
                told.publish(transaction.encoded().into());
            }
        });
        let account = chain.config().staking.and(reporter_account);
        let reporter = account.as_ref().map(ReporterAccount::address);
        let network = NetworkApi::new(api, status.clone(), validator, reporter, publish.clone());
        methods.merge(rpc::network::module(network)?)?;
        let server = RpcServer::start(listener, methods)?;

        let with = reporter::Surroundings {
            chain: chain.clone(),
            pool: pool.clone(),
            machine,
            status: status.clone(),
            domain,
            publish,
        };
        let reporter = validator.zip(account);
        let reporter =
            reporter.map(|(validator, account)| Reporter::start(with, validator, account, &config.data.join(EVIDENCE)));
        let reporter = reporter.transpose()?;
        let gas_limit = config.genesis.gas_limit;
        let timing = Timing {
            block_time: config.block_time,
            idle_block_time: config.idle_block_time,
            execution: Duration::from_nanos(gas_limit.saturating_mul(config.ns_per_gas.into())),
        };
        let settings = EngineSettings {
            name: config.name,
            listen: config.consensus,
            peers: config.consensus_peers,
            connections_per_ip: config.connections_per_ip,
            keypair,
            domain,
            folder: config.data,
        };
        let parts = Parts { chain: chain.clone(), pool, clock, signer, timing, status: status.clone() };
        let consensus_runtime = ConsensusRuntime::new()?;
        let engine = consensus_runtime.run(Engine::start(settings, parts)).await;
        let engine = engine.unwrap_or_else(|| Err(std::io::Error::from(std::io::ErrorKind::NotConnected).into()))?;
        Ok(Self {
            address: server.address,
            chain,
            status,
            server,
            engine,
            consensus_runtime,
            gossip,
            journal,
            reporter,
            ahead,
        })
    }

    /// Returns when a part of the node ends that must not, with the reason.
    pub async fn failed(&self) -> NetworkFailure {
        let mut failure = self.engine.failure();
        let consensus = async {
            let ended = failure.wait_for(Option::is_some).await;
            ended.ok().and_then(|failure| failure.clone()).unwrap_or_else(|| Arc::new(AppFailure::Engine))
        };
        tokio::select! {
            failure = consensus => NetworkFailure::Consensus(failure),
            reason = self.gossip.ended() => NetworkFailure::Gossip(reason),
            () = self.server.ended() => NetworkFailure::Server,
        }
    }

    /// Takes no more requests, ends the height under way, closes the store.
    pub async fn stop(self) {
        drop(self.reporter);
        self.server.stop().await;
        self.consensus_runtime.run(self.engine.stop()).await;
        if let Ok(gossip) = Arc::try_unwrap(self.gossip) {
            gossip.stop().await;
        }
        // Writing what waits may take a moment, and so may the module that is being compiled.
        let _ = tokio::task::spawn_blocking(move || drop((self.journal, self.ahead))).await;
    }
}

/// Opens the chain and compiles what its contracts need.
async fn open_chain(config: &NetworkConfig) -> Result<(Arc<Chain>, Arc<dyn Machine>), NetworkError> {
    let store = open_state_dir(&config.data.join("db"), config.cache_bytes).map_err(ChainError::from)?;
    chain::adopt_upgrades(&store, &config.genesis)?;
    let engine = EngineConfig { cache_dir: Some(config.data.join("code")), ..EngineConfig::with_kind(config.engine) };
    let machine: Arc<dyn Machine> = Arc::new(VmEngine::new(engine)?);
    let chain = Arc::new(Chain::open(store, &config.genesis, machine.clone())?);
    if !chain.genesis().is_same_chain(&config.genesis) {
        let found = chain::genesis_hash(chain.genesis())?;
        let wanted = chain::genesis_hash(&config.genesis)?;
        return Err(if found == wanted {
            NetworkError::OtherConfig
        } else {
            NetworkError::OtherGenesis { found, wanted }
        });
    }
    announce_upgrades(&chain)?;
    Chain::compile_before_serving(&chain).await.map_err(ChainError::from)?;
    Ok((chain, machine))
}

/// Says which upgrades come; an error if the next block is one that this program does not know.
fn announce_upgrades(chain: &Chain) -> Result<(), UnknownRules> {
    let (next, upgrades) = (chain.head().block.header.number.saturating_add(1), &chain.config().upgrades);
    upgrades.rules_at(next)?;
    for upgrade in upgrades.iter().filter(|upgrade| upgrade.height > next) {
        let (version, height) = (upgrade.version, upgrade.height);
        if Rules::of(version).is_some() {
            tracing::info!(version, height, "an upgrade of the protocol comes");
        } else {
            let newest = Rules::LATEST.version;
            tracing::warn!(
                version,
                height,
                newest,
                "this program is too old for an upgrade that comes: it will stop there"
            );
        }
    }
    Ok(())
}

fn open_signer(
    key: &ValidatorKey,
    domain: Domain,
    head: u64,
    now: u64,
    data: &Path,
) -> Result<Arc<ConsensusSigner>, SignStateError> {
    let state = SignState::open(&key.sign_state, head, now, key.sign_now)?;
    let address = ValidatorAddress(key.address);
    let signer = ConsensusSigner::new(domain, address, PrivateKey::from(key.seed), state);
    Ok(Arc::new(signer.after_log(engine::log_file(data))))
}

fn client_version() -> String {
    format!("Esker/v{}/{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH)
}
