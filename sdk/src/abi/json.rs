//! The JSON form of a contract's ABI, and the documentation of what it lists. The compiler writes it where a module carries it as a custom section, which takes time
//! for every byte; natively it is written when somebody asks.

use super::{Description, ErrorItem, ErrorSet, EventItem, Field, Mutability, Parameter, Shape, description::decimal};

const ERRORS_MAX: usize = 256;

/// What a writer writes.
#[derive(Clone, Copy)]
enum Part {
    /// The JSON array.
    Items,
    /// The documentation of the contract, then of each item of the array, in its order: the length in bytes as a
    /// big-endian `u32`, then the text.
    Docs,
}

/// Counts bytes, and writes them while there is room.
pub(crate) struct Writer<'a> {
    part: Part,
    bytes: &'a mut [u8],
    length: usize,
    first: bool,
    /// The errors written so far: one that several types share is described once.
    errors: [Option<&'static ErrorItem>; ERRORS_MAX],
    error_count: usize,
}

impl<'a> Writer<'a> {
    const fn of(part: Part, bytes: &'a mut [u8]) -> Self {
        Self { part, bytes, length: 0, first: true, errors: [None; ERRORS_MAX], error_count: 0 }
    }

    /// Writes JSON.
    pub(crate) const fn new(bytes: &'a mut [u8]) -> Self {
        Self::of(Part::Items, bytes)
    }

    /// How many bytes were written, or would have been if there were room.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    pub(crate) const fn text(&mut self, text: &str) {
        if matches!(self.part, Part::Items) {
            self.append(text.as_bytes());
        }
    }

    const fn append(&mut self, bytes: &[u8]) {
        let mut index = 0;
        while index < bytes.len() {
            if self.length < self.bytes.len() {
                self.bytes[self.length] = bytes[index];
            }
            self.length += 1;
            index += 1;
        }
    }

    /// The documentation of the item that ends.
    const fn docs(&mut self, docs: &str) {
        if matches!(self.part, Part::Docs) {
            assert!(docs.len() <= u32::MAX as usize, "documentation has less than 4 GiB");
            self.append(&(docs.len() as u32).to_be_bytes());
            self.append(docs.as_bytes());
        }
    }

    const fn number(&mut self, number: usize) {
        let (digits, start) = decimal(number);
        match core::str::from_utf8(digits.split_at(start).1) {
            Ok(digits) => self.text(digits),
            Err(_) => panic!("decimal digits are ASCII"),
        }
    }

    /// Starts an element of the top-level array.
    const fn item(&mut self, kind: &str) {
        if !self.first {
            self.text(",");
        }
        self.first = false;
        self.text("{\"type\":\"");
        self.text(kind);
        self.text("\"");
    }

    const fn name(&mut self, name: &str) {
        self.text(",\"name\":\"");
        self.text(name);
        self.text("\"");
    }

    const fn mutability(&mut self, mutability: Mutability) {
        self.text(",\"stateMutability\":\"");
        self.text(match mutability {
            Mutability::Pure => "pure",
            Mutability::View => "view",
            Mutability::NonPayable => "nonpayable",
            Mutability::Payable => "payable",
        });
        self.text("\"");
    }

    /// `name` and `type`, and `components` where there are any, without the closing brace.
    const fn typed(&mut self, name: &str, shape: &Shape) {
        self.text("{\"name\":\"");
        self.text(name);
        self.text("\",\"type\":\"");
        self.type_name(shape);
        self.text("\"");
        if let Some(fields) = tuple_fields(shape) {
            self.text(",\"components\":[");
            let mut index = 0;
            while index < fields.len() {
                if index > 0 {
                    self.text(",");
                }
                self.typed(fields[index].name, fields[index].shape);
                self.text("}");
                index += 1;
            }
            self.text("]");
        }
    }

    pub(crate) const fn type_name(&mut self, shape: &Shape) {
        match shape {
            Shape::Uint(bits) => {
                self.text("uint");
                self.number(*bits as usize);
            }
            Shape::Int(bits) => {
                self.text("int");
                self.number(*bits as usize);
            }
            Shape::Address => self.text("address"),
            Shape::Bool => self.text("bool"),
            Shape::FixedBytes(length) => {
                self.text("bytes");
                self.number(*length);
            }
            Shape::Bytes => self.text("bytes"),
            Shape::String => self.text("string"),
            Shape::Array(element) => {
                self.type_name(element);
                self.text("[]");
            }
            Shape::FixedArray(element, length) => {
                self.type_name(element);
                self.text("[");
                self.number(*length);
                self.text("]");
            }
            Shape::Tuple(_) => self.text("tuple"),
        }
    }

    const fn parameters(&mut self, key: &str, parameters: &[Parameter], event: bool) {
        self.text(",\"");
        self.text(key);
        self.text("\":[");
        let mut index = 0;
        while index < parameters.len() {
            if index > 0 {
                self.text(",");
            }
            let parameter = parameters[index];
            self.typed(parameter.name, parameter.shape);
            if event {
                self.text(if parameter.indexed { ",\"indexed\":true" } else { ",\"indexed\":false" });
            }
            self.text("}");
            index += 1;
        }
        self.text("]");
    }

    const fn errors(&mut self, set: &'static ErrorSet) {
        let mut index = 0;
        while index < set.items.len() {
            let item = &set.items[index];
            if self.first_seen(item) {
                self.item("error");
                self.name(item.name);
                self.parameters("inputs", item.fields, false);
                self.text("}");
                self.docs(item.docs);
            }
            index += 1;
        }
        let mut index = 0;
        while index < set.wrapped.len() {
            self.errors(set.wrapped[index]);
            index += 1;
        }
    }

    const fn first_seen(&mut self, item: &'static ErrorItem) -> bool {
        let mut index = 0;
        while index < self.error_count {
            if let Some(earlier) = self.errors[index]
                && same_text(earlier.name, item.name)
                && same_parameters(earlier.fields, item.fields)
            {
                return false;
            }
            index += 1;
        }
        if self.error_count < ERRORS_MAX {
            self.errors[self.error_count] = Some(item);
            self.error_count += 1;
        }
        true
    }

    const fn description(&mut self, description: &'static Description) {
        self.docs(description.docs);
        self.text("[");
        if let Some(constructor) = description.constructor {
            self.item("constructor");
            self.parameters("inputs", constructor.inputs, false);
            self.mutability(if constructor.payable { Mutability::Payable } else { Mutability::NonPayable });
            self.text("}");
            self.docs(constructor.docs);
        }
        if let Some(mutability) = description.fallback {
            self.item("fallback");
            self.mutability(mutability);
            self.text("}");
            self.docs("");
        }
        if description.receive {
            self.item("receive");
            self.mutability(Mutability::Payable);
            self.text("}");
            self.docs("");
        }
        let mut index = 0;
        while index < description.functions.len() {
            let function = description.functions[index];
            self.item("function");
            self.name(function.name);
            self.parameters("inputs", function.inputs, false);
            self.text(",\"outputs\":[");
            let mut output = 0;
            while output < function.outputs.len() {
                if output > 0 {
                    self.text(",");
                }
                let names = function.output_names;
                self.typed(if output < names.len() { names[output] } else { "" }, function.outputs[output]);
                self.text("}");
                output += 1;
            }
            self.text("]");
            self.mutability(function.mutability);
            self.text("}");
            self.docs(function.docs);
            index += 1;
        }
        let mut index = 0;
        while index < description.events.len() {
            if is_first_event(description.events, index) {
                let event = description.events[index];
                self.item("event");
                self.name(event.name);
                self.parameters("inputs", event.fields, true);
                self.text(if event.anonymous { ",\"anonymous\":true}" } else { ",\"anonymous\":false}" });
                self.docs(event.docs);
            }
            index += 1;
        }
        let mut index = 0;
        while index < description.errors.len() {
            self.errors(description.errors[index]);
            index += 1;
        }
        self.text("]");
    }
}

const fn tuple_fields(shape: &Shape) -> Option<&'static [Field]> {
    match shape {
        Shape::Tuple(fields) => Some(fields),
        Shape::Array(element) | Shape::FixedArray(element, _) => tuple_fields(element),
        _ => None,
    }
}

const fn same_text(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Whether the types agree, and for an event which of them are topics; names do not matter.
const fn same_parameters(one: &[Parameter], other: &[Parameter]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if !one[index].shape.is(other[index].shape) || one[index].indexed != other[index].indexed {
            return false;
        }
        index += 1;
    }
    true
}

/// Whether no earlier event has the name and the types: one that several modules define is described once.
const fn is_first_event(events: &[&EventItem], index: usize) -> bool {
    let (event, mut earlier) = (events[index], 0);
    while earlier < index {
        let other = events[earlier];
        if same_text(event.name, other.name)
            && event.anonymous == other.anonymous
            && same_parameters(event.fields, other.fields)
        {
            return false;
        }
        earlier += 1;
    }
    true
}

/// Writes the part to `bytes` as far as there is room, and returns its length.
const fn write(part: Part, description: &'static Description, bytes: &mut [u8]) -> usize {
    let mut writer = Writer::of(part, bytes);
    writer.description(description);
    writer.length
}

/// Length of the JSON in bytes.
#[must_use]
pub const fn json_len(description: &'static Description) -> usize {
    write(Part::Items, description, &mut [])
}

/// The JSON's bytes; `N` is what [`json_len`] says.
#[must_use]
pub const fn json_bytes<const N: usize>(description: &'static Description) -> [u8; N] {
    let mut bytes = [0; N];
    assert!(write(Part::Items, description, &mut bytes) == N, "N is the JSON's length");
    bytes
}

/// Length in bytes of the documentation of the contract and of each item of its JSON ABI.
#[must_use]
pub const fn docs_len(description: &'static Description) -> usize {
    write(Part::Docs, description, &mut [])
}

/// The documentation of the contract, then of each item of its JSON ABI in its order: each with its length in bytes before
/// it, a big-endian `u32`. `N` is what [`docs_len`] says. The linker's module carries it, for `esker contract build` to put
/// into the artifact; a built module does not.
#[must_use]
pub const fn docs_bytes<const N: usize>(description: &'static Description) -> [u8; N] {
    let mut bytes = [0; N];
    assert!(write(Part::Docs, description, &mut bytes) == N, "N is the documentation's length");
    bytes
}

/// The JSON, written now.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn json(description: &'static Description) -> alloc::string::String {
    let mut bytes = alloc::vec![0; json_len(description)];
    write(Part::Items, description, &mut bytes);
    alloc::string::String::from_utf8(bytes).expect("names are UTF-8")
}
