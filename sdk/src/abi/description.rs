//! A contract's ABI as data, made by the macros and evaluated by the compiler.

use super::{Keccak, Shape};

/// What a function may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// Reads neither state nor surroundings.
    Pure,
    /// Changes nothing.
    View,
    /// Changes state, takes no value.
    NonPayable,
    /// Changes state, may be sent value.
    Payable,
}

/// A named parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, empty if it has none.
    pub name: &'static str,
    /// Its type.
    pub shape: &'static Shape,
    /// For an event's field: whether it is a topic.
    pub indexed: bool,
}

/// A function.
#[derive(Clone, Copy, Debug)]
pub struct FunctionItem {
    /// Its Solidity name.
    pub name: &'static str,
    /// Its arguments.
    pub inputs: &'static [Parameter],
    /// The types of its results.
    pub outputs: &'static [&'static Shape],
    /// The names of its results; none if they have none.
    pub output_names: &'static [&'static str],
    /// What it may do.
    pub mutability: Mutability,
    /// Its documentation, line by line.
    pub docs: &'static str,
}

/// The constructor.
#[derive(Clone, Copy, Debug)]
pub struct ConstructorItem {
    /// Its arguments.
    pub inputs: &'static [Parameter],
    /// Whether value may be sent with the deployment.
    pub payable: bool,
    /// Its documentation, line by line.
    pub docs: &'static str,
}

/// An event.
#[derive(Clone, Copy, Debug)]
pub struct EventItem {
    /// Its Solidity name.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [Parameter],
    /// Whether its signature is not a topic.
    pub anonymous: bool,
    /// Its documentation, line by line.
    pub docs: &'static str,
}

/// A custom error.
#[derive(Clone, Copy, Debug)]
pub struct ErrorItem {
    /// Its Solidity name.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [Parameter],
    /// Its documentation, line by line.
    pub docs: &'static str,
}

/// The errors of a Rust error type: its own, and those of the types it wraps.
#[derive(Clone, Copy, Debug)]
pub struct ErrorSet {
    /// Its own errors.
    pub items: &'static [ErrorItem],
    /// Wrapped error types.
    pub wrapped: &'static [&'static ErrorSet],
}

/// The whole ABI of a contract.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The constructor, if there is one.
    pub constructor: Option<ConstructorItem>,
    /// The functions.
    pub functions: &'static [FunctionItem],
    /// The events.
    pub events: &'static [&'static EventItem],
    /// The errors.
    pub errors: &'static [&'static ErrorSet],
    /// Whether there is a fallback, and whether it takes value.
    pub fallback: Option<Mutability>,
    /// Whether there is a `receive`.
    pub receive: bool,
    /// Its documentation, line by line.
    pub docs: &'static str,
}

/// keccak256 of the canonical signature `name(type,…)`.
const fn signature_hash(name: &str, parameters: &[Parameter]) -> [u8; 32] {
    let mut keccak = Keccak::new();
    keccak.update(name.as_bytes());
    keccak.update(b"(");
    let mut index = 0;
    while index < parameters.len() {
        if index > 0 {
            keccak.update(b",");
        }
        absorb_shape(&mut keccak, parameters[index].shape);
        index += 1;
    }
    keccak.update(b")");
    keccak.finish()
}

const fn absorb_number(keccak: &mut Keccak, number: usize) {
    let (digits, start) = decimal(number);
    keccak.update(digits.split_at(start).1);
}

/// The decimal digits of `number`, and where they start in the buffer.
pub(crate) const fn decimal(mut number: usize) -> ([u8; 20], usize) {
    let mut digits = [0; 20];
    let mut start = 20;
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return (digits, start);
        }
    }
}

const fn absorb_shape(keccak: &mut Keccak, shape: &Shape) {
    match shape {
        Shape::Uint(bits) => {
            keccak.update(b"uint");
            absorb_number(keccak, *bits as usize);
        }
        Shape::Int(bits) => {
            keccak.update(b"int");
            absorb_number(keccak, *bits as usize);
        }
        Shape::Address => keccak.update(b"address"),
        Shape::Bool => keccak.update(b"bool"),
        Shape::FixedBytes(length) => {
            keccak.update(b"bytes");
            absorb_number(keccak, *length);
        }
        Shape::Bytes => keccak.update(b"bytes"),
        Shape::String => keccak.update(b"string"),
        Shape::Array(element) => {
            absorb_shape(keccak, element);
            keccak.update(b"[]");
        }
        Shape::FixedArray(element, length) => {
            absorb_shape(keccak, element);
            keccak.update(b"[");
            absorb_number(keccak, *length);
            keccak.update(b"]");
        }
        Shape::Tuple(fields) => {
            keccak.update(b"(");
            let mut index = 0;
            while index < fields.len() {
                if index > 0 {
                    keccak.update(b",");
                }
                absorb_shape(keccak, fields[index].shape);
                index += 1;
            }
            keccak.update(b")");
        }
    }
}

/// The first four bytes of the signature's hash, as a big-endian number: a function's or an error's selector.
#[must_use]
pub const fn selector(name: &str, parameters: &[Parameter]) -> u32 {
    let hash = signature_hash(name, parameters);
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// The signature's hash: an event's first topic.
#[must_use]
pub const fn topic(name: &str, parameters: &[Parameter]) -> [u8; 32] {
    signature_hash(name, parameters)
}

impl FunctionItem {
    /// The function's selector.
    #[must_use]
    pub const fn selector(&self) -> u32 {
        selector(self.name, self.inputs)
    }
}

impl ErrorItem {
    /// The error's selector.
    #[must_use]
    pub const fn selector(&self) -> u32 {
        selector(self.name, self.fields)
    }
}
