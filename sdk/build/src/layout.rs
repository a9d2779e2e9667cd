//! A contract's storage layout, in the shape of solc's `storageLayout`.
//!
//! The SDK writes it into a custom section of the module that the linker makes; the module that goes to a chain is without.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::module::custom_section;

/// The section of the linker's module. A module that was shrunk keeps `esker.` sections alone.
const SECTION: &str = "esker-layout";

/// The layouts of both storages (Solidity's documentation, "JSON Output" of the storage layout).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layouts {
    /// Of persistent storage.
    pub storage_layout: StorageLayout,
    /// Of transient storage.
    pub transient_storage_layout: StorageLayout,
}

/// Where every field lies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageLayout {
    /// The fields, in order.
    pub storage: Vec<StorageField>,
    /// Their types by what fields call them.
    pub types: BTreeMap<String, StorageTypeEntry>,
}

/// A field of a contract, or a member of a struct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageField {
    /// The source and the contract: `src/lib.rs:Token`.
    pub contract: String,
    /// Its name, with those of the fields that it is flattened into in front: `token.balances`.
    pub label: String,
    /// The lowest byte that it takes in its slot.
    pub offset: u64,
    /// Its slot, in decimal; a member's counted from the beginning of its struct.
    pub slot: String,
    /// Its type's key in `types`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageTypeEntry {
    /// How its contents are found: `inplace`, `mapping`, `dynamic_array` or `bytes`.
    pub encoding: String,
    /// What Solidity calls it.
    pub label: String,
    /// How many bytes it takes where it lies, in decimal; whole slots for all but single values.
    pub number_of_bytes: String,
    /// A mapping's key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
    /// A mapping's value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// An array's elements.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub base: Option<String>,
    /// A struct's members.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub members: Option<Vec<StorageField>>,
    /// An enum's variants in order: what is stored is the number of one. solc does not say it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub variants: Option<Vec<String>>,
}

/// What the section holds: see `layout_json` in the SDK.
#[derive(Deserialize)]
struct Section {
    storage: Vec<Field>,
    transient: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Field {
    label: String,
    slot: Option<u64>,
    /// In place of `slot`: 64 hexadecimal digits.
    fixed: Option<String>,
    offset: u64,
    #[serde(rename = "type")]
    kind: Kind,
}

/// A type: the members that are there say which.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Kind {
    value: Option<String>,
    #[serde(rename = "enum")]
    enumeration: Option<String>,
    variants: Vec<String>,
    bytes: u64,
    text: bool,
    blob: bool,
    key: Option<Box<Kind>>,
    mapping: Option<Box<Kind>>,
    list: Option<Box<Kind>>,
    array: Option<Box<Kind>>,
    length: u64,
    slots: u64,
    #[serde(rename = "struct")]
    name: Option<String>,
    module: String,
    members: Option<Vec<Field>>,
}

impl Layouts {
    /// Reads what the linker's module tells. `None` if it tells nothing: no `#[contract]` made it, or it was shrunk.
    ///
    /// # Errors
    /// Says what is wrong with the section.
    pub(crate) fn read(wasm: &[u8], contract: &str) -> Result<Option<Self>, String> {
        let Some(section) = custom_section(wasm, SECTION)? else { return Ok(None) };
        Self::from_section(&section, contract).map(Some)
    }

    /// Makes it of what the SDK's `layout_json` writes. `contract` names the source and the contract.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn from_section(section: &[u8], contract: &str) -> Result<Self, String> {
        let section: Section =
            serde_json::from_slice(section).map_err(|error| format!("it cannot be read: {error}"))?;
        let of = |fields: &[Field]| {
            let mut types = Types { contract, table: BTreeMap::new(), structs: Vec::new(), enums: Vec::new() };
            let storage = types.fields(fields, &mut Vec::new())?;
            Ok::<_, String>(StorageLayout { storage, types: types.table })
        };
        let (storage_layout, transient_storage_layout) = (of(&section.storage)?, of(&section.transient)?);
        Ok(Self { storage_layout, transient_storage_layout })
    }
}

/// The types seen so far.
struct Types<'a> {
    contract: &'a str,
    table: BTreeMap<String, StorageTypeEntry>,
    /// The structs, numbered as solc numbers them so that two of one name have different keys.
    structs: Vec<Kind>,
    /// The enums, of which only those behind the first of a name have a number in their key.
    enums: Vec<Kind>,
}

impl Types<'_> {
    fn fields(
        &mut self,
        fields: &[Field],
        around: &mut Vec<(String, String, usize)>,
    ) -> Result<Vec<StorageField>, String> {
        let field = |field: &Field| {
            Ok(StorageField {
                contract: self.contract.to_owned(),
                label: field.label.clone(),
                offset: field.offset,
                slot: match (&field.slot, &field.fixed) {
                    (Some(number), _) => number.to_string(),
                    (None, Some(digits)) => decimal(digits)?,
                    (None, None) => return Err(format!("{} lies nowhere", field.label)),
                },
                kind: self.add(&field.kind, around)?,
            })
        };
        fields.iter().map(field).collect()
    }

    /// Adds a type with all inside and gives its key.
    fn add(&mut self, kind: &Kind, around: &mut Vec<(String, String, usize)>) -> Result<String, String> {
        let entry = |encoding: &str, label: String, bytes: u64| StorageTypeEntry {
            encoding: encoding.to_owned(),
            label,
            number_of_bytes: bytes.to_string(),
            key: None,
            value: None,
            base: None,
            members: None,
            variants: None,
        };
        let (key, entry) = if let Some(value) = &kind.value {
            (format!("t_{value}"), entry("inplace", value.clone(), kind.bytes))
        } else if let Some(name) = &kind.enumeration {
            let whole = entry("inplace", format!("enum {name}"), kind.bytes);
            (self.enumeration(name, kind), StorageTypeEntry { variants: Some(kind.variants.clone()), ..whole })
        } else if kind.text {
            ("t_string_storage".to_owned(), entry("bytes", "string".to_owned(), 32))
        } else if kind.blob {
            ("t_bytes_storage".to_owned(), entry("bytes", "bytes".to_owned(), 32))
        } else if let (Some(key), Some(value)) = (&kind.key, &kind.mapping) {
            let (key, value) = (self.key(key, around)?, self.add(value, around)?);
            let label = format!("mapping({} => {})", self.label(&key), self.label(&value));
            let id = format!("t_mapping({key},{value})");
            (id, StorageTypeEntry { key: Some(key), value: Some(value), ..entry("mapping", label, 32) })
        } else if let Some(list) = &kind.list {
            let base = self.add(list, around)?;
            let (id, label) = (format!("t_array({base})dyn_storage"), format!("{}[]", self.label(&base)));
            (id, StorageTypeEntry { base: Some(base), ..entry("dynamic_array", label, 32) })
        } else if let Some(array) = &kind.array {
            let base = self.add(array, around)?;
            let length = kind.length;
            let (id, label) = (format!("t_array({base}){length}_storage"), format!("{}[{length}]", self.label(&base)));
            (id, StorageTypeEntry { base: Some(base), ..entry("inplace", label, bytes(kind.slots)?) })
        } else if let Some(name) = &kind.name {
            let id = |number: usize| format!("t_struct({name}){}_storage", number + 1);
            let Some(members) = &kind.members else {
                let found = around.iter().rev().find(|(outer, place, _)| outer == name && *place == kind.module);
                let (.., number) = found.ok_or_else(|| format!("the struct {name} has no members"))?;
                return Ok(id(*number));
            };
            if let Some(number) = self.structs.iter().position(|known| known == kind) {
                return Ok(id(number));
            }
            let number = self.structs.len();
            self.structs.push(kind.clone());
            // What refers to itself finds its label there.
            let whole = entry("inplace", format!("struct {name}"), bytes(kind.slots)?);
            self.table.insert(id(number), whole.clone());
            around.push((name.clone(), kind.module.clone(), number));
            let members = self.fields(members, around)?;
            around.pop();
            (id(number), StorageTypeEntry { members: Some(members), ..whole })
        } else {
            return Err("a type is none that is known".to_owned());
        };
        self.table.insert(key.clone(), entry);
        Ok(key)
    }

    /// An enum's key.
    fn enumeration(&mut self, name: &str, kind: &Kind) -> String {
        if !self.enums.contains(kind) {
            self.enums.push(kind.clone());
        }
        let namesakes = self.enums.iter().filter(|known| known.enumeration == kind.enumeration);
        match namesakes.take_while(|known| *known != kind).count() {
            0 => format!("t_enum({name})"),
            before => format!("t_enum({name}){}", before + 1),
        }
    }

    /// A mapping's key: solc says of strings that they are in memory.
    fn key(&mut self, kind: &Kind, around: &mut Vec<(String, String, usize)>) -> Result<String, String> {
        let id = self.add(kind, around)?;
        let name = match kind {
            Kind { text: true, .. } => "t_string_memory_ptr",
            Kind { blob: true, .. } => "t_bytes_memory_ptr",
            _ => return Ok(id),
        };
        if let Some(entry) = self.table.get(&id).cloned() {
            self.table.insert(name.to_owned(), entry);
        }
        Ok(name.to_owned())
    }

    fn label(&self, key: &str) -> String {
        self.table.get(key).map(|entry| entry.label.clone()).unwrap_or_default()
    }
}

fn bytes(slots: u64) -> Result<u64, String> {
    slots.checked_mul(32).ok_or_else(|| format!("{slots} slots are too many"))
}

/// A number of 64 hexadecimal digits in decimal.
fn decimal(digits: &str) -> Result<String, String> {
    let mut number = hex::decode(digits).map_err(|error| format!("the slot {digits:?} is no number: {error}"))?;
    let mut decimal = Vec::new();
    while number.iter().any(|byte| *byte > 0) {
        let mut rest = 0u32;
        for byte in &mut number {
            let value = (rest << 8) | u32::from(*byte);
            *byte = (value / 10) as u8;
            rest = value % 10;
        }
        decimal.push(char::from(b'0' + rest as u8));
    }
    if decimal.is_empty() {
        decimal.push('0');
    }
    Ok(decimal.iter().rev().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(section: &str) -> Vec<u8> {
        let mut module = wasm_encoder::Module::new();
        module.section(&wasm_encoder::CustomSection { name: SECTION.into(), data: section.as_bytes().into() });
        module.finish()
    }

    #[test]
    fn slots_are_written_in_decimal() {
        assert_eq!(decimal(&"0".repeat(64)).as_deref(), Ok("0"));
        assert_eq!(decimal(&format!("{:0>64}", "ff")).as_deref(), Ok("255"));
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(decimal(&"f".repeat(64)).as_deref(), Ok(most));
        assert!(decimal("xy").is_err());
    }

    #[test]
    fn structs_of_one_name_are_told_apart_and_may_hold_themselves() {
        let node = |module: &str, inner: &str| {
            format!(
                r#"{{"struct":"Node","module":"{module}","slots":1,"members":[{{"label":"next","slot":0,"offset":0,"type":{inner}}}]}}"#
            )
        };
        let again = r#"{"list":{"struct":"Node","module":"a","slots":1}}"#;
        let section = format!(
            r#"{{"storage":[{{"label":"x","slot":0,"offset":0,"type":{}}},{{"label":"y","slot":1,"offset":0,"type":{}}},{{"label":"z","slot":2,"offset":0,"type":{}}}],"transient":[]}}"#,
            node("a", again),
            node("b", r#"{"value":"uint256","bytes":32}"#),
            node("a", again),
        );
        let layout = Layouts::read(&module(&section), "src/lib.rs:T").expect("valid").expect("present").storage_layout;
        let kinds: Vec<&str> = layout.storage.iter().map(|field| field.kind.as_str()).collect();
        assert_eq!(kinds, ["t_struct(Node)1_storage", "t_struct(Node)2_storage", "t_struct(Node)1_storage"]);
        let members = layout.types["t_struct(Node)1_storage"].members.as_ref().expect("members");
        assert_eq!(members[0].kind, "t_array(t_struct(Node)1_storage)dyn_storage");
        assert_eq!(layout.types[&members[0].kind].label, "struct Node[]");
    }

    #[test]
    fn damaged_sections_are_refused() {
        let field = r#"{"label":"x","slot":0,"offset":0,"type":{"struct":"Lost","module":"a","slots":1}}"#;
        for section in ["", "{}", "[]", &format!(r#"{{"storage":[{field}],"transient":[]}}"#)] {
            assert!(Layouts::read(&module(section), "T").is_err(), "{section}");
        }
        assert_eq!(Layouts::read(&wasm_encoder::Module::new().finish(), "T"), Ok(None));
    }
}
