//! The same work on Esker and on other contract machines, in one run: prints what a call takes on each, and how many times
//! longer it takes there than on Esker. README.md says how each is set up.

mod expected;
mod lane;
mod machines;
mod report;
mod targets;
mod work;

use lane::Lane;
use report::Row;
use work::Work;

/// The node's allocator, for every machine.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds unless the command line says otherwise.
const ROUNDS: usize = 25;

/// Rounds of a quick run.
const QUICK_ROUNDS: usize = 3;

const USAGE: &str = "usage: esker-peers [--quick] [--rounds N] [--only WORK,…] [--json]";

/// What the command line asks for.
struct Options {
    rounds: usize,
    only: Vec<Work>,
    json: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { rounds: ROUNDS, only: Work::ALL.to_vec(), json: false };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
            match argument.as_str() {
                "--quick" => options.rounds = QUICK_ROUNDS,
                "--json" => options.json = true,
                "--rounds" => {
                    let rounds = value()?.parse().ok().filter(|&rounds| rounds > 0);
                    options.rounds = rounds.ok_or("--rounds wants a number above zero")?;
                }
                "--only" => options.only = value()?.split(',').map(named).collect::<Result<_, _>>()?,
                other => return Err(format!("unknown argument {other:?}")),
            }
        }
        Ok(options)
    }
}

fn named(id: &str) -> Result<Work, String> {
    Work::ALL.into_iter().find(|work| work.id() == id).ok_or_else(|| {
        let known: Vec<&str> = Work::ALL.iter().map(|work| work.id()).collect();
        format!("unknown work {id:?}: choose of {}", known.join(", "))
    })
}

fn main() {
    let Options { rounds, only, json } = Options::parse(std::env::args().skip(1)).unwrap_or_else(|error| {
        eprintln!("{error}\n{USAGE}");
        std::process::exit(2)
    });
    let mut lanes: Vec<Lane> = machines::all().into_iter().map(Lane::new).collect();
    for &work in &only {
        lanes.iter_mut().filter(|lane| lane.can(work)).for_each(|lane| lane.check(work));
    }
    let rows: Vec<Row> =
        only.into_iter().map(|work| Row { work, figures: lane::measure(&mut lanes, work, rounds) }).collect();
    let machines: Vec<&str> = lanes.iter().map(Lane::name).collect();
    if json {
        println!("{:#}", report::json(&machines, &rows, rounds));
    } else {
        print!("{}", report::markdown(&machines, &rows, rounds));
    }
}
