//! Help, wrong usage, and how the process ends.

use std::process::Stdio;

use clap::Command;

use crate::process::{command, esker};

/// The names of every command, from the root to each leaf.
pub fn paths(command: &Command) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        for mut path in paths(inner) {
            path.insert(0, inner.get_name().to_owned());
            all.push(path);
        }
    }
    all
}

#[test]
fn every_command_has_help_with_examples() {
    for path in paths(&esker::cli::tree()) {
        for flag in ["--help", "-h"] {
            let mut arguments = path.clone();
            arguments.push(flag.to_owned());
            let run = esker(&arguments).expect(0);
            assert!(run.stdout.contains("Usage: esker"), "{path:?}: {run:?}");
            assert!(path.is_empty() || run.stdout.contains("Examples:"), "{path:?} has no examples");
        }
    }
}

#[test]
fn the_version_is_the_packages() {
    let run = esker(&["--version"]).expect(0);
    assert_eq!(run.stdout.trim(), format!("esker {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_wrong() {
    const TO: &str = "0x00000000000000000000000000000000000000aa";
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["nonsense"], "nonsense"),
        (&["call"], "required"),
        (&["call", TO, "f()", "--nonsense"], "--nonsense"),
        (&["call", "0x12", "f()"], "40 hexadecimal digits"),
        (&["call", TO, "f(uint256)", "abc"], "argument 1 (uint256)"),
        (&["call", TO, "f(uint256)"], "takes 1 argument, 0 given"),
        (&["call", TO, "f"], "--artifact"),
        (&["call", TO, "f("], "is no method's signature"),
        (&["call", TO, "f()", "--block", "newest"], "is no block"),
        (&["call", TO, "f()", "--rpc-url", "ws://localhost:1"], "speaks HTTP"),
        (&["call", TO, "f()", "--rpc-url", "localhost:8545"], "is no url"),
        (&["call", TO, "f()", "--artifact", "/nonexistent.json"], "/nonexistent.json"),
        (&["send", TO, "--value", "1,5ether"], "1,5ether"),
        (&["send", TO, "--value", "1 dollar"], "is no unit"),
        (&["send", TO, "--max-fee", "1gwei", "--legacy"], "--legacy"),
        (&["send", TO, "--private-key", "0x1", "--unlocked"], "cannot be used with"),
        (&["send", TO, "--gas-limit", "1.5"], "is no whole number"),
        (&["deploy", "Nothing"], "there is no artifact"),
        (&["simulate"], "nothing to simulate"),
        (&["simulate", "f()"], "40 hexadecimal digits"),
        (&["simulate", TO, "f()", "--data", "0x12"], "both a method and call data"),
        (&["simulate", "--raw", "0x1234"], "no signed transaction"),
        (&["simulate", "--raw", "0x1234", "--to", TO], "cannot be used with"),
        (&["call", TO, "f()", "--rpc-url", ""], "the url of the JSON-RPC server is empty"),
        (&["dev", "--port", "0", "--gas-limit", "5"], "the gas limit of the genesis is 5"),
        (&["dev", "--port", "0", "--chain-id", "0"], "--chain-id"),
        (&["dev", "--port", "0", "--chain-id", "9223372036854775772"], "--chain-id"),
        (&["dev", "--port", "65536"], "--port"),
        (&["dev", "--port", "0", "--block-time", "0"], "choose from 0.01 seconds"),
        (&["key", "import", "--index", "2147483648", "--mnemonic-file", "x"], "--index"),
        (&["key"], "Usage"),
        (&["key", "new", "../escape"], "cannot be a key's name"),
        (&["state"], "Usage"),
        (&["state", "export", "--state", "x"], "--output"),
        (&["state", "export", "--output", "x"], "required"),
        (&["state", "verify", "--state", "x", "--home", "y"], "cannot be used with"),
        (&["state", "import", "/nonexistent", "--state", "x", "--trusted-hash", "0x12"], "--trusted-hash"),
        (&["state", "import", "/nonexistent", "--state", "x"], "/nonexistent cannot be read"),
        (&["completions", "tcsh"], "tcsh"),
    ];
    for (arguments, words) in cases {
        let run = esker(arguments).expect(2);
        assert!(run.stderr.contains(words), "{arguments:?}: {run:#?}");
        assert!(run.stdout.is_empty(), "{arguments:?}: {run:#?}");
        if arguments.is_empty() || [["key"], ["state"]].iter().any(|whole| arguments == whole) {
            continue;
        }
        let run = esker(&[arguments, &["--json"][..]].concat()).expect(2);
        let object = run.json();
        assert_eq!(object["error"]["kind"], "usage", "{arguments:?}: {object}");
        assert!(object["error"].to_string().contains(&words.replace('"', "\\\"")), "{arguments:?}: {object}");
    }
}

#[test]
fn a_private_key_on_the_command_line_is_never_repeated() {
    let secret = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff8";
    let to = "0x00000000000000000000000000000000000000aa";
    let server = crate::scripted_server::Script::chain().start();
    let run = esker(&["send", to, "--private-key", secret, "--rpc-url", &server.url]).expect(2);
    assert!(run.stderr.contains("the private key is unusable") && !run.stderr.contains(&secret[2..]), "{run:#?}");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let mut child = command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was built with this test");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_infrastructure_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let output = command(&["completions", "bash"]).stdout(full).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("could not be written"), "{output:?}");
}

#[test]
fn completions_name_every_command() {
    let run = esker(&["completions", "bash"]).expect(0);
    for path in paths(&esker::cli::tree()) {
        assert!(path.iter().all(|name| run.stdout.contains(name.as_str())), "{path:?}");
    }
}
