//! `u256!`, `address!` and `b256!`: what they say is read while the contract is compiled.

use crate::{Address, B256, U256, abi::keccak256};

/// A [`U256`] from what people write: decimal digits, with `_` between them if they help, a fraction, a power of ten, or
/// hexadecimal digits behind `0x`. In quotes or without. It must be a whole number below 2^256, or it does not compile.
///
/// ```
/// use esker_sdk::{U256, u256};
/// const SUPPLY: U256 = u256!("1_000_000e18");
/// assert_eq!(SUPPLY, U256::from(10).pow(24));
/// assert_eq!(u256!(1.5e3), 1_500);
/// assert_eq!(u256!(0xff), 255);
/// ```
#[macro_export]
macro_rules! u256 {
    ($number:literal) => {{
        const NUMBER: $crate::U256 = $crate::expansion::parse_number(::core::stringify!($number));
        NUMBER
    }};
}

/// An [`Address`] from its 40 hexadecimal digits behind `0x`, in quotes. Where upper and lower case are mixed they must be
/// the checksum of ERC-55, or it does not compile.
///
/// ```
/// use esker_sdk::{Address, address};
/// const TOKEN: Address = address!("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
/// assert_eq!(TOKEN, address!("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"));
/// ```
#[macro_export]
macro_rules! address {
    ($address:literal) => {{
        const ADDRESS: $crate::Address = $crate::expansion::parse_address($address);
        ADDRESS
    }};
}

/// A [`B256`], such as a hash, a role or a slot, from its 64 hexadecimal digits behind `0x`, in quotes. Fewer or more do not
/// compile.
///
/// ```
/// use esker_sdk::{B256, b256};
/// const SLOT: B256 = b256!("0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");
/// assert_eq!((SLOT.0[0], SLOT.0[31]), (0x36, 0xbc));
/// ```
///
/// ```compile_fail
/// let short = esker_sdk::b256!("0x3608");
/// ```
#[macro_export]
macro_rules! b256 {
    ($bytes:literal) => {{
        const BYTES: $crate::B256 = $crate::expansion::parse_b256($bytes);
        BYTES
    }};
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// `number × base + digit`.
#[track_caller]
const fn append(number: U256, base: u8, digit: u8) -> U256 {
    let (mut limbs, mut carry, mut index) = (number.limbs(), digit as u128, 0);
    while index < 4 {
        carry += limbs[index] as u128 * base as u128;
        limbs[index] = carry as u64;
        carry >>= 64;
        index += 1;
    }
    assert!(carry == 0, "the number needs more than 256 bits");
    U256::from_limbs(limbs)
}

/// The number that a literal's source text stands for.
#[track_caller]
pub const fn parse_number(text: &str) -> U256 {
    let text = text.as_bytes();
    let quoted = text.len() >= 2 && text[0] == b'"';
    let (mut index, end) = if quoted { (1, text.len() - 1) } else { (0, text.len()) };
    assert!(index < end, "an empty text is no number");
    let hexadecimal = end - index > 2 && text[index] == b'0' && text[index + 1] == b'x';
    if hexadecimal {
        index += 2;
    }
    let (mut number, mut digits, mut fraction, mut in_fraction) = (U256::ZERO, 0, 0u32, false);
    while index < end {
        let byte = text[index];
        if byte == b'_' {
        } else if hexadecimal {
            let Some(digit) = hex_digit(byte) else { panic!("only hexadecimal digits follow 0x") };
            number = append(number, 16, digit);
            digits += 1;
        } else if byte == b'.' && !in_fraction {
            in_fraction = true;
        } else if byte == b'e' || byte == b'E' {
            break;
        } else {
            assert!(
                byte.is_ascii_digit(),
                "not a number: write decimal digits as in \"1_000\", \"1e18\" or \"2.5e6\", or hexadecimal ones behind 0x"
            );
            number = append(number, 10, byte - b'0');
            digits += 1;
            fraction += in_fraction as u32;
        }
        index += 1;
    }
    assert!(digits > 0, "there are no digits");
    let mut exponent = 0u32;
    if index < end {
        index += 1;
        assert!(index < end, "a power of ten follows the e");
        while index < end {
            assert!(text[index].is_ascii_digit(), "a power of ten, without sign, follows the e");
            exponent = exponent * 10 + (text[index] - b'0') as u32;
            assert!(exponent <= 1_000, "the number needs more than 256 bits");
            index += 1;
        }
    }
    // Zeros at the end of a fraction stand for nothing.
    while fraction > exponent {
        let (quotient, remainder) = divide_by_ten(number);
        assert!(remainder == 0, "not a whole number: the power of ten is smaller than the fraction is long");
        number = quotient;
        fraction -= 1;
    }
    while exponent > fraction {
        number = append(number, 10, 0);
        exponent -= 1;
    }
    number
}

const fn divide_by_ten(number: U256) -> (U256, u64) {
    let (mut limbs, mut remainder, mut index) = (number.limbs(), 0u128, 4);
    while index > 0 {
        index -= 1;
        let dividend = remainder << 64 | limbs[index] as u128;
        limbs[index] = (dividend / 10) as u64;
        remainder = dividend % 10;
    }
    (U256::from_limbs(limbs), remainder as u64)
}

/// The address that the text stands for.
#[track_caller]
pub const fn parse_address(text: &str) -> Address {
    let text = text.as_bytes();
    assert!(text.len() == 42 && text[0] == b'0' && text[1] == b'x', "an address is 0x and 40 hexadecimal digits");
    let mut bytes = [0; 20];
    let mut lower = [0; 40];
    let (mut has_lower, mut has_upper, mut index) = (false, false, 0);
    while index < 40 {
        let byte = text[2 + index];
        let Some(digit) = hex_digit(byte) else { panic!("an address is 0x and 40 hexadecimal digits") };
        bytes[index / 2] = bytes[index / 2] << 4 | digit;
        lower[index] = byte.to_ascii_lowercase();
        has_lower |= byte.is_ascii_lowercase();
        has_upper |= byte.is_ascii_uppercase();
        index += 1;
    }
    if has_lower && has_upper {
        let hash = keccak256(&lower);
        let mut index = 0;
        while index < 40 {
            let nibble = hash[index / 2] >> (4 * (1 - index % 2)) & 0xf;
            let wanted = if nibble >= 8 { lower[index].to_ascii_uppercase() } else { lower[index] };
            assert!(
                text[2 + index] == wanted,
                "the address's checksum (ERC-55) is wrong: a digit is, or its case; all digits in lower case have no checksum"
            );
            index += 1;
        }
    }
    Address(bytes)
}

/// The 32 bytes that the text stands for.
#[track_caller]
pub const fn parse_b256(text: &str) -> B256 {
    let text = text.as_bytes();
    assert!(text.len() == 66 && text[0] == b'0' && text[1] == b'x', "32 bytes are 0x and 64 hexadecimal digits");
    let (mut bytes, mut index) = ([0; 32], 0);
    while index < 64 {
        let Some(digit) = hex_digit(text[2 + index]) else { panic!("32 bytes are 0x and 64 hexadecimal digits") };
        bytes[index / 2] = bytes[index / 2] << 4 | digit;
        index += 1;
    }
    crate::FixedBytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_written() {
        let ten = |power: u32| U256::from(10).pow(power);
        for (text, number) in [
            ("0", U256::ZERO),
            ("\"7\"", U256::from(7)),
            ("\"1e18\"", ten(18)),
            ("1_000.5e18", U256::from(10_005) * ten(17)),
            ("\"2.500e1\"", U256::from(25)),
            ("1.0", U256::ONE),
            ("\".5E1\"", U256::from(5)),
            ("0xFf_00", U256::from(0xff00)),
            ("\"0x0\"", U256::ZERO),
        ] {
            assert_eq!(parse_number(text), number, "{text}");
        }
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(parse_number(most), U256::MAX);
        assert_eq!(parse_number("0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"), U256::MAX);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let more = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
        let words =
            ["", "\"\"", "-1", "1.5", "1.55e1", "1e", "e5", "1e-1", "0xg", "\"0x\"", "1e78", "1e5000000000", more, "."];
        for text in words {
            assert!(std::panic::catch_unwind(|| parse_number(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn words_have_all_their_digits() {
        let digits = "00112233445566778899aAbBcCdDeEfF".repeat(2);
        let bytes = parse_b256(&format!("0x{digits}"));
        assert_eq!(bytes.0[..16], bytes.0[16..]);
        assert_eq!(bytes.0[..3], [0, 0x11, 0x22]);
        assert_eq!(bytes.0[13..16], [0xdd, 0xee, 0xff]);
        let (short, long) = (&digits[1..], format!("{digits}0"));
        let odd = digits.replace('f', "g");
        for text in ["", "0x", &digits, &format!("0x{short}"), &format!("0x{long}"), &format!("0x{odd}")] {
            assert!(std::panic::catch_unwind(|| parse_b256(text)).is_err(), "{text}");
        }
    }

    /// ERC-55's own examples.
    #[test]
    fn addresses_in_mixed_case_prove_themselves() {
        for text in [
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0xde709f2102306220921060314715629080e2fb77",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            assert_eq!(parse_address(text).to_string(), text.to_lowercase());
        }
        for text in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
            "0x5bAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
        ] {
            assert!(std::panic::catch_unwind(|| parse_address(text)).is_err(), "{text}");
        }
    }
}
