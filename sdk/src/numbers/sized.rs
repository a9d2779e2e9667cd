//! Solidity's integers of widths that Rust has none of: `uint24`, `int56`, `uint160`, …

use core::fmt;

use super::operators::{comparisons, operators};
use crate::{I256, NumberOutOfRange, Operand, U256};

/// Solidity's `uintN` for any N that is a multiple of 8 up to 256, with operators that revert like [`U256`]'s when the
/// result needs more than N bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uint<const BITS: u16>(U256);

/// Solidity's `intN` for any N that is a multiple of 8 up to 256, with operators that revert like [`I256`]'s when the
/// result needs more than N bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int<const BITS: u16>(I256);

pub(crate) const fn assert_width(bits: u16) {
    assert!(bits > 0 && bits <= 256 && bits.is_multiple_of(8), "Solidity has integers of 8, 16, 24, … 256 bits only");
}

impl<const BITS: u16> Uint<BITS> {
    const VALID: () = assert_width(BITS);
    /// 0.
    pub const ZERO: Self = Self(U256::ZERO);

    /// The number, if it is below 2^BITS.
    #[must_use]
    pub fn new(number: impl Operand<U256>) -> Option<Self> {
        let () = Self::VALID;
        let number = number.operand();
        (number >> u32::from(BITS)).is_zero().then_some(Self(number))
    }

    /// 2^BITS - 1.
    #[must_use]
    pub fn max_value() -> Self {
        let () = Self::VALID;
        Self(U256::MAX >> u32::from(256 - BITS))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> U256 {
        self.0
    }
}

impl<const BITS: u16> Int<BITS> {
    const VALID: () = assert_width(BITS);
    /// 0.
    pub const ZERO: Self = Self(I256::ZERO);

    /// The number, if it lies in -2^(BITS-1) .. 2^(BITS-1).
    #[must_use]
    pub fn new(number: impl Operand<I256>) -> Option<Self> {
        let () = Self::VALID;
        let number = number.operand();
        // Every bit from the sign bit of the narrow type upwards must equal the sign.
        let bits = number.to_bits();
        let folded = if number.is_negative() { !bits } else { bits };
        (folded >> u32::from(BITS - 1)).is_zero().then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> I256 {
        self.0
    }
}

impl<const BITS: u16> core::ops::Neg for Int<BITS> {
    type Output = Self;
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

macro_rules! narrow {
    ($type:ident $wide:ident $literal:ty: $($small:ty)*) => {
        impl<const BITS: u16> $type<BITS> {
            /// `self + other`, or `None` if it does not fit.
            #[must_use]
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).and_then(Self::new)
            }

            /// `self - other`, or `None` if it does not fit.
            #[must_use]
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).and_then(Self::new)
            }

            /// `self × other`, or `None` if it does not fit.
            #[must_use]
            pub fn checked_mul(self, other: Self) -> Option<Self> {
                self.0.checked_mul(other.0).and_then(Self::new)
            }

            fn quotient(self, other: Self) -> Self {
                // -2^(BITS-1) / -1 alone does not fit.
                Self::new(self.0 / other.0).unwrap_or_else(|| crate::Panic::Overflow.raise())
            }

            fn remainder(self, other: Self) -> Self {
                Self(self.0 % other.0)
            }
        }

        operators!([const BITS: u16] $type<BITS>, $literal);
        comparisons!([const BITS: u16] $type<BITS>, $literal, $wide);

        impl<const BITS: u16> super::Number for $type<BITS> {
            fn checked_add(self, other: Self) -> Option<Self> {
                Self::checked_add(self, other)
            }
            fn checked_sub(self, other: Self) -> Option<Self> {
                Self::checked_sub(self, other)
            }
        }

        impl<const BITS: u16> From<$type<BITS>> for $wide {
            fn from(number: $type<BITS>) -> Self {
                number.0
            }
        }

        /// Fails when the number does not fit.
        impl<const BITS: u16> TryFrom<$wide> for $type<BITS> {
            type Error = NumberOutOfRange;
            fn try_from(number: $wide) -> Result<Self, Self::Error> {
                Self::new(number).ok_or(NumberOutOfRange)
            }
        }

        $(
            /// Does not compile if the type on the left is the narrower one: use `new`.
            impl<const BITS: u16> From<$small> for $type<BITS> {
                fn from(number: $small) -> Self {
                    let () = Self::VALID;
                    const { assert!(<$small>::BITS <= BITS as u32, "the number may not fit: use `new`") }
                    Self($wide::from(number))
                }
            }
        )*

        impl<const BITS: u16> fmt::Display for $type<BITS> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }

        impl<const BITS: u16> fmt::Debug for $type<BITS> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }
    };
}

narrow!(Uint U256 u128: u8 u16 u32 u64 u128);
narrow!(Int I256 i128: i8 i16 i32 i64 i128);
