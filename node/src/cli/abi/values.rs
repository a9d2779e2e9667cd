//! Arguments as people type them, as ABI values.

use alloy_dyn_abi::{DynSolType, DynSolValue, Specifier};
use alloy_json_abi::Param;
use alloy_primitives::Address;

use super::super::failure::Failure;
use super::source::one_line;

/// Reads one text per parameter.
///
/// # Errors
/// If their number differs, or one does not fit its type; the failure names the argument.
pub fn parse_arguments(subject: &str, params: &[Param], texts: &[String]) -> Result<Vec<DynSolValue>, Failure> {
    if params.len() != texts.len() {
        let expected: Vec<String> = params.iter().map(describe).collect();
        let list = if expected.is_empty() { "none".to_owned() } else { expected.join(", ") };
        return Err(Failure::usage(format!(
            "{subject} takes {} argument{}, {} given",
            params.len(),
            if params.len() == 1 { "" } else { "s" },
            texts.len()
        ))
        .because(format!("it takes: {list}"))
        .hint("quote what belongs together: \"[1,2,3]\" for lists, \"(1,true)\" for tuples"));
    }
    params.iter().zip(texts).enumerate().map(|(index, (param, text))| parse_argument(index, param, text)).collect()
}

fn parse_argument(index: usize, param: &Param, text: &str) -> Result<DynSolValue, Failure> {
    let bad = |reason: String, hint: &str| {
        Failure::usage(format!("argument {} ({}) cannot be read from {text:?}", index + 1, describe(param)))
            .because(reason)
            .hint(hint)
            .with("argument", index + 1)
            .with("parameter", param.name.clone())
            .with("type", param.selector_type().into_owned())
    };
    let kind = param.resolve().map_err(|error| bad(format!("its type is unknown: {error}"), "check the ABI"))?;
    match &kind {
        // Exactly what was typed: spaces and quotes are part of a text.
        DynSolType::String => Ok(DynSolValue::String(text.to_owned())),
        DynSolType::Address => parse_address(text).map(DynSolValue::Address).map_err(|reason| bad(reason, hint(&kind))),
        _ => kind.coerce_str(text.trim()).map_err(|error| bad(explain(&error.to_string()), hint(&kind))),
    }
}

/// Reads an address. One with letters of both cases must have the right checksum (EIP-55).
///
/// # Errors
/// What is wrong with the text.
pub fn parse_address(text: &str) -> Result<Address, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() != 40 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(format!("{text:?} is no address: expected 0x and 40 hexadecimal digits"));
    }
    let mixed = digits.bytes().any(|digit| digit.is_ascii_lowercase())
        && digits.bytes().any(|digit| digit.is_ascii_uppercase());
    let address: Address = digits.parse().map_err(|error| format!("{text:?} is no address: {error}"))?;
    let right = address.to_checksum(None);
    if mixed && right[2..] != *digits {
        return Err(format!("the checksum of {text} is wrong (a mistyped digit?); in lower case it is not checked"));
    }
    Ok(address)
}

/// A parameter's type and name.
#[must_use]
pub fn describe(param: &Param) -> String {
    let kind = param.selector_type();
    if param.name.is_empty() { kind.into_owned() } else { format!("{kind} {}", param.name) }
}

/// What a value of the type looks like.
fn hint(kind: &DynSolType) -> &'static str {
    match kind {
        DynSolType::Bool => "write true or false",
        DynSolType::Uint(_) => "write a number: 1000, 0x3e8, 1e18, 1.5ether, 2gwei",
        DynSolType::Int(_) => "write a number: -5, 1000, 0x3e8, 1e18",
        DynSolType::FixedBytes(_) | DynSolType::Bytes => "write hexadecimal digits, two a byte: 0x01ff",
        DynSolType::Address => "write 0x and 40 hexadecimal digits",
        DynSolType::Array(_) | DynSolType::FixedArray(..) => "write the items in brackets: \"[1,2,3]\"",
        DynSolType::Tuple(_) => "write the members in parentheses: \"(1,true)\"",
        _ => "check the type",
    }
}

/// The parser's error without the drawing.
fn explain(error: &str) -> String {
    let lines: Vec<&str> = error.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let words = lines.iter().rev().find(|line| line.contains("expected") || line.contains(' '));
    one_line(words.copied().unwrap_or(error).trim_start_matches('^').trim())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;

    use super::*;

    fn param(text: &str) -> Param {
        Param::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn parse(kind: &str, text: &str) -> Result<DynSolValue, Failure> {
        parse_arguments("f", &[param(kind)], &[text.to_owned()]).map(|mut values| values.remove(0))
    }

    #[test]
    fn values_of_every_kind_are_read() {
        assert_eq!(
            parse("uint256 x", "1.5ether").unwrap(),
            DynSolValue::Uint(U256::from(1_500_000_000_000_000_000u64), 256)
        );
        assert_eq!(parse("uint256", "1e18").unwrap(), DynSolValue::Uint(U256::from(10u64.pow(18)), 256));
        assert_eq!(parse("uint8", "0xff").unwrap(), DynSolValue::Uint(U256::from(255), 8));
        assert_eq!(parse("bool", "true").unwrap(), DynSolValue::Bool(true));
        assert_eq!(parse("string", "  \"a, b\" ").unwrap(), DynSolValue::String("  \"a, b\" ".into()));
        assert_eq!(parse("bytes", "0x0102").unwrap(), DynSolValue::Bytes(vec![1, 2]));
        let list =
            DynSolValue::Array(vec![DynSolValue::Uint(U256::from(1), 256), DynSolValue::Uint(U256::from(2), 256)]);
        assert_eq!(parse("uint256[]", "[1, 2]").unwrap(), list);
        let tuple = parse("(uint256,bool) pair", "(7,true)").unwrap();
        assert_eq!(tuple, DynSolValue::Tuple(vec![DynSolValue::Uint(U256::from(7), 256), DynSolValue::Bool(true)]));
        assert!(matches!(parse("int8", "-128").unwrap(), DynSolValue::Int(value, 8) if value.to_string() == "-128"));
    }

    #[test]
    fn what_does_not_fit_names_the_argument() {
        for (kind, text) in [
            ("uint256 amount", "abc"),
            ("uint256 amount", "-1"),
            ("uint256 amount", ""),
            ("uint8 amount", "256"),
            ("int8 amount", "128"),
            ("bool amount", "yes"),
            ("address amount", "0x12"),
            ("address amount", "0xf39fd6e51aad88f6f4ce6ab8827279cfffb9226G"),
            ("bytes amount", "0x123"),
            ("bytes amount", "xyz"),
            ("bytes4 amount", "0x0102"),
            ("bytes4 amount", "0x0102030405"),
            ("uint256[] amount", "1,2"),
            ("uint256[2] amount", "[1]"),
            ("(uint256,bool) amount", "(1)"),
            ("uint256 amount", "1 2"),
            ("uint256 amount", "0.5"),
        ] {
            let error = parse(kind, text).expect_err(&format!("{kind} from {text:?}"));
            assert!(error.to_string().contains("argument 1 (") && error.to_string().contains("amount"), "{error}");
            assert!(!error.to_string().contains('^'), "{error}");
        }
    }

    #[test]
    fn a_wrong_number_of_arguments_says_what_is_expected() {
        let error = parse_arguments("transfer", &[param("address to"), param("uint256 value")], &["0x1".to_owned()]);
        let error = error.expect_err("one is missing").to_string();
        assert!(
            error.contains("transfer takes 2 arguments, 1 given") && error.contains("address to, uint256 value"),
            "{error}"
        );
    }

    #[test]
    fn a_mixed_case_address_must_have_its_checksum() {
        let right = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        assert!(parse_address(right).is_ok() && parse_address(&right.to_lowercase()).is_ok());
        let error = parse_address(&right.replace("aB88", "Ab88")).expect_err("the checksum is wrong");
        assert!(error.contains("checksum"), "{error}");
    }
}
