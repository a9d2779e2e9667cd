//! Many seeds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::plan::{Plan, SECOND};
use super::world::{Outcome, run};

/// Seeds of the ordinary run.
const SEEDS: u64 = 64;

/// A folder for guards' files, in memory where there is such a place: every signature is a file written durably.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder can be made")
}

/// Runs what a seed stands for.
pub fn run_seed(seed: u64, prints: bool) -> Outcome {
    let (plan, roster) = Plan::draw(seed);
    let folder = folder();
    run(&plan, &roster, folder.path(), prints)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is to be a number, not {text:?}")))
}

#[test]
fn every_seed_keeps_agreement_and_goes_on() {
    if let Some(seed) = number("ESKER_SIM_SEED") {
        let outcome = run_seed(seed, true);
        println!("seed {seed}: {outcome:?}");
        assert!(outcome.violation.is_none(), "seed {seed}: {:?}", outcome.violation);
        return;
    }
    let first = number("ESKER_SIM_FIRST").unwrap_or(0);
    let count = number("ESKER_SIM_SEEDS").unwrap_or(SEEDS);
    let mut failed = Vec::new();
    let (mut heights, mut events, mut slowest) = (0, 0, (0, 0));
    let mut total = super::checker::Tally::default();
    let mut accused = 0;
    for seed in first..first + count {
        let outcome = catch_unwind(AssertUnwindSafe(|| run_seed(seed, false)));
        let Ok(outcome) = outcome else {
            println!("seed {seed} panicked; ESKER_SIM_SEED={seed} replays it");
            failed.push(seed);
            continue;
        };
        if let Some(violation) = &outcome.violation {
            println!("seed {seed}: {violation}; ESKER_SIM_SEED={seed} replays it");
            failed.push(seed);
        }
        heights += outcome.height;
        events += outcome.events;
        slowest = slowest.max((outcome.recovery.unwrap_or(0), seed));
        accused += outcome.evidence.len();
        total.crashes += outcome.tally.crashes;
        total.synced += outcome.tally.synced;
        total.withheld += outcome.tally.withheld;
        total.undecodable += outcome.tally.undecodable;
        total.replayed += outcome.tally.replayed;
        total.round_max = total.round_max.max(outcome.tally.round_max);
    }
    println!(
        "{count} seeds from {first}: {heights} heights, {events} events, {accused} accusations, {total:?}; slowest \
         recovery {} s (seed {})",
        slowest.0 / SECOND,
        slowest.1
    );
    if count >= SEEDS {
        // Else the seeds would show nothing.
        let seen = [total.crashes, total.synced, total.withheld, total.undecodable, total.replayed, accused as u64];
        assert!(seen.iter().all(|count| *count > 0), "some faults never came: {seen:?}");
    }
    assert!(failed.is_empty(), "{} of {count} seeds failed: {failed:?}", failed.len());
}
