//! What storage costs, by EIP-2200, 2929 and 3529.

mod world;

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Bytes, TxKind};
use esker_runtime::exec::ExecutionStatus;
use esker_vm::{Halt, HostError};
use world::*;

/// EIP-3529's own test cases: gas of the stores together (its pushes taken off), refund, original value, stores.
const EIP_3529: &[(u64, u64, u64, &[u64])] = &[
    (212 - 12, 0, 0, &[0, 0]),
    (20_112 - 12, 0, 0, &[0, 1]),
    (20_112 - 12, 19_900, 0, &[1, 0]),
    (20_112 - 12, 0, 0, &[1, 2]),
    (20_112 - 12, 0, 0, &[1, 1]),
    (3_012 - 12, 4_800, 1, &[0, 0]),
    (3_012 - 12, 2_800, 1, &[0, 1]),
    (3_012 - 12, 0, 1, &[0, 2]),
    (3_012 - 12, 4_800, 1, &[2, 0]),
    (3_012 - 12, 0, 1, &[2, 3]),
    (3_012 - 12, 2_800, 1, &[2, 1]),
    (3_012 - 12, 0, 1, &[2, 2]),
    (3_012 - 12, 4_800, 1, &[1, 0]),
    (3_012 - 12, 0, 1, &[1, 2]),
    (212 - 12, 0, 1, &[1, 1]),
    (40_118 - 18, 19_900, 0, &[1, 0, 1]),
    (5_918 - 18, 7_600, 1, &[0, 1, 0]),
];

#[test]
fn stores_cost_and_refund_what_eip_3529_says() {
    for &(gas, refund, original, stores) in EIP_3529 {
        let machine = ScriptedMachine::default();
        let mut ledger = ledger();
        ledger.put_slot(CONTRACT, 0, original);
        let code = machine.code(0, move |guest| {
            // Gas enough that the refund's cap does not show.
            guest.meter.charge_gas(200_000)?;
            let used = cost(guest, |guest| {
                for &value in stores {
                    guest.host.storage_store(h256(0), h256(value), &mut guest.meter)?;
                }
                Ok(())
            })?;
            Ok(numbers(&[used]))
        });
        ledger.put_contract(CONTRACT, code);
        let mut unsigned = transaction(0, TxKind::Call(CONTRACT), 0, Bytes::new());
        unsigned.access_list = AccessList(vec![AccessListItem { address: CONTRACT, storage_keys: vec![word(0)] }]);
        let (results, _) = execute(&machine, &ledger, &[signed(0, unsigned)]);
        let result = results[0].as_ref().expect("valid");
        let case = format!("{original} then {stores:?}");
        assert_eq!(read_numbers(&result.output), [gas], "{case}");
        assert_eq!(result.gas_refunded, refund, "{case}");
    }
}

#[test]
fn a_refund_is_at_most_a_fifth_of_the_gas_used() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    for slot in 0..20 {
        ledger.put_slot(CONTRACT, slot, 1);
    }
    let (result, _) = call_script(&machine, &mut ledger, |guest| {
        for slot in 0..20 {
            guest.host.storage_store(h256(slot), h256(0), &mut guest.meter)?;
        }
        Ok(numbers(&[]))
    });
    let spent = result.gas_used + result.gas_refunded;
    assert!(20 * 4_800 > spent / 5, "the cap is what this test is about");
    assert_eq!(result.gas_refunded, spent / 5);
}

#[test]
fn the_first_access_to_a_slot_is_cold_and_a_reverted_frame_cools_it_again() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let (result, _) = call_script(&machine, &mut ledger, |guest| {
        let load = |guest: &mut Guest<'_>| guest.host.storage_load(h256(1), &mut guest.meter).map(drop);
        if guest.frame.caller == h160(CONTRACT) {
            load(guest)?;
            return Ok(End::Revert(Vec::new()));
        }
        let reverted = call(guest, esker_vm::CallKind::Call, CONTRACT, u64::MAX, 0)?;
        assert_eq!(reverted, esker_vm::CallResult::Revert(Vec::new()));
        let cold = cost(guest, load)?;
        let warm = cost(guest, load)?;
        let store = cost(guest, |guest| guest.host.storage_store(h256(2), h256(1), &mut guest.meter))?;
        let load_stored = cost(guest, |guest| guest.host.storage_load(h256(2), &mut guest.meter).map(drop))?;
        Ok(numbers(&[cold, warm, store, load_stored]))
    });
    assert_eq!(read_numbers(&result.output), [2_100, 100, 22_100, 100]);
}

#[test]
fn a_store_needs_more_gas_left_than_the_stipend() {
    for (left, expected) in [(2_300, false), (2_301, true)] {
        let machine = ScriptedMachine::default();
        let mut ledger = ledger();
        let (result, _) = call_script(&machine, &mut ledger, move |guest| {
            guest.host.storage_load(h256(0), &mut guest.meter)?;
            let spare = guest.meter.gas() - left;
            guest.meter.charge_gas(spare)?;
            guest.host.storage_store(h256(0), h256(0), &mut guest.meter)?;
            Ok(numbers(&[]))
        });
        assert_eq!(result.status.is_success(), expected, "{left} gas left");
    }
}

#[test]
fn a_slot_is_warm_for_one_transaction_only() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let code = machine.code(0, |guest| {
        let load = cost(guest, |guest| guest.host.storage_load(h256(0), &mut guest.meter).map(drop))?;
        let transient = guest.host.transient_load(h256(0), &mut guest.meter)?;
        assert_eq!(transient, h256(0), "transient storage ends with its transaction");
        guest.host.transient_store(h256(0), h256(1), &mut guest.meter)?;
        guest.host.storage_store(h256(0), h256(1), &mut guest.meter)?;
        Ok(numbers(&[load]))
    });
    ledger.put_contract(CONTRACT, code);
    let calls: Vec<_> =
        (0..2).map(|nonce| signed(0, transaction(nonce, TxKind::Call(CONTRACT), 0, Bytes::new()))).collect();
    let (results, changes) = execute(&machine, &ledger, &calls);
    for result in &results {
        assert_eq!(read_numbers(&result.as_ref().expect("valid").output), [2_100]);
    }
    // The second store changes nothing: it found the value of the first, as its original value.
    let used: Vec<_> = results.iter().map(|result| result.as_ref().expect("valid").gas_used).collect();
    assert_eq!(used[0] - used[1], 20_000 - 100);
    assert_eq!(changes.accounts[&CONTRACT].storage.len(), 1);
}

#[test]
fn running_out_while_storing_halts() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let (result, changes) = call_script(&machine, &mut ledger, |guest| {
        let spare = guest.meter.gas() - 10_000;
        guest.meter.charge_gas(spare)?;
        match guest.host.storage_store(h256(0), h256(1), &mut guest.meter) {
            Err(HostError::Halt(Halt::OutOfGas)) => Err(Halt::OutOfGas.into()),
            other => panic!("22,100 gas do not fit into 10,000: {other:?}"),
        }
    });
    assert_eq!(result.status, ExecutionStatus::Halt(Halt::OutOfGas));
    assert_eq!(result.gas_used, 5_000_000);
    assert!(!changes.accounts.contains_key(&CONTRACT));
}
