//! Transactions that burn their gas and then create the worst modules: all of it is paid, and the block goes on.

mod everywhere;
#[allow(dead_code, reason = "this test needs one shape")]
#[rustfmt::skip]
#[path = "../../../vm/examples/compile_search/shapes.rs"]
mod shapes;
#[path = "../../../runtime/tests/world/mod.rs"]
mod world;

use alloy_primitives::{Bytes, TxKind, U256};
use esker_hostile::{BURN_THEN_CREATE, module};
use esker_runtime::Transaction;
use esker_runtime::exec::ExecutionStatus;
use esker_vm::{EngineKind, TierPolicy, envelope};
use everywhere::{engine, everywhere, execute};
use shapes::SHAPES;
use world::*;

/// Gas of each attack.
const GAS: u64 = 12_000_000;
/// Enough for the bomb: some seven million for its bytes and complexity.
const ENOUGH: u64 = 8_000_000;
/// Enough to begin with it: its bytes are paid, its complexity cannot be.
const TOO_LITTLE: u64 = 6_000_000;

/// The bomb: thousands of indirect calls with eight parameters and results.
fn bomb() -> Vec<u8> {
    let shape = SHAPES.iter().find(|shape| shape.name == "indirect calls").expect("there is such a shape");
    envelope::encode(&(shape.build)(shape.starts[0]))
}

/// A creation whose constructor burns all gas but `keep` and then creates the bomb.
fn attack(from: u8, keep: u64) -> Transaction {
    let attacker = envelope::encode(&module(&BURN_THEN_CREATE()));
    let payload = [&attacker[..], &keep.to_le_bytes(), &bomb()].concat();
    let mut create = transaction(0, TxKind::Create, 0, payload);
    create.gas_limit = GAS;
    signed(from, create)
}

fn transfer() -> Transaction {
    signed(9, transaction(0, TxKind::Call(signer(8)), 1, Bytes::new()))
}

#[test]
fn a_bomb_behind_burnt_gas_is_paid_for_and_the_block_goes_on() {
    for (keep, contracts) in [(ENOUGH, 2), (TOO_LITTLE, 1)] {
        let built = everywhere(
            "a burnt deployment",
            &ledger(),
            &[attack(0, keep), attack(1, keep), attack(2, keep), transfer()],
        );
        for result in &built.results[..3] {
            assert_eq!(result.status, ExecutionStatus::Success, "{keep} gas kept");
            assert!(result.gas_used > GAS - keep, "what was burnt is paid: {}", result.gas_used);
        }
        // The bomb is the same for all attackers.
        assert_eq!(built.changes.codes.len(), contracts, "{keep} gas kept");
        assert_eq!(built.results[3].gas_used, 21_000, "the block goes on");
        let tips = built.changes.accounts[&BENEFICIARY].after.expect("it was paid").balance;
        assert_eq!(tips, U256::from(built.gas_used), "a wei a gas of all that was used");
    }
}

#[test]
fn a_bomb_that_cannot_be_paid_is_not_compiled() {
    let engine = engine(EngineKind::Cranelift, TierPolicy::Baseline);
    for from in 0..3 {
        let built = execute(&engine, &ledger(), &[attack(from, TOO_LITTLE), transfer()]);
        // All that was kept but a 64th was given to the bomb, and is burnt.
        assert!(built.results[0].gas_used > GAS - TOO_LITTLE / 64 - 1_000);
        assert_eq!(engine.module_counts().compiled, 1, "the attacker alone");
    }
    let built = execute(&engine, &ledger(), &[attack(3, ENOUGH), attack(4, ENOUGH)]);
    assert_eq!(engine.module_counts().compiled, 2, "once, however often it is created");
    assert!(built.results.iter().all(|result| result.gas_used > GAS - ENOUGH), "each pays");
}
