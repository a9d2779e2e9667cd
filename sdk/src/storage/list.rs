//! Arrays that grow.

use alloc::vec::Vec;
use core::{marker::PhantomData, ops::Range};

use super::{Layout, Place, Record, Size, Slot, StorageType, Stored, View, ViewMut, assert_owner, fields::has_fixed};
use crate::{Authority, Operand, Panic, U256};

/// Solidity's `T[]`: the length in the array's own slot, the elements from the slot's hash on, small ones sharing slots.
pub struct List<V> {
    slot: Slot,
    elements: PhantomData<V>,
}

impl<V: Stored> StorageType for List<V> {
    const SIZE: Size = Size::slots(1);
    const LAYOUT: &'static Layout = &Layout::List(<V::Handle as StorageType>::LAYOUT);
    const VALID: () = {
        assert!(<V::Handle as StorageType>::SIZE.transient == 0, "a list's elements cannot be transient");
        assert!(!has_fixed(<V::Handle as StorageType>::PIECES), "a list's elements cannot have fields at fixed slots");
        // An index times this stays below 2^64 for any list that can have been written.
        assert!(<V::Handle as StorageType>::SIZE.slots <= 1 << 32, "a list's element takes at most 2^32 slots");
        assert_owner(!<V::Handle as StorageType>::HAS_COMPONENT);
        <V::Handle as StorageType>::VALID
    };
    fn open(place: Place, _: &Authority) -> Self {
        Self { slot: place.slot, elements: PhantomData }
    }
    #[cfg(not(target_arch = "wasm32"))]
    fn lies_at(&self, place: &Place) -> bool {
        self.slot == place.slot
    }
    fn clear(&mut self) {
        let contents = self.slot.contents();
        for index in 0..self.len() {
            Self::element(contents, index).clear();
        }
        self.set_len(0);
    }
}

impl<V: Stored> List<V> {
    fn element(contents: Slot, index: u64) -> V::Handle {
        let place = Place::element(contents, <V::Handle as StorageType>::SIZE, index);
        V::Handle::open(place, &Authority::new())
    }

    fn place(&self, index: u64) -> Place {
        if index >= self.len() {
            Panic::IndexOutOfBounds.raise()
        }
        Place::element(self.slot.contents(), <V::Handle as StorageType>::SIZE, index)
    }

    fn set_len(&mut self, length: u64) {
        self.slot.store(&U256::from(length).to_be_bytes());
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        // No list of 2^64 elements can have been written.
        U256::from_be_bytes(self.slot.load()).to_u64().unwrap_or(u64::MAX)
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`, to read.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    #[must_use]
    pub fn at(&self, index: u64) -> View<'_, V::Handle> {
        View::open(self.place(index))
    }

    /// The element at `index`, to read and write.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    pub fn at_mut(&mut self, index: u64) -> ViewMut<'_, V::Handle> {
        ViewMut::open(self.place(index))
    }

    /// Appends an element that is all zero and gives it to write: Solidity's `push()`.
    pub fn grow(&mut self) -> ViewMut<'_, V::Handle> {
        let length = self.len();
        self.set_len(length.checked_add(1).unwrap_or_else(|| Panic::OutOfMemory.raise()));
        ViewMut::open(Place::element(self.slot.contents(), <V::Handle as StorageType>::SIZE, length))
    }

    /// Clears and removes the last element: Solidity's `pop()`.
    ///
    /// # Panics
    /// Reverts with `Panic(0x31)` if the list is empty.
    pub fn shrink(&mut self) {
        let last = self.len().checked_sub(1).unwrap_or_else(|| Panic::PopOnEmpty.raise());
        Self::element(self.slot.contents(), last).clear();
        self.set_len(last);
    }
}

impl<V: Record> List<V> {
    /// The value at `index`.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    #[must_use]
    pub fn get(&self, index: u64) -> V {
        V::load(&self.at(index))
    }

    /// Sets the value at `index`.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    pub fn set(&mut self, index: u64, value: impl Operand<V>) {
        value.operand().store(&mut self.at_mut(index));
    }

    /// Appends a value.
    pub fn push(&mut self, value: impl Operand<V>) {
        value.operand().store(&mut self.grow());
    }

    /// Removes the last value and returns it, if there is one.
    pub fn pop(&mut self) -> Option<V> {
        let last = self.len().checked_sub(1)?;
        let value = V::load(&Self::element(self.slot.contents(), last));
        self.shrink();
        Some(value)
    }

    /// Removes the value at `index` by moving the last one into its place, and returns it.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    pub fn swap_remove(&mut self, index: u64) -> V {
        let removed = self.get(index);
        if let Some(last) = self.pop()
            && index < self.len()
        {
            last.store(&mut self.at_mut(index));
        }
        removed
    }

    /// All values, in order. Costs a read for every element.
    #[must_use]
    pub fn to_vec(&self) -> Vec<V> {
        self.iter().collect()
    }

    /// The values, in order. Each costs its reads when it is asked for.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, V> {
        Iter::new(self.slot.contents(), self.len())
    }

    /// Makes the list hold these values: what Solidity does where an array in memory is assigned to one in storage.
    pub(super) fn assign(&mut self, values: &[V]) {
        let (before, now) = (self.len(), values.len() as u64);
        let contents = self.slot.contents();
        for (index, value) in (0..).zip(values) {
            value.store(&mut Self::element(contents, index));
        }
        for index in now..before {
            Self::element(contents, index).clear();
        }
        self.set_len(now);
    }
}

impl<'a, V: Record> IntoIterator for &'a List<V> {
    type Item = V;
    type IntoIter = Iter<'a, V>;
    fn into_iter(self) -> Iter<'a, V> {
        self.iter()
    }
}

/// The values of a [`List`] or an [`super::Array`], each read when it is asked for.
pub struct Iter<'a, V> {
    contents: Slot,
    indices: Range<u64>,
    values: PhantomData<&'a V>,
}

impl<V> Iter<'_, V> {
    pub(super) const fn new(contents: Slot, length: u64) -> Self {
        Self { contents, indices: 0..length, values: PhantomData }
    }
}

impl<V: Record> Iterator for Iter<'_, V> {
    type Item = V;
    fn next(&mut self) -> Option<V> {
        let index = self.indices.next()?;
        Some(V::load(&List::<V>::element(self.contents, index)))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.indices.size_hint()
    }
}

impl<V: Record> DoubleEndedIterator for Iter<'_, V> {
    fn next_back(&mut self) -> Option<V> {
        let index = self.indices.next_back()?;
        Some(V::load(&List::<V>::element(self.contents, index)))
    }
}
