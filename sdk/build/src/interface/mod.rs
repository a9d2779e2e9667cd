//! A contract's interface in other languages, made from its JSON ABI.

mod solidity;
mod typescript;

pub use solidity::solidity;
pub use typescript::typescript;

use serde_json::Value;

/// A JSON ABI cannot be written in another language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ABI is malformed: {0}")]
pub struct InterfaceError(String);

fn text<'a>(item: &'a Value, key: &str) -> &'a str {
    item.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(item: &'a Value, key: &str) -> &'a [Value] {
    item.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The items, each of which is an object with a `type`.
fn items(abi: &Value) -> Result<&[Value], InterfaceError> {
    let items = abi.as_array().ok_or_else(|| InterfaceError("it is no array".to_owned()))?;
    match items.iter().find(|item| text(item, "type").is_empty()) {
        Some(odd) => Err(InterfaceError(format!("an item has no type: {odd}"))),
        None => Ok(items),
    }
}

/// Whether a text can be a name in Solidity and TypeScript.
fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_' || first == '$')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$')
}
