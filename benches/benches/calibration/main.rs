//! Calibration: how long a gas lasts, for everything that gas is paid for.
//!
//! `cargo bench -p esker-benches --bench calibration` measures every operator class, host function, bulk operation, call,
//! module load and deployment on each tier, and prints the table of the specification and a verdict. Arguments after `--`:
//!
//! - `--json` prints the rows as JSON instead;
//! - `--only TEXT` keeps the rows whose class or case contains the text (comma-separated: any of them);
//! - `--tiers baseline,optimised,pulley` chooses tiers, `--repeats N` how often each row is measured (20);
//! - `--protocol 2` measures by another protocol version's rules;
//! - `--deploys` measures deployments and loading from disk instead;
//! - `--ordinary` prints what ordinary transactions pay, and how often each price of the instrumentation;
//! - `--blocks` measures whole blocks instead: full of the worst of each kind against ordinary ones.

use esker_benches as _;

mod blocks;
mod deploys;
mod engines;
mod functions;
mod measure;
mod memory;
mod operators;
mod ordinary;
mod program;
mod report;
mod state;
mod world;

use engines::Tier;
use esker_runtime::Rules;
use program::Program;

/// The value after `name` among the arguments.
fn option(arguments: &[String], name: &str) -> Option<String> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).cloned()
}

fn programs() -> Vec<Program> {
    [operators::programs(), memory::programs(), functions::programs(), state::programs()].concat()
}

/// Whether the row `class`, `case` is asked for.
fn wanted(only: Option<&str>, class: &str, case: &str) -> bool {
    only.is_none_or(|only| only.split(',').any(|part| class.contains(part) || case.contains(part)))
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let only = option(&arguments, "--only");
    let tiers = option(&arguments, "--tiers").unwrap_or_else(|| "baseline,optimised,pulley".to_owned());
    let tiers: Vec<Tier> = Tier::ALL.into_iter().filter(|tier| tiers.contains(tier.name())).collect();
    let repeats = option(&arguments, "--repeats").and_then(|text| text.parse().ok()).unwrap_or(20);
    if let Some(version) = option(&arguments, "--protocol") {
        let rules = version.parse().ok().and_then(Rules::of).expect("--protocol names a version that there is");
        engines::set_rules(rules);
    }
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    if flag("--blocks") {
        return blocks::run(&tiers, repeats, only.as_deref());
    }
    if flag("--ordinary") {
        return ordinary::run();
    }
    let rows = if flag("--deploys") {
        deploys::measure(&tiers, repeats, only.as_deref())
    } else {
        let programs: Vec<Program> =
            programs().into_iter().filter(|program| wanted(only.as_deref(), &program.class, &program.case)).collect();
        measure::measure(&programs, &tiers, repeats, state::callees())
    };
    println!("{}", if flag("--json") { report::json(&rows) } else { report::markdown(&rows) });
}
