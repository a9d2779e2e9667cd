//! Values that are read from storage, and written to it, as a whole.

use alloc::{string::String, vec::Vec};

use super::{Array, Blob, List, Stored, Text, Value};
use crate::Bytes;

/// A type whose values are loaded from storage and stored there as a whole: single values, `String`, [`Bytes`], `Vec<T>`,
/// `[T; N]`, and structs with `#[derive(Stored)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from storage as a whole",
    label = "not a value",
    note = "use `at(…)` and `at_mut(…)` for the handle of what lies there; a struct with #[derive(Stored)] can be read and written whole"
)]
pub trait Record: Stored + Sized {
    /// Reads it.
    fn load(handle: &Self::Handle) -> Self;

    /// Writes it over what is there.
    fn store(&self, handle: &mut Self::Handle);
}

impl<T: Value> Record for T {
    #[inline(always)]
    fn load(handle: &Self::Handle) -> Self {
        handle.get()
    }
    #[inline]
    fn store(&self, handle: &mut Self::Handle) {
        handle.put(self);
    }
}

impl Stored for String {
    type Handle = Text;
}

impl Record for String {
    fn load(handle: &Text) -> Self {
        handle.get()
    }
    fn store(&self, handle: &mut Text) {
        handle.set(self);
    }
}

impl Stored for Bytes {
    type Handle = Blob;
}

impl Record for Bytes {
    fn load(handle: &Blob) -> Self {
        handle.get().into()
    }
    fn store(&self, handle: &mut Blob) {
        handle.set(self);
    }
}

impl<T: Stored> Stored for Vec<T> {
    type Handle = List<T>;
}

impl<T: Record> Record for Vec<T> {
    fn load(handle: &List<T>) -> Self {
        handle.to_vec()
    }
    fn store(&self, handle: &mut List<T>) {
        handle.assign(self);
    }
}

impl<T: Stored, const N: usize> Stored for [T; N] {
    type Handle = Array<T, N>;
}

impl<T: Record, const N: usize> Record for [T; N] {
    fn load(handle: &Array<T, N>) -> Self {
        core::array::from_fn(|index| handle.get(index))
    }
    fn store(&self, handle: &mut Array<T, N>) {
        for (index, value) in self.iter().enumerate() {
            value.store(&mut handle.at_mut(index));
        }
    }
}
