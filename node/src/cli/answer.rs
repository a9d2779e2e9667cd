//! What a command prints when it is done, and how it gets out.

use std::io::{self, ErrorKind, Write};

use serde_json::Value;

use super::failure::Failure;

/// The result of a command, for a reader and for a program.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What a person sees; without a newline at its end.
    pub text: String,
    /// What `--json` prints.
    pub json: Value,
}

impl Answer {
    /// An answer in both forms.
    #[must_use]
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json }
    }

    /// Prints the answer to standard output.
    ///
    /// # Errors
    /// If standard output cannot be written. A reader that went away is no error: it has seen what it wanted.
    pub fn print(&self, json: bool) -> Result<(), Failure> {
        if json { print_json(&self.json) } else { print(&self.text) }
    }
}

/// Prints one JSON object to standard output.
///
/// # Errors
/// As [`Answer::print`].
pub fn print_json(value: &Value) -> Result<(), Failure> {
    // A `Value` has string keys only, so its pretty form always exists; the plain form says the same.
    print(&serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string()))
}

fn print(text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::infrastructure("the result could not be written to standard output").because(error))
        }
        _ => Ok(()),
    }
}

/// Writes a line for a person to standard error. Nobody listening is no reason to stop.
pub fn remark(text: &str) {
    let mut out = io::stderr().lock();
    let _ = writeln!(out, "{text}");
}

/// Text from a chain or a server, made safe for a terminal: control characters are shown escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, character| {
        if character.is_control() {
            out.extend(character.escape_default())
        } else {
            out.push(character)
        }
        out
    })
}

/// Two columns, the first as wide as its widest entry; entries of more than one line are indented.
#[must_use]
pub fn columns(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let indent = format!("\n{:width$}  ", "");
    let line = |(name, value): &(&str, String)| format!("{name:width$}  {}", value.replace('\n', &indent));
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Rows of as many columns as the first one has, each as wide as its widest entry.
#[must_use]
pub fn table(rows: &[Vec<String>]) -> String {
    let count = rows.first().map_or(0, Vec::len);
    let length = |text: &String| text.chars().count();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(length).max().unwrap_or_default();
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_steer_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(printable("Grüße"), "Grüße");
    }

    #[test]
    fn tables_line_up() {
        let rows = [["A", "BB"], ["ü1", "2"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "A   BB\nü1  2");
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn columns_line_up() {
        assert_eq!(columns(&[("a", "1".into()), ("bcd", "2\n3".into())]), "a    1\nbcd  2\n     3");
    }
}
