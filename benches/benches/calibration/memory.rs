//! Loads, stores, bulk operations and growth.

use crate::program::Program;

const LOADS_32: [(&str, u32); 5] =
    [("i32.load8_s", 1), ("i32.load8_u", 1), ("i32.load16_s", 2), ("i32.load16_u", 2), ("i32.load", 4)];
const LOADS_64: [(&str, u32); 7] = [
    ("i64.load8_s", 1),
    ("i64.load8_u", 1),
    ("i64.load16_s", 2),
    ("i64.load16_u", 2),
    ("i64.load32_s", 4),
    ("i64.load32_u", 4),
    ("i64.load", 8),
];
const STORES: [(&str, u32, &str); 7] = [
    ("i32.store8", 1, "$a"),
    ("i32.store16", 2, "$a"),
    ("i32.store", 4, "$a"),
    ("i64.store8", 1, "$x"),
    ("i64.store16", 2, "$x"),
    ("i64.store32", 4, "$x"),
    ("i64.store", 8, "$x"),
];

/// Working sets, in KiB.
const SETS: [u32; 9] = [4, 32, 128, 256, 512, 896, 1_024, 1_536, 2_048];

/// Pages that hold `kib`, and the page below them where the program keeps its own.
fn pages(kib: u32) -> u32 {
    (kib.div_ceil(64) + 1).min(memory_pages_max())
}

fn memory_pages_max() -> u32 {
    esker_vm::abi::Limits::V1.memory_pages_max
}

/// Where the working set of `kib` begins: after the first page if there is room.
fn base(kib: u32) -> u32 {
    (pages(kib) * 64 - kib) * 1024
}

pub fn programs() -> Vec<Program> {
    let mut all = loads();
    all.extend(stores());
    all.extend(working_sets());
    all.extend(bulk());
    all.extend(growth());
    all
}

fn loads() -> Vec<Program> {
    let mut all = Vec::new();
    for (operator, width) in LOADS_32 {
        // Zeros are loaded, so every address is the first and depends on the value before.
        for (how, offset) in
            [("dependent", 4_096), ("dependent, across lines", 4_096 + 64 - 1), ("dependent, across pages", 8_192 - 1)]
        {
            if width == 1 && offset != 4_096 {
                continue;
            }
            let chain =
                (0..16).fold("(local.get $a)".to_owned(), |inner, _| format!("({operator} offset={offset} {inner})"));
            all.push(
                Program::new("load", &format!("{operator}, {how}"), &format!("(local.set $a {chain})"))
                    .setup("(local.set $a (i32.const 0))")
                    .unroll(4),
            );
        }
    }
    for (operator, width) in LOADS_64 {
        let chain = (0..8)
            .fold("(local.get $a)".to_owned(), |inner, _| format!("(i32.wrap_i64 ({operator} offset=4096 {inner}))"));
        all.push(
            Program::new("load", &format!("{operator}, dependent"), &format!("(local.set $a {chain})"))
                .setup("(local.set $a (i32.const 0))")
                .unroll(4),
        );
        let dropped: String = (0..16)
            .map(|index| format!("(drop ({operator} offset={} (local.get $a)))", 4_096 + index * width))
            .collect();
        all.push(
            Program::new("load", &format!("{operator}, dropped"), &dropped)
                .setup("(local.set $a (i32.const 0))")
                .unroll(4),
        );
    }
    for (how, offset, stride) in
        [("in a row", 4_096, 8), ("across lines", 4_096 + 60, 64), ("across pages", 8_192 - 4, 4_096)]
    {
        let sum = (0..8).fold("(local.get $x)".to_owned(), |inner, index| {
            format!("(i64.xor {inner} (i64.load offset={} (local.get $a)))", offset + index * stride)
        });
        all.push(
            Program::new("load", &format!("i64.load, independent, {how}"), &format!("(local.set $x {sum})"))
                .setup("(local.set $a (i32.const 0))")
                .unroll(4),
        );
    }
    all
}

fn stores() -> Vec<Program> {
    let mut all = Vec::new();
    for (operator, width, local) in STORES {
        let places = [
            ("in a row", 4_096, width),
            ("across lines", 4_096 + 64 - width / 2, 64),
            ("across pages", 8_192 - width / 2, 4_096),
        ];
        for (how, offset, stride) in places {
            if width == 1 && how != "in a row" {
                continue;
            }
            let row: String = (0..8)
                .map(|index| {
                    format!("({operator} offset={} (local.get $b) (local.get {local}))", offset + index * stride)
                })
                .collect();
            all.push(
                Program::new("store", &format!("{operator}, {how}"), &row)
                    .setup("(local.set $b (i32.const 0))")
                    .unroll(4),
            );
        }
    }
    let round_trip = |store: &str, at: u32, load: &str, from: u32| {
        format!(
            "({store} offset={at} (local.get $b) (local.get $x)) (local.set $x ({load} offset={from} (local.get $b)))"
        )
        .repeat(8)
    };
    let through =
        |case: &str, step: String| Program::new("store", case, &step).setup("(local.set $b (i32.const 0))").unroll(2);
    all.extend([
        through("and load of the same", round_trip("i64.store", 4_096, "i64.load", 4_096)),
        through("and load of a part", round_trip("i64.store", 4_096, "i64.load8_u", 4_099)),
        through("and load that reaches beyond it", round_trip("i64.store", 4_096, "i64.load", 4_100)),
        through("and wider load around it", round_trip("i64.store8", 4_099, "i64.load", 4_096)),
        through("and load, across lines", round_trip("i64.store", 4_156, "i64.load", 4_156)),
        through("and load that reaches beyond it, across pages", round_trip("i64.store", 8_188, "i64.load", 8_190)),
        through("and load 4 KiB apart", round_trip("i64.store", 4_096, "i64.load", 8_192)),
        through("and wider load around it, across pages", round_trip("i64.store8", 8_191, "i64.load", 8_188)),
    ]);
    all
}

/// A tour through all lines of a working set in an order that no prefetcher guesses: each holds the address of the next.
fn tour(kib: u32) -> String {
    let (lines, base) = (kib * 16, base(kib));
    // A linear congruential generator of full period where the number of lines is a power of two; else a walk by a step
    // that has no common divisor with it.
    let next = if lines.is_power_of_two() {
        format!(
            "(i32.and (i32.add (i32.mul (local.get $a) (i32.const 1664525)) (i32.const 1013904223)) (i32.const {}))",
            lines - 1
        )
    } else {
        let step = (0..).map(|extra| lines * 618 / 1_000 + extra).find(|step| gcd(*step, lines) == 1).unwrap_or(1);
        format!("(i32.rem_u (i32.add (local.get $a) (i32.const {step})) (i32.const {lines}))")
    };
    format!(
        "(local.set $a (i32.const 0)) (local.set $b (i32.const {lines}))
         (loop $fill
            (local.set $c {next})
            (i32.store (i32.add (i32.shl (local.get $a) (i32.const 6)) (i32.const {base}))
                (i32.add (i32.shl (local.get $c) (i32.const 6)) (i32.const {base})))
            (local.set $a (local.get $c))
            (br_if $fill (local.tee $b (i32.sub (local.get $b) (i32.const 1)))))
         (local.set $a (i32.const {base}))"
    )
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn working_sets() -> Vec<Program> {
    let mut all = Vec::new();
    for kib in SETS.into_iter().filter(|kib| kib.div_ceil(64) <= memory_pages_max()) {
        let chain = (0..32).fold("(local.get $a)".to_owned(), |inner, _| format!("(i32.load {inner})"));
        all.push(
            Program::new("load", &format!("dependent, {kib} KiB"), &format!("(local.set $a {chain})"))
                .pages(pages(kib))
                .setup(tour(kib))
                .unroll(2),
        );
        if !(kib * 1024).is_power_of_two() {
            continue;
        }
        let (mask, base) = (kib * 1024 - 8, base(kib));
        let address = |shift: u32| {
            format!("(i32.and (i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const {shift}))) (i32.const {mask}))")
        };
        let random = "(local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (i64.const 1442695040888963407)))";
        let apart = format!(
            "{random} (local.set $y (i64.add (local.get $y) (i64.add (i64.load offset={base} {}) (i64.load offset={base} {}))))",
            address(40),
            address(31)
        );
        let stores = format!(
            "{random} (i64.store offset={base} {} (local.get $y)) (i64.store offset={base} {} (local.get $z))",
            address(40),
            address(31)
        );
        let touched = format!("(memory.fill (i32.const {base}) (i32.const 0) (i32.const {}))", kib * 1024);
        all.push(
            Program::new("load", &format!("at random, independent, {kib} KiB"), &apart)
                .pages(pages(kib))
                .setup(&touched),
        );
        all.push(Program::new("store", &format!("at random, {kib} KiB"), &stores).pages(pages(kib)).setup(&touched));
        // A line a step: the stride that spoils caches most without any arithmetic.
        let sweep: String = (0..16)
            .map(|index| {
                format!("(i64.store8 offset={} (local.get $a) (local.get $y))", base + index * 4_096 % (kib * 1024))
            })
            .collect();
        let next = format!(
            "(local.set $a (i32.and (i32.add (local.get $a) (i32.const 65600)) (i32.const {})))",
            kib * 1024 - 1
        );
        if kib >= 128 && pages(kib) < memory_pages_max() {
            all.push(
                Program::new("store", &format!("a page apart, {kib} KiB"), &format!("{sweep} {next}"))
                    .pages(memory_pages_max().min(pages(kib) + 1))
                    .setup(format!("{touched} (local.set $a (i32.const 0))"))
                    .unroll(4),
            );
        }
    }
    all
}

fn bulk() -> Vec<Program> {
    let mut all = Vec::new();
    for bytes in [0u32, 1, 8, 31, 64, 256, 1_024] {
        let steps = [
            ("fill", format!("(memory.fill (i32.const 4097) (i32.const 7) (i32.const {bytes}))")),
            ("copy", format!("(memory.copy (i32.const 4097) (i32.const 16387) (i32.const {bytes}))")),
            ("init", format!("(memory.init 0 (i32.const 4097) (i32.const 0) (i32.const {bytes}))")),
        ];
        for (operation, step) in steps {
            all.push(
                Program::new("bulk", &format!("memory.{operation}, constant {bytes}"), &step)
                    .items(format!("(data \"{}\")", "x".repeat(1_024))),
            );
        }
    }
    let largest = memory_pages_max() * 64 / 2;
    for kib in [0, 4, 64, 512, largest] {
        if kib > largest {
            continue;
        }
        let bytes = kib * 1024;
        let (from, most) = (bytes.max(65_536), memory_pages_max());
        let half = bytes.saturating_sub(if kib == largest { 0 } else { 1 });
        let set = format!("(local.set $a (i32.const {half}))");
        let warm = format!("{set} (memory.fill (i32.const 0) (i32.const 1) (i32.const {}))", most * 65_536);
        let (to, from) = if kib == largest { (0, bytes) } else { (1, from + 3) };
        let steps = [
            ("fill", format!("(memory.fill (i32.const {to}) (i32.const 7) (local.get $a))")),
            ("copy up", format!("(memory.copy (i32.const {from}) (i32.const {to}) (local.get $a))")),
            ("copy down", format!("(memory.copy (i32.const {to}) (i32.const {from}) (local.get $a))")),
            (
                "copy onto itself, one byte on",
                format!("(memory.copy (i32.const {}) (i32.const {to}) (local.get $a))", to + u32::from(kib != largest)),
            ),
        ];
        for (operation, step) in steps {
            all.push(
                Program::new("bulk", &format!("memory.{operation}, {kib} KiB"), &step)
                    .pages(most)
                    .setup(&warm)
                    .unroll(if kib < 64 { 8 } else { 1 }),
            );
        }
    }
    all.push(Program::new("bulk", "data.drop", "(data.drop 0)").items("(data \"x\")"));
    all
}

fn growth() -> Vec<Program> {
    let touch: String =
        (0..16).map(|page| format!("(i64.store offset={} (local.get $b) (local.get $x))", page * 4_096)).collect();
    let rounds = (memory_pages_max() - 2) / 2;
    vec![
        Program::new("memory_grow", "by no page", "(drop (memory.grow (i32.const 0)))"),
        Program::new("memory_grow", "by too many", "(drop (memory.grow (i32.const 65535)))"),
        Program::new(
            "memory_grow",
            "a page, every 4 KiB touched",
            &format!("(local.set $b (i32.shl (memory.grow (i32.const 1)) (i32.const 16))) {touch}"),
        )
        .pages(2)
        .unroll(1)
        .rounds(rounds),
        Program::new("memory_grow", "a page, untouched", "(drop (memory.grow (i32.const 1)))")
            .pages(2)
            .unroll(1)
            .rounds(rounds),
        Program::new(
            "memory_grow",
            "a page, filled",
            "(memory.fill (i32.shl (memory.grow (i32.const 1)) (i32.const 16)) (i32.const 1) (i32.const 65536))",
        )
        .pages(2)
        .unroll(1)
        .rounds(rounds),
    ]
}
