//! Call data that nobody meant well with: the fault that Solidity finds, or what alloy reads.
//!
//! Deterministic: the seed below. `tests/fuzz` runs the same oracle on data that a fuzzer finds.

#[path = "oracles/abi.rs"]
mod oracle;
#[path = "../../tests/src/seeded.rs"]
mod seeded;

use std::cell::RefCell;

use esker_sdk::abi::Fault;
use proptest::prelude::*;

const SEED: [u8; 32] = *b"esker: hostile data, one seed...";

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    seeded::run(&SEED, cases, strategy, test);
}

#[test]
fn words_that_look_like_an_encoding_are_read_as_alloy_reads_them_or_refused() {
    let ends = RefCell::new([0; 3]);
    run(60_000, (0..oracle::TYPES, prop::collection::vec(any::<u8>(), 0..24)), |(which, seeds)| {
        ends.borrow_mut()[end(oracle::decoded(which, &oracle::words(&seeds)))] += 1;
    });
    let [accepted, malformed, too_large] = ends.into_inner();
    println!("{accepted} of 60000 accepted, {malformed} malformed, {too_large} too large");
    assert!(accepted > 2_000 && malformed > 20_000 && too_large > 500);
}

/// An index for counting.
fn end(fault: Option<Fault>) -> usize {
    match fault {
        None => 0,
        Some(Fault::Malformed) => 1,
        Some(Fault::TooLarge) => 2,
    }
}

#[test]
fn arbitrary_bytes_are_read_as_alloy_reads_them_or_refused() {
    let ends = RefCell::new([0; 3]);
    run(20_000, (0..oracle::TYPES, prop::collection::vec(any::<u8>(), 0..300)), |(which, data)| {
        ends.borrow_mut()[end(oracle::decoded(which, &data))] += 1;
    });
    // Noise is a number and hardly anything else: an offset in it points beyond the data.
    let [accepted, malformed, too_large] = ends.into_inner();
    println!("{accepted} of 20000 accepted, {malformed} malformed, {too_large} too large");
    assert!(accepted > 500 && malformed > 15_000 && too_large == 0);
}

#[test]
fn lengths_beyond_any_memory_are_told_from_lengths_beyond_the_data() {
    // Type 10 is bytes, 12 uint256[], 13 string[]: an offset to the word behind it, which is the length.
    let judged = |which: usize, seed: u8| oracle::decoded(which, &oracle::words(&[1, seed]));
    assert_eq!([12, 13].map(|which| judged(which, 216)), [Some(Fault::Malformed); 2], "2^59 - 6 elements");
    assert_eq!([12, 13].map(|which| judged(which, 217)), [Some(Fault::TooLarge); 2], "2^59 - 5 elements");
    assert_eq!(judged(10, 217), Some(Fault::Malformed), "as many bytes");
    assert_eq!(judged(10, 218), Some(Fault::Malformed), "2^64 - 192 bytes");
    assert_eq!(judged(10, 219), Some(Fault::TooLarge), "2^64 - 191 bytes");
    assert_eq!([10, 12, 13].map(|which| judged(which, 0xff)), [Some(Fault::TooLarge); 3], "a length of 256 bits");
    // The same number as an offset.
    assert_eq!(oracle::decoded(10, &[0xff; 64]), Some(Fault::Malformed));
    // The second of two strings' heads is missing: that is seen before the first one's length.
    assert_eq!(oracle::decoded(16, &oracle::words(&[1, 1, 0xff])), Some(Fault::TooLarge));
    assert_eq!(oracle::decoded(16, &oracle::words(&[2, 0xff, 1])), Some(Fault::Malformed));
}

#[test]
fn a_string_whose_padding_the_next_word_serves_as_is_accepted_and_padded_anew() {
    // Found by the fuzz target: string[] of one element whose 7 bytes end where the data end, unpadded words around it.
    assert_eq!(oracle::decoded(13, &oracle::words(&[0x62, 0x87, 0xaa, 0x4a, 0x4a, 0x87, 0x25])), None);
}

#[test]
fn an_offset_back_into_the_head_is_followed_as_solidity_follows_it() {
    // Found by the fuzz target: alloy refuses this; an empty string read from the very word that points to it.
    assert_eq!(oracle::decoded(11, &[0; 64]), None);
}
