//! What a test says that it expects: revert data and logs.

use alloy_primitives::{Log, LogData};
use esker_sdk::abi::Encoder;
use esker_sdk::{Event, Panic};

/// Revert data that is no custom error: made from a [`Panic`], from the text of `Error(string)`, or from bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevertData(pub(crate) Vec<u8>);

impl From<Panic> for RevertData {
    fn from(panic: Panic) -> Self {
        Self(panic.encode())
    }
}

impl From<&str> for RevertData {
    fn from(text: &str) -> Self {
        let mut encoder = Encoder::new(&[0x08, 0xc3, 0x79, 0xa0], 32);
        encoder.bytes(text.as_bytes());
        Self(encoder.finish())
    }
}

impl From<Vec<u8>> for RevertData {
    fn from(data: Vec<u8>) -> Self {
        Self(data)
    }
}

impl From<&[u8]> for RevertData {
    fn from(data: &[u8]) -> Self {
        Self(data.to_vec())
    }
}

/// A log that a test expects of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedLog(pub(crate) Log);

/// The log that `event` makes when the contract at `address` emits it.
#[must_use]
pub fn log(address: impl Into<esker_sdk::Address>, event: impl Event) -> ExpectedLog {
    let address = crate::convert::outside(address.into());
    ExpectedLog(Log { address, data: data_of(&event) })
}

/// Topics and data of an event.
pub(crate) fn data_of(event: &impl Event) -> LogData {
    let log = event.to_log();
    let topics = log.topics.into_iter().map(Into::into).collect();
    LogData::new_unchecked(topics, log.data.into())
}

/// Whether `wanted` are among `logs` in this order, others between them allowed.
pub(crate) fn in_order(logs: &[Log], wanted: &[ExpectedLog]) -> bool {
    let mut logs = logs.iter();
    wanted.iter().all(|ExpectedLog(wanted)| logs.any(|log| log == wanted))
}
