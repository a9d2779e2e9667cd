//! What an ABI type looks like, as data: its canonical name, its JSON and its head size follow from it.

/// The shape of an ABI type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `uintN`.
    Uint(u16),
    /// `intN`.
    Int(u16),
    /// `address`.
    Address,
    /// `bool`.
    Bool,
    /// `bytesN`.
    FixedBytes(usize),
    /// `bytes`.
    Bytes,
    /// `string`.
    String,
    /// `T[]`.
    Array(&'static Shape),
    /// `T[N]`.
    FixedArray(&'static Shape, usize),
    /// `(…)`.
    Tuple(&'static [Field]),
}

/// A member of a tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, empty if it has none.
    pub name: &'static str,
    /// Its type.
    pub shape: &'static Shape,
}

impl Shape {
    /// Whether values are encoded behind an offset.
    #[must_use]
    pub const fn is_dynamic(&self) -> bool {
        match self {
            Self::Bytes | Self::String | Self::Array(_) => true,
            Self::FixedArray(element, _) => element.is_dynamic(),
            Self::Tuple(fields) => {
                let mut index = 0;
                while index < fields.len() {
                    if fields[index].shape.is_dynamic() {
                        return true;
                    }
                    index += 1;
                }
                false
            }
            _ => false,
        }
    }

    /// Whether this is the same ABI type, whatever its members are called.
    #[must_use]
    pub const fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Uint(one), Self::Uint(other)) | (Self::Int(one), Self::Int(other)) => *one == *other,
            (Self::FixedBytes(one), Self::FixedBytes(other)) => *one == *other,
            (Self::Address, Self::Address)
            | (Self::Bool, Self::Bool)
            | (Self::Bytes, Self::Bytes)
            | (Self::String, Self::String) => true,
            (Self::Array(one), Self::Array(other)) => one.is(other),
            (Self::FixedArray(one, length), Self::FixedArray(other, other_length)) => {
                *length == *other_length && one.is(other)
            }
            (Self::Tuple(fields), Self::Tuple(others)) => {
                let (mut index, mut same) = (0, fields.len() == others.len());
                while same && index < fields.len() {
                    same = fields[index].shape.is(others[index].shape);
                    index += 1;
                }
                same
            }
            _ => false,
        }
    }

    /// Bytes that a value takes in its tuple's head: 32 for a dynamic one.
    #[must_use]
    pub const fn head_size(&self) -> usize {
        if self.is_dynamic() {
            return 32;
        }
        match self {
            Self::FixedArray(element, length) => element.head_size() * *length,
            Self::Tuple(fields) => fields_size(fields),
            _ => 32,
        }
    }

    /// Bytes that the heads of a value's own parts take: for a tuple or fixed array the sum over its members.
    #[must_use]
    pub const fn body_size(&self) -> usize {
        match self {
            Self::FixedArray(element, length) => element.head_size() * *length,
            Self::Tuple(fields) => fields_size(fields),
            _ => 32,
        }
    }
}

const fn fields_size(fields: &[Field]) -> usize {
    let (mut index, mut size) = (0, 0);
    while index < fields.len() {
        size += fields[index].shape.head_size();
        index += 1;
    }
    size
}
