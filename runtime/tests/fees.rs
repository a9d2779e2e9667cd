//! What makes a transaction invalid in a state, and where its fees go.

mod world;

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use esker_runtime::exec::{ExecutionStatus, Executor, Message};
use esker_runtime::types::ExecuteError;
use esker_runtime::{Transaction, TransactionError};
use esker_vm::{CallKind, Halt};
use proptest::prelude::*;
use world::*;

const SOMEBODY: Address = Address::repeat_byte(0x55);

fn plain(nonce: u64, value: u64) -> alloy_consensus::TxEip1559 {
    let mut transfer = transaction(nonce, TxKind::Call(SOMEBODY), value, Bytes::new());
    transfer.gas_limit = 21_000;
    transfer
}

fn refusal(ledger: &Ledger, transaction: Transaction) -> TransactionError {
    let machine = ScriptedMachine::default();
    let (mut results, changes) = execute(&machine, ledger, &[transaction]);
    assert!(changes.accounts.is_empty(), "an invalid transaction leaves no trace");
    match results.remove(0) {
        Err(ExecuteError::Invalid(error)) => error,
        other => panic!("the transaction is invalid: {other:?}"),
    }
}

#[test]
fn nonces_are_used_in_order() {
    let mut ledger = ledger();
    ledger.accounts.get_mut(&signer(0)).expect("funded").nonce = 5;
    let low = refusal(&ledger, signed(0, plain(3, 1)));
    assert_eq!(low.to_string(), "nonce too low: next nonce 5, tx nonce 3");
    let high = refusal(&ledger, signed(0, plain(7, 1)));
    assert_eq!(high.to_string(), format!("nonce too high: address {}, tx: 7 state: 5", signer(0)));
}

#[test]
fn the_sender_must_afford_value_and_gas_at_the_cap() {
    let mut ledger = ledger();
    let cost = U256::from(21_000 * 100 + 3);
    ledger.put_balance(signer(0), cost - U256::from(1));
    let error = refusal(&ledger, signed(0, plain(0, 3)));
    let words = "insufficient funds for gas * price + value: balance 2100002, tx cost 2100003, overshot 1";
    assert_eq!(error.to_string(), words);
    ledger.put_balance(signer(0), cost);
    let machine = ScriptedMachine::default();
    let (results, _) = execute(&machine, &ledger, &[signed(0, plain(0, 3))]);
    assert!(results[0].as_ref().expect("valid").status.is_success());

    let mut priceless = plain(0, 0);
    (priceless.gas_limit, priceless.max_fee_per_gas, priceless.value) = (1 << 48, u128::MAX, U256::MAX);
    let error = refusal(&ledger, signed(0, priceless));
    assert!(matches!(error, TransactionError::InsufficientFunds { cost: U256::MAX, .. }));
}

#[test]
fn a_cost_beyond_2_to_the_256_is_more_than_anybody_has() {
    let mut ledger = ledger();
    ledger.put_balance(signer(0), U256::MAX);
    let mut unsigned = plain(0, 0);
    unsigned.value = U256::MAX;
    let refused = refusal(&ledger, signed(0, unsigned));
    assert_eq!(refused, TransactionError::InsufficientFunds { balance: U256::MAX, cost: U256::MAX });
}

#[test]
fn the_fee_cap_must_cover_the_base_fee() {
    let mut cheap = plain(0, 0);
    (cheap.max_fee_per_gas, cheap.max_priority_fee_per_gas) = (6, 0);
    let error = refusal(&ledger(), signed(0, cheap));
    let words = format!("max fee per gas less than block base fee: address {}, maxFeePerGas: 6, baseFee: 7", signer(0));
    assert_eq!(error.to_string(), words);
}

#[test]
fn the_gas_limit_must_cover_the_intrinsic_gas_and_the_calldata_floor() {
    let mut short = plain(0, 0);
    short.gas_limit = 20_999;
    let error = refusal(&ledger(), signed(0, short));
    assert_eq!(error.to_string(), "intrinsic gas too low: gas 20999, minimum needed 21000");
    let mut floor = plain(0, 0);
    (floor.input, floor.gas_limit) = (vec![1; 100].into(), 24_999);
    let error = refusal(&ledger(), signed(0, floor.clone()));
    assert_eq!(error.to_string(), "insufficient gas for floor data gas cost: gas 24999, minimum needed 25000");
    floor.gas_limit = 25_000;
    let (results, _) = execute(&ScriptedMachine::default(), &ledger(), &[signed(0, floor)]);
    assert_eq!(results[0].as_ref().expect("valid").gas_used, 25_000, "not the 22,600 it spent");
}

#[test]
fn contracts_send_no_transactions() {
    let mut ledger = ledger();
    let machine = ScriptedMachine::default();
    ledger.put_contract(signer(0), machine.code(0, |_| Ok(numbers(&[]))));
    ledger.put_balance(signer(0), FUNDS);
    ledger.accounts.get_mut(&signer(0)).expect("funded").nonce = 0;
    let error = refusal(&ledger, signed(0, plain(0, 0)));
    assert_eq!(error, TransactionError::SenderNotEoa { sender: signer(0) });
}

#[test]
fn a_transfer_costs_21000_burns_the_base_fee_and_tips_the_beneficiary() {
    let ledger = ledger();
    let (results, changes) = execute(&ScriptedMachine::default(), &ledger, &[signed(0, plain(0, 1_000))]);
    let result = results[0].as_ref().expect("valid");
    assert_eq!((result.gas_used, result.effective_gas_price), (21_000, 8));
    let after = |address| changes.accounts[&address].after.expect("exists");
    assert_eq!(after(signer(0)).balance, FUNDS - U256::from(1_000 + 21_000 * 8));
    assert_eq!(after(signer(0)).nonce, 1);
    assert_eq!(after(SOMEBODY).balance, U256::from(1_000));
    assert_eq!(after(BENEFICIARY).balance, U256::from(21_000));
}

#[test]
fn an_access_list_is_paid_for_and_warms() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(
        CONTRACT,
        machine.code(0, |guest| {
            let listed = cost(guest, |guest| guest.host.balance(h160(SOMEBODY), &mut guest.meter).map(drop))?;
            let slot = cost(guest, |guest| guest.host.storage_load(h256(7), &mut guest.meter).map(drop))?;
            Ok(numbers(&[listed, slot]))
        }),
    );
    let mut transfer = plain(0, 0);
    let list = vec![
        AccessListItem { address: SOMEBODY, storage_keys: vec![word(1)] },
        AccessListItem { address: CONTRACT, storage_keys: vec![word(7)] },
    ];
    transfer.access_list = AccessList(list);
    transfer.gas_limit = 21_000 + 2 * 4_300;
    let mut call = transfer.clone();
    (call.to, call.gas_limit, call.nonce) = (TxKind::Call(CONTRACT), 100_000, 1);
    let (results, _) = execute(&machine, &ledger, &[signed(0, transfer), signed(0, call)]);
    assert_eq!(results[0].as_ref().expect("valid").gas_used, 29_600);
    assert_eq!(read_numbers(&results[1].as_ref().expect("valid").output), [100, 100]);
}

#[test]
fn a_call_that_cannot_pay_for_its_frame_halts_and_pays_for_all() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(CONTRACT, machine.code(0, |_| panic!("it cannot be paid for")));
    let mut call = plain(0, 50);
    (call.to, call.gas_limit) = (TxKind::Call(CONTRACT), 21_599);
    let (results, changes) = execute(&machine, &ledger, &[signed(0, call)]);
    let result = results[0].as_ref().expect("valid");
    assert_eq!((result.status, result.gas_used), (ExecutionStatus::Halt(Halt::OutOfGas), 21_599));
    assert!(!changes.accounts.contains_key(&CONTRACT), "the value stays where it was");
}

#[test]
fn a_reverted_transaction_pays_what_it_used_and_returns_its_bytes() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let (result, changes) = call_script(&machine, &mut ledger, |guest| {
        guest.host.storage_store(h256(0), h256(1), &mut guest.meter)?;
        Ok(End::Revert(b"no".to_vec()))
    });
    assert_eq!((result.status, &result.output[..]), (ExecutionStatus::Revert, &b"no"[..]));
    assert!(result.gas_used < 50_000);
    assert!(!changes.accounts.contains_key(&CONTRACT));
}

#[test]
fn a_transaction_to_oneself_only_costs_gas() {
    let mut transfer = plain(0, 123);
    transfer.to = TxKind::Call(signer(0));
    let (_, changes) = execute(&ScriptedMachine::default(), &ledger(), &[signed(0, transfer)]);
    assert_eq!(changes.accounts[&signer(0)].after.expect("exists").balance, FUNDS - U256::from(21_000 * 8));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_wei_appears_and_only_the_base_fee_vanishes(
        plan in prop::collection::vec((0..4u8, 0..4usize, 0..1_000u64, 1..90u128, 0..3u8), 1..30),
    ) {
        let machine = ScriptedMachine::default();
        let mut ledger = ledger();
        // A contract that passes on half of what it is sent, and sometimes fails afterwards.
        ledger.put_contract(CONTRACT, machine.code(0, |guest| {
            let value = guest.frame.value.low_u64();
            call(guest, CallKind::Call, SOMEBODY, 0, value / 2)?;
            match value % 3 {
                0 => Err(Halt::Unreachable.into()),
                1 => Ok(End::Revert(Vec::new())),
                _ => Ok(End::Return(Vec::new())),
            }
        }));
        let code = machine.code(10, |guest| if guest.frame.value.low_u64() % 2 == 0 {
            Ok(numbers(&[]))
        } else {
            Err(Halt::Unreachable.into())
        });
        let before = ledger.supply();
        let mut nonces = [0; 4];
        let transactions: Vec<_> = plan.iter().map(|&(sender, target, value, tip, kind)| {
            let to = match (kind, target) {
                (0, _) => TxKind::Create,
                (_, 0) => TxKind::Call(CONTRACT),
                (_, 1) => TxKind::Call(SOMEBODY),
                (_, 2) => TxKind::Call(BENEFICIARY),
                _ => TxKind::Call(signer(sender)),
            };
            let input = if kind == 0 { code.clone() } else { Bytes::new() };
            let mut unsigned = transaction(nonces[sender as usize], to, value, input);
            (unsigned.max_fee_per_gas, unsigned.max_priority_fee_per_gas) = (100, tip);
            unsigned.gas_limit = 200_000;
            nonces[sender as usize] += 1;
            signed(sender, unsigned)
        }).collect();
        let config = config();
        let (gas_used, changes) = esker_vm::execution(&machine, |session| {
        let mut executor = Executor::new(session, &ledger, &config, &env());
        let mut gas_used = 0;
        for transaction in &transactions {
            gas_used += executor.execute(&Message::from(transaction)).expect("valid").gas_used;
        }
        (gas_used, executor.journal().changes())
        });
        let mut after = ledger.clone();
        after.apply(&changes);
        prop_assert_eq!(after.supply() + U256::from(7 * gas_used), before);
    }
}
