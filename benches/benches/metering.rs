//! What metering costs: six kernels bare against instrumented, on the same engine and configuration, in the same run.
//!
//! `cargo bench -p esker-benches --bench metering` prints, per kernel, the best of many interleaved runs of each and their
//! ratio, then the geometric mean. `--engine pulley` measures the interpreter instead of Cranelift.

use esker_benches as _;
use std::time::{Duration, Instant};

use esker_vm::abi::{Limits, MeterCosts};
use esker_vm::prepare_module;
use wasmtime::{Config, Engine, Instance, Module, Store, TypedFunc};

/// Interleaved runs of each kernel, bare and instrumented.
const ROUNDS: u32 = 60;
/// Fuel that no kernel uses up.
const FUEL: i64 = 1 << 50;
/// Stack units of a frame.
const STACK_UNITS: i32 = 64 * 1024;

const KERNELS: [(&str, &str); 6] = [
    ("fib", include_str!("../../tests/vectors/metering/fib.wat")),
    ("mul256", include_str!("../../tests/vectors/metering/mul256.wat")),
    ("keccak", include_str!("../../tests/vectors/metering/keccak.wat")),
    ("quicksort", include_str!("../../tests/vectors/metering/quicksort.wat")),
    ("matmul", include_str!("../../tests/vectors/metering/matmul.wat")),
    ("interpreter", include_str!("../../tests/vectors/metering/interpreter.wat")),
];

fn engine(kind: Option<&str>) -> Result<Engine, wasmtime::Error> {
    let mut config = Config::new();
    if let Some(target) = kind {
        config.target(target)?;
    }
    Engine::new(&config)
}

struct Bare {
    store: Store<()>,
    call: TypedFunc<(), ()>,
}

struct Metered {
    store: Store<()>,
    call: TypedFunc<(i64, i32), i64>,
}

fn timed(run: impl FnOnce() -> Result<(), wasmtime::Error>) -> Result<Duration, wasmtime::Error> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pulley = std::env::args().any(|argument| argument == "pulley");
    let engine = engine(pulley.then_some("pulley64"))?;
    println!("{:<12} {:>12} {:>12} {:>7}   fuel/ns", "kernel", "bare µs", "metered µs", "ratio");
    let mut logarithms = 0.0;
    for (name, text) in KERNELS {
        let original = wat::parse_str(text)?;
        let rewritten = prepare_module(&original, &Limits::V1, &MeterCosts::V1)?.wasm;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::new(&engine, &original)?, &[])?;
        let mut bare = Bare { call: instance.get_typed_func(&mut store, "call")?, store };
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &Module::new(&engine, &rewritten)?, &[])?;
        let mut metered = Metered { call: instance.get_typed_func(&mut store, "call")?, store };

        let (mut best_bare, mut best_metered, mut used) = (Duration::MAX, Duration::MAX, 0);
        for _ in 0..ROUNDS {
            best_bare = best_bare.min(timed(|| bare.call.call(&mut bare.store, ()))?);
            best_metered = best_metered.min(timed(|| {
                used = FUEL - metered.call.call(&mut metered.store, (FUEL, STACK_UNITS))?;
                Ok(())
            })?);
        }
        let ratio = best_metered.as_secs_f64() / best_bare.as_secs_f64();
        logarithms += ratio.ln();
        let speed = used as f64 / best_metered.as_nanos() as f64;
        let (bare, metered) = (best_bare.as_secs_f64() * 1e6, best_metered.as_secs_f64() * 1e6);
        println!("{name:<12} {bare:>12.1} {metered:>12.1} {ratio:>7.3}   {speed:.0}");
    }
    println!("{:<12} {:>12} {:>12} {:>7.3}", "geomean", "", "", (logarithms / KERNELS.len() as f64).exp());
    Ok(())
}
