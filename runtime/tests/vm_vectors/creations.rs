//! Creations, by transactions and by contracts.

use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, B256, TxKind, U256};
use esker_runtime::exec::{create_address, create2_address, intrinsic_gas};
use esker_runtime::params::Prices;
use esker_vm::{Halt, envelope};

use crate::case::{CONTRACT, Case, SENDER, contract, contract_with, data, module, noting, wasm};

/// A contract without a constructor.
const IDLE: &str = "(module (memory (export \"memory\") 1) (func (export \"call\")))";

/// A module whose constructor is `body`.
fn built(body: &str) -> String {
    module(1, &format!("  (func (export \"call\"))\n  (func (export \"deploy\")\n    {body})"))
}

fn payload(text: &str) -> Vec<u8> {
    envelope::encode(&wasm(text))
}

/// Where a payload lies in the creating contract's memory.
const AT: u32 = 8_192;

/// The creation of `payload` with the value at 96, its address to 512.
fn create(payload: &[u8]) -> String {
    format!("(call $create (i32.const 96) (i32.const {AT}) (i32.const {}) (i32.const 512))", payload.len())
}

fn create2(payload: &[u8]) -> String {
    format!(
        "(call $create2 (i32.const 96) (i32.const {AT}) (i32.const {}) (i32.const 128) (i32.const 512))",
        payload.len()
    )
}

/// The fields of a contract that creates: the value and the payload.
fn fields(payload: &[u8], value: u8) -> String {
    [data(127, &[value]), data(AT, payload)].concat()
}

/// A contract that does these things, and notes gas and status between them.
fn creating(payload: &[u8], value: u8, steps: &[String]) -> String {
    let steps: String = steps.iter().map(|step| format!("\n    (call $status {step}) (call $gas)")).collect();
    noting(&fields(payload, value), &format!("(call $gas){steps}"))
}

/// Calls what was created last.
fn call_created() -> String {
    "(call $call (i64.const -1) (i32.const 512) (i32.const 160) (i32.const 0) (i32.const 0))".to_owned()
}

/// A stream of one stored block.
fn stored(module: &[u8]) -> Vec<u8> {
    let length = u16::try_from(module.len()).expect("it fits one block");
    let mut envelope = [&envelope::MAGIC[..], &[envelope::VERSION]].concat();
    envelope.extend(u32::from(length).to_be_bytes());
    envelope.extend((u32::from(length) + 5).to_be_bytes());
    envelope.push(1);
    envelope.extend(length.to_le_bytes());
    envelope.extend((!length).to_le_bytes());
    envelope.extend(module);
    envelope
}

fn by_transaction() -> Vec<Case> {
    let arguments = built(
        "(call $input_copy (i32.const 0) (i32.const 0) (i32.const 32))
    (call $storage_store (i32.const 32) (i32.const 0))",
    );
    let floats = "(module (memory (export \"memory\") 1) (func (export \"call\") (drop (f32.const 1))))";
    let promise = |promised: u32| {
        let mut payload = payload(IDLE);
        payload[5..9].copy_from_slice(&promised.to_be_bytes());
        payload
    };
    let sent = |name: &str, payload: Vec<u8>| Case::new(name).input(payload).send(|sent| sent.to = None);
    let halting = |name: &str, payload: Vec<u8>| sent(name, payload).halts(Halt::IllegalModule);
    let enough_for_intrinsic = intrinsic_gas(TxKind::Create, &payload(IDLE), &AccessList::default()).base;
    let mut padded = payload(IDLE);
    padded.resize(98_304, 0);
    let mut too_long = padded.clone();
    too_long.push(0);
    vec![
        Case::creating("a creation without a constructor", IDLE, b"ignored").value(3).gives([]),
        Case::creating("a creation with arguments", &arguments, &[9; 32]).gives([]),
        Case::creating("a constructor that lacks its arguments", &arguments, &[9; 31]).halts(Halt::InvalidArgument),
        Case::creating("a constructor that reverts", &built("(call $revert (i32.const 0) (i32.const 3))"), b"")
            .value(3)
            .reverts_with([0; 3]),
        Case::creating("a constructor that halts", &built("(unreachable)"), b"").value(3).halts(Halt::Unreachable),
        Case::creating(
            "what a constructor returns is ignored",
            &built("(call $finish (i32.const 0) (i32.const 3))"),
            b"",
        )
        .gives([]),
        sent("a stream longer than its module", stored(&wasm(IDLE)))
            .about("`deploy_byte` counts the longer of the two."),
        Case::creating("a creation that cannot pay for its frame", IDLE, b"")
            .gas(enough_for_intrinsic + Prices::V1.frame - 1)
            .halts(Halt::OutOfGas)
            .about("The nonce rises; nothing is created."),
        Case::creating("a creation that cannot pay for its module", IDLE, b"")
            .gas(enough_for_intrinsic + Prices::V1.frame)
            .halts(Halt::OutOfGas),
        Case::creating("a creation at an address with a nonce", IDLE, b"")
            .account(create_address(SENDER, 0), |account| account.nonce = 1)
            .halts(Halt::AddressCollision),
        Case::creating("a creation at an address with a balance", IDLE, b"")
            .value(2)
            .balance(create_address(SENDER, 0), 5)
            .about("That is no collision: the balances add up."),
        halting("no payload", Vec::new()),
        halting("a payload that is no envelope", vec![0x60, 0x80]),
        halting("a payload of another version", [&payload(IDLE)[..4], &[2], &payload(IDLE)[5..]].concat()),
        halting("a module that is not acceptable", payload(floats)),
        halting("a payload cut short", payload(IDLE)[..20].to_vec()),
        halting("a stream that inflates to less than promised", promise(wasm(IDLE).len() as u32 + 1)),
        halting("a stream that inflates to more than promised", promise(wasm(IDLE).len() as u32 - 1)),
        halting("a promise above the limit", promise(262_145)),
        sent("a payload of 98,304 bytes", padded),
        sent("a payload of 98,305 bytes", too_long).invalid("max initcode size exceeded"),
        Case::of("a code that is no acceptable module is called", IDLE)
            .account(CONTRACT, |account| account.code = payload(floats).into())
            .without_modules()
            .about("Such code can stand only in a genesis.")
            .halts(Halt::IllegalModule),
    ]
}

fn by_contract() -> Vec<Case> {
    let idle = payload(IDLE);
    let created = |nonce: u64| create_address(CONTRACT, nonce);
    let address_of = |name: &str, step: &str, address: Address| {
        let body = format!("(drop {step}) (call $finish (i32.const 512) (i32.const 20))");
        Case::of(name, &contract_with(&fields(&idle, 0), &body)).gives(address.to_vec())
    };
    let storing =
        payload(&built("(i32.store8 (i32.const 63) (i32.const 1)) (call $storage_store (i32.const 0) (i32.const 32))"));
    let reverting = payload(&built("(call $revert (i32.const 0) (i32.const 3))"));
    let data_after = |name: &str, payload: &[u8], status: u64, bytes: u64| {
        let body = format!("(call $status {}) (call $status (call $return_data_size))", create(payload));
        Case::of(name, &noting(&fields(payload, 0), &body)).gives([status, bytes].map(u64::to_le_bytes).concat())
    };
    // The constructor calls its own address and hands the status to slot 0.
    let calls_itself = built(
        "(call $address (i32.const 0))
    (i32.store8 (i32.const 63) (i32.add (i32.const 5) (call $call (i64.const -1) (i32.const 0) (i32.const 64) (i32.const 0) (i32.const 0))))
    (call $storage_store (i32.const 96) (i32.const 32))",
    );
    vec![
        address_of("the address of a creation", &create(&idle), created(1)),
        address_of("the address of a creation with a salt", &create2(&idle), create2_address(CONTRACT, B256::ZERO, &idle)),
        Case::of("a creation, and a call of what it created", &creating(&idle, 0, &[create(&idle), call_created(), call_created()])).about(
            "The creation pays nothing for the code's bytes, and neither does the first call: what this transaction created \
             is paid for.",
        ),
        Case::of("a creation with value", &creating(&idle, 5, &[create(&idle)])).balance(CONTRACT, 9),
        Case::of("a creation with a salt, twice", &creating(&idle, 0, &[create2(&idle), create2(&idle)]))
            .about("The second collides: it halts, burns its gas and uses a nonce."),
        Case::of("a creation with more value than there is", &creating(&idle, 5, &[create(&idle), create2(&idle)]))
            .balance(CONTRACT, 4)
            .about(
                "It cannot be made: status 2. CREATE, the price of hashing and the frame's stay paid, the gas handed over comes \
                 back, no nonce is used and no address becomes warm.",
            ),
        Case::of("a creation at the highest nonce", &creating(&idle, 0, &[create(&idle)]))
            .account(CONTRACT, |account| account.nonce = u64::MAX)
            .about("It cannot be made: status 2, and the gas comes back. It is no halt."),
        Case::of("a creation at the highest nonce but one", &creating(&idle, 0, &[create(&idle), create(&idle)]))
            .account(CONTRACT, |account| account.nonce = u64::MAX - 1),
        Case::of("a creation of rubbish", &creating(b"rubbish", 0, &[create(b"rubbish")]))
            .about("It halts and burns what it was given; the nonce is used."),
        Case::of("a creation of more than a payload holds", &module_creating_too_much()).about("98,305 bytes: it halts."),
        data_after("return data after a creation", &idle, 0, 0),
        data_after("return data after a creation that reverted", &reverting, 1, 3),
        data_after("return data after a creation that halted", b"rubbish", 2, 0),
        Case::of("return data after a creation that could not be made", &noting(
            &fields(&reverting, 1),
            &format!(
                "(i32.store8 (i32.const 127) (i32.const 0)) (drop {0}) (call $status (call $return_data_size))
    (i32.store8 (i32.const 127) (i32.const 1)) (call $status {0}) (call $status (call $return_data_size))",
                create(&reverting)
            ),
        ))
        .gives([3u64, 2, 0].map(u64::to_le_bytes).concat()),
        Case::of("a constructor stores", &creating(&storing, 0, &[create(&storing)])),
        Case::creating("a constructor that calls itself", &calls_itself, b"").about("The account has no code yet: status 0."),
        Case::of("a creation is undone with its creator", &contract_with(
            &fields(&idle, 0),
            &format!("(drop {}) (call $revert (i32.const 512) (i32.const 20))", create(&idle)),
        ))
        .reverts_with(created(1).to_vec()),
        Case::of("a creation in a delegate frame", &contract_with(
            &data(0, crate::case::OTHER.as_slice()),
            "(drop (call $delegate_call (i64.const -1) (i32.const 0) (i32.const 0) (i32.const 0)))
    (call $return_data_copy (i32.const 0) (i32.const 0) (i32.const 20)) (call $finish (i32.const 0) (i32.const 20))",
        ))
        .with(crate::case::OTHER, &contract_with(
            &fields(&idle, 0),
            &format!("(drop {}) (call $finish (i32.const 512) (i32.const 20))", create(&idle)),
        ))
        .about("The frame's address creates, with its nonce.")
        .gives(created(1).to_vec()),
    ]
}

/// Creates from a sound envelope with so many arguments that the payload is a byte too long.
fn module_creating_too_much() -> String {
    let idle = payload(IDLE);
    let body =
        format!("(call $status (call $create (i32.const 96) (i32.const {AT}) (i32.const 98305) (i32.const 512)))");
    noting(&fields(&idle, 0), &body)
}

/// EIP-7610 is kept by the genesis: storage stands only where a nonce or code is.
pub fn cases() -> Vec<Case> {
    let empty = contract("(nop)");
    let transfer = Case::of("a transaction that moves value to a contract", &empty).value(11);
    let overdrawn = Case::of("a transaction that moves more than there is left", &empty)
        .send(|sent| sent.value = U256::from(10).pow(U256::from(18)))
        .invalid("insufficient funds");
    [by_transaction(), by_contract(), vec![transfer, overdrawn]].into_iter().flatten().collect()
}
