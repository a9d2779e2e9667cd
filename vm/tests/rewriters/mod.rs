//! Rewriters of the tests' own, apart from the instrumentation: they count, watch or lay open what a module does.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod counting;
pub mod probing;
pub mod selects;
pub mod watching;

use esker_vm::instrument::EXPORT_HALT;
use wasm_encoder::{Function, RawSection, SectionId, ValType};
use wasmparser::{FunctionBody, Operator, Parser, Payload};

use crate::engines::OBSERVED;

/// Where the injected globals stand.
struct Globals {
    first: u32,
}

/// Adds a mutable i64 global for each of `names`, exports it by that name, and rewrites every body.
fn rewrite(wasm: &[u8], names: &[&str], mut body: impl FnMut(&Globals, u32, &FunctionBody<'_>) -> Function) -> Vec<u8> {
    let count = names.len() as u32;
    let mut first = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::GlobalSection(reader) = payload.expect("the module is valid") {
            first = reader.count();
        }
    }
    let globals = Globals { first };
    let mut out = wasm_encoder::Module::new();
    let mut bodies = wasm_encoder::CodeSection::new();
    let (mut expected, mut index) = (0, 0);
    let mut has_globals = first > 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.expect("the module is valid");
        match &payload {
            Payload::CodeSectionStart { count, .. } => {
                expected = *count;
                continue;
            }
            Payload::CodeSectionEntry(found) => {
                bodies.function(&body(&globals, index, found));
                index += 1;
                if index == expected {
                    out.section(&bodies);
                }
                continue;
            }
            Payload::CustomSection(_) => continue,
            _ => {}
        }
        let Some((id, range)) = payload.as_section() else { continue };
        let bytes = wasm.get(range).expect("sections lie in the module");
        if id == SectionId::Export as u8 {
            if !has_globals && count > 0 {
                out.section(&RawSection { id: SectionId::Global as u8, data: &added_globals(&[0], count) });
                has_globals = true;
            }
            let data = (first..)
                .zip(names)
                .fold(bytes.to_vec(), |data, (index, name)| appended(&data, &exported_global(name, index)));
            out.section(&RawSection { id, data: &data });
        } else if id == SectionId::Global as u8 {
            out.section(&RawSection { id, data: &added_globals(bytes, count) });
        } else {
            out.section(&RawSection { id, data: bytes });
        }
    }
    out.finish()
}

/// Exports every global of the module, so that runs show them: global 3 as `test_3`.
pub fn exposed(wasm: &[u8]) -> Vec<u8> {
    let (mut out, mut count) = (wasm_encoder::Module::new(), 0);
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.expect("the module is valid");
        if let Payload::GlobalSection(reader) = &payload {
            count = reader.count();
        }
        let Some((id, range)) = payload.as_section() else { continue };
        let bytes = wasm.get(range).expect("sections lie in the module");
        if id == SectionId::Export as u8 {
            let data = (0..count).fold(bytes.to_vec(), |data, index| {
                appended(&data, &exported_global(&format!("{OBSERVED}{index}"), index))
            });
            out.section(&RawSection { id, data: &data });
        } else {
            out.section(&RawSection { id, data: bytes });
        }
    }
    out.finish()
}

/// `rewritten` with the data section of `original`: there the active segments still are what they were.
pub fn with_data_section_of(original: &[u8], rewritten: &[u8]) -> Vec<u8> {
    let sections = |wasm: &[u8]| -> Vec<(u8, Vec<u8>)> {
        let payloads = Parser::new(0).parse_all(wasm).map(|payload| payload.expect("a sound module"));
        payloads.filter_map(|payload| payload.as_section()).map(|(id, range)| (id, wasm[range].to_vec())).collect()
    };
    const DATA: u8 = SectionId::Data as u8;
    let data = sections(original).into_iter().find(|(id, _)| *id == DATA);
    let mut module = wasm_encoder::Module::new();
    for (id, contents) in sections(rewritten) {
        let data = data.as_ref().filter(|_| id == DATA).map_or(&contents, |(_, data)| data);
        module.section(&RawSection { id, data });
    }
    module.finish()
}

/// An entry of the export section.
fn exported_global(name: &str, index: u32) -> Vec<u8> {
    let mut entry = vec![name.len() as u8];
    entry.extend(name.as_bytes());
    entry.push(3);
    leb(&mut entry, index);
    entry
}

fn added_globals(section: &[u8], count: u32) -> Vec<u8> {
    // A mutable i64 that starts at zero.
    (0..count).fold(section.to_vec(), |data, _| appended(&data, &[0x7e, 0x01, 0x42, 0x00, 0x0b]))
}

/// A section's contents with one more entry.
fn appended(section: &[u8], entry: &[u8]) -> Vec<u8> {
    let mut reader = wasmparser::BinaryReader::new(section, 0);
    let count = reader.read_var_u32().expect("a section begins with its count");
    let mut data = Vec::new();
    leb(&mut data, count + 1);
    data.extend_from_slice(&section[reader.current_position()..]);
    data.extend_from_slice(entry);
    data
}

fn leb(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The declared locals of a body, as runs of one type, and how many there are.
fn locals(body: &FunctionBody<'_>) -> (Vec<(u32, ValType)>, u32) {
    let mut found = Vec::new();
    let mut count = 0;
    for run in body.get_locals_reader().expect("the module is valid") {
        let (length, value_type) = run.expect("the module is valid");
        let value_type = if value_type == wasmparser::ValType::I32 { ValType::I32 } else { ValType::I64 };
        found.push((length, value_type));
        count += length;
    }
    (found, count)
}

fn operators<'a>(wasm: &'a [u8], body: &FunctionBody<'a>) -> Vec<(Operator<'a>, &'a [u8])> {
    let mut reader = body.get_operators_reader().expect("the module is valid");
    let mut found = Vec::new();
    while !reader.eof() {
        let (operator, start) = reader.read_with_offset().expect("the module is valid");
        found.push((operator, &wasm[start..reader.original_position()]));
    }
    found
}

/// Parameter types of every defined function.
fn params_of_functions(wasm: &[u8]) -> Vec<Vec<wasmparser::ValType>> {
    types_of_functions(wasm).iter().map(|found| found.params().to_vec()).collect()
}

/// Types of the functions that the module defines.
fn types_of_functions(wasm: &[u8]) -> Vec<wasmparser::FuncType> {
    let (mut types, mut functions) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.expect("the module is valid") {
            Payload::TypeSection(reader) => {
                for found in reader.into_iter_err_on_gc_types() {
                    types.push(found.expect("the module is valid"));
                }
            }
            Payload::FunctionSection(reader) => {
                for found in reader {
                    functions.push(types[found.expect("the module is valid") as usize].clone());
                }
            }
            _ => {}
        }
    }
    functions
}

/// The global behind the export `esker_halt` and the number of imported functions of a rewritten module.
fn halt_and_imports(wasm: &[u8]) -> (u32, u32) {
    let (mut halt, mut imports) = (None, 0);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.expect("the module is valid") {
            Payload::ExportSection(reader) => {
                let mut exports = reader.into_iter().map(|export| export.expect("the module is valid"));
                halt = exports.find(|export| export.name == EXPORT_HALT).map(|export| export.index);
            }
            Payload::ImportSection(reader) => imports = reader.into_imports().count() as u32,
            _ => {}
        }
    }
    (halt.expect("a rewritten module exports it"), imports)
}
