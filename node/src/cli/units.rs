//! Amounts of the chain's coin as people write them, exactly.

use alloy_primitives::U256;

use crate::staking::WHOLE_BPS;

/// Names of units, with the number of decimal places between each and wei. The first name of a size is the usual one.
const UNITS: &[(&str, u32)] =
    &[("wei", 0), ("kwei", 3), ("mwei", 6), ("gwei", 9), ("szabo", 12), ("finney", 15), ("ether", 18), ("eth", 18)];

/// Reads an amount such as `1ether`, `0.5 gwei`, `1000` (wei) or `0x3e8` (wei) as wei.
///
/// # Errors
/// What is wrong with the text, with what would be right.
pub fn parse_amount(text: &str) -> Result<U256, String> {
    const EXPECTED: &str = "write an amount like 1ether, 0.5gwei or 1000 (wei)";
    let text = text.trim();
    if let Some(digits) = text.strip_prefix("0x") {
        let right = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = right.then(|| U256::from_str_radix(digits, 16).ok()).flatten();
        return value.ok_or_else(|| format!("{text:?} is no hexadecimal number of at most 256 bits; {EXPECTED}"));
    }
    let end = text.find(|character: char| !(character.is_ascii_digit() || character == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let places = match UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, places)) => *places as usize,
        None if unit.is_empty() => 0,
        None if number.is_empty() => return Err(format!("{text:?} is no amount; {EXPECTED}")),
        None => return Err(format!("{unit:?} is no unit; use one of wei, kwei, mwei, gwei, szabo, finney, ether")),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction_given = number.contains('.');
    if whole.is_empty() || fraction.contains('.') || (fraction_given && fraction.is_empty()) {
        return Err(format!("{text:?} is no amount; {EXPECTED}"));
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > places {
        return Err(format!("{text:?} is no whole number of wei; {EXPECTED}"));
    }
    let digits = format!("{whole}{fraction}{}", "0".repeat(places - fraction.len()));
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(U256::ZERO);
    }
    U256::from_str_radix(digits, 10).map_err(|_| format!("{text:?} is more than 256 bits of wei can hold"))
}

/// As [`parse_amount`], for fees, which 128 bits hold.
///
/// # Errors
/// As [`parse_amount`].
pub fn parse_price(text: &str) -> Result<u128, String> {
    let amount = parse_amount(text)?;
    u128::try_from(amount).map_err(|_| format!("{text:?} is more than a price of gas may be (128 bits of wei)"))
}

/// Reads a part of a whole such as `5%`, `2.5` or `0.01 %`, in basis points.
///
/// # Errors
/// What is wrong with the text, with what would be right.
pub fn parse_percent(text: &str) -> Result<u16, String> {
    const EXPECTED: &str = "write a percentage from 0 to 100 with at most two decimals, like 5% or 2.5%";
    let wrong = || format!("{text:?} is no percentage; {EXPECTED}");
    let number = text.trim().trim_end_matches('%').trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(wrong());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 2 {
        return Err(wrong());
    }
    let bps: u32 = format!("{whole}{fraction:0<2}").parse().map_err(|_| wrong())?;
    u16::try_from(bps).ok().filter(|bps| *bps <= WHOLE_BPS).ok_or_else(wrong)
}

/// A part of a whole, given in basis points, for a reader.
#[must_use]
pub fn format_percent(bps: u16) -> String {
    let (whole, fraction) = (bps / 100, bps % 100);
    let text = format!("{whole}.{fraction:02}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Reads a whole number, decimal or 0x hexadecimal.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_quantity(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16),
        _ => text.replace('_', "").parse(),
    };
    number.map_err(|error| format!("{text:?} is no whole number: {error}"))
}

fn in_unit(wei: U256, unit: &str, places: u32) -> String {
    let digits = format!("{:0>width$}", wei.to_string(), width = places as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places as usize);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{whole} {unit}") } else { format!("{whole}.{fraction} {unit}") }
}

/// An amount for a reader: in ether, gwei or wei, whichever is short, and exact.
#[must_use]
pub fn format_amount(wei: U256) -> String {
    let gwei = U256::from(1_000_000_000u64);
    if wei.is_zero() || wei >= gwei * U256::from(1_000u64) {
        in_unit(wei, "ether", 18)
    } else if wei >= U256::from(1_000u64) {
        in_unit(wei, "gwei", 9)
    } else {
        in_unit(wei, "wei", 0)
    }
}

/// A price of gas for a reader, in gwei.
#[must_use]
pub fn format_price(wei: u128) -> String {
    in_unit(U256::from(wei), "gwei", 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, wei) in [
            ("0", 0u128),
            ("1000", 1000),
            ("0x3e8", 1000),
            ("1wei", 1),
            ("1ether", 1_000_000_000_000_000_000),
            ("1 Ether", 1_000_000_000_000_000_000),
            ("0.5gwei", 500_000_000),
            ("1.50 gwei", 1_500_000_000),
            ("0.000000000000000001eth", 1),
            ("12.0", 12),
            ("007", 7),
        ] {
            assert_eq!(parse_amount(text), Ok(U256::from(wei)), "{text}");
        }
        let most = U256::MAX.to_string();
        assert_eq!(parse_amount(&most), Ok(U256::MAX));
    }

    #[test]
    fn what_is_no_amount_is_refused_with_words() {
        for text in [
            "",
            "ether",
            "-1",
            "1.",
            ".5ether",
            "1.2.3ether",
            "0.1",
            "0.1wei",
            "1 dollar",
            "0x",
            "0xzz",
            "1e18",
            "1,5ether",
        ] {
            let error = parse_amount(text).expect_err(text);
            assert!(error.len() > 20, "{text}: {error}");
        }
        let more = format!("{}0", U256::MAX);
        assert!(parse_amount(&more).is_err() && parse_amount(&format!("{}ether", U256::MAX)).is_err());
        assert!(parse_price(&U256::MAX.to_string()).is_err());
    }

    #[test]
    fn amounts_are_shown_short_and_exact() {
        for (wei, text) in [
            (0u128, "0 ether"),
            (1, "1 wei"),
            (21_000, "0.000021 gwei"),
            (1_500_000_000, "1.5 gwei"),
            (2_000_000_000_000_000_000, "2 ether"),
            (1_000_000_000_001_000, "0.001000000000001 ether"),
        ] {
            assert_eq!(format_amount(U256::from(wei)), text);
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for power in 0..78u64 {
            let wei = U256::from(10).pow(U256::from(power)) + U256::from(power);
            assert_eq!(parse_amount(&format_amount(wei)), Ok(wei));
        }
    }

    #[test]
    fn percentages_are_basis_points() {
        for (text, bps) in
            [("5%", 500), ("5", 500), ("2.5 %", 250), ("0.01%", 1), ("100%", 10_000), ("0", 0), ("7.10", 710)]
        {
            assert_eq!(parse_percent(text), Ok(bps), "{text}");
            assert_eq!(parse_percent(&format_percent(bps)), Ok(bps));
        }
        for text in ["", "%", "-1", "100.01", "0.001", "1.", "five", "1e1", "101", "99999999999", "+5", ".5"] {
            let error = parse_percent(text).map_or_else(|error| error, |bps| format!("{bps}"));
            assert!(error.contains("like 5%"), "{text}: {error}");
        }
        assert_eq!(format_percent(2_550), "25.5%");
    }

    #[test]
    fn whole_numbers_are_decimal_or_hexadecimal() {
        assert_eq!(parse_quantity("21_000"), Ok(21_000));
        assert_eq!(parse_quantity("0x10"), Ok(16));
        assert!(parse_quantity("-1").is_err() && parse_quantity("0x").is_err() && parse_quantity("1.5").is_err());
    }
}
