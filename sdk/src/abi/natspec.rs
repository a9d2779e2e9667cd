//! What a contract's documentation says, as Solidity's compiler gives it: its documentation, "NatSpec Format". Natively
//! only: a module does not carry it.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::fmt::Write;

use super::{Description, ErrorSet, Parameter, Shape};

/// Documentation as two JSON objects. The first paragraph of a doc comment is for users, what follows for developers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatSpec {
    /// `userdoc`: the notices.
    pub user: String,
    /// `devdoc`: the details.
    pub dev: String,
}

/// An item's two parts, trimmed.
fn parts(docs: &str) -> (String, String) {
    let (notice, details) = docs.split_once("\n\n").unwrap_or((docs, ""));
    let joined = |text: &str| text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ").trim().into();
    (joined(notice), joined(details))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            control if u32::from(control) < 0x20 => {
                // A string takes everything.
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// The canonical signature, `transfer(address,uint256)`.
fn signature(name: &str, parameters: &[Parameter]) -> String {
    let types: Vec<String> = parameters.iter().map(|parameter| type_name(parameter.shape)).collect();
    format!("{name}({})", types.join(","))
}

fn type_name(shape: &Shape) -> String {
    match shape {
        Shape::Uint(bits) => format!("uint{bits}"),
        Shape::Int(bits) => format!("int{bits}"),
        Shape::Address => "address".into(),
        Shape::Bool => "bool".into(),
        Shape::FixedBytes(length) => format!("bytes{length}"),
        Shape::Bytes => "bytes".into(),
        Shape::String => "string".into(),
        Shape::Array(element) => format!("{}[]", type_name(element)),
        Shape::FixedArray(element, length) => format!("{}[{length}]", type_name(element)),
        Shape::Tuple(fields) => {
            let types: Vec<String> = fields.iter().map(|field| type_name(field.shape)).collect();
            format!("({})", types.join(","))
        }
    }
}

/// Notices and details by signature.
#[derive(Default)]
struct Section {
    notices: BTreeMap<String, String>,
    details: BTreeMap<String, String>,
}

impl Section {
    fn add(&mut self, name: &str, parameters: &[Parameter], docs: &str) {
        self.put(signature(name, parameters), docs);
    }

    fn put(&mut self, key: String, docs: &str) {
        let (notice, details) = parts(docs);
        for (target, text) in [(&mut self.notices, notice), (&mut self.details, details)] {
            if !text.is_empty() {
                target.insert(key.clone(), text);
            }
        }
    }
}

/// `"key":{"f(uint256)":{"notice":"…"}}`, or with a list around each item, as Solidity has it for errors.
fn members(key: &str, word: &str, items: &BTreeMap<String, String>, list: bool) -> String {
    let (open, close) = if list { ("[", "]") } else { ("", "") };
    let items: Vec<String> = items
        .iter()
        .map(|(signature, text)| format!("{}:{open}{{\"{word}\":{}}}{close}", quoted(signature), quoted(text)))
        .collect();
    format!("\"{key}\":{{{}}}", items.join(","))
}

fn add_errors(section: &mut Section, set: &ErrorSet) {
    for item in set.items {
        section.add(item.name, item.fields, item.docs);
    }
    for wrapped in set.wrapped {
        add_errors(section, wrapped);
    }
}

/// The documentation of a contract: `natspec(Token::ABI)`.
#[must_use]
pub fn natspec(description: &Description) -> NatSpec {
    let (mut methods, mut events, mut errors) = (Section::default(), Section::default(), Section::default());
    if let Some(constructor) = description.constructor {
        methods.put("constructor".into(), constructor.docs);
    }
    for item in description.functions {
        methods.add(item.name, item.inputs, item.docs);
    }
    for item in description.events {
        events.add(item.name, item.fields, item.docs);
    }
    for set in description.errors {
        add_errors(&mut errors, set);
    }
    let (notice, details) = parts(description.docs);
    let object = |kind: &str, word: &str, own: &str, sections: [&BTreeMap<String, String>; 3]| {
        let [methods, events, errors] = sections;
        let own = if own.is_empty() { String::new() } else { format!(",\"{word}\":{}", quoted(own)) };
        let (methods, events) = (members("methods", word, methods, false), members("events", word, events, false));
        let errors = members("errors", word, errors, true);
        format!("{{\"kind\":\"{kind}\",\"version\":1,{methods},{events},{errors}{own}}}")
    };
    NatSpec {
        user: object("user", "notice", &notice, [&methods.notices, &events.notices, &errors.notices]),
        dev: object("dev", "details", &details, [&methods.details, &events.details, &errors.details]),
    }
}
