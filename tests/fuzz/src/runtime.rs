//! The runtime: transactions, blocks, stores, proofs.

#[path = "../../../runtime/tests/generators/mod.rs"]
pub mod generators;
#[path = "../../../runtime/tests/oracles/mod.rs"]
pub mod oracles;
