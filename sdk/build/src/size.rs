//! Where a module's bytes go.

use std::collections::BTreeMap;

use serde::Serialize;
use wasmparser::{BinaryReaderError, Parser, Payload, TypeRef};

use crate::FunctionName;
use crate::deflate::envelope;
use crate::module::unpack;

/// A section of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionSize {
    /// What the specification calls it; a custom section by its own name.
    pub name: String,
    /// Its size with its header, in bytes.
    pub bytes: u64,
    /// Size of what it inflates to, if it is one of Esker's own, which are deflated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inflated: Option<u64>,
}

/// What the functions of a crate take together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CrateSize {
    /// The crate, as Rust names it; empty for functions of which no name is known.
    pub name: String,
    /// Size of their bodies, in bytes.
    pub bytes: u64,
    /// How many they are.
    pub functions: u64,
}

/// A function of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionSize {
    /// Its index, imports counted.
    pub index: u32,
    /// Its name where known, else `function N`.
    pub name: String,
    /// Size of its body, in bytes.
    pub bytes: u64,
}

/// Where the bytes go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SizeReport {
    /// The raw module, in bytes.
    pub wasm: u64,
    /// The envelope, in bytes.
    pub envelope: u64,
    /// Its sections in order.
    pub sections: Vec<SectionSize>,
    /// Its functions, the largest first.
    pub functions: Vec<FunctionSize>,
    /// The crates that its functions are from, the largest first. An instance of a generic function counts for the crate
    /// that defines it.
    pub crates: Vec<CrateSize>,
    /// What the validator makes of its control flow, in the units deploying pays for; `None` if it refuses the module.
    pub complexity: Option<u64>,
}

/// Measures a module. `names` gives its functions' names, where they are known from elsewhere.
///
/// # Errors
/// If the bytes are no module.
pub fn measure(wasm: &[u8], names: &[FunctionName]) -> Result<SizeReport, BinaryReaderError> {
    let own = crate::module::function_names(wasm);
    let names = if names.is_empty() { own.as_slice() } else { names };
    let mut sections = Vec::new();
    let mut functions = Vec::new();
    let mut next = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let Some((id, range)) = payload.as_section() {
            let content = range.len() as u64;
            let bytes = 1 + leb128_len(content) + content;
            sections.push(SectionSize { name: section_name(id, &payload), bytes, inflated: inflated(&payload) });
        }
        match payload {
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    next += u32::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
                }
            }
            Payload::CodeSectionEntry(body) => {
                let known = names.binary_search_by_key(&next, |name| name.index).ok().and_then(|at| names.get(at));
                let name = known.map_or_else(|| format!("function {next}"), |known| known.name.clone());
                functions.push(FunctionSize { index: next, name, bytes: body.range().len() as u64 });
                next += 1;
            }
            _ => {}
        }
    }
    functions.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.index.cmp(&b.index)));
    let envelope = envelope(wasm);
    let complexity = crate::check::validate(wasm).ok().map(|info| info.complexity);
    let crates = crates(&functions);
    Ok(SizeReport { wasm: wasm.len() as u64, envelope: envelope.len() as u64, sections, functions, crates, complexity })
}

fn inflated(payload: &Payload<'_>) -> Option<u64> {
    let Payload::CustomSection(section) = payload else { return None };
    let content = unpack(section.data()).ok().filter(|_| section.name().starts_with("esker."))?;
    (content != section.data()).then_some(content.len() as u64)
}

fn crates(functions: &[FunctionSize]) -> Vec<CrateSize> {
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for function in functions {
        let (bytes, count) = sums.entry(crate_of(&function.name)).or_default();
        *bytes += function.bytes;
        *count += 1;
    }
    let sizes =
        sums.into_iter().map(|(name, (bytes, functions))| CrateSize { name: name.to_owned(), bytes, functions });
    let mut sizes: Vec<CrateSize> = sizes.collect();
    sizes.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.name.cmp(&b.name)));
    sizes
}

/// The crate in a demangled path: of `token::pay` and `<token::Token as core::fmt::Debug>::fmt` it is `token`, of
/// `<u8 as token::Shown>::show` as well. Symbols of C and the linker have none.
fn crate_of(path: &str) -> &str {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut rest = path;
    while let Some(start) = rest.find(is_word) {
        let (before, word) = rest.split_at(start);
        let end = word.find(|letter| !is_word(letter)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        // A lifetime, or a number in an array's type, is followed by no path.
        if after.starts_with("::") && !before.ends_with('\'') {
            return word;
        }
        rest = after;
    }
    ""
}

fn leb128_len(value: u64) -> u64 {
    u64::from((64 - (value | 1).leading_zeros()).div_ceil(7))
}

fn section_name(id: u8, payload: &Payload<'_>) -> String {
    if let Payload::CustomSection(section) = payload {
        return section.name().to_owned();
    }
    let known = match id {
        1 => "type",
        2 => "import",
        3 => "function",
        4 => "table",
        5 => "memory",
        6 => "global",
        7 => "export",
        8 => "start",
        9 => "element",
        10 => "code",
        11 => "data",
        12 => "data count",
        13 => "tag",
        _ => return format!("section {id}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_header_add_up_to_the_module() {
        let wasm = wat::parse_str(
            r#"(module (import "esker_v1" "chain_id" (func (result i64)))
                (memory (export "memory") 1)
                (func $small) (func $big (export "call") (drop (i64.const 123456789012345)))
                (data (i32.const 0) "some bytes"))"#,
        )
        .expect("valid text");
        let report = measure(&wasm, &[]).expect("a module");
        assert_eq!(8 + report.sections.iter().map(|section| section.bytes).sum::<u64>(), wasm.len() as u64);
        let names: Vec<_> = report.functions.iter().map(|function| (function.index, function.name.as_str())).collect();
        assert_eq!(names, [(2, "big"), (1, "small")]);
        assert!(report.complexity.is_some(), "the validator accepts it");
        let sum: u64 = report.functions.iter().map(|function| function.bytes).sum();
        assert_eq!(report.crates, [CrateSize { name: String::new(), bytes: sum, functions: 2 }]);
    }

    #[test]
    fn a_function_counts_for_the_crate_that_defines_it() {
        for (path, name) in [
            ("token::pay", "token"),
            ("<token::Token as core::fmt::Debug>::fmt", "token"),
            ("<u8 as token::Shown>::show", "token"),
            ("<&mut [token::Row; 4] as core::fmt::Debug>::fmt", "token"),
            ("<&'a str as token::Shown>::show", "token"),
            ("core::ptr::drop_in_place::<token::Row>", "core"),
            ("<alloc::vec::Vec<u8> as core::fmt::Write>::write_str", "alloc"),
            ("call", ""),
            ("function 7", ""),
            ("", ""),
        ] {
            assert_eq!(crate_of(path), name, "{path}");
        }
    }
}
