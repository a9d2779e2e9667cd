use esker_runtime::validators::proposer;
use esker_tests::golden::hold;
use esker_tests::seeded;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::second;

const SETS: &[(&str, &[u64])] = &[
    ("one validator", &[7]),
    ("equal powers", &[10, 10, 10, 10]),
    ("growing powers", &[1, 2, 3, 4, 5, 6, 7]),
    ("one far above the others", &[1, 1 << 59, 1]),
    ("nearly all the power there may be", &[(1 << 58) - 1, 1 << 58, 1 << 58, 1 << 58]),
];
const HEIGHTS: &[u64] = &[1, 2, 3, 1_000_000, u64::MAX];
const ROUNDS: &[u32] = &[0, 1, 2, 3, 4, 5, 6, 7, 100, u32::MAX];

#[test]
fn proposers_are_those_of_the_page() {
    let vector = |about: &str, powers: &[u64], height: u64| -> Value {
        let turns = second::turns(powers, height);
        let of = |round: &u32| proposer::index(powers.iter().copied(), height, *round);
        let chosen: Vec<usize> = ROUNDS.iter().map(of).collect();
        for (round, index) in ROUNDS.iter().zip(&chosen) {
            assert_eq!(*index, turns[*round as usize % powers.len()], "{about}, height {height}, round {round}");
        }
        json!({"about": about, "powers": powers, "height": height, "turns": turns, "rounds": ROUNDS, "proposers": chosen})
    };
    let of_set = |(about, powers): &(&str, &'static [u64])| {
        let (about, powers) = (*about, *powers);
        HEIGHTS.iter().map(|height| vector(about, powers, *height)).collect::<Vec<_>>()
    };
    hold("consensus/proposers.json", &json!(SETS.iter().flat_map(of_set).collect::<Vec<_>>()));
}

#[test]
fn both_implementations_choose_alike_for_any_set() {
    let strategy = (prop::collection::vec(1..1u64 << 53, 1..=100), any::<u64>());
    seeded::run(b"proposers of many validator sets", 300, strategy, |(powers, height)| {
        let turns = second::turns(&powers, height);
        for (round, index) in (0u32..).zip(&turns) {
            assert_eq!(proposer::index(powers.iter().copied(), height, round), *index, "height {height}, {powers:?}");
        }
    });
}
