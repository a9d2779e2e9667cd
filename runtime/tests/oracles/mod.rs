//! What must hold, whatever the bytes. Each oracle panics when it does not. Shared by the tests here and by the fuzz
//! targets in `tests/fuzz`.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod block;
pub mod branch;
pub mod store;
pub mod transaction;
