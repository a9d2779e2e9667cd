//! Instructions that compute, branch and call.

use crate::program::Program;

/// `depth` nested applications of a binary operator, the right operands taking turns.
fn nested(operator: &str, depth: usize, first: &str, others: [&str; 2]) -> String {
    (0..depth).fold(format!("(local.get {first})"), |inner, level| {
        format!("({operator} {inner} (local.get {}))", others[level % 2])
    })
}

fn nested_unary(operator: &str, depth: usize, first: &str) -> String {
    (0..depth).fold(format!("(local.get {first})"), |inner, _| format!("({operator} {inner})"))
}

pub fn programs() -> Vec<Program> {
    let mut all = trivial();
    all.extend(simple());
    all.extend(multiplication_and_division());
    all.extend(branches());
    all.extend(calls());
    all
}

fn trivial() -> Vec<Program> {
    let nops = "(nop) ".repeat(16);
    vec![
        Program::new("trivial", "nop", &nops),
        Program::new(
            "trivial",
            "locals swapped, dependent",
            &"(local.set $x (local.get $y)) (local.set $y (local.get $x)) ".repeat(8),
        ),
        Program::new(
            "trivial",
            "locals rotated, tee",
            &"(local.set $x (local.tee $y (local.tee $z (local.tee $w (local.get $x))))) ".repeat(4),
        ),
        Program::new("trivial", "const and drop", &"(drop (i64.const 0x123456789abcdef)) ".repeat(16)),
        Program::new(
            "trivial",
            "const to local",
            &"(local.set $x (i64.const 0x123456789abcdef)) (local.set $y (i64.const 0x5aa5deadbeef)) ".repeat(8),
        ),
        Program::new("trivial", "blocks", &"(block) ".repeat(16)),
        Program::new("trivial", "loops side by side (a segment each)", &"(loop) ".repeat(8)).unroll(8),
        Program::new("trivial", "loops nested (a segment each)", &format!("{}{}", "(loop ".repeat(15), ")".repeat(15)))
            .unroll(8),
        Program::new(
            "global",
            "set from get, dependent",
            &"(global.set $h (global.get $g)) (global.set $g (global.get $h)) ".repeat(4),
        )
        .items("(global $g (mut i64) (i64.const 1)) (global $h (mut i64) (i64.const 2))"),
        Program::new("global", "counter", &"(global.set $g (i64.add (global.get $g) (local.get $y))) ".repeat(4))
            .items("(global $g (mut i64) (i64.const 1))"),
        Program::new("memory_size", "dropped", &"(drop (memory.size)) ".repeat(8)),
        Program::new("memory_size", "added", "(local.set $a (i32.add (local.get $a) (memory.size)))"),
    ]
}

fn simple() -> Vec<Program> {
    let mut all = Vec::new();
    for (kind, first, others) in [("i64", "$x", ["$y", "$z"]), ("i32", "$a", ["$b", "$c"])] {
        for operator in ["add", "sub", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"] {
            let chain = nested(&format!("{kind}.{operator}"), 16, first, others);
            all.push(
                Program::new("simple", &format!("{kind}.{operator}, chain"), &format!("(local.set {first} {chain})"))
                    .unroll(4),
            );
        }
        for operator in ["clz", "ctz", "popcnt", "extend8_s", "extend16_s"] {
            let chain = nested_unary(&format!("{kind}.{operator}"), 32, first);
            let step = format!("(local.set {first} ({kind}.xor (local.get {}) {chain}))", others[0]);
            all.push(Program::new("simple", &format!("{kind}.{operator}, chain"), &step).unroll(4));
        }
        for operator in ["eq", "lt_s", "ge_u"] {
            let step = format!(
                "(local.set {first} {})",
                if kind == "i64" {
                    (0..16).fold("(local.get $x)".to_owned(), |inner, _| {
                        format!("(i64.extend_i32_u (i64.{operator} {inner} (local.get $y)))")
                    })
                } else {
                    nested(&format!("i32.{operator}"), 16, first, others)
                }
            );
            all.push(Program::new("simple", &format!("{kind}.{operator}, chain"), &step).unroll(4));
        }
    }
    let wrapped =
        (0..16).fold("(local.get $x)".to_owned(), |inner, _| format!("(i64.extend_i32_s (i32.wrap_i64 {inner}))"));
    let eqz64 = (0..16).fold("(local.get $x)".to_owned(), |inner, _| format!("(i64.extend_i32_u (i64.eqz {inner}))"));
    let select = (0..16).fold("(i32.wrap_i64 (local.get $x))".to_owned(), |inner, _| {
        format!("(select (local.get $b) (local.get $c) {inner})")
    });
    let select64 = (0..8).fold("(local.get $x)".to_owned(), |inner, level| {
        format!("(select {inner} (local.get $y) (i32.and (local.get $a) (i32.const {})))", 1 << level)
    });
    let wide = |operator: &str| {
        ["$x", "$y", "$z", "$w"]
            .map(|local| format!("(local.set {local} (i64.{operator} (local.get {local}) (i64.const 13)))"))
            .concat()
    };
    all.extend([
        Program::new("simple", "i64.extend32_s, chain", &format!("(local.set $x (i64.xor (local.get $y) {}))", nested_unary("i64.extend32_s", 32, "$x"))).unroll(4),
        Program::new("simple", "wrap and extend, chain", &format!("(local.set $x (i64.xor (local.get $y) {wrapped}))")).unroll(4),
        Program::new("simple", "i32.eqz, chain", &format!("(local.set $a (i32.xor (local.get $b) {}))", nested_unary("i32.eqz", 32, "$a"))).unroll(4),
        Program::new("simple", "i64.eqz, chain", &format!("(local.set $x (i64.xor (local.get $y) {eqz64}))")).unroll(4),
        Program::new("simple", "select by condition, chain", &format!("(local.set $a {select})")).unroll(4),
        Program::new("simple", "select by value, chain", &format!("(local.set $x (i64.xor (local.get $z) {select64})) (local.set $a (i32.add (local.get $a) (local.get $b)))")).unroll(4),
        Program::new("simple", "four rotations, independent", &wide("rotl")),
        Program::new("simple", "four additions, independent", &wide("add")),
        Program::new("simple", "through a local: x = x + y", &"(local.set $x (i64.add (local.get $x) (local.get $y))) ".repeat(8)),
    ]);
    all
}

fn multiplication_and_division() -> Vec<Program> {
    let mut all = vec![
        Program::new(
            "multiply",
            "i64.mul, chain",
            &format!("(local.set $x {})", nested("i64.mul", 16, "$x", ["$y", "$z"])),
        )
        .unroll(4),
        Program::new(
            "multiply",
            "i32.mul, chain",
            &format!("(local.set $a {})", nested("i32.mul", 16, "$a", ["$b", "$c"])),
        )
        .unroll(4),
        Program::new(
            "multiply",
            "i64.mul, square of a local",
            &"(local.set $x (i64.mul (local.get $x) (local.get $x))) ".repeat(8),
        ),
    ];
    for operator in ["div_u", "div_s", "rem_u", "rem_s"] {
        // A dividend of full width by a divisor of half, whose quotient is the next divisor.
        let step64 = format!("(local.set $x (i64.or (i64.{operator} (local.get $y) (local.get $x)) (i64.const 3)))");
        let step32 = format!("(local.set $a (i32.or (i32.{operator} (local.get $b) (local.get $a)) (i32.const 3)))");
        let constant = format!("(local.set $x (i64.{operator} (local.get $x) (i64.const 1000003)))");
        let high = format!(
            "(local.set $x (i64.{operator} (i64.or (local.get $x) (i64.const 0x7000000000000000)) (local.get $z)))"
        );
        let apart = ["$x", "$y", "$w"]
            .map(|local| format!("(drop (i64.{operator} (local.get {local}) (local.get $z)))"))
            .concat();
        all.extend([
            Program::new("divide", &format!("i64.{operator}, chain"), &step64)
                .setup("(local.set $x (i64.const 0x100000001))"),
            Program::new("divide", &format!("i32.{operator}, chain"), &step32)
                .setup("(local.set $a (i32.const 0x10001))"),
            Program::new("divide", &format!("i64.{operator}, large by small, chain"), &high)
                .setup("(local.set $z (i64.const 3))"),
            Program::new("divide", &format!("i64.{operator} by a constant"), &constant),
            Program::new("divide", &format!("i64.{operator}, independent"), &apart)
                .setup("(local.set $z (i64.const 0x10001))"),
        ]);
    }
    all
}

/// One step of a generator of pseudorandom bits in `$x`, the price of which is shared by `uses` of its bits.
fn random() -> &'static str {
    "(local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))"
}

fn branches() -> Vec<Program> {
    // Bits 33 to 62 of a linear congruential generator.
    let bit = |bit: usize| format!("(i64.eqz (i64.and (local.get $x) (i64.const {})))", 1u64 << (33 + bit));
    let word = "(local.set $a (i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const 33))))";
    let narrow = |bit: usize| format!("(i32.and (local.get $a) (i32.const {}))", 1u32 << bit);
    let br_if: String =
        (0..24).map(|index| format!("(block (br_if 0 {}) (local.set $b (local.get $c)))", narrow(index))).collect();
    let ifs: String =
        (0..24).map(|index| format!("(if {} (then (local.set $b (local.get $c))))", narrow(index))).collect();
    let empty_ifs: String = (0..24).map(|index| format!("(if {} (then (nop)) (else (nop)))", narrow(index))).collect();
    let by_bits: String =
        (0..12).map(|index| format!("(block (br_if 0 {}) (local.set $b (local.get $d)))", bit(index))).collect();
    // Arm k follows the block that target k leaves.
    let table = |targets: usize, index: &str| {
        let labels: String = (0..targets).map(|label| format!(" {label}")).collect();
        let arms = (0..targets).fold(format!("(br_table {labels} 0 {index})"), |inner, arm| {
            format!("(block {inner}) (local.set $b (i32.const {arm})) (br {})", targets - 1 - arm)
        });
        format!("(block {arms})")
    };
    let masked = |targets: usize, shift: usize| {
        format!("(i32.and (i32.shr_u (local.get $a) (i32.const {shift})) (i32.const {}))", targets - 1)
    };
    let random_table = |targets: usize| {
        let uses: String = [0, 9, 18].into_iter().map(|shift| table(targets, &masked(targets, shift))).collect();
        format!("{} {word} {uses}", random())
    };
    vec![
        Program::new("branch", "br_if not taken (a segment each)", &"(block (br_if 0 (local.get $d))) ".repeat(8)).setup("(local.set $d (i32.const 0))"),
        Program::new("branch", "br_if taken", &"(block (br_if 0 (local.get $d))) ".repeat(8)),
        Program::new("branch", "br", &"(block (br 0)) ".repeat(8)),
        Program::new("branch", "if without arms' work", &"(if (local.get $d) (then) (else)) ".repeat(8)),
        Program::new("branch", "if, arms of a nop", &"(if (local.get $d) (then (nop)) (else (nop))) ".repeat(8)),
        Program::new("branch", "br_if at random", &format!("{} {word} {br_if}", random())).unroll(2),
        Program::new("branch", "if at random", &format!("{} {word} {ifs}", random())).unroll(2),
        Program::new("branch", "if at random, arms of a nop", &format!("{} {word} {empty_ifs}", random())).unroll(2),
        Program::new("branch", "br_if at random, 64 bits", &format!("{} {by_bits}", random())).unroll(2),
        Program::new("branch", "a loop of its own", "(local.set $b (i32.const 16)) (loop (br_if 0 (local.tee $b (i32.sub (local.get $b) (i32.const 1)))))").unroll(4),
        Program::new("branch", "the shortest loop", "(local.set $b (i32.const 16)) (loop $l (br_if $l (i32.wrap_i64 (i64.shl (local.tee $x (i64.mul (local.get $x) (local.get $y))) (i64.const 63)))))").unroll(2)
            .setup("(local.set $y (i64.const 4))"),
        Program::new("branch_table", "one target", &table(2, "(local.get $d)")),
        Program::new("branch_table", "8 targets at random", &random_table(8)).unroll(4),
        Program::new("branch_table", "64 targets at random", &random_table(64)).unroll(2),
    ]
}

/// `count` constants, or locals.
fn values(count: usize, local: bool) -> String {
    if local {
        "(local.get $x)".repeat(count)
    } else {
        (0..count).map(|value| format!("(i64.const {value})")).collect()
    }
}

fn signature(params: usize, results: usize) -> String {
    format!("(param {}) (result {})", "i64 ".repeat(params), "i64 ".repeat(results))
}

fn calls() -> Vec<Program> {
    let mut all = Vec::new();
    for (params, results) in [(0, 0), (1, 1), (8, 0), (32, 0), (0, 8), (8, 8), (32, 8)] {
        let given: String = if params >= results {
            (0..results).map(|index| format!("(local.get {index})")).collect()
        } else {
            values(results, false)
        };
        let kind = signature(params, results);
        let leaf = format!("(func $f {kind} {given})");
        let drops = "(drop)".repeat(results);
        let case = |how: &str| format!("{how}, {params} parameters, {results} results");
        all.push(
            Program::new("call", &case("leaf"), &format!("(call $f {}) {drops}", values(params, true)))
                .items(&leaf)
                .unroll(8),
        );
        // The callee calls too, so it tests fuel and stack.
        let inner = format!("(func $g) (func $f {kind} (call $g) {given})");
        all.push(
            Program::new("call", &case("not a leaf"), &format!("(call $f {}) {drops}", values(params, true)))
                .items(inner)
                .unroll(8),
        );
        let table = format!("(type $t (func {kind})) {leaf} (table 1 1 funcref) (elem (i32.const 0) $f)");
        all.push(
            Program::new(
                "call_indirect",
                &case("leaf"),
                &format!("{} (call_indirect (type $t) (i32.const 0)) {drops}", values(params, true)),
            )
            .items(table)
            .unroll(8),
        );
    }
    let many: String = (0..64).map(|index| format!("(func $f{index} (result i32) (i32.const {index}))")).collect();
    let names: String = (0..64).map(|index| format!(" $f{index}")).collect();
    let at_random = "(local.set $b (i32.add (local.get $b) (call_indirect (type $t) (i32.and (i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const 40))) (i32.const 63)))))";
    let forwarded: String = (0..32).map(|index| format!("(local.get {index})")).collect();
    let chain: String = (0..8)
        .map(|index| format!("(func $c{index} {} (call $c{} {forwarded}))", signature(32, 8), index + 1))
        .collect::<String>()
        + &format!(
            "(func $c8 {} {})",
            signature(32, 8),
            (24..32).map(|index| format!("(local.get {index})")).collect::<String>()
        );
    all.extend([
        Program::new("call_indirect", "64 functions at random", &format!("{} {at_random}", random()))
            .items(format!("(type $t (func (result i32))) {many} (table 64 64 funcref) (elem (i32.const 0) {names})")),
        Program::new(
            "call",
            "8 deep, 32 parameters handed on, 8 results",
            &format!("(call $c0 {}) {}", values(32, true), "(drop)".repeat(8)),
        )
        .items(chain)
        .unroll(2),
        Program::new(
            "call",
            "results swapped eight times",
            &format!(
                "(call $swap {}) {}",
                (0..8).fold(values(8, true), |inner, _| format!("(call $swap {inner})")),
                "(drop)".repeat(8)
            ),
        )
        .items(format!(
            "(func $swap {} {})",
            signature(8, 8),
            (0..8).rev().map(|index| format!("(local.get {index})")).collect::<String>()
        ))
        .unroll(2),
        Program::new("call", "recursion, 16 deep", "(call $r (i32.const 16))")
            .items("(func $r (param i32) (if (local.get 0) (then (call $r (i32.sub (local.get 0) (i32.const 1))))))")
            .unroll(4),
        Program::new("call", "return from a loop", "(call $f)").items("(func $f (loop (return)))"),
        Program::new("local", "a call with 64 locals", "(call $f)")
            .items(format!("(func $f (local {}))", "i64 ".repeat(64))),
        Program::new("local", "a call with 480 locals", "(call $f)")
            .items(format!("(func $f (local {}))", "i64 ".repeat(480)))
            .unroll(4),
        Program::new("local", "a call with 480 locals, used", "(call $f)")
            .items(format!(
                "(func $f (local {}) {})",
                "i64 ".repeat(480),
                (0..480).map(|index| format!("(drop (local.get {index}))")).collect::<String>()
            ))
            .unroll(4),
    ]);
    all
}
