//! The module itself: what it carries, and what can be left out of it.

mod docs;
mod section;
mod shrink;

use serde_json::Value;
use wasmparser::{KnownCustom, Name, Parser, Payload};

pub(crate) use docs::docs;
pub(crate) use section::{custom_section, unpack};
pub(crate) use shrink::shrink;

/// The ABI that a module carries in its `esker.abi` section.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractAbi {
    /// The contract's name, where the section gives one.
    pub name: Option<String>,
    /// The JSON ABI: an array of functions, events, errors and the constructor.
    pub items: Value,
}

/// A function of a module and what its source calls it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FunctionName {
    /// Its index, imports counted.
    pub index: u32,
    /// Its demangled path.
    pub name: String,
}

impl ContractAbi {
    /// Reads a module's ABI section: the JSON array itself, or an object with `contractName` and `abi`. `None` if there
    /// is no such section.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(wasm: &[u8]) -> Result<Option<Self>, String> {
        let Some(section) = custom_section(wasm, esker_vm::abi::SECTION_ABI)? else { return Ok(None) };
        let value: Value = serde_json::from_slice(&section).map_err(|error| format!("it is not JSON: {error}"))?;
        let (name, items) = match value {
            Value::Object(mut object) => {
                let name = object.get("contractName").and_then(Value::as_str).map(str::to_owned);
                (name, object.remove("abi").ok_or("it is an object without `abi`")?)
            }
            items => (None, items),
        };
        let entries = items.as_array().ok_or("it is not an array of items")?;
        if let Some(odd) = entries.iter().find(|item| item.get("type").and_then(Value::as_str).is_none()) {
            return Err(format!("an item has no type: {odd}"));
        }
        Ok(Some(Self { name, items }))
    }
}

/// The names in a module's name section, demangled, in order of their functions. Empty if there are none.
pub(crate) fn function_names(wasm: &[u8]) -> Vec<FunctionName> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let Ok(Payload::CustomSection(section)) = payload else { continue };
        let KnownCustom::Name(subsections) = section.as_known() else { continue };
        for subsection in subsections {
            let Ok(Name::Function(map)) = subsection else { continue };
            let named = map.into_iter().flatten();
            names.extend(named.map(|naming| FunctionName { index: naming.index, name: demangle(naming.name) }));
        }
    }
    names.sort_by_key(|name| name.index);
    names
}

/// Rust's path in a mangled symbol, without the hash; any other text as it is.
pub(crate) fn demangle(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_read_as_paths() {
        assert_eq!(demangle("_ZN4core3fmt5write17h0123456789abcdefE"), "core::fmt::write");
        assert_eq!(demangle("call"), "call");
        assert_eq!(demangle("_RNvNtCs96PhA8I4K4P_4core6option13expect_failed"), "core::option::expect_failed");
        for odd in ["_ZN", "_ZN9coreE", "_ZNxE", "_ZN99999999999999999999aE", "_R", ""] {
            assert_eq!(demangle(odd), odd);
        }
    }

    fn with_section(content: &[u8]) -> Vec<u8> {
        let mut module = wasm_encoder::Module::new();
        module.section(&wasm_encoder::CustomSection { name: "esker.abi".into(), data: content.into() });
        module.finish()
    }

    #[test]
    fn an_abi_section_is_an_array_or_an_object_that_names_the_contract() {
        let array = ContractAbi::read(&with_section(br#"[{"type":"receive"}]"#)).expect("valid").expect("present");
        assert_eq!((array.name, array.items.as_array().map(Vec::len)), (None, Some(1)));
        let object = with_section(br#"{"contractName":"Token","abi":[]}"#);
        assert_eq!(ContractAbi::read(&object).expect("valid").expect("present").name.as_deref(), Some("Token"));
        assert_eq!(ContractAbi::read(&wasm_encoder::Module::new().finish()), Ok(None));
        let packed = section::pack(br#"[{"type":"receive","stateMutability":"payable"},{"type":"receive"}]"#);
        assert_eq!(packed[0], 1);
        let deflated = ContractAbi::read(&with_section(&packed)).expect("valid").expect("present");
        assert_eq!(deflated.items.as_array().map(Vec::len), Some(2));
        for bad in [&b"["[..], b"\x01", b"{}", b"7", b"[{}]", b"\xff"] {
            assert!(ContractAbi::read(&with_section(bad)).is_err(), "{bad:?}");
        }
    }
}
