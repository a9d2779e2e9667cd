//! A first look over the module's bytes, for the sake of messages: function names and which function has which type.
//! Nothing here decides validity; whatever cannot be read is left out.

use std::collections::BTreeMap;

use wasmparser::{BinaryReader, ExternalKind, KnownCustom, Name, Parser, Payload, TypeRef};

use super::reject::shown;

/// What messages need to know about a module before it is validated.
#[derive(Debug, Default)]
pub(super) struct Outline<'a> {
    names: BTreeMap<u32, &'a str>,
    exports: BTreeMap<u32, &'a str>,
    /// Type index of each function, imports first.
    types: Vec<u32>,
}

impl<'a> Outline<'a> {
    /// Reads what can be read of `wasm`.
    pub(super) fn scan(wasm: &'a [u8]) -> Self {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload {
                Ok(Payload::ImportSection(imports)) => {
                    outline.types.extend(imports.into_imports().map_while(Result::ok).filter_map(|import| {
                        match import.ty {
                            TypeRef::Func(index) => Some(index),
                            _ => None,
                        }
                    }));
                }
                Ok(Payload::FunctionSection(functions)) => {
                    outline.types.extend(functions.into_iter().map_while(Result::ok));
                }
                Ok(Payload::ExportSection(exports)) => {
                    let functions = exports.into_iter().map_while(Result::ok);
                    for export in functions.filter(|export| export.kind == ExternalKind::Func) {
                        outline.exports.insert(export.index, export.name);
                    }
                }
                Ok(Payload::CustomSection(section)) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        for name in names.into_iter().map_while(Result::ok) {
                            if let Name::Function(map) = name {
                                for naming in map.into_iter().map_while(Result::ok) {
                                    outline.names.insert(naming.index, naming.name);
                                }
                            }
                        }
                    }
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        outline
    }

    /// How to call function `index` in a message.
    pub(super) fn function(&self, index: u32) -> String {
        match self.names.get(&index).or_else(|| self.exports.get(&index)) {
            Some(name) => shown(name),
            None => format!("function {index}"),
        }
    }

    /// How to call the first function of type `index`, if there is one.
    pub(super) fn function_of_type(&self, index: u32) -> Option<String> {
        let position = self.types.iter().position(|&found| found == index)?;
        Some(self.function(u32::try_from(position).ok()?))
    }
}

/// Whether `bytes` begin like a core module of version 1.
pub(super) fn is_module(bytes: &[u8]) -> bool {
    BinaryReader::new(bytes, 0).read_bytes(8).is_ok_and(|header| header == b"\0asm\x01\0\0\0")
}
