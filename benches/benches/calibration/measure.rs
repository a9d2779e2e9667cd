//! Time of a program: the difference between frames of n and of 2n rounds, so that what surrounds the rounds cancels.

use std::time::Duration;

use alloy_primitives::{Bytes, TxKind};
use esker_vm::Engine;
use esker_vm::abi::FUEL_PER_GAS;

use crate::engines::{self, Code, Tier, account};
use crate::program::{Program, Setting};
use crate::report::Row;
use crate::world::World;

/// What the rounds that n adds must take, so that a clock and an interrupt do not matter.
const ENOUGH: Duration = Duration::from_micros(150);
/// First account of the measured programs.
const BASE: u16 = 0x1000;
/// Gas of a measured transaction.
const GAS: u64 = 1 << 43;

/// One program on one tier.
struct Subject<'a> {
    engine: &'a Engine,
    program: &'a Program,
    code: &'a Code,
    index: u16,
    rounds: u32,
    best: [Duration; 2],
    fuel: [u64; 2],
}

impl<'a> Subject<'a> {
    fn once(&self, world: &World, rounds: u32) -> (Duration, u64) {
        let input = self.program.input(rounds);
        match self.program.setting {
            Setting::Frame => engines::frame(self.engine, self.code, input),
            Setting::Transaction => {
                let transaction = world.transaction(TxKind::Call(account(self.index)), GAS, Bytes::from(input));
                let (time, gas, success) =
                    engines::push(self.engine, &world.view, &world.config, &world.env, transaction);
                assert!(success, "{} {} failed", self.program.class, self.program.case);
                (time, gas * FUEL_PER_GAS)
            }
        }
    }

    /// Finds how many rounds make a difference that can be measured.
    fn prepare(&mut self, world: &World) {
        engines::compile(self.engine, self.code);
        if let Some(rounds) = self.program.rounds {
            self.rounds = rounds;
            return;
        }
        while self.rounds < 1 << 22 {
            let best = |rounds| (0..3).map(|_| self.once(world, rounds).0).min().unwrap_or_default();
            let (once, twice) = (best(self.rounds), best(2 * self.rounds));
            let more = twice.saturating_sub(once);
            // What comes before the rounds must not drown them: filling a large memory takes long.
            if more >= ENOUGH && 2 * more >= once {
                return;
            }
            self.rounds *= 2;
        }
    }

    fn measure(&mut self, world: &World) {
        for (index, rounds) in [self.rounds, 2 * self.rounds].into_iter().enumerate() {
            let (time, fuel) = self.once(world, rounds);
            self.best[index] = self.best[index].min(time);
            self.fuel[index] = fuel;
        }
    }

    /// Fuel and nanoseconds of one copy of the step, the loop around it shared among the copies.
    fn result(&self) -> (f64, f64) {
        let copies = f64::from(self.rounds) * self.program.unroll as f64;
        let time = self.best[1].saturating_sub(self.best[0]).as_secs_f64() * 1e9;
        ((self.fuel[1] - self.fuel[0]) as f64 / copies, time / copies)
    }
}

/// Measures `programs` on `tiers`, `repeats` times each in turns, and gives a row for each.
pub fn measure(
    programs: &[Program],
    tiers: &[Tier],
    repeats: u32,
    callees: Vec<(alloy_primitives::Address, Bytes)>,
) -> Vec<Row> {
    let codes: Vec<Code> = programs.iter().map(Program::code).collect();
    let own = codes.iter().zip(BASE..).zip(programs).filter(|(_, program)| program.setting == Setting::Transaction);
    let contracts = own.map(|((code, index), _)| (account(index), code.envelope.clone())).chain(callees).collect();
    let world = World::new(contracts, 1, crate::world::GAS_LIMIT);
    let engines: Vec<Engine> = tiers.iter().map(|tier| tier.engine()).collect();
    let mut rows = Vec::new();
    // In chunks, so that a chunk's modules stay in the engine's memory and its turns stay close together.
    for (chunk, first) in programs.chunks(16).zip((0..).step_by(16)) {
        let mut subjects: Vec<Vec<Subject<'_>>> = Vec::new();
        for (offset, program) in chunk.iter().enumerate() {
            let code = &codes[first + offset];
            let index = BASE + u16::try_from(first + offset).expect("few programs");
            let on =
                |engine| Subject { engine, program, code, index, rounds: 1, best: [Duration::MAX; 2], fuel: [0; 2] };
            subjects.push(engines.iter().map(on).collect());
        }
        subjects.iter_mut().flatten().for_each(|subject| subject.prepare(&world));
        for _ in 0..repeats {
            subjects.iter_mut().flatten().for_each(|subject| subject.measure(&world));
        }
        for subjects in subjects {
            let results: Vec<(f64, f64)> = subjects.iter().map(Subject::result).collect();
            let program = subjects[0].program;
            let fuel = results[0].0;
            // Fuel is the same everywhere; but paths at random differ with the rounds, and gas is rounded once a frame.
            let slack = if program.setting == Setting::Frame { 1e-2 } else { 2e-2 };
            for (result, tier) in results.iter().zip(tiers) {
                assert!(
                    (result.0 / fuel - 1.0).abs() <= slack,
                    "{} {}: {} fuel on {}, {fuel} elsewhere",
                    program.class,
                    program.case,
                    result.0,
                    tier.name()
                );
            }
            rows.push(Row {
                class: program.class.clone(),
                case: program.case.clone(),
                fuel,
                nanoseconds: tiers.iter().zip(results).map(|(tier, result)| (*tier, result.1)).collect(),
            });
            eprintln!("{}", rows[rows.len() - 1].brief());
        }
    }
    rows
}
