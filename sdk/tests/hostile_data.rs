//! Call data that nobody meant well with: an error, or what alloy reads.
//!
//! Deterministic: the seed below. `tests/fuzz` runs the same oracle on data that a fuzzer finds.

#[path = "oracles/abi.rs"]
mod oracle;
#[path = "../../tests/src/seeded.rs"]
mod seeded;

use std::cell::Cell;

use proptest::prelude::*;

const SEED: [u8; 32] = *b"esker: hostile data, one seed...";

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    seeded::run(&SEED, cases, strategy, test);
}

#[test]
fn words_that_look_like_an_encoding_are_read_as_alloy_reads_them_or_refused() {
    let accepted = Cell::new(0);
    run(60_000, (0..oracle::TYPES, prop::collection::vec(any::<u8>(), 0..24)), |(which, seeds)| {
        accepted.set(accepted.get() + u32::from(oracle::decoded(which, &oracle::words(&seeds))));
    });
    println!("{} of 60000 accepted", accepted.get());
    assert!(accepted.get() > 2_000);
}

#[test]
fn arbitrary_bytes_are_read_as_alloy_reads_them_or_refused() {
    run(20_000, (0..oracle::TYPES, prop::collection::vec(any::<u8>(), 0..300)), |(which, data)| {
        oracle::decoded(which, &data);
    });
}

#[test]
fn a_string_whose_padding_the_next_word_serves_as_is_accepted_and_padded_anew() {
    // Found by the fuzz target: string[] of one element whose 7 bytes end where the data end, unpadded words around it.
    assert!(oracle::decoded(13, &oracle::words(&[0x62, 0x87, 0xaa, 0x4a, 0x4a, 0x87, 0x25])));
}

#[test]
fn an_offset_back_into_the_head_is_followed_as_solidity_follows_it() {
    // Found by the fuzz target: alloy refuses this; an empty string read from the very word that points to it.
    assert!(oracle::decoded(11, &[0; 64]));
}
