//! Test kit for Esker contracts: one test body, run natively and as wasm on the real VM.
//!
//! `docs/sdk.md` explains how such a test is written; `contracts/erc20/tests` and `contracts/conformance/tests` are full of
//! them.
//!
//! Both runs go through the runtime's own executor and journal; only what executes the contract differs. After them, what
//! each transaction and call returned or reverted with, its logs and the storage that it wrote are compared; any
//! difference fails the test. Gas is not compared: a native run does not meter.

mod artifacts;
mod bridge;
mod chain;
mod machine;
mod record;
mod sent;

use std::path::PathBuf;

use alloy_primitives::keccak256;

pub use chain::{CHAIN_ID, Chain, Run, User};
pub use record::End;
pub use sent::Sent;

/// Runs `body` natively, then as wasm, each on a chain of its own with the same users, and compares what happened.
///
/// `#[esker_sdk::test]` calls it. `name` and `module` say which test this is, `manifest_dir` is the folder of the crate
/// under test, `users` are the names of the body's users, who have the same addresses in every run.
///
/// # Panics
/// If an assertion of the body fails in either run, or the runs differ.
pub fn dual_run(name: &str, module: &str, manifest_dir: &str, users: &[&str], body: impl Fn(&mut Chain, &[User])) {
    let users: Vec<User> = users.iter().map(|user| named_user(user)).collect();
    let run = |run: Run| {
        eprintln!("{module}::{name}: {}", if run == Run::Native { "native run" } else { "wasm run" });
        let mut chain = Chain::new(run, PathBuf::from(manifest_dir), &users);
        body(&mut chain, &users);
        chain.record
    };
    let native = run(Run::Native);
    let wasm = run(Run::Wasm);
    record::Record::assert_same(&native, &wasm, name);
}

/// The user with this name: an address that follows from it.
fn named_user(name: &str) -> User {
    let hash = keccak256(format!("esker test user {name}"));
    User { address: chain::inside(alloy_primitives::Address::from_word(hash)) }
}
