//! The SDK: call data.

#[path = "../../../sdk/tests/oracles/abi.rs"]
pub mod abi;
