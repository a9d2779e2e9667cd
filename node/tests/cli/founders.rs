//! Several operators who begin a network together: `esker init --founder`, `esker genesis`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{Run, command, finish};

fn run(folder: &Path, arguments: &[&str]) -> Run {
    finish(command(arguments).current_dir(folder).env("ESKER_KEYSTORE_PASSWORD", "secret"))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("it is there")).expect("it is JSON")
}

const CREATE: &[&str] = &["genesis", "create", "a/founder.json", "b/founder.json", "--chain-id", "7700"];

#[test]
fn founders_make_one_genesis() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    let mut founders = Vec::new();
    for (home, bond, commission) in [("a", "20ether", "0%"), ("b", "50ether", "2.5%")] {
        let arguments = [
            "init",
            "--home",
            home,
            "--founder",
            "--chain-id",
            "7700",
            "--self-bond",
            bond,
            "--commission",
            commission,
        ];
        let made = run(path, &[&arguments[..], &["--json"]].concat()).expect(0).json();
        assert_eq!((&made["chainId"], &made["isValidator"]), (&json!(7700), &json!(false)));
        assert_eq!(read(&path.join(home).join("founder.json")), made["founder"]);
        assert!(!path.join(home).join("genesis.json").exists());
        founders.push(made);
    }
    let early = run(path, &["node", "--home", "a"]).expect(2);
    assert!(early.stderr.contains("has no genesis.json yet") && early.stderr.contains("copy it to a/genesis.json"));

    fs::write(path.join("staking.toml"), "epoch_length = 20\nslash = \"10%\"\n").expect("writable");
    let fund = "0x00000000000000000000000000000000000000aa=5";
    let more = ["--output", "genesis.json", "--staking", "staking.toml", "--fund", fund, "--json"];
    let genesis = run(path, &[CREATE, &more].concat()).expect(0).json();
    let set = genesis["validators"].as_array().expect("a list");
    // By most stake.
    for (entry, founder, power, commission) in [(&set[0], &founders[1], 50, 250), (&set[1], &founders[0], 20, 0)] {
        assert_eq!(entry["address"], founder["founder"]["operator"]);
        assert_eq!(entry["publicKey"], founder["founder"]["publicKey"]);
        assert_eq!(entry["selfBond"], founder["founder"]["selfBond"]);
        assert_eq!((&entry["power"], &entry["commissionBps"]), (&json!(power), &json!(commission)));
    }
    assert_eq!((&genesis["staking"]["epochLength"], &genesis["staking"]["slashBps"]), (&json!(20), &json!(1_000)));
    assert_eq!(genesis["supply"], json!("77000000000000000000"), "70 bonded, 5 given away, 2 to report offences with");
    let shown = run(path, &["genesis", "show", "genesis.json", "--json"]).expect(0).json();
    assert_eq!((&shown["hash"], &shown["validators"]), (&genesis["hash"], &genesis["validators"]));
    let text = run(path, &["genesis", "show", "genesis.json"]).expect(0).stdout;
    assert!(text.contains("50 ether   2.5%") && text.contains("of 20 blocks"), "{text}");

    fs::copy(path.join("genesis.json"), path.join("a/genesis.json")).expect("writable");
    let home = esker::home::Home::open(&path.join("a")).expect("a home");
    assert_eq!(json!(home.genesis.validators[1].address), founders[0]["founder"]["operator"]);

    // With staking nobody edits the list: neither a node nor a new home takes it.
    let mut edited = read(&path.join("genesis.json"));
    edited["validators"][0]["power"] = json!(51);
    fs::write(path.join("a/genesis.json"), edited.to_string()).expect("writable");
    for arguments in [
        &["node", "--home", "a"][..],
        &["genesis", "show", "a/genesis.json"],
        &["init", "--home", "c", "--genesis", "a/genesis.json"],
    ] {
        let refused = run(path, arguments).expect(2);
        assert!(refused.stderr.contains("disagree on validator 0"), "{refused:#?}");
        assert!(refused.stderr.contains("esker genesis create"), "{refused:#?}");
    }
    assert!(!path.join("c").exists());
}

#[test]
fn founders_files_that_do_not_fit_are_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    for home in ["a", "b"] {
        run(path, &["init", "--home", home, "--founder", "--chain-id", "7700", "--self-bond", "20ether"]).expect(0);
    }
    let mut changed = read(&path.join("b/founder.json"));
    changed["operator"] = json!("0x00000000000000000000000000000000000000aa");
    fs::write(path.join("changed.json"), changed.to_string()).expect("writable");
    fs::write(path.join("note.txt"), "hello").expect("writable");
    fs::write(path.join("taken.json"), "mine").expect("writable");
    let cases: &[(&[&str], &str)] = &[
        (&["a/founder.json", "--chain-id", "7701"], "it is for the chain id 7700"),
        (&["a/founder.json", "a/founder.json", "--chain-id", "7700"], "is also in a/founder.json"),
        (&["a/founder.json", "changed.json", "--chain-id", "7700"], "the proof in changed.json is not good"),
        (&["a/founder.json", "note.txt", "--chain-id", "7700"], "note.txt is no founder's file"),
        (&["a/founder.json", "absent.json", "--chain-id", "7700"], "absent.json is missing"),
        (&["a/founder.json", "--chain-id", "7700", "--min-self-bond", "30ether"], "the least is 30 ether"),
        (&["a/founder.json", "--chain-id", "7700", "--gas-limit", "5"], "gas limit"),
        (&["a/founder.json", "b/founder.json", "--chain-id", "7700", "--max-validators", "1"], "left out would be 0x"),
        (&["--chain-id", "7700"], "FILE"),
        (&["a/founder.json"], "--chain-id"),
    ];
    for (more, words) in cases {
        let refused = run(path, &[&["genesis", "create", "--output", "new.json"][..], more].concat()).expect(2);
        assert!(refused.stderr.contains(words), "{more:?}: {refused:#?}");
        assert!(!path.join("new.json").exists(), "{more:?}: something is left");
    }
    let refused = run(path, &[CREATE, &["--output", "taken.json"]].concat()).expect(2);
    assert!(refused.stderr.contains("is there already"), "{refused:#?}");
    assert_eq!(fs::read_to_string(path.join("taken.json")).expect("readable"), "mine");
    let nothing = run(path, &["genesis", "show", "note.txt"]).expect(2);
    assert!(nothing.stderr.contains("is no genesis"), "{nothing:#?}");
}
