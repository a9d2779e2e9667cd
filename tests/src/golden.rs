//! Golden files below `tests/vectors`: what was made once, is committed, and must come out the same ever after.
//! `ESKER_BLESS=1` writes them anew.

use serde_json::Value;

use crate::workspace_root;

/// What the committed file says, a path below `tests/vectors`. If it is to be written anew, what `make` gives.
///
/// # Panics
/// If the file is missing, is no JSON, or cannot be written.
pub fn committed(file: &str, make: impl FnOnce() -> Value) -> Value {
    let path = workspace_root().join("tests/vectors").join(file);
    if std::env::var_os("ESKER_BLESS").is_some() {
        let text = serde_json::to_string_pretty(&make()).expect("a value is JSON");
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the tree is writable");
        std::fs::write(&path, text + "\n").expect("the tree is writable");
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{} is no JSON: {error}", path.display()))
}

/// Compares what was made now with the committed file, a path below `tests/vectors`.
///
/// # Panics
/// If they differ, and as [`committed`].
#[track_caller]
pub fn hold(file: &str, made: &Value) {
    let committed = committed(file, || made.clone());
    assert_eq!(*made, committed, "{file}: see tests/vectors/README.md for how to write it anew");
}
