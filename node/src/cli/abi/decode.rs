//! What a contract gave back: results, events, errors.

use alloy_dyn_abi::{DynSolValue, ErrorExt, EventExt, FunctionExt};
use alloy_json_abi::{Error, Event, Function, JsonAbi};
use alloy_primitives::{Address, B256, Bytes, LogData, U256, b256};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::{Panic, Revert as SolRevert, SolError};
use serde_json::{Value, json};

use super::render::{Named, list_json, list_text};
use crate::cli::answer::printable;

/// Decodes with a contract's interface, and without one what every contract shares.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    abi: JsonAbi,
}

/// Why a call reverted.
#[derive(Clone, Debug, PartialEq)]
pub enum Revert {
    /// Nothing was said.
    Silent,
    /// `Error(string)`: a reason in words.
    Reason(String),
    /// `Panic(uint256)`: a check that the compiler put there.
    Panic(U256),
    /// An error that the interface declares.
    Custom {
        /// Name.
        name: String,
        /// `Name(type,…)`.
        signature: String,
        /// Its values.
        values: Vec<Named>,
        /// The bytes it was decoded from.
        data: Bytes,
    },
    /// Bytes of an unknown meaning.
    Unknown(Bytes),
}

/// An event that the interface declares.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedEvent {
    /// Name.
    pub name: String,
    /// `Name(type,…)`.
    pub signature: String,
    /// Its values, in the order of declaration.
    pub values: Vec<Named>,
}

/// A log, and the event it is, if that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedLog {
    /// Who logged it.
    pub address: Address,
    /// Topics.
    pub topics: Vec<B256>,
    /// Data.
    pub data: Bytes,
    /// Decoded.
    pub event: Option<DecodedEvent>,
}

impl Decoder {
    /// Decodes with `abi`.
    #[must_use]
    pub fn new(abi: JsonAbi) -> Self {
        Self { abi }
    }

    /// What `data` that a call reverted with mean.
    #[must_use]
    pub fn revert(&self, data: &Bytes) -> Revert {
        let Some(selector) = data.get(..4) else {
            return if data.is_empty() { Revert::Silent } else { Revert::Unknown(data.clone()) };
        };
        if selector == SolRevert::SELECTOR
            && let Ok(revert) = SolRevert::abi_decode(data)
        {
            return Revert::Reason(revert.reason);
        }
        if selector == Panic::SELECTOR
            && let Ok(panic) = Panic::abi_decode(data)
        {
            return Revert::Panic(panic.code);
        }
        let declared = self.abi.errors().filter(|error| error.selector().as_slice() == selector);
        declared.clone().find_map(|error| custom(error, data)).unwrap_or_else(|| Revert::Unknown(data.clone()))
    }

    /// The log with the event it is.
    #[must_use]
    pub fn log(&self, address: Address, data: &LogData) -> DecodedLog {
        let known = data.topics().first().and_then(|topic| {
            // ERC-20 and ERC-721 share the first topic of Transfer; the number of indexed values tells them apart.
            let events = self.abi.events().filter(|event| !event.anonymous && event.selector() == *topic);
            events.clone().find_map(|event| decode_event(event, data))
        });
        let event = known.or_else(|| well_known(data));
        DecodedLog { address, topics: data.topics().to_vec(), data: data.data.clone(), event }
    }

    /// The logs of a receipt.
    #[must_use]
    pub fn logs(&self, logs: &[Log]) -> Vec<DecodedLog> {
        logs.iter().map(|log| self.log(log.address(), log.data())).collect()
    }

    /// The method that call data are for, with its arguments, if the interface declares it.
    #[must_use]
    pub fn input(&self, data: &[u8]) -> Option<(String, Vec<Named>)> {
        use alloy_dyn_abi::JsonAbiExt;
        let (selector, rest) = data.split_at_checked(4)?;
        self.abi.functions().filter(|function| function.selector().as_slice() == selector).find_map(|function| {
            let values = function.abi_decode_input(rest).ok()?;
            Some((function.name.clone(), named(&function.inputs, values)))
        })
    }
}

/// The results of `function`, or why `data` are not its results.
///
/// # Errors
/// In words.
pub fn outputs(function: &Function, data: &[u8]) -> Result<Vec<Named>, String> {
    let values = function.abi_decode_output(data).map_err(|error| error.to_string())?;
    Ok(named(&function.outputs, values))
}

fn named(params: &[alloy_json_abi::Param], values: Vec<DynSolValue>) -> Vec<Named> {
    params.iter().zip(values).map(|(param, value)| Named::new(param, value)).collect()
}

fn custom(error: &Error, data: &Bytes) -> Option<Revert> {
    let decoded = error.decode_error(data).ok()?;
    let values = named(&error.inputs, decoded.body);
    Some(Revert::Custom { name: error.name.clone(), signature: error.signature(), values, data: data.clone() })
}

fn decode_event(event: &Event, data: &LogData) -> Option<DecodedEvent> {
    if event.num_topics() != data.topics().len() {
        return None;
    }
    let decoded = event.decode_log(data).ok()?;
    let (mut indexed, mut body) = (decoded.indexed.into_iter(), decoded.body.into_iter());
    let values = event.inputs.iter().map(|param| {
        let value = if param.indexed { indexed.next() } else { body.next() };
        value.map(|value| Named::of_event(param, value))
    });
    let values = values.collect::<Option<Vec<_>>>()?;
    Some(DecodedEvent { name: event.name.clone(), signature: event.signature(), values })
}

/// Events of the token standards, known without an interface.
fn well_known(data: &LogData) -> Option<DecodedEvent> {
    /// keccak256("Transfer(address,address,uint256)")
    const TRANSFER: B256 = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
    /// keccak256("Approval(address,address,uint256)")
    const APPROVAL: B256 = b256!("8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925");
    let text = match (*data.topics().first()?, data.topics().len()) {
        (TRANSFER, 3) => "event Transfer(address indexed from, address indexed to, uint256 value)",
        (TRANSFER, 4) => "event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)",
        (APPROVAL, 3) => "event Approval(address indexed owner, address indexed spender, uint256 value)",
        (APPROVAL, 4) => "event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId)",
        _ => return None,
    };
    decode_event(&Event::parse(text).ok()?, data)
}

/// What a panic's code means, by Solidity's table.
#[must_use]
pub fn panic_meaning(code: U256) -> &'static str {
    match u8::try_from(code) {
        Ok(0x00) => "a panic that the compiler put there",
        Ok(0x01) => "an assertion failed",
        Ok(0x11) => "arithmetic overflow or underflow",
        Ok(0x12) => "division or remainder by zero",
        Ok(0x21) => "a value outside its enum",
        Ok(0x22) => "a wrongly encoded byte array in storage",
        Ok(0x31) => "pop from an empty array",
        Ok(0x32) => "an index outside its array",
        Ok(0x41) => "too much memory, or an array too large",
        Ok(0x51) => "a call of an uninitialised function",
        _ => "an unknown panic",
    }
}

impl Revert {
    /// The reason on one line.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Silent => "reverted without a reason".to_owned(),
            Self::Reason(reason) => format!("reverted: {}", printable(reason)),
            Self::Panic(code) => format!("reverted: Panic(0x{code:02x}): {}", panic_meaning(*code)),
            Self::Custom { name, values, .. } => format!("reverted: {name}({})", list_text(values)),
            Self::Unknown(data) => {
                format!("reverted with {} bytes that the interface does not declare: {data}", data.len())
            }
        }
    }

    /// What `--json` shows.
    #[must_use]
    pub fn json(&self) -> Value {
        let text = self.text();
        match self {
            Self::Silent => json!({"kind": "silent", "text": text, "data": "0x"}),
            Self::Reason(reason) => {
                let data = Bytes::from(SolRevert { reason: reason.clone() }.abi_encode());
                json!({"kind": "error", "text": text, "reason": reason, "data": data})
            }
            Self::Panic(code) => {
                let data = Bytes::from(Panic { code: *code }.abi_encode());
                let code = format!("0x{code:02x}");
                json!({"kind": "panic", "text": text, "code": code, "data": data})
            }
            Self::Custom { name, signature, values, data } => {
                let arguments = list_json(values);
                json!({"kind": "custom", "text": text, "name": name, "signature": signature, "arguments": arguments, "data": data})
            }
            Self::Unknown(data) => json!({"kind": "unknown", "text": text, "data": data}),
        }
    }
}

impl DecodedLog {
    /// The log in a few lines.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.event {
            Some(event) => format!("{} {}({})", self.address, event.name, list_text(&event.values)),
            None => {
                let topics: Vec<String> = self.topics.iter().map(ToString::to_string).collect();
                format!("{} topics [{}] data {}", self.address, topics.join(", "), self.data)
            }
        }
    }

    /// What `--json` shows.
    #[must_use]
    pub fn json(&self) -> Value {
        let event = self.event.as_ref().map(|event| {
            let arguments: Vec<Value> = event
                .values
                .iter()
                .map(|named| {
                    let mut object = named.json();
                    object["indexed"] = json!(named.indexed);
                    object
                })
                .collect();
            json!({"name": event.name, "signature": event.signature, "arguments": arguments})
        });
        json!({"address": self.address.to_checksum(None), "topics": self.topics, "data": self.data, "event": event})
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::address;

    use super::*;

    fn decoder() -> Decoder {
        let abi = JsonAbi::parse([
            "error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
            "event Paid(address indexed by, uint256 amount, string note)",
        ]);
        Decoder::new(abi.expect("the interface is right"))
    }

    #[test]
    fn reverts_of_every_kind_are_told() {
        let reason = Bytes::from(SolRevert { reason: "too\u{7} late".to_owned() }.abi_encode());
        assert_eq!(decoder().revert(&reason).text(), "reverted: too\\u{7} late");
        assert_eq!(decoder().revert(&reason).json()["data"], json!(reason));
        let panic = Bytes::from(Panic { code: U256::from(0x11) }.abi_encode());
        assert_eq!(decoder().revert(&panic).text(), "reverted: Panic(0x11): arithmetic overflow or underflow");
        assert_eq!(decoder().revert(&Bytes::new()), Revert::Silent);
        let mut custom = hex::decode("e450d38c").expect("hexadecimal");
        for word in [1u64, 2, 3] {
            custom.extend(U256::from(word).to_be_bytes::<32>());
        }
        let revert = decoder().revert(&custom.clone().into());
        assert!(revert.text().starts_with("reverted: ERC20InsufficientBalance(sender: 0x"), "{}", revert.text());
        assert!(revert.text().ends_with("balance: 2, needed: 3)"), "{}", revert.text());
        assert_eq!(revert.json()["arguments"][2]["value"], "3");
        assert!(matches!(Decoder::default().revert(&custom.into()), Revert::Unknown(_)));
        for broken in [
            &[1u8, 2][..],
            &hex::decode("08c379a0ff").expect("hexadecimal"),
            &hex::decode("e450d38c00").expect("hexadecimal"),
        ] {
            assert!(matches!(decoder().revert(&Bytes::copy_from_slice(broken)), Revert::Unknown(_)));
        }
    }

    #[test]
    fn events_are_decoded_by_topic_and_number_of_indexed_values() {
        let owner = address!("00000000000000000000000000000000000000aa");
        let transfer = Event::parse("event Transfer(address,address,uint256)").expect("an event").selector();
        let erc20 = LogData::new_unchecked(
            vec![transfer, owner.into_word(), owner.into_word()],
            U256::from(5).to_be_bytes::<32>().into(),
        );
        assert!(Decoder::default().log(owner, &erc20).text().ends_with("value: 5)"));
        let erc721 = LogData::new_unchecked(
            vec![transfer, owner.into_word(), owner.into_word(), U256::from(7).into()],
            Bytes::new(),
        );
        assert!(Decoder::default().log(owner, &erc721).text().ends_with("tokenId: 7)"));
        let unknown = LogData::new_unchecked(vec![B256::repeat_byte(1)], Bytes::from_static(&[1]));
        assert!(decoder().log(owner, &unknown).event.is_none());
        let broken = LogData::new_unchecked(vec![transfer, owner.into_word(), owner.into_word()], Bytes::new());
        assert!(decoder().log(owner, &broken).event.is_none());
    }

    #[test]
    fn a_declared_event_keeps_the_order_of_its_values() {
        let by = address!("00000000000000000000000000000000000000aa");
        let event = Event::parse("event Paid(address,uint256,string)").expect("an event").selector();
        let body = DynSolValue::Tuple(vec![DynSolValue::Uint(U256::from(9), 256), DynSolValue::String("hi".into())]);
        let data = LogData::new_unchecked(vec![event, by.into_word()], body.abi_encode_params().into());
        let log = decoder().log(by, &data);
        assert!(
            log.text().ends_with("Paid(by: 0x00000000000000000000000000000000000000AA, amount: 9, note: \"hi\")"),
            "{}",
            log.text()
        );
        assert_eq!(log.json()["event"]["arguments"][0]["indexed"], true);
    }
}
