//! Starts Malachite, and ends it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use malachite::app::config::{
    ConsensusConfig, DiscoveryConfig, NodeConfig, P2pConfig, ProtocolNames, ValuePayload, ValueSyncConfig,
};
use malachite::app::types::codec::Codec;
use malachite::{
    ConsensusContext, EngineHandle, NetworkContext, NetworkIdentity, RequestContext, SyncContext, WalContext,
};
use malachite_signing::Signer;
use tokio::sync::watch;

use super::app::{AppFailure, Application, Parts};
use super::codec::EskerCodec;
use super::context::{EskerContext, ValidatorAddress};
use super::domain::Domain;
use super::driver::{self, Driver};
use super::signing::{ConsensusSigner, ConsensusVerifier};

/// Largest message between nodes, in bytes: a block and what is around it.
const MESSAGE_BYTES_MAX: u64 = 6 << 20;
/// Largest answer to a node that is behind, in bytes.
const SYNC_BYTES_MAX: u64 = 10 << 20;
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
            max_response_size: bytesize(SYNC_BYTES_MAX),
            ..ValueSyncConfig::default()
        };
        Ok(Self { name: name.clone(), consensus, sync })
    }
}

fn bytesize(bytes: u64) -> bytesize::ByteSize {
    bytesize::ByteSize::b(bytes)
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
        let engine_settings = Settings::new(&settings)?;
        let EngineSettings { name, keypair, domain, folder, .. } = settings;
        let status = parts.status.clone();
        let (chain, pool) = (parts.chain.clone(), parts.pool.clone());
        let verifier = Box::new(ConsensusVerifier(domain));
        let (identity, consensus) = match &parts.signer {
            Some(signer) => validator(name, keypair, signer, verifier).await?,
            None => {
                let address = ValidatorAddress(alloy_primitives::Address::ZERO);
                (NetworkIdentity::new(name, keypair, None), ConsensusContext::new_full_node(address, verifier))
            }
        };
        let app = Application::open(parts, domain, &folder)?;
        let wal = folder.join("wal");
        std::fs::create_dir_all(&wal)?;
        let (channels, handle) = malachite::start_engine(
            EskerContext,
            engine_settings,
            WalContext::new(wal.join("consensus.wal"), EskerCodec),
            NetworkContext::new(identity, EskerCodec),
            consensus,
            SyncContext::new(EskerCodec),
            RequestContext::new(REQUESTS_MAX),
        )
        .await
        .map_err(|error| StartError::Engine(format!("{error:#}")))?;
        let driver = Driver::start(app, channels, driver::Surroundings { chain, pool, status, domain })?;
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

/// A validator proves to its peers that the network identity and the voting key are one's.
async fn validator(
    name: String,
    keypair: Keypair,
    signer: &Arc<ConsensusSigner>,
    verifier: Box<ConsensusVerifier>,
) -> Result<(NetworkIdentity, ConsensusContext<EskerContext>), StartError> {
    let address = signer.address();
    let key = signer.public_key().as_bytes().to_vec();
    let proof = signer.sign_validator_proof(key, keypair.public().to_peer_id().to_bytes()).await?;
    let proof = EskerCodec.encode(&proof).map_err(|error| StartError::Engine(error.to_string()))?;
    let identity = NetworkIdentity::new_validator(name, keypair, address.to_string(), proof);
    let signer: Arc<dyn Signer<EskerContext>> = signer.clone();
    Ok((identity, ConsensusContext::new_validator(address, verifier, Box::new(signer))))
}
