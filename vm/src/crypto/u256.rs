//! 256-bit arithmetic that is costly in a guest.

use primitive_types::{U256, U512};

fn reduce(value: U512, modulus: U256) -> U256 {
    let remainder = value % U512::from(modulus);
    U256::try_from(remainder).expect("a remainder is smaller than its 256-bit modulus")
}

/// a + b mod m, computed without overflow; zero when m is zero, as the EVM's ADDMOD.
#[must_use]
pub fn add_mod(a: U256, b: U256, m: U256) -> U256 {
    if m.is_zero() {
        return U256::zero();
    }
    match a.overflowing_add(b) {
        (sum, false) => sum % m,
        // 257 bits.
        (_, true) => reduce(U512::from(a) + U512::from(b), m),
    }
}

/// a × b mod m, computed without overflow; zero when m is zero, as the EVM's MULMOD.
#[must_use]
pub fn mul_mod(a: U256, b: U256, m: U256) -> U256 {
    if m.is_zero() { U256::zero() } else { reduce(a.full_mul(b), m) }
}

/// ⌊a / b⌋ and a mod b; both zero when b is zero, as the EVM's DIV and MOD.
#[must_use]
pub fn div_rem(a: U256, b: U256) -> (U256, U256) {
    if b.is_zero() { (U256::zero(), U256::zero()) } else { a.div_mod(b) }
}

/// base ^ exponent mod 2^256; 0 ^ 0 is 1, as the EVM's EXP.
#[must_use]
pub fn exp(base: U256, exponent: U256) -> U256 {
    let mut result = U256::one();
    for bit in (0..exponent.bits()).rev() {
        result = result.overflowing_mul(result).0;
        if exponent.bit(bit) {
            result = result.overflowing_mul(base).0;
        }
    }
    result
}

/// How many bytes the number needs: what EXP is charged by (EIP-160).
#[must_use]
pub fn significant_bytes(value: U256) -> u64 {
    value.bits().div_ceil(8) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An independent implementation of the same operations.
    type Other = revm_precompile::primitives::U256;

    fn other(value: U256) -> Other {
        Other::from_limbs(value.0)
    }

    /// Numbers with interesting lengths and many zero or full limbs.
    fn number() -> impl Strategy<Value = U256> {
        let limb = prop_oneof![Just(0u64), Just(1), Just(u64::MAX), any::<u64>()];
        prop::array::uniform4(limb).prop_map(U256)
    }

    proptest! {
        #[test]
        fn agrees_with_an_independent_implementation(a in number(), b in number(), m in number()) {
            let (x, y, n) = (other(a), other(b), other(m));
            prop_assert_eq!(other(add_mod(a, b, m)), x.add_mod(y, n));
            prop_assert_eq!(other(mul_mod(a, b, m)), x.mul_mod(y, n));
            prop_assert_eq!(other(exp(a, b)), x.wrapping_pow(y));
            let (quotient, remainder) = div_rem(a, b);
            let expected = if y.is_zero() { (Other::ZERO, Other::ZERO) } else { x.div_rem(y) };
            prop_assert_eq!((other(quotient), other(remainder)), expected);
            prop_assert_eq!(significant_bytes(a), x.byte_len() as u64);
        }
    }

    #[test]
    fn zero_divisors_and_zero_powers_follow_the_evm() {
        let (zero, one) = (U256::zero(), U256::one());
        assert_eq!(add_mod(one, one, zero), zero);
        assert_eq!(mul_mod(one, one, zero), zero);
        assert_eq!(div_rem(one, zero), (zero, zero));
        assert_eq!(exp(zero, zero), one);
        assert_eq!(mul_mod(U256::MAX, U256::MAX, U256::MAX - one), one);
        assert_eq!(add_mod(U256::MAX, U256::MAX, U256::MAX), zero);
    }
}
