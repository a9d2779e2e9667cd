//! What a chain knows of its contracts and users, to say in words what happened: errors, events, addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use alloy_dyn_abi::{DynSolValue, EventExt, FunctionExt, JsonAbiExt};
use alloy_json_abi::{Error, Event, Function, JsonAbi, Param};
use alloy_primitives::{Address, B256, Log, LogData, U256, hex};

/// What addresses, selectors and topics are called.
#[derive(Debug, Default)]
pub(crate) struct Names {
    addresses: BTreeMap<Address, String>,
    errors: BTreeMap<[u8; 4], Error>,
    functions: BTreeMap<[u8; 4], Function>,
    events: BTreeMap<B256, Event>,
    /// Contracts whose ABI is known, by name.
    contracts: BTreeSet<String>,
}

impl Names {
    /// From now on the address is called so.
    pub(crate) fn call(&mut self, address: Address, name: &str) {
        self.addresses.entry(address).or_insert_with(|| name.to_owned());
    }

    /// Learns a contract's errors, events and functions from its JSON ABI.
    pub(crate) fn learn(&mut self, contract: &str, json: &str) {
        if !self.contracts.insert(contract.to_owned()) {
            return;
        }
        // What cannot be read is shown as bytes: no reason to fail a test.
        let Ok(abi) = serde_json::from_str::<JsonAbi>(json) else { return };
        self.errors.extend(abi.errors().map(|error| (error.selector().0, error.clone())));
        self.functions.extend(abi.functions().map(|function| (function.selector().0, function.clone())));
        let named = abi.events().filter(|event| !event.anonymous);
        self.events.extend(named.map(|event| (event.selector(), event.clone())));
    }

    /// An address, with its name behind it if it has one.
    pub(crate) fn address(&self, address: Address) -> String {
        let hex = hex::encode_prefixed(address);
        self.addresses.get(&address).map_or_else(|| hex.clone(), |name| format!("{hex} ({name})"))
    }

    /// An address's name, or the address if it has none.
    pub(crate) fn name_of(&self, address: Address) -> String {
        self.addresses.get(&address).cloned().unwrap_or_else(|| hex::encode_prefixed(address))
    }

    /// The name of the function that this input calls, or its selector.
    pub(crate) fn method(&self, input: &[u8]) -> String {
        let Some(selector) = input.first_chunk::<4>() else { return "receive".to_owned() };
        self.functions.get(selector).map_or_else(|| hex::encode_prefixed(selector), |function| function.name.clone())
    }

    /// The call that this input makes.
    pub(crate) fn call_input(&self, input: &[u8]) -> String {
        let decoded = input.split_first_chunk::<4>().and_then(|(selector, rest)| {
            let function = self.functions.get(selector)?;
            let values = function.abi_decode_input(rest).ok()?;
            let values: Vec<String> = values.iter().map(|value| self.value(value)).collect();
            Some(format!("{}({})", function.name, values.join(", ")))
        });
        decoded.unwrap_or_else(|| bytes(input))
    }

    /// What a call with this input returned: decoded if the function is known, else the bytes.
    pub(crate) fn returned(&self, input: &[u8], output: &[u8]) -> String {
        let decoded = input.first_chunk::<4>().and_then(|selector| {
            let values = self.functions.get(selector)?.abi_decode_output(output).ok()?;
            let values: Vec<String> = values.iter().map(|value| self.value(value)).collect();
            Some(match values.as_slice() {
                [] => "nothing".to_owned(),
                [one] => one.clone(),
                several => format!("({})", several.join(", ")),
            })
        });
        decoded.unwrap_or_else(|| if output.is_empty() { "nothing".to_owned() } else { bytes(output) })
    }

    /// Revert data in words: `Error("text")`, `Panic(0x11): arithmetic overflow`, a custom error with its fields, or the
    /// bytes.
    pub(crate) fn revert(&self, data: &[u8]) -> String {
        let Some((selector, rest)) = data.split_first_chunk::<4>() else {
            return if data.is_empty() { "no data".to_owned() } else { format!("the bytes {}", bytes(data)) };
        };
        let known = match *selector {
            [0x08, 0xc3, 0x79, 0xa0] => {
                esker_sdk::abi::decode::<String>(rest).ok().map(|text| format!("Error({text:?})"))
            }
            [0x4e, 0x48, 0x7b, 0x71] => esker_sdk::abi::decode::<esker_sdk::U256>(rest).ok().map(|code| panic(&code)),
            _ => self.errors.get(selector).and_then(|error| {
                let values = error.abi_decode_input(rest).ok()?;
                Some(format!("{}{}", error.name, self.fields(&error.inputs, &values)))
            }),
        };
        known.unwrap_or_else(|| {
            format!(
                "an error that no contract of this chain declares, selector {}: {}",
                hex::encode_prefixed(selector),
                bytes(data)
            )
        })
    }

    /// A log in words: the event and who emitted it.
    pub(crate) fn log(&self, log: &Log) -> String {
        format!("{} from {}", self.event(&log.data), self.address(log.address))
    }

    /// An event and its fields, or topics and data.
    pub(crate) fn event(&self, data: &LogData) -> String {
        let known = data.topics().first().and_then(|topic| self.events.get(topic)).and_then(|event| {
            let decoded = event.decode_log(data).ok()?;
            let (mut indexed, mut body) = (decoded.indexed.iter(), decoded.body.iter());
            let mut fields = Vec::new();
            for input in &event.inputs {
                let value = if input.indexed { indexed.next() } else { body.next() }?;
                fields.push(named(&input.name, &self.value(value)));
            }
            Some(format!("{} {{ {} }}", event.name, fields.join(", ")))
        });
        known.unwrap_or_else(|| {
            let topics: Vec<String> = data.topics().iter().map(|topic| self.topic(topic)).collect();
            format!("a log with the topics [{}] and the data {}", topics.join(", "), bytes(&data.data))
        })
    }

    /// Logs, one a line.
    pub(crate) fn logs(&self, logs: &[Log]) -> String {
        if logs.is_empty() {
            return "nothing".to_owned();
        }
        logs.iter().map(|log| format!("\n    {}", self.log(log))).collect()
    }

    fn topic(&self, topic: &B256) -> String {
        let address = Address::from_word(*topic);
        match self.addresses.get(&address).filter(|_| topic.starts_with(&[0; 12])) {
            Some(name) => format!("{} ({name})", hex::encode_prefixed(topic)),
            None => hex::encode_prefixed(topic),
        }
    }

    fn fields(&self, inputs: &[Param], values: &[DynSolValue]) -> String {
        if inputs.is_empty() {
            return "()".to_owned();
        }
        let fields = inputs.iter().zip(values).map(|(input, value)| named(&input.name, &self.value(value)));
        format!(" {{ {} }}", fields.collect::<Vec<_>>().join(", "))
    }

    fn value(&self, value: &DynSolValue) -> String {
        let list = |values: &[DynSolValue]| values.iter().map(|value| self.value(value)).collect::<Vec<_>>().join(", ");
        match value {
            DynSolValue::Bool(yes) => yes.to_string(),
            DynSolValue::Int(number, _) => number.to_string(),
            DynSolValue::Uint(number, _) => number.to_string(),
            DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(word.get(..*size).unwrap_or(&word[..])),
            DynSolValue::Address(address) => self.address(*address),
            DynSolValue::Function(function) => hex::encode_prefixed(function),
            DynSolValue::Bytes(data) => bytes(data),
            DynSolValue::String(text) => format!("{text:?}"),
            DynSolValue::Array(values) | DynSolValue::FixedArray(values) => format!("[{}]", list(values)),
            DynSolValue::Tuple(values) => format!("({})", list(values)),
        }
    }
}

fn named(name: &str, value: &str) -> String {
    if name.is_empty() { value.to_owned() } else { format!("{name}: {value}") }
}

/// Bytes as hex; of many, the first, and how many there are.
pub(crate) fn bytes(data: &[u8]) -> String {
    const SHOWN: usize = 512;
    match data.get(..SHOWN) {
        Some(first) if data.len() > SHOWN => format!("{}… ({} bytes)", hex::encode_prefixed(first), data.len()),
        _ => hex::encode_prefixed(data),
    }
}

/// `Panic(code): what it means`.
fn panic(code: &esker_sdk::U256) -> String {
    let meaning = match code.to_u64() {
        Some(0x00) => "a compiler's own panic",
        Some(0x01) => "false assertion",
        Some(0x11) => "arithmetic overflow",
        Some(0x12) => "division by zero",
        Some(0x21) => "number that is no variant of the enum",
        Some(0x22) => "string or bytes in storage that are no encoding",
        Some(0x31) => "pop of an empty list",
        Some(0x32) => "index out of bounds",
        Some(0x41) => "out of memory",
        Some(0x51) => "call of a function pointer that was never set",
        _ => "unknown code",
    };
    let mut code_in_hex = String::new();
    let word = U256::from_be_bytes(code.to_be_bytes());
    write!(code_in_hex, "{word:#04x}").expect("writing to a string does not fail");
    format!("Panic({code_in_hex}): {meaning}")
}
