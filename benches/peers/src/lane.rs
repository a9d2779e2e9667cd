//! A machine among the others: every run of it is checked, and its transfers are counted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::expected;
use crate::machines::Machine;
use crate::work::{AMOUNT, RECIPIENT, SENDER, SUPPLY, Work, word};

/// How long a sample of one machine shall take: short calls are made many times.
const SAMPLE: Duration = Duration::from_millis(10);

/// Time of one call, in microseconds, and what it is charged.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Of the fastest sample.
    pub best: f64,
    /// Of the sample in the middle.
    pub median: f64,
    /// In the machine's own unit.
    pub gas: u64,
}

/// A machine and how many transfers it has made.
pub struct Lane {
    machine: Box<dyn Machine>,
    transfers: BTreeMap<Work, u64>,
}

impl Lane {
    /// Nothing has run yet.
    pub fn new(machine: Box<dyn Machine>) -> Self {
        Self { machine, transfers: BTreeMap::new() }
    }

    /// See [`Machine::name`].
    pub fn name(&self) -> &'static str {
        self.machine.name()
    }

    /// See [`Machine::can`].
    pub fn can(&self, work: Work) -> bool {
        self.machine.can(work)
    }

    /// Time that so many calls take, and what the last one was charged. The result is compared after the clock stopped.
    fn timed(&mut self, work: Work, calls: u32) -> (Duration, u64) {
        let start = Instant::now();
        let ran = std::hint::black_box(self.machine.run(work, calls));
        let took = start.elapsed();
        assert_eq!(ran.output, expected::output(work), "{} on {}", work.name(), self.name());
        *self.transfers.entry(work).or_default() += u64::from(calls);
        (took, ran.gas)
    }

    /// Does the work a few times: results, balances, and that gas is counted.
    ///
    /// # Panics
    /// If anything is not as it should be: there is nothing to compare then.
    pub fn check(&mut self, work: Work) {
        let (_, trivial) = self.timed(Work::Trivial, 2);
        let (_, gas) = self.timed(work, 3);
        if work != Work::Trivial {
            assert!(gas > trivial, "{} is charged {gas} on {}, an empty call {trivial}", work.name(), self.name());
        }
        self.check_balances(work);
    }

    /// Holds the balances against all transfers so far.
    pub fn check_balances(&mut self, work: Work) {
        if work.is_transfer() {
            let moved = AMOUNT * self.transfers[&work];
            let (sent, received) = (self.machine.balance(work, SENDER), self.machine.balance(work, RECIPIENT));
            assert_eq!(sent, word(SUPPLY - moved), "the sender's balance on {}", self.name());
            assert_eq!(received, word(moved), "the recipient's balance on {}", self.name());
        }
    }

    /// Doubles the number of calls until they fill a sample, which also warms the machine.
    fn calls_of_a_sample(&mut self, work: Work) -> u32 {
        let mut calls = 1;
        while self.timed(work, calls).0 < SAMPLE {
            calls *= 2;
        }
        calls
    }
}

/// Runs the machines in turn, `rounds` times; no figures for one that cannot do the work.
pub fn measure(lanes: &mut [Lane], work: Work, rounds: usize) -> Vec<Option<Figures>> {
    let calls = |lane: &mut Lane| lane.can(work).then(|| lane.calls_of_a_sample(work));
    let calls: Vec<Option<u32>> = lanes.iter_mut().map(calls).collect();
    let mut samples = vec![Vec::with_capacity(rounds); lanes.len()];
    let mut charged = vec![0; lanes.len()];
    for _ in 0..rounds {
        for (index, lane) in lanes.iter_mut().enumerate() {
            let Some(calls) = calls[index] else { continue };
            let (took, gas) = lane.timed(work, calls);
            samples[index].push(took.as_secs_f64() * 1e6 / f64::from(calls));
            charged[index] = gas;
        }
    }
    lanes.iter_mut().filter(|lane| lane.can(work)).for_each(|lane| lane.check_balances(work));
    let figures = |(mut samples, gas): (Vec<f64>, u64)| {
        samples.sort_by(f64::total_cmp);
        Some(Figures { best: *samples.first()?, median: *samples.get(samples.len() / 2)?, gas })
    };
    samples.into_iter().zip(charged).map(figures).collect()
}
