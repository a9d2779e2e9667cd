//! A single-node development chain with its server: what `esker dev` runs, and what tests start in-process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use esker_runtime::Genesis;
use esker_runtime::genesis::GenesisAccount;
use esker_vm::{Engine, EngineConfig, EngineError, EngineKind, Machine};
use jsonrpsee::server::Methods;

use crate::accounts::{Accounts, DEFAULT_MNEMONIC, MnemonicError};
use crate::chain::{Chain, ChainError, Clock, memory_store, open_state_dir};
use crate::mempool::{Limits, Pool};
use crate::producer::{Mining, ProduceError, Producer};
use crate::rpc::dev::DevApi;
use crate::rpc::{self, Api};
use crate::server::{Listener, RpcServer, ServerError};
use crate::staking::COIN;

/// The store's place in a state directory.
pub const STORE_FOLDER: &str = "db";
/// The compiled code's place in a state directory.
const CODE_FOLDER: &str = "code";

/// How a development node is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevConfig {
    /// Where the server listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// The chain's id.
    pub chain_id: u64,
    /// Pace of blocks; `None` makes one for every transaction.
    pub block_time: Option<Duration>,
    /// Folder of the state; `None` keeps it in memory.
    pub state_dir: Option<PathBuf>,
    /// Bound of the store's cache, in bytes.
    pub cache_bytes: u64,
    /// Number of accounts with coins.
    pub accounts: u32,
    /// Coins of each account.
    pub balance: u64,
    /// Where the accounts come from.
    pub mnemonic: String,
    /// Gas limit of a block.
    pub gas_limit: u64,
    /// What runs contract code.
    pub engine: EngineKind,
}

impl Default for DevConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8545)),
            chain_id: 31_337,
            block_time: None,
            state_dir: None,
            cache_bytes: 128 << 20,
            accounts: 10,
            balance: 10_000,
            mnemonic: DEFAULT_MNEMONIC.to_owned(),
            gas_limit: 30_000_000,
            engine: EngineKind::Cranelift,
        }
    }
}

/// A development node could not start.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// The mnemonic is none.
    #[error(transparent)]
    Mnemonic(#[from] MnemonicError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The chain could not be opened.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The server could not start.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The system refused a thread.
    #[error("cannot start the block producer: {0}")]
    Thread(#[from] std::io::Error),
    /// Two methods have one name: a mistake in this program.
    #[error("the methods do not fit together: {0}")]
    Methods(#[from] jsonrpsee::core::RegisterMethodError),
}

/// Why a node that was well cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum NodeFailure {
    /// No more blocks are made.
    #[error(transparent)]
    Production(#[from] ProduceError),
    /// No more requests are answered.
    #[error("the server ended by itself")]
    Server,
}

/// A running development node.
pub struct DevNode {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its unlocked accounts.
    pub accounts: Accounts,
    /// Its chain.
    pub chain: Arc<Chain>,
    server: RpcServer,
    producer: Producer,
}

impl DevNode {
    /// Opens the chain and starts serving it. Must be called inside a tokio runtime. Whoever drops the future ends what is
    /// done before serving; a runtime that is then dropped waits until the store is closed.
    ///
    /// # Errors
    /// [`DevError`].
    pub async fn start(config: DevConfig) -> Result<Self, DevError> {
        let accounts = Accounts::from_mnemonic(&config.mnemonic, config.accounts)?;
        let clock = Arc::new(Clock::new());
        let genesis = dev_genesis(&config, &accounts, clock.now());
        // What cannot work must be known before anything is written: a bad genesis, a port in use, a folder in use.
        genesis.build().map_err(ChainError::from)?;
        let listener = Listener::bind(config.address)?;
        let store = match &config.state_dir {
            Some(path) => open_state_dir(&path.join(STORE_FOLDER), config.cache_bytes).map_err(ChainError::from)?,
            None => memory_store(),
        };
        let cache_dir = config.state_dir.as_ref().map(|path| path.join(CODE_FOLDER));
        let engine = Engine::new(EngineConfig { cache_dir, ..EngineConfig::with_kind(config.engine) })?;
        let machine: Arc<dyn Machine> = Arc::new(engine);
        let chain = Arc::new(Chain::open(store, &genesis, machine.clone())?);
        Chain::compile_before_serving(&chain).await.map_err(ChainError::from)?;
        let pool = Arc::new(Pool::new(Limits::default()));
        chain.follow(pool.clone());
        let mining = config.block_time.map_or(Mining::Instant, Mining::Interval);
        let producer = Producer::start(chain.clone(), pool.clone(), clock.clone(), Address::ZERO, mining)?;
        let api = Arc::new(Api::new(chain.clone(), pool, clock, machine, Address::ZERO, client_version()));
        let mut methods = Methods::from(rpc::module(api.clone())?);
        methods.merge(rpc::dev::module(DevApi::new(api, producer.handle(), accounts.clone()))?)?;
        let server = RpcServer::start(listener, methods)?;
        Ok(Self { address: server.address, accounts, chain, server, producer })
    }

    /// Returns when a part of the node ends that must not, with the reason.
    pub async fn failed(&self) -> NodeFailure {
        let producer = self.producer.handle();
        tokio::select! {
            error = producer.failed() => NodeFailure::Production(error),
            () = self.server.ended() => NodeFailure::Server,
        }
    }

    /// Takes no more requests, ends the block under way, closes the store.
    pub async fn stop(self) {
        self.server.stop().await;
        let producer = self.producer;
        // Joining the thread may take as long as a block does.
        let _ = tokio::task::spawn_blocking(move || drop(producer)).await;
    }
}

/// The block in which every account has its coins.
fn dev_genesis(config: &DevConfig, accounts: &Accounts, now: u64) -> Genesis {
    let mut genesis = Genesis::new(config.chain_id, config.gas_limit, now);
    let balance = U256::from(config.balance) * U256::from(COIN);
    for address in accounts.addresses() {
        genesis.alloc.insert(*address, GenesisAccount { balance, ..GenesisAccount::default() });
    }
    genesis
}

/// Begins as Anvil's does, since tools refuse any other development node, and then says who this is.
fn client_version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("anvil/v1.7.1 (compatible) Esker/v{version}/{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}
