//! Looks for accepted modules that take the longest to make ready for the gas that their deployment pays.
//!
//! ```text
//! cargo run --release -p esker-vm --example compile_search                       every shape, as it is
//! cargo run --release -p esker-vm --example compile_search -- --minutes 60       climbs from there by changing numbers
//! ```
//!
//! Measured is what a block waits for: inflating, validating, rewriting, compiling on the baseline, linking, as CPU time of
//! the thread, over enough runs that the kernel's accounting tells. Gas is what a creation charges for it.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a tool that measures time")]

mod shapes;

use std::collections::BTreeSet;
use std::time::Instant;

use esker_vm::abi::{FUEL_PER_GAS, MeterVersion};
use esker_vm::{Code, Engine, EngineConfig, EngineKind, Preparation, Session, TierPolicy, envelope, execution};
use primitive_types::H256;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shapes::{SHAPES, Shape};

/// As `Prices::V1` of the state-transition function has them.
const DEPLOY_BYTE: u64 = 20;
const COMPLEXITY_UNIT_FUEL: u64 = 100_000;
/// Gas that a contract pays to create another, whatever it is: creation and frame.
const CREATE: u64 = 32_000 + 950;

/// The kernel accounts for a running thread a few hundred times a second.
const MEASURED_NANOSECONDS: u64 = 40_000_000;

/// What one module costs and takes.
#[derive(Clone, Debug)]
struct Measured {
    shape: &'static str,
    numbers: Vec<u32>,
    bytes: usize,
    envelope_bytes: usize,
    complexity: u64,
    gas: u64,
    nanoseconds: u64,
    code_bytes: usize,
}

impl Measured {
    fn per_gas(&self) -> f64 {
        self.nanoseconds as f64 / self.gas as f64
    }

    fn print(&self) {
        println!(
            "{:22} {:<34} {:>7} {:>6} {:>9} {:>9} {:>8.2} {:>7.2} {:>9}",
            self.shape,
            format!("{:?}", self.numbers),
            self.bytes,
            self.envelope_bytes,
            self.complexity,
            self.gas,
            self.nanoseconds as f64 / 1e6,
            self.per_gas(),
            self.code_bytes
        );
    }
}

/// CPU time of this thread so far, in nanoseconds.
fn cpu_nanoseconds() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux accounts for threads");
    text.split(' ').next().and_then(|number| number.parse().ok()).expect("a number comes first")
}

/// `None` if the module is not acceptable.
fn measure(engine: &Engine, session: &Session<'_>, shape: &Shape, numbers: &[u32], runs: u64) -> Option<Measured> {
    measure_module(engine, session, (shape.build)(numbers), shape.name, numbers, runs)
}

fn measure_module(
    engine: &Engine,
    session: &Session<'_>,
    wasm: Vec<u8>,
    shape: &'static str,
    numbers: &[u32],
    runs: u64,
) -> Option<Measured> {
    let envelope = envelope::encode(&wasm);
    let begun = cpu_nanoseconds();
    let (mut done, mut spent, mut facts) = (0, 0, None);
    while done < runs || spent < MEASURED_NANOSECONDS {
        // A name of its own each time, so that nothing is found.
        let mut hash = H256::zero();
        hash.0[..8].copy_from_slice(&done.to_be_bytes());
        let code = Code { hash, envelope: &envelope, meter: MeterVersion::V1 };
        let Ok(Preparation::Ready(found)) = session.prepare(code, u64::MAX) else { return None };
        facts = Some(found);
        done += 1;
        spent = cpu_nanoseconds() - begun;
    }
    let (_, code_bytes) = engine.cached(session.purpose());
    let complexity = facts?.complexity;
    let stream = wasm.len().max(envelope.len() - envelope::HEADER_BYTES) as u64;
    Some(Measured {
        shape,
        numbers: numbers.to_vec(),
        bytes: wasm.len(),
        envelope_bytes: envelope.len(),
        complexity,
        gas: CREATE + stream * DEPLOY_BYTE + complexity * COMPLEXITY_UNIT_FUEL / FUEL_PER_GAS,
        nanoseconds: spent / done,
        code_bytes,
    })
}

/// Ordinary contracts, for comparison.
fn contracts() -> [(&'static str, Vec<u8>); 2] {
    ["Erc20", "Erc721"].map(|name| {
        let path = format!("{}/../tests/vectors/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the artifact is committed");
        let artifact: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        let code = artifact["bytecode"].as_str().and_then(|code| hex::decode(code.trim_start_matches("0x")).ok());
        (name, envelope::decode_code(&code.expect("it has bytecode"), u32::MAX).expect("it is an envelope"))
    })
}

fn fresh() -> Engine {
    let config = EngineConfig {
        tiers: TierPolicy::Baseline,
        cache_bytes: 1,
        cache_modules: 1,
        execution_sessions: 1,
        simulation_sessions: 0,
        ..EngineConfig::with_kind(EngineKind::Cranelift)
    };
    Engine::new(config).expect("the engine starts")
}

/// Other numbers for the same shape, near those given.
fn changed(numbers: &[u32], most: &[u32], random: &mut ChaCha8Rng) -> Vec<u32> {
    let mut numbers = numbers.to_vec();
    for _ in 0..random.random_range(1..=2) {
        let at = random.random_range(0..numbers.len());
        let number = &mut numbers[at];
        *number = match random.random_range(0..4) {
            0 => number.saturating_mul(2),
            1 => *number / 2,
            2 => random.random_range(0..=most[at]),
            _ => number.saturating_add_signed(random.random_range(-3..=3)),
        }
        .min(most[at]);
    }
    numbers
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let minutes = option("--minutes").unwrap_or(0);
    let seed = option("--seed").unwrap_or(1);
    println!("seed {seed}, {minutes} minutes of search");
    println!("shape, numbers, bytes, envelope, complexity, gas, ms, ns/gas, bytes of code");
    let engine = fresh();
    execution(&engine, |session| {
        for (name, wasm) in contracts() {
            measure_module(&engine, session, wasm, name, &[], 2).expect("a contract is acceptable").print();
        }
        let mut best: Vec<Measured> = Vec::new();
        for shape in SHAPES {
            for numbers in shape.starts {
                match measure(&engine, session, shape, numbers, 2) {
                    Some(measured) => {
                        measured.print();
                        best.push(measured);
                    }
                    None => println!("{:22} {numbers:?} is refused", shape.name),
                }
            }
        }
        climb(&engine, session, best, minutes, seed);
    });
}

fn climb(engine: &Engine, session: &Session<'_>, mut best: Vec<Measured>, minutes: u64, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut seen = BTreeSet::new();
    let begun = Instant::now();
    let mut tried = 0_u64;
    while begun.elapsed().as_secs() < minutes * 60 {
        let Some(from) = best.choose(&mut random).cloned() else { return };
        let shape = SHAPES.iter().find(|shape| shape.name == from.shape).expect("found above");
        let numbers = changed(&from.numbers, shape.most, &mut random);
        if !seen.insert((shape.name, numbers.clone())) {
            continue;
        }
        tried += 1;
        let Some(found) = measure(engine, session, shape, &numbers, 1) else { continue };
        let place = best.iter_mut().find(|kept| kept.shape == found.shape);
        if let Some(kept) = place
            && found.per_gas() > kept.per_gas() * 1.02
            && let Some(again) = measure(engine, session, shape, &numbers, 2)
            && again.per_gas() > kept.per_gas()
        {
            again.print();
            *kept = again;
        }
    }
    if minutes > 0 {
        best.sort_by(|one, other| other.per_gas().total_cmp(&one.per_gas()));
        println!("{tried} modules tried; the worst of each shape:");
        best.iter().for_each(Measured::print);
    }
}
