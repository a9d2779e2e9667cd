//! Mappings.

use alloc::{string::String, vec::Vec};
use core::marker::PhantomData;

use super::{
    KeyLayout, Layout, Place, Record, Size, Slot, StorageType, Stored, Value, View, ViewMut, assert_owner,
    fields::has_fixed,
};
use crate::{Authority, Bytes, Operand, buffer::Buffer, host, words};

/// Solidity's `mapping(K => V)`. A tuple as key means nested mappings: `Map<(A, B), V>` is
/// `mapping(A => mapping(B => V))`, as `Map<A, Map<B, V>>` is.
pub struct Map<K, V> {
    slot: Slot,
    types: PhantomData<(K, V)>,
}

/// A type that may be a mapping's key: values, `String`, [`Bytes`], and tuples of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a mapping's key",
    label = "not a key",
    note = "keys are numbers, bool, Address, FixedBytes<N>, enums with #[derive(Abi)], String, Bytes, and tuples of these for nested mappings"
)]
pub trait MapKey {
    /// What it is, for tools.
    #[doc(hidden)]
    const KEY: &'static KeyLayout;
}

/// What a mapping with keys `K` is asked by: whatever stands for a value ([`Operand`]), text for `String`, bytes for
/// [`Bytes`], and a tuple of these for a tuple.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no key of a mapping from `{K}`",
    label = "not a `{K}`",
    note = "write the key itself, a literal for a number, &str for String, &[u8] for Bytes, and a tuple of keys for nested mappings"
)]
pub trait Lookup<K> {
    /// The slot of the value that a mapping at `slot` has for the key.
    fn slot(self, slot: &Slot) -> Slot;
}

#[cfg_attr(target_arch = "wasm32", inline(never))]
fn hash_word(word: &[u8; 32], slot: &Slot) -> Slot {
    Slot(host::keccak256(&words::joined(word, &slot.0)))
}

fn hash_bytes(key: &[u8], slot: &Slot) -> Slot {
    let mut data = Buffer::empty();
    data.extend(key);
    data.extend(&slot.0);
    let hash = host::keccak256(data.as_slice());
    data.release();
    Slot(hash)
}

impl<T: Value> MapKey for T {
    const KEY: &'static KeyLayout = &KeyLayout::Key(&Layout::of_value::<T>());
}
impl MapKey for String {
    const KEY: &'static KeyLayout = &KeyLayout::Key(&Layout::String);
}
impl MapKey for Bytes {
    const KEY: &'static KeyLayout = &KeyLayout::Key(&Layout::Bytes);
}
impl<A: MapKey, B: MapKey> MapKey for (A, B) {
    const KEY: &'static KeyLayout = &KeyLayout::Several(&[A::KEY, B::KEY]);
}
impl<A: MapKey, B: MapKey, C: MapKey> MapKey for (A, B, C) {
    const KEY: &'static KeyLayout = &KeyLayout::Several(&[A::KEY, B::KEY, C::KEY]);
}

impl<T: Value, O: Operand<T>> Lookup<T> for O {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn slot(self, slot: &Slot) -> Slot {
        hash_word(&self.operand().word(), slot)
    }
}

macro_rules! byte_strings {
    ($($key:ty: $($lookup:ty)*;)*) => {$($(
        impl Lookup<$key> for $lookup {
            fn slot(self, slot: &Slot) -> Slot {
                hash_bytes(self.as_ref(), slot)
            }
        }
    )*)*};
}

byte_strings! {
    String: &str &String String;
    Bytes: &[u8] &Vec<u8> Vec<u8> &Bytes Bytes;
}

impl<const N: usize> Lookup<Bytes> for &[u8; N] {
    fn slot(self, slot: &Slot) -> Slot {
        hash_bytes(self, slot)
    }
}

impl<A, B, P: Lookup<A>, Q: Lookup<B>> Lookup<(A, B)> for (P, Q) {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn slot(self, slot: &Slot) -> Slot {
        self.1.slot(&self.0.slot(slot))
    }
}

impl<A, B, C, P: Lookup<A>, Q: Lookup<B>, R: Lookup<C>> Lookup<(A, B, C)> for (P, Q, R) {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn slot(self, slot: &Slot) -> Slot {
        self.2.slot(&self.1.slot(&self.0.slot(slot)))
    }
}

impl<K: MapKey, V: Stored> StorageType for Map<K, V> {
    const SIZE: Size = Size::slots(1);
    const LAYOUT: &'static Layout = &Layout::Mapping(K::KEY, <V::Handle as StorageType>::LAYOUT);
    const VALID: () = {
        assert!(<V::Handle as StorageType>::SIZE.transient == 0, "a mapping's values cannot be transient");
        assert!(!has_fixed(<V::Handle as StorageType>::PIECES), "a mapping's values cannot have fields at fixed slots");
        assert_owner(!<V::Handle as StorageType>::HAS_COMPONENT);
        <V::Handle as StorageType>::VALID
    };
    #[inline]
    fn open(place: Place, _: &Authority) -> Self {
        Self { slot: place.slot, types: PhantomData }
    }
    #[cfg(not(target_arch = "wasm32"))]
    fn lies_at(&self, place: &Place) -> bool {
        self.slot == place.slot
    }
    /// Does nothing: a mapping does not know its keys.
    fn clear(&mut self) {}
}

impl<K: MapKey, V: Stored> Map<K, V> {
    /// What lies at `key`, to read.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn at(&self, key: impl Lookup<K>) -> View<'_, V::Handle> {
        View::open(Place::at(key.slot(&self.slot)))
    }

    /// What lies at `key`, to read and write.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn at_mut(&mut self, key: impl Lookup<K>) -> ViewMut<'_, V::Handle> {
        ViewMut::open(Place::at(key.slot(&self.slot)))
    }
}

impl<K: MapKey, V: Record> Map<K, V> {
    /// The value at `key`; zero, or empty, if it was never set.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn get(&self, key: impl Lookup<K>) -> V {
        V::load(&V::Handle::open(Place::at(key.slot(&self.slot)), &Authority::new()))
    }

    /// Sets the value at `key`.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn set(&mut self, key: impl Lookup<K>, value: impl Operand<V>) {
        value.operand().store(&mut V::Handle::open(Place::at(key.slot(&self.slot)), &Authority::new()));
    }
}
