//! Proofs and blocks in files, and the slots that are named on the command line.

use std::path::Path;

use alloy_primitives::{B256, U256};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::bounded_file;
use crate::cli::failure::Failure;

/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Reads a storage slot's index: a number, or 0x and hexadecimal digits.
///
/// # Errors
/// If it is neither.
pub(in crate::cli) fn parse_slot(text: &str) -> Result<B256, String> {
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16));
    // The number's own parser takes more than digits.
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| char::from(digit).is_digit(radix));
    let slot = U256::from_str_radix(digits, radix.into()).ok().filter(|_| is_number);
    slot.map(Into::into)
        .ok_or_else(|| format!("{text:?} is no storage slot: expected a number, or 0x and up to 64 hexadecimal digits"))
}

/// A file with JSON: a value, or a server's whole answer with that value as its result.
///
/// # Errors
/// If it is not there, too long, or holds something else.
pub(in crate::cli) fn read<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, Failure> {
    let failed = |reason: String| Failure::usage(format!("{} is no {what}", path.display())).because(reason);
    let json = bounded_file::read(path, FILE_BYTES_MAX).map_err(|error| failed(error.to_string()))?;
    let mut value: Value = serde_json::from_slice(&json).map_err(|error| failed(error.to_string()))?;
    if let Some(result) = value.get_mut("result") {
        value = result.take();
    }
    serde_json::from_value(value).map_err(|error| failed(error.to_string()))
}
