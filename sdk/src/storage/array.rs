//! Arrays of fixed length.

use core::marker::PhantomData;

use super::{
    Iter, Layout, Place, Record, Size, Slot, StorageType, Stored, View, ViewMut, assert_owner, fields::has_fixed,
};
use crate::{Authority, Operand, Panic};

/// Solidity's `T[N]`: elements from the array's own slot on, small ones sharing slots.
pub struct Array<V, const N: usize> {
    slot: Slot,
    elements: PhantomData<V>,
}

impl<V: Stored, const N: usize> StorageType for Array<V, N> {
    const SIZE: Size = {
        assert!(N > 0, "Solidity has no fixed arrays of length zero");
        Size::slots(<V::Handle as StorageType>::SIZE.array_slots(N as u64))
    };
    const LAYOUT: &'static Layout =
        &Layout::Array(<V::Handle as StorageType>::LAYOUT, N as u64, <Self as StorageType>::SIZE.slots);
    const VALID: () = {
        assert!(
            !has_fixed(<V::Handle as StorageType>::PIECES),
            "an array's elements cannot have fields at fixed slots"
        );
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
        for index in 0..N {
            self.at_mut(index).clear();
        }
    }
}

impl<V: Stored, const N: usize> Array<V, N> {
    fn place(&self, index: usize) -> Place {
        if index >= N {
            Panic::IndexOutOfBounds.raise()
        }
        Place::element(self.slot, <V::Handle as StorageType>::SIZE, index as u64)
    }

    /// How many elements there are: N.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub const fn len(&self) -> usize {
        N
    }

    /// The element at `index`, to read.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    #[must_use]
    pub fn at(&self, index: usize) -> View<'_, V::Handle> {
        View::open(self.place(index))
    }

    /// The element at `index`, to read and write.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    pub fn at_mut(&mut self, index: usize) -> ViewMut<'_, V::Handle> {
        ViewMut::open(self.place(index))
    }
}

impl<V: Record, const N: usize> Array<V, N> {
    /// The value at `index`.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    #[must_use]
    pub fn get(&self, index: usize) -> V {
        V::load(&self.at(index))
    }

    /// Sets the value at `index`.
    ///
    /// # Panics
    /// Reverts with `Panic(0x32)` if there is none.
    pub fn set(&mut self, index: usize, value: impl Operand<V>) {
        value.operand().store(&mut self.at_mut(index));
    }

    /// The values, in order. Each costs its reads when it is asked for.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, V> {
        Iter::new(self.slot, N as u64)
    }
}

impl<'a, V: Record, const N: usize> IntoIterator for &'a Array<V, N> {
    type Item = V;
    type IntoIter = Iter<'a, V>;
    fn into_iter(self) -> Iter<'a, V> {
        self.iter()
    }
}
