//! Leaving out what the chain has no use for.

use std::borrow::Cow;

use esker_vm::abi::{EXPORT_CALL, EXPORT_DEPLOY, EXPORT_MEMORY, SECTION_BUILD};
use wasm_encoder::{CustomSection, ExportKind, ExportSection, Module, RawSection, SectionId};
use wasmparser::{
    BinaryReaderError, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, Operator, Parser, Payload,
};

use super::docs::SECTION_DOCS;
use super::section::pack;

/// The module without names, debug information, foreign custom sections, exports other than the memory and the entry
/// points, and the linker's markers that only such exports kept alive; with `provenance` as its build section. Esker's
/// sections are deflated ([`pack`]). Functions keep their indices. Code and data are copied as they are.
pub(crate) fn shrink(wasm: &[u8], provenance: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let globals_used = globals_used(wasm)?;
    let mut module = Module::new();
    let mut kept = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::CustomSection(section) => {
                let is_kept = section.name() != SECTION_BUILD && section.name() != SECTION_DOCS;
                if section.name().starts_with("esker.") && is_kept {
                    kept.push((section.name().to_owned(), pack(section.data())));
                }
            }
            Payload::ExportSection(reader) => {
                let mut exports = ExportSection::new();
                for export in reader {
                    let export = export?;
                    let kind = match (export.kind, export.name) {
                        (ExternalKind::Memory, EXPORT_MEMORY) => ExportKind::Memory,
                        (ExternalKind::Func, EXPORT_CALL | EXPORT_DEPLOY) => ExportKind::Func,
                        _ => continue,
                    };
                    exports.export(export.name, kind, export.index);
                }
                module.section(&exports);
            }
            Payload::GlobalSection(reader) => {
                let range = reader.range();
                let mut content = Vec::new();
                let defined = globals_used.needed.min(reader.count());
                let mut end = None;
                for (index, global) in (0u32..).zip(reader.into_iter_with_offsets()) {
                    let (offset, _) = global?;
                    if index == defined {
                        end = Some(offset);
                    }
                    if index == 0 {
                        leb128(defined, &mut content);
                        content.extend_from_slice(slice(wasm, offset, range.end));
                    }
                }
                if let Some(end) = end {
                    content.truncate(content.len().saturating_sub(range.end - end));
                }
                if defined > 0 {
                    module.section(&RawSection { id: SectionId::Global.into(), data: &content });
                }
            }
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    module.section(&RawSection { id, data: slice(wasm, range.start, range.end) });
                }
            }
        }
    }
    for (name, data) in kept {
        module.section(&CustomSection { name: Cow::Owned(name), data: Cow::Owned(data) });
    }
    module.section(&CustomSection { name: SECTION_BUILD.into(), data: Cow::Owned(pack(provenance)) });
    Ok(module.finish())
}

fn slice(wasm: &[u8], start: usize, end: usize) -> &[u8] {
    wasm.get(start..end).expect("the parser's ranges lie inside what it parsed")
}

fn leb128(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct GlobalsUsed {
    /// How many defined globals, from the first, reach up to the last one that anything but an export refers to.
    needed: u32,
}

fn globals_used(wasm: &[u8]) -> Result<GlobalsUsed, BinaryReaderError> {
    let mut imported = 0;
    let mut end = 0;
    let mut see = |operator: Operator<'_>| {
        if let Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index } = operator {
            end = end.max(global_index.saturating_add(1));
        }
    };
    let in_expression = |expression: ConstExpr<'_>, see: &mut dyn FnMut(Operator<'_>)| {
        let mut reader = expression.get_operators_reader();
        while !reader.eof() {
            see(reader.read()?);
        }
        Ok::<_, BinaryReaderError>(())
    };
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    imported += u32::from(matches!(import?.ty, wasmparser::TypeRef::Global(_)));
                }
            }
            Payload::GlobalSection(reader) => {
                for global in reader {
                    in_expression(global?.init_expr, &mut see)?;
                }
            }
            Payload::ElementSection(reader) => {
                for element in reader {
                    let element = element?;
                    if let ElementKind::Active { offset_expr, .. } = element.kind {
                        in_expression(offset_expr, &mut see)?;
                    }
                    if let ElementItems::Expressions(_, expressions) = element.items {
                        for expression in expressions {
                            in_expression(expression?, &mut see)?;
                        }
                    }
                }
            }
            Payload::DataSection(reader) => {
                for data in reader {
                    if let DataKind::Active { offset_expr, .. } = data?.kind {
                        in_expression(offset_expr, &mut see)?;
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut reader = body.get_operators_reader()?;
                while !reader.eof() {
                    see(reader.read()?);
                }
            }
            _ => {}
        }
    }
    Ok(GlobalsUsed { needed: end.saturating_sub(imported) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::custom_section;

    fn shrunk(text: &str) -> (Vec<u8>, String) {
        let wasm = wat::parse_str(text).expect("valid text");
        let shrunk = shrink(&wasm, b"{}").expect("a valid module");
        wasmparser::validate(&shrunk).expect("shrinking keeps a module valid");
        let again = shrink(&shrunk, b"{}").expect("a valid module");
        assert_eq!(again, shrunk, "shrinking twice changes nothing more");
        let exports = Parser::new(0).parse_all(&shrunk).find_map(|payload| match payload {
            Ok(Payload::ExportSection(reader)) => {
                Some(reader.into_iter().flatten().map(|export| export.name).collect::<Vec<_>>().join(" "))
            }
            _ => None,
        });
        (shrunk.clone(), exports.unwrap_or_default())
    }

    fn globals(wasm: &[u8]) -> u32 {
        let count = Parser::new(0).parse_all(wasm).find_map(|payload| match payload {
            Ok(Payload::GlobalSection(reader)) => Some(reader.count()),
            _ => None,
        });
        count.unwrap_or(0)
    }

    #[test]
    fn linker_markers_names_and_foreign_sections_go_and_the_rest_stays() {
        let (wasm, exports) = shrunk(
            r#"(module
                (memory (export "memory") 1)
                (global $stack (mut i32) (i32.const 65536))
                (global (export "__data_end") i32 (i32.const 70000))
                (global (export "__heap_base") i32 (i32.const 70016))
                (func $call (export "call") (global.set $stack (i32.const 1)))
                (func (export "helper"))
                (@custom "producers" "rustc")
                (@custom "esker.abi" "[]")
                (@custom "esker.build" "old"))"#,
        );
        assert_eq!(exports, "memory call");
        assert_eq!(globals(&wasm), 1);
        let section = |name: &str| custom_section(&wasm, name).expect("readable");
        assert_eq!(section("esker.abi").as_deref(), Some(&b"[]"[..]));
        assert_eq!(section("esker.build").as_deref(), Some(&b"{}"[..]));
        assert_eq!(section("producers"), None);
        assert_eq!(section("name"), None);
    }

    #[test]
    fn a_global_that_code_refers_to_keeps_those_before_it() {
        let (wasm, _) = shrunk(
            r#"(module
                (memory (export "memory") 1)
                (global i32 (i32.const 1)) (global i32 (i32.const 2)) (global $last i32 (i32.const 3))
                (func (export "call") (drop (global.get $last))))"#,
        );
        assert_eq!(globals(&wasm), 3);
    }

    #[test]
    fn without_any_global_in_use_there_is_no_global_section() {
        let (wasm, _) = shrunk(
            r#"(module (memory (export "memory") 1) (global (export "g") i32 (i32.const 1)) (func (export "call")))"#,
        );
        assert_eq!(globals(&wasm), 0);
    }

    #[test]
    fn bytes_that_are_no_module_are_an_error() {
        assert!(shrink(b"\0asm\x01\0\0\0\x0a\x05", b"{}").is_err());
        assert!(shrink(b"not wasm", b"{}").is_err());
    }
}
