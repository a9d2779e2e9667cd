//! `esker upgrade`, and `--upgrade` where networks begin.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use esker::chain::open_state_dir;
use serde_json::{Value, json};

use crate::process::{Run, command, finish};

/// The home of a new network, and its genesis file.
fn home(folder: &Path, more: &[&str]) -> (PathBuf, PathBuf) {
    let home = folder.join("home");
    let mut init = command(&["init", "--chain-id", "7700", "--home"]);
    let run = finish(init.arg(&home).args(more).env("ESKER_KEYSTORE_PASSWORD", "secret"));
    run.expect(0);
    let genesis = home.join("genesis.json");
    (home, genesis)
}

fn upgrade(home: &Path, more: &[&str]) -> Run {
    finish(command(&["upgrade", "--home"]).arg(home).args(more))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("there is a genesis")).expect("it is JSON")
}

#[test]
fn an_upgrade_is_planned_moved_and_called_off() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (home, path) = home(folder.path(), &[]);
    let mut begun = read(&path);
    assert!(begun["config"]["chainId"] == 7700 && begun["config"].get("upgrades").is_none(), "{begun}");
    let told = upgrade(&home, &["--json"]).expect(0).json();
    assert_eq!(
        told,
        json!({"home": home, "latestKnownVersion": 2, "blockNumber": null, "version": null, "upgrades": []}),
        "nothing is planned"
    );
    // What others put into the file stays, and so does who may read it.
    begun["note"] = json!({"of": "an operator", "large": u64::MAX});
    begun["config"]["homesteadBlock"] = json!(0);
    fs::write(&path, begun.to_string()).expect("writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");

    let planned = upgrade(&home, &["--version", "2", "--height", "1200000", "--json"]).expect(0).json();
    assert_eq!(planned["upgrades"], json!([{"version": 2, "height": 1_200_000, "isKnown": true}]));
    let mut expected = begun.clone();
    expected["config"]["upgrades"] = json!({"2": 1_200_000});
    assert_eq!(read(&path), expected);
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o640);
    assert!(!path.with_file_name("genesis.json.unfinished").exists());

    let moved = upgrade(&home, &["--version", "2", "--height", "9007199254740991"]).expect(0);
    assert!(moved.stdout.contains("to version 2 from block 9007199254740991"), "{moved:#?}");
    assert!(moved.stdout.contains("Every node of the network needs the same"), "{moved:#?}");
    upgrade(&home, &["--version", "2", "--remove"]).expect(0);
    assert_eq!(read(&path), begun);
    let shown = upgrade(&home, &[]).expect(0);
    assert!(shown.stdout.contains("upgrades") && shown.stdout.contains("none"), "{shown:#?}");
}

#[test]
fn what_cannot_be_planned_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (home, path) = home(folder.path(), &["--upgrade", "2=500"]);
    let begun = fs::read_to_string(&path).expect("readable");
    assert_eq!(read(&path)["config"]["upgrades"], json!({"2": 500}));
    let cases: [(&[&str], i32, &str); 11] = [
        (&["--version", "3", "--height", "600"], 2, "versions 1 to 2, not 3"),
        (&["--version", "1", "--height", "600"], 2, "upgrades are to version 2 and later, not 1"),
        (&["--version", "0", "--height", "600"], 2, "not 0"),
        (&["--version", "2", "--height", "0"], 2, "block 0 is what the chain began with"),
        (&["--version", "2", "--height", "18446744073709551615"], 2, "no chain comes to block 18446744073709551615"),
        (&["--version", "2", "--height", "9007199254740992"], 2, "name one up to 9007199254740991"),
        (&["--version", "3", "--remove"], 2, "there is no upgrade to version 3"),
        (&["--version", "2"], 2, "--height"),
        (&["--height", "600"], 2, "--version"),
        (&["--version", "2", "--height", "600", "--remove"], 2, "cannot be used with"),
        (&["--version", "2", "--height", "-1"], 2, "unexpected argument"),
    ];
    for (arguments, code, words) in cases {
        let run = upgrade(&home, arguments).expect(code);
        assert!(run.stderr.contains(words), "{arguments:?}: {run:#?}");
        assert_eq!(fs::read_to_string(&path).expect("readable"), begun, "{arguments:?}");
    }
    // A running node has the store.
    let store = open_state_dir(&home.join("data/db"), 1 << 20).expect("nobody has it");
    let run = upgrade(&home, &["--version", "2", "--height", "600"]).expect(3);
    assert!(run.stderr.contains("stop the node first"), "{run:#?}");
    assert_eq!(fs::read_to_string(&path).expect("readable"), begun);
    upgrade(&home, &[]).expect(0);
    drop(store);
    upgrade(&home, &["--version", "2", "--height", "600"]).expect(0);

    // Tables that cannot be are refused where they are read.
    for (table, words) in [
        (r#"{"2":5,"3":5}"#, "heights grow with versions"),
        (r#"{"2":5,"2":6}"#, "stands twice"),
        (r#"{"1":5}"#, "upgrades are to version 2"),
        (r#"{"2":"5"}"#, "expected u64"),
        ("[]", "a map of protocol versions"),
    ] {
        fs::write(&path, begun.replace("{\n      \"2\": 500\n    }", table)).expect("writable");
        let run = upgrade(&home, &[]).expect(2);
        assert!(run.stderr.contains(words) && run.stderr.contains("esker upgrade"), "{table}: {run:#?}");
    }
}

#[test]
fn a_network_can_begin_with_a_plan() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("net");
    let testnet = |upgrades: &[&str]| {
        let mut testnet = command(&["testnet", "--validators", "1", "--json", "--output"]);
        finish(testnet.arg(&output).args(upgrades))
    };
    for (upgrades, words) in [
        (&["--upgrade", "3=5"][..], "versions 1 to 2, not 3"),
        (&["--upgrade", "1=5"], "version 2 and later"),
        (&["--upgrade", "2"], "has no \\\"=\\\""),
        (&["--upgrade", "two=5"], "is no version"),
        (&["--upgrade", "2=soon"], "is no block's number"),
        (&["--upgrade", "2=5", "--upgrade", "2=6"], "given two heights"),
    ] {
        let run = testnet(upgrades).expect(2);
        assert!(run.stdout.contains(words), "{upgrades:?}: {run:#?}");
        assert!(!output.exists());
    }
    testnet(&["--upgrade", "2=0"]).expect(0);
    // Founders see it: the hash that they compare does not cover it.
    let genesis = output.join("node0/genesis.json");
    let shown = finish(command(&["genesis", "show"]).arg(&genesis)).expect(0);
    assert!(
        shown.stdout.contains("to version 2 from block 0") && shown.stdout.contains("no part of the hash"),
        "{shown:#?}"
    );
    let shown = finish(command(&["genesis", "show", "--json"]).arg(&genesis)).expect(0).json();
    assert_eq!(shown["upgrades"], json!({"2": 0}));
    let accounts = shown["accounts"].as_array().expect("a list");
    assert!(accounts.iter().any(|one| one["isContract"] == true && one["slots"].as_u64() > Some(3)), "{accounts:?}");
    let genesis = read(&output.join("genesis.json"));
    assert_eq!(genesis["config"]["upgrades"], json!({"2": 0}));
    assert_eq!(read(&output.join("node0/genesis.json")), genesis);

    // A home that joins has the network's plan.
    let joined = folder.path().join("joined");
    let mut init = command(&["init", "--full-node", "--genesis"]);
    finish(init.arg(output.join("genesis.json")).arg("--home").arg(&joined)).expect(0);
    assert_eq!(read(&joined.join("genesis.json")), genesis);
    let mut init = command(&["init", "--full-node", "--upgrade", "2=9", "--genesis"]);
    let run = finish(init.arg(output.join("genesis.json")).arg("--home").arg(folder.path().join("no"))).expect(2);
    assert!(run.stderr.contains("cannot be used with"), "{run:#?}");
}
