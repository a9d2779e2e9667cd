//! Creating contracts from deploy payloads.

mod world;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, b256, keccak256};
use esker_runtime::exec::{ExecutionStatus, create_address, create2_address};
use esker_vm::abi::Limits;
use esker_vm::{CallKind, CallResult, CreateRequest, CreateResult, Entry, Halt, HostError, envelope};
use world::*;

/// What creating `code` costs on top of what its constructor uses: by raw bytes, and by complexity.
fn deploy_fuel(code: &Bytes, complexity: u64) -> u64 {
    let raw_len = u64::from(envelope::parse(code).expect("an envelope").raw_len);
    raw_len * 20 * 10_000 + complexity * 100_000
}

fn create(guest: &mut Guest<'_>, payload: &[u8], value: u64, salt: Option<u64>) -> Result<CreateResult, HostError> {
    let request = CreateRequest { value: value.into(), payload, salt: salt.map(h256) };
    guest.host.create(request, &mut guest.meter)
}

#[test]
fn a_creation_leaves_the_envelope_without_its_arguments_at_the_address_of_sender_and_nonce() {
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    let code = machine.code(0, |guest| {
        assert_eq!(guest.entry, Entry::Deploy);
        assert_eq!(guest.frame.input, [1, 2, 3], "the arguments");
        assert_eq!(guest.frame.caller, h160(signer(0)));
        assert_eq!(guest.frame.value, 9.into());
        let own = guest.frame.address;
        assert_eq!(guest.host.code_size(own, &mut guest.meter)?, 0, "no code before the constructor returned");
        guest.host.storage_store(h256(1), h256(2), &mut guest.meter)?;
        Ok(End::Return(vec![0xaa; 40]))
    });
    let payload = [&code[..], &[1, 2, 3]].concat();
    let (results, changes) = execute(&machine, &ledger, &[signed(0, transaction(0, TxKind::Create, 9, payload))]);
    let result = results[0].as_ref().expect("valid");
    let expected = create_address(signer(0), 0);
    assert_eq!(result.created, Some(expected));
    assert!(result.output.is_empty(), "a constructor's output is ignored");
    let change = &changes.accounts[&expected];
    let account = change.after.expect("it exists");
    assert_eq!((account.nonce, account.balance, account.code_hash), (1, U256::from(9), keccak256(&code)));
    assert_eq!(changes.codes[&keccak256(&code)], code);
    assert_eq!(change.storage[&word(1)].after, word(2));
}

#[test]
fn addresses_follow_ethereum() {
    let creator = address!("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0");
    let by_nonce = [
        (0, address!("cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d")),
        (1, address!("343c43a37d37dff08ae8c4a11544c718abb4fcf8")),
        (2, address!("f778b86fa74e846c4f0a1fbd1335fe81c00a0c91")),
        (3, address!("fffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c")),
    ];
    for (nonce, expected) in by_nonce {
        assert_eq!(create_address(creator, nonce), expected);
    }
    for nonce in [0x7f, 0x80, 0xffff, u64::MAX] {
        assert_eq!(create_address(creator, nonce), creator.create(nonce), "alloy agrees at {nonce}");
    }
    // EIP-1014's examples.
    let salt = b256!("00000000000000000000000000000000000000000000000000000000cafebabe");
    let by_salt = [
        (Address::ZERO, B256::ZERO, &[0_u8][..], address!("4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38")),
        (
            address!("00000000000000000000000000000000deadbeef"),
            salt,
            &[0xde, 0xad, 0xbe, 0xef],
            address!("60f3f640a8508fC6a86d45DF051962668E1e8AC7"),
        ),
        (Address::ZERO, B256::ZERO, &[], address!("E33C0C7F7df4809055C3ebA6c09CFe4BaF1BD9e0")),
    ];
    for (creator, salt, payload, expected) in by_salt {
        assert_eq!(create2_address(creator, salt, payload), expected);
    }
}

#[test]
fn deploying_pays_for_bytes_and_complexity() {
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    let code = machine.code(100_000, |_| Ok(numbers(&[])));
    let (results, _) = execute(&machine, &ledger, &[signed(0, transaction(0, TxKind::Create, 0, code.clone()))]);
    let calldata: u64 = code.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum();
    let expected = 21_000 + 32_000 + calldata + 950 + deploy_fuel(&code, 100_000).div_ceil(10_000);
    assert_eq!(results[0].as_ref().expect("valid").gas_used, expected);
}

#[test]
fn a_payload_that_is_no_module_halts_and_uses_the_nonce() {
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    let foreign = envelope::encode(b"not a script");
    let mut truncated = foreign.clone();
    truncated.pop();
    let mut huge = foreign.clone();
    huge[5..9].copy_from_slice(&(256 * 1024 + 1_u32).to_be_bytes());
    for payload in [Vec::new(), vec![0x60, 0x80, 0x60, 0x40], foreign, truncated, huge] {
        let call = signed(0, transaction(0, TxKind::Create, 5, payload));
        let (results, changes) = execute(&machine, &ledger, &[call]);
        let result = results[0].as_ref().expect("valid");
        assert_eq!(result.status, ExecutionStatus::Halt(Halt::IllegalModule));
        assert_eq!(result.gas_used, 5_000_000);
        assert_eq!(changes.accounts[&signer(0)].after.expect("exists").nonce, 1);
        assert!(!changes.accounts.contains_key(&create_address(signer(0), 0)));
    }
}

#[test]
fn a_pool_can_tell_why_a_payload_would_halt() {
    let refusal = |payload: Vec<u8>| {
        signed(0, transaction(0, TxKind::Create, 0, payload))
            .check_payload(&Limits::V1)
            .map_err(|error| error.to_string())
    };
    let evm = refusal(vec![0x60, 0x80]).expect_err("no envelope");
    assert!(evm.contains("must begin with the bytes ef45534b") && evm.contains("esker contract build"), "{evm}");
    let mut huge = envelope::encode(b"module");
    huge[5..9].copy_from_slice(&(256 * 1024 + 1_u32).to_be_bytes());
    let huge = refusal(huge).expect_err("too large");
    assert_eq!(huge, "invalid deploy payload: its module has 262145 bytes, limit 262144");
    assert_eq!(refusal(envelope::encode(b"module")), Ok(()));
}

#[test]
fn the_raw_length_is_paid_before_anything_is_inflated() {
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    let mut liar = envelope::encode(b"short");
    liar[5..9].copy_from_slice(&(250 * 1024_u32).to_be_bytes());
    let (results, _) = execute(&machine, &ledger, &[signed(0, transaction(0, TxKind::Create, 0, liar))]);
    // 5.1 million gas for 250 KiB, five million given: were it inflated first, it would be an illegal module.
    assert_eq!(results[0].as_ref().expect("valid").status, ExecutionStatus::Halt(Halt::OutOfGas));
}

#[test]
fn a_stream_that_inflates_to_nothing_is_paid_by_its_own_length() {
    let machine = ScriptedMachine::default();
    let ledger = ledger();
    // The header promises no module at all, but 60,000 bytes of stream: work that the raw length would not pay for.
    let mut liar = envelope::encode(b"");
    liar.truncate(envelope::HEADER_BYTES);
    liar[9..13].copy_from_slice(&60_000_u32.to_be_bytes());
    liar.resize(envelope::HEADER_BYTES + 60_000, 0);
    let status = |gas_limit: u64| {
        let mut unsigned = transaction(0, TxKind::Create, 0, liar.clone());
        unsigned.gas_limit = gas_limit;
        execute(&machine, &ledger, &[signed(0, unsigned)]).0.remove(0).expect("valid").status
    };
    let calldata = liar.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum::<u64>();
    let enough = 53_000 + calldata + 950 + 20 * 60_000;
    assert_eq!(status(enough - 1), ExecutionStatus::Halt(Halt::OutOfGas));
    assert_eq!(status(enough), ExecutionStatus::Halt(Halt::IllegalModule));
}

#[test]
fn a_constructor_that_fails_leaves_no_contract() {
    for (end, status) in [
        (Ok(End::Revert(vec![7])), ExecutionStatus::Revert),
        (Err(Halt::Unreachable), ExecutionStatus::Halt(Halt::Unreachable)),
    ] {
        let machine = ScriptedMachine::default();
        let ledger = ledger();
        let code = machine.code(0, move |guest| {
            guest.host.storage_store(h256(1), h256(2), &mut guest.meter)?;
            end.clone().map_err(HostError::Halt)
        });
        let (results, changes) = execute(&machine, &ledger, &[signed(0, transaction(0, TxKind::Create, 5, code))]);
        let result = results[0].as_ref().expect("valid");
        assert_eq!(result.status, status);
        assert_eq!(result.output.to_vec(), if status == ExecutionStatus::Revert { vec![7] } else { vec![] });
        assert_eq!(result.gas_used == 5_000_000, status != ExecutionStatus::Revert);
        assert!(!changes.accounts.contains_key(&create_address(signer(0), 0)));
        assert!(changes.codes.is_empty());
    }
}

#[test]
fn contracts_create_contracts_with_and_without_a_salt() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let child = machine.code(0, |guest| Ok(numbers(&[guest.meter.gas()])));
    let payload = [&child[..], &[5]].concat();
    let (result, changes) = call_script(&machine, &mut ledger, {
        let payload = payload.clone();
        move |guest| {
            let before = guest.meter.fuel();
            let CreateResult::Success(plain) = create(guest, &payload, 0, None)? else { panic!("it succeeds") };
            let plain_cost = before - guest.meter.fuel();
            let before = guest.meter.fuel();
            let CreateResult::Success(salted) = create(guest, &payload, 0, Some(3))? else { panic!("it succeeds") };
            let salted_cost = before - guest.meter.fuel();
            assert_eq!(salted_cost - plain_cost, 6 * payload.len().div_ceil(32) as u64 * 10_000);
            // Its code is paid for already, the account warm: only the frame is left.
            let reply = cost(guest, |guest| {
                let address = Address::new(salted.0);
                assert!(matches!(call(guest, CallKind::Call, address, 1_000, 0)?, CallResult::Success(_)));
                Ok(())
            })?;
            assert_eq!(reply, 100 + 950);
            let taken = create(guest, &payload, 0, Some(3))?;
            assert_eq!(taken, CreateResult::Halt, "the address is taken");
            let mut output = plain.0.to_vec();
            output.extend(salted.0);
            Ok(End::Return(output))
        }
    });
    let plain = create_address(CONTRACT, 1);
    let salted = create2_address(CONTRACT, word(3), &payload);
    assert_eq!(result.output.to_vec(), [plain.as_slice(), salted.as_slice()].concat());
    assert_eq!(changes.accounts[&CONTRACT].after.expect("exists").nonce, 4, "the failed creation used its nonce");
    assert_eq!(changes.codes.len(), 1);
}

#[test]
fn a_collision_burns_what_the_creation_was_given() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let child = machine.code(0, |_| Ok(numbers(&[])));
    ledger.put_contract(create_address(CONTRACT, 1), child.clone());
    let (result, _) = call_script(&machine, &mut ledger, move |guest| {
        let left = guest.meter.gas() - 32_000 - 950;
        assert_eq!(create(guest, &child, 0, None)?, CreateResult::Halt);
        assert_eq!(guest.meter.gas(), left / 64);
        Ok(numbers(&[]))
    });
    assert!(result.status.is_success());
}

#[test]
fn an_address_that_only_holds_coins_is_no_collision() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let address = create_address(signer(0), 0);
    ledger.put_balance(address, U256::from(11));
    let code = machine.code(0, |_| Ok(numbers(&[])));
    let (results, changes) = execute(&machine, &ledger, &[signed(0, transaction(0, TxKind::Create, 5, code))]);
    assert!(results[0].as_ref().expect("valid").status.is_success());
    assert_eq!(changes.accounts[&address].after.expect("exists").balance, U256::from(16));
}

#[test]
fn a_creation_beyond_the_balance_costs_its_base_and_no_nonce() {
    let machine = ScriptedMachine::default();
    let mut ledger = ledger();
    let child = machine.code(0, |_| Ok(numbers(&[])));
    let (_, changes) = call_script(&machine, &mut ledger, move |guest| {
        let used = cost(guest, |guest| create(guest, &child, 1, None).map(drop))?;
        assert_eq!(used, 32_000 + 950);
        Ok(numbers(&[]))
    });
    assert!(!changes.accounts.contains_key(&CONTRACT));
}
