//! Solidity's integers of widths that Rust has none of: `uint24`, `int56`, `uint160`, …

use core::fmt;

use crate::{I256, U256};

/// Solidity's `uintN` for any N that is a multiple of 8 up to 256. Arithmetic happens in [`U256`].
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uint<const BITS: u16>(U256);

/// Solidity's `intN` for any N that is a multiple of 8 up to 256. Arithmetic happens in [`I256`].
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int<const BITS: u16>(I256);

pub(crate) const fn assert_width(bits: u16) {
    assert!(bits > 0 && bits <= 256 && bits.is_multiple_of(8), "Solidity has integers of 8, 16, 24, … 256 bits only");
}

impl<const BITS: u16> Uint<BITS> {
    const VALID: () = assert_width(BITS);

    /// The number, if it is below 2^BITS.
    #[must_use]
    pub fn new(number: U256) -> Option<Self> {
        let () = Self::VALID;
        (number >> u32::from(BITS)).is_zero().then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> U256 {
        self.0
    }
}

impl<const BITS: u16> Int<BITS> {
    const VALID: () = assert_width(BITS);

    /// The number, if it lies in -2^(BITS-1) .. 2^(BITS-1).
    #[must_use]
    pub fn new(number: I256) -> Option<Self> {
        let () = Self::VALID;
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

impl<const BITS: u16> fmt::Debug for Uint<BITS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl<const BITS: u16> fmt::Debug for Int<BITS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}
