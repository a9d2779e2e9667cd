//! What needs a state around it: storage, accounts, logs, calls between contracts, creations, precompiled contracts.

use alloy_primitives::{Address, Bytes, U256, hex};
use esker_runtime::exec::PRECOMPILES;
use esker_vm::abi::{HostFunctionId as Id, Limits};

use crate::engines::{Code, account};
use crate::functions::Points;
use crate::program::{OPERANDS, Program, host_call};

const RESULT: i64 = 512;
const INPUT: i64 = OPERANDS as i64;
/// All the gas there is.
const ALL: i64 = i64::MAX;
/// A number that goes up by one, where keys and addresses lie.
const COUNT: &str = "(i32.store (i32.const 1024) (i32.add (i32.load (i32.const 1024)) (i32.const 1)))";

/// Contracts that the programs call, by their number.
const CALLEES: [(&str, &str); 15] = [
    ("does nothing", r#"(memory (export "memory") 1) (func (export "call"))"#),
    ("writes to each 4 KiB of its page", "@touch 1"),
    ("has 32 pages", r#"(memory (export "memory") @most) (func (export "call"))"#),
    ("writes to each 4 KiB of 8 pages", "@touch 8"),
    ("has 56 KiB of data", r#"(memory (export "memory") 1) (data (i32.const 4096) "@data") (func (export "call"))"#),
    ("has 56 KiB of data and writes to all", "@touched data"),
    ("has 256 data segments", "@segments"),
    ("calls 64 functions of its table", "@table 64"),
    ("calls 4,096 functions of its table", "@table 4096"),
    ("calls itself", "@deep"),
    ("calls itself, having written to each 4 KiB of its page", "@deep @touch"),
    (
        "returns 128 KiB",
        r#"(import "esker_v1" "set_output" (func $output (param i32 i32))) (memory (export "memory") 2)
        (func (export "call") (call $output (i32.const 0) (i32.const 131072)))"#,
    ),
    ("has 64 globals", "@globals"),
    ("has 64 globals and writes to each 4 KiB of its page", "@globals @touch"),
    ("is 4,000 functions", "@functions"),
];

/// Contracts that end in another way than by returning.
const ENDS: [(&str, &str); 6] = [
    (
        "reverts",
        r#"(import "esker_v1" "revert" (func $revert (param i32 i32))) (memory (export "memory") 1)
        (func (export "call") (call $revert (i32.const 0) (i32.const 0)))"#,
    ),
    (
        "finishes",
        r#"(import "esker_v1" "finish" (func $finish (param i32 i32))) (memory (export "memory") 1)
        (func (export "call") (call $finish (i32.const 0) (i32.const 0)))"#,
    ),
    ("traps: unreachable", r#"(memory (export "memory") 1) (func (export "call") unreachable)"#),
    (
        "traps: outside memory",
        r#"(memory (export "memory") 1) (func (export "call") (drop (i32.load (i32.const -1))))"#,
    ),
    (
        "traps: division by zero",
        r#"(memory (export "memory") 1) (func (export "call") (local i32) (drop (i32.div_u (i32.const 1) (local.get 0))))"#,
    ),
    ("runs out of gas", r#"(memory (export "memory") 1) (func (export "call") (loop (br 0)))"#),
];

fn callee(text: &str) -> Code {
    let most = Limits::V1.memory_pages_max;
    let stores = |pages: u32| -> String {
        let store = |page| format!("(i32.store offset={} (i32.const 0) (i32.const 1))", page * 4_096 + 64);
        (0..pages * 16).map(store).collect()
    };
    let touch = |pages: u32| format!(r#"(memory (export "memory") {pages}) (func (export "call") {})"#, stores(pages));
    // Its input is how much deeper it goes.
    let deep = |pages: u32| {
        format!(
            r#"(import "esker_v1" "input_copy" (func $input (param i32 i32 i32)))
            (import "esker_v1" "address" (func $address (param i32)))
            (import "esker_v1" "static_call" (func $call (param i64 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "call") {} (call $input (i32.const 0) (i32.const 0) (i32.const 4)) (call $address (i32.const 32))
                (if (i32.load (i32.const 0))
                    (then (i32.store (i32.const 0) (i32.sub (i32.load (i32.const 0)) (i32.const 1)))
                        (drop (call $call (i64.const 0x7fffffffffffffff) (i32.const 32) (i32.const 0) (i32.const 4))))))"#,
            stores(pages)
        )
    };
    let globals = "(global (mut i64) (i64.const 7))".repeat(64);
    let data = "d".repeat(56 * 1024);
    let table = |entries: usize| {
        let names = " $f".repeat(entries);
        format!(
            r#"(memory (export "memory") 1) (type $t (func)) (func $f) (table {entries} {entries} funcref) (elem (i32.const 0) {names})
            (func (export "call") (local $i i32) (loop (call_indirect (type $t) (local.get $i))
                (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {entries})))))"#
        )
    };
    let items = match text {
        "@touch 1" => touch(1),
        "@touch 8" => touch(8.min(most)),
        "@table 64" => table(64),
        "@table 4096" => table(4_096),
        "@touched data" => format!(r#"{} (data (i32.const 4096) "{data}")"#, touch(1)),
        "@segments" => {
            let segments: String = (0..256).map(|index| format!(r#"(data (i32.const {}) "x")"#, index * 256)).collect();
            format!(r#"(memory (export "memory") 1) {segments} (func (export "call"))"#)
        }
        "@deep" => deep(0),
        "@deep @touch" => deep(1),
        "@globals" => format!(r#"(memory (export "memory") 1) {globals} (func (export "call"))"#),
        "@globals @touch" => format!("{} {globals}", touch(1)),
        "@functions" => format!(
            r#"(memory (export "memory") 1) {} (func (export "call"))"#,
            "(func (result i32) (i32.const 5))".repeat(3_990)
        ),
        other => other.replace("@data", &data).replace("@most", &most.to_string()),
    };
    Code::of(&wat::parse_str(format!("(module {items})")).expect("valid text"))
}

/// Contracts that are called in turn: more than a session keeps instances of.
const IN_TURN: u16 = 40;
const TURN_BASE: u16 = 0x3000;

/// Those that do nothing, then those that have data and write to each 4 KiB of their page.
fn in_turn() -> Vec<(Address, Bytes)> {
    let data = "d".repeat(30_000);
    let stores: String =
        (0..16).map(|page| format!("(i32.store offset={} (i32.const 0) (i32.const 1))", page * 4_096)).collect();
    let contract = |number| {
        let (data, stores) = if number < IN_TURN { ("", "") } else { (&*data, &*stores) };
        let text = format!(
            r#"(memory (export "memory") 1) (data (i32.const 0) "{number}{data}") (func (export "call") {stores})"#
        );
        (account(TURN_BASE + number), callee(&text).envelope)
    };
    (0..2 * IN_TURN).map(contract).collect()
}

const CALLEE_BASE: u16 = 0x100;
/// RFC 8032's first key.
const ED25519_KEY: [u8; 32] = hex!("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
const ENDS_BASE: u16 = 0x200;

/// The contracts that [`programs`] call.
pub fn callees() -> Vec<(Address, Bytes)> {
    let groups = [(CALLEE_BASE, &CALLEES[..]), (ENDS_BASE, &ENDS[..])];
    let place = |(base, group): (u16, &[(&str, &str)])| -> Vec<(Address, Bytes)> {
        group.iter().zip(base..).map(|((_, text), number)| (account(number), callee(text).envelope)).collect()
    };
    groups.into_iter().flat_map(place).chain(in_turn()).collect()
}

pub fn programs() -> Vec<Program> {
    let mut all = storage();
    all.extend(accounts());
    all.extend(messages());
    all.extend(creations());
    all.extend(precompiles());
    all
}

fn step(id: Id, case: &str, arguments: &[i64], around: impl Fn(String) -> String) -> Program {
    let name = id.row().name;
    Program::new(name, case, &around(host_call(id, arguments))).importing(&[name]).transaction().unroll(4)
}

fn storage() -> Vec<Program> {
    let counted = |call: String| format!("{COUNT} {call}");
    let (key, value) = (INPUT, INPUT + 32);
    vec![
        step(Id::storage_load, "warm", &[key, RESULT], |call| call),
        step(Id::storage_load, "cold", &[key, RESULT], counted),
        step(Id::storage_store, "what is there", &[key, RESULT + 64], |call| call),
        step(Id::storage_store, "another value, warm", &[key, value], |call| {
            format!("(i32.store8 (i32.const {value}) (i32.add (i32.load8_u (i32.const {value})) (i32.const 2))) {call}")
        })
        .operands([vec![0; 32], vec![1; 32]].concat()),
        step(Id::storage_store, "a new slot", &[key, value], counted).operands([vec![0; 32], vec![1; 32]].concat()),
        step(Id::transient_load, "one slot", &[key, RESULT], |call| call),
        step(Id::transient_load, "another slot each time", &[key, RESULT], counted),
        step(Id::transient_store, "one slot", &[key, key], |call| call),
        step(Id::transient_store, "another slot each time", &[key, key], counted),
        step(Id::transient_store, "another slot each time, 16,000", &[key, key], counted).rounds(4_000),
        step(Id::storage_load, "cold, 16,000", &[key, RESULT], counted).rounds(4_000),
    ]
}

fn accounts() -> Vec<Program> {
    let counted = |call: String| format!("{COUNT} {call}");
    let mut all = Vec::new();
    for (id, arguments) in
        [(Id::balance, vec![INPUT, RESULT]), (Id::code_hash, vec![INPUT, RESULT]), (Id::code_size, vec![INPUT])]
    {
        all.push(step(id, "warm", &arguments, |call| call).operands(account(CALLEE_BASE).to_vec()));
        all.push(step(id, "cold", &arguments, counted).operands(vec![0x77; 20]));
    }
    all.push(step(Id::block_hash, "of a block that is known", &[0, RESULT], |call| call));
    all.push(step(Id::block_hash, "of no block", &[77, RESULT], |call| call));
    for (topics, bytes) in [(0, 0), (4, 0), (0, 32), (0, 1_024), (4, 128 * 1_024)] {
        let case = format!("{topics} topics, {bytes} bytes");
        all.push(step(Id::log, &case, &[INPUT, topics, INPUT, bytes], |call| call).pages(4).unroll(1));
    }
    all
}

fn messages() -> Vec<Program> {
    let mut all = Vec::new();
    let call = |case: &str, target: Address, input_len: i64, gas: i64| {
        let arguments = [gas, INPUT, INPUT + 32, input_len];
        step(Id::static_call, case, &arguments, |call| call)
            .operands([&target[..], &[0; 12]].concat())
            .pages(4)
            .unroll(1)
    };
    let nobody = Address::repeat_byte(0x99);
    for bytes in [0, 1_024, 128 * 1_024] {
        all.push(call(&format!("of nobody, {bytes} bytes"), nobody, bytes, ALL));
        all.push(call(&format!("of a contract that does nothing, {bytes} bytes"), account(CALLEE_BASE), bytes, ALL));
    }
    for ((case, _), number) in CALLEES.iter().zip(CALLEE_BASE..).skip(1) {
        if case.starts_with("calls itself") {
            let deep = call(&format!("250 deep of a contract that {case}"), account(number), 4, ALL);
            all.push(deep.setup(format!("(i32.store (i32.const {}) (i32.const 250))", INPUT + 32)));
        } else {
            all.push(call(&format!("of a contract that {case}"), account(number), 0, ALL));
        }
    }
    for (case, first) in [("do nothing", 0), ("have data and write to each 4 KiB of their page", IN_TURN)] {
        let next = format!(
            "(local.set $c (i32.add (local.get $c) (i32.const 1)))
            (if (i32.ge_u (local.get $c) (i32.const {})) (then (local.set $c (i32.const {first}))))
            (i32.store8 (i32.const {}) (local.get $c))",
            first + IN_TURN,
            INPUT + 19
        );
        let one = call(&format!("of {IN_TURN} contracts in turn that {case}"), account(TURN_BASE), 0, ALL);
        let setup = format!("(local.set $c (i32.const {first}))");
        all.push(Program { step: format!("{next} {}", one.step), ..one }.setup(setup));
    }
    for ((case, _), number) in ENDS.iter().zip(ENDS_BASE..) {
        all.push(call(&format!("with 100 gas of a contract that {case}"), account(number), 0, 100));
    }
    all.push(call("without gas of a contract that does nothing", account(CALLEE_BASE), 0, 0));
    all.push(call("without gas of a contract that has 4,096 table entries", account(CALLEE_BASE + 8), 0, 0));
    all.push(call("without gas of a contract that has 32 pages", account(CALLEE_BASE + 2), 0, 0));
    all.push(call("without gas of a contract that has 56 KiB of data", account(CALLEE_BASE + 4), 0, 0));
    let copy = "(call $return_data_copy (i32.const 1056) (i32.const 0) (i32.const 131072))";
    let returning = call("and copy of 128 KiB returned", account(CALLEE_BASE + 10), 0, ALL);
    all.push(
        Program { step: format!("{} {copy}", returning.step), ..returning }
            .importing(&["static_call", "return_data_copy"]),
    );
    let delegate = step(Id::delegate_call, "of a contract that does nothing", &[ALL, INPUT, INPUT, 0], |call| call);
    all.push(delegate.operands(account(CALLEE_BASE).to_vec()));
    for (case, first) in [("with value, of nobody new", 0x66), ("with value, of an account", 0)] {
        let target = if first == 0 { account(CALLEE_BASE).to_vec() } else { vec![first; 20] };
        let around = |call: String| if first == 0 { call } else { format!("{COUNT} {call}") };
        let sent = step(Id::call, case, &[ALL, INPUT, INPUT + 32, INPUT, 0], around);
        all.push(sent.operands([&target[..], &[0; 12], &[0; 31], &[1]].concat()).unroll(1));
    }
    all
}

fn creations() -> Vec<Program> {
    let payload = callee(CALLEES[0].1).envelope;
    let [salt, code] = [INPUT, INPUT + 32];
    let length = payload.len() as i64;
    let again = step(Id::create2, "of the same small module", &[INPUT - 64, code, length, salt, RESULT], |call| {
        format!("{COUNT} {call}")
    });
    vec![again.operands([&[0; 32][..], &payload].concat()).unroll(1)]
}

fn precompiles() -> Vec<Program> {
    let mut all = Vec::new();
    let mut call = |number: usize, case: &str, input: Vec<u8>, length: usize| {
        let address = PRECOMPILES.iter().find(|address| U256::from_be_slice(&address[..]) == U256::from(number));
        let address = address.expect("a precompiled contract");
        let operands = [&address[..], &[0; 12], &input].concat();
        let pages = u32::try_from((length + 4_096).div_ceil(65_536)).expect("small");
        let arguments = [ALL, INPUT, INPUT + 32, length as i64];
        let program =
            step(Id::static_call, case, &arguments, |call| call).operands(operands).pages(pages.max(1)).unroll(1);
        all.push(Program { class: format!("precompile {number:#04x}"), ..program });
    };
    let (g1, g2) = (Points::bls_g1(), Points::bls_g2());
    let (n1, n2) = (Points::bn254_g1(), Points::bn254_g2());
    let largest = (Limits::V1.memory_pages_max as usize - 1) * 65_536;
    for bytes in [0, 32, 1_024, 128 * 1_024, largest] {
        for (number, name) in [(2, "SHA-256"), (3, "RIPEMD-160"), (4, "identity")] {
            call(number, &format!("{name}, {bytes} bytes"), Vec::new(), bytes);
        }
    }
    let recovered = recovery();
    let length = recovered.len();
    call(1, "recovery", recovered, length);
    // No signature, but it takes as long as one: key and R are points, s is below the order. The message is zeros.
    for bytes in [0, 1_024, 128 * 1_024] {
        call(0x1002, &format!("Ed25519, {bytes} bytes"), [ED25519_KEY, ED25519_KEY, [0; 32]].concat(), 96 + bytes);
    }
    for (base, exponent, modulus) in [
        (1, 1, 1),
        (8, 1, 8),
        (32, 1, 32),
        (32, 32, 32),
        (64, 4, 64),
        (128, 3, 128),
        (256, 1, 256),
        (256, 256, 256),
        (1_024, 1, 1_024),
        (1_024, 16, 1_024),
        (1_024, 1_024, 1),
        (1, 1_024, 1_024),
    ] {
        for even in [false, true] {
            let input = power(base, exponent, modulus, even);
            let length = input.len();
            let parity = if even { "even" } else { "odd" };
            call(5, &format!("{base}^{exponent} bytes mod {modulus}, {parity}"), input, length);
        }
    }
    for (number, input) in [
        (6, [&n1[..], &n1].concat()),
        (7, [&n1[..], &Points::scalar(0)].concat()),
        (11, [&g1[..], &g1].concat()),
        (13, [&g2[..], &g2].concat()),
    ] {
        let length = input.len();
        call(number, "", input, length);
    }
    for count in [1, 2, 8] {
        for (number, pair) in [(8, [&n1[..], &n2].concat()), (15, [&g1[..], &g2].concat())] {
            let input = pair.repeat(count);
            let length = input.len();
            call(number, &format!("{count} pairs"), input, length);
        }
        for (number, point) in [(12, &g1), (14, &g2)] {
            let input = Points::sum(point, count);
            let length = input.len();
            call(number, &format!("{count} points"), input, length);
        }
    }
    for rounds in [0u32, 1, 12, 10_000] {
        let input = [&rounds.to_be_bytes()[..], &[0x5a; 208], &[1]].concat();
        call(9, &format!("{rounds} rounds"), input, 213);
    }
    call(16, "", [&[0; 17][..], &[0x11; 47]].concat(), 64);
    call(17, "", [&[0; 17][..], &[0x11; 47], &[0; 17], &[0x13; 47]].concat(), 128);
    all
}

/// hash, v, r, s as 32-byte words.
fn recovery() -> Vec<u8> {
    use alloy_signer::SignerSync as _;
    let hash = alloy_primitives::keccak256("calibration");
    let signature = crate::world::signer(0).sign_hash_sync(&hash).expect("a local key signs");
    let v = U256::from(27 + u64::from(signature.v()));
    [&hash[..], &v.to_be_bytes::<32>(), &signature.r().to_be_bytes::<32>(), &signature.s().to_be_bytes::<32>()].concat()
}

/// All bits of base, exponent and modulus set; the lowest of an even modulus clear.
fn power(base: usize, exponent: usize, modulus: usize, even: bool) -> Vec<u8> {
    let length = |bytes: usize| U256::from(bytes).to_be_bytes::<32>();
    let mut input = [&length(base)[..], &length(exponent), &length(modulus)].concat();
    input.extend(vec![0xff; base + exponent + modulus]);
    if even && let Some(last) = input.last_mut() {
        *last = 0xfe;
    }
    input
}
