//! `docs/spec/light.md` in files, `tests/vectors/light/`: a chain whose validator set changes, made by the node's code, as a
//! light client follows it; and what a light client must refuse. `ESKER_BLESS=1` writes them anew.

mod chain;
mod crafted;
mod good;
mod node;
mod refused;
mod sets;

use esker_tests::workspace_root;
use serde_json::Value;

/// Compares what was made now with the committed file.
fn hold(name: &str, made: &Value) {
    let path = workspace_root().join("tests/vectors/light").join(name);
    if std::env::var_os("ESKER_BLESS").is_some() {
        let text = serde_json::to_string_pretty(made).expect("it is JSON");
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the tree is writable");
        std::fs::write(&path, text + "\n").expect("the tree is writable");
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let committed: Value = serde_json::from_str(&text).expect("the vector is JSON");
    assert_eq!(*made, committed, "{name}: see tests/vectors/README.md for how to write it anew");
}
