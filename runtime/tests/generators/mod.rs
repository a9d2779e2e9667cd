//! Random transactions, stores and proofs, drawn from bytes. What is checked about them is in `oracles/`. Shared by the
//! tests here and by the fuzz targets in `tests/fuzz`.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod proof;
pub mod store;
pub mod transaction;
