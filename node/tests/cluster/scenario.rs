//! What every scenario has: a turn of its own, a seed, a folder, and a record of what it did.

use std::fmt::Display;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::node::tail;

/// Places for scenarios that run, and whether each is taken. Much of a scenario is waiting, so two run at once; more would be
/// a test of the machine.
static PLACES: Mutex<[bool; 2]> = Mutex::new([false; 2]);
/// Told when a place is free again.
static FREED: Condvar = Condvar::new();
/// Another seed than the usual one.
const SEED: &str = "ESKER_CLUSTER_SEED";
/// `full` runs everything, and longer.
const MODE: &str = "ESKER_CLUSTER";
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(50);
/// How long anything may take that should happen. Nothing waits for it to pass, and the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A place among the scenarios that run.
struct Place(usize);

impl Place {
    /// Waits for one.
    fn take() -> Self {
        let places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut places = FREED
            .wait_while(places, |places| places.iter().all(|taken| *taken))
            .unwrap_or_else(PoisonError::into_inner);
        let free = places.iter().position(|taken| !taken).expect("waited for it");
        places[free] = true;
        Self(free)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        PLACES.lock().unwrap_or_else(PoisonError::into_inner)[self.0] = false;
        FREED.notify_one();
    }
}

/// A scenario that runs.
pub struct Scenario {
    place: Place,
    /// Where its networks live.
    pub folder: PathBuf,
    /// What it leaves to chance.
    pub random: StdRng,
    started: Instant,
}

/// Whether everything is run, and longer.
pub fn is_full() -> bool {
    std::env::var(MODE).is_ok_and(|mode| mode == "full")
}

/// Runs a scenario to its end, then removes what it left, unless it failed.
pub fn scenario(name: &str, body: impl AsyncFnOnce(&mut Scenario)) {
    let place = Place::take();
    let seed = std::env::var(SEED).ok().map_or(1, |text| text.parse().expect("ESKER_CLUSTER_SEED is a number"));
    let folder = tempfile::Builder::new().prefix(&format!("esker-cluster-{name}-")).tempdir().expect("a folder").keep();
    let mut scenario = Scenario { place, folder, random: StdRng::seed_from_u64(seed), started: Instant::now() };
    scenario.says(format_args!("scenario {name}, seed {seed}{}", if is_full() { ", full" } else { "" }));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("threads");
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(body(&mut scenario))));
    runtime.shutdown_timeout(Duration::from_secs(5));
    match outcome {
        Ok(()) => {
            scenario.says("done");
            std::fs::remove_dir_all(&scenario.folder).expect("it is ours");
        }
        Err(panic) => {
            scenario.tell_how_nodes_ended();
            scenario.says(format_args!("FAILED; homes and logs (node.log) are kept in {}", scenario.folder.display()));
            resume_unwind(panic);
        }
    }
}

impl Scenario {
    /// Prints a step, with the time since the beginning.
    pub fn says(&self, step: impl Display) {
        println!("[{:7.2} s] {step}", self.started.elapsed().as_secs_f64());
    }

    /// Prints the ends of the nodes' logs: where nobody can look at the folder, they are all there is.
    fn tell_how_nodes_ended(&self) {
        let Ok(entries) = std::fs::read_dir(self.folder.join("network")) else { return };
        let mut logs: Vec<_> = entries.flatten().map(|entry| entry.path().join("node.log")).collect();
        logs.retain(|log| log.exists());
        logs.sort();
        for log in logs {
            println!("--- {}\n{}", log.display(), tail(&log));
        }
    }

    /// A number that the seed decides.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.random.random_range(low..=high)
    }

    /// Ports that no other scenario of this process picks from, below those that outgoing connections get, so that a node that
    /// was killed finds its own free again.
    pub fn ports(&self) -> Range<u16> {
        let first = if self.place.0 == 0 { 10_000 } else { 20_000 };
        first..first + 9_900
    }

    /// A folder that is not there yet.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }
}

/// Looks again and again until `probe` finds something.
pub async fn until<T>(what: impl Display, probe: impl AsyncFnMut() -> Option<T>) -> T {
    match within(PATIENCE, probe).await {
        Some(found) => found,
        None => panic!("in {} s it did not happen: {what}", PATIENCE.as_secs()),
    }
}

/// Looks again and again for so long; `None` if `probe` found nothing.
pub async fn within<T>(time: Duration, mut probe: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + time;
    loop {
        if let Some(found) = probe().await {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(POLL).await;
    }
}
