//! What may be written where a number, an address or text is wanted.

use alloc::{string::String, vec::Vec};

use crate::{Address, Bytes, FixedBytes, I256, Int, Panic, U256, Uint};

/// Something that stands for a `T`: storage operations and the methods of handles take it, so that a value can be written
/// as it comes. It is the `T` itself, or for
///
/// - [`U256`] and [`Uint`] a `u128`, for [`I256`] and [`Int`] an `i128`: that is what a literal without suffix becomes;
/// - [`Address`] a handle, for [`FixedBytes`] an array, for `String` and [`Bytes`] a borrowed form.
///
/// There is one primitive number for each type and no more, so that rustc knows the type of a literal. A variable of
/// another type is converted: `U256::from(n)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not stand for a `{T}`",
    label = "not a `{T}`",
    note = "convert it: `{T}::from(…)`; a literal needs no suffix"
)]
pub trait Operand<T> {
    /// The value.
    fn operand(self) -> T;
}

impl<T> Operand<T> for T {
    #[inline(always)]
    fn operand(self) -> T {
        self
    }
}

impl Operand<U256> for u128 {
    #[inline]
    fn operand(self) -> U256 {
        U256::from(self)
    }
}

impl Operand<I256> for i128 {
    #[inline]
    fn operand(self) -> I256 {
        I256::from(self)
    }
}

/// A number that needs more bits reverts with `Panic(0x11)`.
impl<const BITS: u16> Operand<Uint<BITS>> for u128 {
    #[inline]
    fn operand(self) -> Uint<BITS> {
        Uint::new(self).unwrap_or_else(|| Panic::Overflow.raise())
    }
}

/// A number that needs more bits reverts with `Panic(0x11)`.
impl<const BITS: u16> Operand<Int<BITS>> for i128 {
    #[inline]
    fn operand(self) -> Int<BITS> {
        Int::new(self).unwrap_or_else(|| Panic::Overflow.raise())
    }
}

macro_rules! converted {
    ($($from:ty as $to:ty;)*) => {$(
        impl Operand<$to> for $from {
            #[inline]
            fn operand(self) -> $to {
                <$to>::from(self)
            }
        }
    )*};
}

converted! {
    [u8; 20] as Address;
    primitive_types::H160 as Address;
    primitive_types::H256 as FixedBytes<32>;
    primitive_types::U256 as U256;
    &str as String;
    &String as String;
    &[u8] as Bytes;
    Vec<u8> as Bytes;
}

impl<const N: usize> Operand<FixedBytes<N>> for [u8; N] {
    #[inline]
    fn operand(self) -> FixedBytes<N> {
        FixedBytes(self)
    }
}

impl<const N: usize> Operand<Bytes> for &[u8; N] {
    #[inline]
    fn operand(self) -> Bytes {
        Bytes::from(self)
    }
}

impl<T, const N: usize> Operand<Vec<T>> for [T; N] {
    fn operand(self) -> Vec<T> {
        Vec::from(self)
    }
}

impl<T: Clone> Operand<Vec<T>> for &[T] {
    fn operand(self) -> Vec<T> {
        self.to_vec()
    }
}
