//! Many seeds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::checker::Tally;
use super::epochs::Seen;
use super::plan::{Plan, SECOND};
use super::roster::Roster;
use super::world::{Outcome, run};

/// Seeds of the ordinary run.
const SEEDS: u64 = 64;

/// Makes a network of a seed.
pub type Draw = fn(u64) -> (Plan, Roster);

/// A folder for guards' files, in memory where there is such a place: every signature is a file written durably.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder can be made")
}

/// Runs what a seed stands for.
pub fn run_seed(draw: Draw, seed: u64, prints: bool) -> Outcome {
    let (plan, roster) = draw(seed);
    let folder = folder();
    run(&plan, &roster, folder.path(), prints)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is to be a number, not {text:?}")))
}

/// What the seeds of a run amounted to together.
#[derive(Debug, Default)]
pub struct Sum {
    /// Seeds.
    pub seeds: u64,
    /// Heights, over all seeds.
    pub heights: u64,
    /// Events, over all seeds.
    pub events: u64,
    /// Pairs of a node and one that it found to have signed two things.
    pub accused: u64,
    /// What was seen.
    pub tally: Tally,
    /// What was seen of epochs.
    pub seen: Seen,
}

/// Runs as many seeds as the environment says, or `count`. None if it names a single one.
///
/// # Panics
/// If a seed fails.
pub fn sweep(draw: Draw, count: u64) -> Option<Sum> {
    if let Some(seed) = number("ESKER_SIM_SEED") {
        let outcome = run_seed(draw, seed, true);
        println!("seed {seed}: {outcome:?}");
        assert!(outcome.violation.is_none(), "seed {seed}: {:?}", outcome.violation);
        return None;
    }
    let first = number("ESKER_SIM_FIRST").unwrap_or(0);
    let count = number("ESKER_SIM_SEEDS").unwrap_or(count);
    let (mut failed, mut slowest) = (Vec::new(), (0, 0));
    let mut sum = Sum { seeds: count, ..Sum::default() };
    for seed in first..first + count {
        let outcome = catch_unwind(AssertUnwindSafe(|| run_seed(draw, seed, false)));
        let Ok(outcome) = outcome else {
            println!("seed {seed} panicked; ESKER_SIM_SEED={seed} replays it");
            failed.push(seed);
            continue;
        };
        if let Some(violation) = &outcome.violation {
            println!("seed {seed}: {violation}; ESKER_SIM_SEED={seed} replays it");
            failed.push(seed);
        }
        slowest = slowest.max((outcome.recovery.unwrap_or(0), seed));
        sum.heights += outcome.height;
        sum.events += outcome.events;
        sum.accused += outcome.evidence.len() as u64;
        sum.tally.add(&outcome.tally);
        sum.seen.add(&outcome.seen);
    }
    println!("from {first}: {sum:?}; slowest recovery {} s (seed {})", slowest.0 / SECOND, slowest.1);
    assert!(failed.is_empty(), "{} of {count} seeds failed: {failed:?}", failed.len());
    Some(sum)
}

#[test]
fn every_seed_keeps_agreement_and_goes_on() {
    let Some(sum) = sweep(Plan::draw, SEEDS) else { return };
    if sum.seeds >= SEEDS {
        // Else the seeds would show nothing.
        let Tally { crashes, synced, withheld, undecodable, replayed, .. } = sum.tally;
        let seen = [crashes, synced, withheld, undecodable, replayed, sum.accused];
        assert!(seen.iter().all(|count| *count > 0), "some faults never came: {seen:?}");
    }
}
