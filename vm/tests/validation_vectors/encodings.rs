//! Each rule of the binary format that implementations differ in: padded numbers, reserved bytes, forms of proposals.

use crate::{Case, with};

/// A module from its sections: id and contents.
fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    for (id, contents) in sections {
        bytes.push(*id);
        bytes.extend(number(contents.len() as u32));
        bytes.extend(*contents);
    }
    bytes
}

/// An unsigned LEB128 number, as short as can be.
fn number(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Type 0: () → (), type 1: (i32) → (i32).
const TYPES: &[u8] = &[2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f];
const FUNCTIONS: &[u8] = &[1, 0];
const TABLE: &[u8] = &[1, 0x70, 0, 1];
const MEMORY: &[u8] = &[1, 0, 1];
/// `memory` and `call`.
const EXPORTS: &[u8] = b"\x02\x06memory\x02\0\x04call\0\0";

/// A code section of one body.
fn code(body: &[u8]) -> Vec<u8> {
    [&[1], &number(body.len() as u32)[..], body].concat()
}

/// A contract whose `call` has these instructions and no locals; there are a table, a global and a passive segment.
fn of_code(instructions: &[u8]) -> Vec<u8> {
    of_body(&[&[0], instructions, &[0x0b]].concat())
}

/// A contract whose `call` has this body.
fn of_body(body: &[u8]) -> Vec<u8> {
    module(&[
        (1, TYPES),
        (3, FUNCTIONS),
        (4, TABLE),
        (5, MEMORY),
        (6, &[1, 0x7f, 1, 0x41, 0, 0x0b]),
        (7, EXPORTS),
        (12, &[1]),
        (10, &code(body)),
        (11, &[1, 1, 2, 0xaa, 0xbb]),
    ])
}

/// A contract with one section in place of its own, or beside them.
fn replacing(id: u8, contents: &[u8]) -> Vec<u8> {
    let code = code(&[0, 0x0b]);
    let own: [(u8, &[u8]); 6] = [(1, TYPES), (3, FUNCTIONS), (4, TABLE), (5, MEMORY), (7, EXPORTS), (10, &code)];
    // The order in which sections come, by their ids.
    const ORDER: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];
    let sections: Vec<(u8, &[u8])> = ORDER
        .iter()
        .filter_map(|at| match own.iter().find(|(own, _)| own == at) {
            _ if *at == id => Some((id, contents)),
            Some(section) => Some(*section),
            None => None,
        })
        .collect();
    module(&sections)
}

/// A contract whose memory has these bounds.
pub fn with_memory(initial: u32, maximum: u32) -> Vec<u8> {
    replacing(5, &[&[1, 1], &number(initial)[..], &number(maximum)].concat())
}

/// Instructions of `call`, which stand on an empty stack and leave it so.
fn instructions() -> Vec<(&'static str, Vec<u8>, bool)> {
    let three = [0x41, 0, 0x41, 0, 0x41, 0];
    let bulk = |tail: &[u8]| [&three, tail].concat();
    let indirect = |tail: &[u8]| [&[0x41, 0][..], &[0x11], tail].concat();
    let load = |immediate: &[u8]| [&[0x41, 0, 0x28], immediate, &[0x1a]].concat();
    let constant = |bytes: &[u8]| [bytes, &[0x1a]].concat();
    vec![
        ("memory.fill", bulk(&[0xfc, 11, 0]), true),
        ("memory.fill, its memory in two bytes", bulk(&[0xfc, 11, 0x80, 0]), false),
        ("memory.fill, its memory in five bytes", bulk(&[0xfc, 11, 0x80, 0x80, 0x80, 0x80, 0]), false),
        ("memory.fill of memory 1", bulk(&[0xfc, 11, 1]), false),
        ("memory.fill, its number behind the prefix in five bytes", bulk(&[0xfc, 0x8b, 0x80, 0x80, 0x80, 0, 0]), true),
        (
            "memory.fill, its number behind the prefix in six bytes",
            bulk(&[0xfc, 0x8b, 0x80, 0x80, 0x80, 0x80, 0, 0]),
            false,
        ),
        ("memory.fill, number and memory padded", bulk(&[0xfc, 0x8b, 0, 0x80, 0]), false),
        ("memory.copy", bulk(&[0xfc, 10, 0, 0]), true),
        ("memory.copy, its target in two bytes", bulk(&[0xfc, 10, 0x80, 0, 0]), false),
        ("memory.copy, its source in two bytes", bulk(&[0xfc, 10, 0, 0x80, 0]), false),
        ("memory.copy from memory 1", bulk(&[0xfc, 10, 0, 1]), false),
        ("memory.init", bulk(&[0xfc, 8, 0, 0]), true),
        ("memory.init, its segment in two bytes", bulk(&[0xfc, 8, 0x80, 0, 0]), true),
        ("memory.init, its memory in two bytes", bulk(&[0xfc, 8, 0, 0x80, 0]), false),
        ("memory.init of an unknown segment", bulk(&[0xfc, 8, 1, 0]), false),
        ("data.drop, its segment in five bytes", vec![0xfc, 9, 0x80, 0x80, 0x80, 0x80, 0], true),
        ("memory.size", vec![0x3f, 0, 0x1a], true),
        ("memory.size, its memory in two bytes", vec![0x3f, 0x80, 0, 0x1a], false),
        ("memory.grow", vec![0x41, 0, 0x40, 0, 0x1a], true),
        ("memory.grow, its memory in two bytes", vec![0x41, 0, 0x40, 0x80, 0, 0x1a], false),
        ("call_indirect", indirect(&[0, 0]), true),
        ("call_indirect, its table in two bytes", indirect(&[0, 0x80, 0]), true),
        ("call_indirect, its table in five bytes", indirect(&[0, 0x80, 0x80, 0x80, 0x80, 0]), true),
        ("call_indirect, its table in six bytes", indirect(&[0, 0x80, 0x80, 0x80, 0x80, 0x80, 0]), false),
        ("call_indirect through table 1", indirect(&[0, 1]), false),
        ("call_indirect, its type in five bytes", indirect(&[0x80, 0x80, 0x80, 0x80, 0, 0]), true),
        ("i32.const 0 in five bytes", constant(&[0x41, 0x80, 0x80, 0x80, 0x80, 0]), true),
        ("i32.const 0 in six bytes", constant(&[0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0]), false),
        ("i32.const -1 in five bytes", constant(&[0x41, 0xff, 0xff, 0xff, 0xff, 0x7f]), true),
        (
            "i32.const, the sign not continued in the unused bits",
            constant(&[0x41, 0xff, 0xff, 0xff, 0xff, 0x0f]),
            false,
        ),
        ("i32.const, unused bits set", constant(&[0x41, 0x80, 0x80, 0x80, 0x80, 0x70]), false),
        ("i64.const 0 in ten bytes", constant(&[&[0x42], &[0x80; 9][..], &[0]].concat()), true),
        ("i64.const 0 in eleven bytes", constant(&[&[0x42], &[0x80; 10][..], &[0]].concat()), false),
        ("i64.const, unused bits set", constant(&[&[0x42], &[0x80; 9][..], &[2]].concat()), false),
        ("call, its function in five bytes", vec![0x10, 0x80, 0x80, 0x80, 0x80, 0], true),
        ("call, its function in six bytes", vec![0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0], false),
        ("call, unused bits of its function set", vec![0x10, 0x80, 0x80, 0x80, 0x80, 0x10], false),
        ("br, its depth in two bytes", vec![0x0c, 0x80, 0], true),
        ("br_table, count and depths in two bytes", vec![0x41, 0, 0x0e, 0x81, 0, 0x80, 0, 0x80, 0], true),
        ("global.get, its index in two bytes", vec![0x23, 0x80, 0, 0x1a], true),
        ("a block without type", vec![0x02, 0x40, 0x0b], true),
        ("a block without type, padded", vec![0x02, 0xc0, 0x7f, 0x0b], false),
        ("a block of a value", vec![0x02, 0x7f, 0x41, 0, 0x0b, 0x1a], true),
        ("a block of a value, its type padded", vec![0x02, 0xff, 0x7f, 0x41, 0, 0x0b, 0x1a], false),
        ("a block of a type", vec![0x02, 0, 0x0b], true),
        ("a block of a type, padded", vec![0x02, 0x80, 0x80, 0x80, 0x80, 0, 0x0b], true),
        ("a block of an unknown type", vec![0x02, 2, 0x0b], false),
        ("a load, its alignment below the natural one", load(&[0, 0]), true),
        ("a load, its alignment above the natural one", load(&[3, 0]), false),
        ("a load, its alignment in two bytes", load(&[0x82, 0, 0]), true),
        ("a load, its offset in five bytes", load(&[2, 0x80, 0x80, 0x80, 0x80, 0]), true),
        ("a load at the highest offset", load(&[2, 0xff, 0xff, 0xff, 0xff, 0x0f]), true),
        ("a load, its offset beyond 32 bits", load(&[2, 0xff, 0xff, 0xff, 0xff, 0x1f]), false),
        ("a load with a memory's index", load(&[0x42, 0, 0]), false),
        ("an instruction that does not exist", vec![0xff], false),
        ("an instruction behind the prefix that does not exist", vec![0xfc, 0x7f], false),
        ("code behind the function's end", vec![0x0b, 0x01], false),
        ("a construct left open", vec![0x02, 0x40], false),
    ]
}

fn sections() -> Vec<(&'static str, Vec<u8>, bool)> {
    let element = |contents: &[u8]| replacing(9, contents);
    let data = |contents: &[u8]| replacing(11, contents);
    let exports_plus = |tail: &[u8]| [b"\x03\x06memory\x02\0\x04call\0\0", tail].concat();
    vec![
        ("types in the plain form", replacing(1, &[1, 0x60, 0, 0]), true),
        ("a type as a final sub type without super types", replacing(1, &[1, 0x4f, 0, 0x60, 0, 0]), false),
        ("a type as an open sub type without super types", replacing(1, &[1, 0x50, 0, 0x60, 0, 0]), false),
        ("a type as a recursion group of one", replacing(1, &[1, 0x4e, 1, 0x60, 0, 0]), false),
        ("a function table", replacing(4, &[1, 0x70, 0, 1]), true),
        ("a function table, its type in the long form", replacing(4, &[1, 0x63, 0x70, 0, 1]), false),
        ("a table with an initialiser", replacing(4, &[1, 0x40, 0, 0x70, 0, 1, 0xd2, 0, 0x0b]), false),
        ("a table with a maximum", replacing(4, &[1, 0x70, 1, 1, 9]), true),
        ("a table with a maximum below its size", replacing(4, &[1, 0x70, 1, 2, 1]), false),
        ("a 64-bit table", replacing(4, &[1, 0x70, 4, 1]), false),
        ("a table, its size in five bytes", replacing(4, &[1, 0x70, 0, 0x81, 0x80, 0x80, 0x80, 0]), true),
        ("a shared memory", replacing(5, &[1, 3, 1, 1]), false),
        ("a 64-bit memory", replacing(5, &[1, 4, 1]), false),
        ("a memory with a page size", replacing(5, &[1, 8, 1, 16]), false),
        ("a memory, its limits' flags in two bytes", replacing(5, &[1, 0x80, 0, 1]), false),
        ("an immutable global", replacing(6, &[1, 0x7e, 0, 0x42, 0, 0x0b]), true),
        ("a global of unknown mutability", replacing(6, &[1, 0x7e, 2, 0x42, 0, 0x0b]), false),
        ("a global with an initialiser of another type", replacing(6, &[1, 0x7e, 0, 0x41, 0, 0x0b]), false),
        ("a global with a computed initialiser", replacing(6, &[1, 0x7f, 0, 0x41, 0, 0x41, 0, 0x6a, 0x0b]), false),
        ("a global with a nop in its initialiser", replacing(6, &[1, 0x7f, 0, 0x01, 0x41, 0, 0x0b]), false),
        ("a global with another's value", replacing(6, &[2, 0x7f, 0, 0x41, 0, 0x0b, 0x7f, 0, 0x23, 0, 0x0b]), false),
        ("an export of a function", replacing(7, &exports_plus(b"\x01f\0\0")), true),
        ("an export of an exact function", replacing(7, &exports_plus(b"\x01f\x20\0")), false),
        ("an export of an unknown kind", replacing(7, &exports_plus(b"\x01f\x05\0")), false),
        ("an export, its name's length and index padded", replacing(7, &exports_plus(b"\x81\0f\0\x80\0")), true),
        ("an export whose name is not UTF-8", replacing(7, &exports_plus(b"\x01\xff\0\0")), false),
        ("an export whose name ends in half a character", replacing(7, &exports_plus(b"\x01\xc3\0\0")), false),
        ("two exports of one name", replacing(7, &exports_plus(b"\x04call\0\0")), false),
        ("an element segment", element(&[1, 0, 0x41, 0, 0x0b, 1, 0]), true),
        ("an element segment, its flags in two bytes", element(&[1, 0x80, 0, 0x41, 0, 0x0b, 1, 0]), true),
        ("an element segment that names its table", element(&[1, 2, 0, 0x41, 0, 0x0b, 0, 1, 0]), true),
        (
            "an element segment that names its table in two bytes",
            element(&[1, 2, 0x80, 0, 0x41, 0, 0x0b, 0, 1, 0]),
            true,
        ),
        ("an element segment for table 1", element(&[1, 2, 1, 0x41, 0, 0x0b, 0, 1, 0]), false),
        ("a passive element segment", element(&[1, 1, 0, 1, 0]), false),
        ("a declarative element segment", element(&[1, 3, 0, 1, 0]), false),
        ("an element segment of expressions", element(&[1, 4, 0x41, 0, 0x0b, 1, 0xd2, 0, 0x0b]), false),
        ("an element segment of expressions, empty", element(&[1, 4, 0x41, 0, 0x0b, 0]), false),
        ("an element segment of unknown kind", element(&[1, 8, 0x41, 0, 0x0b, 1, 0]), false),
        ("a data segment", data(&[1, 0, 0x41, 0, 0x0b, 1, 7]), true),
        ("a data segment, its flags in two bytes", data(&[1, 0x80, 0, 0x41, 0, 0x0b, 1, 7]), true),
        ("a data segment that names its memory", data(&[1, 2, 0, 0x41, 0, 0x0b, 1, 7]), true),
        ("a data segment that names its memory in two bytes", data(&[1, 2, 0x80, 0, 0x41, 0, 0x0b, 1, 7]), true),
        ("a data segment for memory 1", data(&[1, 2, 1, 0x41, 0, 0x0b, 1, 7]), false),
        ("a passive data segment", data(&[1, 1, 1, 7]), true),
        ("a data segment of unknown kind", data(&[1, 3, 1, 7]), false),
        ("a data segment with a 64-bit offset", data(&[1, 0, 0x42, 0, 0x0b, 1, 7]), false),
        ("a data segment cut short", data(&[1, 0, 0x41, 0, 0x0b, 2, 7]), false),
        ("a start function", replacing(8, &[0]), false),
        ("sections without entries", replacing(6, &[0]), true),
        ("a byte left at a section's end", replacing(6, &[0, 0]), false),
        ("fewer entries than counted", replacing(6, &[1]), false),
    ]
}

fn layouts() -> Vec<(&'static str, Vec<u8>, bool)> {
    let (empty, body) = (code(&[0, 0x0b]), |locals: &[u8]| of_body(&[locals, &[0x0b]].concat()));
    let plain: [(u8, &[u8]); 5] = [(1, TYPES), (3, FUNCTIONS), (5, MEMORY), (7, EXPORTS), (10, &empty)];
    let appended = |tail: &[u8]| [module(&plain), tail.to_vec()].concat();
    let inserted = |at: usize, section: (u8, &'static [u8])| {
        let mut sections: Vec<(u8, &[u8])> = plain.to_vec();
        sections.insert(at, section);
        module(&sections)
    };
    let sized = |size: &[u8]| [&module(&plain)[..], &[6], size, &[0]].concat();
    let early = |size: &[u8]| {
        let (head, tail) = (module(&plain[..3]), module(&plain[3..]));
        [&head[..], &[6], size, &[0], &tail[8..]].concat()
    };
    let init = [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0, 0];
    let without_count = |instructions: &[u8]| {
        let code = code(&[&[0], instructions, &[0x0b]].concat());
        module(&[(1, TYPES), (3, FUNCTIONS), (5, MEMORY), (7, EXPORTS), (10, &code), (11, &[1, 1, 0])])
    };
    vec![
        ("no bytes", Vec::new(), false),
        ("magic and version alone", module(&[]), false),
        ("a component", b"\0asm\x0d\0\x01\0".to_vec(), false),
        ("version 2", [b"\0asm\x02\0\0\0", &module(&plain)[8..]].concat(), false),
        ("a plain contract", module(&plain), true),
        ("a section's size in five bytes", early(&[0x81, 0x80, 0x80, 0x80, 0]), true),
        ("a section's size in six bytes", early(&[0x81, 0x80, 0x80, 0x80, 0x80, 0]), false),
        ("a section in the wrong place", sized(&[1]), false),
        ("a section twice", inserted(3, (5, &[0])), false),
        ("an unknown section", inserted(5, (14, &[0])), false),
        ("a section of tags", inserted(3, (13, &[0])), false),
        ("a section cut short", appended(&[11, 9, 0]), false),
        ("half a section's header", appended(&[11]), false),
        (
            "custom sections first, between, of one name, and last",
            {
                let custom: (u8, &[u8]) = (0, b"\x04name\xff\xff");
                let mut sections = vec![custom];
                plain.iter().for_each(|section| sections.extend([*section, custom]));
                module(&sections)
            },
            true,
        ),
        ("a custom section with an empty name", appended(&[0, 1, 0]), true),
        ("a custom section without a name", appended(&[0, 0]), false),
        ("a custom section whose name is not UTF-8", appended(&[0, 2, 1, 0xff]), false),
        ("a custom section shorter than its name", appended(&[0, 2, 2, b'a']), false),
        (
            "fewer bodies than functions",
            {
                let sections: [(u8, &[u8]); 5] = [(1, TYPES), (3, &[2, 0, 0]), (5, MEMORY), (7, EXPORTS), (10, &empty)];
                module(&sections)
            },
            false,
        ),
        ("a body longer than its size", module(&[&plain[..4], &[(10, &[1, 1, 0, 0x0b])]].concat()), false),
        (
            "a body's size in five bytes",
            module(&[&plain[..4], &[(10, &[1, 0x82, 0x80, 0x80, 0x80, 0, 0, 0x0b])]].concat()),
            true,
        ),
        ("locals in several runs", body(&[2, 1, 0x7f, 2, 0x7e]), true),
        ("locals, counts in five bytes", body(&[0x81, 0x80, 0x80, 0x80, 0, 0x81, 0x80, 0x80, 0x80, 0, 0x7f]), true),
        ("an empty run of locals", body(&[1, 0, 0x7f]), true),
        ("an empty run of floats", body(&[1, 0, 0x7d]), false),
        ("a run of references", body(&[1, 1, 0x70]), false),
        ("memory.init without a count of data segments", without_count(&init), false),
        ("a passive segment without a count of data segments", without_count(&[]), true),
        ("a count of data segments that is not theirs", replacing(12, &[1]), false),
    ]
}

pub fn cases() -> Vec<Case> {
    let mut cases = vec![Case::new("the smallest contract", with(""), true)];
    for (name, code, accepted) in instructions() {
        cases.push(Case::new(name, of_code(&code), accepted));
    }
    for (name, module, accepted) in sections().into_iter().chain(layouts()) {
        cases.push(Case::new(name, module, accepted));
    }
    cases
}
