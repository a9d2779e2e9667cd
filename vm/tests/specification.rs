//! The specification's tables are made from the code: each test compares, and rewrites when `ESKER_BLESS=1` is set.

use std::fmt::Write as _;
use std::path::PathBuf;

use esker_vm::abi::{HOST_FUNCTIONS, IMPORT_MODULE, Param};

const BEGIN: &str = "<!-- table: made from esker-abi by vm/tests/specification.rs -->\n";
const END: &str = "<!-- end of table -->";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/spec").join(name)
}

#[allow(clippy::disallowed_methods, reason = "a test's switch, no consensus code")]
fn blessing() -> bool {
    std::env::var("ESKER_BLESS").is_ok_and(|value| value == "1")
}

fn kind(param: Param) -> &'static str {
    match param {
        Param::Ptr | Param::Mut | Param::Offset | Param::Len | Param::I32 => "i32",
        Param::I64 => "i64",
    }
}

fn meaning(param: Param) -> &'static str {
    match param {
        Param::Ptr => "read",
        Param::Mut => "written",
        Param::Offset | Param::Len => "bytes",
        Param::I32 => "u32",
        Param::I64 => "u64",
    }
}

fn table() -> String {
    let mut table = String::from(
        "| import | parameters | result | base fuel | fuel per byte | what it does |\n|---|---|---|--:|--:|---|\n",
    );
    for row in HOST_FUNCTIONS {
        let params: Vec<_> =
            row.params.iter().map(|(name, param)| format!("`{name}: {}` {}", kind(*param), meaning(*param))).collect();
        let result = match (row.diverges, row.result) {
            (true, _) => "never returns".to_owned(),
            (false, None) => String::new(),
            (false, Some(result)) => format!("`{}`", kind(result)),
        };
        writeln!(
            table,
            "| `{}` | {} | {result} | {} | {} | {} |",
            row.name,
            params.join(", "),
            row.base_fuel,
            row.byte_fuel,
            row.doc.trim().replace('|', "\\|")
        )
        .expect("writing to a string");
    }
    table
}

#[test]
fn the_host_interfaces_table_in_the_specification_is_the_one_in_the_code() {
    let path = path("host-interface.md");
    let text = std::fs::read_to_string(&path).expect("docs/spec/host-interface.md is there");
    let begin = text.find(BEGIN).expect("the table's begin marker") + BEGIN.len();
    let end = begin + text[begin..].find(END).expect("the table's end marker");
    let expected = table();
    if text[begin..end] != expected {
        assert!(blessing(), "docs/spec/host-interface.md is out of date: run the test again with ESKER_BLESS=1");
        std::fs::write(&path, format!("{}{expected}{}", &text[..begin], &text[end..])).expect("writable");
    }
    assert!(text.contains(&format!("`{IMPORT_MODULE}`")), "the specification names the import module");
}

/// The pages' examples are files of the vectors, word for word.
#[test]
fn the_examples_in_the_specification_are_vectors() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/charges");
    let page = path("metering.md");
    let text = std::fs::read_to_string(&page).expect("docs/spec/metering.md is there");
    let (mut expected, mut rest, mut examples) = (String::new(), text.as_str(), 0);
    while let Some((before, after)) = rest.split_once("<!-- example: ") {
        let (name, after) = after.split_once(" -->\n").expect("the marker's end");
        let (_, after) = after.split_once("<!-- end of example -->").expect("the example's end");
        let vector = std::fs::read_to_string(folder.join(format!("{name}.wat"))).expect("the example is a vector");
        write!(expected, "{before}<!-- example: {name} -->\n```wat\n{vector}```\n<!-- end of example -->")
            .expect("a string");
        rest = after;
        examples += 1;
    }
    expected.push_str(rest);
    assert!(examples > 0, "the page has examples");
    if text != expected {
        assert!(blessing(), "docs/spec/metering.md is out of date: run the test again with ESKER_BLESS=1");
        std::fs::write(&page, expected).expect("writable");
    }
}

/// The costs in `docs/spec/metering.md`, by the names of the fields.
#[test]
fn the_costs_in_the_specification_are_those_in_the_code() {
    let text = std::fs::read_to_string(path("metering.md")).expect("docs/spec/metering.md is there");
    let costs = esker_vm::abi::MeterCosts::V1;
    let instructions = costs.instructions;
    let expected = [
        ("trivial", instructions.trivial),
        ("simple", instructions.simple),
        ("multiply", instructions.multiply),
        ("divide", instructions.divide),
        ("global", instructions.global),
        ("load", instructions.load),
        ("store", instructions.store),
        ("branch", instructions.branch),
        ("branch_table", instructions.branch_table),
        ("call", instructions.call),
        ("call_indirect", instructions.call_indirect),
        ("memory_size", instructions.memory_size),
        ("memory_grow", instructions.memory_grow),
        ("bulk", instructions.bulk),
        ("local", costs.local),
        ("parameter", costs.parameter),
    ];
    let grouped = |number: u64| {
        let digits = number.to_string();
        let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
        String::from_utf8(groups.join(&b',')).expect("digits")
    };
    for sentence in [
        format!("both unsigned: {} fuel for each of", grouped(costs.memory_page)),
        format!("{} fuel for each page of memory beyond {}, ", grouped(costs.memory_page), costs.free_pages),
        format!("{} for each\nentry of the table beyond {}, ", grouped(costs.table_entry), costs.free_table_entries),
        format!("that is not empty {} and {} a byte.", grouped(costs.data_segment), costs.bulk_byte),
        format!("`memory.init`: {} fuel per byte", costs.bulk_byte),
    ] {
        assert!(text.contains(&sentence), "not in metering.md: {sentence}");
    }
    let amount = |name: &str| {
        let row = text.lines().find(|line| line.starts_with(&format!("| {name} |")))?;
        let number = row.trim_end_matches(" |").rsplit(' ').next()?;
        number.replace(',', "").parse::<u64>().ok()
    };
    for (name, cost) in expected {
        assert_eq!(amount(name), Some(cost), "{name}");
    }
    // What no row says of version 2 is as in version 1.
    let global = amount("global, since version 2").expect("a row");
    let instructions = esker_vm::abi::InstructionCosts { global, ..instructions };
    assert_eq!(esker_vm::abi::MeterCosts::V2, esker_vm::abi::MeterCosts { instructions, ..costs });
}
