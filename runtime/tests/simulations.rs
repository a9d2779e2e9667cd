//! Calls that change nothing: results, overrides, estimates, access lists.

mod world;

use std::collections::BTreeMap;

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use esker_runtime::exec::{ExecutionStatus, FrameKind};
use esker_runtime::simulate::{
    AccountOverride, CallRequest, EstimateError, SimulateError, SimulateOptions, Simulation, TRACE_BYTES_MAX,
    create_access_list, estimate_gas,
};
use esker_runtime::{BlockEnv, TransactionError};
use esker_vm::{CallKind, CallResult, Halt, HostError, Log};
use world::*;

const OTHER: Address = Address::repeat_byte(0xc1);

fn request(to: Address) -> CallRequest {
    CallRequest { from: signer(0), kind: TxKind::Call(to), ..CallRequest::default() }
}

fn simulate(
    machine: &ScriptedMachine,
    ledger: &Ledger,
    env: &BlockEnv,
    request: &CallRequest,
    options: &SimulateOptions,
) -> Result<Simulation, SimulateError> {
    let simulated = esker_vm::simulation(machine, |session| {
        esker_runtime::simulate::simulate(session, ledger, &config(), env, request, options)
    });
    simulated.expect("no bound")
}

fn run(machine: &ScriptedMachine, ledger: &Ledger, request: &CallRequest) -> Result<Simulation, SimulateError> {
    let options = SimulateOptions { trace: true, ..SimulateOptions::default() };
    simulate(machine, ledger, &env(), request, &options)
}

fn estimate(machine: &ScriptedMachine, ledger: &Ledger, request: &CallRequest) -> Result<u64, EstimateError> {
    esker_vm::simulation(machine, |session| {
        estimate_gas(session, ledger, &config(), &env(), request, &SimulateOptions::default())
    })
    .expect("no bound")
}

/// Whether a transaction with that gas limit succeeds in a block.
fn succeeds(machine: &ScriptedMachine, ledger: &Ledger, to: TxKind, input: Bytes, value: u64, gas: u64) -> bool {
    let mut unsigned = transaction(0, to, value, input);
    unsigned.gas_limit = gas;
    let (results, _) = execute(machine, ledger, &[signed(0, unsigned)]);
    results[0].as_ref().is_ok_and(|result| result.status.is_success())
}

#[test]
fn a_simulation_reports_everything_and_changes_nothing() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(
        OTHER,
        machine.code(0, |guest| {
            guest.host.log(Log { topics: Vec::new(), data: vec![1] }, &mut guest.meter)?;
            Ok(End::Revert(b"inner".to_vec()))
        }),
    );
    ledger.put_contract(
        CONTRACT,
        machine.code(0, |guest| {
            guest.host.storage_store(h256(1), h256(2), &mut guest.meter)?;
            guest.host.log(Log { topics: vec![h256(5)], data: Vec::new() }, &mut guest.meter)?;
            assert!(matches!(call(guest, CallKind::Delegate, OTHER, 50_000, 0)?, CallResult::Revert(_)));
            Ok(End::Return(b"out".to_vec()))
        }),
    );
    let result = run(&machine, &ledger, &request(CONTRACT)).expect("valid");
    assert_eq!((result.status, &result.output[..]), (ExecutionStatus::Success, &b"out"[..]));
    assert_eq!(result.logs.len(), 1, "the inner log is undone");
    assert_eq!(result.changes.accounts[&CONTRACT].storage[&word(1)].after, word(2));
    let root = result.frames.expect("traced");
    assert_eq!((root.kind, root.from, root.to, root.logs.len()), (FrameKind::Call, signer(0), CONTRACT, 1));
    let inner = &root.calls[0];
    assert_eq!((inner.kind, inner.to, inner.gas), (FrameKind::Delegate, OTHER, 50_000));
    assert_eq!((inner.status, &inner.output[..], inner.logs.len()), (ExecutionStatus::Revert, &b"inner"[..], 1));
    assert!(inner.gas_used > 0 && inner.gas_used < root.gas_used);
}

#[test]
fn a_failing_call_is_a_result_with_its_bytes() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(CONTRACT, machine.code(0, |_| Ok(End::Revert(b"why".to_vec()))));
    let result = run(&machine, &ledger, &request(CONTRACT)).expect("valid");
    assert_eq!((result.status, &result.output[..]), (ExecutionStatus::Revert, &b"why"[..]));
    assert_eq!(
        estimate(&machine, &ledger, &request(CONTRACT)).expect_err("it reverts"),
        EstimateError::Revert { output: Bytes::from_static(b"why") }
    );
    ledger.put_contract(CONTRACT, machine.code(0, |_| Err(Halt::DivisionByZero.into())));
    let error = estimate(&machine, &ledger, &request(CONTRACT)).expect_err("it halts");
    assert_eq!(error.to_string(), "integer division by zero");
}

#[test]
fn nonce_and_price_are_free_unless_asked_for() {
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    let poor = CallRequest { from: Address::repeat_byte(1), nonce: Some(99), ..request(OTHER) };
    assert!(run(&machine, &ledger, &poor).expect("free").status.is_success());

    let priced = CallRequest { gas: Some(21_000), max_fee_per_gas: Some(10), ..poor.clone() };
    let error = run(&machine, &ledger, &priced).expect_err("it cannot pay");
    assert!(error.to_string().starts_with("insufficient funds for gas * price + value"), "{error}");
    let below = CallRequest { from: signer(0), max_fee_per_gas: Some(3), ..priced.clone() };
    let error = run(&machine, &ledger, &below).expect_err("below the base fee").to_string();
    assert!(error.starts_with("max fee per gas less than block base fee"), "{error}");
    let valuable = CallRequest { value: U256::from(1), ..poor };
    assert!(matches!(
        run(&machine, &ledger, &valuable),
        Err(SimulateError::Invalid(TransactionError::InsufficientFunds { .. }))
    ));
    let both = CallRequest { gas_price: Some(9), max_fee_per_gas: Some(9), ..request(OTHER) };
    assert_eq!(run(&machine, &ledger, &both), Err(SimulateError::ConflictingFees));
    let strict = SimulateOptions { strict: true, ..SimulateOptions::default() };
    let early = CallRequest { nonce: Some(1), max_fee_per_gas: Some(9), gas: Some(21_000), ..request(OTHER) };
    assert!(matches!(
        simulate(&machine, &ledger, &env(), &early, &strict),
        Err(SimulateError::Invalid(TransactionError::NonceTooHigh { .. }))
    ));
}

/// What `docs/json-rpc.md` says of signed transactions: these two faults only a block finds.
#[test]
fn a_strict_simulation_leaves_two_checks_to_the_block() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let strict = SimulateOptions { strict: true, ..SimulateOptions::default() };
    let simulated = |ledger: &Ledger, gas: u64| {
        let sent = CallRequest { nonce: Some(0), max_fee_per_gas: Some(9), gas: Some(gas), ..request(OTHER) };
        simulate(&machine, ledger, &env(), &sent, &strict).map(|simulation| simulation.gas_used)
    };
    // Above the block's limit, below the cap.
    assert!(env().gas_limit < 40_000_000 && 40_000_000 < strict.gas_cap);
    assert_eq!(simulated(&ledger, 40_000_000), Ok(21_000));
    // Above the cap: the balance covers the cap, and not the limit.
    ledger.put_balance(signer(0), U256::from(9 * strict.gas_cap));
    assert_eq!(simulated(&ledger, strict.gas_cap + 1), Ok(21_000));
    // Below the cap the balance has to cover the limit.
    ledger.put_balance(signer(0), U256::from(9 * 1_000_000 - 1));
    assert!(matches!(
        simulated(&ledger, 1_000_000),
        Err(SimulateError::Invalid(TransactionError::InsufficientFunds { .. }))
    ));
}

#[test]
fn overrides_replace_balance_nonce_code_and_storage() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(CONTRACT, machine.code(0, |_| panic!("this code is replaced")));
    ledger.put_slot(CONTRACT, 1, 10);
    ledger.put_slot(CONTRACT, 2, 20);
    let code = machine.code(0, |guest| {
        let mut sum = Vec::new();
        for key in 1..4 {
            sum.push(U256::from_be_bytes(guest.host.storage_load(h256(key), &mut guest.meter)?.0).to());
        }
        sum.push(guest.host.balance(h160(OTHER), &mut guest.meter)?.low_u64());
        Ok(numbers(&sum))
    });
    let with = |storage: AccountOverride| {
        let contract = AccountOverride { code: Some(code.clone()), ..storage };
        let other = AccountOverride { balance: Some(U256::from(77)), ..AccountOverride::default() };
        let overrides = BTreeMap::from([(CONTRACT, contract), (OTHER, other)]);
        let options = SimulateOptions { overrides, ..SimulateOptions::default() };
        let result = simulate(&machine, &ledger, &env(), &request(CONTRACT), &options).expect("valid");
        assert!(result.changes.codes.is_empty());
        read_numbers(&result.output)
    };
    let diff = BTreeMap::from([(word(2), word(21))]);
    let patched = AccountOverride { state_diff: diff.clone(), ..AccountOverride::default() };
    assert_eq!(with(patched), [10, 21, 0, 77]);
    let replaced = AccountOverride { state: Some(diff), ..AccountOverride::default() };
    assert_eq!(with(replaced), [0, 21, 0, 77]);
}

#[test]
fn plain_transfers_are_estimated_exactly() {
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    let transfer = CallRequest { value: U256::from(5), ..request(Address::repeat_byte(9)) };
    assert_eq!(estimate(&machine, &ledger, &transfer), Ok(21_000));
    let list = vec![AccessListItem { address: OTHER, storage_keys: vec![word(1)] }];
    let listed = CallRequest { access_list: AccessList(list), ..transfer.clone() };
    assert_eq!(estimate(&machine, &ledger, &listed), Ok(25_300));
    let with_data = CallRequest { input: vec![1; 100].into(), ..transfer.clone() };
    assert_eq!(estimate(&machine, &ledger, &with_data), Ok(25_000));
    let beyond = CallRequest { value: FUNDS + U256::from(1), ..transfer };
    let error = estimate(&machine, &ledger, &beyond).expect_err("too much");
    assert_eq!(error.to_string(), "insufficient funds for transfer");
}

/// Contracts whose need is far from what they use, each in its own way.
fn demanding(machine: &ScriptedMachine) -> Vec<(&'static str, Bytes)> {
    type Script = fn(&mut Guest<'_>) -> Result<End, HostError>;
    let scripts: [(&str, Script); 5] = [
        ("stores", |guest| {
            guest.host.storage_store(h256(9), h256(9), &mut guest.meter)?;
            Ok(numbers(&[]))
        }),
        ("refunds", |guest| {
            for key in 0..10 {
                guest.host.storage_store(h256(key), h256(0), &mut guest.meter)?;
            }
            Ok(numbers(&[]))
        }),
        ("hands all but a 64th to a callee that needs it", |guest| {
            if guest.frame.caller == guest.frame.address {
                guest.meter.charge_gas(900_000)?;
                return Ok(numbers(&[]));
            }
            match call(guest, CallKind::Call, CONTRACT, u64::MAX, 0)? {
                CallResult::Success(_) => Ok(numbers(&[])),
                _ => Ok(End::Revert(Vec::new())),
            }
        }),
        ("asks for far more than it uses", |guest| {
            if guest.meter.gas() < 2_000_000 {
                return Ok(End::Revert(Vec::new()));
            }
            Ok(numbers(&[]))
        }),
        ("sends value", |guest| {
            call(guest, CallKind::Call, OTHER, 0, guest.frame.value.low_u64())?;
            Ok(numbers(&[]))
        }),
    ];
    scripts.into_iter().map(|(name, script)| (name, machine.code(0, script))).collect()
}

#[test]
fn estimates_suffice_and_are_tight() {
    let machine = ScriptedMachine::default();
    for (name, code) in demanding(&machine) {
        let mut ledger = ledger();
        for key in 0..9 {
            ledger.put_slot(CONTRACT, key, 1);
        }
        ledger.put_contract(CONTRACT, code);
        let request = CallRequest { value: U256::from(5), ..request(CONTRACT) };
        let gas = estimate(&machine, &ledger, &request).unwrap_or_else(|error| panic!("{name}: {error}"));
        let enough = |gas| succeeds(&machine, &ledger, TxKind::Call(CONTRACT), Bytes::new(), 5, gas);
        assert!(enough(gas), "{name}: {gas} is not enough");
        assert!(!enough(gas - gas * 15 / 1_000 - 1), "{name}: {gas} is more than 1.5% too much");
    }
}

#[test]
fn deployments_are_estimated_too() {
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    let code = machine.code(1_000_000, |guest| {
        guest.host.storage_store(h256(9), h256(9), &mut guest.meter)?;
        Ok(numbers(&[]))
    });
    let request = CallRequest { from: signer(0), kind: TxKind::Create, input: code.clone(), ..CallRequest::default() };
    let gas = estimate(&machine, &ledger, &request).expect("it succeeds");
    assert!(succeeds(&machine, &ledger, TxKind::Create, code.clone(), 0, gas));
    assert!(!succeeds(&machine, &ledger, TxKind::Create, code, 0, gas - gas * 15 / 1_000 - 1));
    let result = run(&machine, &ledger, &request).expect("valid");
    assert_eq!(result.created, Some(signer(0).create(0)));
}

#[test]
fn an_estimate_beyond_the_cap_or_the_purse_says_so() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(
        CONTRACT,
        machine.code(0, |guest| {
            guest.meter.charge_gas(100_000)?;
            Ok(numbers(&[]))
        }),
    );
    let capped = CallRequest { gas: Some(60_000), ..request(CONTRACT) };
    let error = estimate(&machine, &ledger, &capped).expect_err("too little");
    assert_eq!(error.to_string(), "gas required exceeds allowance (60000)");
    ledger.put_balance(signer(5), U256::from(50_000 * 10));
    let poor = CallRequest { from: signer(5), max_fee_per_gas: Some(10), ..request(CONTRACT) };
    let error = estimate(&machine, &ledger, &poor).expect_err("too little");
    assert_eq!(error.to_string(), "gas required exceeds allowance (50000)");
}

#[test]
fn an_access_list_names_what_a_call_touches_even_when_it_reverts() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    ledger.put_contract(
        OTHER,
        machine.code(0, |guest| {
            guest.host.storage_load(h256(4), &mut guest.meter)?;
            guest.host.storage_load(h256(3), &mut guest.meter)?;
            Ok(End::Revert(Vec::new()))
        }),
    );
    ledger.put_contract(
        CONTRACT,
        machine.code(0, |guest| {
            guest.host.storage_load(h256(8), &mut guest.meter)?;
            guest.host.balance(h160(Address::repeat_byte(2)), &mut guest.meter)?;
            guest.host.balance(guest.frame.caller, &mut guest.meter)?;
            call(guest, CallKind::Static, OTHER, u64::MAX, 0)?;
            call(guest, CallKind::Static, Address::with_last_byte(2), u64::MAX, 0)?;
            Ok(End::Revert(Vec::new()))
        }),
    );
    let options = SimulateOptions::default();
    let result = esker_vm::simulation(&machine, |session| {
        create_access_list(session, &ledger, &config(), &env(), &request(CONTRACT), &options)
    })
    .expect("no bound")
    .expect("runs");
    let expected = AccessList(vec![
        AccessListItem { address: Address::repeat_byte(2), storage_keys: vec![] },
        AccessListItem { address: CONTRACT, storage_keys: vec![word(8)] },
        AccessListItem { address: OTHER, storage_keys: vec![word(3), word(4)] },
    ]);
    assert_eq!(result.access_list, expected);
    assert_eq!(result.status, ExecutionStatus::Revert);
    let without = run(&machine, &ledger, &request(CONTRACT)).expect("valid").gas_used;
    let with = CallRequest { access_list: expected, ..request(CONTRACT) };
    assert_eq!(run(&machine, &ledger, &with).expect("valid").gas_used, result.gas_used);
    assert_ne!(without, result.gas_used);
}

#[test]
fn balances_that_no_chain_has_saturate_instead_of_overflowing() {
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    let mut options = SimulateOptions::default();
    for address in [signer(0), OTHER, BENEFICIARY] {
        let everything = AccountOverride { balance: Some(U256::MAX), ..AccountOverride::default() };
        options.overrides.insert(address, everything);
    }
    let request = CallRequest { value: U256::from(5), gas_price: Some(100), ..request(OTHER) };
    let result = simulate(&machine, &ledger, &env(), &request, &options).expect("valid");
    assert!(result.status.is_success());
    assert!(!result.changes.accounts.contains_key(&OTHER), "it stays at the highest balance there is");
    let request = CallRequest { value: U256::MAX, ..request };
    let refused = simulate(&machine, &ledger, &env(), &request, &options);
    assert!(matches!(refused, Err(SimulateError::Invalid(TransactionError::InsufficientFunds { .. }))), "{refused:?}");
}

#[test]
fn a_trace_keeps_every_frame_and_a_bounded_part_of_their_data() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let script = |guest: &mut Guest<'_>| {
        for _ in 0..20 {
            let target = h160(Address::with_last_byte(4));
            let input = &[7; 1 << 20];
            let request =
                esker_vm::CallRequest { kind: CallKind::Static, gas: 1_000_000, target, value: 0.into(), input };
            assert!(
                matches!(guest.host.call(request, &mut guest.meter)?, CallResult::Success(output) if output == input)
            );
        }
        Ok(numbers(&[]))
    };
    ledger.put_contract(CONTRACT, machine.code(0, script));
    let root = run(&machine, &ledger, &request(CONTRACT)).expect("valid").frames.expect("traced");
    assert_eq!(root.calls.len(), 20);
    let kept: usize = root.calls.iter().map(|frame| frame.input.len() + frame.output.len()).sum();
    assert_eq!(kept, TRACE_BYTES_MAX);
    assert_eq!((root.calls[7].input.len(), root.calls[8].input.len()), (1 << 20, 0));
}
