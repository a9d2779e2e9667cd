//! The contracts whose bytes are part of the repository, against what their sources build to, and the size of what is
//! built. Where no compiler for wasm is at hand, or another than the one recorded, it says so and compares what does not
//! depend on the compiler.

use std::path::PathBuf;
use std::sync::Arc;

use esker_sdk_build::{Artifact, BuildError, Built, ToStderr, build_once};
use esker_tests::{skipped, workspace_root};

/// An ERC-20's wasm may not be larger (bytes).
const ERC20_BYTES: u64 = 16 << 10;

/// Where the bytes of a contract lie that is part of the node.
fn part_of_the_node(name: &str) -> PathBuf {
    workspace_root().join("node/contracts").join(format!("{name}.json"))
}

fn committed(name: &str) -> PathBuf {
    workspace_root().join("tests/vectors/artifacts").join(format!("{name}.json"))
}

/// The contract in `contracts/FOLDER`, built; `None` where nothing compiles wasm.
fn built(folder: &str) -> Option<Arc<Built>> {
    match build_once(&workspace_root().join("contracts").join(folder), &ToStderr) {
        Ok(built) => Some(built),
        Err(error) if matches!(*error, BuildError::Toolchain(_)) => {
            skipped(&format!("contracts/{folder} was not built: {error}"));
            None
        }
        Err(error) => panic!("contracts/{folder} does not build: {error}"),
    }
}

#[test]
fn committed_artifacts_are_what_their_sources_build_to() {
    let contracts =
        [("erc20", committed("Erc20")), ("erc721", committed("Erc721")), ("staking", part_of_the_node("Staking"))];
    for (folder, path) in contracts {
        let Some(built) = built(folder) else { return };
        let name = &built.artifact.contract_name;
        if std::env::var_os("ESKER_BLESS").is_some() {
            built.artifact.write(path.parent().expect("a file lies in a folder")).expect("the tree is writable");
        }
        let committed = Artifact::read(&path).expect("a committed artifact is one");
        let advice = "after a change of the contract or the SDK, ESKER_BLESS=1 writes it anew: run this test with it, then the determinism test";
        assert_eq!(committed.abi, built.artifact.abi, "{name}: {advice}");
        if committed.toolchain == built.artifact.toolchain {
            assert_eq!(committed, built.artifact, "{name}: {advice}");
        } else {
            skipped(&format!(
                "{name}'s bytes were not compared: it was built with {:?}, here is {:?}",
                committed.toolchain, built.artifact.toolchain
            ));
        }
    }
}

#[test]
fn an_erc20_fits_in_16_kib() {
    let mut sizes = vec![("committed", Artifact::read(&committed("Erc20")).expect("a committed artifact is one").size)];
    sizes.extend(built("erc20").map(|built| ("built", built.artifact.size)));
    for (which, size) in sizes {
        assert!(size.wasm <= ERC20_BYTES, "the {which} ERC-20 has {} bytes, more than {ERC20_BYTES}", size.wasm);
    }
}

/// Contracts with `#[contract(erc165)]`, whose answer is about the same traits and components as the description of the ABI.
#[test]
fn no_module_carries_its_documentation() {
    for folder in ["prediction-market", "erc1155", "timelock"] {
        let Some(built) = built(folder) else { return };
        let methods = built.artifact.docs.user["methods"].as_object().expect("methods are documented");
        let notices = methods.values().filter_map(|method| method["notice"].as_str());
        // So much of each as stands in one line of its source.
        let heads: Vec<&str> = notices.filter_map(|notice| notice.get(..24)).collect();
        assert!(heads.len() > 5, "contracts/{folder} has documentation: {heads:?}");
        for head in heads {
            let carries = built.wasm.windows(head.len()).any(|bytes| bytes == head.as_bytes());
            assert!(!carries, "the module of contracts/{folder} has the text {head:?}");
        }
    }
}
