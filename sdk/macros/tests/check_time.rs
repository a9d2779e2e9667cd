//! How long the compiler takes for a contract's macros, in processor time and against a contract with one method: what
//! counts is that authors with large contracts do not wait.
#![cfg(target_os = "linux")]

use std::{fmt::Write, fs, path::Path, process::Command};

const METHODS: usize = 60;
/// A contract of sixty methods takes about eight times what one of a single method does. When selectors were hashed several
/// times each, lane by lane, and the JSON was written by the compiler, it was sixty.
const TIMES: u64 = 24;

/// A contract whose methods take and return something of most kinds.
fn source(methods: usize) -> String {
    let mut source = String::from(
        "#![no_std]\nuse esker_sdk::prelude::*;\n\
         #[contract]\npub mod many {\nuse super::*;\n\
         #[storage]\npub struct Many { total: Cell<U256>, balances: Map<Address, U256> }\n\
         #[event]\npub struct Moved { #[indexed] pub to: Address, pub value: U256 }\n\
         #[error]\npub enum Error { Low { have: U256, want: U256 }, Bad }\n\
         impl Many {\n",
    );
    for number in 0..methods {
        let method = match number % 3 {
            0 => {
                "(&mut self, cx: &mut Context, to: Address, value: U256, note: &str) -> Result<bool, Error> {
                    ensure!(!note.is_empty(), Error::Bad);
                    self.balances.at_mut(to).add(value);
                    cx.emit(Moved { to, value });
                    Ok(true)
                }"
            }
            1 => "(&self, owner: Address) -> U256 { self.balances.get(owner) }",
            _ => {
                "(&mut self, list: Vec<U256>, flag: bool) -> (U256, bool) { (self.total.add(1), flag && list.is_empty()) }"
            }
        };
        writeln!(source, "pub fn method_{number}{method}").expect("a string takes everything");
    }
    source + "}\n}\n"
}

/// Processor time of the children that this process has waited for, in clock ticks.
fn children() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells every process about itself");
    // Behind the name, which may hold anything but ends with the last bracket: user and system time of the children are the
    // 14th and 15th figure.
    let figures = stat.rsplit(')').next().expect("there is a name");
    let figure = |index: usize| figures.split_whitespace().nth(index).and_then(|text| text.parse::<u64>().ok());
    figure(13).zip(figure(14)).map(|(user, system)| user + system).expect("they are figures")
}

fn check(folder: &Path, methods: usize, round: usize) -> u64 {
    fs::write(folder.join("src/lib.rs"), format!("{}// {round}\n", source(methods))).expect("the folder takes files");
    let before = children();
    let status = Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--offline", "--target-dir"])
        .arg(folder.join("target"))
        .current_dir(folder)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the contract of {methods} methods compiles");
    children() - before
}

#[test]
fn a_large_contract_is_checked_in_a_few_times_what_a_small_one_takes() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check-time");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::create_dir_all(folder.join("src")).expect("the target folder takes folders");
    let manifest = format!(
        "[package]\nname = \"many\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\n\n[dependencies]\nesker-sdk = {{ path = {:?} }}\n\n[workspace]\n",
        root.join("sdk")
    );
    fs::write(folder.join("Cargo.toml"), manifest).expect("the folder takes files");
    // The versions that are there.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the workspace has a lock file");
    check(&folder, 1, 0);
    let fastest = |methods: usize| (1..=3).map(|round| check(&folder, methods, round)).min().expect("three rounds");
    let (small, large) = (fastest(1), fastest(METHODS));
    assert!(
        large <= TIMES * small.max(5),
        "{METHODS} methods take {large} ticks of processor time, one takes {small}: more than {TIMES} times as long"
    );
}
