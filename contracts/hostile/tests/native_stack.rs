//! The attack on the native stack: values that a compiler keeps across calls, although no wasm value stands for them.
//!
//! The frames' logical stack has to end first, whatever compiles the module.

mod everywhere;
#[path = "../../../runtime/tests/world/mod.rs"]
mod world;

use alloy_primitives::{Bytes, TxKind};
use esker_hostile::generated::{Recursion, fill_pairs};
use esker_hostile::module;
use esker_runtime::exec::{ExecutionStatus, create_address};
use esker_vm::abi::{Limits, MeterCosts};
use esker_vm::{Halt, envelope};
use everywhere::everywhere;
use world::*;

/// All pairs of 55 locals.
const ALL: usize = 1_485;

/// A recursion whose frames have that many fills.
type Bomb = (usize, Recursion);

/// Plenty for every frame that the logical stack holds.
const PLENTY: u64 = 5_000_000;

fn wasm((fills, recursion): Bomb) -> Vec<u8> {
    module(&fill_pairs(fills, recursion))
}

/// Whether an optimising compiler is trusted with it.
fn optimizable(bomb: Bomb) -> bool {
    let prepared = esker_vm::prepare_module(&wasm(bomb), &Limits::V1, &MeterCosts::V1).expect("it is acceptable");
    prepared.facts.optimizable
}

/// Creates the contract in a transaction, calls it in another with that much gas, and gives how the call ended.
fn blow(bomb: Bomb, gas: u64) -> ExecutionStatus {
    let mut create = transaction(0, TxKind::Create, 0, envelope::encode(&wasm(bomb)));
    let mut call = transaction(1, TxKind::Call(create_address(signer(0), 0)), 0, Bytes::new());
    (create.gas_limit, call.gas_limit) = (PLENTY, gas);
    let built = everywhere(&format!("{bomb:?}, {gas} gas"), &ledger(), &[signed(0, create), signed(0, call)]);
    assert!(built.results[0].status.is_success(), "{bomb:?} is accepted");
    assert_eq!(built.results[1].gas_used, gas, "{bomb:?} halts, and all of it is burnt");
    built.results[1].status
}

const OVERFLOW: ExecutionStatus = ExecutionStatus::Halt(Halt::StackOverflow);
const OUT_OF_GAS: ExecutionStatus = ExecutionStatus::Halt(Halt::OutOfGas);

#[test]
fn all_pairs_of_locals_overflow_the_logical_stack_first() {
    for recursion in [Recursion::First, Recursion::Last] {
        assert!(!optimizable((ALL, recursion)), "such frames are not for an optimiser");
        assert_eq!(blow((ALL, recursion), PLENTY), OVERFLOW, "{recursion:?}");
    }
}

#[test]
fn so_do_all_but_some() {
    for left_out in [100, 165, 170, 599, 1_000, 1_320] {
        assert_eq!(blow((ALL - left_out, Recursion::First), PLENTY), OVERFLOW, "{left_out} left out");
    }
}

#[test]
fn so_does_the_most_that_an_optimiser_is_trusted_with() {
    for recursion in [Recursion::First, Recursion::Last] {
        let (mut trusted, mut not) = (0, ALL);
        assert!(optimizable((trusted, recursion)), "without fills");
        while trusted + 1 < not {
            let middle = (trusted + not) / 2;
            if optimizable((middle, recursion)) { trusted = middle } else { not = middle }
        }
        println!("{recursion:?}: {trusted} fills are optimised, {not} are not");
        assert!(trusted > 0, "the attack reaches the optimiser at all");
        for fills in [trusted, not] {
            assert_eq!(blow((fills, recursion), PLENTY), OVERFLOW, "{fills} fills, {recursion:?}");
        }
    }
}

/// Around the gas with which the deepest frame is reached, stack and gas end together: everywhere at the same gas.
#[test]
fn gas_and_stack_end_together_alike() {
    let (mut short, mut enough) = (22_000, 200_000);
    assert_eq!((blow((ALL, Recursion::First), short), blow((ALL, Recursion::First), enough)), (OUT_OF_GAS, OVERFLOW));
    while short + 1 < enough {
        let middle = (short + enough) / 2;
        let end = blow((ALL, Recursion::First), middle);
        if end == OVERFLOW { enough = middle } else { short = middle }
    }
    println!("{short} gas are too little to overflow the stack");
}
