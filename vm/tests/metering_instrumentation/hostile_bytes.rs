//! Whatever the bytes, the answer is a module that validates or a reason: never a panic, never a hang.

use std::time::Duration;

use wasmparser::{Validator, WasmFeatures};

use crate::equivalence::generate;
use crate::seeded::Seeded;
use crate::{prepare, wasm};

/// No module takes longer, however hostile; generous, since the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(5);

#[allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "how long the validator takes is what is tested"
)]
fn survives(bytes: &[u8], what: &str) -> bool {
    let start = std::time::Instant::now();
    let prepared = prepare(bytes);
    assert!(start.elapsed() < PATIENCE, "{what}: took {:?}", start.elapsed());
    match prepared {
        Ok(module) => {
            let mut validator = Validator::new_with_features(WasmFeatures::WASM2);
            validator.validate_all(&module.wasm).unwrap_or_else(|error| panic!("{what}: output is invalid: {error}"));
            true
        }
        Err(reason) => {
            assert!(!reason.to_string().is_empty() && !reason.to_string().contains('\u{1b}'), "{what}: {reason}");
            false
        }
    }
}

fn samples() -> Vec<Vec<u8>> {
    let shape = wasm(r#"(module (func (export "call")) (memory (export "memory") 1 4))"#);
    let mut samples: Vec<Vec<u8>> = crate::vectors::kernels().into_iter().map(|kernel| wasm(&kernel.text)).collect();
    samples.extend((0..40).filter_map(|seed| generate(seed, &shape)));
    samples
}

#[test]
fn truncated_modules_are_refused() {
    for (number, sample) in samples().iter().enumerate().take(12) {
        let step = (sample.len() / 400).max(1);
        let accepted = (0..sample.len())
            .step_by(step)
            .filter(|length| survives(&sample[..*length], &format!("sample {number} cut to {length}")))
            .count();
        // A module may be whole without its last sections, data and custom ones.
        assert!(accepted <= 3, "sample {number}: {accepted} lengths accepted");
    }
}

#[test]
fn mutated_modules_are_accepted_or_refused_without_a_panic() {
    let samples = samples();
    let mut accepted = 0;
    for seed in 0..20_000_u64 {
        let mut random = Seeded::new(seed);
        let mut bytes = samples[random.below(samples.len())].clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = (random.next() >> 40) as u8,
                1 => bytes[at] ^= 1 << random.below(8),
                2 => bytes.insert(at, (random.next() >> 40) as u8),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        accepted += u32::from(survives(&bytes, &format!("mutation seed {seed}")));
    }
    println!("seeds 0..20000: {accepted} mutated modules accepted");
    assert!(accepted > 100, "mutations reach beyond the first refusal: {accepted}");
}

#[test]
fn random_bytes_are_refused() {
    for seed in 0..5_000_u64 {
        let mut random = Seeded::new(seed);
        let length = random.below(600);
        let mut bytes = random.bytes(length);
        if seed.is_multiple_of(2) {
            let mut headed = b"\0asm\x01\0\0\0".to_vec();
            headed.append(&mut bytes);
            bytes = headed;
        }
        assert!(!survives(&bytes, &format!("random seed {seed}")));
    }
}
