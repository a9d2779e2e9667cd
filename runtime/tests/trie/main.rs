//! The incremental trie against everything that can tell its root independently: the from-scratch builder, alloy's
//! hash builder, and Ethereum's own vectors.

mod memory_trie;
mod random;
#[path = "../../../tests/src/seeded.rs"]
mod seeded;
#[path = "../../../tests/src/skipping.rs"]
mod skipping;
mod vectors;
