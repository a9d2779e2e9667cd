//! Updates many tries at once, on several threads where it pays. The result does not depend on how work is divided.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_primitives::B256;
use parking_lot::Mutex;

use super::branch::{Below, BranchRecord, BranchWriter};
use super::forest::{Forest, Node};
use super::node::NodeRef;
use super::path::{self, Path};
use super::{EMPTY_ROOT_HASH, LeafChange, Shape, TrieReader, hashing, keccak};
use crate::db::StoreError;

/// Changes of one trie.
pub struct TrieChanges<'a> {
    /// The trie before the changes.
    pub reader: &'a dyn TrieReader,
    /// Its shape before the changes.
    pub shape: Shape,
    /// The changes, sorted by key, one a key.
    pub changes: &'a [LeafChange],
}

/// A branch record that is written, changed or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchChange {
    /// Where the branch is.
    pub path: Path,
    /// The record that stood there before.
    pub before: Option<Arc<[u8]>>,
    /// The record that stands there now; `None` if there is no branch any more.
    pub after: Option<Vec<u8>>,
}

/// What changes made of a trie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrieUpdate {
    /// The root hash.
    pub root: B256,
    /// The shape, which whoever stores the trie must keep.
    pub shape: Shape,
    /// Branch records that changed, sorted by path.
    pub branches: Vec<BranchChange>,
}

/// What an update hashed: `nodes[b]` nodes of `b` keccak blocks (136 bytes each); longer ones count in the last place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hashed {
    /// Nodes by number of blocks.
    pub nodes: [u64; 8],
    /// Bytes of all nodes.
    pub bytes: u64,
}

impl Hashed {
    pub(super) fn count(&mut self, bytes: usize) {
        self.nodes[keccak::blocks(bytes).min(self.nodes.len() - 1)] += 1;
        self.bytes += bytes as u64;
    }

    /// Adds what another update hashed.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.nodes.iter_mut().zip(other.nodes) {
            *sum += count;
        }
        self.bytes += other.bytes;
    }
}

/// Changes that one thread handles at a time: enough to fill the lanes, few enough to divide evenly.
const JOB_CHANGES: usize = 256;

/// A trie, or what lies below one nibble of its root branch.
struct Unit {
    trie: usize,
    nibble: Option<u8>,
    changes: Range<usize>,
}

/// The topmost node of a unit.
#[derive(Clone, Copy)]
enum Top {
    Nothing,
    Leaf(NodeRef),
    Branch(Path, NodeRef),
}

struct UnitUpdate {
    top: Top,
    branches: Vec<BranchChange>,
}

/// Computes the new roots of all `tries`, in their order, on at most `threads` threads.
///
/// # Errors
/// [`StoreError`] if reading fails, records are damaged, or a change does not fit its trie.
pub fn update(tries: &[TrieChanges<'_>], threads: usize) -> Result<(Vec<TrieUpdate>, Hashed), StoreError> {
    let mut units = Vec::new();
    for (index, trie) in tries.iter().enumerate() {
        debug_assert!(trie.changes.is_sorted_by(|a, b| a.key < b.key), "changes are sorted, one a key");
        divide(index, trie, threads, &mut units);
    }
    let jobs = gather(&units);
    let mut hashed = Hashed::default();
    let mut done: Vec<UnitUpdate> = Vec::with_capacity(units.len());
    for result in run(tries, &units, &jobs, threads) {
        let (updates, job_hashed) = result?;
        hashed.add(&job_hashed);
        done.extend(updates);
    }
    let mut done = done.into_iter().zip(&units).peekable();
    let mut results = Vec::with_capacity(tries.len());
    for (index, trie) in tries.iter().enumerate() {
        let mut parts = Vec::new();
        while let Some((part, unit)) = done.next_if(|(_, unit)| unit.trie == index) {
            parts.push((unit.nibble, part));
        }
        results.push(join(trie, parts, &mut hashed)?);
    }
    Ok((results, hashed))
}

/// A trie with many changes is divided by the top nibble if its root is a branch.
fn divide(index: usize, trie: &TrieChanges<'_>, threads: usize, units: &mut Vec<Unit>) {
    if threads > 1 && trie.changes.len() >= 2 * JOB_CHANGES && trie.shape == Shape::Branch(Path::ROOT) {
        let mut start = 0;
        for group in trie.changes.chunk_by(|a, b| path::nibble(&a.key, 0) == path::nibble(&b.key, 0)) {
            let end = start + group.len();
            units.push(Unit { trie: index, nibble: Some(path::nibble(&group[0].key, 0)), changes: start..end });
            start = end;
        }
    } else if !trie.changes.is_empty() {
        units.push(Unit { trie: index, nibble: None, changes: 0..trie.changes.len() });
    }
}

/// Consecutive units of [`JOB_CHANGES`] changes or more together.
fn gather(units: &[Unit]) -> Vec<Range<usize>> {
    let mut jobs = Vec::new();
    let mut start = 0;
    let mut changes = 0;
    for (index, unit) in units.iter().enumerate() {
        changes += unit.changes.len();
        if changes >= JOB_CHANGES || index + 1 == units.len() {
            jobs.push(start..index + 1);
            start = index + 1;
            changes = 0;
        }
    }
    jobs
}

type JobResult = Result<(Vec<UnitUpdate>, Hashed), StoreError>;

/// Runs all jobs and returns their results in order.
fn run(tries: &[TrieChanges<'_>], units: &[Unit], jobs: &[Range<usize>], threads: usize) -> Vec<JobResult> {
    let work = |job: &Range<usize>| update_units(tries, &units[job.clone()]);
    if threads.min(jobs.len()) <= 1 {
        return jobs.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<JobResult>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    let take_jobs = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { break };
            *results[index].lock() = Some(work(job));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(jobs.len()) {
            scope.spawn(take_jobs);
        }
        take_jobs();
    });
    results.into_iter().map(|result| result.into_inner().expect("every job was taken once")).collect()
}

fn update_units(tries: &[TrieChanges<'_>], units: &[Unit]) -> JobResult {
    let mut forest = Forest::with_room(units.iter().map(|unit| unit.changes.len()).sum());
    let mut hashed = Hashed::default();
    for unit in units {
        let trie = &tries[unit.trie];
        let changes = &trie.changes[unit.changes.clone()];
        match unit.nibble {
            None => forest.plant(trie.reader, Path::ROOT, below_root(trie.shape), changes)?,
            Some(nibble) => {
                let root = root_record(trie)?;
                let below = BranchRecord::read(&Path::ROOT, &root)?.below(nibble);
                forest.plant(trie.reader, Path::ROOT.child(nibble), below, changes)?;
            }
        }
    }
    let written = hashing::hash(&mut forest, &mut hashed)?;
    let mut updates = Vec::with_capacity(units.len());
    for (root, written) in forest.roots.iter().zip(written) {
        let top = match root.node.map(|id| (&forest.nodes[id as usize], forest.references[id as usize])) {
            None => Top::Nothing,
            Some((Node::Leaf { .. }, reference)) => Top::Leaf(reference),
            Some((Node::Branch { path, .. }, reference)) => Top::Branch(*path, reference),
        };
        let mut branches = written;
        let (from, to) = root.removed;
        branches.extend_from_slice(&forest.removed[from..to]);
        updates.push(UnitUpdate { top, branches });
    }
    Ok((updates, hashed))
}

fn below_root(shape: Shape) -> Below {
    match shape {
        Shape::Empty => Below::Nothing,
        Shape::Leaf => Below::Leaf,
        Shape::Branch(path) => Below::Branch(path),
    }
}

fn root_record(trie: &TrieChanges<'_>) -> Result<Arc<[u8]>, StoreError> {
    trie.reader.branch(&Path::ROOT)?.ok_or_else(|| StoreError::Corrupt("the root branch of a trie is missing".into()))
}

/// Puts the parts of a trie together.
fn join(
    trie: &TrieChanges<'_>,
    mut parts: Vec<(Option<u8>, UnitUpdate)>,
    hashed: &mut Hashed,
) -> Result<TrieUpdate, StoreError> {
    let mut update = if parts.iter().all(|(nibble, _)| nibble.is_none()) {
        let whole = parts.pop().map(|(_, whole)| whole);
        // Without changes there was no unit, and nobody asks for the root then.
        let whole = whole.ok_or_else(|| StoreError::Mismatch("a trie to update has no changes".into()))?;
        let (root, shape) = match whole.top {
            Top::Nothing => (EMPTY_ROOT_HASH, Shape::Empty),
            Top::Leaf(reference) => (hashing::root_hash(&reference, hashed).into(), Shape::Leaf),
            Top::Branch(path, reference) => (hashing::root_hash(&reference, hashed).into(), Shape::Branch(path)),
        };
        TrieUpdate { root, shape, branches: whole.branches }
    } else {
        match join_nibbles(trie, &mut parts, hashed)? {
            Some(update) => update,
            None => {
                // Fewer than two nibbles are left, so the root is no branch there any more: rare enough to do over.
                let unit = Unit { trie: 0, nibble: None, changes: 0..trie.changes.len() };
                let (mut whole, more) = update_units(std::slice::from_ref(trie), &[unit])?;
                hashed.add(&more);
                let parts = whole.pop().map(|whole| (None, whole)).into_iter().collect();
                return join(trie, parts, hashed);
            }
        }
    };
    update.branches.sort_by_key(|change| change.path);
    Ok(update)
}

/// The root branch above parts that were updated nibble by nibble; `None` if fewer than two children are left.
fn join_nibbles(
    trie: &TrieChanges<'_>,
    parts: &mut Vec<(Option<u8>, UnitUpdate)>,
    hashed: &mut Hashed,
) -> Result<Option<TrieUpdate>, StoreError> {
    let stored = root_record(trie)?;
    let before = BranchRecord::read(&Path::ROOT, &stored)?;
    let mut tops: [Option<Top>; 16] = [None; 16];
    for (nibble, part) in parts.iter() {
        tops[usize::from(nibble.expect("the trie was divided by nibble"))] = Some(part.top);
    }
    let is_left = |nibble: &usize| match tops[*nibble] {
        Some(top) => !matches!(top, Top::Nothing),
        None => before.children() & (1 << nibble) != 0,
    };
    if (0..16).filter(is_left).count() < 2 {
        return Ok(None);
    }
    let mut rlp = Vec::new();
    let mut writer = BranchWriter::new(Path::ROOT, &mut rlp);
    for (nibble, top) in tops.iter().enumerate() {
        match top {
            Some(Top::Nothing) => writer.empty(),
            Some(Top::Leaf(reference)) => writer.leaf(reference),
            Some(Top::Branch(path, reference)) => writer.branch(path, reference),
            None if before.children() & (1 << nibble) != 0 => writer.unchanged(&before),
            None => writer.empty(),
        }
    }
    let (start, record) = writer.finish();
    hashed.count(rlp.len() - start);
    let root = B256::from(keccak::hash(&rlp[start..]));
    let mut branches: Vec<_> = parts.drain(..).flat_map(|(_, part)| part.branches).collect();
    if *stored != record {
        branches.push(BranchChange { path: Path::ROOT, before: Some(stored), after: Some(record) });
    }
    Ok(Some(TrieUpdate { root, shape: Shape::Branch(Path::ROOT), branches }))
}
