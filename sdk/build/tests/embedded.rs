//! Contracts that carry the code of others. Where no compiler is at hand, the tests say so and do nothing.

mod support;

use std::fs;
use std::path::Path;

use esker_sdk_build::{BuildError, BuildOptions, OptLevel, Package, Silent, ToolchainOptions, envelope, verify};
use support::{build_in, edit, toolchain};

const PAIR: &str = "#![no_std]
use esker_sdk::prelude::*;
#[contract]
pub mod pair {
    use super::*;
    #[storage]
    pub struct Pair { fee: Cell<U256> }
    impl Pair {
        #[constructor]
        pub fn new(&mut self, fee: U256) { self.fee.set(fee); }
        /// What a swap costs.
        pub fn fee(&self) -> U256 { self.fee.get() }
    }
}
pub use self::pair::*;
";

const FACTORY: &str = "#![no_std]
use esker_sdk::prelude::*;
use my_pair::{Pair, PairHandle};
#[contract]
pub mod factory {
    use super::*;
    const PAIR: Embedded<Pair> = include_contract!(my_pair::Pair);
    #[storage]
    pub struct Factory { last: Cell<Address> }
    impl Factory {
        /// Makes a pair.
        pub fn make(&mut self, cx: &mut Context, fee: U256) {
            let made = PAIR.create(cx, &PairHandle::constructor(fee), U256::ZERO);
            self.last.set(made.map(|pair| pair.address()).unwrap_or_default());
        }
    }
}
";

/// A workspace of a pair and its factory.
fn write(root: &Path) {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the SDK");
    let file = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("in a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    let manifest = |name: &str, more: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\
             [dependencies]\nesker-sdk = {{ path = {sdk:?} }}\n{more}"
        )
    };
    file("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"pair\", \"factory\"]\n");
    file("pair/Cargo.toml", &manifest("pair", ""));
    file("pair/src/lib.rs", PAIR);
    file("factory/Cargo.toml", &manifest("factory", "my-pair = { package = \"pair\", path = \"../pair\" }\n"));
    file("factory/src/lib.rs", FACTORY);
    fs::copy(sdk.join("../Cargo.lock"), root.join("Cargo.lock")).expect("copied");
}

#[test]
fn a_factory_carries_what_the_other_crate_builds_to() {
    let Some(toolchain) = toolchain() else { return };
    let place = tempfile::tempdir().expect("a temporary folder");
    write(place.path());
    let [pair, factory] = ["pair", "factory"].map(|name| place.path().join(name));
    let options = BuildOptions::default();
    // The first build finds out what is embedded; the level that is asked for is the factory's alone.
    let speed = BuildOptions { opt_level: Some(OptLevel::Speed), ..options.clone() };
    let quick = build_in(&factory, toolchain, &speed).expect("it builds");
    let carries = |wasm: &[u8], code: &[u8]| wasm.windows(code.len()).any(|window| window == code);
    let code = envelope(&build_in(&pair, toolchain, &options).expect("it builds").wasm);
    assert!(carries(&quick.wasm, &code), "the factory's module holds the pair's envelope");
    let first = build_in(&factory, toolchain, &options).expect("it builds");
    assert!(carries(&first.wasm, &code));
    assert_eq!(first.artifact.docs.user["methods"]["make(uint256)"]["notice"], "Makes a pair.");

    // Verified from the record, in another folder.
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    write(elsewhere.path());
    let package = Package::read(&elsewhere.path().join("factory")).expect("a package");
    let search = ToolchainOptions::from_env(package.folder()).expect("a cache folder");
    let deployed = first.artifact.code().expect("hex");
    let found = verify(&deployed, &package, &search, &Silent).expect("it can be verified");
    assert!(found.verified, "{:?}", found.differences);

    // Another pair makes another factory, whose record says that it is not the source that differs.
    edit(&pair.join("src/lib.rs"), "self.fee.get()", "self.fee.get() + U256::ONE");
    let second = build_in(&factory, toolchain, &options).expect("it builds");
    let code = envelope(&build_in(&pair, toolchain, &options).expect("it builds").wasm);
    assert!(carries(&second.wasm, &code) && second.wasm != first.wasm);
    assert_eq!(second.artifact.source_hash, first.artifact.source_hash);
    assert_ne!(second.artifact.dependency_hash, first.artifact.dependency_hash);

    // What does not build is said to be the pair's fault.
    edit(&pair.join("src/lib.rs"), "U256::ONE", "nonsense");
    let error = build_in(&factory, toolchain, &options).expect_err("the pair does not compile");
    assert!(matches!(&error, BuildError::Compile { package, .. } if package == "pair"), "{error}");
    edit(&pair.join("src/lib.rs"), "nonsense", "U256::ONE");

    // What is no longer embedded is no longer built.
    edit(&factory.join("src/lib.rs"), "include_contract!(my_pair::Pair)", "include_contract!(crate::Factory)");
    let error = build_in(&factory, toolchain, &options).expect_err("a contract cannot hold itself");
    assert!(matches!(&error, BuildError::Embedding { name, .. } if name == "crate"), "{error}");
    edit(&factory.join("src/lib.rs"), "include_contract!(crate::Factory)", "include_contract!(nowhere::Pair)");
    let error = build_in(&factory, toolchain, &options).expect_err("there is no such crate");
    assert!(error.to_string().contains("write `nowhere = { path"), "{error}");
}
