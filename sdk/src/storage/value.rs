//! Values that fit in one slot.

use super::EnumLayout;
use crate::{Address, FixedBytes, I256, Int, U256, Uint, abi::AbiType, numbers::assert_width};

/// A type that fits in one storage slot: numbers, `bool`, [`Address`], [`FixedBytes`], and enums with `#[derive(Abi)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not fit in a storage cell",
    label = "not a value",
    note = "cells hold numbers, bool, Address, FixedBytes<N> and enums with #[derive(Abi)]; for String use Text, for Bytes Blob, for Vec<T> List<T>, for [T; N] Array<T, N>, for a struct a #[storage] struct"
)]
pub trait Value: AbiType {
    /// Bytes it takes in storage, 1 to 32.
    const BYTES: usize;

    /// What it is called and made of, if it is an enum: to the ABI it is a number.
    #[doc(hidden)]
    const ENUM: Option<&'static EnumLayout> = None;

    /// The value as an ABI word.
    fn word(&self) -> [u8; 32];

    /// The value in the lowest-order [`Value::BYTES`] bytes of a slot. The bytes above do not matter.
    #[inline]
    fn to_field(&self) -> [u8; 32] {
        self.word()
    }

    /// The value from a slot's lowest-order [`Value::BYTES`] bytes; the bytes above are zero.
    fn from_field(field: [u8; 32]) -> Self;
}

fn low_u128(field: &[u8; 32]) -> u128 {
    field.split_last_chunk::<16>().map_or(0, |(_, low)| u128::from_be_bytes(*low))
}

macro_rules! integers {
    ($($type:ty as $wide:ty)*) => {$(
        impl Value for $type {
            const BYTES: usize = size_of::<$type>();
            #[inline]
            fn word(&self) -> [u8; 32] {
                let number = <$wide>::from(*self);
                ToWord::to_word(number)
            }
            #[inline]
            fn from_field(field: [u8; 32]) -> Self {
                // The lowest-order bytes carry the sign of a narrow number.
                low_u128(&field) as $type
            }
        }
    )*};
}

/// A full-width number as a word.
trait ToWord {
    fn to_word(self) -> [u8; 32];
}

impl ToWord for U256 {
    fn to_word(self) -> [u8; 32] {
        self.to_be_bytes()
    }
}

impl ToWord for I256 {
    fn to_word(self) -> [u8; 32] {
        self.to_bits().to_be_bytes()
    }
}

integers!(u8 as U256 u16 as U256 u32 as U256 u64 as U256 u128 as U256);
integers!(i8 as I256 i16 as I256 i32 as I256 i64 as I256 i128 as I256);

impl Value for U256 {
    const BYTES: usize = 32;
    #[inline]
    fn word(&self) -> [u8; 32] {
        self.to_be_bytes()
    }
    #[inline]
    fn from_field(field: [u8; 32]) -> Self {
        Self::from_be_bytes(field)
    }
}

impl Value for I256 {
    const BYTES: usize = 32;
    fn word(&self) -> [u8; 32] {
        self.to_word()
    }
    fn from_field(field: [u8; 32]) -> Self {
        Self::from_bits(U256::from_be_bytes(field))
    }
}

impl<const BITS: u16> Value for Uint<BITS> {
    const BYTES: usize = {
        assert_width(BITS);
        BITS as usize / 8
    };
    fn word(&self) -> [u8; 32] {
        self.get().to_word()
    }
    fn from_field(field: [u8; 32]) -> Self {
        // A field has no more bits than the type.
        Self::new(U256::from_be_bytes(field)).unwrap_or_default()
    }
}

impl<const BITS: u16> Value for Int<BITS> {
    const BYTES: usize = {
        assert_width(BITS);
        BITS as usize / 8
    };
    fn word(&self) -> [u8; 32] {
        self.get().to_word()
    }
    fn from_field(field: [u8; 32]) -> Self {
        let bits = U256::from_be_bytes(field);
        let sign = (bits >> u32::from(BITS - 1)) & U256::ONE;
        let extension = if sign.is_zero() { U256::ZERO } else { U256::MAX << u32::from(BITS) };
        Self::new(I256::from_bits(bits | extension)).unwrap_or_default()
    }
}

impl Value for bool {
    const BYTES: usize = 1;
    fn word(&self) -> [u8; 32] {
        let mut word = [0; 32];
        word[31] = u8::from(*self);
        word
    }
    fn from_field(field: [u8; 32]) -> Self {
        field[31] != 0
    }
}

impl Value for Address {
    const BYTES: usize = 20;
    #[inline]
    fn word(&self) -> [u8; 32] {
        crate::abi::address_word(self)
    }
    #[inline]
    fn from_field(field: [u8; 32]) -> Self {
        field.split_last_chunk::<20>().map_or(Self::ZERO, |(_, low)| Self(*low))
    }
}

impl<const N: usize> Value for FixedBytes<N> {
    const BYTES: usize = {
        assert!(N > 0 && N <= 32, "Solidity has bytes1 to bytes32 only: use Blob for longer strings");
        N
    };
    fn word(&self) -> [u8; 32] {
        crate::abi::fixed_bytes_word(self)
    }
    fn to_field(&self) -> [u8; 32] {
        let mut field = [0; 32];
        if let Some(low) = field.last_chunk_mut::<N>() {
            *low = self.0;
        }
        field
    }
    fn from_field(field: [u8; 32]) -> Self {
        field.split_last_chunk::<N>().map_or(Self::ZERO, |(_, low)| Self(*low))
    }
}
