//! Moves what a loop's header charges per iteration behind the header's first fork, where each way on charges anyway.
//!
//! A loop whose header forks (a `br_table` that dispatches, an early exit) would charge twice in every iteration. Where
//! every way on from the fork can be told apart by the place it leads to, the header's charge is added there instead.

use std::collections::{BTreeMap, BTreeSet};

/// How the end of a block or an `if` is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Entered {
    #[default]
    Never,
    /// Only from the fork at this instruction.
    OnlyBy(usize),
    Otherwise,
}

impl Entered {
    /// Adds an edge from the fork at `instruction`.
    pub(super) fn by(&mut self, instruction: usize) {
        *self = match *self {
            Self::Never => Self::OnlyBy(instruction),
            Self::OnlyBy(other) if other == instruction => Self::OnlyBy(other),
            Self::OnlyBy(_) | Self::Otherwise => Self::Otherwise,
        };
    }
}

/// An `if`, `br_if` or `br_table` in the segment of a loop's header.
#[derive(Debug)]
struct Fork {
    /// The header's segment.
    header: usize,
    /// How many places it leads to.
    ways: usize,
    /// Those of them that nothing else leads to, by the instruction that comes first there.
    places: BTreeSet<usize>,
}

/// Forks found while a function is walked.
#[derive(Debug, Default)]
pub(super) struct Forks {
    by_instruction: BTreeMap<usize, Fork>,
    /// Where the loop ends, by its header's segment: a place there is already on the way out.
    loop_ends: BTreeMap<usize, usize>,
}

impl Forks {
    /// Notes a fork at `instruction` with `ways` on.
    pub(super) fn note(&mut self, instruction: usize, header: usize, ways: usize) {
        self.by_instruction.insert(instruction, Fork { header, ways, places: BTreeSet::new() });
    }

    /// Notes that the fork at `instruction` leads to the place before `place`, and nothing else does.
    pub(super) fn leads_to(&mut self, instruction: usize, place: usize) {
        if let Some(fork) = self.by_instruction.get_mut(&instruction) {
            fork.places.insert(place);
        }
    }

    /// Notes where the loop of `header` ends.
    pub(super) fn loop_ends(&mut self, header: usize, instruction: usize) {
        self.loop_ends.insert(header, instruction);
    }

    /// Moves charges. `headers` gives the place and the charge of a segment, `charges` what is charged at each place,
    /// which stays at most `most`.
    pub(super) fn sink(&self, headers: impl Fn(usize) -> (usize, u64), charges: &mut [u64], most: u64) {
        let mut done = BTreeSet::new();
        for fork in self.by_instruction.values() {
            let (Some(end), (start, charge)) = (self.loop_ends.get(&fork.header), headers(fork.header)) else {
                continue;
            };
            if charge == 0 || done.contains(&fork.header) || fork.places.len() != fork.ways {
                continue;
            }
            let at = |place: usize| charges.get(place).copied().unwrap_or(0);
            let mut inside = fork.places.iter().filter(|place| **place < *end).peekable();
            let saves = inside.peek().is_some() && inside.all(|place| at(*place) > 0);
            let fits = fork.places.iter().all(|place| at(*place).saturating_add(charge) <= most);
            // A fork that is the header's only segment at its place: nothing else is charged there.
            if !(saves && fits && at(start) == charge) {
                continue;
            }
            done.insert(fork.header);
            for place in fork.places.iter().chain([&start]) {
                if let Some(slot) = charges.get_mut(*place) {
                    *slot = if *place == start { 0 } else { *slot + charge };
                }
            }
        }
    }
}
