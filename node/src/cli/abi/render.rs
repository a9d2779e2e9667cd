//! ABI values for a reader, and as JSON.

use alloy_dyn_abi::DynSolValue;
use alloy_json_abi::Param;
use serde_json::{Map, Value, json};

/// The value for a reader: whole numbers decimal, bytes hexadecimal, addresses with their checksum, texts quoted.
#[must_use]
pub fn text(value: &DynSolValue) -> String {
    let list = |values: &[DynSolValue]| values.iter().map(text).collect::<Vec<_>>().join(", ");
    match value {
        DynSolValue::Bool(value) => value.to_string(),
        DynSolValue::Int(value, _) => value.to_string(),
        DynSolValue::Uint(value, _) => value.to_string(),
        DynSolValue::FixedBytes(word, size) => format!("0x{}", hex::encode(&word[..(*size).min(32)])),
        DynSolValue::Address(address) => address.to_checksum(None),
        DynSolValue::Function(function) => format!("0x{}", hex::encode(function.as_slice())),
        DynSolValue::Bytes(bytes) => format!("0x{}", hex::encode(bytes)),
        DynSolValue::String(value) => format!("{value:?}"),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => format!("[{}]", list(values)),
        DynSolValue::Tuple(values) => format!("({})", list(values)),
    }
}

/// The value as JSON: whole numbers as decimal text (JSON's would lose digits), tuples with named members as objects.
#[must_use]
pub fn value_json(value: &DynSolValue, components: &[Param]) -> Value {
    match value {
        DynSolValue::Bool(value) => json!(value),
        DynSolValue::String(value) => json!(value),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            values.iter().map(|value| value_json(value, components)).collect()
        }
        DynSolValue::Tuple(values) => {
            let inner = |index: usize| components.get(index).map_or(&[][..], |param| &param.components);
            let items = values.iter().enumerate().map(|(index, value)| value_json(value, inner(index)));
            let mut names: Vec<&str> = components.iter().map(|param| param.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            let named = components.len() == values.len() && names.len() == values.len() && !names.contains(&"");
            if named && !values.is_empty() {
                let name = |index: usize| components[index].name.clone();
                Value::Object(items.enumerate().map(|(index, item)| (name(index), item)).collect::<Map<_, _>>())
            } else {
                items.collect()
            }
        }
        other => json!(text(other)),
    }
}

/// A decoded value with what the interface says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The parameter's name; empty if it has none.
    pub name: String,
    /// Its type, as selectors spell it.
    pub kind: String,
    /// Whether it is an indexed parameter of an event.
    pub indexed: bool,
    /// Its value.
    pub value: DynSolValue,
    components: Vec<Param>,
}

impl Named {
    /// The value of `param`.
    #[must_use]
    pub fn new(param: &Param, value: DynSolValue) -> Self {
        let kind = param.selector_type().into_owned();
        Self { name: param.name.clone(), kind, indexed: false, value, components: param.components.clone() }
    }

    /// The value of an event's parameter.
    #[must_use]
    pub fn of_event(param: &alloy_json_abi::EventParam, value: DynSolValue) -> Self {
        Self {
            name: param.name.clone(),
            kind: param.selector_type().into_owned(),
            indexed: param.indexed,
            value,
            components: param.components.clone(),
        }
    }

    /// `{"name", "type", "value"}`.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({"name": self.name, "type": self.kind, "value": value_json(&self.value, &self.components)})
    }
}

/// `name: value, name: value`.
#[must_use]
pub fn list_text(values: &[Named]) -> String {
    let one = |named: &Named| {
        if named.name.is_empty() { text(&named.value) } else { format!("{}: {}", named.name, text(&named.value)) }
    };
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A list of [`Named::json`].
#[must_use]
pub fn list_json(values: &[Named]) -> Value {
    values.iter().map(Named::json).collect()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, I256, U256};

    use super::*;

    #[test]
    fn values_are_shown_as_the_field_writes_them() {
        for (value, shown) in [
            (DynSolValue::Uint(U256::MAX, 256), U256::MAX.to_string()),
            (DynSolValue::Int(I256::MINUS_ONE, 8), "-1".to_owned()),
            (DynSolValue::FixedBytes(B256::repeat_byte(0xab), 4), "0xabababab".to_owned()),
            (DynSolValue::Bytes(vec![]), "0x".to_owned()),
            (DynSolValue::String("a\"\u{1b}".to_owned()), "\"a\\\"\\u{1b}\"".to_owned()),
            (DynSolValue::Address(Address::repeat_byte(0xab)), Address::repeat_byte(0xab).to_string()),
            (DynSolValue::Tuple(vec![DynSolValue::Bool(true), DynSolValue::Array(vec![])]), "(true, [])".to_owned()),
        ] {
            assert_eq!(text(&value), shown);
        }
    }

    #[test]
    fn tuples_with_names_become_objects() {
        let param = json!({"name": "d", "type": "tuple[]", "components": [
            {"name": "a", "type": "uint256"},
            {"name": "c", "type": "tuple", "components": [{"name": "b", "type": "bool"}, {"name": "", "type": "bool"}]},
        ]});
        let param: Param = serde_json::from_value(param).expect("a parameter");
        let inner = DynSolValue::Tuple(vec![DynSolValue::Bool(true), DynSolValue::Bool(false)]);
        let value = DynSolValue::Array(vec![DynSolValue::Tuple(vec![DynSolValue::Uint(U256::from(1), 256), inner])]);
        assert_eq!(Named::new(&param, value).json()["value"], json!([{"a": "1", "c": [true, false]}]));
    }
}
