//! `esker verify-header` over servers, with the chain of `tests/vectors/light/`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::{Run, esker_in};
use crate::scripted_server::{Script, Server};

/// Long enough for blocks of the year 2023.
const EVER: &[&str] = &["--trust-period", "99999999999"];

fn chain() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/light/chain.json");
    serde_json::from_slice(&fs::read(path).expect("it is committed")).expect("it is JSON")
}

/// A folder with a trusted state: block 20, the fifth end of an epoch.
fn folder(more: &[&str]) -> tempfile::TempDir {
    let (folder, chain) = (tempfile::tempdir().expect("a temporary folder"), chain());
    let mut blocks = vec![chain["anchor"].clone()];
    blocks.extend(chain["epochEnds"].as_array().expect("a list").iter().cloned());
    fs::write(folder.path().join("blocks"), Value::from(blocks).to_string()).expect("writable");
    let genesis = chain["chain"]["genesisHash"].as_str().expect("a hash");
    let named = ["--chain-id", "31337", "--genesis-hash", genesis, "--epoch-length", "4", "--trust", genesis];
    let files = ["verify-header", "--state", "state", "--light-blocks", "blocks"];
    esker_in(folder.path(), &[&files[..], &named, more].concat()).expect(0);
    folder
}

fn server(block: &Value) -> Server {
    Script::default().answer("eth_chainId", json!("0x7a69")).answer("esker_getLightBlock", block.clone()).start()
}

fn verify(folder: &Path, server: &Server, more: &[&str]) -> Run {
    let usual = ["--json", "verify-header", "--state", "state", "--rpc-url", &server.url];
    esker_in(folder, &[&usual[..], more].concat())
}

#[test]
fn a_server_that_is_behind_is_not_accused() {
    let folder = folder(EVER);
    let before = fs::read(folder.path().join("state")).expect("it was written");
    let server = server(&chain()["epochEnds"][3]);
    let run = verify(folder.path(), &server, EVER).expect(3).json();
    let (message, reason) = (run["error"]["message"].to_string(), run["error"]["reason"].to_string());
    assert!(message.contains("is behind") && reason.contains("last block is 16, and block 20"), "{run:#}");
    assert_eq!(fs::read(folder.path().join("state")).expect("it is there"), before);
    // Asked for by its number it is not what is wanted of a server.
    let run = verify(folder.path(), &server, &[EVER, &["--block", "16"]].concat()).expect(1).json();
    assert!(run["error"]["reason"].to_string().contains("before the trusted block 20"), "{run:#}");
}

#[test]
fn what_was_unchecked_is_confirmed_without_asking_for_its_set() {
    let folder = folder(&["--allow-expired"]);
    let server = server(&chain()["last"]);
    let told = verify(folder.path(), &server, EVER).expect(0).json();
    assert_eq!((&told["block"]["number"], &told["unchecked"]["number"]), (&json!(22), &json!(20)));
    let hash = told["unchecked"]["hash"].as_str().expect("a hash");
    let shown =
        esker_in(folder.path(), &[&["verify-header", "--state", "state", "--rpc-url", &server.url], EVER].concat());
    assert!(shown.expect(0).stdout.contains(&format!("confirm it with --trust {hash}")));
    let confirmed = verify(folder.path(), &server, &[EVER, &["--trust", hash]].concat()).expect(0).json();
    assert_eq!((&confirmed["block"]["number"], &confirmed["unchecked"]), (&json!(22), &Value::Null));
    assert_eq!(verify(folder.path(), &server, EVER).expect(0).json()["unchecked"], Value::Null);
    assert!(server.asked("esker_getLightBlock").iter().all(|asked| *asked == json!(["latest"])));
}

#[test]
fn a_beginning_whose_set_nobody_can_prove_is_refused_with_what_helps() {
    let folder = folder(EVER);
    let words = "no proof of the validator set after block 3 is kept";
    let script = Script::default().answer("eth_chainId", json!("0x7a69"));
    let server = script.refuse("esker_getLightBlock", 4_444, words, None).start();
    let hash = chain()["trusted"][3]["hash"].as_str().expect("a hash").to_owned();
    let run = verify(folder.path(), &server, &["--trust", &hash]);
    let told = run.json()["error"].to_string();
    assert!(told.contains(words) && told.contains("the last block of an epoch"), "{told}");
}
