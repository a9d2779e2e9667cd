//! The light client: what servers give.

#[path = "../../../runtime/light/tests/oracles/mod.rs"]
pub mod oracles;
