//! The main job end to end: contracts built from source, a chain, deploys and signed transfers over JSON-RPC, and the
//! whole chain executed again on a second engine.

mod contracts;
mod session;
mod story;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256};
use esker_runtime::db::MemoryStore;
use esker_vm::{Engine, EngineConfig, EngineKind};

pub use contracts::{ContractsError, find_contracts_dir};
pub use session::SessionError;

use crate::chain::{ReplayError, Replayed};
use crate::dev_node::{DevConfig, DevError, DevNode};

/// What the demonstration does.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Folder that holds `erc20` and `erc721`.
    pub contracts: PathBuf,
    /// Transfers of the token, besides the deploys and the story's other transactions.
    pub transfers: u32,
    /// Where artifacts go.
    pub artifacts: PathBuf,
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
    /// Address of the token.
    pub token: Address,
    /// Address of the collection.
    pub collection: Address,
    /// Transactions that succeeded.
    pub succeeded: u64,
    /// Transactions that were meant to revert, and did.
    pub reverted: u64,
    /// Time from the first signed transfer to the last receipt.
    pub transfer_time: Duration,
    /// The second engine's result, which is the first one's.
    pub replayed: Replayed,
    /// Time of the replay.
    pub replay_time: Duration,
    /// The engine that ran the chain.
    pub engine: EngineKind,
    /// The engine that confirmed it.
    pub second_engine: EngineKind,
}

/// Why the demonstration ended early.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The contracts could not be built.
    #[error(transparent)]
    Contracts(#[from] ContractsError),
    /// The chain could not start.
    #[error(transparent)]
    Node(#[from] DevError),
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
}

/// Runs the demonstration. Builds what is not built, writes the artifacts, and leaves nothing else behind.
///
/// # Errors
/// [`DemoError`]
pub fn run(options: &DemoOptions, narrator: &dyn Narrator) -> Result<DemoReport, DemoError> {
    narrator.begin("Building the contracts");
    let artifacts = contracts::build(options, narrator)?;

    let state = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let config = DevConfig {
        address: ([127, 0, 0, 1], 0).into(),
        state_dir: Some(state.path().to_path_buf()),
        ..DevConfig::default()
    };
    let engine = config.engine;
    let (node, told) = runtime.block_on(async {
        narrator.begin("Starting a chain");
        let node = DevNode::start(config).await?;
        narrator.fact(&format!("http://{}, chain id 31337, state on sled, engine {engine}", node.address));
        let told = story::tell(&node, &artifacts, options.transfers, narrator).await?;
        Ok::<_, DemoError>((node, told))
    })?;

    let second_engine = EngineKind::Pulley;
    narrator.begin("Executing every block again from genesis on a second engine");
    let started = Instant::now();
    let machine = Engine::new(EngineConfig::with_kind(second_engine))?;
    let last = node.chain.head().block.header.number;
    let replayed =
        node.chain.replay(Arc::new(MemoryStore::new()), &machine, &mut |number| narrator.advance(number, last))?;
    let replay_time = started.elapsed();
    runtime.block_on(node.stop());

    Ok(DemoReport {
        contracts: artifacts.iter().map(contracts::summary).collect(),
        token: told.token,
        collection: told.collection,
        succeeded: told.succeeded,
        reverted: told.reverted,
        transfer_time: told.transfer_time,
        replayed,
        replay_time,
        engine,
        second_engine,
    })
}
