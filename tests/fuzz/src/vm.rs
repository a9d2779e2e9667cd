//! The engine: modules, executions, deploy payloads.

#[path = "../../../vm/tests/generators/mod.rs"]
pub mod generators;
#[path = "../../../vm/tests/oracles/mod.rs"]
pub mod oracles;
