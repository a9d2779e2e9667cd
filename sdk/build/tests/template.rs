//! New contracts: what is written, that it builds to the same bytes everywhere, and that its tests pass. Where no compiler
//! is at hand, the tests that need one say so and do nothing.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use esker_sdk_build::{
    BuildError, BuildOptions, CacheDir, Package, SdkSource, Silent, Template, TemplateError, TestOptions, ToStderr,
    ToolchainOptions, build, create, test, test_with_coverage,
};
use support::{build_in, edit, say, toolchain};
use tempfile::TempDir;

/// A folder, and a cache of its own in it.
fn place() -> (TempDir, CacheDir) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let cache = CacheDir::at(place.path().join("cache"));
    (place, cache)
}

fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn a_new_contract_builds_at_once_and_its_tests_pass() {
    let Some(toolchain) = toolchain() else { return };
    let (place, cache) = place();
    let folder =
        create(place.path(), "my-counter", Template::Counter, SdkSource::Carried, &cache).expect("written").folder;
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("written");
    assert!(manifest.contains("\nesker-sdk = \"0.1\"\n") && !manifest.contains("path"), "{manifest}");
    let options = BuildOptions { cache: Some(cache.clone()), ..BuildOptions::default() };
    let built = build_in(&folder, toolchain, &options).expect("the template builds");
    assert_eq!(built.artifact.contract_name, "MyCounter");
    assert!(built.artifact.size.wasm <= 4_096, "{:?}", built.artifact.size);
    let abi: alloy_json_abi::JsonAbi = serde_json::from_value(built.artifact.abi).expect("an ABI");
    assert_eq!(abi.function("set").expect("the method")[0].signature(), "set(uint256)");
    assert!(abi.event("Changed").is_some() && abi.error("NotOwner").is_some());

    // The versions are those that the SDK was tested with.
    let tested = versions(&sdk().join("../Cargo.lock"));
    let taken = versions(&folder.join("Cargo.lock"));
    assert!(!taken.is_empty() && taken.len() < 60, "{taken:?}");
    assert!(taken.iter().all(|version| tested.contains(version)), "{taken:?}");

    // Plain cargo, with nothing of Esker before it. Built for speed, sums must not wrap either.
    let sums = "#[test]\n#[should_panic(expected = \"attempt to add with overflow\")]\nfn sums_do_not_wrap() {\n    \
        let most: u8 = std::hint::black_box(255);\n    std::hint::black_box(most + 1);\n}\n";
    fs::write(folder.join("tests/sums.rs"), sums).expect("written");
    let mut cargo = Command::new("cargo");
    let tests = cargo.args(["test", "--release", "--locked"]).current_dir(&folder).output().expect("cargo runs");
    let output = String::from_utf8_lossy(&tests.stdout);
    let said = String::from_utf8_lossy(&tests.stderr);
    assert!(tests.status.success() && output.contains("3 passed") && output.contains("1 passed"), "{output}\n{said}");
    assert!(!said.contains("warning"), "{said}");

    let again =
        create(place.path(), "my-counter", Template::Counter, SdkSource::Carried, &cache).expect_err("it exists");
    assert!(matches!(again, TemplateError::Exists(_)), "{again}");
}

/// Versions that a lock file names, without the packages that are not from a registry.
fn versions(lock: &Path) -> Vec<String> {
    let text = fs::read_to_string(lock).expect("a lock file");
    let table: toml::Table = toml::from_str(&text).expect("TOML");
    let packages = table["package"].as_array().expect("packages");
    let foreign = packages.iter().filter(|package| package.get("source").is_some());
    foreign.map(|package| format!("{} {}", package["name"], package["version"])).collect()
}

/// All in one workspace, so that the SDK compiles once.
#[test]
fn every_template_builds_and_passes_its_tests() {
    let Some(toolchain) = toolchain() else { return };
    let (place, cache) = place();
    let root = place.path().join("all");
    fs::create_dir_all(&root).expect("made");
    fs::write(root.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"contracts/*\"]\n")
        .expect("written");
    fs::copy(sdk().join("../Cargo.lock"), root.join("Cargo.lock")).expect("copied");
    for (template, tests, name) in [
        (Template::Counter, 3, "my-counter"),
        (Template::Token, 4, "gold"),
        (Template::Nft, 3, "leaves"),
        (Template::Vault, 3, "safe-box"),
    ] {
        let folder =
            create(&root.join("contracts"), name, template, SdkSource::Carried, &cache).expect("written").folder;
        let options = BuildOptions { cache: Some(cache.clone()), ..BuildOptions::default() };
        let built = build_in(&folder, toolchain, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        let _: alloy_json_abi::JsonAbi = serde_json::from_value(built.artifact.abi.clone()).expect("an ABI");
        eprintln!("{name}: {:?}", built.artifact.size);
        let options = TestOptions { cache: Some(cache.clone()), ..TestOptions::default() };
        let mut said = String::new();
        let package = Package::read(&folder).expect("a package");
        let tested = test(&package, &options, &Silent, &mut |line| said.push_str(line)).expect("cargo runs");
        assert!(tested.success && tested.passed == tests && tested.failed == 0, "{name}: {tested:?}\n{said}");

        // Both other languages can be written for each.
        let interface =
            esker_sdk_build::solidity(name, &built.artifact.abi, &built.artifact.docs).expect("an interface");
        let has_all = ["function ", "/// @notice "].iter().all(|part| interface.contains(part));
        assert!(has_all, "{interface}");
        esker_sdk_build::typescript(name, &built.artifact.abi, &built.artifact.docs).expect("a module");
    }
    let counter = root.join("contracts/my-counter");
    coverage_is_counted(&counter, &cache);
    // A test that fails is told from one that passes.
    edit(&counter.join("tests/behaviour.rs"), "&counter.count()), 8)", "&counter.count()), 9)");
    let options = TestOptions { cache: Some(cache), arguments: vec!["anybody".to_owned()], ..TestOptions::default() };
    let package = Package::read(&counter).expect("a package");
    let tested = test(&package, &options, &Silent, &mut |_| {}).expect("cargo runs");
    assert!(!tested.success && tested.failed == 1 && tested.passed == 0, "{tested:?}");
}

/// A contract of the library is written as it is, and with it go its tests, under the new crate's name.
#[test]
fn contracts_of_the_library_are_templates() {
    let (place, cache) = place();
    let library = sdk().join("../contracts");
    let templates: Vec<Template> =
        Template::all().into_iter().filter(|template| matches!(template, Template::Library(_))).collect();
    assert!(templates.len() > 20, "{templates:?}");
    for template in templates {
        let name = format!("my-{}", template.name());
        let folder = create(place.path(), &name, template, SdkSource::Carried, &cache).expect("written").folder;
        let manifest: toml::Table =
            fs::read_to_string(folder.join("Cargo.toml")).expect("written").parse().expect("a manifest");
        let config = fs::read_to_string(folder.join(".cargo/config.toml")).expect("written");
        let lists = ["dependencies", "dev-dependencies"].map(|kind| manifest[kind].as_table().expect("a table"));
        assert!(lists[0].contains_key("esker-sdk") && lists[1].contains_key("esker-sdk-test"), "{manifest}");
        for dependency in lists.into_iter().flat_map(toml::Table::keys).filter(|key| key.starts_with("esker-")) {
            let line = config.lines().find(|line| line.starts_with(&format!("{dependency} = {{ path = \"")));
            let path = line.and_then(|line| line.split('"').nth(1)).unwrap_or_else(|| panic!("{name}: {config}"));
            assert!(folder.join(path).join("Cargo.toml").is_file(), "{name}: {path}");
        }
        let source = fs::read_to_string(folder.join("src/lib.rs")).expect("written");
        let original = match template.name() {
            "votes-token" => "token",
            "collection" => "nft",
            "erc4626" => "vault",
            name => name,
        };
        assert_eq!(source, fs::read_to_string(library.join(original).join("src/lib.rs")).expect("there"), "{name}");
        let tests = tests_below(&folder.join("tests"));
        let (own, other) = (format!("my_{}::", template.name().replace('-', "_")), format!("esker_{original}::"));
        assert!(tests.contains(&own) && tests.contains("#[esker_sdk::test]"), "{name} has no tests of its own");
        assert!(!tests.contains(&other.replace('-', "_")), "{name} tests {original}");
    }
}

/// The text of all files below a folder.
fn tests_below(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        text += &if path.is_dir() { tests_below(&path) } else { fs::read_to_string(&path).expect("text") };
    }
    text
}

/// Where they use components and other contracts of the library, these are the carried ones.
#[test]
fn contracts_of_the_library_build_outside_of_it() {
    let Some(toolchain) = toolchain() else { return };
    let (place, cache) = place();
    let root = place.path().join("all");
    fs::create_dir_all(&root).expect("made");
    fs::write(root.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"contracts/*\"]\n")
        .expect("written");
    fs::copy(sdk().join("../Cargo.lock"), root.join("Cargo.lock")).expect("copied");
    let templates = ["governor", "board-game", "lending-pool"];
    let mut created = Vec::new();
    for name in templates {
        let template = Template::from_name(name).expect("a template");
        created.push(create(&root.join("contracts"), &format!("my-{name}"), template, SdkSource::Carried, &cache));
    }
    for (created, name) in created.into_iter().zip(["MyGovernor", "ConnectFour", "MyLendingPool"]) {
        let created = created.expect("written");
        let options = BuildOptions { cache: Some(cache.clone()), ..BuildOptions::default() };
        let built = build_in(&created.folder, toolchain, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(built.artifact.contract_name, name);
        // The first of them wrote the file by which plain cargo finds what it needs; what others need besides is said.
        assert_eq!(created.unchanged.is_some(), !created.patches.is_empty());
    }
}

/// What one of the counter's tests runs, by the lines of its source. Where LLVM's tools are missing, it is said how to get
/// them.
fn coverage_is_counted(counter: &Path, cache: &CacheDir) {
    let arguments = vec!["only_the_owner".to_owned()];
    let options = TestOptions { cache: Some(cache.clone()), arguments, ..TestOptions::default() };
    let package = Package::read(counter).expect("a package");
    let (tested, coverage) = match test_with_coverage(&package, &options, &Silent, &mut |_| {}) {
        Err(BuildError::NoCoverage(reason)) => {
            assert!(reason.contains("rustup component add llvm-tools"), "{reason}");
            return say(&format!("SKIPPED, coverage: {reason}"));
        }
        other => other.expect("it runs"),
    };
    assert!(tested.success && tested.passed == 1, "{tested:?}");
    let paths: Vec<&str> = coverage.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["contracts/my-counter/src/lib.rs"], "neither tests nor dependencies");
    let source = fs::read_to_string(counter.join("src/lib.rs")).expect("readable");
    let line = |text: &str| source.lines().position(|line| line.contains(text)).expect("it is there") as u32 + 1;
    let count = |text: &str| {
        let start = format!("DA:{},", line(text));
        coverage.lcov.lines().find_map(|line| line.strip_prefix(&start)?.parse::<u64>().ok())
    };
    assert_eq!(count("let to = self.count.add(1)"), Some(0), "nothing counted:\n{}", coverage.lcov);
    assert!(count("self.count.set(to);").is_some_and(|count| count > 0), "the owner set it:\n{}", coverage.lcov);
    assert!(coverage.files[0].missed.contains(&line("let to = self.count.add(1)")));
    assert!(!counter.join("default_0_0.profraw").exists());
}

/// Run by the next test in a process whose cargo has a home of its own.
#[test]
#[ignore = "a part of the next test"]
fn built_in_another_home() {
    let Some(folder) = std::env::var_os("ESKER_TEST_FOLDER").map(PathBuf::from) else { return };
    let options = ToolchainOptions::from_env(&folder).expect("a cache folder");
    let toolchain = esker_sdk_build::Toolchain::find(&options, &ToStderr).expect("a compiler");
    let options =
        BuildOptions { cache: Some(CacheDir::at(folder.join("../cache"))), offline: true, ..BuildOptions::default() };
    let built = build(&Package::read(&folder).expect("a package"), &toolchain, &options, &ToStderr).expect("builds");
    fs::write(folder.join("built.wasm"), built.wasm).expect("written");
}

#[cfg(unix)]
#[test]
fn two_folders_two_caches_and_two_homes_of_cargo_give_the_same_bytes() {
    let Some(toolchain) = toolchain() else { return };
    let (first, cache) = place();
    let folder =
        create(first.path(), "my-counter", Template::Counter, SdkSource::Carried, &cache).expect("written").folder;
    let options = BuildOptions { cache: Some(cache), ..BuildOptions::default() };
    let here = build_in(&folder, toolchain, &options).expect("the template builds");

    // A clone of the repository: what `.gitignore` names stays behind.
    let (second, _) = place();
    let clone = second.path().join("some where/deep/clone");
    for file in ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "src/lib.rs", "tests/behaviour.rs"] {
        fs::create_dir_all(clone.join(file).parent().expect("a folder")).expect("made");
        fs::copy(folder.join(file), clone.join(file)).expect("copied");
    }
    // A home that has downloaded what is needed, but unpacked nothing.
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = set("CARGO_HOME").or_else(|| Some(set("HOME")?.join(".cargo"))).expect("a home");
    let other = second.path().join("cargo home");
    fs::create_dir_all(other.join("registry")).expect("made");
    for part in ["index", "cache"] {
        std::os::unix::fs::symlink(home.join("registry").join(part), other.join("registry").join(part))
            .expect("linked");
    }
    let output = Command::new(std::env::current_exe().expect("this test's program"))
        .args(["--exact", "--ignored", "built_in_another_home", "--nocapture"])
        .env("ESKER_TEST_FOLDER", &clone)
        .env("CARGO_HOME", &other)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(other.join("registry/src").is_dir(), "the other home was used");
    let there = fs::read(clone.join("built.wasm")).expect("built");
    let differing = there.iter().zip(&here.wasm).filter(|(a, b)| a != b).count();
    assert!(there == here.wasm, "{differing} of {} bytes differ", there.len());
}

/// It is only looked up here: compiling it, with the machine and the executor, takes minutes.
#[test]
fn the_test_kit_is_carried_with_all_it_needs() {
    let (place, cache) = place();
    let folder =
        create(place.path(), "my-counter", Template::Counter, SdkSource::Carried, &cache).expect("written").folder;
    edit(
        &folder.join("Cargo.toml"),
        "[profile.release]",
        "[dev-dependencies]\nesker-sdk-test = \"0.1\"\n\n[profile.release]",
    );
    edit(&folder.join(".cargo/config.toml"), "# esker-sdk-test = {", "esker-sdk-test = {");
    let mut cargo = Command::new("cargo");
    let tree = cargo.args(["tree", "--offline", "--prefix", "none"]).current_dir(&folder).output().expect("cargo runs");
    let listing = String::from_utf8_lossy(&tree.stdout);
    let said = String::from_utf8_lossy(&tree.stderr);
    for name in ["esker-sdk-test", "esker-sdk-build", "esker-runtime", "esker-vm", "esker-light", "wasmtime"] {
        assert!(listing.lines().any(|line| line.starts_with(&format!("{name} v"))), "{name}: {listing}\n{said}");
    }
    let tested = versions(&sdk().join("../Cargo.lock"));
    assert!(versions(&folder.join("Cargo.lock")).iter().all(|version| tested.contains(version)));
}

#[test]
fn a_contract_in_a_workspace_uses_its_settings() {
    let (place, cache) = place();
    let root = place.path().join("all");
    fs::create_dir_all(&root).expect("made");
    fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = [\"contracts/*\"]\n").expect("written");
    let one = create(&root.join("contracts"), "one", Template::Counter, SdkSource::Carried, &cache).expect("written");
    assert_eq!(one.unchanged, None);
    assert!(root.join(".cargo/config.toml").is_file() && root.join(".esker/sdk/sdk/Cargo.toml").is_file());
    assert!(!one.folder.join("Cargo.lock").exists() && !one.folder.join(".cargo").exists());
    let two = create(&root.join("contracts"), "two", Template::Counter, SdkSource::Carried, &cache).expect("written");
    assert_eq!(two.unchanged, None, "the lines are there");
    edit(&root.join(".cargo/config.toml"), ".esker/sdk/sdk\"", "elsewhere\"");
    edit(&root.join(".cargo/config.toml"), ".esker/sdk/sdk/test\"", "elsewhere\"");
    let three =
        create(&root.join("contracts"), "three", Template::Counter, SdkSource::Carried, &cache).expect("written");
    assert_eq!(
        three.unchanged.map(|path| path.canonicalize().expect("there")),
        root.join(".cargo/config.toml").canonicalize().ok()
    );
}

#[test]
fn a_new_contract_needs_a_crates_name_and_an_sdk() {
    let (place, cache) = place();
    for name in ["", "../up", "a/b", "Capital", "7up", "with space"] {
        let error = create(place.path(), name, Template::Counter, SdkSource::Carried, &cache);
        assert!(matches!(error, Err(TemplateError::Name(_))), "{name:?}");
    }
    for name in ["std", "fn", "match", "esker-sdk", "esker-sdk-test", "esker-timelock", "secp256k1", "context"] {
        let error = create(place.path(), name, Template::Counter, SdkSource::Carried, &cache);
        assert!(matches!(error, Err(TemplateError::Reserved(_))), "{name:?}");
    }
    let error = create(place.path(), "counter", Template::Counter, SdkSource::At(place.path()), &cache);
    assert!(matches!(error, Err(TemplateError::NoSdk(_))));
    assert_eq!(fs::read_dir(place.path()).expect("readable").count(), 0, "nothing was written");
    let at = create(place.path(), "counter", Template::Counter, SdkSource::At(&sdk()), &cache).expect("written");
    let manifest = fs::read_to_string(at.folder.join("Cargo.toml")).expect("written");
    assert!(manifest.contains("esker-sdk = { path = \"/"), "{manifest}");
    assert!(!at.folder.join(".esker").exists() && !at.folder.join(".cargo").exists());
}

/// Whatever fails on the way, the next attempt finds no folder that was begun.
#[test]
fn what_cannot_be_finished_leaves_no_folder() {
    let (place, cache) = place();
    let (blocked, root) = (place.path().join("blocked"), place.path().join("all"));
    fs::write(&blocked, "a file, where the cache should be").expect("written");
    let new = |parent: &Path, cache: &CacheDir| {
        create(parent, "one", Template::Library("lottery"), SdkSource::Carried, cache)
    };
    let error = new(place.path(), &CacheDir::at(&blocked)).expect_err("no cache");
    assert!(matches!(error, TemplateError::Cache(_)) && error.to_string().contains("blocked"), "{error}");
    assert!(!place.path().join("one").exists());

    // In a workspace, in which something else stands in the way.
    fs::create_dir_all(root.join(".esker/sdk")).expect("made");
    fs::write(root.join(".esker/sdk/mine"), "").expect("written");
    fs::write(root.join("Cargo.toml"), "[workspace] # of mine\nmembers = [\"*\"]\n").expect("written");
    let error = new(&root, &cache).expect_err("occupied");
    assert!(matches!(error, TemplateError::Cache(_)) && error.to_string().contains("left alone"), "{error}");
    assert!(!root.join("one").exists() && !root.join(".cargo").exists());
    fs::remove_dir_all(root.join(".esker")).expect("removed");
    fs::write(root.join(".cargo"), "a file, where the configuration should be").expect("written");
    assert!(matches!(new(&root, &cache), Err(TemplateError::Io { .. })));
    assert!(!root.join("one").exists());

    fs::remove_file(root.join(".cargo")).expect("removed");
    let made = new(&root, &cache).expect("written");
    let manifest = fs::read_to_string(made.folder.join("Cargo.toml")).expect("written");
    assert!(!manifest.contains("[workspace]"), "the one around it was seen: {manifest}");
    assert!(!made.folder.join(".esker").exists() && root.join(".esker/sdk/sdk/Cargo.toml").is_file());
}
