//! Contracts written in Solidity, beside which Esker's run: compiled by npm's `solc` from `tests/solidity`, executed by
//! revm.

mod evm;
mod models;
mod pair;

pub use evm::{Evm, Ran};
pub use models::{Models, models};
pub use pair::Pair;
