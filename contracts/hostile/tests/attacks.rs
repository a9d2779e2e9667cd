//! Every call that means harm, on every engine and tier: how it ends, what it pays, what it leaves.

mod everywhere;
#[path = "../../../runtime/tests/world/mod.rs"]
mod world;

use std::collections::BTreeMap;

use alloy_primitives::{Bytes, TxKind, U256};
use esker_hostile::{ATTACKS, Attack};
use esker_runtime::Transaction;
use esker_runtime::exec::ExecutionStatus;
use esker_vm::abi::{Limits, MeterCosts};
use esker_vm::{Halt, ModuleFacts, envelope};
use everywhere::everywhere;
use world::*;

use ExecutionStatus::{Halt as Halted, Success};

/// How each attack ends, by name.
const ENDS: &[(&str, ExecutionStatus)] = &[
    ("infinite loop of nothing", Halted(Halt::OutOfGas)),
    ("infinite loop of the cheapest instruction", Halted(Halt::OutOfGas)),
    ("infinite loop of one branch table", Halted(Halt::OutOfGas)),
    ("fill in a loop", Halted(Halt::OutOfGas)),
    ("fill of nothing in a loop", Halted(Halt::OutOfGas)),
    ("fill of nothing beside the guard", Halted(Halt::OutOfGas)),
    ("fill of a byte beside the guard", Halted(Halt::OutOfGas)),
    ("copy of a byte in a loop", Halted(Halt::OutOfGas)),
    ("copy of nothing beside the guard", Halted(Halt::OutOfGas)),
    ("copy of a byte beside the guard", Halted(Halt::OutOfGas)),
    ("all fills of 55 locals in a loop", Halted(Halt::OutOfGas)),
    ("grow and touch every page", Halted(Halt::OutOfGas)),
    ("frames with all memory", Success),
    ("indirect recursion", Halted(Halt::StackOverflow)),
    ("256 frames with narrow stacks", Success),
    ("256 frames with wide stacks", Success),
    ("calls 256 deep", Success),
    ("static calls 256 deep", Success),
    ("delegate calls 256 deep", Success),
    ("calls with too little gas for 256", Success),
    ("two calls from each frame", Success),
    ("two hundred calls from each frame", Halted(Halt::OutOfGas)),
    ("return data that nobody reads", Halted(Halt::OutOfGas)),
    ("return data that is copied", Halted(Halt::OutOfGas)),
    ("return data of as many frames as gas allows", Success),
    ("logs until nothing is left", Halted(Halt::OutOfGas)),
    ("logs without data", Success),
    ("logs of 128 KiB", Success),
    ("data at both ends of memory", Success),
    ("load at the end", Success),
    ("load over the end", Halted(Halt::MemoryOutOfBounds)),
    ("load beyond 4 GiB", Halted(Halt::MemoryOutOfBounds)),
    ("store over the end", Halted(Halt::MemoryOutOfBounds)),
    ("fill of nothing at the end", Success),
    ("fill of nothing over the end", Halted(Halt::MemoryOutOfBounds)),
    ("fill of 4 GiB", Halted(Halt::OutOfGas)),
    ("copy over the end", Halted(Halt::MemoryOutOfBounds)),
    ("init over the segment", Halted(Halt::MemoryOutOfBounds)),
    ("growth by four billion pages", Success),
    ("output at the end", Success),
    ("output too large", Halted(Halt::OutputTooLarge)),
    ("output over the end", Halted(Halt::InvalidArgument)),
    ("host function at the end", Success),
    ("host function over the end", Halted(Halt::InvalidArgument)),
    ("hash of 4 GiB", Halted(Halt::OutOfGas)),
    ("hash over the end", Halted(Halt::InvalidArgument)),
    ("log over the end", Halted(Halt::InvalidArgument)),
    ("log with five topics", Halted(Halt::InvalidArgument)),
    ("input over its end", Halted(Halt::InvalidArgument)),
    ("return data without a call", Halted(Halt::InvalidArgument)),
    ("table at its end", Halted(Halt::TableOutOfBounds)),
    ("empty table entry", Halted(Halt::IndirectCallToNull)),
    ("table entry of another type", Halted(Halt::BadSignature)),
    ("topics that wrap around", Halted(Halt::InvalidArgument)),
    ("storage key that wraps around", Halted(Halt::InvalidArgument)),
];

/// How many frames deep the attacks come that count them.
const FRAMES: &[(&str, u32)] = &[
    ("frames with all memory", 146),
    ("256 frames with narrow stacks", 256),
    ("256 frames with wide stacks", 256),
    ("calls 256 deep", 256),
    ("static calls 256 deep", 256),
    ("delegate calls 256 deep", 256),
    ("calls with too little gas for 256", 56),
    ("return data of as many frames as gas allows", 238),
];

/// What the sender of an attack sends beside it, to see that the block goes on.
const VALUE: u64 = 1;

/// A block of an attack and an honest transfer.
fn transactions(attack: &Attack, input: &[u8]) -> [Transaction; 2] {
    let mut call = transaction(0, TxKind::Call(CONTRACT), 0, Bytes::copy_from_slice(input));
    call.gas_limit = attack.gas;
    [signed(0, call), signed(1, transaction(0, TxKind::Call(signer(2)), VALUE, Bytes::new()))]
}

fn world_of(attack: &Attack) -> Ledger {
    let mut ledger = ledger();
    ledger.put_contract(CONTRACT, envelope::encode(&attack.module()).into());
    ledger
}

fn facts(module: &[u8]) -> ModuleFacts {
    esker_vm::prepare_module(module, &Limits::V1, &MeterCosts::V1).expect("it is acceptable").facts
}

#[test]
fn the_attacks_on_limits_reach_them() {
    let attack = |name: &str| ATTACKS.iter().find(|attack| attack.name == name).expect("it is there");
    let pages = Limits::V1.memory_pages_max;
    for name in ["frames with all memory", "data at both ends of memory"] {
        assert_eq!(facts(&attack(name).module()).initial_pages, pages, "{name}");
    }
    // One recursion more is one too many: the stack is full.
    for name in ["256 frames with narrow stacks", "256 frames with wide stacks"] {
        let attack = attack(name);
        let depth = u32::from_le_bytes(attack.input.try_into().expect("four bytes"));
        let deeper = transactions(attack, &(depth + 1).to_le_bytes());
        let built = everywhere(name, &world_of(attack), &deeper);
        assert_eq!(built.results[0].status, Halted(Halt::StackOverflow), "{name}");
    }
}

#[test]
fn every_attack_ends_as_it_should_everywhere() {
    let mut ends: BTreeMap<_, _> = ENDS.iter().copied().collect();
    assert_eq!(ends.len(), ENDS.len(), "a name stands twice");
    let mut wrong = Vec::new();
    for attack in ATTACKS {
        let end = ends.remove(attack.name).unwrap_or_else(|| panic!("nobody says how `{}` ends", attack.name));
        let ledger = world_of(attack);
        let built = everywhere(attack.name, &ledger, &transactions(attack, attack.input));
        let [result, transfer] = &built.results[..] else { panic!("two transactions, two results") };
        println!("{:45} {:10} {:?}", attack.name, result.gas_used, result.status);
        if result.status != end {
            wrong.push(format!("{}: {:?} instead of {end:?}", attack.name, result.status));
        }
        if let Some((_, frames)) = FRAMES.iter().find(|(name, _)| *name == attack.name) {
            let made = result.output.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            if made != Some(*frames) {
                wrong.push(format!("{}: {made:?} frames instead of {frames}", attack.name));
            }
        }
        // Nothing that stays is cheaper than it would be alone.
        let logged: usize =
            result.logs.iter().map(|log| 375 * (1 + log.topics().len()) + 8 * log.data.data.len()).sum();
        assert!(logged as u64 <= result.gas_used, "{} logs {logged} gas's worth", attack.name);
        // What halts is paid for to the last gas, and leaves nothing; and the block goes on.
        match end {
            Halted(_) => {
                assert_eq!(result.gas_used, attack.gas, "{}", attack.name);
                assert!(result.logs.is_empty() && result.output.is_empty(), "{}", attack.name);
                assert!(!built.changes.accounts.contains_key(&CONTRACT), "{} changed its account", attack.name);
            }
            _ => assert!(result.gas_used <= attack.gas, "{}", attack.name),
        }
        assert_eq!((transfer.status, transfer.gas_used), (Success, 21_000), "{}", attack.name);
        assert_eq!(built.changes.accounts[&signer(2)].after.expect("it has coins").balance, FUNDS + U256::from(VALUE));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(ends.is_empty(), "no such attacks: {ends:?}");
}
