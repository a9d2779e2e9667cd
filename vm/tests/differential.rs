//! Programs on every engine: generated ones and mutated contracts, with ample fuel and stack, with fuel that ends at each
//! test of it, and with stacks that end at each depth. Results, memory, globals, host calls, the fuel seen at each of
//! them and at the end, and the halt must be the same.
//!
//! The long form is `cargo run --release -p esker-vm --example differential -- --programs 1000000`.

#[path = "differential/mod.rs"]
mod differential;
mod engines;
mod rewriters;
#[path = "generators/seeded.rs"]
mod seeded;
#[path = "generators/smith.rs"]
mod smith;

use differential::oracle::{Effort, Tally, agree, agree_on, rewritten};
use differential::programs::Sources;
use engines::{ALL, Code, Engine};
use esker_abi::MeterCosts;
use seeded::Seeded;

/// Programs 0, 1, … are tried.
const PROGRAMS: u64 = 1_200;

#[test]
fn programs_end_alike_on_every_engine_wherever_fuel_or_stack_run_out() {
    let sources = Sources::load();
    let (mut accepted, mut total) = (0, Tally::default());
    for number in 0..PROGRAMS {
        let Some(program) = sources.program(number) else { continue };
        // Few programs are followed along all their tests of fuel.
        let points = if number.is_multiple_of(16) { 40 } else { 5 };
        let effort = Effort { fuel_points: points, stack_points: 3, every_limit: true };
        let outcome = agree(&program.wasm, &program.input, &ALL, effort, &mut Seeded::new(number));
        match outcome {
            None => {}
            Some(Ok(tally)) => {
                accepted += 1;
                total.add(&tally);
            }
            Some(Err(what)) => panic!("program {number} ({}): {what}", program.kind),
        }
    }
    println!("programs 0..{PROGRAMS}: {accepted} accepted, {total:?}");
    assert!(accepted > PROGRAMS / 2, "the generators make acceptable programs: {accepted}");
    assert!(total.returned > accepted / 10 && total.trapped > accepted / 50, "they end in all ways: {total:?}");
    assert!(total.fuel_ends > accepted && total.stack_ends > accepted / 4, "limits are met: {total:?}");
}

#[test]
fn an_engine_that_charges_otherwise_is_found() {
    let mut costs = MeterCosts::V1;
    costs.instructions.trivial += 100;
    let sources = Sources::load();
    let effort = Effort { fuel_points: 4, stack_points: 0, every_limit: false };
    let (mut tried, mut found) = (0, 0);
    for number in 0..100 {
        let Some(program) = sources.program(number) else { continue };
        let (Some(right), Some(wrong)) = (rewritten(&program.wasm, &MeterCosts::V1), rewritten(&program.wasm, &costs))
        else {
            continue;
        };
        let codes =
            vec![(Engine::Winch, Code::new(Engine::Winch, &right)), (Engine::Wasmi, Code::new(Engine::Wasmi, &wrong))];
        tried += 1;
        found += u32::from(agree_on(codes, &right, &program.input, effort, &mut Seeded::new(number)).is_err());
    }
    println!("{found} of {tried} programs tell a weight that is wrong on one engine");
    // The others trap before their first test of fuel.
    assert!(found > tried / 2, "{found} of {tried}");
}
