//! What contracts compute besides sums: roots, shares, bounds.

use super::U256;
use crate::{Operand, Panic, host};

/// Which way a division goes that does not come out even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Towards zero.
    Floor,
    /// Away from zero.
    Ceil,
}

impl U256 {
    /// ⌊`self` / `other`⌋, or `None` if `other` is zero.
    #[must_use]
    pub fn checked_div(self, other: impl Operand<Self>) -> Option<Self> {
        self.checked_div_rem(other.operand()).map(|(quotient, _)| quotient)
    }

    /// The remainder of `self` / `other`, or `None` if `other` is zero.
    #[must_use]
    pub fn checked_rem(self, other: impl Operand<Self>) -> Option<Self> {
        self.checked_div_rem(other.operand()).map(|(_, remainder)| remainder)
    }

    /// `self + other`, or [`U256::MAX`] if that needs more than 256 bits.
    #[must_use]
    pub fn saturating_add(self, other: impl Operand<Self>) -> Self {
        self.checked_add(other.operand()).unwrap_or(Self::MAX)
    }

    /// `self - other`, or zero if `other` is greater.
    #[must_use]
    pub fn saturating_sub(self, other: impl Operand<Self>) -> Self {
        self.checked_sub(other.operand()).unwrap_or_default()
    }

    /// `self × other`, or [`U256::MAX`] if that needs more than 256 bits.
    #[must_use]
    pub fn saturating_mul(self, other: impl Operand<Self>) -> Self {
        self.checked_mul(other.operand()).unwrap_or(Self::MAX)
    }

    /// How far the two lie apart.
    #[must_use]
    pub fn abs_diff(self, other: impl Operand<Self>) -> Self {
        let other = other.operand();
        let (difference, underflows) = self.overflowing_sub(other);
        if underflows { Self::ZERO.wrapping_sub(difference) } else { difference }
    }

    /// The smaller of the two.
    #[must_use]
    pub fn min(self, other: impl Operand<Self>) -> Self {
        Ord::min(self, other.operand())
    }

    /// The greater of the two.
    #[must_use]
    pub fn max(self, other: impl Operand<Self>) -> Self {
        Ord::max(self, other.operand())
    }

    /// The square root, rounded towards zero.
    #[must_use]
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn isqrt(self) -> Self {
        if self.is_zero() {
            return self;
        }
        // Newton's method from above: it falls until it is there. No number of 2n bits has a root of more than n.
        let half = (self.bits() as u32).div_ceil(2);
        let mut root = Self::MAX >> (256 - half);
        loop {
            let better = (root + self.quotient(root)) >> 1;
            if better >= root {
                return root;
            }
            root = better;
        }
    }

    /// `self` × `other` / `divisor`, with all 512 bits of the product in between.
    ///
    /// # Panics
    /// Reverts with `Panic(0x12)` if `divisor` is zero, and with `Panic(0x11)` if the result needs more than 256 bits.
    #[must_use]
    pub fn mul_div(self, other: impl Operand<Self>, divisor: impl Operand<Self>, rounding: Rounding) -> Self {
        mul_div(self, other.operand(), divisor.operand(), rounding)
    }
}

/// The product's high and low 256 bits.
fn wide_product(a: U256, b: U256) -> (U256, U256) {
    let low = a.wrapping_mul(b);
    // Modulo 2^256 - 1 the product is the sum of its two halves.
    let (high, borrows) = host::u256_mul_mod(a, b, U256::MAX).overflowing_sub(low);
    (if borrows { high.wrapping_sub(U256::ONE) } else { high }, low)
}

#[cfg_attr(target_arch = "wasm32", inline(never))]
fn mul_div(a: U256, b: U256, divisor: U256, rounding: Rounding) -> U256 {
    let (high, low) = wide_product(a, b);
    let (quotient, remainder) = if high.is_zero() {
        low.checked_div_rem(divisor).unwrap_or_else(|| Panic::DivisionByZero.raise())
    } else {
        wide_division(high, low, divisor, host::u256_mul_mod(a, b, divisor))
    };
    match rounding {
        Rounding::Ceil if !remainder.is_zero() => quotient + U256::ONE,
        _ => quotient,
    }
}

/// (`high` × 2^256 + `low`) / `divisor`, whose remainder is known.
///
/// What is left without the remainder is a multiple of the divisor. Both are divided by the divisor's power of two; then the
/// quotient follows modulo 2^256 from the low half alone, by the odd divisor's inverse.
fn wide_division(high: U256, low: U256, divisor: U256, remainder: U256) -> (U256, U256) {
    if high >= divisor {
        if divisor.is_zero() { Panic::DivisionByZero.raise() } else { Panic::Overflow.raise() }
    }
    let (low, borrows) = low.overflowing_sub(remainder);
    let high = if borrows { high.wrapping_sub(U256::ONE) } else { high };
    let twos = divisor.0.trailing_zeros();
    let odd = divisor >> twos;
    // A shift by 256 gives zero, so a divisor without twos takes nothing from the high half.
    let low = low >> twos | high << (256 - twos);
    // 3 × odd, exclusive-or 2, is the inverse modulo 2^5; every step doubles the bits: 10, 20, 40, 80, 160, 320.
    let mut inverse = odd.wrapping_mul(U256::from(3)) ^ U256::from(2);
    for _ in 0..6 {
        inverse = inverse.wrapping_mul(U256::from(2).wrapping_sub(odd.wrapping_mul(inverse)));
    }
    (low.wrapping_mul(inverse), remainder)
}
