//! The vectors of `tests/vectors/charges`: functions with one instruction a line, and behind each what is charged just
//! before it. `ESKER_BLESS=1` writes the amounts anew; what the files say about them stays.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use esker_abi::{Limits, MeterCosts};
use wasmparser::{Parser, Payload};

use super::segments::charges;
use crate::validate::validate;

/// Where the remarks begin.
const COLUMN: usize = 36;
/// Stands behind an instruction that nothing reaches.
const UNREACHED: &str = "unreached";

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/charges");
    let entries = std::fs::read_dir(folder).expect("the vectors stand in the repository");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.sort();
    files
}

/// What is charged just before each instruction of each function, in the order of the code; `None` where it is not
/// reached.
fn charged(wasm: &[u8]) -> Vec<Vec<Option<u64>>> {
    let module = validate(wasm, &Limits::V1).unwrap_or_else(|reason| panic!("refused: {reason}"));
    let mut functions = module.functions.iter();
    let bodies = Parser::new(0).parse_all(wasm).filter_map(|payload| match payload.expect("it was accepted") {
        Payload::CodeSectionEntry(body) => Some(body),
        _ => None,
    });
    let of_body = |body: wasmparser::FunctionBody<'_>| {
        let function = functions.next().expect("as many bodies as functions");
        let charges = charges(&module, function, &MeterCosts::V1);
        let start_of = |offset: usize| wasm.get(offset..).expect("offsets lie in the module").as_ptr();
        let mut operators = body.get_operators_reader().expect("it was accepted");
        let mut amounts = Vec::new();
        while !operators.eof() {
            let (_, offset) = operators.read_with_offset().expect("it was accepted");
            // Only code that is reached was kept; each instruction still is a part of the module's bytes.
            let index =
                function.code.iter().position(|kept| !kept.bytes.is_empty() && kept.bytes.as_ptr() == start_of(offset));
            amounts.push(index.map(|index| charges[index]));
        }
        amounts
    };
    bodies.map(of_body).collect()
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a file says about an instruction: the remark behind `;;` without the amount.
fn remark(line: &str) -> &str {
    let Some((_, comment)) = line.split_once(";;") else { return "" };
    let comment = comment.trim();
    let (first, rest) = comment.split_once(' ').unwrap_or((comment, ""));
    let is_amount = first == UNREACHED || first.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
    if is_amount { rest.trim() } else { comment }
}

/// The file as it should be.
fn annotated(text: &str) -> String {
    let wasm = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut functions = charged(&wasm).into_iter();
    let mut open: Option<std::vec::IntoIter<Option<u64>>> = None;
    let mut written = String::new();
    for line in text.lines() {
        let code = line.split(";;").next().unwrap_or_default().trim_end();
        let instruction = code.trim();
        let mut amount = None;
        if instruction.starts_with("(func") && !instruction.ends_with("))") {
            open = Some(functions.next().expect("a body for each function").into_iter());
        } else if let Some(amounts) = open.as_mut().filter(|_| !instruction.is_empty()) {
            amount = Some(amounts.next().expect("one instruction a line"));
            if instruction == ")" {
                assert!(amounts.next().is_none(), "one instruction a line");
                open = None;
            }
        }
        let amount = match amount {
            None => {
                writeln!(written, "{line}").expect("writing to a string");
                continue;
            }
            // The end of a function is written as its closing parenthesis.
            Some(None) if instruction == ")" => String::new(),
            Some(None) => UNREACHED.to_owned(),
            Some(Some(0)) => String::new(),
            Some(Some(amount)) => grouped(amount),
        };
        let comment = [amount.as_str(), remark(line)].join(" ");
        match comment.trim() {
            "" => writeln!(written, "{code}"),
            comment => writeln!(written, "{code:COLUMN$};; {comment}"),
        }
        .expect("writing to a string");
    }
    written
}

#[allow(clippy::disallowed_methods, reason = "a test's switch, no consensus code")]
fn blessing() -> bool {
    std::env::var_os("ESKER_BLESS").is_some()
}

#[test]
fn every_charge_is_where_the_vectors_say() {
    let files = files();
    assert!(files.len() >= 8, "the vectors are there: {}", files.len());
    for path in files {
        let text = std::fs::read_to_string(&path).expect("the vector can be read");
        let expected = annotated(&text);
        if blessing() {
            std::fs::write(&path, &expected).expect("the tree is writable");
        } else {
            assert_eq!(text, expected, "{} is out of date: ESKER_BLESS=1", path.display());
        }
    }
}

#[test]
fn a_remark_is_kept_and_an_amount_is_not_one() {
    assert_eq!(remark("  nop ;; 1,500 what it is"), "what it is");
    assert_eq!(remark("  nop ;; unreached"), "");
    assert_eq!(remark("  nop ;; what it is"), "what it is");
    assert_eq!(remark("  nop"), "");
}
