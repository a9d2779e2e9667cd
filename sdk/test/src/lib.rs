//! Test kit for Esker contracts: one test body, run natively and as wasm on the real VM.
//!
//! `docs/sdk.md`, "Tests", explains how such a test is written; `contracts/erc20/tests` and `contracts/conformance/tests`
//! are full of them.
//!
//! Both runs go through the runtime's own executor and journal; only what executes the contract differs. After them,
//! everything that each transaction and call did is compared: what it returned or reverted with, its logs, every account
//! (balance, nonce, code) and storage slot that it changed, its transient writes, and the frames on the way. Any difference
//! fails the test. Gas is not compared: a native run does not meter.

mod artifacts;
mod bridge;
mod chain;
mod clock;
mod control;
mod convert;
mod draw;
mod fork;
mod gas;
mod invariant;
mod machine;
mod mock;
mod mocks;
mod names;
mod observe;
mod outcome;
mod record;
mod request;
mod rpc;
mod sent;
mod stand_in;
mod trace;
mod watch;
mod world;

use std::path::{Path, PathBuf};

pub use chain::{CHAIN_ID, Chain, Run, User};
pub use control::{Snapshot, StorageSlot, Word, mapping_slot};
pub use draw::Draw;
pub use invariant::{Invariant, property};
pub use mock::{Answer, Called};
pub use outcome::{ExpectedLog, RevertData, log};
pub use record::End;
pub use request::{Call, Deploy, Terms};
pub use sent::Sent;

/// Runs `body` natively, then as wasm, each on a chain of its own with the same users, and compares what happened.
///
/// `#[esker_sdk::test]` calls it. `name` and `module` say which test this is, `manifest_dir` is the folder of the crate
/// under test, `users` are the names of the body's users, who have the same addresses in every run.
///
/// # Panics
/// If an assertion of the body fails in either run, or the runs differ.
pub fn dual_run(name: &str, module: &str, manifest_dir: &str, users: &[&str], body: impl Fn(&mut Chain, &[User])) {
    let named: Vec<(&str, User)> = users.iter().map(|user| (*user, chain::named_user(user))).collect();
    let users: Vec<User> = named.iter().map(|(_, user)| *user).collect();
    let run_keeping = |run: Run, step: Option<usize>| {
        eprintln!("{module}::{name}: {}", if run == Run::Native { "native run" } else { "wasm run" });
        let mut chain = Chain::new(run, PathBuf::from(manifest_dir), &named);
        chain.record = record::Record::that_keeps(step);
        body(&mut chain, &users);
        chain
    };
    let (mut native, mut wasm) = (run_keeping(Run::Native, None), run_keeping(Run::Wasm, None));
    let differs = native.record.first_difference(&wasm.record);
    if differs.is_some_and(|step| !native.record.keeps(step) || !wasm.record.keeps(step)) {
        // That step is long gone: both make it once more, to say what differs.
        (native, wasm) = (run_keeping(Run::Native, differs), run_keeping(Run::Wasm, differs));
    }
    record::Record::assert_same(&native.record, &wasm.record, &wasm.names.read(), name);
    let settled = gas::settle(Path::new(manifest_dir), &format!("{module}::{name}"), &wasm.gas.lock());
    settled.unwrap_or_else(|error| panic!("{module}::{name}: {error}"));
}
