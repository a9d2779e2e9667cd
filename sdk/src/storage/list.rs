//! Arrays that grow.

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::{Place, Size, Slot, StorageType, Stored, Value, View, ViewMut, fields::has_fixed};
use crate::{Authority, Operand, Panic, U256};

/// Solidity's `T[]`: the length in the array's own slot, the elements from the slot's hash on, small ones sharing slots.
pub struct List<V> {
    slot: Slot,
    elements: PhantomData<V>,
}

impl<V: Stored> StorageType for List<V> {
    const SIZE: Size = Size::slots(1);
    const VALID: () = {
        assert!(<V::Handle as StorageType>::SIZE.transient == 0, "a list's elements cannot be transient");
        assert!(!has_fixed(<V::Handle as StorageType>::PIECES), "a list's elements cannot have fields at fixed slots");
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

impl<V: Value> List<V> {
    /// The value at `index`.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    #[must_use]
    pub fn get(&self, index: u64) -> V {
        self.at(index).get()
    }

    /// Sets the value at `index`.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    pub fn set(&mut self, index: u64, value: impl Operand<V>) {
        self.at_mut(index).set(value);
    }

    /// Appends a value.
    pub fn push(&mut self, value: impl Operand<V>) {
        self.grow().set(value);
    }

    /// Removes the last value and returns it, if there is one.
    pub fn pop(&mut self) -> Option<V> {
        let last = self.len().checked_sub(1)?;
        let value = Self::element(self.slot.contents(), last).get();
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
            self.at_mut(index).set(last);
        }
        removed
    }

    /// All values, in order. Costs a read for every element.
    #[must_use]
    pub fn to_vec(&self) -> Vec<V> {
        let contents = self.slot.contents();
        (0..self.len()).map(|index| Self::element(contents, index).get()).collect()
    }
}
