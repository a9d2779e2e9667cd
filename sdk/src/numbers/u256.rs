//! `uint256` with checked arithmetic.

use core::{
    cmp::Ordering,
    fmt,
    ops::{BitAnd, BitOr, BitXor, Not, Shl, Shr},
    str::FromStr,
};

use super::operators::operators;
use crate::{NumberOutOfRange, Panic, host, words};

/// Solidity's `uint256`.
///
/// `+ - *` revert the frame with `Panic(0x11)` on overflow, `/ %` with `Panic(0x12)` when the divisor is zero, as
/// Solidity's operators do. Arithmetic that wraps says so in its name.
///
/// The right-hand side of an operator or a comparison is a `U256` or a literal, which becomes a `u128`: `balance + 1`,
/// `supply > 5_000_000_000`. A variable of another type is converted: `balance + U256::from(n)`.
#[derive(Clone, Copy, Default, Eq, Hash)]
#[allow(clippy::derived_hash_with_manual_eq, reason = "it is the derived equality in less code")]
pub struct U256(pub(crate) primitive_types::U256);

impl PartialEq for U256 {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn eq(&self, other: &Self) -> bool {
        let (mut differs, mut index) = (0, 0);
        while index < 4 {
            differs |= self.0.0[index] ^ other.0.0[index];
            index += 1;
        }
        differs == 0
    }
}

impl PartialOrd for U256 {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
    #[inline]
    fn lt(&self, other: &Self) -> bool {
        self.is_below(other)
    }
    #[inline]
    fn gt(&self, other: &Self) -> bool {
        other.is_below(self)
    }
    #[inline]
    fn le(&self, other: &Self) -> bool {
        !other.is_below(self)
    }
    #[inline]
    fn ge(&self, other: &Self) -> bool {
        !self.is_below(other)
    }
}

impl Ord for U256 {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn cmp(&self, other: &Self) -> Ordering {
        if self.is_below(other) {
            Ordering::Less
        } else if self == other {
            Ordering::Equal
        } else {
            Ordering::Greater
        }
    }
}

/// With a literal: functions of their own, since a literal as a word takes more code than its two halves.
impl PartialEq<u128> for U256 {
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn eq(&self, other: &u128) -> bool {
        self.to_u128() == Some(*other)
    }
}

impl PartialOrd<u128> for U256 {
    fn partial_cmp(&self, other: &u128) -> Option<Ordering> {
        Some(self.compare(*other))
    }
    #[inline]
    fn lt(&self, other: &u128) -> bool {
        self.compare(*other).is_lt()
    }
    #[inline]
    fn gt(&self, other: &u128) -> bool {
        self.compare(*other).is_gt()
    }
    #[inline]
    fn le(&self, other: &u128) -> bool {
        self.compare(*other).is_le()
    }
    #[inline]
    fn ge(&self, other: &u128) -> bool {
        self.compare(*other).is_ge()
    }
}

impl U256 {
    /// Whether the number is less than `other`.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn is_below(&self, other: &Self) -> bool {
        let mut index = 4;
        while index > 0 {
            index -= 1;
            let (own, others) = (self.0.0[index], other.0.0[index]);
            if own != others {
                return own < others;
            }
        }
        false
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn compare(&self, other: u128) -> Ordering {
        self.to_u128().map_or(Ordering::Greater, |own| own.cmp(&other))
    }

    /// 0.
    pub const ZERO: Self = Self(primitive_types::U256([0; 4]));
    /// 1.
    pub const ONE: Self = Self(primitive_types::U256([1, 0, 0, 0]));
    /// 2^256 - 1.
    pub const MAX: Self = Self(primitive_types::U256([u64::MAX; 4]));

    /// A number from its four 64-bit limbs, least significant first.
    #[must_use]
    pub const fn from_limbs(limbs: [u64; 4]) -> Self {
        Self(primitive_types::U256(limbs))
    }

    /// The four 64-bit limbs, least significant first.
    #[must_use]
    pub const fn limbs(self) -> [u64; 4] {
        self.0.0
    }

    /// A number from its 32 bytes, most significant first.
    #[must_use]
    pub fn from_be_bytes(bytes: [u8; 32]) -> Self {
        Self::from_limbs(words::limbs(&bytes))
    }

    /// The 32 bytes, most significant first.
    #[must_use]
    pub fn to_be_bytes(self) -> [u8; 32] {
        words::be_bytes(&self.0.0)
    }

    /// Whether the number is zero.
    #[must_use]
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub const fn is_zero(&self) -> bool {
        let limbs = self.limbs();
        limbs[0] | limbs[1] | limbs[2] | limbs[3] == 0
    }

    /// How many bits the number takes: 0 for zero, at most 256.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.bits()
    }

    /// `self + other` modulo 2^256, and whether that is not the sum.
    #[must_use]
    pub fn overflowing_add(self, other: Self) -> (Self, bool) {
        let mut sum = self;
        let overflows = words::add(&mut sum.0.0, &other.0.0, false);
        (sum, overflows)
    }

    /// `self - other` modulo 2^256, and whether that is not the difference.
    #[must_use]
    pub fn overflowing_sub(self, other: Self) -> (Self, bool) {
        let mut difference = self;
        let underflows = words::add(&mut difference.0.0, &other.0.0, true);
        (difference, underflows)
    }

    /// `self + other`, or `None` if it needs more than 256 bits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let mut sum = self;
        if words::add(&mut sum.0.0, &other.0.0, false) { None } else { Some(sum) }
    }

    /// `self - other`, or `None` if `other` is greater.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let mut difference = self;
        if words::add(&mut difference.0.0, &other.0.0, true) { None } else { Some(difference) }
    }

    /// `self × other`, or `None` if it needs more than 256 bits.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let mut product = self;
        if words::mul(&mut product.0.0, &other.0.0) { None } else { Some(product) }
    }

    /// ⌊`self` / `other`⌋ and the remainder, or `None` if `other` is zero.
    #[must_use]
    pub fn checked_div_rem(self, other: Self) -> Option<(Self, Self)> {
        if other.is_zero() { None } else { Some(host::u256_div_rem(self, other)) }
    }

    pub(super) fn quotient(self, other: Self) -> Self {
        self.checked_div_rem(other).unwrap_or_else(|| Panic::DivisionByZero.raise()).0
    }

    pub(super) fn remainder(self, other: Self) -> Self {
        self.checked_div_rem(other).unwrap_or_else(|| Panic::DivisionByZero.raise()).1
    }

    /// `self + other` modulo 2^256.
    #[must_use]
    pub fn wrapping_add(self, other: Self) -> Self {
        self.overflowing_add(other).0
    }

    /// `self - other` modulo 2^256.
    #[must_use]
    pub fn wrapping_sub(self, other: Self) -> Self {
        self.overflowing_sub(other).0
    }

    /// `self × other` modulo 2^256.
    #[must_use]
    pub fn wrapping_mul(self, other: Self) -> Self {
        let mut product = self;
        let _ = words::mul(&mut product.0.0, &other.0.0);
        product
    }

    /// `self ^ exponent` modulo 2^256.
    #[must_use]
    pub fn wrapping_pow(self, exponent: Self) -> Self {
        host::u256_exp(self, exponent)
    }

    /// `self ^ exponent`, or `None` if it needs more than 256 bits.
    #[must_use]
    pub fn checked_pow(self, exponent: u32) -> Option<Self> {
        let (mut base, mut left, mut power) = (self, exponent, Self::ONE);
        while left > 0 {
            if left & 1 == 1 {
                power = power.checked_mul(base)?;
            }
            left >>= 1;
            if left > 0 {
                base = base.checked_mul(base)?;
            }
        }
        Some(power)
    }

    /// `self ^ exponent`.
    ///
    /// # Panics
    /// Reverts with `Panic(0x11)` if it needs more than 256 bits.
    #[must_use]
    pub fn pow(self, exponent: u32) -> Self {
        self.checked_pow(exponent).unwrap_or_else(|| Panic::Overflow.raise())
    }

    /// (`self` + `other`) mod `modulus` without overflow in between: Solidity's `addmod`. Zero when `modulus` is zero.
    #[must_use]
    pub fn add_mod(self, other: Self, modulus: Self) -> Self {
        host::u256_add_mod(self, other, modulus)
    }

    /// (`self` × `other`) mod `modulus` without overflow in between: Solidity's `mulmod`. Zero when `modulus` is zero.
    #[must_use]
    pub fn mul_mod(self, other: Self, modulus: Self) -> Self {
        host::u256_mul_mod(self, other, modulus)
    }

    /// The number as a `u64`, if it fits.
    #[must_use]
    pub const fn to_u64(self) -> Option<u64> {
        let [low, second, third, high] = self.limbs();
        if second | third | high == 0 { Some(low) } else { None }
    }

    /// The number as a `u128`, if it fits.
    #[must_use]
    pub const fn to_u128(self) -> Option<u128> {
        let [low, second, third, high] = self.limbs();
        if third | high == 0 { Some(low as u128 | (second as u128) << 64) } else { None }
    }

    /// The number as a `usize`, if it fits in 32 bits: the same on every machine.
    #[must_use]
    pub const fn to_usize(self) -> Option<usize> {
        match self.to_u64() {
            Some(number) if number <= u32::MAX as u64 => Some(number as usize),
            _ => None,
        }
    }
}

operators!([] U256, u128);

macro_rules! bitwise {
    ($($trait:ident $method:ident)*) => {$(
        impl $trait for U256 {
            type Output = Self;
            #[inline]
            fn $method(self, other: Self) -> Self {
                Self($trait::$method(self.0, other.0))
            }
        }
    )*};
}

bitwise!(BitAnd bitand BitOr bitor BitXor bitxor);

impl Not for U256 {
    type Output = Self;
    #[inline]
    fn not(self) -> Self {
        Self(!self.0)
    }
}

/// Shifts by 256 or more give zero, as in Solidity.
impl Shl<u32> for U256 {
    type Output = Self;
    fn shl(self, bits: u32) -> Self {
        let (skipped, bits) = ((bits / 64) as usize, bits % 64);
        let limbs = self.limbs();
        let limb = |index: usize| limbs.get(index).copied().unwrap_or_default();
        Self::from_limbs(core::array::from_fn(|index| {
            let low = index.wrapping_sub(skipped);
            // The bits carried over from the limb below; shifted twice, since a shift by 64 is none.
            limb(low) << bits | (limb(low.wrapping_sub(1)) >> 1) >> (63 - bits)
        }))
    }
}

/// Shifts by 256 or more give zero, as in Solidity.
impl Shr<u32> for U256 {
    type Output = Self;
    fn shr(self, bits: u32) -> Self {
        let (skipped, bits) = ((bits / 64) as usize, bits % 64);
        let limbs = self.limbs();
        let limb = |index: usize| limbs.get(index).copied().unwrap_or_default();
        Self::from_limbs(core::array::from_fn(|index| {
            let high = index.wrapping_add(skipped);
            limb(high) >> bits | (limb(high.wrapping_add(1)) << 1) << (63 - bits)
        }))
    }
}

macro_rules! from_unsigned {
    ($($type:ty)*) => {$(
        impl From<$type> for U256 {
            #[inline]
            fn from(number: $type) -> Self {
                Self::from_limbs([number as u64, 0, 0, 0])
            }
        }
    )*};
}

from_unsigned!(u8 u16 u32 u64 usize bool);

impl From<u128> for U256 {
    fn from(number: u128) -> Self {
        Self::from_limbs([number as u64, (number >> 64) as u64, 0, 0])
    }
}

/// So that `U256::from(5)` needs no suffix.
///
/// # Panics
/// Reverts with `Panic(0x11)` if the number is negative.
impl From<i32> for U256 {
    #[inline]
    fn from(number: i32) -> Self {
        if number < 0 {
            Panic::Overflow.raise()
        }
        Self::from(number as u64)
    }
}

impl From<primitive_types::U256> for U256 {
    fn from(number: primitive_types::U256) -> Self {
        Self(number)
    }
}

impl From<U256> for primitive_types::U256 {
    fn from(number: U256) -> Self {
        number.0
    }
}

macro_rules! try_into_unsigned {
    ($($type:ty)*) => {$(
        /// Fails when the number does not fit.
        impl TryFrom<U256> for $type {
            type Error = core::num::TryFromIntError;
            fn try_from(number: U256) -> Result<Self, Self::Error> {
                // A number beyond 64 bits fails like the largest 64-bit one would in a narrower type.
                let wide = number.to_u128().unwrap_or(u128::MAX);
                <$type>::try_from(wide)
            }
        }
    )*};
}

try_into_unsigned!(u8 u16 u32 u64 usize);

/// Fails when the number does not fit.
impl TryFrom<U256> for u128 {
    type Error = NumberOutOfRange;
    fn try_from(number: U256) -> Result<Self, Self::Error> {
        number.to_u128().ok_or(NumberOutOfRange)
    }
}

/// Checked: a sum beyond 2^256 reverts with `Panic(0x11)`.
impl core::iter::Sum for U256 {
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self::ZERO, |sum, number| sum + number)
    }
}

/// Checked: a sum beyond 2^256 reverts with `Panic(0x11)`.
impl<'a> core::iter::Sum<&'a Self> for U256 {
    fn sum<I: Iterator<Item = &'a Self>>(numbers: I) -> Self {
        numbers.copied().sum()
    }
}

impl fmt::Display for U256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for U256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::LowerHex for U256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Text that is not a decimal number below 2^256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseNumberError;

impl fmt::Display for ParseNumberError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a decimal number below 2^256")
    }
}

impl core::error::Error for ParseNumberError {}

/// Reads decimal digits.
impl FromStr for U256 {
    type Err = ParseNumberError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseNumberError);
        }
        primitive_types::U256::from_dec_str(text).map(Self).map_err(|_| ParseNumberError)
    }
}
