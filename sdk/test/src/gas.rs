//! Gas of chosen transactions, kept in a file beside the crate and compared in each run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{Read, Seek, Write};
use std::path::Path;

/// The file, beside the crate's Cargo.toml.
const FILE: &str = ".gas-snapshot";
/// The environment variable that has the file written instead of compared.
const WRITE: &str = "ESKER_GAS";
/// How much more or less gas passes, in hundredths of a percent, unless the file says otherwise.
const TOLERANCE: u64 = 100;
/// The line of the file that says otherwise, in percent: `# tolerance 0.5`.
const TOLERANCE_LINE: &str = "# tolerance ";

/// Gas by what was measured.
pub(crate) type Measured = BTreeMap<String, u64>;

/// What the file holds: one line for each measurement, sorted, after lines that begin with `#`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Snapshot {
    comments: Vec<String>,
    gas: Measured,
}

impl Snapshot {
    /// # Errors
    /// The line that is none.
    fn parse(text: &str) -> Result<Self, String> {
        let mut snapshot = Self::default();
        for line in text.lines() {
            if line.starts_with('#') {
                snapshot.comments.push(line.to_owned());
            } else if !line.trim().is_empty() {
                let parsed = line.rsplit_once(' ').and_then(|(what, gas)| Some((what.to_owned(), gas.parse().ok()?)));
                let (what, gas) = parsed.ok_or_else(|| format!("{FILE}: {line:?} is no line of it"))?;
                snapshot.gas.insert(what, gas);
            }
        }
        Ok(snapshot)
    }

    fn text(&self) -> String {
        let mut text: String = self.comments.iter().map(|line| format!("{line}\n")).collect();
        for (what, gas) in &self.gas {
            writeln!(text, "{what} {gas}").expect("writing to a string does not fail");
        }
        text
    }

    /// In hundredths of a percent.
    fn tolerance(&self) -> Result<u64, String> {
        let said = self.comments.iter().find_map(|line| line.strip_prefix(TOLERANCE_LINE));
        said.map_or(Ok(TOLERANCE), |text| {
            let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
            let hundredths = format!("{whole}{part:0<2}").parse().ok().filter(|_| part.len() <= 2);
            hundredths.ok_or_else(|| format!("{FILE}: {text:?} is no tolerance: write it in percent, such as 0.5"))
        })
    }
}

/// Measurements are called by their test and their own name.
fn of_test<'m>(test: &str, measured: &'m Measured) -> impl Iterator<Item = (String, u64)> + 'm {
    let test = test.to_owned();
    measured.iter().map(move |(what, gas)| (format!("{test}: {what}"), *gas))
}

/// Compares what a test measured with the file, or writes it there if that is asked for.
///
/// # Errors
/// What changed by more than the tolerance, in percent; or what is wrong with the file.
pub(crate) fn settle(folder: &Path, test: &str, measured: &Measured) -> Result<(), String> {
    let path = folder.join(FILE);
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let asked = std::env::var(WRITE).unwrap_or_default();
    if asked == "write" {
        // Tests run side by side: one at a time reads, changes and writes the file.
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let text = written(&text, test, measured)?;
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes())).map_err(failed)?;
        return Ok(());
    }
    if !asked.is_empty() {
        return Err(format!("{WRITE} is {asked:?}: only `write` means something"));
    }
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.map_err(failed)?,
    };
    let (changes, is_too_much) = compared(&text, test, measured)?;
    if is_too_much {
        let advice = format!("if that is right, write the new numbers with {WRITE}=write");
        return Err(format!("gas differs from {}:{changes}\n{advice}", path.display()));
    }
    if !changes.is_empty() {
        eprintln!("gas differs from {}, within the tolerance:{changes}", path.display());
    }
    Ok(())
}

/// The file with a test's lines replaced.
fn written(text: &str, test: &str, measured: &Measured) -> Result<String, String> {
    let mut snapshot = Snapshot::parse(text)?;
    let prefix = format!("{test}: ");
    snapshot.gas.retain(|what, _| !what.starts_with(&prefix));
    snapshot.gas.extend(of_test(test, measured));
    Ok(snapshot.text())
}

/// What changed, a line each, and whether any of it is too much.
fn compared(text: &str, test: &str, measured: &Measured) -> Result<(String, bool), String> {
    let snapshot = Snapshot::parse(text)?;
    let tolerance = snapshot.tolerance()?;
    let prefix = format!("{test}: ");
    let before: Measured = snapshot.gas.into_iter().filter(|(what, _)| what.starts_with(&prefix)).collect();
    let now: Measured = of_test(test, measured).collect();
    let (mut changes, mut is_too_much) = (String::new(), false);
    for what in before.keys().chain(now.keys().filter(|what| !before.contains_key(*what))) {
        let line = match (before.get(what), now.get(what)) {
            (Some(before), Some(now)) if before == now => continue,
            (Some(before), Some(now)) => {
                let hundredths = u128::from(before.abs_diff(*now)) * 10_000 / u128::from((*before).max(1));
                is_too_much |= hundredths > u128::from(tolerance);
                let sign = if now > before { '+' } else { '-' };
                format!("{before} → {now} ({sign}{}.{:02} %)", hundredths / 100, hundredths % 100)
            }
            (Some(before), None) => {
                is_too_much = true;
                format!("{before}, and is not measured any more")
            }
            (None, now) => {
                is_too_much = true;
                format!("{}, which was not measured before", now.copied().unwrap_or_default())
            }
        };
        write!(changes, "\n  {what}: {line}").expect("writing to a string does not fail");
    }
    Ok((changes, is_too_much))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(gas: &[(&str, u64)]) -> Measured {
        gas.iter().map(|(what, gas)| ((*what).to_owned(), *gas)).collect()
    }

    #[test]
    fn a_tests_lines_are_replaced_and_the_others_stay_sorted() {
        let text = "# tolerance 2\nb::t: one 100\nb::t: two 200\na::u: one 5\n";
        let written = written(text, "b::t", &measured(&[("three", 300), ("one", 101)])).expect("it is a snapshot");
        assert_eq!(written, "# tolerance 2\na::u: one 5\nb::t: one 101\nb::t: three 300\n");
        assert_eq!(compared(&written, "b::t", &measured(&[("three", 300), ("one", 101)])), Ok((String::new(), false)));
    }

    #[test]
    fn changes_are_told_in_percent_and_too_much_fails() {
        let text = "t: one 10000\n";
        let told = |gas| compared(text, "t", &measured(&[("one", gas)])).expect("it is a snapshot");
        assert_eq!(told(10_100), ("\n  t: one: 10000 → 10100 (+1.00 %)".to_owned(), false));
        assert_eq!(told(10_101), ("\n  t: one: 10000 → 10101 (+1.01 %)".to_owned(), true));
        assert_eq!(told(9_800), ("\n  t: one: 10000 → 9800 (-2.00 %)".to_owned(), true));
        let strict = format!("{TOLERANCE_LINE}0.05\n{text}");
        assert!(compared(&strict, "t", &measured(&[("one", 10_006)])).expect("it is a snapshot").1);
        assert!(!compared(&strict, "t", &measured(&[("one", 10_005)])).expect("it is a snapshot").1);
    }

    #[test]
    fn what_comes_and_what_goes_fails() {
        let (told, is_too_much) = compared("t: one 1\n", "t", &measured(&[("two", 2)])).expect("it is a snapshot");
        assert!(is_too_much);
        assert_eq!(told, "\n  t: one: 1, and is not measured any more\n  t: two: 2, which was not measured before");
        assert_eq!(compared("x::t: one 1\n", "t", &Measured::new()), Ok((String::new(), false)), "another test's");
        assert!(compared("nonsense\n", "t", &Measured::new()).is_err());
        assert!(compared("# tolerance lots\n", "t", &Measured::new()).is_err());
    }
}
