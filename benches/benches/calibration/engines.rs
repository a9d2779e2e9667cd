//! The one file that knows how an engine is made and entered: everything else speaks of tiers, programs and durations.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, Bytes};
use esker_runtime::block::BuiltBlock;
use esker_runtime::state::StateView;
use esker_runtime::{BlockBuilder, BlockEnv, ChainConfig, Rules, Transaction};
use esker_vm::abi::{MeterCosts, MeterVersion};
use esker_vm::{Engine, EngineConfig, EngineKind, Entry, Frame, Outcome, TierPolicy, envelope, execution};
use primitive_types::H256;

use crate::world::Quiet;

/// What runs the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Native code of the one-pass compiler.
    Baseline,
    /// Native code of the optimising compiler.
    Optimised,
    /// The interpreter.
    Pulley,
}

impl Tier {
    pub const ALL: [Self; 3] = [Self::Baseline, Self::Optimised, Self::Pulley];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Optimised => "optimised",
            Self::Pulley => "pulley",
        }
    }

    fn config(self) -> EngineConfig {
        let (kind, tiers) = match self {
            Self::Baseline => (EngineKind::Cranelift, TierPolicy::Baseline),
            Self::Optimised => (EngineKind::Cranelift, TierPolicy::Optimised),
            Self::Pulley => (EngineKind::Pulley, TierPolicy::Optimised),
        };
        EngineConfig { kind, tiers, ..EngineConfig::default() }
    }

    pub fn engine(self) -> Engine {
        Engine::new(self.config()).expect("the engine starts")
    }

    /// An engine that keeps next to nothing in memory, so that every use of another module reads it from `folder`.
    pub fn forgetful(self, folder: &Path) -> Engine {
        let config = EngineConfig { cache_dir: Some(folder.to_owned()), cache_bytes: 1, ..self.config() };
        Engine::new(config).expect("the engine starts")
    }
}

/// The rules that are measured.
pub fn rules() -> Rules {
    *RULES.get_or_init(|| Rules::V1)
}

/// Measures by these rules from now on.
pub fn set_rules(rules: Rules) {
    RULES.set(rules).expect("chosen once, before anything is measured");
}

static RULES: OnceLock<Rules> = OnceLock::new();

/// An engine that charges other prices.
pub fn with_costs(costs: MeterCosts) -> Engine {
    let costs = MeterVersion::ALL.map(|_| costs);
    Engine::new(EngineConfig { costs, ..Tier::Baseline.config() }).expect("the engine starts")
}

/// Code as an account holds it.
pub struct Code {
    pub hash: H256,
    pub envelope: Bytes,
}

impl Code {
    pub fn of(wasm: &[u8]) -> Self {
        let envelope = Bytes::from(envelope::encode(wasm));
        Self { hash: H256(alloy_primitives::keccak256(&envelope).0), envelope }
    }

    fn borrowed(&self) -> esker_vm::Code<'_> {
        esker_vm::Code { hash: self.hash, envelope: &self.envelope, meter: rules().meter }
    }
}

/// Compiles `code` and says how long that took: inflating, validating and rewriting included.
pub fn compile(engine: &Engine, code: &Code) -> Duration {
    execution(engine, |session| {
        let begun = Instant::now();
        if let Err(error) = session.prepare(code.borrowed(), u64::MAX) {
            panic!("{error}");
        }
        begun.elapsed()
    })
}

/// Runs `call` once in a fresh frame: time, fuel used.
pub fn frame(engine: &Engine, code: &Code, input: Vec<u8>) -> (Duration, u64) {
    const FUEL: u64 = 1 << 60;
    let frame = Frame { input, ..Frame::default() };
    let mut host = Quiet::default();
    execution(engine, |session| {
        let begun = Instant::now();
        let ended = session.execute(code.borrowed(), Entry::Call, &frame, &mut host, FUEL);
        let time = begun.elapsed();
        assert!(matches!(ended.outcome, Outcome::Return(_)), "{:?}", ended.outcome);
        (time, FUEL - ended.fuel_left)
    })
}

/// How often `transaction` alone runs as a block on `state`: time of the push, gas used, whether it succeeded.
pub fn push(
    engine: &Engine,
    state: &StateView,
    config: &ChainConfig,
    env: &BlockEnv,
    transaction: Transaction,
) -> (Duration, u64, bool) {
    let env = env.clone();
    execution(engine, |session| {
        let mut builder = BlockBuilder::new(session, state, config, env);
        let begun = Instant::now();
        let result = builder.push(transaction).expect("the transaction fits");
        (begun.elapsed(), result.gas_used, result.status.is_success())
    })
}

/// Executes all of `transactions` as one block.
pub fn build(
    engine: &Engine,
    state: &StateView,
    config: &ChainConfig,
    env: BlockEnv,
    transactions: Vec<Transaction>,
) -> BuiltBlock {
    execution(engine, |session| {
        let mut builder = BlockBuilder::new(session, state, config, env);
        for transaction in transactions {
            builder.push(transaction).expect("the transaction fits");
        }
        builder.finish().expect("the node works")
    })
}

/// Where a transaction of index `index` finds its contract.
pub fn account(index: u16) -> Address {
    let mut address = Address::repeat_byte(0xc0);
    address.0[18..].copy_from_slice(&index.to_be_bytes());
    address
}
