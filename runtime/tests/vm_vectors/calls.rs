//! Calls of other accounts: gas that is handed over and comes back, return data, static and delegate frames, re-entry,
//! depth, and what is paid at first use.

use alloy_primitives::Address;
use esker_vm::Halt;

use crate::case::{CONTRACT, Case, NOBODY, OTHER, SENDER, contract, contract_with, data, noting, with_one_page};

/// A third contract.
const THIRD: Address = Address::repeat_byte(0xc2);
/// Gas that is more than there is.
const ALL: &str = "(i64.const -1)";

/// Addresses at 0, 32 and 64; at 96 a value of `value` wei; at 128 zeros.
fn places(addresses: &[Address], value: u8) -> String {
    let mut fields: String = addresses.iter().zip(0..).map(|(address, at)| data(32 * at, address.as_slice())).collect();
    fields.push_str(&data(127, &[value]));
    fields
}

fn call(gas: &str, to: u32) -> String {
    format!("(call $call {gas} (i32.const {to}) (i32.const 96) (i32.const 128) (i32.const 0))")
}

fn static_call(to: u32) -> String {
    format!("(call $static_call {ALL} (i32.const {to}) (i32.const 128) (i32.const 0))")
}

fn delegate_call(to: u32) -> String {
    format!("(call $delegate_call {ALL} (i32.const {to}) (i32.const 128) (i32.const 0))")
}

/// Notes the status of a call between two notes of the gas left.
fn watched(calls: &[String]) -> String {
    let steps: String = calls.iter().map(|call| format!("\n    (call $status {call}) (call $gas)")).collect();
    format!("(call $gas){steps}")
}

/// Calls with no value of each address in turn.
fn watching(addresses: &[Address], calls: &[String]) -> String {
    noting(&places(addresses, 0), &watched(calls))
}

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Hands out its gas left as eight bytes.
fn gas_reporter() -> String {
    contract("(i64.store (i32.const 0) (call $gas_left)) (call $finish (i32.const 0) (i32.const 8))")
}

fn gas() -> Vec<Case> {
    let report =
        "(call $return_data_copy (i32.const 0) (i32.const 0) (i32.const 8)) (call $put (i64.load (i32.const 0)))";
    let handed = |name: &str, gas: &str| {
        let body = format!("(call $gas) (call $status {}) {report} (call $gas)", call(gas, 32));
        Case::of(name, &noting(&places(&[NOBODY, OTHER], 0), &body)).with(OTHER, &gas_reporter())
    };
    let valued =
        |name: &str, to: Address, body: &str| Case::of(name, &noting(&places(&[to], 5), body)).balance(CONTRACT, 1_000);
    let twice = watched(&[call("(i64.const 0)", 0), call("(i64.const 0)", 0)]);
    vec![
        handed("all the gas is asked for", ALL).about("The callee gets L − ⌊L/64⌋, and hands out its gas left."),
        handed("some gas is asked for", "(i64.const 50000)"),
        handed("no gas is asked for", "(i64.const 0)").halts(Halt::InvalidArgument).about(
            "The callee halts; there are no return data to copy.",
        ),
        valued("a call with value of an account that is empty", NOBODY, &twice).about(
            "The first call pays for the new account, the second does not. The stipend, which nobody spends, comes back.",
        ),
        valued("a call with value of an account that exists", OTHER, &twice).balance(OTHER, 1),
        valued("a call with value of a contract", OTHER, &twice)
            .with(OTHER, &contract("(nop)"))
            .about("The callee lives on the stipend; what it leaves comes back to the caller."),
        valued("a call with more value than there is", OTHER, &watched(&[call(ALL, 0), call("(i64.const 0)", 0)]))
            .balance(CONTRACT, 4)
            .balance(OTHER, 1)
            .about("It cannot be made: status 2. All gas that was handed over comes back, the stipend included."),
        valued("a call with value of itself", CONTRACT, &watched(&[call(ALL, 0)])).about("It re-enters until gas ends it."),
        Case::of("a callee that burns everything", &watching(&[OTHER], &[call("(i64.const 100000)", 0), static_call(0)]))
            .with(OTHER, &contract("(unreachable)"))
            .about("A halt burns what was handed over: 100,000 gas, then all but a 64th."),
        Case::of("a callee that reverts", &watching(&[OTHER], &[call("(i64.const 100000)", 0)]))
            .with(OTHER, &contract("(call $revert (i32.const 0) (i32.const 0))")),
        Case::of("gas is rounded up once a frame", &watching(&[OTHER], &[call(ALL, 0), call(ALL, 0), call(ALL, 0)]))
            .with(OTHER, &contract("(nop)")),
    ]
}

fn first_use() -> Vec<Case> {
    let idle = contract_with(&data(0, &[7; 100]), "(nop)");
    let reverting = watching_then_revert();
    let asked = "(call $code_size (i32.const 0))";
    let precompile = Address::with_last_byte(4);
    vec![
        Case::of("a contract is called twice", &watching(&[OTHER], &[call(ALL, 0), call(ALL, 0)]))
            .with(OTHER, &idle)
            .about("Its code is paid for at the first use, its frame at each."),
        Case::of("one code under two accounts", &watching(&[OTHER, THIRD], &[call(ALL, 0), call(ALL, 32), call(ALL, 0)]))
            .with(OTHER, &idle)
            .with(THIRD, &idle)
            .about("First use counts by account, not by code: both pay."),
        Case::of("the size is asked for before the call", &watching(&[OTHER], &[asked.to_owned(), call(ALL, 0)]))
            .with(OTHER, &idle)
            .about("`code_size` is a use of the code; the call does not pay for it again."),
        Case::of("the hash is asked for before the call", &noting(&places(&[OTHER], 0), &format!(
            "(call $gas) (call $code_hash (i32.const 0) (i32.const 256)) (call $gas) (call $status {}) (call $gas)",
            call(ALL, 0)
        )))
        .with(OTHER, &idle)
        .about("`code_hash` is no use of the code."),
        Case::of("a first use in a frame that reverts", &watching(&[THIRD, OTHER], &[call(ALL, 0), call(ALL, 32), call(ALL, 32)]))
            .with(THIRD, &reverting)
            .with(OTHER, &idle)
            .about("What the reverted frame paid for, code and warmth, is paid for again."),
        Case::of("a delegate call of a contract that was called", &watching(&[OTHER], &[call(ALL, 0), delegate_call(0)]))
            .with(OTHER, &idle),
        Case::of("a precompiled contract is called twice", &watching(&[precompile], &[call(ALL, 0), call(ALL, 0)]))
            .about("It is warm, has no frame to pay for and no code."),
        Case::of("an account without code is called twice", &watching(&[OTHER], &[call(ALL, 0), call(ALL, 0)]))
            .balance(OTHER, 1)
            .about("Nothing but the access."),
    ]
}

/// Calls OTHER and reverts.
fn watching_then_revert() -> String {
    contract_with(&places(&[OTHER], 0), &format!("(drop {}) (call $revert (i32.const 0) (i32.const 0))", call(ALL, 0)))
}

fn return_data() -> Vec<Case> {
    let size = "(call $status (call $return_data_size))";
    let copy = |offset: u32, len: u32| {
        format!("(call $return_data_copy (i32.const 0) (i32.const {offset}) (i32.const {len}))")
    };
    let ended = |name: &str, callee: &str, status: u64, bytes: u64| {
        let body = format!("{size} (call $status {}) {size}", call("(i64.const 100000)", 0));
        Case::of(name, &noting(&places(&[OTHER], 0), &body))
            .with(OTHER, &contract_with(&data(0, b"abcde"), callee))
            .gives(numbers(&[0, status, bytes]))
    };
    let part = |name: &str, offset: u32, len: u32| {
        let body =
            format!("(drop {}) {} (call $finish (i32.const 0) (i32.const {len}))", call(ALL, 0), copy(offset, len));
        Case::of(name, &contract_with(&places(&[OTHER], 0), &body))
            .with(OTHER, &contract_with(&data(0, b"abcde"), "(call $finish (i32.const 0) (i32.const 5))"))
    };
    let twice = format!("(drop {}) {size} (drop {}) {size}", call(ALL, 0), call(ALL, 32));
    vec![
        ended("return data after a return", "(call $finish (i32.const 0) (i32.const 5))", 0, 5),
        ended("return data after a revert", "(call $revert (i32.const 0) (i32.const 4))", 1, 4),
        ended("return data after a halt", "(call $set_output (i32.const 0) (i32.const 4)) (unreachable)", 2, 0),
        part("a part of the return data", 1, 3).gives(*b"bcd"),
        part("nothing from the return data's end", 5, 0).gives([]),
        part("return data beyond their end", 3, 3).halts(Halt::InvalidArgument),
        part("nothing from beyond the return data's end", 6, 0).halts(Halt::InvalidArgument),
        part("return data at the highest offset", u32::MAX, 2).halts(Halt::InvalidArgument),
        Case::of("return data of the last call", &noting(&places(&[OTHER, NOBODY], 0), &twice))
            .with(OTHER, &contract("(call $finish (i32.const 0) (i32.const 5))"))
            .gives(numbers(&[5, 0])),
        Case::of(
            "return data of a precompiled contract",
            &noting(&places(&[Address::with_last_byte(2)], 0), &format!("(drop {}) {size}", static_call(0))),
        )
        .gives(numbers(&[32])),
    ]
}

fn static_frames() -> Vec<Case> {
    let changes = [
        ("a store", "(call $storage_store (i32.const 128) (i32.const 128))".to_owned()),
        ("a transient store", "(call $transient_store (i32.const 128) (i32.const 128))".to_owned()),
        ("a log", "(call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))".to_owned()),
        ("a creation", "(drop (call $create (i32.const 128) (i32.const 0) (i32.const 0) (i32.const 256)))".to_owned()),
        (
            "a creation with a salt",
            "(drop (call $create2 (i32.const 128) (i32.const 0) (i32.const 0) (i32.const 128) (i32.const 256)))"
                .to_owned(),
        ),
        ("a call with value", format!("(drop {})", call(ALL, 32))),
    ];
    let mut cases: Vec<_> = changes
        .iter()
        .map(|(what, body)| {
            Case::of(
                format!("{what} in a static frame"),
                &noting(&places(&[OTHER], 0), &format!("(call $status {})", static_call(0))),
            )
            .with(OTHER, &contract_with(&places(&[CONTRACT, NOBODY], 1), body))
            .balance(OTHER, 10)
            .gives(numbers(&[2]))
        })
        .collect();
    let store = "(call $storage_store (i32.const 128) (i32.const 128))";
    let below = |name: &str, between: &str| {
        Case::of(name, &noting(&places(&[OTHER], 0), &format!("(call $status {})", static_call(0))))
            .with(
                OTHER,
                &contract_with(
                    &places(&[THIRD], 0),
                    &format!("(i32.store8 (i32.const 256) {between}) (call $finish (i32.const 256) (i32.const 1))"),
                ),
            )
            .with(THIRD, &contract(store))
            .about("Static holds for every frame below: the innermost one halts.")
            .gives(numbers(&[0]))
    };
    cases.push(below("a call in a static frame", &call("(i64.const 100000)", 0)));
    cases.push(below("a delegate call in a static frame", &delegate_call(0)));
    cases.push(
        Case::of("what a static frame may do", &noting(&places(&[OTHER], 0), &format!("(call $status {})", static_call(0))))
            .with(OTHER, &contract_with(
                &places(&[NOBODY], 0),
                &format!(
                    "(call $storage_load (i32.const 128) (i32.const 160)) (call $transient_load (i32.const 128) (i32.const 160))
    (call $balance (i32.const 0) (i32.const 160)) (drop {}) (call $finish (i32.const 0) (i32.const 1))",
                    call(ALL, 0)
                ),
            ))
            .about("Loads, questions, and calls without value.")
            .gives(numbers(&[0])),
    );
    cases
}

/// Hands out whether it is re-entrant, and its caller, address and value.
const WHO: &str = "(i32.store8 (i32.const 512) (call $is_reentrant)) (call $caller (i32.const 513))
    (call $address (i32.const 533)) (call $call_value (i32.const 553)) (call $finish (i32.const 512) (i32.const 73))";

/// Hands on what a call returned.
fn hand_on(call: &str) -> String {
    format!(
        "(drop {call}) (call $return_data_copy (i32.const 512) (i32.const 0) (call $return_data_size))
    (call $finish (i32.const 512) (call $return_data_size))"
    )
}

fn who(reentrant: u8, caller: Address, address: Address, value: u8) -> Vec<u8> {
    [&[reentrant], caller.as_slice(), address.as_slice(), &[0; 31], &[value]].concat()
}

fn frames() -> Vec<Case> {
    // With an input, the contract says who it is; without, it calls OTHER with its value of three.
    let back = |to_other: &str| {
        contract_with(&places(&[OTHER], 3), &format!("(if (call $input_size) (then {WHO}))\n    {}", hand_on(to_other)))
    };
    let with_input =
        |kind: &str, value: &str| format!("(call ${kind} {ALL} (i32.const 0) {value} (i32.const 128) (i32.const 1))");
    let calling_back = contract_with(&places(&[CONTRACT], 0), &hand_on(&with_input("call", "(i32.const 96)")));
    let delegating_back = contract_with(&places(&[CONTRACT], 0), &hand_on(&with_input("delegate_call", "")));
    let plain = contract(WHO);
    vec![
        Case::of("a call", &back(&call(ALL, 0)))
            .with(OTHER, &plain)
            .balance(CONTRACT, 9)
            .gives(who(0, CONTRACT, OTHER, 3)),
        Case::of("a static call", &back(&static_call(0)))
            .with(OTHER, &plain)
            .value(8)
            .gives(who(0, CONTRACT, OTHER, 0)),
        Case::of("a delegate call", &back(&delegate_call(0)))
            .with(OTHER, &plain)
            .value(8)
            .about("The frame that made it lends its address, caller and value, and says whether it is re-entrant.")
            .gives(who(0, SENDER, CONTRACT, 8)),
        Case::of("a call back", &back(&call(ALL, 0)))
            .with(OTHER, &calling_back)
            .balance(CONTRACT, 9)
            .gives(who(1, OTHER, CONTRACT, 0)),
        Case::of("a delegate call of the caller's code", &back(&call(ALL, 0)))
            .with(OTHER, &delegating_back)
            .balance(CONTRACT, 9)
            .about("OTHER runs CONTRACT's code on itself: OTHER has no frame below that is not a delegate frame.")
            .gives(who(0, CONTRACT, OTHER, 3)),
        Case::of("a call back from a delegate frame", &back(&delegate_call(0)))
            .with(OTHER, &calling_back)
            .about("The delegate frame is CONTRACT's own, which then calls itself.")
            .gives(who(1, CONTRACT, CONTRACT, 0)),
    ]
}

fn depth() -> Vec<Case> {
    // Each frame calls itself and hands out how many frames ran below it and itself.
    let counting = with_one_page(&contract_with(
        &places(&[CONTRACT], 0),
        "(if (i32.eqz (call $call (i64.const -1) (i32.const 0) (i32.const 96) (i32.const 128) (i32.const 0)))
      (then (call $return_data_copy (i32.const 512) (i32.const 0) (i32.const 4))))
    (i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (i32.const 1)))
    (call $finish (i32.const 512) (i32.const 4))",
    ));
    let about =
        "The 256th frame's call cannot be made, whatever stands at the target: status 2, and its gas comes back.";
    let of_kind =
        |name: &str, text: &str| Case::of(name, text).gas(30_000_000).about(about).gives(256u32.to_le_bytes());
    let bottom = |name: &str, attempt: &str, target: Address| {
        let body = format!(
            "(if (i32.eqz (call $call (i64.const -1) (i32.const 0) (i32.const 96) (i32.const 128) (i32.const 0)))
      (then {}))
    (call $gas) (call $status {attempt}) (call $gas)",
            "(call $return_data_copy (i32.const 4096) (i32.const 0) (call $return_data_size))
        (call $finish (i32.const 4096) (call $return_data_size))"
        );
        Case::of(name, &with_one_page(&noting(&places(&[CONTRACT, target], 0), &body)))
            .gas(30_000_000)
            .about("In the 256th frame: gas left before, the status, gas left after.")
    };
    vec![
        of_kind("256 frames", &counting),
        bottom("a call of nobody in the 256th frame", &call("(i64.const 1000)", 32), NOBODY),
        bottom(
            "a call of a precompiled contract in the 256th frame",
            &call("(i64.const 1000)", 32),
            Address::with_last_byte(4),
        ),
        bottom(
            "a creation in the 256th frame",
            "(call $create (i32.const 96) (i32.const 128) (i32.const 0) (i32.const 512))",
            NOBODY,
        ),
    ]
}

pub fn cases() -> Vec<Case> {
    [gas(), first_use(), return_data(), static_frames(), frames(), depth()].into_iter().flatten().collect()
}
