//! The vectors of `tests/vectors/metering` and `tests/vectors/charges`: modules with what they use, for a second
//! implementation. `tests/vectors/README.md` has the format; `ESKER_BLESS=1` writes the amounts anew.

use std::fs;
use std::path::{Path, PathBuf};

use esker_abi::MeterVersion;

use crate::engines::{ALL, End, Engine, run_metered};
use crate::{metered, metered_by, wasm};

/// Fuel that the vectors are given: a million gas.
const FUEL: i64 = 10_000_000_000;
/// Begins the line that says how `call` ends.
const EXPECT: &str = ";; expect: ";
/// Begins the line that names the schedule, where it is not the first.
const METER: &str = ";; meter: ";
/// Begins the line with the fuel used when each host call is made.
const SEEN: &str = ";; seen: ";

pub struct Vector {
    pub name: String,
    pub text: String,
    path: PathBuf,
}

impl Vector {
    /// The module as the schedule that the vector names has it.
    fn rewritten(&self) -> Vec<u8> {
        match self.text.lines().find_map(|line| line.strip_prefix(METER)) {
            None => metered(&wasm(&self.text)),
            Some("2") => metered_by(&wasm(&self.text), MeterVersion::V2),
            Some(other) => panic!("{}: there is no schedule {other}", self.name),
        }
    }
}

fn vectors(folder: &str) -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the vectors stand in the repository")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| Vector {
            name: path.file_name().expect("files have names").to_string_lossy().into_owned(),
            text: fs::read_to_string(&path).expect("the vector can be read"),
            path,
        })
        .collect()
}

/// Every vector without imports, in the order of names.
pub fn kernels() -> Vec<Vector> {
    vectors("metering")
}

/// The lines with which a vector begins when `engine` runs it.
fn head(engine: Engine, rewritten: &[u8]) -> (String, Option<String>) {
    let run = run_metered(engine, rewritten, FUEL);
    let end = match run.end {
        End::Returned => format!("returned, fuel {}", FUEL - run.gas_left.expect("the entry point came back")),
        End::OutOfGas => "out of gas".to_owned(),
        End::StackOverflow => "stack overflow".to_owned(),
        End::Finished(_) => "finished".to_owned(),
        other => format!("{other:?}"),
    };
    let seen: Vec<_> = run.gas_seen.iter().map(|left| (FUEL - left).to_string()).collect();
    let seen = (!seen.is_empty()).then(|| format!("{SEEN}{}", seen.join(" ")));
    (format!("{EXPECT}{end}"), seen)
}

#[allow(clippy::disallowed_methods, reason = "a test's switch, no consensus code")]
fn blessing() -> bool {
    std::env::var_os("ESKER_BLESS").is_some()
}

fn bless(vector: &Vector) {
    let (end, seen) = head(Engine::Cranelift, &vector.rewritten());
    let rest = vector.text.lines().filter(|line| !line.starts_with(EXPECT) && !line.starts_with(SEEN));
    let lines: Vec<&str> = [end.as_str()].into_iter().chain(seen.as_deref()).chain(rest).collect();
    fs::write(&vector.path, lines.join("\n") + "\n").expect("the tree is writable");
}

#[test]
fn every_vector_uses_the_fuel_it_says_on_every_engine() {
    let both = || vectors("metering").into_iter().chain(vectors("charges"));
    if blessing() {
        both().for_each(|vector| bless(&vector));
    }
    assert!(both().count() >= 18, "the vectors are there: {}", both().count());
    let mut wrong = Vec::new();
    for vector in both() {
        let rewritten = vector.rewritten();
        let line = |prefix: &str| vector.text.lines().find(|line| line.starts_with(prefix)).map(str::to_owned);
        let expected = (line(EXPECT).unwrap_or_default(), line(SEEN));
        for engine in ALL {
            let found = head(engine, &rewritten);
            if expected != found {
                wrong.push(format!("{} on {engine:?}: expected {expected:?}, found {found:?}", vector.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
