//! Each limit of a module, reached and passed.

use esker_vm::abi::Limits;

use crate::{Case, wasm, with};

fn repeat(field: &str, count: u32) -> String {
    field.repeat(count as usize)
}

fn nested(open: &str, depth: u32) -> String {
    format!("{}{}", repeat(open, depth), repeat(")", depth))
}

/// A contract with a custom section such that the module has exactly `bytes` bytes.
fn of_size(bytes: u32) -> Vec<u8> {
    let mut module = with("");
    // The section's id, its size in three bytes, the length of its name.
    let rest = bytes as usize - module.len() - 5;
    let size = (rest + 1) as u32;
    module.extend([0, size as u8 & 0x7f | 0x80, (size >> 7) as u8 & 0x7f | 0x80, (size >> 14) as u8, 0]);
    module.resize(bytes as usize, 0);
    module
}

/// A function whose body has exactly `bytes` bytes: no locals, `nop`s, `end`.
fn body_of(bytes: u32) -> String {
    format!("(func {})", repeat("nop ", bytes - 2))
}

/// Adds a pair: at the limit accepted, one more refused.
fn pair(cases: &mut Vec<Case>, what: &str, limit: u32, module: impl Fn(u32) -> Vec<u8>) {
    cases.push(Case::new(format!("{what}: {limit}"), module(limit), true));
    cases.push(Case::new(format!("{what}: {}", limit + 1), module(limit + 1), false));
}

pub fn cases() -> Vec<Case> {
    let limits = Limits::V1;
    let mut cases = Vec::new();
    let all = &mut cases;
    let field = |text: String| with(&text);

    pair(all, "bytes of the module", limits.module_bytes_max, of_size);
    // One type more is that of `call`.
    pair(all, "function types", limits.types_max, |count| {
        let types: String =
            (0..count - 1).map(|n| format!("(type (func (param {})))", repeat("i32 ", n % 32 + 1))).collect();
        field(types)
    });
    pair(all, "parameters", limits.params_max, |count| field(format!("(func (param {}))", repeat("i64 ", count))));
    pair(all, "results", limits.results_max, |count| {
        field(format!("(func (result {}) unreachable)", repeat("i64 ", count)))
    });
    pair(all, "results of a block", limits.results_max, |count| {
        let results = repeat("i64 ", count);
        field(format!("(func (block (result {results}) unreachable) {})", repeat("drop ", count)))
    });
    pair(all, "functions defined", limits.functions_max, |count| field(repeat("(func)", count - 1)));
    pair(all, "locals", limits.locals_max, |count| field(format!("(func (local {}))", repeat("i32 ", count))));
    pair(all, "locals, parameters counted", limits.locals_max, |count| {
        field(format!("(func (param i64 i64 i64) (local {}))", repeat("i32 ", count - 3)))
    });
    for (what, code) in [
        ("block", "(block)"),
        ("loop", "(loop)"),
        ("if", "(if (i32.const 0) (then))"),
        ("br_if", "(br_if 0 (i32.const 0))"),
        ("br, unreachable but for the first", "br 0 "),
        ("br_table, unreachable but for the first", "i32.const 0 br_table 0 "),
        ("return, unreachable but for the first", "return "),
    ] {
        pair(all, &format!("controls: {what}"), limits.controls_max, |count| {
            field(format!("(func {})", repeat(code, count)))
        });
    }
    pair(all, "controls of several kinds together", limits.controls_max, |count| {
        field(format!("(func {} (block (loop (br_if 0 (i32.const 0)))))", repeat("(block)", count - 3)))
    });
    pair(all, "nesting, the function itself not counted", limits.control_depth_max, |depth| {
        field(format!("(func {})", nested("(block ", depth)))
    });
    pair(all, "nesting, unreachable", limits.control_depth_max, |depth| {
        field(format!("(func unreachable {})", nested("(block ", depth)))
    });
    pair(all, "nesting of loops", limits.loop_depth_max, |depth| field(format!("(func {})", nested("(loop ", depth))));
    pair(all, "nesting of loops with blocks between", limits.loop_depth_max, |depth| {
        let open = repeat("(loop (block ", depth);
        field(format!("(func {open}{})", repeat(")", 2 * depth)))
    });
    pair(all, "nesting of loops, unreachable", limits.loop_depth_max, |depth| {
        field(format!("(func unreachable {})", nested("(loop ", depth)))
    });
    cases_of_sizes(all);
    cases
}

fn cases_of_sizes(all: &mut Vec<Case>) {
    let limits = Limits::V1;
    let field = |text: String| with(&text);
    pair(all, "bytes of a body", limits.body_bytes_max, |bytes| field(body_of(bytes)));
    pair(all, "operands", limits.operands_max, |count| {
        field(format!("(func {} {})", repeat("i32.const 0 ", count), repeat("drop ", count)))
    });
    let unreachable = repeat("i32.const 0 ", limits.operands_max + 1);
    all.push(Case::new(
        "operands beyond the limit, unreachable",
        field(format!("(func unreachable {unreachable} unreachable)")),
        true,
    ));
    let results = "i64 i64 i64 i64 i64 i64 i64 i64";
    all.push(Case::new(
        "operands beyond the limit after an end that nothing reaches",
        field(format!(
            "(func {} (block (result {results}) unreachable) unreachable)",
            repeat("i32.const 0 ", limits.operands_max - 1)
        )),
        true,
    ));
    pair(all, "targets of a br_table, the default not counted", limits.br_table_targets_max, |count| {
        field(format!("(func (br_table {} (i32.const 0)))", repeat("0 ", count + 1)))
    });
    pair(all, "targets of an unreachable br_table", limits.br_table_targets_max, |count| {
        field(format!("(func unreachable (br_table {} (i32.const 0)))", repeat("0 ", count + 1)))
    });
    pair(all, "globals", limits.globals_max, |count| field(repeat("(global i32 (i32.const 0))", count)));
    pair(all, "entries of the table", limits.table_entries_max, |count| field(format!("(table {count} funcref)")));
    pair(all, "element segments", limits.element_segments_max, |count| {
        field(format!("(table 1 funcref) {}", repeat("(elem (i32.const 0))", count)))
    });
    pair(all, "data segments", limits.data_segments_max, |count| field(repeat(r#"(data "x")"#, count)));
    // `memory` and `call` are two exports.
    pair(all, "exports", limits.exports_max, |count| {
        field((2..count).map(|n| format!(r#"(func (export "f{n}"))"#)).collect())
    });
    pair(all, "bytes of an export's name", limits.name_bytes_max, |bytes| {
        field(format!(r#"(func (export "{}"))"#, repeat("x", bytes)))
    });
    pair(all, "bytes of a custom section's name", limits.name_bytes_max, |bytes| {
        field(format!(r#"(@custom "{}" "")"#, repeat("x", bytes)))
    });
    pair(all, "pages of initial memory", limits.memory_pages_max, |pages| {
        wasm(&format!(r#"(module (memory (export "memory") {pages}) (func (export "call")))"#))
    });
    for (name, pages, accepted) in [
        ("a maximum of 65,536 pages", "1 65536", true),
        ("a maximum of 65,537 pages", "1 65537", false),
        ("a maximum below the initial size", "2 1", false),
        ("no pages at all", "0 0", true),
    ] {
        // The text's parser would refuse some of these itself.
        let (initial, maximum) = pages.split_once(' ').expect("two numbers");
        let number = |text: &str| text.parse::<u32>().expect("a number");
        all.push(Case::new(name, crate::encodings::with_memory(number(initial), number(maximum)), accepted));
    }
    for (name, segment, accepted) in [
        ("a data segment that ends with the memory", r#"(data (i32.const 65530) "012345")"#, true),
        ("a data segment that ends a byte behind the memory", r#"(data (i32.const 65530) "0123456")"#, false),
        ("an empty data segment at the memory's end", r#"(data (i32.const 65536) "")"#, true),
        ("an empty data segment behind the memory", r#"(data (i32.const 65537) "")"#, false),
        ("a data segment at the highest offset", r#"(data (i32.const -1) "0")"#, false),
        ("an element segment that ends with the table", "(table 2 funcref) (func $f) (elem (i32.const 1) $f)", true),
        (
            "an element segment that ends behind the table",
            "(table 2 funcref) (func $f) (elem (i32.const 1) $f $f)",
            false,
        ),
        ("an empty element segment at the table's end", "(table 2 funcref) (elem (i32.const 2))", true),
        ("an empty element segment behind the table", "(table 2 funcref) (elem (i32.const 3))", false),
        ("an element segment at the highest offset", "(table 2 funcref) (func $f) (elem (i32.const -1) $f)", false),
    ] {
        all.push(Case::new(name, with(segment), accepted));
    }
}
