//! Two rewriters of the tests' own, apart from the instrumentation: one counts what an original module runs, instruction
//! by instruction; the other watches a rewritten module and records the most it charges between two tests.

use esker_abi::{InstructionCosts, MeterCosts};
use wasm_encoder::{Function, InstructionSink, RawSection, ValType};
use wasmparser::{FunctionBody, Operator, Parser, Payload, TypeRef};

/// Where the injected globals stand.
struct Globals {
    first: u32,
}

/// Adds `count` mutable i64 globals, exported as `test_0` and so on, and rewrites every body.
fn rewrite(wasm: &[u8], count: u32, mut body: impl FnMut(&Globals, u32, &FunctionBody<'_>) -> Function) -> Vec<u8> {
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
        if id == wasm_encoder::SectionId::Export as u8 {
            if !has_globals {
                out.section(&RawSection {
                    id: wasm_encoder::SectionId::Global as u8,
                    data: &added_globals(&[0], count),
                });
                has_globals = true;
            }
            let mut data = bytes.to_vec();
            for number in 0..count {
                let name = format!("test_{number}");
                let mut entry = vec![name.len() as u8];
                entry.extend(name.as_bytes());
                entry.push(3);
                leb(&mut entry, first + number);
                data = appended(&data, &entry);
            }
            out.section(&RawSection { id, data: &data });
        } else if id == wasm_encoder::SectionId::Global as u8 {
            out.section(&RawSection { id, data: &added_globals(bytes, count) });
        } else {
            out.section(&RawSection { id, data: bytes });
        }
    }
    out.finish()
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

/// The locals of a body with one more i32 and one more i64 at the end, and how many there were.
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

fn params_of_functions(wasm: &[u8]) -> Vec<u32> {
    let (mut types, mut functions) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.expect("the module is valid") {
            Payload::TypeSection(reader) => {
                for found in reader.into_iter_err_on_gc_types() {
                    types.push(found.expect("the module is valid").params().len() as u32);
                }
            }
            Payload::FunctionSection(reader) => {
                for found in reader {
                    functions.push(types[found.expect("the module is valid") as usize]);
                }
            }
            _ => {}
        }
    }
    functions
}

/// Counts into `test_0` what `wasm` runs, one instruction at a time, by the table of `docs/spec/metering.md`.
pub fn counting(wasm: &[u8], costs: &MeterCosts) -> Vec<u8> {
    let params = params_of_functions(wasm);
    rewrite(wasm, 1, |globals, index, body| {
        let (mut declared, count) = locals(body);
        let scratch = params[index as usize] + count;
        declared.push((1, ValType::I32));
        let mut out = Function::new(declared);
        let counter = globals.first;
        let add = |out: &mut InstructionSink<'_>, amount: u64| {
            if amount > 0 {
                out.global_get(counter).i64_const(amount as i64).i64_add().global_set(counter);
            }
        };
        add(&mut out.instructions(), costs.local * u64::from(count));
        for (operator, bytes) in operators(wasm, body) {
            let mut code = out.instructions();
            match operator {
                Operator::MemoryGrow { .. } => {
                    // Pages beyond the free ones that this growth brings, if it succeeds.
                    add(&mut code, costs.instructions.memory_grow);
                    code.local_tee(scratch).memory_grow(0).local_tee(scratch);
                    code.local_get(scratch).i32_const(-1).i32_ne().if_(wasm_encoder::BlockType::Empty);
                    let free = i64::from(costs.free_pages);
                    code.global_get(counter);
                    code.memory_size(0).i64_extend_i32_u().i64_const(free);
                    code.memory_size(0).i64_extend_i32_u().i64_const(free).i64_gt_s().select();
                    code.local_get(scratch).i64_extend_i32_u().i64_const(free);
                    code.local_get(scratch).i64_extend_i32_u().i64_const(free).i64_gt_s().select();
                    code.i64_sub().i64_const(costs.memory_page as i64).i64_mul().i64_add().global_set(counter).end();
                }
                Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } | Operator::MemoryInit { .. } => {
                    add(&mut code, costs.instructions.bulk);
                    code.local_tee(scratch).global_get(counter).local_get(scratch).i64_extend_i32_u();
                    code.i64_const(costs.bulk_byte as i64).i64_mul().i64_add().global_set(counter);
                    out.raw(bytes.iter().copied());
                }
                operator => {
                    add(&mut code, cost(&operator, &costs.instructions));
                    out.raw(bytes.iter().copied());
                }
            }
        }
        out
    })
}

/// The cost table once more, by the instructions' own names.
fn cost(operator: &Operator<'_>, costs: &InstructionCosts) -> u64 {
    let debug = format!("{operator:?}");
    let name: String = debug.chars().take_while(char::is_ascii_alphanumeric).collect();
    match name.as_str() {
        "End" | "Else" | "Unreachable" => 0,
        "Nop" | "Drop" | "Block" | "Loop" | "I32Const" | "I64Const" | "LocalGet" | "LocalSet" | "LocalTee" => {
            costs.trivial
        }
        "If" | "Br" | "BrIf" | "Return" => costs.branch,
        "BrTable" => costs.branch_table,
        "Call" => costs.call,
        "CallIndirect" => costs.call_indirect,
        "GlobalGet" | "GlobalSet" => costs.global,
        "MemorySize" => costs.memory_size,
        "DataDrop" => costs.bulk,
        "I32Mul" | "I64Mul" => costs.multiply,
        name if name.contains("Load") => costs.load,
        name if name.contains("Store") => costs.store,
        name if name.contains("Div") || name.contains("Rem") => costs.divide,
        _ => costs.simple,
    }
}

/// Watches a rewritten module: `test_0` is what was charged since the last test, `test_1` the most it ever was.
///
/// Growth and bulk operations charge by a multiplication and test at once, so only constant charges are watched.
pub fn watching(wasm: &[u8]) -> Vec<u8> {
    let params = params_of_functions(wasm);
    let (mut halt, mut imports) = (None, 0);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.expect("the module is valid") {
            Payload::ExportSection(reader) => {
                for export in reader {
                    let export = export.expect("the module is valid");
                    if export.name == "esker_halt" {
                        halt = Some(export.index);
                    }
                }
            }
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    assert!(matches!(import.expect("the module is valid").ty, TypeRef::Func(_)));
                    imports += 1;
                }
            }
            _ => {}
        }
    }
    let halt = halt.expect("a rewritten module exports esker_halt");
    rewrite(wasm, 2, |globals, index, body| {
        let (declared, _) = locals(body);
        let (pending, most) = (globals.first, globals.first + 1);
        let gas = params[index as usize].saturating_sub(2);
        let mut out = Function::new(declared);
        let code = operators(wasm, body);
        let at = |index: usize| code.get(index).map(|(operator, _)| operator);
        for (index, (operator, bytes)) in code.iter().enumerate() {
            let is_test = matches!(operator, Operator::If { .. })
                && matches!(at(index + 1), Some(Operator::I32Const { value: 1 }))
                && (2..9).any(|ahead| matches!(at(index + ahead), Some(Operator::GlobalSet { global_index }) if *global_index == halt));
            let is_host_call = matches!(operator, Operator::Call { function_index } if *function_index < imports);
            if is_test || is_host_call {
                out.instructions().i64_const(0).global_set(pending);
            }
            out.raw(bytes.iter().copied());
            let writes_gas = matches!(operator, Operator::LocalSet { local_index } | Operator::LocalTee { local_index } if *local_index == gas);
            if writes_gas
                && matches!(index.checked_sub(1).and_then(at), Some(Operator::I64Sub))
                && let Some(Operator::I64Const { value }) = index.checked_sub(2).and_then(at)
            {
                let mut sink = out.instructions();
                sink.global_get(pending).i64_const(*value).i64_add().global_set(pending);
                sink.global_get(pending).global_get(most).global_get(pending).global_get(most).i64_gt_s().select();
                sink.global_set(most);
            }
        }
        out
    })
}
