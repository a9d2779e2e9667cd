//! 256-bit numbers against alloy's.

use alloy_primitives as alloy;
use esker_sdk::{
    I256, Int, Panic, Rounding, U256, Uint,
    native::{Outcome, catch},
    primitive_types::{self, U512},
    u256,
};
use proptest::prelude::*;

fn theirs(number: U256) -> alloy::U256 {
    alloy::U256::from_limbs(number.limbs())
}

fn ours(number: alloy::U256) -> U256 {
    U256::from_limbs(number.into_limbs())
}

fn signed(number: I256) -> alloy::I256 {
    alloy::I256::from_raw(theirs(number.to_bits()))
}

fn from_signed(number: alloy::I256) -> I256 {
    I256::from_bits(ours(number.into_raw()))
}

fn any_u256() -> impl Strategy<Value = U256> {
    let limb = prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(1 << 63), any::<u64>()];
    proptest::array::uniform4(limb).prop_map(U256::from_limbs)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn unsigned_arithmetic_agrees(a in any_u256(), b in any_u256(), m in any_u256(), shift in 0u32..300, exponent in 0u32..40) {
        let (x, y, z) = (theirs(a), theirs(b), theirs(m));
        prop_assert_eq!(a.checked_add(b), x.checked_add(y).map(ours));
        prop_assert_eq!(a.checked_sub(b), x.checked_sub(y).map(ours));
        prop_assert_eq!(a.checked_mul(b), x.checked_mul(y).map(ours));
        prop_assert_eq!(a.wrapping_add(b), ours(x.wrapping_add(y)));
        prop_assert_eq!(a.wrapping_sub(b), ours(x.wrapping_sub(y)));
        prop_assert_eq!(a.wrapping_mul(b), ours(x.wrapping_mul(y)));
        let quotient = x.checked_div(y).zip(x.checked_rem(y));
        prop_assert_eq!(a.checked_div_rem(b), quotient.map(|(q, r)| (ours(q), ours(r))));
        prop_assert_eq!(a.add_mod(b, m), ours(x.add_mod(y, z)));
        prop_assert_eq!(a.mul_mod(b, m), ours(x.mul_mod(y, z)));
        prop_assert_eq!(a.checked_pow(exponent), x.checked_pow(alloy::U256::from(exponent)).map(ours));
        prop_assert_eq!(a.wrapping_pow(b), ours(x.wrapping_pow(y)));
        prop_assert_eq!(a << shift, ours(if shift < 256 { x << shift } else { alloy::U256::ZERO }));
        prop_assert_eq!(a >> shift, ours(if shift < 256 { x >> shift } else { alloy::U256::ZERO }));
        prop_assert_eq!(!a, ours(!x));
        prop_assert_eq!(a.to_be_bytes(), x.to_be_bytes::<32>());
        prop_assert_eq!(U256::from_be_bytes(a.to_be_bytes()), a);
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        prop_assert_eq!(a.bits(), x.bit_len());
        prop_assert_eq!(u8::try_from(a).ok(), u8::try_from(x).ok());
        prop_assert_eq!(u64::try_from(a).ok(), u64::try_from(x).ok());
        prop_assert_eq!(u128::try_from(a).ok(), u128::try_from(x).ok());
        prop_assert_eq!(usize::try_from(a).ok(), usize::try_from(x).ok());
        prop_assert_eq!(a.to_string().parse(), Ok(a));
    }

    #[test]
    fn roots_shares_and_bounds_agree(a in any_u256(), b in any_u256(), d in any_u256()) {
        let wide = |number: U256| U512::from(primitive_types::U256::from(number));
        let narrow = |number: U512| primitive_types::U256::try_from(number).ok().map(U256::from);
        let root = wide(a.isqrt());
        prop_assert!(root * root <= wide(a) && wide(a) < (root + 1) * (root + 1));
        prop_assert_eq!(a.checked_div(b), a.checked_div_rem(b).map(|(quotient, _)| quotient));
        prop_assert_eq!(a.checked_rem(b), a.checked_div_rem(b).map(|(_, remainder)| remainder));
        prop_assert_eq!(a.saturating_add(b), narrow(wide(a) + wide(b)).unwrap_or(U256::MAX));
        prop_assert_eq!(a.saturating_sub(b), if a > b { a - b } else { U256::ZERO });
        prop_assert_eq!(a.saturating_mul(b), narrow(wide(a) * wide(b)).unwrap_or(U256::MAX));
        prop_assert_eq!(a.abs_diff(b), if a > b { a - b } else { b - a });
        prop_assert_eq!((a.min(b), a.max(b)), if a < b { (a, b) } else { (b, a) });
        for (divisor, rounding) in [(d, Rounding::Floor), (d, Rounding::Ceil), (b, Rounding::Ceil), (d >> 200, Rounding::Floor)] {
            let expected = if divisor.is_zero() {
                Err(Panic::DivisionByZero)
            } else {
                let (quotient, remainder) = (wide(a) * wide(b)).div_mod(wide(divisor));
                let up = rounding == Rounding::Ceil && !remainder.is_zero();
                narrow(quotient + u64::from(up)).ok_or(Panic::Overflow)
            };
            let found = catch(|| a.mul_div(b, divisor, rounding).to_be_bytes().to_vec());
            let expected = match expected {
                Ok(number) => Outcome::Return(number.to_be_bytes().to_vec()),
                Err(panic) => Outcome::Revert(panic.encode()),
            };
            prop_assert_eq!(found, expected, "{} * {} / {} {:?}", a, b, divisor, rounding);
        }
    }

    #[test]
    fn signed_arithmetic_agrees(a in any_u256(), b in any_u256()) {
        let (a, b) = (I256::from_bits(a), I256::from_bits(b));
        let (x, y) = (signed(a), signed(b));
        prop_assert_eq!(a.checked_add(b), x.checked_add(y).map(from_signed));
        prop_assert_eq!(a.checked_sub(b), x.checked_sub(y).map(from_signed));
        prop_assert_eq!(a.checked_mul(b), x.checked_mul(y).map(from_signed));
        prop_assert_eq!(a.checked_div_rem(b).map(|(q, _)| q), x.checked_div(y).map(from_signed));
        prop_assert_eq!(a.checked_div_rem(b).map(|(_, r)| r), x.checked_rem(y).map(from_signed));
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        prop_assert_eq!(a.to_string(), x.to_string());
    }

    #[test]
    fn narrow_numbers_hold_what_fits(number in any::<i64>()) {
        let unsigned = Uint::<24>::new(U256::from(number.unsigned_abs()));
        prop_assert_eq!(unsigned.is_some(), number.unsigned_abs() < 1 << 24);
        let signed = Int::<24>::new(I256::from(number));
        prop_assert_eq!(signed.is_some(), (-(1 << 23)..1 << 23).contains(&number));
    }
}

#[test]
fn literals_are_numbers_at_compile_time() {
    const SHARES: U256 = u256!("1_000.5e18");
    assert_eq!(SHARES.mul_div(u256!(1e18), 10_005, Rounding::Floor), u256!("1e35"));
    assert_eq!(U256::from(10).mul_div(1, 3, Rounding::Ceil), 4);
    assert_eq!(U256::MAX.isqrt(), u256!(0xffffffffffffffffffffffffffffffff));
    assert_eq!(U256::MAX.mul_div(U256::MAX, U256::MAX, Rounding::Ceil), U256::MAX);
    // The quotient is the last number that fits, and rounding up is one too many.
    let outcome = catch(|| {
        U256::MAX.mul_div(u256!(0x8000000000000001), u256!(0x8000000000000000), Rounding::Ceil).to_be_bytes().to_vec()
    });
    assert_eq!(outcome, Outcome::Revert(Panic::Overflow.encode()));
}

#[test]
fn overflow_and_division_by_zero_panic_like_solidity() {
    let outcome = |body: fn() -> U256| catch(|| body().to_be_bytes().to_vec());
    let overflow = Outcome::Revert(Panic::Overflow.encode());
    assert_eq!(outcome(|| U256::MAX + 1), overflow);
    assert_eq!(outcome(|| U256::ZERO - 1), overflow);
    assert_eq!(outcome(|| U256::MAX * 2), overflow);
    assert_eq!(outcome(|| (I256::MIN / I256::from(-1)).to_bits()), overflow);
    assert_eq!(outcome(|| (-I256::MIN).to_bits()), overflow);
    assert_eq!(outcome(|| U256::from(-1)), overflow);
    let zero = Outcome::Revert(Panic::DivisionByZero.encode());
    assert_eq!(outcome(|| U256::ONE / 0), zero);
    assert_eq!(outcome(|| U256::ONE % 0), zero);
    assert_eq!(outcome(|| (I256::ONE % I256::ZERO).to_bits()), zero);
    assert_eq!(outcome(|| (I256::MIN % I256::from(-1)).to_bits()), Outcome::Return(vec![0; 32]));
    // 0x4e487b71 and the code.
    let data = Panic::Overflow.encode();
    assert_eq!((data.len(), &data[..4], data[35]), (36, &[0x4e, 0x48, 0x7b, 0x71][..], 0x11));
}

#[test]
fn sums_are_of_numbers_or_references_and_checked() {
    let numbers = [U256::from(1), U256::from(u128::MAX), U256::from(2)];
    let all = u256!("340282366920938463463374607431768211458");
    assert_eq!(numbers.iter().sum::<U256>(), all);
    assert_eq!(numbers.into_iter().sum::<U256>(), all);
    assert_eq!([U256::ZERO; 0].iter().sum::<U256>(), 0);
    let outcome = catch(|| [U256::MAX, U256::ONE].iter().sum::<U256>().to_be_bytes().to_vec());
    assert_eq!(outcome, Outcome::Revert(Panic::Overflow.encode()));
}
