//! A TypeScript module for viem and its kin, which take argument and result types from an ABI that is `as const`.

use serde_json::Value;

use super::{InterfaceError, is_identifier, items};

/// A module that exports the ABI of the contract `name` as a constant: `counterAbi` of `Counter`.
///
/// # Errors
/// If the ABI is no array of items, or the name can be none of TypeScript's.
pub fn typescript(name: &str, abi: &Value) -> Result<String, InterfaceError> {
    items(abi)?;
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase()).into_iter();
    let constant: String = first.chain(letters).map(|letter| if letter == '-' { '_' } else { letter }).collect();
    if !is_identifier(&constant) {
        return Err(InterfaceError(format!("{name:?} can be no name in TypeScript")));
    }
    let json = serde_json::to_string_pretty(abi).expect("a value is plain JSON");
    Ok(format!("// Made by `esker contract abi --format typescript`.\nexport const {constant}Abi = {json} as const;\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_module_exports_the_abi_as_a_constant() {
        let text =
            typescript("GoldToken", &json!([{"type": "receive", "stateMutability": "payable"}])).expect("an ABI");
        assert!(text.contains("\nexport const goldTokenAbi = [\n  {"), "{text}");
        assert!(text.ends_with("] as const;\n"), "{text}");
        assert!(typescript("7", &json!([])).is_err() && typescript("A", &json!({})).is_err());
    }
}
