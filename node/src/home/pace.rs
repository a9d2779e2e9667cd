//! Durations as people write them: `200ms`, `1s`, `5min`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// Reads a duration: a whole number and `ms`, `s` or `min`.
///
/// # Errors
/// What is wrong with the text, with what would be right.
pub fn parse(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "write a duration like 200ms, 1s or 5min";
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().map_err(|_| format!("{text:?} is no duration; {EXPECTED}"))?;
    let millis = match unit.trim() {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "min" => number.checked_mul(60_000),
        "" => return Err(format!("{text:?} lacks a unit; {EXPECTED}")),
        other => return Err(format!("{other:?} is no unit of time here; {EXPECTED}")),
    };
    let millis = millis.filter(|millis| *millis <= 86_400_000);
    millis.map(Duration::from_millis).ok_or_else(|| format!("{text} is more than a day"))
}

/// Writes a duration so that [`parse`] reads it; what is below a millisecond is dropped.
#[must_use]
pub fn format(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1_000) { format!("{}s", millis / 1_000) } else { format!("{millis}ms") }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

pub(super) fn deserialize_some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, millis) in [("200ms", 200), ("1s", 1_000), ("0s", 0), ("10 s", 10_000), ("5min", 300_000)] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse(text), Ok(duration), "{text}");
            assert_eq!(parse(&format(duration)), Ok(duration));
        }
        assert_eq!(
            (format(Duration::from_millis(1_500)), format(Duration::from_secs(2))),
            ("1500ms".into(), "2s".into())
        );
    }

    #[test]
    fn what_is_no_duration_is_refused_with_words() {
        for text in
            ["", "1", "s", "1.5s", "-1s", "1h", "1 year", "99999999999999999999s", "18446744073709551615min", "2000min"]
        {
            let error = parse(text).expect_err(text);
            assert!(error.len() > 15, "{text}: {error}");
        }
    }
}
