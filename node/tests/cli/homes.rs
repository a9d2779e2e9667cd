//! `esker init`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{Run, command, finish};

fn init(folder: &Path, password: Option<&str>, more: &[&str]) -> Run {
    let mut command = command(&[&["init"][..], more].concat());
    command.current_dir(folder);
    if let Some(password) = password {
        command.env("ESKER_KEYSTORE_PASSWORD", password);
    }
    finish(&mut command)
}

fn genesis(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("there is a genesis");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn a_network_begins_with_one_node_and_others_join() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = init(folder.path(), Some("secret"), &["--home", "first", "--chain-id", "7700", "--json"]).expect(0);
    let first = run.json();
    assert_eq!(
        (&first["chainId"], &first["isValidator"], &first["name"]),
        (&json!(7700), &json!(true), &json!("first"))
    );
    let path = folder.path().join("first/genesis.json");
    let begun = genesis(&path);
    assert_eq!(begun["validators"], json!([first["validator"]]));
    let operator = first["validator"]["address"].as_str().expect("an address");
    let ten_thousand = format!("{:#x}", 10_000u128 * 1_000_000_000_000_000_000);
    assert_eq!(begun["alloc"][operator.to_lowercase()]["balance"], json!(ten_thousand), "{begun}");
    let peer_id = first["peerId"].as_str().expect("an id");
    assert_eq!(first["consensus"], json!(format!("/ip4/0.0.0.0/tcp/27000/p2p/{peer_id}")));

    // Its keys open with the password, the operator's as any account's.
    let keystore = folder.path().join("first/keys/operator.json");
    let arguments = ["key", "address", keystore.to_str().expect("text"), "--verify"];
    let shown = finish(command(&arguments).env("ESKER_KEYSTORE_PASSWORD", "secret")).expect(0);
    assert_eq!(shown.stdout.trim().to_lowercase(), operator.to_lowercase());
    let home = esker::home::Home::open(&folder.path().join("first")).expect("a home");
    let key = home.consensus_key("secret").expect("the password fits").expect("it validates");
    assert_eq!(json!(key.public_key()), first["validator"]["publicKey"]);

    // The second knows where the first is, and is none of its validators yet.
    let more = [
        "--home",
        "second",
        "--genesis",
        "first/genesis.json",
        "--peer",
        "node1.example.org:27000",
        "--gossip-peer",
        "10.0.0.1:27001",
        "--block-time",
        "200ms",
        "--engine",
        "pulley",
        "--name",
        "b",
    ];
    let run = init(folder.path(), Some("secret"), &more).expect(0);
    assert!(run.stdout.contains("its key is not among the genesis's validators"), "{run:#?}");
    for words in ["public key  0x", "esker validator create --home second", "esker node --home second"] {
        assert!(run.stdout.contains(words), "{words}: {run:#?}");
    }
    assert_eq!(genesis(&folder.path().join("second/genesis.json")), begun);
    let config = fs::read_to_string(folder.path().join("second/config.toml")).expect("there are settings");
    for line in [
        "name = \"b\"",
        "engine = \"pulley\"",
        "  \"node1.example.org:27000\",",
        "  \"10.0.0.1:27001\",",
        "block_time = \"200ms\"",
        "idle_block_time = \"10s\"",
    ] {
        assert!(config.lines().any(|written| written == line), "{line} is missing in {config}");
    }

    // A full node needs no password.
    let run =
        init(folder.path(), None, &["--home", "third", "--genesis", "first/genesis.json", "--full-node", "--json"]);
    assert_eq!(run.expect(0).json()["validator"], json!(null));
    assert!(!folder.path().join("third/keys/consensus.json").exists());
}

#[test]
fn coins_go_to_whom_the_command_line_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (one, two) = ("0x00000000000000000000000000000000000000aa", "0x00000000000000000000000000000000000000bb");
    let fund = [&format!("{one}=5"), "--fund", &format!("{two}=0")].map(str::to_owned);
    let fund: Vec<&str> = fund.iter().map(String::as_str).collect();
    init(folder.path(), Some("x"), &[&["--home", "home", "--fund"][..], &fund].concat()).expect(0);
    let alloc = genesis(&folder.path().join("home/genesis.json"))["alloc"].clone();
    assert_eq!(
        alloc.as_object().map(serde_json::Map::len),
        Some(4),
        "two accounts, the reporter, the staking contract"
    );
    assert_eq!(alloc[one]["balance"], json!(format!("{:#x}", 5_000_000_000_000_000_000u128)));
}

#[test]
fn a_password_file_is_remembered_and_must_be_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let password = folder.path().join("pass word");
    fs::write(&password, "secret\n").expect("writable");
    let mode = |bits| fs::set_permissions(&password, fs::Permissions::from_mode(bits)).expect("it is ours");
    mode(0o644);
    let run = init(folder.path(), None, &["--home", "home", "--password-file", "pass word"]).expect(2);
    assert!(run.stderr.contains("is not private") && run.stderr.contains("chmod 600"), "{run:#?}");
    assert!(!folder.path().join("home").exists());
    mode(0o600);
    init(folder.path(), None, &["--home", "home", "--password-file", "pass word"]).expect(0);
    let home = esker::home::Home::open(&folder.path().join("home")).expect("a home");
    let kept = home.password().expect("readable");
    assert_eq!(kept.as_deref(), Some("secret"));
    assert!(home.consensus_key("secret").is_ok_and(|key| key.is_some()));
}

#[test]
fn what_cannot_be_made_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("writable");
    write("empty.json", "{}");
    write("nobody.json", "{\"config\": {\"chainId\": 7}, \"gasLimit\": 30000000}");
    fs::create_dir(folder.path().join("full")).expect("writable");
    write("full/note", "x");
    write("file", "x");
    let password = Some("secret");
    let cases: &[(Option<&str>, &[&str], i32, &str)] = &[
        (password, &["--home", "full"], 2, "is not empty"),
        (password, &["--home", "file"], 2, "is no folder"),
        (None, &["--home", "new"], 2, "ESKER_KEYSTORE_PASSWORD"),
        (Some(""), &["--home", "new"], 2, "the password is empty"),
        (password, &["--home", "/dev/null/new"], 2, "is no folder"),
        (password, &["--home", "/proc/new"], 3, "cannot write"),
        (password, &["--home", "new", "--genesis", "absent.json"], 2, "absent.json is missing"),
        (password, &["--home", "new", "--genesis", "empty.json"], 2, "empty.json is no genesis"),
        (password, &["--home", "new", "--genesis", "nobody.json"], 2, "\"validators\" is empty"),
        (password, &["--home", "new", "--full-node"], 2, "--genesis"),
        (password, &["--home", "new", "--gas-limit", "5"], 2, "gas limit"),
        (password, &["--home", "new", "--chain-id", "0"], 2, "0 is not in"),
        (password, &["--home", "new", "--epoch-length", "0"], 2, "0 is not in"),
        (password, &["--home", "new", "--max-validators", "101"], 2, "101 is not in"),
        (password, &["--home", "new", "--min-self-bond", "1"], 2, "from a coin"),
        (password, &["--home", "new", "--self-bond", "100"], 2, "so write 100ether"),
        (password, &["--home", "new", "--self-bond", "3ether", "--min-self-bond", "4ether"], 2, "at least 4 ether"),
        (password, &["--home", "new", "--commission", "101%"], 2, "is no percentage"),
        (password, &["--home", "new", "--inflation", "1 dollar"], 2, "is no unit"),
        (password, &["--home", "new", "--staking", "absent.toml"], 2, "absent.toml is missing"),
        (password, &["--home", "new", "--staking", "file"], 2, "holds no parameters of staking"),
        (password, &["--home", "new", "--genesis", "empty.json", "--epoch-length", "5"], 2, "cannot be used with"),
        (password, &["--home", "new", "--founder"], 2, "--chain-id"),
        (password, &["--home", "new", "--founder", "--chain-id", "7", "--epoch-length", "5"], 2, "cannot be used with"),
        (
            password,
            &["--home", "new", "--fund", "0x0000000000000000000000000000000000001001=5"],
            2,
            "which is the staking contract's",
        ),
        (password, &["--home", "new", "--name", "a b"], 2, "cannot be a node's name"),
        (password, &["--home", "new", "--peer", "10.0.0.1"], 2, "it has no port"),
        (password, &["--home", "new", "--fund", "0x12=5"], 2, "is no address"),
        (password, &["--home", "new", "--block-time", "1"], 2, "lacks a unit"),
        (password, &["--home", "new", "--block-time", "1ms"], 2, "choose from 10ms"),
        (password, &["--home", "new", "--idle-block-time", "1ms"], 2, "from the block time"),
        (password, &["--home", "new", "--engine", "winch"], 2, "choose cranelift or pulley"),
        (password, &["--home", "new", "--rpc-listen", "127.0.0.1:27000"], 2, "are both port 27000"),
    ];
    for (password, more, code, words) in cases {
        let run = init(folder.path(), *password, more).expect(*code);
        assert!(run.stderr.contains(words), "{more:?}: {run:#?}");
        assert!(run.stdout.is_empty() && !folder.path().join("new").exists(), "{more:?}: something is left");
    }
    assert_eq!(fs::read_dir(folder.path().join("full")).expect("readable").count(), 1);

    init(folder.path(), password, &["--home", "home", "--chain-id", "7"]).expect(0);
    let run = init(folder.path(), password, &["--home", "home"]).expect(2);
    assert!(run.stderr.contains("move it away"), "{run:#?}");
    let more = ["--home", "new", "--genesis", "home/genesis.json", "--chain-id", "8"];
    let run = init(folder.path(), password, &more).expect(2);
    assert!(run.stderr.contains("its chain id is 7, --chain-id says 8"), "{run:#?}");
}
