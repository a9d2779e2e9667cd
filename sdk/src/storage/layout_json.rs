//! The JSON that a contract's layout is handed to the build in, as a custom section of the linker's module. The compiler
//! writes it; the build makes Solidity's `storageLayout` of it and leaves the section out.
//!
//! `{"storage":[field…],"transient":[field…]}`, each field `{"label","slot","offset","type"}`; in place of `slot`, `fixed` has
//! the 64 hexadecimal digits of one that was fixed. Fields of a flattened struct stand where they lie, with the path to them as
//! label, and so do fixed and transient fields inside a struct. A type is one of `{"value","bytes"}`, `{"enum","variants","bytes"}`,
//! `{"text"}`, `{"blob"}`, `{"key","mapping"}`, `{"list"}`, `{"array","length","slots"}`,
//! `{"struct","module","slots","members"}`; a struct inside itself has no `members`.

use super::{
    EnumLayout, FieldPlace, KeyLayout, Layout, Member, Piece, Placement, StorageType, StructLayout, fields::Cursor,
};
use crate::abi::Writer;

/// The names of the fields that one lies in.
struct Path<'a> {
    label: &'static str,
    up: Option<&'a Path<'a>>,
}

/// Which fields are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Those in persistent storage. A struct's numbers are within it, so the fixed ones inside are not its own.
    Persistent,
    /// Those inside a struct that lie at fixed slots.
    Fixed,
    /// Those in transient storage, numbered from here.
    Transient(u64),
}

/// A list of fields being written.
struct Listed<'w, 'b> {
    writer: &'w mut Writer<'b>,
    first: bool,
    /// Whether fixed fields belong here: they do not in a struct's members.
    fixed: bool,
}

const fn path(writer: &mut Writer<'_>, path: &Path<'_>) {
    if let Some(up) = path.up {
        self::path(writer, up);
        writer.text(".");
    }
    writer.text(path.label);
}

const DIGITS: [&str; 16] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];

/// In decimal. Slots are numbers of 64 bits, also where `usize` has 32.
const fn number(writer: &mut Writer<'_>, number: u64) {
    if number > 9 {
        self::number(writer, number / 10);
    }
    writer.text(DIGITS[(number % 10) as usize]);
}

const fn hexadecimal(writer: &mut Writer<'_>, bytes: &[u8; 32]) {
    let mut index = 0;
    while index < 32 {
        writer.text(DIGITS[(bytes[index] >> 4) as usize]);
        writer.text(DIGITS[(bytes[index] & 15) as usize]);
        index += 1;
    }
}

impl Listed<'_, '_> {
    const fn field(&mut self, name: &Path<'_>, slot: Result<u64, &[u8; 32]>, offset: u8, layout: &Layout) {
        if !self.first {
            self.writer.text(",");
        }
        self.first = false;
        self.writer.text("{\"label\":\"");
        path(self.writer, name);
        self.writer.text("\",");
        match slot {
            Ok(number) => {
                self.writer.text("\"slot\":");
                self::number(self.writer, number);
            }
            Err(bytes) => {
                self.writer.text("\"fixed\":\"");
                hexadecimal(self.writer, bytes);
                self.writer.text("\"");
            }
        }
        self.writer.text(",\"offset\":");
        number(self.writer, offset as u64);
        self.writer.text(",\"type\":");
        kind(self.writer, layout);
        self.writer.text("}");
    }

    /// Lists the fields of a struct whose first goes to `cursor`.
    const fn fields(&mut self, layout: &StructLayout, mut cursor: Cursor, lane: Lane, up: Option<&Path<'_>>) {
        let mut index = 0;
        while index < layout.members.len() {
            let (member, piece) = (&layout.members[index], &layout.pieces[index]);
            let before = cursor;
            let place = cursor.pass(piece);
            let name = Path { label: member.label, up };
            match (piece.placement, member.layout) {
                (Placement::Flat, Layout::Struct(inner)) => self.fields(inner, before, lane, Some(&name)),
                _ => self.one(member, piece, place, lane, &name),
            }
            index += 1;
        }
    }

    const fn one(&mut self, member: &Member, piece: &Piece, place: FieldPlace, lane: Lane, name: &Path<'_>) {
        let (slot, offset, transient_slot, transient_offset) = place;
        let takes_room = piece.size.bytes > 0 || piece.size.slots > 0;
        match lane {
            Lane::Transient(base) => match member.layout {
                Layout::Transient(value) => {
                    self.field(name, Ok(base + transient_slot), transient_offset, value);
                }
                Layout::Struct(inner) if piece.size.transient > 0 => {
                    self.fields(inner, Cursor::START, Lane::Transient(base + transient_slot), Some(name));
                }
                _ => {}
            },
            Lane::Persistent | Lane::Fixed => {
                match &piece.placement {
                    Placement::Fixed(slot) if self.fixed => self.field(name, Err(&slot.0), 0, member.layout),
                    Placement::Next if takes_room && matches!(lane, Lane::Persistent) => {
                        self.field(name, Ok(slot), offset, member.layout);
                    }
                    _ => {}
                }
                if self.fixed
                    && let Layout::Struct(inner) = member.layout
                {
                    self.fields(inner, Cursor::START, Lane::Fixed, Some(name));
                }
            }
        }
    }
}

const fn kind(writer: &mut Writer<'_>, layout: &Layout) {
    match layout {
        Layout::Single(shape, bytes, name) => {
            match name {
                Some(EnumLayout { name, variants }) => {
                    writer.text("{\"enum\":\"");
                    writer.text(name);
                    writer.text("\",\"variants\":[");
                    let mut index = 0;
                    while index < variants.len() {
                        writer.text(if index == 0 { "\"" } else { ",\"" });
                        writer.text(variants[index]);
                        writer.text("\"");
                        index += 1;
                    }
                    writer.text("]");
                }
                None => {
                    writer.text("{\"value\":\"");
                    writer.type_name(shape);
                    writer.text("\"");
                }
            }
            writer.text(",\"bytes\":");
            number(writer, *bytes as u64);
        }
        Layout::Transient(value) => return kind(writer, value),
        Layout::Bytes => writer.text("{\"blob\":true"),
        Layout::String => writer.text("{\"text\":true"),
        Layout::Mapping(keys, value) => return mapping(writer, keys, &After::Value(value)),
        Layout::List(element) => {
            writer.text("{\"list\":");
            kind(writer, element);
        }
        Layout::Array(element, length, slots) => {
            writer.text("{\"array\":");
            kind(writer, element);
            writer.text(",\"length\":");
            number(writer, *length);
            writer.text(",\"slots\":");
            number(writer, *slots);
        }
        Layout::Struct(layout) => {
            structure(writer, layout.name, layout.module, layout.size.slots);
            writer.text(",\"members\":[");
            let mut members = Listed { writer, first: true, fixed: false };
            members.fields(layout, Cursor::START, Lane::Persistent, None);
            writer.text("]");
        }
        Layout::Again(name, module, slots) => structure(writer, name, module, *slots),
        Layout::Nothing => writer.text("{"),
    }
    writer.text("}");
}

/// Begins a struct, without the closing brace.
const fn structure(writer: &mut Writer<'_>, name: &str, module: &str, slots: u64) {
    writer.text("{\"struct\":\"");
    writer.text(name);
    writer.text("\",\"module\":\"");
    writer.text(module);
    writer.text("\",\"slots\":");
    number(writer, slots);
}

/// What a mapping leads to: further keys, or the value.
enum After<'a> {
    Keys(&'a [&'static KeyLayout], &'a After<'a>),
    Value(&'static Layout),
}

const fn mapping(writer: &mut Writer<'_>, keys: &KeyLayout, after: &After<'_>) {
    match keys {
        KeyLayout::Key(key) => {
            writer.text("{\"key\":");
            kind(writer, key);
            writer.text(",\"mapping\":");
            follow(writer, after);
            writer.text("}");
        }
        KeyLayout::Several(keys) => follow(writer, &After::Keys(keys, after)),
    }
}

const fn follow(writer: &mut Writer<'_>, after: &After<'_>) {
    match after {
        After::Value(value) => kind(writer, value),
        After::Keys(keys, rest) => match keys.split_first() {
            Some((first, others)) => mapping(writer, first, &After::Keys(others, rest)),
            None => follow(writer, rest),
        },
    }
}

const fn write<S: StorageType>(bytes: &mut [u8]) -> usize {
    let Layout::Struct(layout) = S::LAYOUT else { panic!("a contract's storage is a struct") };
    let mut writer = Writer::new(bytes);
    writer.text("{\"storage\":[");
    let mut listed = Listed { writer: &mut writer, first: true, fixed: true };
    listed.fields(layout, Cursor::START, Lane::Persistent, None);
    writer.text("],\"transient\":[");
    let mut listed = Listed { writer: &mut writer, first: true, fixed: true };
    listed.fields(layout, Cursor::START, Lane::Transient(0), None);
    writer.text("]}");
    writer.length()
}

/// Length of the JSON in bytes.
#[must_use]
pub const fn layout_len<S: StorageType>() -> usize {
    write::<S>(&mut [])
}

/// The JSON's bytes; `N` is what [`layout_len`] says.
#[must_use]
pub const fn layout_bytes<S: StorageType, const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    assert!(write::<S>(&mut bytes) == N, "N is the JSON's length");
    bytes
}

/// The JSON of the layout of a contract's storage, written now.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn layout_json<S: StorageType>() -> alloc::string::String {
    let mut bytes = alloc::vec![0; layout_len::<S>()];
    write::<S>(&mut bytes);
    alloc::string::String::from_utf8(bytes).expect("names are UTF-8")
}
