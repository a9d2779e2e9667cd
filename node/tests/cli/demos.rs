//! `esker demo`, interrupted: what it began ends with it. Where nothing compiles contracts, the test says so and does nothing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use esker_sdk_build::{ToStderr, Toolchain, ToolchainOptions};
use rustix::process::{Pid, Signal, kill_process};

use crate::process::command;

/// Set to anything but 0, a machine that compiles no contracts is a failure.
const REQUIRED: &str = "ESKER_REQUIRE_COMPILER";

/// The processes that were started with something below `folder`.
fn processes(folder: &Path) -> Vec<PathBuf> {
    let wanted = folder.to_str().expect("text");
    let all = fs::read_dir("/proc").expect("a list of processes").map(|entry| entry.expect("a process").path());
    all.filter(|process| {
        let words = fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(wanted)
    })
    .collect()
}

#[test]
fn an_interrupted_demonstration_leaves_nothing_behind() {
    let options = ToolchainOptions::from_env(env!("CARGO_MANIFEST_DIR")).expect("a cache folder");
    if let Err(error) = Toolchain::find(&options, &ToStderr) {
        let is_required = std::env::var_os(REQUIRED).is_some_and(|value| !value.is_empty() && value != "0");
        assert!(!is_required, "{REQUIRED} is set, but nothing here compiles contracts: {error}");
        eprintln!("SKIPPED ({REQUIRED}=1 makes it a failure): {error}");
        return;
    }
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts");
    for signal in [Signal::INT, Signal::TERM] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let temporary = folder.path().join("temporary");
        fs::create_dir(&temporary).expect("made");
        let mut demo = command(&["demo", "--transfers", "100000", "--out"]);
        demo.arg(folder.path().join("out")).arg("--contracts").arg(&contracts).env("TMPDIR", &temporary);
        let mut demo = demo.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(demo.stderr.take().expect("piped")).lines().map(|line| line.expect("text"));
        let told: Vec<String> = lines.by_ref().take_while(|line| !line.contains("four processes")).collect();
        assert_eq!(processes(&temporary).len(), 4, "{told:#?}");
        kill_process(Pid::from_child(&demo), signal).expect("it runs");
        let rest: Vec<String> = lines.collect();
        assert_eq!(demo.wait().expect("it ends").code(), Some(1), "{rest:#?}");
        assert!(rest.iter().any(|line| line.contains("interrupted")), "{rest:#?}");
        assert_eq!(processes(&temporary), [] as [PathBuf; 0]);
        assert_eq!(fs::read_dir(&temporary).expect("readable").count(), 0, "nothing is left of the network");
    }
}
