//! `esker key`.

use std::path::Path;

use serde_json::json;

use crate::process::{Run, command, finish};
use crate::scripted_server::Script;

const MNEMONIC: &str = "test test test test test test test test test test test junk";
const FIRST: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const FIRST_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

fn key(folder: &Path, password: Option<&str>, arguments: &[&str]) -> Run {
    let mut command = command(arguments);
    command.env("ESKER_KEYSTORE_DIR", folder.join("keys"));
    if let Some(password) = password {
        command.env("ESKER_KEYSTORE_PASSWORD", password);
    }
    finish(&mut command)
}

#[test]
fn a_new_key_is_stored_encrypted_listed_and_opened() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = key(folder.path(), Some("secret"), &["key", "new", "alice", "--json"]).expect(0).json();
    let path = made["keystore"].as_str().expect("a path");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let listed = key(folder.path(), None, &["key", "list", "--json"]).expect(0).json();
    assert_eq!(listed["keys"], json!([{"name": "alice", "address": made["address"], "keystore": path}]));
    let shown = key(folder.path(), None, &["key", "address", "alice"]).expect(0);
    assert_eq!(json!(shown.stdout.trim()), made["address"]);
    key(folder.path(), Some("secret"), &["key", "address", "alice", "--verify"]).expect(0);
    let wrong = key(folder.path(), Some("wrong"), &["key", "address", "alice", "--verify"]).expect(1);
    assert!(wrong.stderr.contains("the password is wrong"), "{wrong:#?}");
    let before = std::fs::read(path).expect("readable");
    let taken = key(folder.path(), Some("secret"), &["key", "new", "alice"]).expect(2);
    assert!(taken.stderr.contains("never overwritten"), "{taken:#?}");
    assert_eq!(std::fs::read(path).expect("readable"), before);
}

#[test]
fn keys_are_imported_from_a_mnemonic_a_key_and_a_keystore() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path.display().to_string()
    };
    let (words, digits) = (write("words", &format!("{MNEMONIC}\n")), write("digits", FIRST_KEY));
    let password = write("password", "secret\n");
    let import = |name: &str, more: &[&str]| {
        let arguments = [&["key", "import", name, "--password-file", &password, "--json"][..], more].concat();
        let run = key(folder.path(), None, &arguments).expect(0);
        assert!(!run.stdout.contains(FIRST_KEY) && run.stderr.is_empty(), "{run:#?}");
        run.json()
    };
    assert_eq!(import("first", &["--mnemonic-file", &words])["address"], FIRST);
    let second = import("second", &["--mnemonic-file", &words, "--index", "1"]);
    assert_eq!(second["address"], "0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
    let by_key = import("by-key", &["--private-key-file", &digits]);
    assert_eq!(by_key["address"], FIRST);
    let copied = import("copied", &["--keystore-file", by_key["keystore"].as_str().expect("a path")]);
    assert_eq!(copied["address"], FIRST);
    for bad in [write("bad-words", "test test"), write("bad-key", "0x12")] {
        let source = if bad.ends_with("words") { "--mnemonic-file" } else { "--private-key-file" };
        let run = key(folder.path(), Some("secret"), &["key", "import", "bad", source, &bad]).expect(2);
        assert!(run.stderr.contains("unusable"), "{run:#?}");
    }
    // A secret in the wrong file stays a secret.
    let run = key(folder.path(), Some("secret"), &["key", "import", "bad", "--mnemonic-file", &digits]).expect(2);
    assert!(run.stderr.contains("it is one word") && !run.stderr.contains(&FIRST_KEY[2..]), "{run:#?}");
    let misspelt = write("misspelt", &MNEMONIC.replacen("test", "tset", 1));
    let run = key(folder.path(), Some("secret"), &["key", "import", "bad", "--mnemonic-file", &misspelt]).expect(2);
    assert!(run.stderr.contains("a word is not in BIP-39's") && !run.stderr.contains("tset"), "{run:#?}");
    // A stored key signs.
    let hash = format!("0x{}", "11".repeat(32));
    let server = Script::chain().answer("eth_sendRawTransaction", json!(hash)).start();
    let to = "0x00000000000000000000000000000000000000aa";
    let arguments = ["send", to, "--keystore", "first", "--gas-limit", "21000", "--no-wait", "--rpc-url", &server.url];
    key(folder.path(), Some("secret"), &arguments).expect(0);
    assert_eq!(
        server.asked("eth_getTransactionCount")[0][0].as_str().map(str::to_lowercase),
        Some(FIRST.to_lowercase())
    );
    let run = key(folder.path(), Some("wrong"), &arguments).expect(1);
    assert!(run.stderr.contains("the password is wrong"), "{run:#?}");
}

#[test]
fn without_a_terminal_a_password_must_be_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = key(folder.path(), None, &["key", "new"]).expect(2);
    assert!(run.stderr.contains("ESKER_KEYSTORE_PASSWORD"), "{run:#?}");
    let run = key(folder.path(), Some(""), &["key", "new"]).expect(2);
    assert!(run.stderr.contains("the password is empty"), "{run:#?}");
    let run = key(folder.path(), None, &["key", "list"]).expect(0);
    assert!(run.stdout.contains("no keys in"), "{run:#?}");
    let run = key(folder.path(), None, &["key", "address", "nobody"]).expect(2);
    assert!(run.stderr.contains("there is no keystore \"nobody\""), "{run:#?}");
}
