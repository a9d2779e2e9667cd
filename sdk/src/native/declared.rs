//! Whether what a contract emits and reverts with is in its ABI: only natively is it known which event or error a log or
//! revert data was made from.

use std::{collections::VecDeque, fmt::Write as _};

use crate::abi::{Description, ErrorSet, EventItem, Parameter, Shape, topic};

/// A contract's name and ABI, to hold its frames to.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// What its storage struct is called.
    pub name: &'static str,
    /// Its ABI.
    pub abi: &'static Description,
}

/// Most revert data of callees that a frame remembers, in bytes. Older data are forgotten first.
const HEARD_BYTES_MAX: usize = 1 << 20;

/// What one frame's callees reverted with: data that a frame may pass on although its own ABI does not hold the error.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    data: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Heard {
    /// A callee of the frame reverted with `data`.
    pub fn hear(&mut self, data: &[u8]) {
        self.bytes += data.len();
        self.data.push_back(data.to_vec());
        while self.bytes > HEARD_BYTES_MAX {
            let Some(oldest) = self.data.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }
}

impl Declared {
    /// The ABI of contract `C`.
    #[must_use]
    pub const fn of<C: crate::Contract>() -> Self {
        Self { name: C::NAME, abi: C::ABI }
    }

    /// What to change when the contract emits `event`; `None` if its ABI holds the event.
    #[must_use]
    pub fn lacks_event(&self, event: &EventItem) -> Option<String> {
        let hash = topic(event.name, event.fields);
        let indexed = |fields: &[Parameter]| fields.iter().map(|field| field.indexed).collect::<Vec<_>>();
        let is_held = self.abi.events.iter().any(|held| {
            topic(held.name, held.fields) == hash
                && held.anonymous == event.anonymous
                && indexed(held.fields) == indexed(event.fields)
        });
        (!is_held).then(|| {
            format!(
                "{} emitted the event `{}`, which its ABI does not hold, so that nobody outside can read it: write \
                 `#[contract(events(path::to::{}))]`, or emit it with `emit_raw` if it is to stay unknown",
                self.name,
                signature(event.name, event.fields),
                event.name
            )
        })
    }

    /// What to change when the contract reverts with `data`, which one of `errors` encoded to; `None` if its ABI holds the
    /// error, or the frame passes on what it has `heard` from a callee.
    #[must_use]
    pub fn lacks_error(&self, errors: &ErrorSet, data: &[u8], heard: &Heard) -> Option<String> {
        let selector = u32::from_be_bytes(*data.first_chunk::<4>()?);
        let is_held = self.abi.errors.iter().any(|held| find(held, selector).is_some());
        if is_held || heard.data.iter().any(|heard| heard == data) {
            return None;
        }
        let (name, signature) = find(errors, selector).map_or_else(
            || ("Error".to_owned(), format!("{selector:#010x}")),
            |(name, fields)| (name.to_owned(), signature(name, fields)),
        );
        Some(format!(
            "{} reverted with the error `{signature}`, which its ABI does not hold, so that nobody outside can read it: write \
             `#[contract(errors(path::to::{name}))]` with the type that holds it, wrap that type in a variant marked \
             #[from], or revert with `revert_bytes` if it is to stay unknown",
            self.name
        ))
    }
}

fn find(set: &ErrorSet, selector: u32) -> Option<(&'static str, &'static [Parameter])> {
    let own = set.items.iter().find(|item| item.selector() == selector).map(|item| (item.name, item.fields));
    own.or_else(|| set.wrapped.iter().find_map(|wrapped| find(wrapped, selector)))
}

/// `name(type,…)`.
fn signature(name: &str, fields: &[Parameter]) -> String {
    let types: Vec<String> = fields.iter().map(|field| type_name(field.shape)).collect();
    format!("{name}({})", types.join(","))
}

fn type_name(shape: &Shape) -> String {
    match shape {
        Shape::Uint(bits) => format!("uint{bits}"),
        Shape::Int(bits) => format!("int{bits}"),
        Shape::Address => "address".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::FixedBytes(length) => format!("bytes{length}"),
        Shape::Bytes => "bytes".to_owned(),
        Shape::String => "string".to_owned(),
        Shape::Array(element) => type_name(element) + "[]",
        Shape::FixedArray(element, length) => {
            let mut name = type_name(element);
            write!(name, "[{length}]").expect("writing to a string does not fail");
            name
        }
        Shape::Tuple(fields) => {
            let fields: Vec<String> = fields.iter().map(|field| type_name(field.shape)).collect();
            format!("({})", fields.join(","))
        }
    }
}
