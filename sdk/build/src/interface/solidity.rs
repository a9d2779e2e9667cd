//! A Solidity interface, for contracts and tools that speak that language.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::Value;

use super::{InterfaceError, is_identifier, items, list, text};
use crate::NatSpec;
use crate::natspec::Remark;

/// Words that no name may be (Solidity documentation, "Reserved Keywords" and the grammar's keywords).
const KEYWORDS: &[&str] = &[
    "abstract",
    "address",
    "after",
    "alias",
    "anonymous",
    "apply",
    "as",
    "assembly",
    "auto",
    "bool",
    "break",
    "byte",
    "bytes",
    "calldata",
    "case",
    "catch",
    "constant",
    "constructor",
    "continue",
    "contract",
    "copyof",
    "days",
    "default",
    "define",
    "delete",
    "do",
    "else",
    "emit",
    "enum",
    "ether",
    "event",
    "external",
    "fallback",
    "false",
    "final",
    "fixed",
    "for",
    "function",
    "gwei",
    "hex",
    "hours",
    "if",
    "immutable",
    "implements",
    "import",
    "in",
    "indexed",
    "inline",
    "int",
    "interface",
    "internal",
    "is",
    "let",
    "library",
    "macro",
    "mapping",
    "match",
    "memory",
    "minutes",
    "modifier",
    "mutable",
    "new",
    "null",
    "of",
    "override",
    "partial",
    "payable",
    "pragma",
    "private",
    "promise",
    "public",
    "pure",
    "receive",
    "reference",
    "relocatable",
    "return",
    "returns",
    "sealed",
    "seconds",
    "sizeof",
    "static",
    "storage",
    "string",
    "struct",
    "supports",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "type",
    "typedef",
    "typeof",
    "ufixed",
    "uint",
    "unchecked",
    "unicode",
    "using",
    "var",
    "view",
    "virtual",
    "weeks",
    "wei",
    "while",
    "years",
];

/// Whether Solidity takes the text for a type or another word of its own (`uint8`, `bytes4`, `mapping`).
fn is_reserved(name: &str) -> bool {
    let sized = ["uint", "int", "bytes"].iter().any(|kind| {
        name.strip_prefix(kind).is_some_and(|size| !size.is_empty() && size.bytes().all(|digit| digit.is_ascii_digit()))
    });
    sized || KEYWORDS.contains(&name)
}

/// An interface `I` + `name` that a compiler from 0.8.4 on accepts: structs, errors, events and functions, with what
/// Solidity cannot declare in a comment, and what `docs` says above each. It has no constructor, since no interface has.
///
/// # Errors
/// If the ABI is no array of items.
pub fn solidity(name: &str, abi: &Value, docs: &NatSpec) -> Result<String, InterfaceError> {
    let items = items(abi)?;
    let of_kind = |kind: &'static str| items.iter().filter(move |item| text(item, "type") == kind);
    let declared = items.iter().map(|item| text(item, "name").to_owned()).collect();
    let mut structs = Structs { declared, ..Structs::default() };
    let mut lines = Vec::new();
    let mut errors = BTreeSet::new();
    for item in of_kind("error") {
        let line = structs.parameters(item, "inputs", "")?;
        let line = format!("error {}({line});", text(item, "name"));
        // Of several errors with one name Solidity takes one.
        let is_first = errors.insert(text(item, "name"));
        lines.push(possible(&docs.item(item), text(item, "name"), line, is_first));
    }
    lines.push(String::new());
    let functions: BTreeSet<&str> = of_kind("function").map(|item| text(item, "name")).collect();
    for item in of_kind("event") {
        let name = text(item, "name");
        let anonymous = if item.get("anonymous").and_then(Value::as_bool) == Some(true) { " anonymous" } else { "" };
        let line = format!("event {name}({}){anonymous};", structs.parameters(item, "inputs", "")?);
        lines.push(possible(&docs.item(item), name, line, !errors.contains(name) && !functions.contains(name)));
    }
    lines.push(String::new());
    for item in of_kind("function") {
        let name = text(item, "name");
        let inputs = structs.parameters(item, "inputs", " calldata")?;
        let outputs = structs.parameters(item, "outputs", " memory")?;
        let mutability = match text(item, "stateMutability") {
            "pure" => " pure",
            "view" => " view",
            "payable" => " payable",
            _ => "",
        };
        let returns = if outputs.is_empty() { String::new() } else { format!(" returns ({outputs})") };
        let line = format!("function {name}({inputs}) external{mutability}{returns};");
        lines.push(possible(&docs.item(item), name, line, !errors.contains(name)));
    }
    if let Some(fallback) = of_kind("fallback").next() {
        let payable = if text(fallback, "stateMutability") == "payable" { " payable" } else { "" };
        lines.push(format!("fallback() external{payable};"));
    }
    if of_kind("receive").next().is_some() {
        lines.push("receive() external payable;".to_owned());
    }

    let mut out = "// Made by `esker contract abi --format solidity`.\n// SPDX-License-Identifier: UNLICENSED\n\
        pragma solidity >=0.8.4;\n\n"
        .to_owned();
    let identifier: String = name.chars().map(|letter| if letter == '-' { '_' } else { letter }).collect();
    let _ = writeln!(out, "{}interface I{identifier} {{", comment(&docs.contract()));
    let definitions =
        structs.definitions.iter().map(String::as_str).chain((!structs.definitions.is_empty()).then_some(""));
    let mut blank = true;
    for line in definitions.chain(lines.iter().map(String::as_str)) {
        if !(line.is_empty() && blank) {
            let _ = writeln!(out, "{}", line.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n"));
        }
        blank = line.is_empty();
    }
    let out = out.trim_end();
    Ok(format!("{out}\n}}\n"))
}

/// What is said, as NatSpec comments, each on a line of its own.
fn comment(remark: &Remark) -> String {
    let said = [("notice", &remark.notice), ("dev", &remark.details)].into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(tag, text)| format!("/// @{tag} {text}\n")).collect()
}

/// The declaration with its documentation, or a remark in its place.
fn possible(remark: &Remark, name: &str, declaration: String, is_free: bool) -> String {
    if is_identifier(name) && !is_reserved(name) && is_free {
        return comment(remark) + &declaration;
    }
    format!("// Solidity has another meaning for the name here: {declaration}")
}

/// The structs that tuples become.
#[derive(Default)]
struct Structs {
    /// In the order in which they can be read: parts first.
    definitions: Vec<String>,
    /// The name of each definition, by what it holds.
    names: BTreeMap<String, String>,
    /// Names that are taken.
    declared: BTreeSet<String>,
}

impl Structs {
    /// A list of parameters; `place` is where those lie that are no single word.
    fn parameters(&mut self, item: &Value, key: &str, place: &str) -> Result<String, InterfaceError> {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        if key == "outputs" {
            seen.extend(list(item, "inputs").iter().map(|input| text(input, "name").to_owned()));
        }
        let mut written = Vec::new();
        for parameter in list(item, key) {
            let (kind, is_word) = self.type_of(parameter, text(item, "name"))?;
            let place = if is_word { "" } else { place };
            let indexed = if parameter.get("indexed").and_then(Value::as_bool) == Some(true) { " indexed" } else { "" };
            let name = text(parameter, "name");
            let name = if seen.insert(name.to_owned()) { parameter_name(name) } else { String::new() };
            written.push(format!("{kind}{indexed}{place} {name}").trim_end().to_owned());
        }
        Ok(written.join(", "))
    }

    /// The type in Solidity's words, and whether it is a single word of the ABI.
    fn type_of(&mut self, parameter: &Value, user: &str) -> Result<(String, bool), InterfaceError> {
        let kind = text(parameter, "type");
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '[' || letter == ']';
        if kind.is_empty() || !kind.chars().all(plain) {
            return Err(InterfaceError(format!("{kind:?} is no type")));
        }
        let Some(suffix) = kind.strip_prefix("tuple") else {
            let is_word = !kind.ends_with(']') && kind != "string" && kind != "bytes";
            return Ok((kind.to_owned(), is_word));
        };
        let mut fields = String::new();
        for (index, component) in list(parameter, "components").iter().enumerate() {
            let (kind, _) = self.type_of(component, user)?;
            let name = match parameter_name(text(component, "name")) {
                name if name.is_empty() => format!("field{index}"),
                name => name,
            };
            let _ = writeln!(fields, "    {kind} {name};");
        }
        if fields.is_empty() {
            return Err(InterfaceError("a tuple has no components".to_owned()));
        }
        if let Some(name) = self.names.get(&fields) {
            return Ok((format!("{name}{suffix}"), false));
        }
        let name = self.free_name(parameter, user);
        self.definitions.push(format!("struct {name} {{\n{fields}}}"));
        self.names.insert(fields, name.clone());
        Ok((format!("{name}{suffix}"), false))
    }

    /// A name for a struct: its own where the ABI tells it, else that of the first parameter or item that uses it.
    fn free_name(&mut self, parameter: &Value, user: &str) -> String {
        let own = text(parameter, "internalType").strip_prefix("struct ").and_then(|path| path.rsplit('.').next());
        let own = own.map(|name| name.split('[').next().unwrap_or_default());
        let candidates = [own.unwrap_or_default(), text(parameter, "name"), user];
        let base = candidates.into_iter().find(|name| is_identifier(name)).unwrap_or("Part");
        let mut letters = base.trim_start_matches('_').chars();
        let base: String = letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect();
        let base = if is_identifier(&base) { base } else { "Part".to_owned() };
        let numbered = (2u32..).map(|number| format!("{base}{number}"));
        let free = std::iter::once(base.clone()).chain(numbered).find(|name| self.declared.insert(name.clone()));
        free.unwrap_or(base)
    }
}

/// The name as a parameter or field can have it; empty if there is none.
fn parameter_name(name: &str) -> String {
    if !is_identifier(name) {
        return String::new();
    }
    if is_reserved(name) { format!("{name}_") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_interface_has_structs_errors_events_and_functions() {
        let order = json!([{"name": "maker", "type": "address"}, {"name": "amounts", "type": "uint256[]"}]);
        let abi = json!([
            {"type": "constructor", "inputs": [], "stateMutability": "nonpayable"},
            {"type": "function", "name": "fill", "stateMutability": "payable", "inputs": [
                {"name": "order", "type": "tuple[2]", "components": order}, {"name": "memo", "type": "string"}],
             "outputs": [{"name": "", "type": "bool"}]},
            {"type": "function", "name": "fill", "stateMutability": "nonpayable", "inputs": [
                {"name": "type", "type": "uint8"}], "outputs": [{"name": "type", "type": "tuple", "components": order}]},
            {"type": "function", "name": "delete", "stateMutability": "nonpayable", "inputs": [], "outputs": []},
            {"type": "event", "name": "Filled", "anonymous": false, "inputs": [
                {"name": "by", "type": "address", "indexed": true}, {"name": "", "type": "bytes", "indexed": false}]},
            {"type": "error", "name": "Late", "inputs": [{"name": "by", "type": "uint64"}]},
            {"type": "receive", "stateMutability": "payable"},
        ]);
        let expected = "// Made by `esker contract abi --format solidity`.
// SPDX-License-Identifier: UNLICENSED
pragma solidity >=0.8.4;

interface IShop {
    struct Order {
        address maker;
        uint256[] amounts;
    }

    error Late(uint64 by);

    event Filled(address indexed by, bytes);

    function fill(Order[2] calldata order, string calldata memo) external payable returns (bool);
    function fill(uint8 type_) external returns (Order memory);
    // Solidity has another meaning for the name here: function delete() external;
    receive() external payable;
}
";
        assert_eq!(solidity("Shop", &abi, &NatSpec::default()).expect("an ABI"), expected);
        let texts = ["A shop.\n\nOf two\nfloors.", "", "Fills it.\n\nOnce.", "", "", "It was.", "Too late.", ""];
        let docs = NatSpec::new(&abi, &texts.map(str::to_owned)).expect("as many as items");
        let text = solidity("Shop", &abi, &docs).expect("an ABI");
        for part in [
            "\n/// @notice A shop.\n/// @dev Of two floors.\ninterface IShop {\n",
            "    /// @notice Fills it.\n    /// @dev Once.\n    function fill(Order[2]",
            "    /// @notice It was.\n    event Filled(",
            "    /// @notice Too late.\n    error Late(",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn odd_abis_are_refused() {
        let function = |input: Value| json!([{"type": "function", "name": "f", "inputs": [input], "outputs": []}]);
        for odd in [
            json!({}),
            json!([{}]),
            function(json!({"name": "a", "type": ""})),
            function(json!({"name": "a", "type": "uint8; }"})),
            function(json!({"name": "a", "type": "tuple"})),
        ] {
            assert!(solidity("Odd", &odd, &NatSpec::default()).is_err(), "{odd}");
        }
    }

    #[test]
    fn structs_of_one_name_are_told_apart() {
        let with = |kind: &str| json!({"name": "p", "type": "tuple", "components": [{"name": "", "type": kind}]});
        let abi = json!([
            {"type": "function", "name": "f", "inputs": [with("bool"), with("uint8")], "outputs": []},
            {"type": "error", "name": "P", "inputs": []},
        ]);
        let text = solidity("Odd", &abi, &NatSpec::default()).expect("an ABI");
        assert!(text.contains("function f(P2 calldata p, P3 calldata) external;"), "{text}");
        assert!(text.contains("bool field0;"), "{text}");
    }
}
