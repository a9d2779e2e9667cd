//! Positional parameters, parsed as strictly as geth parses them: QUANTITY without leading zeros, DATA with an even
//! number of digits, fixed lengths exact.

use alloy_primitives::{Address, B256, Bytes, U256};
use jsonrpsee::types::Params;
use serde_json::Value;

use super::RpcError;

/// The parameters of one call.
#[derive(Debug)]
pub struct Args {
    values: Vec<Value>,
}

impl Args {
    /// No parameters.
    #[must_use]
    pub const fn none() -> Self {
        Self { values: Vec::new() }
    }

    /// Reads the parameters of a call that takes at most `max`.
    ///
    /// # Errors
    /// -32602 if they are no array or too many.
    pub fn parse(params: &Params<'_>, max: usize) -> Result<Self, RpcError> {
        let text = params.as_str().unwrap_or("[]").trim();
        let values = match serde_json::from_str::<Value>(if text.is_empty() { "[]" } else { text }) {
            Ok(Value::Array(values)) => values,
            Ok(Value::Null) => Vec::new(),
            Ok(_) => return Err(RpcError::invalid_params("non-array args")),
            Err(error) => return Err(RpcError::invalid_params(error.to_string())),
        };
        if values.len() > max {
            return Err(RpcError::invalid_params(format!("too many arguments, want at most {max}")));
        }
        Ok(Self { values })
    }

    /// Parameter `index`, which must be there.
    ///
    /// # Errors
    /// -32602 if it is missing, null or does not parse.
    pub fn required<T: FromParam>(&self, index: usize) -> Result<T, RpcError> {
        self.optional(index)?
            .ok_or_else(|| RpcError::invalid_params(format!("missing value for required argument {index}")))
    }

    /// Parameter `index`, if given and not null.
    ///
    /// # Errors
    /// -32602 if it does not parse.
    pub fn optional<T: FromParam>(&self, index: usize) -> Result<Option<T>, RpcError> {
        match self.values.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::from_param(value).map(Some).map_err(|reason| RpcError::invalid_argument(index, reason)),
        }
    }
}

/// Something that can be read from a JSON value, with the reason when it cannot.
pub trait FromParam: Sized {
    /// Reads `value`.
    ///
    /// # Errors
    /// What is wrong, in geth's words.
    fn from_param(value: &Value) -> Result<Self, String>;
}

/// What a value is, with its article, for error texts.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The text of a string value.
pub fn text<'a>(value: &'a Value, wanted: &str) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| format!("cannot read {} as {wanted}", kind(value)))
}

/// The digits behind `0x`.
fn digits(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        return Err("empty hex string".to_owned());
    }
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).ok_or_else(|| "hex string without 0x prefix".to_owned())
}

/// Parses a QUANTITY of at most 256 bits.
///
/// # Errors
/// geth's words for what is wrong.
pub fn quantity(text: &str) -> Result<U256, String> {
    let digits = digits(text)?;
    if digits.is_empty() {
        return Err("hex string \"0x\"".to_owned());
    }
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err("invalid hex string".to_owned());
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return Err("hex number with leading zero digits".to_owned());
    }
    if digits.len() > 64 {
        return Err("hex number > 256 bits".to_owned());
    }
    U256::from_str_radix(digits, 16).map_err(|_| "invalid hex string".to_owned())
}

/// Parses DATA of any length.
///
/// # Errors
/// geth's words for what is wrong.
pub fn data(text: &str) -> Result<Bytes, String> {
    let digits = digits(text)?;
    if digits.len() % 2 != 0 {
        return Err("hex string of odd length".to_owned());
    }
    hex::decode(digits).map(Bytes::from).map_err(|_| "invalid hex string".to_owned())
}

/// Parses DATA of exactly `N` bytes.
fn fixed<const N: usize>(value: &Value, wanted: &str) -> Result<[u8; N], String> {
    let text = text(value, wanted)?;
    let digits = digits(text)?;
    if digits.len() != 2 * N {
        return Err(format!("hex string has length {}, want {} for {wanted}", digits.len(), 2 * N));
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| "invalid hex string".to_owned())?;
    Ok(bytes)
}

impl FromParam for U256 {
    fn from_param(value: &Value) -> Result<Self, String> {
        quantity(text(value, "a quantity")?)
    }
}

impl FromParam for u64 {
    fn from_param(value: &Value) -> Result<Self, String> {
        Self::try_from(U256::from_param(value)?).map_err(|_| "hex number > 64 bits".to_owned())
    }
}

impl FromParam for u128 {
    fn from_param(value: &Value) -> Result<Self, String> {
        Self::try_from(U256::from_param(value)?).map_err(|_| "hex number > 128 bits".to_owned())
    }
}

impl FromParam for Address {
    fn from_param(value: &Value) -> Result<Self, String> {
        fixed(value, "an address").map(Self::from)
    }
}

impl FromParam for B256 {
    fn from_param(value: &Value) -> Result<Self, String> {
        fixed(value, "a 32-byte hash").map(Self::from)
    }
}

impl FromParam for Bytes {
    fn from_param(value: &Value) -> Result<Self, String> {
        data(text(value, "hex data")?)
    }
}

impl FromParam for bool {
    fn from_param(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| format!("cannot read {} as a bool", kind(value)))
    }
}

impl FromParam for String {
    fn from_param(value: &Value) -> Result<Self, String> {
        text(value, "a string").map(str::to_owned)
    }
}

impl FromParam for Value {
    fn from_param(value: &Value) -> Result<Self, String> {
        Ok(value.clone())
    }
}

impl<T: FromParam> FromParam for Vec<T> {
    fn from_param(value: &Value) -> Result<Self, String> {
        let items = value.as_array().ok_or_else(|| format!("cannot read {} as an array", kind(value)))?;
        items.iter().map(T::from_param).collect()
    }
}

/// A slot of contract storage: up to 32 bytes of hex, as geth reads it ("0x0" is slot zero).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotKey {
    /// The slot, padded on the left.
    pub slot: B256,
    /// Whether it was written with all 64 digits; decides how `eth_getProof` writes it back.
    pub is_full: bool,
}

impl FromParam for SlotKey {
    fn from_param(value: &Value) -> Result<Self, String> {
        let digits = digits(text(value, "a storage key")?)?;
        if digits.len() > 64 {
            return Err(format!("hex string too long, want at most 32 bytes, have {} digits", digits.len()));
        }
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err("invalid hex string".to_owned());
        }
        let padded = format!("{digits:0>64}");
        let mut slot = [0; 32];
        hex::decode_to_slice(&padded, &mut slot).map_err(|_| "invalid hex string".to_owned())?;
        Ok(Self { slot: slot.into(), is_full: digits.len() == 64 })
    }
}

/// Unsigned numbers that development tools send as JSON numbers as well as in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LooseNumber(pub u64);

impl FromParam for LooseNumber {
    fn from_param(value: &Value) -> Result<Self, String> {
        match value {
            Value::Number(number) => {
                number.as_u64().map(Self).ok_or_else(|| format!("{number} is no unsigned 64-bit number"))
            }
            Value::String(text) if text.bytes().all(|digit| digit.is_ascii_digit()) && !text.is_empty() => {
                text.parse().map(Self).map_err(|_| "number > 64 bits".to_owned())
            }
            other => u64::from_param(other).map(Self),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_read_as_strictly_as_geth_reads_them() {
        assert_eq!(quantity("0x0"), Ok(U256::ZERO));
        assert_eq!(quantity("0x1f"), Ok(U256::from(31)));
        assert_eq!(quantity(&format!("0x{}", "f".repeat(64))), Ok(U256::MAX));
        for (text, reason) in [
            ("", "empty hex string"),
            ("0x", "hex string \"0x\""),
            ("1", "hex string without 0x prefix"),
            ("0x01", "hex number with leading zero digits"),
            ("0x00", "hex number with leading zero digits"),
            ("0xg", "invalid hex string"),
            ("0x+1", "invalid hex string"),
            ("0x1_0", "invalid hex string"),
        ] {
            assert_eq!(quantity(text), Err(reason.to_owned()), "{text}");
        }
        assert_eq!(quantity(&format!("0x1{}", "0".repeat(64))), Err("hex number > 256 bits".to_owned()));
        assert_eq!(u64::from_param(&json!("0x10000000000000000")), Err("hex number > 64 bits".to_owned()));
    }

    #[test]
    fn data_has_an_even_number_of_digits() {
        assert_eq!(data("0x"), Ok(Bytes::new()));
        assert_eq!(data("0x0aFF"), Ok(Bytes::from_static(&[10, 255])));
        assert_eq!(data("0x1"), Err("hex string of odd length".to_owned()));
        assert_eq!(data("0xzz"), Err("invalid hex string".to_owned()));
        assert_eq!(data("12"), Err("hex string without 0x prefix".to_owned()));
    }

    #[test]
    fn fixed_lengths_are_exact() {
        let error = Address::from_param(&json!("0x12")).unwrap_err();
        assert_eq!(error, "hex string has length 2, want 40 for an address");
        assert!(B256::from_param(&json!(7)).is_err());
        let error = Vec::<Address>::from_param(&json!([null])).unwrap_err();
        assert_eq!(error, "cannot read null as an address");
    }

    #[test]
    fn storage_keys_may_be_short() {
        let key = SlotKey::from_param(&json!("0x0")).expect("a short key is a key");
        assert_eq!(key, SlotKey { slot: B256::ZERO, is_full: false });
        let key = SlotKey::from_param(&json!(format!("0x{:064x}", 5))).expect("a full key is a key");
        assert!(key.is_full && key.slot == B256::with_last_byte(5));
        assert!(SlotKey::from_param(&json!(format!("0x{:066x}", 5))).is_err());
    }

    #[test]
    fn missing_null_and_surplus_arguments_are_told_apart() {
        let args = Args::parse(&Params::new(Some("[null]")), 2).expect("an array");
        let error = args.required::<Address>(0).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (-32602, "missing value for required argument 0"));
        assert_eq!(args.optional::<Address>(1), Ok(None));
        let error = Args::parse(&Params::new(Some("[1,2,3]")), 2).unwrap_err();
        assert_eq!(error.message, "too many arguments, want at most 2");
        let error = Args::parse(&Params::new(Some("{\"a\":1}")), 2).unwrap_err();
        assert_eq!(error.message, "non-array args");
        assert!(Args::parse(&Params::new(None), 0).is_ok());
    }
}
