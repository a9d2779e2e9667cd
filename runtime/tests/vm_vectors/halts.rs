//! Each way to halt, linear memory, and gas as a guest sees it inside a segment.

use esker_vm::Halt;

use crate::case::{Case, SENDER, contract, contract_with, module, noting, with_one_page};

fn traps() -> Vec<Case> {
    let table = "(table 2 funcref) (elem (i32.const 0) $other) (func $other (param i64))";
    let divided = |operation: &str, a: &str, b: &str| {
        contract(&format!("(drop ({operation} ({}.const {a}) ({}.const {b})))", &operation[..3], &operation[..3]))
    };
    let recursing = contract_with("(func $deeper (call $deeper))", "(call $deeper)");
    vec![
        Case::of("a loop without end", &contract("(loop (br 0))")).gas(100_000).halts(Halt::OutOfGas),
        Case::of("recursion without end", &recursing).gas(100_000).halts(Halt::StackOverflow),
        Case::of("unreachable", &contract("(unreachable)")).halts(Halt::Unreachable),
        Case::of("a load behind the memory", &contract("(drop (i32.load8_u (i32.const 131072)))"))
            .halts(Halt::MemoryOutOfBounds),
        Case::of("a load that ends behind the memory", &contract("(drop (i64.load (i32.const 131065)))"))
            .halts(Halt::MemoryOutOfBounds),
        Case::of("a load whose address and offset pass 2^32", &contract("(drop (i32.load offset=8 (i32.const -4)))"))
            .halts(Halt::MemoryOutOfBounds),
        Case::of("a store behind the memory", &contract("(i32.store8 (i32.const -1) (i32.const 0))"))
            .halts(Halt::MemoryOutOfBounds),
        Case::of(
            "a fill that ends behind the memory",
            &contract("(memory.fill (i32.const 131071) (i32.const 0) (i32.const 2))"),
        )
        .halts(Halt::MemoryOutOfBounds),
        Case::of(
            "an empty fill at the memory's end",
            &contract("(memory.fill (i32.const 131072) (i32.const 0) (i32.const 0))"),
        ),
        Case::of(
            "an empty fill behind the memory",
            &contract("(memory.fill (i32.const 131073) (i32.const 0) (i32.const 0))"),
        )
        .halts(Halt::MemoryOutOfBounds),
        Case::of(
            "a dropped segment",
            &contract_with(
                "(data $d \"ab\")",
                "(data.drop $d) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))",
            ),
        )
        .halts(Halt::MemoryOutOfBounds),
        Case::of("a call behind the table", &contract_with(table, "(call_indirect (i32.const 2))"))
            .halts(Halt::TableOutOfBounds),
        Case::of("a call of an empty entry", &contract_with(table, "(call_indirect (i32.const 1))"))
            .halts(Halt::IndirectCallToNull),
        Case::of("a call of another type", &contract_with(table, "(call_indirect (i32.const 0))"))
            .halts(Halt::BadSignature),
        Case::of("a division by zero", &divided("i32.div_u", "1", "0")).halts(Halt::DivisionByZero),
        Case::of("a remainder by zero", &divided("i64.rem_s", "1", "0")).halts(Halt::DivisionByZero),
        Case::of("a quotient that does not fit", &divided("i64.div_s", "-9223372036854775808", "-1"))
            .halts(Halt::IntegerOverflow),
        Case::of("a remainder of the least number by −1", &divided("i32.rem_s", "-2147483648", "-1")),
        Case::of("a bad argument", &contract("(call $caller (i32.const 131053))")).halts(Halt::InvalidArgument),
    ]
}

fn memory() -> Vec<Case> {
    let grow = |by: &str| format!("(call $status (memory.grow (i32.const {by}))) (call $gas)");
    let growths = ["0", "1", "3", "2", "-1"].map(grow).join("\n    ");
    vec![
        Case::of(
            "memory grows to its maximum",
            &module_of("1 6", &format!("(call $gas)\n    {growths}\n    (call $status (memory.size))")),
        )
        .about("By 0, 1 (free), 3, then 2 and 2^32 − 1, which its maximum of six pages forbids: −1, and no pages are paid."),
        Case::of(
            "memory without a maximum grows to 32 pages",
            &module_of("2", &format!("{} {}", grow("30"), grow("1"))),
        )
        .gas(5_000_000),
        Case::of("growth that cannot be paid", &module_of("2 8", &grow("6"))).gas(45_000).halts(Halt::OutOfGas),
        Case::of(
            "new pages are zero and can be used",
            &module_of("2 3", "(drop (memory.grow (i32.const 1))) (call $put (i64.load (i32.const 196600))) (i64.store (i32.const 196600) (i64.const -1))"),
        )
        .gives([0; 8]),
        Case::of("memory that was not grown cannot be used", &module_of("2 3", "(call $put (i64.load (i32.const 131072)))"))
            .halts(Halt::MemoryOutOfBounds),
        Case::of("a frame that begins with five pages and 100 entries", &module(5, "  (table 100 funcref)\n  (func (export \"call\"))"))
            .about("Pages beyond 2 and entries beyond 64 are paid at the start."),
        Case::of("a beginning that cannot be paid", &module(8, "  (func (export \"call\"))")).gas(45_000).halts(Halt::OutOfGas),
    ]
}

/// A module that hands out numbers, with other bounds of its memory.
fn module_of(pages: &str, body: &str) -> String {
    noting("", body).replace("(memory (export \"memory\") 2)", &format!("(memory (export \"memory\") {pages})"))
}

fn segments() -> Vec<Case> {
    // A thousand bytes of known length cost 14 gas with the segment that they are in.
    let work = "(memory.fill (i32.const 0) (i32.const 0) (i32.const 1000))";
    let about = "Gas left, seen between operations: each segment is paid where it begins.";
    let counter = "(global $n (mut i32) (i32.const 0))";
    let seen = |name: &str, body: &str| {
        Case::of(name, &noting(counter, &format!("(call $gas) {body} (call $gas)"))).about(about)
    };
    vec![
        seen("gas in one segment", &format!("{work} (call $gas) {work}")),
        seen(
            "gas across a branch",
            &format!("(block (br_if 0 (i32.const 0)) {work} (call $gas) {work}) (call $gas) {work}"),
        ),
        seen(
            "gas across a branch that is taken",
            &format!("(block (br_if 0 (i32.const 1)) {work} (call $gas) {work}) (call $gas) {work}"),
        ),
        seen(
            "gas in the dearer arm",
            &format!("(if (i32.const 1) (then {work} (call $gas) {work} {work}) (else {work}))"),
        ),
        seen(
            "gas in the cheaper arm",
            &format!("(if (i32.const 0) (then {work} {work} {work}) (else (call $gas) {work}))"),
        ),
        seen(
            "gas before an arm that traps",
            &format!("(if (i32.const 0) (then {work} {work} unreachable) (else (call $gas) {work}))"),
        ),
        seen(
            "gas before an arm that calls and traps",
            &format!("(if (i32.const 0) (then (call $gas) {work} {work} unreachable) (else (call $gas) {work}))"),
        ),
        seen("gas in a segment that is full", &[work; 6].join(" (call $gas) ")),
        seen(
            "gas in a loop",
            &format!(
                "(global.set $n (i32.const 3))
    (loop (call $gas) {work} (global.set $n (i32.sub (global.get $n) (i32.const 1))) (br_if 0 (global.get $n)))"
            ),
        ),
        seen(
            "gas for lengths that are not known",
            "(memory.fill (i32.const 0) (i32.const 0) (i32.const 1025)) (call $gas) (memory.fill (i32.const 0) (i32.const 0) (block (result i32) (i32.const 1000)))",
        ),
    ]
}

/// Transactions that no block may carry, each breaking a rule and all later ones.
fn invalid() -> Vec<Case> {
    let case = |name: &str| {
        Case::of(name, &with_one_page(&contract("(nop)"))).input([1; 100]).send(|sent| {
            (sent.nonce, sent.gas_limit, sent.max_fee_per_gas, sent.max_priority_fee_per_gas) = (7, 100, 1, 0);
        })
    };
    let (poor, code) = (10, "(module (memory (export \"memory\") 1) (func (export \"call\")))");
    vec![
        case("a nonce too high").balance(SENDER, poor).invalid("nonce too high"),
        case("a nonce too low").account(SENDER, |account| account.nonce = 8).invalid("nonce too low"),
        case("a sender with code")
            .with(SENDER, code)
            .account(SENDER, |account| account.nonce = 7)
            .invalid("sender not an eoa"),
        case("a fee below the base fee")
            .account(SENDER, |account| account.nonce = 7)
            .balance(SENDER, poor)
            .invalid("max fee per gas less than block base fee"),
        case("a balance too low")
            .account(SENDER, |account| account.nonce = 7)
            .balance(SENDER, 699)
            .send(|sent| sent.max_fee_per_gas = 7)
            .invalid("insufficient funds"),
        case("gas below the intrinsic")
            .account(SENDER, |account| account.nonce = 7)
            .balance(SENDER, 700)
            .send(|sent| sent.max_fee_per_gas = 7)
            .invalid("intrinsic gas too low"),
        case("gas below the floor")
            .account(SENDER, |account| account.nonce = 7)
            .send(|sent| (sent.max_fee_per_gas, sent.gas_limit) = (7, 24_999))
            .invalid("insufficient gas for floor data gas cost"),
        case("gas at the floor")
            .about("Its first frame gets what is left above the intrinsic gas.")
            .account(SENDER, |account| account.nonce = 7)
            .send(|sent| (sent.max_fee_per_gas, sent.gas_limit) = (7, 25_000)),
    ]
}

pub fn cases() -> Vec<Case> {
    [traps(), memory(), segments(), invalid()].into_iter().flatten().collect()
}
