//! The Esker state-transition function: accounts, transactions, blocks and the Merkle-Patricia state trie.
//!
//! It never does IO beyond its [`db::Store`], never reads a clock, never opens a socket, never draws a random number:
//! the same transactions in the same order give bit-identical state on every node.

pub mod block;
pub mod db;
pub mod exec;
pub mod genesis;
pub mod params;
pub mod simulate;
pub mod staking;
pub mod state;
pub mod trie;
pub mod types;
pub mod upgrades;
pub mod validators;

pub use block::{
    Block, BlockBuilder, BlockEnv, BlockError, BuiltBlock, CommittedBlock, ExecutedBlock, Parent, PreparedBlock,
    Proposal, Proposed, PushError, TransactionSource, execute_block, propose_block, validate_block,
};
pub use exec::{ExecutionStatus, TransactionResult};
pub use genesis::Genesis;
pub use params::ChainConfig;
pub use types::{SignedTransaction, Transaction, TransactionError};
pub use upgrades::{Rules, Upgrade, Upgrades};
pub use validators::{Validator, validator_set};
