//! Property tests that draw the same cases in every run. The crates' own tests include this file by its path.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Tests so many cases of `strategy`, drawn from `seed`, which is printed. A case fails by panicking.
///
/// # Panics
/// If a case fails: with the smallest one found.
pub fn run<S: Strategy>(seed: &[u8; 32], cases: u32, strategy: S, test: impl Fn(S::Value)) {
    println!("seed {}, {cases} cases", String::from_utf8_lossy(seed));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, seed));
    let result = runner.run(&strategy, |value| {
        test(value);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
