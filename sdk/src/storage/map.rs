//! Mappings.

use alloc::string::String;
use core::marker::PhantomData;

use super::{Cell, Place, Size, Slot, StorageType, Stored, Value, View, ViewMut};
use crate::{Authority, Bytes, buffer::Buffer, host, words};

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
    /// What a lookup takes: the key itself, or a borrowed form of it.
    type Lookup<'a>;
    /// The slot of the value that a mapping at `slot` has for `key`.
    fn slot(key: Self::Lookup<'_>, slot: &Slot) -> Slot;
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
    type Lookup<'a> = T;
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn slot(key: T, slot: &Slot) -> Slot {
        hash_word(&key.word(), slot)
    }
}

impl MapKey for String {
    type Lookup<'a> = &'a str;
    fn slot(key: &str, slot: &Slot) -> Slot {
        hash_bytes(key.as_bytes(), slot)
    }
}

impl MapKey for Bytes {
    type Lookup<'a> = &'a [u8];
    fn slot(key: &[u8], slot: &Slot) -> Slot {
        hash_bytes(key, slot)
    }
}

impl<A: MapKey, B: MapKey> MapKey for (A, B) {
    type Lookup<'a> = (A::Lookup<'a>, B::Lookup<'a>);
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn slot((a, b): Self::Lookup<'_>, slot: &Slot) -> Slot {
        B::slot(b, &A::slot(a, slot))
    }
}

impl<A: MapKey, B: MapKey, C: MapKey> MapKey for (A, B, C) {
    type Lookup<'a> = (A::Lookup<'a>, B::Lookup<'a>, C::Lookup<'a>);
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn slot((a, b, c): Self::Lookup<'_>, slot: &Slot) -> Slot {
        C::slot(c, &B::slot(b, &A::slot(a, slot)))
    }
}

impl<K: MapKey, V: Stored> StorageType for Map<K, V> {
    const SIZE: Size = Size::slots(1);
    const VALID: () = {
        assert!(<V::Handle as StorageType>::SIZE.transient == 0, "a mapping's values cannot be transient");
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
    pub fn at(&self, key: K::Lookup<'_>) -> View<'_, V::Handle> {
        View::open(Place::at(K::slot(key, &self.slot)))
    }

    /// What lies at `key`, to read and write.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn at_mut(&mut self, key: K::Lookup<'_>) -> ViewMut<'_, V::Handle> {
        ViewMut::open(Place::at(K::slot(key, &self.slot)))
    }
}

impl<K: MapKey, V: Value> Map<K, V> {
    /// The value at `key`; zero if it was never set.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn get(&self, key: K::Lookup<'_>) -> V {
        Cell::<V>::open(Place::at(K::slot(key, &self.slot)), &Authority::new()).get()
    }

    /// Sets the value at `key`.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn set(&mut self, key: K::Lookup<'_>, value: impl Into<V>) {
        Cell::<V>::open(Place::at(K::slot(key, &self.slot)), &Authority::new()).set(value);
    }
}
