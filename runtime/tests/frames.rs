//! Calls between contracts: gas handed over, value, static and delegate frames, reentrancy, failure.

mod world;

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, TxKind, U256};
use esker_runtime::exec::{ExecutionStatus, Executor, Message};
use esker_runtime::types::ExecuteError;
use esker_vm::{CallKind, CallResult, CreateRequest, Fatal, Halt, HostError, Log};
use world::*;

const OTHER: Address = Address::repeat_byte(0xc1);
const THIRD: Address = Address::repeat_byte(0xc2);

fn give_back_gas(guest: &mut Guest<'_>) -> Result<End, HostError> {
    Ok(numbers(&[guest.meter.gas()]))
}

fn number_from(result: CallResult) -> u64 {
    match result {
        CallResult::Success(output) => read_numbers(&output)[0],
        other => panic!("the callee returns: {other:?}"),
    }
}

#[test]
fn a_callee_gets_what_is_asked_for_but_a_64th_stays() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(OTHER, machine.code(0, give_back_gas));
    let (result, _) = call_script(&machine, &mut ledger, |guest| {
        let modest = number_from(call(guest, CallKind::Call, OTHER, 12_345, 0)?);
        // Account, frame and code are paid before the rule applies; all is warm and paid now but the frame.
        let left = guest.meter.gas() - 100 - 950 - 2_000;
        let all = number_from(call(guest, CallKind::Call, OTHER, u64::MAX, 0)?);
        assert_eq!(guest.meter.gas(), left + 2_000, "the callee used nothing, gave everything back and did not halt");
        Ok(numbers(&[modest, all, left]))
    });
    let output = read_numbers(&result.output);
    assert_eq!(output[0], 12_345);
    assert_eq!(output[1], output[2] - output[2] / 64);
}

#[test]
fn the_first_call_pays_for_account_frame_and_code_and_later_ones_for_the_frame() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let code = machine.code(0, |_| Ok(numbers(&[])));
    let code_fuel = code_fuel(&code);
    ledger.put_contract(OTHER, code);
    let (result, _) = call_script(&machine, &mut ledger, |guest| {
        let mut fuel = Vec::new();
        for _ in 0..2 {
            let before = guest.meter.fuel();
            call(guest, CallKind::Call, OTHER, 0, 0)?;
            fuel.push(before - guest.meter.fuel());
        }
        Ok(numbers(&fuel))
    });
    let expected = [(2_600 + 950) * 10_000 + code_fuel, (100 + 950) * 10_000];
    assert_eq!(read_numbers(&result.output), expected);
}

#[test]
fn value_costs_9000_a_new_account_25000_and_the_callee_gets_a_stipend() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(OTHER, machine.code(0, give_back_gas));
    ledger.put_contract(
        CONTRACT,
        machine.code(0, |guest| {
            let stipend = number_from(call(guest, CallKind::Call, OTHER, 0, 5)?);
            // The unused stipend comes back: 100 + 9,000 + 950 − 2,300.
            let call_cost = cost(guest, |guest| call(guest, CallKind::Call, OTHER, 0, 5).map(drop))?;
            let new = cost(guest, |guest| call(guest, CallKind::Call, THIRD, 0, 1).map(drop))?;
            let existing = cost(guest, |guest| call(guest, CallKind::Call, THIRD, 0, 1).map(drop))?;
            let nothing = cost(guest, |guest| call(guest, CallKind::Call, Address::repeat_byte(9), 0, 0).map(drop))?;
            Ok(numbers(&[stipend, call_cost, new, existing, nothing]))
        }),
    );
    let call = signed(0, transaction(0, TxKind::Call(CONTRACT), 100, Bytes::new()));
    let (results, changes) = execute(&machine, &ledger, &[call]);
    let result = results[0].as_ref().expect("valid");
    let expected = [2_300, 100 + 9_000 + 950 - 2_300, 2_600 + 9_000 + 25_000 - 2_300, 100 + 9_000 - 2_300, 2_600];
    assert_eq!(read_numbers(&result.output), expected);
    let balance = |address| changes.accounts[&address].after.expect("exists").balance;
    assert_eq!(balance(OTHER), U256::from(10));
    assert_eq!(balance(THIRD), U256::from(2));
    assert_eq!(balance(CONTRACT), U256::from(88));
    assert!(!changes.accounts.contains_key(&Address::repeat_byte(9)), "touching does not create");
}

#[test]
fn a_call_beyond_the_balance_is_not_made_and_its_gas_comes_back() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let code = machine.code(0, |_| panic!("nobody calls this"));
    let code_fuel = code_fuel(&code);
    ledger.put_contract(OTHER, code);
    let (result, changes) = call_script(&machine, &mut ledger, |guest| {
        let before = guest.meter.fuel();
        assert_eq!(call(guest, CallKind::Call, OTHER, u64::MAX, 1)?, CallResult::Halt);
        Ok(numbers(&[before - guest.meter.fuel()]))
    });
    assert_eq!(read_numbers(&result.output), [(2_600 + 9_000 + 950 - 2_300) * 10_000 + code_fuel]);
    assert!(!changes.accounts.contains_key(&OTHER));
}

#[test]
fn nothing_changes_in_static_frames_however_deep() {
    type Attempt = fn(&mut Guest<'_>) -> Result<(), HostError>;
    let attempts: [Attempt; 5] = [
        |guest| guest.host.storage_store(h256(0), h256(1), &mut guest.meter),
        |guest| guest.host.transient_store(h256(0), h256(1), &mut guest.meter),
        |guest| guest.host.log(Log { topics: Vec::new(), data: Vec::new() }, &mut guest.meter),
        |guest| call(guest, CallKind::Call, THIRD, 0, 1).map(drop),
        |guest| {
            let request = CreateRequest { value: 0.into(), payload: &[], salt: None };
            guest.host.create(request, &mut guest.meter).map(drop)
        },
    ];
    for (index, attempt) in attempts.into_iter().enumerate() {
        for between in [CallKind::Call, CallKind::Delegate, CallKind::Static] {
            let machine = ScriptedMachine::default();
            let mut ledger = ledger();
            ledger.put_contract(
                THIRD,
                machine.code(0, move |guest| {
                    assert!(guest.frame.is_static);
                    assert_eq!(attempt(guest), Err(HostError::Halt(Halt::StaticViolation)), "attempt {index}");
                    Err(Halt::StaticViolation.into())
                }),
            );
            ledger.put_contract(
                OTHER,
                machine.code(0, move |guest| {
                    assert_eq!(call(guest, between, THIRD, 100_000, 0)?, CallResult::Halt);
                    Ok(numbers(&[7]))
                }),
            );
            let (result, _) = call_script(&machine, &mut ledger, |guest| {
                assert!(!guest.frame.is_static);
                assert_eq!(number_from(call(guest, CallKind::Static, OTHER, 1_000_000, 0)?), 7);
                Ok(numbers(&[]))
            });
            assert_eq!(result.status, ExecutionStatus::Success);
        }
    }
}

#[test]
fn a_delegate_frame_keeps_address_caller_and_value() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(
        OTHER,
        machine.code(0, |guest| {
            assert_eq!(guest.frame.address, h160(CONTRACT));
            assert_eq!(guest.frame.caller, h160(signer(0)));
            assert_eq!(guest.frame.value, 40.into());
            guest.host.storage_store(h256(0), h256(9), &mut guest.meter)?;
            guest.host.log(Log { topics: Vec::new(), data: vec![1] }, &mut guest.meter)?;
            Ok(numbers(&[]))
        }),
    );
    ledger.put_contract(
        CONTRACT,
        machine.code(0, |guest| {
            call(guest, CallKind::Delegate, OTHER, u64::MAX, 0)?;
            Ok(numbers(&[]))
        }),
    );
    let call = signed(0, transaction(0, TxKind::Call(CONTRACT), 40, Bytes::new()));
    let (results, changes) = execute(&machine, &ledger, &[call]);
    assert_eq!(results[0].as_ref().expect("valid").logs[0].address, CONTRACT);
    assert_eq!(changes.accounts[&CONTRACT].storage[&word(0)].after, word(9));
    assert!(!changes.accounts.contains_key(&OTHER));
}

#[test]
fn reentrancy_is_seen_through_calls_static_calls_and_proxies_but_not_in_the_proxy_itself() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    // The proxy's logic: says what it sees; at first entry it calls the third contract, which calls the proxy again.
    ledger.put_contract(
        OTHER,
        machine.code(0, |guest| {
            let mut seen = vec![u64::from(guest.frame.is_reentrant)];
            if !guest.frame.is_reentrant {
                match call(guest, CallKind::Call, THIRD, u64::MAX, 0)? {
                    CallResult::Success(output) => seen.extend(read_numbers(&output)),
                    other => panic!("{other:?}"),
                }
            }
            Ok(numbers(&seen))
        }),
    );
    ledger.put_contract(
        THIRD,
        machine.code(0, |guest| {
            assert!(!guest.frame.is_reentrant);
            let by_call = number_from(call(guest, CallKind::Call, CONTRACT, u64::MAX, 0)?);
            let by_static = number_from(call(guest, CallKind::Static, CONTRACT, u64::MAX, 0)?);
            // Its own code on its own account through a delegate frame is no re-entry.
            Ok(numbers(&[by_call, by_static]))
        }),
    );
    let (result, _) =
        call_script(&machine, &mut ledger, |guest| match call(guest, CallKind::Delegate, OTHER, u64::MAX, 0)? {
            CallResult::Success(output) => Ok(End::Return(output)),
            other => panic!("{other:?}"),
        });
    assert_eq!(read_numbers(&result.output), [0, 1, 1]);
}

#[test]
fn reentrancy_ends_with_the_frame() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(
        OTHER,
        machine.code(0, |guest| {
            assert!(!guest.frame.is_reentrant);
            Ok(End::Revert(Vec::new()))
        }),
    );
    let (result, _) = call_script(&machine, &mut ledger, |guest| {
        for _ in 0..3 {
            call(guest, CallKind::Call, OTHER, u64::MAX, 0)?;
        }
        Ok(numbers(&[]))
    });
    assert!(result.status.is_success());
}

#[test]
fn the_257th_frame_is_not_made() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let code = machine.code(0, |guest| {
        let below = match call(guest, CallKind::Call, CONTRACT, u64::MAX, 0)? {
            CallResult::Success(output) => read_numbers(&output)[0],
            CallResult::Halt => 0,
            CallResult::Revert(_) => panic!("nobody reverts"),
        };
        Ok(numbers(&[below + 1]))
    });
    ledger.put_contract(CONTRACT, code);
    // Each frame keeps a 64th of its gas, and what it laid down for a halt.
    let call = TxEip1559 { gas_limit: 20_000_000, ..transaction(0, TxKind::Call(CONTRACT), 0, Bytes::new()) };
    let (results, _) = execute(&machine, &ledger, &[signed(0, call)]);
    assert_eq!(read_numbers(&results[0].as_ref().expect("valid").output), [256]);
}

#[test]
fn a_failed_callee_leaves_nothing_and_a_halted_one_no_gas() {
    // What was laid down for a halt, 2,000 gas, stays with a halt.
    for (end, gas_kept) in [(Err(Halt::Unreachable), 2_000), (Ok(End::Revert(vec![1])), -10_000)] {
        let machine = ScriptedMachine::default();
        let mut ledger = ledger();
        ledger.put_slot(OTHER, 0, 5);
        let code = machine.code(0, move |guest| {
            let spare = guest.meter.gas() - 60_000;
            guest.meter.charge_gas(spare)?;
            guest.host.storage_store(h256(0), h256(0), &mut guest.meter)?;
            guest.host.transient_store(h256(0), h256(1), &mut guest.meter)?;
            guest.host.log(Log { topics: vec![h256(1)], data: Vec::new() }, &mut guest.meter)?;
            call(guest, CallKind::Call, THIRD, 0, 3)?;
            let spare = guest.meter.gas() - 10_000;
            guest.meter.charge_gas(spare)?;
            end.clone().map_err(HostError::Halt)
        });
        let code_fuel = code_fuel(&code);
        ledger.put_contract(OTHER, code);
        ledger.put_contract(
            CONTRACT,
            machine.code(0, |guest| {
                let before = guest.meter.fuel();
                let result = call(guest, CallKind::Call, OTHER, 200_000, 4)?;
                assert!(!matches!(result, CallResult::Success(_)));
                Ok(numbers(&[before - guest.meter.fuel()]))
            }),
        );
        let call = signed(0, transaction(0, TxKind::Call(CONTRACT), 100, Bytes::new()));
        let (results, changes) = execute(&machine, &ledger, &[call]);
        let result = results[0].as_ref().expect("valid");
        assert!(result.status.is_success(), "{result:?}");
        let account_value_frame = 2_600 + 9_000 + 950;
        let expected = (account_value_frame + 200_000_u64).strict_add_signed(gas_kept) * 10_000 + code_fuel;
        assert_eq!(read_numbers(&result.output), [expected]);
        assert_eq!(result.gas_refunded, 0, "the refund is undone with its frame");
        assert!(result.logs.is_empty());
        let touched: Vec<_> = changes.accounts.keys().copied().collect();
        let mut expected = vec![signer(0), BENEFICIARY, CONTRACT];
        expected.sort();
        assert_eq!(touched, expected);
    }
}

#[test]
fn a_fatal_fault_leaves_the_block_as_it_was_and_usable() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(OTHER, machine.code(0, |_| Err(broken().into())));
    ledger.put_contract(
        CONTRACT,
        machine.code(0, |guest| {
            guest.host.storage_store(h256(0), h256(1), &mut guest.meter)?;
            call(guest, CallKind::Call, OTHER, u64::MAX, 0)?;
            panic!("a fatal fault never comes back to the guest");
        }),
    );
    let config = config();
    esker_vm::execution(&machine, |session| {
        let mut executor = Executor::new(session, &ledger, &config, &env());
        let bad = signed(0, transaction(0, TxKind::Call(CONTRACT), 3, Bytes::new()));
        assert_eq!(executor.execute(&Message::from(&bad)), Err(ExecuteError::Fatal(broken())));
        assert!(executor.journal().changes().accounts.is_empty());
        let good = signed(0, transaction(0, TxKind::Call(THIRD), 3, Bytes::new()));
        assert!(executor.execute(&Message::from(&good)).expect("valid").status.is_success());
    });
}

#[test]
fn a_store_that_fails_is_fatal() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.broken = Some(THIRD);
    ledger.put_contract(
        CONTRACT,
        machine.code(0, |guest| {
            guest.host.balance(h160(THIRD), &mut guest.meter)?;
            panic!("a fatal fault never comes back to the guest");
        }),
    );
    let call = signed(0, transaction(0, TxKind::Call(CONTRACT), 0, Bytes::new()));
    let (results, changes) = execute(&machine, &ledger, &[call]);
    assert!(matches!(results[0], Err(ExecuteError::Fatal(_))));
    assert!(changes.accounts.is_empty());
}

#[test]
fn accounts_are_cold_once_and_some_never() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let (result, _) = call_script(&machine, &mut ledger, |guest| {
        let mut costs = Vec::new();
        let identity = Address::with_last_byte(4);
        for address in [THIRD, THIRD, signer(0), CONTRACT, BENEFICIARY, identity] {
            costs.push(cost(guest, |guest| guest.host.balance(h160(address), &mut guest.meter).map(drop))?);
        }
        Ok(numbers(&costs))
    });
    assert_eq!(read_numbers(&result.output), [2_600, 100, 100, 100, 100, 100]);
}

#[test]
fn code_hash_and_size_follow_eip_1052() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let code = machine.code(0, |_| Ok(numbers(&[])));
    let (size, hash) = (code.len(), alloy_primitives::keccak256(&code));
    ledger.put_contract(OTHER, code);
    let (result, _) = call_script(&machine, &mut ledger, move |guest| {
        let mut hash_of =
            |address: Address| guest.host.code_hash(h160(address), &mut guest.meter).map(|hash| B256::new(hash.0));
        assert_eq!(hash_of(THIRD)?, B256::ZERO, "no account");
        assert_eq!(hash_of(signer(0))?, KECCAK256_EMPTY, "no code");
        assert_eq!(hash_of(OTHER)?, hash);
        assert_eq!(guest.host.code_size(h160(OTHER), &mut guest.meter)? as usize, size);
        assert_eq!(guest.host.code_size(h160(signer(0)), &mut guest.meter)?, 0);
        Ok(numbers(&[]))
    });
    assert!(result.status.is_success());
}

#[test]
fn precompiled_contracts_answer_to_their_addresses() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let (result, _) = call_script(&machine, &mut ledger, |guest| {
        let before = guest.meter.gas();
        let request = esker_vm::CallRequest {
            kind: CallKind::Static,
            gas: 100_000,
            target: h160(Address::with_last_byte(4)),
            value: 0.into(),
            input: &[1; 33],
        };
        assert_eq!(guest.host.call(request, &mut guest.meter)?, CallResult::Success(vec![1; 33]));
        Ok(numbers(&[before - guest.meter.gas()]))
    });
    assert_eq!(read_numbers(&result.output), [100 + 15 + 2 * 3]);
}

#[test]
fn only_the_last_256_block_hashes_are_known() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.hashes = (0..=400).map(|number| (number, word(number + 1_000))).collect();
    ledger.put_contract(
        CONTRACT,
        machine.code(0, |guest| {
            let mut hashes = Vec::new();
            for number in [43, 44, 298, 299, 300, 301] {
                let hash = guest.host.block_hash(number)?;
                hashes.push(U256::from_be_bytes(hash.0).to());
            }
            Ok(numbers(&hashes))
        }),
    );
    let config = config();
    let env = esker_runtime::BlockEnv { number: 300, parent_hash: word(77), ..env() };
    esker_vm::execution(&machine, |session| {
        let mut executor = Executor::new(session, &ledger, &config, &env);
        let call = signed(0, transaction(0, TxKind::Call(CONTRACT), 0, Bytes::new()));
        let result = executor.execute(&Message::from(&call)).expect("valid");
        assert_eq!(read_numbers(&result.output), [0, 1_044, 1_298, 77, 0, 0]);
    });
}

#[test]
fn a_block_hash_that_the_store_has_lost_is_the_nodes_fault_and_never_zero() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.hashes = (0..298).map(|number| (number, word(number + 1_000))).collect();
    ledger.put_contract(
        CONTRACT,
        machine.code(0, |guest| {
            guest.host.block_hash(298)?;
            Ok(numbers(&[]))
        }),
    );
    let config = config();
    let env = esker_runtime::BlockEnv { number: 300, ..env() };
    esker_vm::execution(&machine, |session| {
        let mut executor = Executor::new(session, &ledger, &config, &env);
        let call = signed(0, transaction(0, TxKind::Call(CONTRACT), 0, Bytes::new()));
        let error = executor.execute(&Message::from(&call)).expect_err("a fault");
        assert!(matches!(&error, ExecuteError::Fatal(Fatal::Store(text)) if text.contains("block 298")), "{error:?}");
    });
}

#[test]
fn code_that_is_no_module_halts() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(CONTRACT, Bytes::from_static(&[0x60, 0x00]));
    let call = signed(0, transaction(0, TxKind::Call(CONTRACT), 0, Bytes::new()));
    let (results, _) = execute(&machine, &ledger, &[call]);
    let result = results[0].as_ref().expect("valid");
    assert_eq!(result.status, ExecutionStatus::Halt(Halt::IllegalModule));
    assert_eq!(result.gas_used, 5_000_000);
}
