//! The node: what peers send.

#[path = "../../../node/tests/oracles/mod.rs"]
pub mod oracles;
