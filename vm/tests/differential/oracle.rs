//! What must be equal on every engine, and where fuel and stack are made to run out.

use std::fmt;

use esker_abi::{Limits, MeterCosts};
use esker_vm::prepare_module;

use crate::engines::{Code, End, Engine, Run, STACK_UNITS, host::Host};
use crate::rewriters::{exposed, probing, with_data_section_of};
use crate::seeded::Seeded;

/// Steps of fuel: everything charged is a multiple of it, with the costs of protocol version 1.
const FUEL_STEP: i64 = 100;
/// A run that uses up to this much fuel is repeated with every limit below.
const SHORT: i64 = 6_000;

/// How much is tried of one program.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Most tests of fuel around which it is made to run out.
    pub fuel_points: usize,
    /// Most depths at which the stack is made to run out.
    pub stack_points: usize,
    /// Whether a short run is repeated with every amount of fuel.
    pub every_limit: bool,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Runs on all engines together.
    pub runs: u64,
    pub returned: u64,
    pub finished: u64,
    pub out_of_gas: u64,
    pub stack_overflow: u64,
    pub trapped: u64,
    /// Runs that fuel was made to end.
    pub fuel_ends: u64,
    /// Runs that the stack was made to end.
    pub stack_ends: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.returned += other.returned;
        self.finished += other.finished;
        self.out_of_gas += other.out_of_gas;
        self.stack_overflow += other.stack_overflow;
        self.trapped += other.trapped;
        self.fuel_ends += other.fuel_ends;
        self.stack_ends += other.stack_ends;
    }
}

/// Two engines that differ.
#[derive(Debug)]
pub struct Disagreement(String);

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs `wasm` with `input` on `engines`, with ample fuel and stack and then with less. `None` if the validator refuses
/// it; an error when two engines differ in anything that shows.
pub fn agree(
    wasm: &[u8],
    input: &[u8],
    engines: &[Engine],
    effort: Effort,
    random: &mut Seeded,
) -> Option<Result<Tally, Disagreement>> {
    let rewritten = rewritten(wasm, &MeterCosts::V1)?;
    let codes = engines.iter().map(|engine| (*engine, Code::new(*engine, &rewritten))).collect();
    Some(agree_on(codes, &rewritten, input, effort, random))
}

/// The rewritten module, with its data and with its globals exported; `None` if the validator refuses it.
pub fn rewritten(wasm: &[u8], costs: &MeterCosts) -> Option<Vec<u8>> {
    let prepared = prepare_module(wasm, &Limits::V1, costs).ok()?;
    Some(exposed(&with_data_section_of(wasm, &prepared.wasm)))
}

/// As [`agree`], for what was compiled of `rewritten`.
pub fn agree_on(
    codes: Vec<(Engine, Code)>,
    rewritten: &[u8],
    input: &[u8],
    effort: Effort,
    random: &mut Seeded,
) -> Result<Tally, Disagreement> {
    // Growth costs far more than anything else, so most runs cannot afford any and stop early.
    let ample = *random.pick(&[4_000_000, 4_000_000, 4_000_000, 60_000_000, 250_000_000]).unwrap_or(&0);
    let mut check = Check { codes, input, tally: Tally::default() };
    check.everything(rewritten, ample, effort, random).map(|()| check.tally)
}

struct Check<'p> {
    codes: Vec<(Engine, Code)>,
    input: &'p [u8],
    tally: Tally,
}

/// What differs between two runs, in few words.
fn difference(one: &Run, other: &Run) -> String {
    if one.end != other.end {
        return format!("ends: {} and {}", one.end, other.end);
    }
    if one.gas_left != other.gas_left || one.gas_seen != other.gas_seen {
        return format!("fuel: {:?} {:?} and {:?} {:?}", one.gas_left, one.gas_seen, other.gas_left, other.gas_seen);
    }
    if one.globals != other.globals {
        return format!("globals: {:?} and {:?}", one.globals, other.globals);
    }
    if one.trace != other.trace {
        return format!("host calls: {:?} and {:?}", one.trace, other.trace);
    }
    let place = one.memory.iter().zip(&other.memory).position(|(one, other)| one != other);
    format!("memory: {} and {} bytes, first difference at {place:?}", one.memory.len(), other.memory.len())
}

impl Check<'_> {
    fn everything(
        &mut self,
        rewritten: &[u8],
        ample: i64,
        effort: Effort,
        random: &mut Seeded,
    ) -> Result<(), Disagreement> {
        let first = self.run(ample, STACK_UNITS)?;
        match first.end {
            End::Returned => self.tally.returned += 1,
            End::Finished(_) => self.tally.finished += 1,
            End::OutOfGas => self.tally.out_of_gas += 1,
            End::StackOverflow => self.tally.stack_overflow += 1,
            End::Trap(_) => self.tally.trapped += 1,
        }
        if effort.fuel_points == 0 && effort.stack_points == 0 {
            return Ok(());
        }
        let probe = Code::new(Engine::Wasmi, &probing::probed(rewritten));
        let used = first.gas_left.filter(|_| first.end == End::Returned).map_or(ample, |left| ample - left);
        if effort.every_limit && used <= SHORT {
            for limit in (0..used + FUEL_STEP).step_by(FUEL_STEP as usize) {
                self.run(limit, STACK_UNITS)?;
            }
        }
        self.fuel_ends(&probe, used, effort.fuel_points, random)?;
        self.stack_ends(&probe, ample, effort.stack_points, random)
    }

    /// One run on every engine, which must be the same.
    fn run(&mut self, fuel: i64, stack: i32) -> Result<Run, Disagreement> {
        let mut first: Option<(Engine, Run)> = None;
        for (engine, code) in &self.codes {
            let run = code.run(Host::new(self.input), Some((fuel, stack)));
            self.tally.runs += 1;
            if run.end == End::Trap("native stack") {
                return Err(Disagreement(format!("the native stack runs out on {engine:?}")));
            }
            match &first {
                None => first = Some((*engine, run)),
                Some((_, first)) if *first == run => {}
                Some((other, first)) => {
                    let what = difference(first, &run);
                    return Err(Disagreement(format!(
                        "{other:?} and {engine:?} differ with {fuel} fuel, {stack} units: {what}"
                    )));
                }
            }
        }
        Ok(first.expect("there are engines").1)
    }

    /// Makes fuel run out just before and just after tests of it: one after the other from the start, then around amounts
    /// drawn at random.
    fn fuel_ends(&mut self, probe: &Code, used: i64, points: usize, random: &mut Seeded) -> Result<(), Disagreement> {
        let mut limit = 0;
        for point in 0..points {
            if limit >= used {
                break;
            }
            let Some(needed) = fuel_needed(probe, self.input, limit) else { break };
            if needed <= limit {
                return Err(Disagreement(format!("a test of fuel that was passed with {limit} strikes at {needed}")));
            }
            let before = self.run(needed - 1, STACK_UNITS)?;
            if before.end != End::OutOfGas {
                return Err(Disagreement(format!("{} with less fuel than the test at {needed} asks for", before.end)));
            }
            self.run(needed, STACK_UNITS)?;
            self.tally.fuel_ends += 1;
            let in_a_row = point < points / 2;
            limit = if in_a_row { needed } else { random.next().cast_signed().rem_euclid(used.max(1)) };
        }
        Ok(())
    }

    /// Makes the stack run out at one depth after the other.
    fn stack_ends(&mut self, probe: &Code, fuel: i64, points: usize, random: &mut Seeded) -> Result<(), Disagreement> {
        let mut units = 0;
        for point in 0..points {
            let Some(needed) = units_needed(probe, self.input, fuel, units) else { break };
            if needed <= units {
                return Err(Disagreement(format!(
                    "a test of the stack that was passed with {units} strikes at {needed}"
                )));
            }
            let before = self.run(fuel, needed - 1)?;
            if before.end != End::StackOverflow {
                return Err(Disagreement(format!("{} with fewer stack units than the {needed} asked for", before.end)));
            }
            self.tally.stack_ends += 1;
            // Deeper by one at first, then in leaps.
            let leap = if point < points / 2 { 0 } else { random.below(STACK_UNITS as usize / 8) as i32 };
            units = needed.saturating_add(leap);
            if units >= STACK_UNITS {
                break;
            }
        }
        Ok(())
    }
}

/// With how much fuel the test that stops a run with `limit` is passed; `None` if no test stops it.
fn fuel_needed(probe: &Code, input: &[u8], limit: i64) -> Option<i64> {
    let mut instance = probe.instantiate(Host { metered: true, ..Host::new(input) });
    match instance.call(Some((limit, STACK_UNITS))) {
        (End::OutOfGas, gas_left) => {
            // Refused by the entry point's end, by a test, or by a host function.
            let left = gas_left
                .or_else(|| instance.global(probing::FUEL).filter(|fuel| *fuel < 0))
                .or_else(|| instance.shortage())?;
            Some(limit - left)
        }
        _ => None,
    }
}

/// With how many stack units the test that stops a run with `units` is passed; `None` if the stack does not stop it.
fn units_needed(probe: &Code, input: &[u8], fuel: i64, units: i32) -> Option<i32> {
    let mut instance = probe.instantiate(Host { metered: true, ..Host::new(input) });
    match instance.call(Some((fuel, units))) {
        (End::StackOverflow, _) => Some(units - instance.global(probing::STACK)? as i32),
        _ => None,
    }
}
