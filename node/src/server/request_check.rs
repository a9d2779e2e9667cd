//! What a text asks for. The JSON-RPC library calls whatever it cannot read a parse error, while JSON that is no request
//! is an invalid request; and it is silent where an id is of a kind that it does not know.

use std::fmt;

use jsonrpsee::core::middleware::Notification;
use jsonrpsee::types::{ErrorCode, Id, InvalidRequest, Request};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::from_slice;
use serde_json::value::RawValue;

/// What a message is.
#[derive(Debug)]
pub enum Message<'a> {
    /// It stands by itself.
    Single(Entry<'a>),
    /// A list of what [`entry`] reads; not empty.
    Batch(Vec<&'a RawValue>),
    /// A list of more than that; the first of them.
    TooMany(Vec<&'a RawValue>),
}

/// One entry of a batch, or a message that stands by itself.
#[derive(Debug)]
pub enum Entry<'a> {
    /// To be answered.
    Call(Request<'a>),
    /// To be obeyed in silence.
    Notification(Notification<'a>),
    /// Neither.
    Fault(Id<'a>, ErrorCode),
}

/// Reads a message; a batch has at most `batch_max` entries.
#[must_use]
pub fn message(text: &[u8], batch_max: usize) -> Message<'_> {
    if !text.trim_ascii_start().starts_with(b"[") {
        return Message::Single(single(text));
    }
    match from_slice::<Entries<'_>>(text) {
        Ok(Entries(entries)) if entries.is_empty() => {
            Message::Single(Entry::Fault(Id::Null, ErrorCode::InvalidRequest))
        }
        Ok(Entries(entries)) if entries.len() > batch_max => Message::TooMany(entries),
        Ok(Entries(entries)) => Message::Batch(entries),
        Err(_) => Message::Single(Entry::Fault(Id::Null, ErrorCode::ParseError)),
    }
}

fn single(text: &[u8]) -> Entry<'_> {
    match read(text) {
        Entry::Fault(Id::Null, _) if from_slice::<IgnoredAny>(text).is_err() => {
            Entry::Fault(Id::Null, ErrorCode::ParseError)
        }
        entry => entry,
    }
}

/// Reads one entry of a batch.
#[must_use]
pub fn entry(text: &RawValue) -> Entry<'_> {
    read(text.get().as_bytes())
}

fn read(text: &[u8]) -> Entry<'_> {
    if let Ok(request) = from_slice::<Request<'_>>(text) {
        return Entry::Call(request);
    }
    let notification = from_slice::<Notification<'_>>(text).ok();
    // The library takes a request whose id it cannot read (a fraction, a negative number, a list) for a notification.
    let has_id = || from_slice::<MaybeId>(text).map_or(true, |members| members.id.is_some());
    match notification {
        Some(notification) if !has_id() => Entry::Notification(notification),
        Some(_) => Entry::Fault(Id::Null, ErrorCode::InvalidRequest),
        None => {
            let id = from_slice::<InvalidRequest<'_>>(text).map_or(Id::Null, |request| request.id);
            Entry::Fault(id, ErrorCode::InvalidRequest)
        }
    }
}

/// Whether there is an id, of whatever kind. An error means that there are two.
#[derive(Deserialize)]
struct MaybeId {
    id: Option<IgnoredAny>,
}

/// A list, of which only so many entries are kept as tell that it is too long: a short text has many empty entries.
struct Entries<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element::<&RawValue>()? {
            if entries.len() <= super::limits::BATCH_MAX {
                entries.push(entry);
            }
        }
        Ok(Entries(entries))
    }
}

/// What parameters take once they are parsed, in bytes, at most: a list of empty objects is hundreds of times as large as
/// its text.
#[must_use]
pub fn parsed_bytes(parameters: &str) -> usize {
    /// A node of a map, and the growth of the list that it lies in.
    const OBJECT: usize = 704;
    /// A value in a list or a map: itself, room for twice as many, and its text.
    const VALUE: usize = 128;
    let marks = parameters.bytes().map(|byte| match byte {
        b'{' => OBJECT,
        b',' | b':' | b'[' => VALUE,
        _ => 0,
    });
    parameters.len() + marks.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_weigh_what_they_become() {
        let transaction = format!("[\"0x{}\"]", "ab".repeat(128 << 10));
        assert!(parsed_bytes(&transaction) < super::super::limits::REQUEST_BYTES_FREE);
        let nested = format!("[[{}]]", vec!["{\"\":1}"; 1_000].join(","));
        assert!(parsed_bytes(&nested) > 900_000);
    }

    #[test]
    fn a_long_batch_is_read_to_its_end_but_not_kept() {
        let text = format!("[{}]", vec!["0"; 5_000].join(","));
        let Message::TooMany(first) = message(text.as_bytes(), 1_000) else { panic!("too many") };
        assert_eq!(first.len(), 1_001);
        let broken = format!("[{}", vec!["0"; 5_000].join(","));
        assert!(matches!(
            message(broken.as_bytes(), 1_000),
            Message::Single(Entry::Fault(Id::Null, ErrorCode::ParseError))
        ));
    }
}
