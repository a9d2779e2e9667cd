//! Single transactions with everything that must come out of them, down to the fuel of the first frame:
//! `tests/vectors/vm/`. `tests/vectors/README.md` has the format.
//!
//! What a case is about, and how it ends, is said here; prices come out of the run. `ESKER_BLESS=1` writes the files anew.

mod world;

#[path = "vm_vectors/calls.rs"]
mod calls;
#[path = "vm_vectors/case.rs"]
mod case;
#[path = "vm_vectors/creations.rs"]
mod creations;
#[path = "vm_vectors/crypto.rs"]
mod crypto;
#[path = "vm_vectors/format.rs"]
mod format;
#[path = "vm_vectors/halts.rs"]
mod halts;
#[path = "vm_vectors/host.rs"]
mod host;
#[path = "vm_vectors/points.rs"]
mod points;

use std::collections::BTreeSet;
use std::path::PathBuf;

use case::Case;
use esker_vm::{Engine, EngineConfig, EngineKind, TierPolicy, envelope};
use format::{Vector, VectorFile, run};

/// Every engine that must agree.
fn engines() -> Vec<Engine> {
    let mut engines = Vec::new();
    for kind in [EngineKind::Cranelift, EngineKind::Pulley] {
        for tiers in [TierPolicy::Baseline, TierPolicy::Optimised, TierPolicy::Background] {
            let config =
                EngineConfig { kind, tiers, execution_sessions: 1, simulation_sessions: 1, ..Default::default() };
            engines.push(Engine::new(config).expect("an engine starts"));
        }
    }
    engines
}

fn files() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("calls", calls::cases()),
        ("creations", creations::cases()),
        ("crypto", crypto::cases()),
        ("halts", halts::cases()),
        ("host", host::cases()),
    ]
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/vm").join(format!("{file}.json"))
}

fn bless(engine: &Engine) {
    for (file, cases) in files() {
        let vectors = cases.iter().map(|case| {
            let mut vector = case.vector();
            vector.expect = run(&vector, engine);
            vector
        });
        let text = serde_json::to_string_pretty(&VectorFile::new(vectors.collect())).expect("vectors are JSON") + "\n";
        std::fs::write(path(file), text).expect("the tree is writable");
    }
}

#[test]
fn every_vector_comes_out_as_written_on_every_engine() {
    let engines = engines();
    if std::env::var_os("ESKER_BLESS").is_some() {
        bless(&engines[0]);
    }
    let mut wrong = Vec::new();
    for (file, cases) in files() {
        let text = std::fs::read(path(file)).expect("the vectors are part of the repository");
        let found: VectorFile = serde_json::from_slice(&text).expect("vectors are JSON of this shape");
        assert_eq!(found.block, VectorFile::new(Vec::new()).block, "{file}: the block is not the one that is run in");
        let names: Vec<_> = found.vectors.iter().map(|vector| vector.name.as_str()).collect();
        let expected: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, expected, "{file} is out of date: ESKER_BLESS=1");
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len(), "{file}: a name twice");
        for (vector, case) in found.vectors.iter().zip(&cases) {
            let name = &vector.name;
            assert_eq!(
                vector.without_end(),
                case.vector().without_end(),
                "{file}, {name} is out of date: ESKER_BLESS=1"
            );
            check_modules(vector);
            if let Err(what) = case.meets(&vector.expect) {
                wrong.push(format!("{file}, {name}: {what}"));
            }
            for engine in &engines {
                let end = run(vector, engine);
                if end != vector.expect {
                    wrong.push(format!("{file}, {name} on {}: {end:?}", engine.kind()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The readable forms of a vector's modules are those of the code that runs.
fn check_modules(vector: &Vector) {
    for module in &vector.modules {
        let code = match module.at {
            Some(address) => vector.pre[&address].code.clone(),
            None => vector.transaction.input.clone(),
        };
        let payload = envelope::parse(&code).expect("the code is an envelope");
        assert_eq!(payload.inflate().expect("the code inflates"), module.wasm.to_vec(), "{}", vector.name);
        if let Some(wat) = &module.wat {
            assert_eq!(wat::parse_str(wat).expect("the text is sound"), module.wasm.to_vec(), "{}", vector.name);
        }
    }
}
