//! A TypeScript module for viem and its kin, which take argument and result types from an ABI that is `as const`.

use serde_json::Value;

use super::{InterfaceError, is_identifier, items};
use crate::NatSpec;
use crate::natspec::Remark;

/// A module that exports the ABI of the contract `name` as a constant: `counterAbi` of `Counter`. What `docs` says of the
/// contract and its items stands above them.
///
/// # Errors
/// If the ABI is no array of items, or the name can be none of TypeScript's.
pub fn typescript(name: &str, abi: &Value, docs: &NatSpec) -> Result<String, InterfaceError> {
    let items = items(abi)?;
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase()).into_iter();
    let constant: String = first.chain(letters).map(|letter| if letter == '-' { '_' } else { letter }).collect();
    if !is_identifier(&constant) {
        return Err(InterfaceError(format!("{name:?} can be no name in TypeScript")));
    }
    let written = items.iter().map(|item| {
        let json = serde_json::to_string_pretty(item).expect("a value is plain JSON").replace('\n', "\n  ");
        format!("{}  {json}", comment(&docs.item(item), "  "))
    });
    let written: Vec<String> = written.collect();
    let list = if written.is_empty() { "[]".to_owned() } else { format!("[\n{}\n]", written.join(",\n")) };
    let made = "// Made by `esker contract abi --format typescript`.\n";
    Ok(format!("{made}{}export const {constant}Abi = {list} as const;\n", comment(&docs.contract(), "")))
}

/// A JSDoc comment on lines of its own; nothing where nothing is said.
fn comment(remark: &Remark, indent: &str) -> String {
    let closed = |text: &str| text.replace("*/", "*\\/");
    match (closed(&remark.notice), closed(&remark.details)) {
        _ if remark.is_empty() => String::new(),
        (one, other) if one.is_empty() || other.is_empty() => format!("{indent}/** {one}{other} */\n"),
        (notice, details) => {
            format!("{indent}/**\n{indent} * {notice}\n{indent} *\n{indent} * {details}\n{indent} */\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_module_exports_the_abi_as_a_constant() {
        let text =
            typescript("GoldToken", &json!([{"type": "receive", "stateMutability": "payable"}]), &NatSpec::default())
                .expect("an ABI");
        assert!(text.contains("\nexport const goldTokenAbi = [\n  {"), "{text}");
        assert!(text.ends_with("] as const;\n"), "{text}");
        let with = |name: &str, abi: Value| typescript(name, &abi, &NatSpec::default());
        assert!(with("7", json!([])).is_err() && with("A", json!({})).is_err());
        assert!(with("A", json!([])).is_ok_and(|text| text.ends_with("aAbi = [] as const;\n")));
    }

    #[test]
    fn documentation_stands_above_what_it_is_of() {
        let abi =
            json!([{"type": "error", "name": "Late", "inputs": []}, {"type": "error", "name": "Early", "inputs": []}]);
        let texts = ["A shop.\n\nOf two floors.", "Too */ late.", ""].map(str::to_owned);
        let docs = NatSpec::new(&abi, &texts).expect("as many as items");
        let text = typescript("Shop", &abi, &docs).expect("an ABI");
        let expected =
            "/**\n * A shop.\n *\n * Of two floors.\n */\nexport const shopAbi = [\n  /** Too *\\/ late. */\n  {\n";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("  },\n  {\n    \"inputs\": [],\n    \"name\": \"Early\""), "{text}");
    }
}
