//! Every host function: with harmless arguments, with each pointer outside memory, and what it gives.

use alloy_primitives::{Address, U256};
use esker_abi::{HOST_FUNCTIONS, HostFunction, HostFunctionId, Param};
use esker_vm::Halt;

use crate::case::{CONTRACT, Case, NOBODY, OTHER, SENDER, contract, contract_with, data, noting};
use crate::world::{BENEFICIARY, word};

/// Pages of memory that `contract` gives, in bytes.
const MEMORY_BYTES: u64 = 2 * 65_536;

/// A call of `row` that drops what it gives, with `value` for each parameter.
fn dropped(row: &HostFunction, value: impl Fn(usize, &str, Param) -> u64) -> String {
    let arguments: String = row
        .params
        .iter()
        .enumerate()
        .map(|(index, (name, kind))| match kind {
            Param::I64 => format!(" (i64.const {})", value(index, name, *kind)),
            _ => format!(" (i32.const {})", value(index, name, *kind)),
        })
        .collect();
    let call = format!("(call ${}{arguments})", row.name);
    if row.result.is_some() { format!("(drop {call})") } else { call }
}

/// A length of 33 bytes and zeros for everything else. There are no return data in a frame that made no call.
fn harmless(row: &HostFunction, kind: Param) -> u64 {
    match kind {
        Param::Len if row.id != HostFunctionId::return_data_copy => 33,
        _ => 0,
    }
}

fn every_row() -> Vec<Case> {
    let mut cases = Vec::new();
    for row in HOST_FUNCTIONS {
        let text = contract(&dropped(row, |_, _, kind| harmless(row, kind)));
        let case = Case::of(format!("{}, harmless", row.name), &text).input([0; 64]);
        cases.push(if row.id == HostFunctionId::revert { case.reverts() } else { case });
        for (index, (name, kind)) in row.params.iter().enumerate() {
            if !matches!(kind, Param::Ptr | Param::Mut) {
                continue;
            }
            let text = contract(&dropped(row, |at, _, _| if at == index { MEMORY_BYTES + 1 } else { 0 }));
            let case = Case::of(format!("{}, {name} outside memory", row.name), &text);
            cases.push(case.halts(Halt::InvalidArgument));
        }
    }
    cases
}

fn input_and_output() -> Vec<Case> {
    let copy = |len: &str, offset: u32| format!("(call $input_copy (i32.const 64) (i32.const {offset}) {len})");
    let pages = |count: u32| format!("(i32.const {})", count * 65_536);
    vec![
        Case::of(
            "the input comes back",
            &contract(&format!("{} (call $finish (i32.const 64) (call $input_size))", copy("(call $input_size)", 0))),
        )
        .input([1, 2, 3])
        .gives([1, 2, 3]),
        Case::of(
            "the end of the input",
            &contract(&format!("{} (call $finish (i32.const 64) (i32.const 2))", copy("(i32.const 2)", 1))),
        )
        .input([1, 2, 3])
        .gives([2, 3]),
        Case::of("nothing from the input's end", &contract(&copy("(i32.const 0)", 3))).input([1, 2, 3]),
        Case::of("input beyond its end", &contract(&copy("(i32.const 3)", 1)))
            .input([1, 2, 3])
            .halts(Halt::InvalidArgument),
        Case::of("nothing from beyond the input's end", &contract(&copy("(i32.const 0)", 4)))
            .input([1, 2, 3])
            .halts(Halt::InvalidArgument),
        Case::of(
            "the last output counts",
            &contract_with(
                &data(0, b"ab"),
                "(call $set_output (i32.const 0) (i32.const 1)) (call $set_output (i32.const 1) (i32.const 1))",
            ),
        )
        .gives(*b"b"),
        Case::of(
            "finish replaces the output",
            &contract_with(
                &data(0, b"ab"),
                "(call $set_output (i32.const 0) (i32.const 1)) (call $finish (i32.const 1) (i32.const 1))",
            ),
        )
        .gives(*b"b"),
        Case::of(
            "revert hands out its own bytes",
            &contract_with(
                &data(0, b"ab"),
                "(call $set_output (i32.const 0) (i32.const 1)) (call $revert (i32.const 1) (i32.const 1))",
            ),
        )
        .reverts_with(*b"b"),
        Case::of("the longest output", &contract(&format!("(call $finish (i32.const 0) {})", pages(2)))),
        Case::of("an output too long", &contract("(call $finish (i32.const 0) (i32.const 131073))"))
            .halts(Halt::OutputTooLarge),
        Case::of(
            "an output too long that is only set",
            &contract("(call $set_output (i32.const 0) (i32.const 131073))"),
        )
        .halts(Halt::OutputTooLarge),
        Case::of("a revert with too long an output", &contract("(call $revert (i32.const 0) (i32.const 131073))"))
            .halts(Halt::OutputTooLarge),
    ]
}

fn surroundings() -> Vec<Case> {
    let hash = |number: &str, at: u32| format!("(call $block_hash (i64.const {number}) (i32.const {at}))");
    let hashes = ["999", "998", "744", "743", "1000", "-1"];
    let asked: Vec<_> = hashes.iter().zip(0..).map(|(number, index)| hash(number, 32 * index)).collect();
    let given = [word(0x32), word(0x33), word(0x34), word(0), word(0), word(0)];
    let given: Vec<u8> = given.iter().flat_map(|hash| [hash.0[31]; 32]).collect();
    vec![
        Case::of(
            "who calls whom with what",
            &contract(
                "(call $caller (i32.const 0)) (call $origin (i32.const 20)) (call $address (i32.const 40))
    (call $coinbase (i32.const 60)) (call $call_value (i32.const 80)) (call $gas_price (i32.const 112))
    (call $base_fee (i32.const 144)) (call $prevrandao (i32.const 176)) (call $finish (i32.const 0) (i32.const 208))",
            ),
        )
        .value(9)
        .gives(
            [
                &[SENDER, SENDER, CONTRACT, BENEFICIARY].map(|address| address.0.0).concat()[..],
                &[9, 8, 7].map(|number| word(number).0).concat(),
                &[0x31; 32],
            ]
            .concat(),
        ),
        Case::of(
            "numbers of block and chain",
            &noting(
                "",
                "(call $put (call $block_number)) (call $put (call $block_timestamp)) (call $put (call $block_gas_limit))
    (call $put (call $chain_id)) (call $status (call $is_reentrant))",
            ),
        )
        .gives([1_000u64, 1_700_000_000, 30_000_000, 31_337, 0].map(u64::to_le_bytes).concat()),
        Case::of(
            "hashes of blocks",
            &contract(&format!("{} (call $finish (i32.const 0) (i32.const 192))", asked.join("\n    "))),
        )
        .about("The 256 blocks before this one; zero for older ones, this one and later ones.")
        .gives(given),
    ]
}

fn accounts() -> Vec<Case> {
    let about = |at: u32| {
        format!(
            "(call $gas)
    (call $balance (i32.const {at}) (i32.const 512)) (call $gas)
    (call $code_hash (i32.const {at}) (i32.const 544)) (call $gas)
    (call $status (call $code_size (i32.const {at}))) (call $gas)
    (call $put (i64.load (i32.const 536))) (call $put (i64.load (i32.const 544)))"
        )
    };
    let asked = |name: &str, address: Address| {
        Case::of(name, &noting(&data(0, address.as_slice()), &about(0)))
            .about("Gas left before, after `balance`, after `code_hash`, the size, gas left, and parts of the answers.")
    };
    vec![
        asked("a contract is asked about", OTHER).with(OTHER, &contract("(nop)")).balance(OTHER, 77),
        asked("an account without code is asked about", OTHER).balance(OTHER, 77),
        asked("an account that does not exist is asked about", NOBODY),
        asked("an account in the access list is asked about", OTHER).balance(OTHER, 77).send(|sent| {
            sent.access_list.0.push(alloy_eips::eip2930::AccessListItem { address: OTHER, storage_keys: Vec::new() });
        }),
        asked("the contract itself is asked about", CONTRACT).about("Warm from the start; its code is paid for."),
        asked("the beneficiary is asked about", BENEFICIARY).about("Warm from the start (EIP-3651)."),
        asked("a precompiled contract is asked about", Address::with_last_byte(1)).about("Warm always."),
    ]
}

fn storage() -> Vec<Case> {
    // Slot 0; values 1 and 2 at 32 and 64, zero at 96.
    let values = [data(32, word(1).as_slice()), data(64, word(2).as_slice())].concat();
    let stores = |order: &[u32]| {
        let steps: String = order
            .iter()
            .map(|at| format!(" (call $storage_store (i32.const 0) (i32.const {at})) (call $gas)"))
            .collect();
        noting(&values, &format!("(call $gas){steps}"))
    };
    let (zero, one, two) = (96, 32, 64);
    let about = "Gas left before and after each store.";
    let stored = |name: &str, original: u64, order: &[u32]| {
        let case = Case::of(name, &stores(order)).about(about);
        if original == 0 { case } else { case.slot(CONTRACT, 0, original) }
    };
    let load = "(call $gas) (call $storage_load (i32.const 0) (i32.const 128)) (call $gas)
    (call $storage_load (i32.const 0) (i32.const 128)) (call $gas) (call $put (i64.load8_u (i32.const 159)))";
    let transient = "(call $gas) (call $transient_store (i32.const 0) (i32.const 32)) (call $gas)
    (call $transient_load (i32.const 0) (i32.const 128)) (call $gas) (call $put (i64.load8_u (i32.const 159)))
    (call $transient_load (i32.const 32) (i32.const 128)) (call $put (i64.load8_u (i32.const 159)))
    (call $storage_load (i32.const 0) (i32.const 128)) (call $put (i64.load8_u (i32.const 159)))";
    vec![
        Case::of("a slot is loaded twice", &noting("", load)).slot(CONTRACT, 0, 5),
        Case::of("a slot of the access list is loaded twice", &noting("", load)).slot(CONTRACT, 0, 5).send(|sent| {
            let storage_keys = vec![word(0)];
            sent.access_list.0.push(alloy_eips::eip2930::AccessListItem { address: CONTRACT, storage_keys });
        }),
        stored("zero to one", 0, &[one]),
        stored("zero to zero", 0, &[zero]),
        stored("zero to one to two", 0, &[one, two]),
        stored("zero to one to zero", 0, &[one, zero]),
        stored("one to two", 1, &[two]),
        stored("one to one", 1, &[one]),
        stored("one to zero", 1, &[zero]),
        stored("one to zero to one", 1, &[zero, one]),
        stored("one to zero to two", 1, &[zero, two]),
        stored("one to two to zero", 1, &[two, zero]),
        stored("one to two to one", 1, &[two, one]),
        stored("one to two to zero to one", 1, &[two, zero, one]),
        Case::of("transient storage", &noting(&values, transient)).about("It is zero at first and apart from storage."),
        Case::of(
            "storage is undone by a revert",
            &contract_with(
                &values,
                "(call $storage_store (i32.const 0) (i32.const 32)) (call $log (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8))
    (call $revert (i32.const 0) (i32.const 0))",
            ),
        )
        .reverts_with([]),
    ]
}

fn logs() -> Vec<Case> {
    let log = |topics: u32, len: u32| {
        noting(
            &data(0, &(1..=160).collect::<Vec<u8>>()),
            &format!(
                "(call $gas) (call $log (i32.const 0) (i32.const {topics}) (i32.const 1) (i32.const {len})) (call $gas)"
            ),
        )
    };
    let mut cases: Vec<_> =
        (0..=4).map(|topics| Case::of(format!("a log with {topics} topics"), &log(topics, 10 * topics))).collect();
    cases.push(Case::of("a log with five topics", &log(5, 0)).halts(Halt::InvalidArgument));
    cases.push(Case::of("a log with 2^32 − 1 topics", &log(u32::MAX, 0)).halts(Halt::InvalidArgument));
    cases
}

fn arithmetic() -> Vec<Case> {
    let operand = |number: U256| number.to_le_bytes::<32>();
    let (max, two) = (U256::MAX, U256::from(2));
    let numbers = [
        (max, max, max - U256::from(1)),
        (U256::from(7), U256::from(3), U256::from(5)),
        (two, U256::from(255), U256::ZERO),
        (U256::ZERO, U256::ZERO, U256::from(1)),
        (U256::from(3), max, max),
    ];
    let text = "(call $input_copy (i32.const 0) (i32.const 0) (i32.const 96))
    (call $u256_add_mod (i32.const 0) (i32.const 32) (i32.const 64) (i32.const 128))
    (call $u256_mul_mod (i32.const 0) (i32.const 32) (i32.const 64) (i32.const 160))
    (call $u256_div_rem (i32.const 0) (i32.const 32) (i32.const 192) (i32.const 224))
    (call $u256_exp (i32.const 0) (i32.const 32) (i32.const 256))
    (call $finish (i32.const 128) (i32.const 160))";
    let mut cases = Vec::new();
    for (a, b, m) in numbers {
        let case = Case::of(format!("256-bit arithmetic on {a}, {b}, {m}"), &contract(text));
        let input = [a, b, m].map(operand).concat();
        let (quotient, remainder) = if b.is_zero() { (b, b) } else { a.div_rem(b) };
        let output = [a.add_mod(b, m), a.mul_mod(b, m), quotient, remainder, a.wrapping_pow(b)];
        let about = "Input: a, b and m, little-endian. Output: a + b mod m, a × b mod m, ⌊a / b⌋, a mod b, a ^ b.";
        cases.push(case.about(about).input(input).gives(output.map(operand).concat()));
    }
    let over = "(call $u256_div_rem (i32.const 0) (i32.const 32) (i32.const 16) (i32.const 32))
    (call $finish (i32.const 16) (i32.const 48))";
    let values = [data(0, &operand(U256::from(17))), data(32, &operand(U256::from(5)))].concat();
    let mut overlapping = operand(U256::from(3))[..16].to_vec();
    overlapping.extend(operand(U256::from(2)));
    cases.push(
        Case::of("results that lie over operands", &contract_with(&values, over))
            .about(
                "Both operands are read first; then the quotient is written, then the remainder over its second half.",
            )
            .gives(overlapping),
    );
    cases
}

pub fn cases() -> Vec<Case> {
    let groups = [every_row(), input_and_output(), surroundings(), accounts(), storage(), logs(), arithmetic()];
    groups.into_iter().flatten().collect()
}
