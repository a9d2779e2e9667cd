//! Storage in Solidity's layout.
//!
//! The rules are those of Solidity's documentation, "Layout of State Variables in Storage and Transient Storage"; the
//! guide `docs/sdk.md` tells them. Fields of a `#[storage]` struct take slots in order; values shorter than a slot share
//! one with their neighbours, lowest-order bytes first; mappings, dynamic arrays, strings and bytes take a slot of their
//! own, from whose hash their contents' places follow.
//!
//! Nothing is cached: a read reads the host's storage, a write writes it. So nothing needs flushing before a call.

mod array;
mod byte_strings;
mod cell;
mod fields;
mod fixed;
mod layout;
mod layout_json;
mod list;
mod map;
mod place;
mod record;
mod value;

pub use array::Array;
pub use byte_strings::{Blob, Text};
pub use cell::{Cell, TransientCell};
pub use fields::{
    At, Base, Cursor, Origin, Piece, Placement, Root, StorageStruct, Within, check_piece, field_place, struct_size,
};
pub use fixed::{eip1967_slot, erc7201_slot, slot_from};
pub use layout::{Again, EnumLayout, KeyLayout, Layout, Member, StructLayout};
#[cfg(not(target_arch = "wasm32"))]
pub use layout_json::layout_json;
pub use layout_json::{layout_bytes, layout_len};
pub use list::{Iter, List};
pub use map::{Lookup, Map, MapKey};
pub use place::{FieldPlace, Place, Size, Slot};
pub use record::Record;
pub use value::Value;

use core::{
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use crate::Authority;

/// A type that a field of a `#[storage]` struct may have: a handle to a place in storage.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a storage struct",
    label = "not a storage type",
    note = "storage types are Cell<T> for a value, Map<K, V>, List<T>, Array<T, N>, Text, Blob, TransientCell<T>, and other #[storage] structs"
)]
pub trait StorageType: Sized {
    /// How much room it takes.
    const SIZE: Size;

    /// What it is, for tools. The compiler writes it where a module carries it, and nothing of it stays in the code.
    #[doc(hidden)]
    const LAYOUT: &'static Layout;

    /// The fields inside, if it is a `#[storage]` struct.
    #[doc(hidden)]
    const PIECES: &'static [Piece] = &[];

    /// Fails to compile where what it holds cannot lie in it. `#[storage]` evaluates it for every field; apart from
    /// [`StorageType::SIZE`], so that a struct may hold a list of its own kind.
    #[doc(hidden)]
    const VALID: () = ();

    /// Whether it is a component, or a struct with one in it. What a list, a mapping or an array holds is not meant: these
    /// refuse components themselves, and may hold the struct that they are in.
    #[doc(hidden)]
    const HAS_COMPONENT: bool = false;

    /// The handle of what lies at `place`. Whoever has it may write there, hence the [`Authority`].
    fn open(place: Place, authority: &Authority) -> Self;

    /// Sets everything inside to zero, as Solidity's `delete` does: mappings inside are left as they are.
    fn clear(&mut self);

    /// Whether this is still the handle that [`StorageType::open`] gave for `place`: two handles of one type can be
    /// swapped in memory, which swaps nothing in storage.
    #[cfg(not(target_arch = "wasm32"))]
    #[doc(hidden)]
    fn lies_at(&self, place: &Place) -> bool {
        let _ = place;
        true
    }
}

/// Fails to compile where a component would have no owner: `#[storage]` evaluates it for every field.
///
/// # Panics
/// While the compiler evaluates it.
#[track_caller]
pub const fn assert_owner(has_one: bool) {
    assert!(
        has_one,
        "a component in here has no owner: its hooks would not run and its methods could not be exposed; make it a field of \
         the contract's or of a component's own storage struct, by a name that no storage type of the SDK has"
    );
}

/// A type that may be a mapping's value or an array's element: a value, a storage type, or what is kept in one, such as
/// `String` and structs with `#[derive(Stored)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a mapping's value or an array's element",
    label = "cannot be stored",
    note = "use a value (numbers, bool, Address, FixedBytes<N>, enums with #[derive(Abi)]), String, Bytes, Vec<T>, [T; N], a struct with #[derive(Stored)], Map<K, V>, or a #[storage] struct"
)]
pub trait Stored {
    /// What gives access to it: [`Cell`] for a value, [`Text`] for `String`, the type itself for a storage type.
    type Handle: StorageType;
}

impl<T: Value> Stored for T {
    type Handle = Cell<T>;
}

macro_rules! stored {
    ($(<$($parameter:ident: $bound:path),*> $type:ty;)*) => {$(
        impl<$($parameter: $bound),*> Stored for $type {
            type Handle = Self;
        }
    )*};
}

stored! {
    <T: Value> Cell<T>;
    <K: MapKey, V: Stored> Map<K, V>;
    <V: Stored> List<V>;
    <> Text;
    <> Blob;
}

impl<V: Stored, const N: usize> Stored for Array<V, N> {
    type Handle = Self;
}

/// Takes no room and holds nothing: for the type parameters of a generic `#[storage]` struct that no field has.
impl<T: ?Sized> StorageType for PhantomData<T> {
    const SIZE: Size = Size::NOTHING;
    const LAYOUT: &'static Layout = &Layout::Nothing;
    #[inline(always)]
    fn open(_: Place, _: &Authority) -> Self {
        Self
    }
    fn clear(&mut self) {}
}

/// A handle to read through, for as long as the storage is not written.
pub struct View<'a, H> {
    handle: H,
    lifetime: PhantomData<&'a ()>,
}

impl<H: StorageType> View<'_, H> {
    pub(crate) fn open(place: Place) -> Self {
        Self { handle: H::open(place, &Authority::new()), lifetime: PhantomData }
    }
}

impl<H> Deref for View<'_, H> {
    type Target = H;
    fn deref(&self) -> &H {
        &self.handle
    }
}

/// A handle to read and write through.
pub struct ViewMut<'a, H> {
    handle: H,
    lifetime: PhantomData<&'a mut ()>,
}

impl<H: StorageType> ViewMut<'_, H> {
    pub(crate) fn open(place: Place) -> Self {
        Self { handle: H::open(place, &Authority::new()), lifetime: PhantomData }
    }
}

impl<H> Deref for ViewMut<'_, H> {
    type Target = H;
    fn deref(&self) -> &H {
        &self.handle
    }
}

impl<H> DerefMut for ViewMut<'_, H> {
    fn deref_mut(&mut self) -> &mut H {
        &mut self.handle
    }
}
