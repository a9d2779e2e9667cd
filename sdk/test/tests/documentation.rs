//! What an artifact says of a contract is what its source says.

use std::path::Path;

use esker_erc20::Erc20;
use esker_sdk::Contract;
use esker_sdk_build::{ToStderr, build_once};

#[test]
fn an_artifacts_documentation_is_that_of_the_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/erc20");
    let built = build_once(&folder, &ToStderr).expect("it builds");
    let docs = esker_sdk::abi::natspec(Erc20::ABI);
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("it is JSON");
    assert_eq!((&built.artifact.docs.user, &built.artifact.docs.dev), (&read(&docs.user), &read(&docs.dev)));
    assert_eq!(built.artifact.docs.user["methods"]["totalSupply()"]["notice"], "How many tokens there are.");
    // The module itself does not pay for it.
    let text = String::from_utf8_lossy(&built.wasm);
    assert!(!text.contains("esker.docs") && text.contains("esker.build"));
}
