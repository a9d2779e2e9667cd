//! `int256` with checked arithmetic.

use core::{cmp::Ordering, fmt, ops::Neg};

use super::operators::{comparisons, operators};
use crate::{Panic, U256};

/// Solidity's `int256`: two's complement, with operators that revert like [`U256`]'s. The right-hand side of an operator
/// or a comparison is an `I256` or a literal, which becomes an `i128`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct I256(U256);

impl I256 {
    /// 0.
    pub const ZERO: Self = Self(U256::ZERO);
    /// 1.
    pub const ONE: Self = Self(U256::ONE);
    /// -2^255.
    pub const MIN: Self = Self(U256::from_limbs([0, 0, 0, 1 << 63]));
    /// 2^255 - 1.
    pub const MAX: Self = Self(U256::from_limbs([u64::MAX, u64::MAX, u64::MAX, u64::MAX >> 1]));

    /// The number whose two's complement is `bits`.
    #[must_use]
    pub const fn from_bits(bits: U256) -> Self {
        Self(bits)
    }

    /// The two's complement.
    #[must_use]
    pub const fn to_bits(self) -> U256 {
        self.0
    }

    /// Whether the number is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0.limbs()[3] >> 63 == 1
    }

    /// The absolute value, which always fits.
    #[must_use]
    pub fn unsigned_abs(self) -> U256 {
        if self.is_negative() { U256::ZERO.wrapping_sub(self.0) } else { self.0 }
    }

    /// `magnitude`, negated if `negative`, or `None` if that does not fit.
    #[must_use]
    pub fn from_sign_and_magnitude(negative: bool, magnitude: U256) -> Option<Self> {
        let number = Self(if negative { U256::ZERO.wrapping_sub(magnitude) } else { magnitude });
        (number.is_negative() == negative || magnitude.is_zero()).then_some(number)
    }

    /// `self + other`, or `None` on overflow.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let sum = Self(self.0.wrapping_add(other.0));
        let overflows = self.is_negative() == other.is_negative() && sum.is_negative() != self.is_negative();
        (!overflows).then_some(sum)
    }

    /// `self - other`, or `None` on overflow.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let difference = Self(self.0.wrapping_sub(other.0));
        let overflows = self.is_negative() != other.is_negative() && difference.is_negative() != self.is_negative();
        (!overflows).then_some(difference)
    }

    /// `self × other`, or `None` on overflow.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let magnitude = self.unsigned_abs().checked_mul(other.unsigned_abs())?;
        Self::from_sign_and_magnitude(self.is_negative() != other.is_negative(), magnitude)
    }

    /// Quotient rounded towards zero and remainder with the dividend's sign; `None` if `other` is zero or on overflow.
    #[must_use]
    pub fn checked_div_rem(self, other: Self) -> Option<(Self, Self)> {
        let (quotient, remainder) = self.unsigned_abs().checked_div_rem(other.unsigned_abs())?;
        let quotient = Self::from_sign_and_magnitude(self.is_negative() != other.is_negative(), quotient)?;
        Some((quotient, Self::from_sign_and_magnitude(self.is_negative(), remainder)?))
    }

    pub(super) fn quotient(self, other: Self) -> Self {
        divide(self, other).0
    }

    pub(super) fn remainder(self, other: Self) -> Self {
        if other == -Self::ONE { Self::ZERO } else { divide(self, other).1 }
    }
}

fn divide(dividend: I256, divisor: I256) -> (I256, I256) {
    if divisor == I256::ZERO {
        Panic::DivisionByZero.raise()
    }
    // MIN / -1 overflows; MIN % -1 is zero, as in Solidity.
    dividend.checked_div_rem(divisor).unwrap_or_else(|| Panic::Overflow.raise())
}

operators!([] I256, i128);
comparisons!([] I256, i128, I256);

impl Neg for I256 {
    type Output = Self;
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl Ord for I256 {
    fn cmp(&self, other: &Self) -> Ordering {
        other.is_negative().cmp(&self.is_negative()).then(self.0.cmp(&other.0))
    }
}

impl PartialOrd for I256 {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

macro_rules! from_signed {
    ($($type:ty)*) => {$(
        impl From<$type> for I256 {
            fn from(number: $type) -> Self {
                let wide = i128::from(number);
                let high = if wide < 0 { u64::MAX } else { 0 };
                Self(U256::from_limbs([wide as u64, (wide >> 64) as u64, high, high]))
            }
        }
    )*};
}

from_signed!(i8 i16 i32 i64 i128);

/// Fails when the number is 2^255 or more.
impl TryFrom<U256> for I256 {
    type Error = NumberOutOfRange;
    fn try_from(number: U256) -> Result<Self, Self::Error> {
        Self::from_sign_and_magnitude(false, number).ok_or(NumberOutOfRange)
    }
}

/// A number that does not fit the type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberOutOfRange;

impl fmt::Display for NumberOutOfRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("number out of range")
    }
}

impl core::error::Error for NumberOutOfRange {}

impl fmt::Display for I256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_negative() {
            formatter.write_str("-")?;
        }
        fmt::Display::fmt(&self.unsigned_abs(), formatter)
    }
}

impl fmt::Debug for I256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
