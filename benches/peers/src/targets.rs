//! What the ratios must be.

use crate::machines::{COSMWASM, ESKER, NEAR, REVM, WASMI};
use crate::report::Row;
use crate::work::Work;

/// A bound on Esker's time, against a peer's.
struct Target {
    work: Work,
    peer: &'static str,
    bound: Bound,
}

/// The kinds of bounds.
#[derive(Clone, Copy)]
enum Bound {
    /// Esker takes at most so many times the peer's time.
    AtMost(f64),
    /// Esker is at least so many times faster.
    Faster(f64),
}

/// One target and what became of it.
pub struct Verdict {
    /// The ratio in words.
    pub what: String,
    /// Its bound.
    pub must_be: String,
    /// What it is, of the best samples.
    pub is: f64,
    /// Whether it keeps to its bound.
    pub met: bool,
}

fn all() -> Vec<Target> {
    let named = [
        (Work::Transfer, REVM, Bound::AtMost(1.2)),
        (Work::LibraryTransfer, REVM, Bound::AtMost(1.2)),
        (Work::Transfer, COSMWASM, Bound::Faster(8.0)),
        (Work::Transfer, NEAR, Bound::Faster(4.0)),
        (Work::Fib, REVM, Bound::Faster(30.0)),
        (Work::Matmul, REVM, Bound::Faster(100.0)),
        (Work::HostKeccak, REVM, Bound::AtMost(1.1)),
    ];
    let computing = [Work::Keccak, Work::Matmul, Work::Mul256, Work::Sort];
    let wasm =
        computing.into_iter().flat_map(|work| [COSMWASM, NEAR, WASMI].map(|peer| (work, peer, Bound::Faster(1.0))));
    named.into_iter().chain(wasm).map(|(work, peer, bound)| Target { work, peer, bound }).collect()
}

/// The targets of the work that was measured.
pub fn verdicts(machines: &[&str], rows: &[Row]) -> Vec<Verdict> {
    let best = |work: Work, name: &str| {
        let row = rows.iter().find(|row| row.work == work)?;
        let index = machines.iter().position(|machine| *machine == name)?;
        Some((*row.figures.get(index)?)?.best)
    };
    let verdict = |Target { work, peer, bound }| {
        let (ours, theirs) = (best(work, ESKER)?, best(work, peer)?);
        let name = work.name();
        Some(match bound {
            Bound::AtMost(times) => Verdict {
                what: format!("{name}: {ESKER} / {peer}"),
                must_be: format!("≤ {times}"),
                is: ours / theirs,
                met: ours <= times * theirs,
            },
            Bound::Faster(times) => Verdict {
                what: format!("{name}: {peer} / {ESKER}"),
                must_be: if times > 1.0 { format!("≥ {times}") } else { format!("> {times}") },
                is: theirs / ours,
                met: if times > 1.0 { theirs >= times * ours } else { theirs > ours },
            },
        })
    };
    all().into_iter().filter_map(verdict).collect()
}
