//! The machines side by side. Each file sets one up as its chain does in production; README.md says how.

mod cosmwasm;
mod esker;
mod near;
mod revm;
mod wasmi;

use std::collections::BTreeMap;

use esker_vm::TierPolicy;

use crate::work::{Shims, Work};

/// The names of the columns.
pub const ESKER: &str = "Esker";
/// Esker before its optimising compiler has been at a module.
pub const ESKER_BASELINE: &str = "Esker's baseline";
/// See `cosmwasm.rs`.
pub const COSMWASM: &str = "cosmwasm-vm";
/// See `near.rs`.
pub const NEAR: &str = "near-vm-runner";
/// See `wasmi.rs`.
pub const WASMI: &str = "wasmi";
/// See `revm.rs`.
pub const REVM: &str = "revm";

/// What the last call of a run gave.
pub struct Ran {
    /// The call's return data.
    pub output: Vec<u8>,
    /// What it was charged, in the machine's own unit.
    pub gas: u64,
}

/// A machine with all modules loaded and tokens whose supply is the sender's.
pub trait Machine {
    /// The column's name.
    fn name(&self) -> &'static str;

    /// Whether it has something that does this work.
    fn can(&self, work: Work) -> bool;

    /// Does `work` `times` times, at least once, a call each on an instance of its own.
    ///
    /// # Panics
    /// If a call fails, or a transfer does not emit its event.
    fn run(&mut self, work: Work, times: u32) -> Ran;

    /// How many tokens an account has in the contract of `token`, 32 bytes big-endian.
    fn balance(&mut self, token: Work, account: [u8; 20]) -> [u8; 32];
}

/// What `load` makes of every module, by the work it does.
fn load_all<T>(shims: &Shims, mut load: impl FnMut(Work, Vec<u8>) -> T) -> BTreeMap<Work, T> {
    shims.modules().into_iter().map(|(work, wasm)| (work, load(work, wasm))).collect()
}

/// Every machine, Esker first.
pub fn all() -> Vec<Box<dyn Machine>> {
    vec![
        Box::new(esker::Esker::new(ESKER, TierPolicy::Optimised)),
        Box::new(esker::Esker::new(ESKER_BASELINE, TierPolicy::Baseline)),
        Box::new(cosmwasm::CosmWasm::new()),
        Box::new(near::Near::new()),
        Box::new(wasmi::Wasmi::new()),
        Box::new(revm::Revm::new()),
    ]
}
