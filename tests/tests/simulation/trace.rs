//! What happened, in order: always hashed, printed if asked.

use std::fmt::{Arguments, Write as _};

use alloy_primitives::{B256, Keccak256};

/// Microseconds of the simulated clock.
pub type Time = u64;

/// The record of one run. Two runs of one seed have one hash.
pub struct Trace {
    hasher: Keccak256,
    line: String,
    prints: bool,
    lines: u64,
}

impl Trace {
    /// An empty record; with `prints`, every line goes to standard output too.
    pub fn new(prints: bool) -> Self {
        Self { hasher: Keccak256::new(), line: String::new(), prints, lines: 0 }
    }

    /// Adds what happened to `node` at `now`.
    pub fn add(&mut self, now: Time, node: usize, what: Arguments<'_>) {
        self.line.clear();
        let _ =
            writeln!(self.line, "{:>12.6} node {node:>2} {what}", std::time::Duration::from_micros(now).as_secs_f64());
        self.hasher.update(self.line.as_bytes());
        self.lines += 1;
        if self.prints {
            print!("{}", self.line);
        }
    }

    /// Hash of everything so far, and how many lines that is.
    pub fn digest(&self) -> (B256, u64) {
        (self.hasher.clone().finalize(), self.lines)
    }
}
