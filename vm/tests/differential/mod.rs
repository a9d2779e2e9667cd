//! Programs and what must hold of them; used by the test and by `vm/examples/differential.rs`.

#![allow(dead_code, reason = "each binary uses a part of it")]

pub mod mutation;
pub mod oracle;
pub mod programs;
pub mod template;
