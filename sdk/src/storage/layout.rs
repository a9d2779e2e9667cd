//! What lies in storage, as data, for tools. No code that runs on a chain reads it.

use core::marker::PhantomData;

use super::{Piece, Place, Size, StorageStruct, StorageType, Stored, Value};
use crate::{Authority, abi::Shape};

/// What a field is.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// A single value: its ABI type, its bytes in storage, and what it is if it is an enum.
    Single(&'static Shape, usize, Option<&'static EnumLayout>),
    /// The same in transient storage.
    Transient(&'static Layout),
    /// Solidity's `bytes`.
    Bytes,
    /// Solidity's `string`.
    String,
    /// Solidity's `mapping`: from what to what.
    Mapping(&'static KeyLayout, &'static Layout),
    /// Solidity's `T[]`.
    List(&'static Layout),
    /// Solidity's `T[N]`: its elements, how many, and in how many slots.
    Array(&'static Layout, u64, u64),
    /// A struct.
    Struct(&'static StructLayout),
    /// The struct of this name and module, inside itself: its name, its module, its slots.
    Again(&'static str, &'static str, u64),
    /// What takes no room.
    Nothing,
}

impl Layout {
    /// That of a value.
    #[must_use]
    pub const fn of_value<T: Value>() -> Self {
        Self::Single(T::SHAPE, T::BYTES, T::ENUM)
    }
}

/// An enum.
#[derive(Clone, Copy, Debug)]
pub struct EnumLayout {
    /// Its name.
    pub name: &'static str,
    /// Its variants, in order: what is stored is the number of one.
    pub variants: &'static [&'static str],
}

/// What a mapping's key is: several mean nested mappings.
#[derive(Clone, Copy, Debug)]
pub enum KeyLayout {
    /// One key.
    Key(&'static Layout),
    /// The keys of nested mappings, the outermost first.
    Several(&'static [&'static KeyLayout]),
}

/// A `#[storage]` struct.
#[derive(Clone, Copy, Debug)]
pub struct StructLayout {
    /// Its name.
    pub name: &'static str,
    /// Its module's path, which tells structs of one name apart.
    pub module: &'static str,
    /// Its fields.
    pub members: &'static [Member],
    /// Their placement, in the same order.
    pub pieces: &'static [Piece],
    /// How much room it takes.
    pub size: Size,
}

/// A struct's field.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub label: &'static str,
    /// What it is.
    pub layout: &'static Layout,
}

/// Stands for the struct `S` in the description of its own fields.
pub struct Again<S>(PhantomData<S>);

impl<S: StorageStruct> StorageType for Again<S> {
    const SIZE: Size = S::SIZE;
    const LAYOUT: &'static Layout = &Layout::Again(S::NAME, S::MODULE, S::SIZE.slots);
    fn open(_: Place, _: &Authority) -> Self {
        Self(PhantomData)
    }
    fn clear(&mut self) {}
}

impl<S: StorageStruct> Stored for Again<S> {
    type Handle = Self;
}
