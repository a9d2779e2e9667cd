//! What small contracts may weigh. Where no compiler is at hand, the tests say so and do nothing.

mod support;

use std::fs;
use std::path::Path;

use esker_sdk_build::{BuildOptions, ToStderr, build_once};
use support::{build_in, toolchain};

const EMPTY: &str = "#![no_std]
use esker_sdk::prelude::*;
#[contract]
pub mod empty {
    use super::*;
    #[storage]
    pub struct Empty {}
    impl Empty {}
}
";

#[test]
fn an_empty_contract_is_at_most_two_and_a_half_kib() {
    let Some(toolchain) = toolchain() else { return };
    let place = tempfile::tempdir().expect("a temporary folder");
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the SDK");
    let manifest = format!(
        "[package]\nname = \"empty\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n\
         [dependencies]\nesker-sdk = {{ path = {sdk:?} }}\n[workspace]\n"
    );
    fs::create_dir(place.path().join("src")).expect("made");
    fs::write(place.path().join("Cargo.toml"), manifest).expect("written");
    fs::write(place.path().join("src/lib.rs"), EMPTY).expect("written");
    let built = build_in(place.path(), toolchain, &BuildOptions::default()).expect("it builds");
    assert!(built.artifact.size.wasm <= 2_560, "{:?}", built.artifact.size);
}

#[test]
fn the_token_is_about_eight_kib_and_at_most_eighty_lines() {
    if toolchain().is_none() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/erc20");
    let built = build_once(&folder, &ToStderr).expect("it builds");
    // 8 KiB with the compilers of docs/benchmarks.md; others are a few bytes better or worse.
    assert!(built.artifact.size.wasm <= 8_192 + 128, "{:?}", built.artifact.size);
    let source = fs::read_to_string(folder.join("src/lib.rs")).expect("its source");
    let lines = source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    assert!(lines <= 80, "{lines} lines");
}

/// Uniswap V2's pair: 18 KiB.
#[test]
fn a_constant_product_pair_is_at_most_eighteen_kib() {
    if toolchain().is_none() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/amm-pair");
    let built = build_once(&folder, &ToStderr).expect("it builds");
    assert!(built.artifact.size.wasm <= 18_432, "{:?}", built.artifact.size);
}
