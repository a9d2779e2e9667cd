//! Starts Malachite, and ends it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use malachite::app::config::{
    ConsensusConfig, DiscoveryConfig, NodeConfig, P2pConfig, ProtocolNames, ValuePayload, ValueSyncConfig,
};
use malachite::app::types::codec::{Codec, ConsensusCodec, SyncCodec};
use malachite::{
    Channels, ConsensusContext, EngineHandle, NetworkContext, NetworkIdentity, RequestContext, SyncContext, WalContext,
};
use malachite_ed25519::PublicKey;
use malachite_signing::Signer;
use tokio::sync::watch;

use super::app::{AppFailure, Application, Parts};
use super::codec::EskerCodec;
use super::context::{EskerContext, ValidatorAddress};
use super::domain::Domain;
use super::driver::{self, Driver};
use super::signing::ConsensusVerifier;

/// Largest message between nodes, in bytes: a block and what is around it.
const MESSAGE_BYTES_MAX: u64 = 6 << 20;
/// Largest answer to a node that is behind, in bytes.
const SYNC_BYTES_MAX: u64 = 10 << 20;
/// Blocks that a node asks for at once.
const SYNC_BATCH: usize = 20;
/// Requests of one peer that are answered in ten seconds.
const SYNC_REQUESTS_MAX: u32 = 200;
/// Requests of this node's own to the engine that may wait.
const REQUESTS_MAX: usize = 16;

/// How a node takes part.
pub struct EngineSettings {
    /// What peers see this node as.
    pub name: String,
    /// Where it listens for peers.
    pub listen: SocketAddr,
    /// Peers that it keeps connected to.
    pub peers: Vec<Multiaddr>,
    /// Most connections from one address.
    pub connections_per_ip: usize,
    /// Identity among peers.
    pub keypair: Keypair,
    /// The chain.
    pub domain: Domain,
    /// Folder of the engine's log and of the application's files.
    pub folder: PathBuf,
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The application could not open its files.
    #[error(transparent)]
    App(#[from] AppFailure),
    /// The validator's proof could not be signed.
    #[error("signing failed: {0}")]
    Sign(#[from] malachite_signing::Error),
    /// The system refused a thread.
    #[error("cannot start the consensus thread: {0}")]
    Thread(#[from] std::io::Error),
    /// An address that peers cannot be reached at.
    #[error("{0} is no address to listen on")]
    Address(SocketAddr),
    /// Peers cannot be listened for there.
    #[error(
        "cannot listen for peers on {address}: {reason}. Stop what listens there, or choose another address or port for \
         consensus, in config.toml under [consensus]"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The system's words.
        reason: std::io::Error,
    },
    /// The engine's own reason.
    #[error("the consensus engine cannot start: {0}")]
    Engine(String),
}

/// The engine's settings in the shape it reads them.
struct Settings {
    name: String,
    consensus: ConsensusConfig,
    sync: ValueSyncConfig,
}

impl NodeConfig for Settings {
    fn moniker(&self) -> &str {
        &self.name
    }

    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}

impl Settings {
    fn new(settings: &EngineSettings) -> Result<Self, StartError> {
        let EngineSettings { listen, peers, connections_per_ip, domain, name, .. } = settings;
        let protocol = |what: &str| format!("/esker/{}/{what}/1", domain.network());
        let kind = if listen.is_ipv4() { "ip4" } else { "ip6" };
        let listen_addr = format!("/{kind}/{}/tcp/{}", listen.ip(), listen.port());
        let p2p = P2pConfig {
            listen_addr: listen_addr.parse().map_err(|_| StartError::Address(*listen))?,
            persistent_peers: peers.clone(),
            discovery: DiscoveryConfig {
                max_connections_per_ip: *connections_per_ip,
                ip_throttle_duration: Duration::from_secs(1),
                ..DiscoveryConfig::default()
            },
            pubsub_max_size: bytesize(MESSAGE_BYTES_MAX),
            rpc_max_size: bytesize(SYNC_BYTES_MAX + (1 << 20)),
            protocol_names: ProtocolNames {
                consensus: protocol("consensus"),
                discovery_kad: protocol("kad"),
                discovery_regres: protocol("discovery"),
                sync: protocol("sync"),
                validator_proof: protocol("validator-proof"),
            },
            ..P2pConfig::default()
        };
        let consensus =
            ConsensusConfig { p2p, value_payload: ValuePayload::ProposalAndParts, ..ConsensusConfig::default() };
        let sync = ValueSyncConfig {
            status_update_interval: Duration::from_secs(1),
            batch_size: SYNC_BATCH,
            inbound_request_rate_limit_window: Duration::from_secs(10),
            max_inbound_requests_per_window: SYNC_REQUESTS_MAX,
            max_concurrent_inbound_requests: 8,
            max_pending_inbound_requests: 32,
            max_response_size: bytesize(SYNC_BYTES_MAX),
            ..ValueSyncConfig::default()
        };
        Ok(Self { name: name.clone(), consensus, sync })
    }
}

/// The engine's log, in a node's data folder.
#[must_use]
pub fn log_file(folder: &Path) -> PathBuf {
    folder.join("wal").join("consensus.wal")
}

fn bytesize(bytes: u64) -> bytesize::ByteSize {
    bytesize::ByteSize::b(bytes)
}

/// Starts Malachite alone. Whoever holds the channels is its application, `signer` signs what it casts, and peers get its
/// messages as `codec` writes them. Must be called inside a tokio runtime.
///
/// # Errors
/// [`StartError`]
pub async fn start_malachite<C>(
    settings: &EngineSettings,
    signer: Option<Voting>,
    codec: C,
) -> Result<(Channels<EskerContext>, EngineHandle), StartError>
where
    C: ConsensusCodec<EskerContext> + SyncCodec<EskerContext> + Clone,
{
    let verifier = Box::new(ConsensusVerifier(settings.domain));
    let (name, keypair) = (settings.name.clone(), settings.keypair.clone());
    let (identity, consensus) = match signer {
        Some(Voting { address, public_key, signer }) => {
            // A validator proves to its peers that the network identity and the voting key are one's.
            let peer_id = keypair.public().to_peer_id().to_bytes();
            let proof = signer.sign_validator_proof(public_key.as_bytes().to_vec(), peer_id).await?;
            let proof = EskerCodec.encode(&proof).map_err(|error| StartError::Engine(error.to_string()))?;
            let identity = NetworkIdentity::new_validator(name, keypair, address.to_string(), proof);
            (identity, ConsensusContext::new_validator(address, verifier, Box::new(signer)))
        }
        None => {
            let nobody = ValidatorAddress(alloy_primitives::Address::ZERO);
            (NetworkIdentity::new(name, keypair, None), ConsensusContext::new_full_node(nobody, verifier))
        }
    };
    // The engine would log that it cannot listen there, and go on without peers.
    let address = settings.listen;
    drop(TcpListener::bind(address).map_err(|reason| StartError::Listen { address, reason })?);
    let log = log_file(&settings.folder);
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)?;
    }
    malachite::start_engine(
        EskerContext,
        Settings::new(settings)?,
        WalContext::new(log, EskerCodec),
        NetworkContext::new(identity, codec.clone()),
        consensus,
        SyncContext::new(codec),
        RequestContext::new(REQUESTS_MAX),
    )
    .await
    .map_err(|error| StartError::Engine(format!("{error:#}")))
}

/// What votes are cast with.
pub struct Voting {
    /// The validator.
    pub address: ValidatorAddress,
    /// Its key.
    pub public_key: PublicKey,
    /// Signs with it.
    pub signer: Arc<dyn Signer<EskerContext>>,
}

/// A running engine with its application.
pub struct Engine {
    handle: EngineHandle,
    driver: Driver,
}

impl Engine {
    /// Opens the application's files and starts the engine. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(settings: EngineSettings, parts: Parts) -> Result<Self, StartError> {
        let (chain, pool, status) = (parts.chain.clone(), parts.pool.clone(), parts.status.clone());
        let own = parts.signer.clone();
        let voting = parts.signer.clone().map(|signer| Voting {
            address: signer.address(),
            public_key: signer.public_key(),
            signer,
        });
        let app = Application::open(parts, settings.domain, &settings.folder)?;
        let (channels, handle) = start_malachite(&settings, voting, EskerCodec).await?;
        let domain = settings.domain;
        let driver = Driver::start(app, channels, driver::Surroundings { chain, pool, status, domain, signer: own })?;
        Ok(Self { handle, driver })
    }

    /// Why it ended, once it has.
    #[must_use]
    pub fn failure(&self) -> watch::Receiver<Option<Arc<AppFailure>>> {
        self.driver.failure()
    }

    /// Ends it: no vote is cast and no block committed after this.
    pub async fn stop(self) {
        self.driver.begin_stop();
        let _ = self.handle.actor.stop_and_wait(None, Some(Duration::from_secs(5))).await;
        self.driver.join().await;
    }
}
