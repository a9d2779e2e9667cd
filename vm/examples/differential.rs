//! The long form of `vm/tests/differential.rs`: as many programs as wanted, from any number on.
//!
//! ```text
//! cargo run --release -p esker-vm --example differential -- --programs 1000000 --seed 0
//! ```
//!
//! Every program meets Cranelift, Winch and wasmi; every `--all-engines`-th (4) also Cranelift without optimisation and
//! Pulley. A program that differs is reported with the command that repeats it, and the run goes on; it ends with 1 if
//! there were any.

#[path = "../tests/differential/mod.rs"]
mod differential;
#[path = "../tests/engines/mod.rs"]
mod engines;
#[path = "../tests/rewriters/mod.rs"]
mod rewriters;
#[path = "../tests/generators/seeded.rs"]
mod seeded;
#[path = "../tests/generators/smith.rs"]
mod smith;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use differential::oracle::{Effort, Tally, agree};
use differential::programs::Sources;
use engines::{ALL, Engine};
use seeded::Seeded;

const FEW: [Engine; 3] = [Engine::Cranelift, Engine::Winch, Engine::Wasmi];

/// Reports stand this many programs apart.
const REPORT: u64 = 5_000;

struct Options {
    programs: u64,
    seed: u64,
    all_engines: u64,
    /// Where the module of each program that differs is written.
    dump: Option<std::path::PathBuf>,
}

fn options() -> Result<Options, String> {
    let mut options = Options { programs: 10_000, seed: 0, all_engines: 4, dump: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|error| format!("{name} {value}: {error}"));
        match name.as_str() {
            "--programs" => options.programs = number()?,
            "--seed" => options.seed = number()?,
            "--all-engines" => options.all_engines = number()?.max(1),
            "--dump" => options.dump = Some(value.into()),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

#[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "progress for whoever waits")]
fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\nusage: differential [--programs N] [--seed S] [--all-engines N] [--dump FOLDER]");
            return ExitCode::from(2);
        }
    };
    let sources = Sources::load();
    let start = std::time::Instant::now();
    let (mut accepted, mut failures, mut tally) = (0_u64, 0_u64, Tally::default());
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut number = options.seed;
    // Numbers that make no acceptable program do not count.
    while accepted < options.programs {
        if let Some(program) = sources.program(number) {
            let all = number.is_multiple_of(options.all_engines);
            let engines: &[Engine] = if all { &ALL } else { &FEW };
            // Every limit of short runs, and long rows of tests, on a share of the programs.
            let thorough = number.is_multiple_of(64);
            let effort = Effort {
                fuel_points: if thorough { 64 } else { 3 },
                stack_points: if thorough { 24 } else { 2 },
                every_limit: number.is_multiple_of(16),
            };
            let mut random = Seeded::new(number);
            let checked =
                catch_unwind(AssertUnwindSafe(|| agree(&program.wasm, &program.input, engines, effort, &mut random)));
            let failure = match checked {
                Ok(None) => None,
                Ok(Some(Ok(found))) => {
                    accepted += 1;
                    tally.add(&found);
                    *kinds.entry(program.kind).or_default() += 1;
                    if accepted.is_multiple_of(REPORT) {
                        let seconds = start.elapsed().as_secs();
                        let rate = accepted * 1_000 / start.elapsed().as_millis().max(1) as u64;
                        println!(
                            "{accepted} programs, numbers {}..={number}, {failures} failures, {seconds} s, {rate} a second, \
                             {tally:?}, {kinds:?}",
                            options.seed
                        );
                    }
                    None
                }
                Ok(Some(Err(what))) => Some(what.to_string()),
                Err(panic) => Some(panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic".to_owned())),
            };
            if let Some(what) = failure {
                accepted += 1;
                failures += 1;
                println!("FAILURE: program {number} ({}): {what}", program.kind);
                println!(
                    "repeat with: cargo run --release -p esker-vm --example differential -- --programs 1 --seed {number} \
                     --all-engines {}",
                    if all { 1 } else { options.all_engines }
                );
                if let Some(folder) = &options.dump
                    && let Err(error) = std::fs::create_dir_all(folder)
                        .and_then(|()| std::fs::write(folder.join(format!("{number}.wasm")), &program.wasm))
                {
                    eprintln!("{}: {error}", folder.display());
                }
            }
        }
        number += 1;
    }
    println!("{accepted} programs, numbers {}..{number}, {failures} failures: {tally:?}, {kinds:?}", options.seed);
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
