//! Checks answers against the schemas of Ethereum's execution APIs, which are read where they are found: in
//! `../shared/vectors/execution-apis` beside the repository, or under `ESKER_VECTORS`.
//!
//! The schemas are YAML of a plain kind (indented maps, lists, one-line strings), which is all that is parsed here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

#[path = "../../../tests/src/skipping.rs"]
mod skipping;

/// All schemas by name.
pub struct Schemas {
    schemas: BTreeMap<String, Value>,
}

fn folder() -> PathBuf {
    let vectors = std::env::var_os("ESKER_VECTORS").map(PathBuf::from);
    let vectors = vectors.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"));
    vectors.join("execution-apis/src/schemas")
}

impl Schemas {
    /// Reads them; `None`, loudly, where they are absent.
    pub fn load() -> Option<Self> {
        let folder = folder();
        let Ok(entries) = std::fs::read_dir(&folder) else {
            skipping::skipped(&format!("no schemas at {}; ESKER_VECTORS names their folder", folder.display()));
            return None;
        };
        let mut schemas = BTreeMap::new();
        for entry in entries {
            let text = std::fs::read_to_string(entry.expect("readable").path()).expect("readable");
            let Value::Object(found) = parse(&text) else { panic!("a schema file is a map") };
            schemas.extend(found);
        }
        Some(Self { schemas })
    }

    /// Checks `value` against the schema of that name.
    pub fn check(&self, name: &str, value: &Value) {
        let schema = self.schemas.get(name).unwrap_or_else(|| panic!("no schema {name}"));
        if let Err(reason) = self.validate(schema, value) {
            panic!("not a {name}: {reason}\n{value:#}");
        }
    }

    fn validate(&self, schema: &Value, value: &Value) -> Result<(), String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().expect("a path has a last part");
            let target = self.schemas.get(name).ok_or_else(|| format!("no schema {name}"))?;
            return self.validate(target, value);
        }
        for part in list(&schema["allOf"]) {
            self.validate(part, value)?;
        }
        for alternatives in ["anyOf", "oneOf"] {
            let parts = list(&schema[alternatives]);
            let errors: Vec<String> = parts.iter().filter_map(|part| self.validate(part, value).err()).collect();
            if !parts.is_empty() && errors.len() == parts.len() {
                return Err(format!("none of {alternatives}: {}", errors.join(" | ")));
            }
        }
        check_scalar(schema, value)?;
        self.check_array(schema, value)?;
        self.check_object(schema, value)
    }

    fn check_array(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let Some(items) = value.as_array().filter(|_| !schema["items"].is_null()) else { return Ok(()) };
        for (index, item) in items.iter().enumerate() {
            self.validate(&schema["items"], item).map_err(|reason| format!("[{index}]: {reason}"))?;
        }
        Ok(())
    }

    fn check_object(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let Some(fields) = value.as_object() else { return Ok(()) };
        for name in list(&schema["required"]) {
            let name = name.as_str().unwrap_or_default();
            if !fields.contains_key(name) {
                return Err(format!("{name} is missing"));
            }
        }
        for (name, field) in fields {
            match (schema["properties"].get(name), &schema["additionalProperties"]) {
                (Some(property), _) => {
                    self.validate(property, field).map_err(|reason| format!("{name}: {reason}"))?;
                }
                (None, Value::Bool(false)) => return Err(format!("{name} is not in the schema")),
                (None, additional @ Value::Object(_)) => {
                    self.validate(additional, field).map_err(|reason| format!("{name}: {reason}"))?;
                }
                (None, _) => {}
            }
        }
        Ok(())
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn check_scalar(schema: &Value, value: &Value) -> Result<(), String> {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if let Some(wanted) = schema["type"].as_str()
        && wanted != kind
    {
        return Err(format!("{value} is a {kind}, want a {wanted}"));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str()) {
        let regex = regex::Regex::new(pattern).map_err(|error| error.to_string())?;
        if !regex.is_match(text) {
            return Err(format!("{text:.80} does not match {pattern}"));
        }
    }
    let allowed = list(&schema["enum"]);
    if !allowed.is_empty() && !allowed.contains(value) {
        return Err(format!("{value} is none of {allowed:?}"));
    }
    Ok(())
}

/// A line of YAML: how far it is indented, and what it says.
type Line<'a> = (usize, &'a str);

/// Reads YAML of the plain kind.
pub fn parse(text: &str) -> Value {
    let lines: Vec<Line<'_>> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(|line| (line.len() - line.trim_start().len(), line.trim()))
        .collect();
    let mut rest = lines.as_slice();
    block(&mut rest, 0)
}

fn block(lines: &mut &[Line<'_>], indent: usize) -> Value {
    match lines.first() {
        Some((_, text)) if text.starts_with("- ") || *text == "-" => sequence(lines, indent),
        _ => mapping(lines, indent),
    }
}

fn sequence(lines: &mut &[Line<'_>], indent: usize) -> Value {
    let mut items = Vec::new();
    while let Some((depth, text)) = lines.first().copied() {
        let Some(rest) = text.strip_prefix("- ").filter(|_| depth == indent) else { break };
        *lines = &lines[1..];
        if key(rest).is_none() {
            items.push(scalar(rest, lines, indent));
            continue;
        }
        // A map whose first entry stands behind the dash: read it as if it stood on a line of its own.
        let mut inner = vec![(indent + 2, rest)];
        while let Some(line) = lines.first().copied().filter(|(depth, _)| *depth > indent) {
            inner.push(line);
            *lines = &lines[1..];
        }
        items.push(mapping(&mut inner.as_slice(), indent + 2));
    }
    Value::Array(items)
}

/// Splits `key: rest`.
fn key(text: &str) -> Option<(&str, &str)> {
    if text.starts_with(['\'', '"', '{', '[']) {
        return None;
    }
    let (key, rest) = text.split_once(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then_some((key, rest.trim()))
}

fn mapping(lines: &mut &[Line<'_>], indent: usize) -> Value {
    let mut fields = Map::new();
    while let Some((depth, text)) = lines.first().copied() {
        let Some((name, rest)) = key(text).filter(|_| depth == indent) else { break };
        *lines = &lines[1..];
        let value = if rest.is_empty() {
            match lines.first() {
                Some((depth, _)) if *depth > indent => block(lines, *depth),
                Some((depth, text)) if *depth == indent && text.starts_with("- ") => sequence(lines, indent),
                _ => Value::Null,
            }
        } else {
            scalar(rest, lines, indent)
        };
        fields.insert(name.to_owned(), value);
    }
    Value::Object(fields)
}

/// A one-line value; lines further in go on with a long text, which no check looks at.
fn scalar(text: &str, lines: &mut &[Line<'_>], indent: usize) -> Value {
    while lines.first().is_some_and(|(depth, _)| *depth > indent) {
        *lines = &lines[1..];
    }
    if let Some(quoted) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Value::String(quoted.replace("''", "'"));
    }
    if let Some(quoted) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Value::String(quoted.to_owned());
    }
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "[]" => Value::Array(Vec::new()),
        _ => text.parse::<u64>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
    }
}
