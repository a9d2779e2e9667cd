//! The main job end to end: contracts built from source, a chain of four validators, a story told over JSON-RPC by signed
//! transactions, and the whole chain executed again on a second engine.

mod contracts;
mod market;
mod network;
mod session;
mod transfers;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::B256;
use esker_runtime::db::MemoryStore;
use esker_sdk_build::Artifact;
use esker_vm::{Engine, EngineConfig, EngineKind};

pub use contracts::{ContractsError, find_contracts_dir};
pub use market::MarketReport;
pub use session::SessionError;
pub use transfers::TransfersReport;

use crate::chain::{Chain, ChainError, ReplayError, Replayed, open_state_dir};
use crate::home::HomeError;
use network::Network;

/// What the demonstration does.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Folder that holds the contracts' crates.
    pub contracts: PathBuf,
    /// The story.
    pub scenario: Scenario,
    /// Where artifacts go.
    pub artifacts: PathBuf,
    /// The binary `esker`, of which every validator is a process.
    pub program: PathBuf,
}

/// What happens on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A token and a collection; a validator is killed in the middle of this many transfers.
    Transfers(u32),
    /// A whole economy, with about this many trades.
    Market(u32),
}

impl Scenario {
    /// The folders of the contracts that it needs.
    pub(super) const fn contracts(self) -> &'static [&'static str] {
        match self {
            Self::Transfers(_) => &["erc20", "erc721"],
            Self::Market(_) => market::CONTRACTS,
        }
    }
}

/// What came of the story.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Of [`Scenario::Transfers`].
    Transfers(TransfersReport),
    /// Of [`Scenario::Market`].
    Market(MarketReport),
}

/// Told what happens, as it happens.
pub trait Narrator: esker_sdk_build::Progress {
    /// A part begins.
    fn begin(&self, title: &str);
    /// A part came to this result.
    fn fact(&self, text: &str);
    /// `done` of `total` steps of the part are done.
    fn advance(&self, done: u64, total: u64);
}

/// One built contract.
#[derive(Clone, Debug)]
pub struct BuiltContract {
    /// The artifact's name.
    pub name: String,
    /// Bytes of wasm.
    pub wasm_bytes: u64,
    /// Bytes of the deploy payload without arguments.
    pub envelope_bytes: u64,
    /// keccak256 of the account's code.
    pub code_hash: B256,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct DemoReport {
    /// The contracts.
    pub contracts: Vec<BuiltContract>,
    /// What came of the story.
    pub outcome: Outcome,
    /// Transactions that succeeded.
    pub succeeded: u64,
    /// Transactions that were meant to revert, and did.
    pub reverted: u64,
    /// The second engine's result, which is the first one's.
    pub replayed: Replayed,
    /// Time of the replay.
    pub replay_time: Duration,
    /// The validators that came to the same blocks.
    pub validators: usize,
    /// The engine of most validators.
    pub engine: EngineKind,
    /// The engine of one validator, and of the execution that confirmed the chain.
    pub second_engine: EngineKind,
}

/// Why the demonstration ended early.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The contracts could not be built.
    #[error(transparent)]
    Contracts(#[from] ContractsError),
    /// The network could not be written.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The chain that a validator left could not be opened.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A validator does not go on.
    #[error("node{index} does not come to block {number}; the end of its log:\n{log}")]
    Stuck {
        /// Which one.
        index: usize,
        /// Where it should be.
        number: u64,
        /// The end of its log.
        log: String,
    },
    /// Validators have different blocks.
    #[error("the validators disagree about block {0}")]
    Differ(u64),
    /// The chain did not answer as it should.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The second engine could not start.
    #[error(transparent)]
    Engine(#[from] esker_vm::EngineError),
    /// The second engine came to another result.
    #[error("the second engine disagrees: {0}")]
    Replay(#[from] ReplayError),
    /// A temporary folder or a thread could not be had.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The process was told to end.
    #[error("the demonstration was interrupted; its validators were ended")]
    Interrupted,
}

/// A story that was told to its end.
struct Told {
    outcome: Outcome,
    /// Transactions that succeeded.
    succeeded: u64,
    /// Transactions that were meant to revert, and did.
    reverted: u64,
}

/// The engine of most validators, and that of one.
const ENGINES: (EngineKind, EngineKind) = (EngineKind::Cranelift, EngineKind::Pulley);
/// What this process ends with if it is interrupted where nothing else ends it: as commands do that fail.
const INTERRUPTED: i32 = 1;

/// Runs the demonstration. Builds what is not built, writes the artifacts, and leaves nothing else behind.
///
/// # Errors
/// [`DemoError`]
pub fn run(options: &DemoOptions, narrator: &dyn Narrator) -> Result<DemoReport, DemoError> {
    narrator.begin("Building the contracts");
    let artifacts = contracts::build(options, narrator)?;

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut interrupted = Box::pin(runtime.block_on(async { interruption() })?);
    let folder = tempfile::tempdir()?;
    let home = folder.path().join("network");
    let (data, told) = runtime.block_on(async {
        // Validators hear of no signal in process groups of their own: they are ended as the story is dropped.
        tokio::select! {
            () = &mut interrupted => Err(DemoError::Interrupted),
            told = tell(options, &home, &artifacts, narrator) => told,
        }
    })?;
    // Nothing stops the second engine in between: then the folder goes, and this process with it.
    let left = folder.path().to_owned();
    runtime.spawn(async move {
        interrupted.await;
        let _ = std::fs::remove_dir_all(left);
        std::process::exit(INTERRUPTED);
    });

    narrator.begin("Executing every block again from genesis on a second engine");
    let (engine, second_engine) = ENGINES;
    let started = Instant::now();
    let store = open_state_dir(&network::store(&data), 64 << 20).map_err(ChainError::from)?;
    let first = Arc::new(Engine::new(EngineConfig::with_kind(engine))?);
    let chain = Chain::open_existing(store, &data.display().to_string(), first)?;
    let machine = Engine::new(EngineConfig::with_kind(second_engine))?;
    let last = chain.head().block.header.number;
    let replayed =
        chain.replay(Arc::new(MemoryStore::new()), &machine, 1..=last, &mut |number| narrator.advance(number, last))?;
    let replay_time = started.elapsed();

    Ok(DemoReport {
        contracts: artifacts.iter().map(contracts::summary).collect(),
        outcome: told.outcome,
        succeeded: told.succeeded,
        reverted: told.reverted,
        replayed,
        replay_time,
        validators: network::VALIDATORS,
        engine,
        second_engine,
    })
}

/// Starts the network in `folder`, has the story happen and all blocks compared, and ends the network. Gives where a
/// validator's data is.
async fn tell(
    options: &DemoOptions,
    folder: &Path,
    artifacts: &[Artifact],
    narrator: &dyn Narrator,
) -> Result<(PathBuf, Told), DemoError> {
    let (engine, second_engine) = ENGINES;
    narrator.begin("Starting four validators");
    let mut network = Network::start(folder.to_owned(), options.program.clone()).await?;
    narrator.fact(&format!(
        "four processes, chain id 31337, state on sled, node{} on {second_engine}, the others on {engine}",
        network::INTERPRETER
    ));
    let told = match options.scenario {
        Scenario::Transfers(count) => transfers::tell(&mut network, artifacts, count, narrator).await?,
        Scenario::Market(trades) => market::tell(&network, artifacts, trades, narrator).await?,
    };
    narrator.begin("Comparing every block of all four validators");
    let agreed = network.agreed().await?;
    narrator.fact(&format!("block {} is {} on all four, state root {}", agreed.number, agreed.hash, agreed.state_root));
    network.stop().await;
    Ok((network.data(0), told))
}

/// Completes on SIGINT, SIGTERM or SIGHUP, from the call on; within a runtime.
fn interruption() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}
