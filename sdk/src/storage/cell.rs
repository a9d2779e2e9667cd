//! Single values.

use core::marker::PhantomData;

use super::{Layout, Place, Size, Slot, StorageType, Value};
use crate::{Authority, Number, Operand, Panic, host};

/// Takes `bytes` bytes at `offset` out of a slot.
#[cfg_attr(target_arch = "wasm32", inline(never))]
fn extract(word: &[u8; 32], offset: usize, bytes: usize) -> [u8; 32] {
    let mut field = [0; 32];
    // Byte by byte: copying slices brings the code that says that their lengths differ.
    for index in 32usize.wrapping_sub(bytes)..32 {
        if let (Some(target), Some(source)) = (field.get_mut(index), word.get(index.wrapping_sub(offset))) {
            *target = *source;
        }
    }
    field
}

/// Puts the lowest-order `bytes` bytes of `field` at `offset` into a slot.
#[cfg_attr(target_arch = "wasm32", inline(never))]
fn insert(word: &mut [u8; 32], offset: usize, bytes: usize, field: &[u8; 32]) {
    for index in 32usize.wrapping_sub(bytes)..32 {
        if let (Some(target), Some(source)) = (word.get_mut(index.wrapping_sub(offset)), field.get(index)) {
            *target = *source;
        }
    }
}

/// A value in storage: Solidity's state variable of a value type.
pub struct Cell<T> {
    slot: Slot,
    offset: u8,
    value: PhantomData<T>,
}

impl<T: Value> StorageType for Cell<T> {
    const SIZE: Size = Size::value(T::BYTES);
    const LAYOUT: &'static Layout = &Layout::of_value::<T>();
    #[inline]
    fn open(place: Place, _: &Authority) -> Self {
        Self { slot: place.slot, offset: place.offset, value: PhantomData }
    }
    #[cfg(not(target_arch = "wasm32"))]
    fn lies_at(&self, place: &Place) -> bool {
        (self.slot, self.offset) == (place.slot, place.offset)
    }
    fn clear(&mut self) {
        self.write([0; 32]);
    }
}

impl<T: Value> Cell<T> {
    /// The value; zero if it was never set.
    #[must_use]
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn get(&self) -> T {
        let word = self.slot.load();
        T::from_field(if T::BYTES == 32 { word } else { extract(&word, self.offset.into(), T::BYTES) })
    }

    /// Sets the value.
    #[inline]
    pub fn set(&mut self, value: impl Operand<T>) {
        self.put(&value.operand());
    }

    // One copy for the cell's own `set` and for what stores a value as a part of another.
    #[inline]
    pub(super) fn put(&mut self, value: &T) {
        self.write(value.to_field());
    }

    #[inline]
    fn write(&mut self, field: [u8; 32]) {
        if T::BYTES == 32 {
            self.slot.store(&field);
        } else {
            let mut word = self.slot.load();
            insert(&mut word, self.offset.into(), T::BYTES, &field);
            self.slot.store(&word);
        }
    }

    /// Sets the value to what `change` makes of it, and returns that.
    pub fn update(&mut self, change: impl FnOnce(T) -> T) -> T
    where
        T: Clone,
    {
        let value = change(self.get());
        self.write(value.to_field());
        value
    }

    /// Sets the value and returns the one before.
    pub fn replace(&mut self, value: impl Operand<T>) -> T {
        let before = self.get();
        self.set(value);
        before
    }
}

impl<T: Value + Number> Cell<T> {
    /// Adds to the value and returns the sum.
    ///
    /// # Panics
    /// Reverts with `Panic(0x11)` on overflow.
    #[inline]
    pub fn add(&mut self, amount: impl Operand<T>) -> T {
        self.increase(amount.operand())
    }

    /// Subtracts from the value and returns the difference.
    ///
    /// # Panics
    /// Reverts with `Panic(0x11)` if there is not enough.
    #[inline]
    pub fn sub(&mut self, amount: impl Operand<T>) -> T {
        self.decrease(amount.operand()).unwrap_or_else(|_| Panic::Overflow.raise())
    }

    /// Subtracts from the value and returns the difference.
    ///
    /// # Errors
    /// The value, left as it is, if there is not enough.
    #[inline]
    pub fn try_sub(&mut self, amount: impl Operand<T>) -> Result<T, T> {
        self.decrease(amount.operand())
    }

    // One copy for every type of value, whatever the amount was written as.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn increase(&mut self, amount: T) -> T {
        let sum = self.get().checked_add(amount).unwrap_or_else(|| Panic::Overflow.raise());
        self.write(sum.to_field());
        sum
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn decrease(&mut self, amount: T) -> Result<T, T> {
        let value = self.get();
        let difference = value.checked_sub(amount).ok_or(value)?;
        self.write(difference.to_field());
        Ok(difference)
    }
}

/// A value in transient storage (EIP-1153): it is zero again after the transaction. Transient values are numbered on
/// their own, in the order of a struct's fields, as Solidity's `transient` variables are.
pub struct TransientCell<T> {
    slot: Slot,
    offset: u8,
    value: PhantomData<T>,
}

impl<T: Value> StorageType for TransientCell<T> {
    const SIZE: Size = Size::transient(T::BYTES);
    const LAYOUT: &'static Layout = &Layout::Transient(&Layout::of_value::<T>());
    fn open(place: Place, _: &Authority) -> Self {
        Self { slot: Slot::ZERO.offset(place.transient_slot), offset: place.transient_offset, value: PhantomData }
    }
    #[cfg(not(target_arch = "wasm32"))]
    fn lies_at(&self, place: &Place) -> bool {
        (self.slot, self.offset) == (Slot::ZERO.offset(place.transient_slot), place.transient_offset)
    }
    fn clear(&mut self) {
        self.write([0; 32]);
    }
}

impl<T: Value> TransientCell<T> {
    /// The value; zero if this transaction has not set it.
    #[must_use]
    pub fn get(&self) -> T {
        T::from_field(extract(&host::transient_load(&self.slot.key()), self.offset.into(), T::BYTES))
    }

    /// Sets the value until the end of the transaction.
    pub fn set(&mut self, value: impl Operand<T>) {
        self.write(value.operand().to_field());
    }

    fn write(&mut self, field: [u8; 32]) {
        let mut word = host::transient_load(&self.slot.key());
        insert(&mut word, self.offset.into(), T::BYTES, &field);
        host::transient_store(&self.slot.key(), &word);
    }
}
