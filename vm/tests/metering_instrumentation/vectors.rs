//! The vectors of `tests/vectors/metering`: modules with what they use, for a second implementation.
//!
//! Each file begins with `;; expect:` and how `call` ends under protocol version 1 on 65,536 stack units, with ample
//! fuel: `returned, fuel N`, `stack overflow`, or `out of gas`.

use std::fs;
use std::path::Path;

use crate::engines::{ALL, End, run_metered};
use crate::{metered, wasm};

/// Fuel that the vectors are given: a million gas.
const FUEL: i64 = 10_000_000_000;

pub struct Vector {
    pub name: String,
    pub text: String,
}

/// Every vector, in the order of names.
pub fn kernels() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/metering");
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
        })
        .collect()
}

#[test]
fn every_vector_uses_the_fuel_it_says_on_every_engine() {
    let vectors = kernels();
    assert!(vectors.len() >= 10, "the vectors are there: {}", vectors.len());
    let mut wrong = Vec::new();
    for vector in vectors {
        let rewritten = metered(&wasm(&vector.text));
        for engine in ALL {
            let run = run_metered(engine, &rewritten, FUEL);
            let found = match run.end {
                End::Returned => format!("returned, fuel {}", FUEL - run.gas_left.expect("the entry point came back")),
                End::OutOfGas => "out of gas".to_owned(),
                End::StackOverflow => "stack overflow".to_owned(),
                other => format!("{other:?}"),
            };
            let expected = vector.text.lines().next().and_then(|line| line.strip_prefix(";; expect: "));
            if expected != Some(&found) {
                wrong.push(format!("{} on {engine:?}: expected {expected:?}, found {found:?}", vector.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
