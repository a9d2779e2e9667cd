//! Building contract crates for real: the compiler is whatever this machine has or can fetch. Where it has none, every
//! test here says so and does nothing.

mod support;

use std::fs;
use std::path::Path;

use esker_sdk_build::{
    Artifact, BuildError, BuildOptions, Built, CacheDir, OptLevel, Package, Provenance, ToStderr, Toolchain,
    ToolchainOptions, build, check, find_contracts, measure,
};
use support::{build_in, copied, copy, edit, say, toolchain};

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn two_folders_give_the_same_bytes_and_no_folder_shows_in_them() {
    let Some(toolchain) = toolchain() else { return };
    let (_first_guard, first) = copied("a");
    let (_second_guard, second) = copied("some/where/else/with a space");
    // What editors leave is no source.
    for name in [".lib.rs.swp", "lib.rs~"] {
        fs::write(second.join("src").join(name), "half of it").expect("a written file");
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("nobody@nowhere", second.join("src/.#lib.rs")).expect("a link to nothing");
    let first_built = build_in(&first, toolchain, &BuildOptions::default()).expect("the fixture builds");
    let second_built = build_in(&second, toolchain, &BuildOptions::default()).expect("the fixture builds");
    assert_eq!(first_built.wasm, second_built.wasm);
    assert_eq!(first_built.artifact, second_built.artifact);
    assert!(contains(&first_built.wasm, "words/src/lib.rs"), "the panic's place should be in the module");
    for folder in
        [first.to_str(), std::env::var("HOME").ok().as_deref(), std::env::temp_dir().to_str()].into_iter().flatten()
    {
        assert!(folder.len() < 2 || !contains(&first_built.wasm, folder), "{folder} is in the module");
    }
    // Building again, warm, changes nothing either.
    assert_eq!(build_in(&first, toolchain, &BuildOptions::default()).expect("builds").wasm, first_built.wasm);

    // Another source under the same old time, as a checkout or an archive leaves it, is not taken for the old one.
    let source = first.join("src/lib.rs");
    let time = fs::metadata(&source).and_then(|file| file.modified()).expect("a time");
    edit(&source, "input.len().div_ceil(32)", "input.len().div_ceil(64)");
    fs::File::options().write(true).open(&source).and_then(|file| file.set_modified(time)).expect("a time that is set");
    let other = build_in(&first, toolchain, &BuildOptions::default()).expect("builds");
    assert_ne!(other.wasm, first_built.wasm, "the old code under the new source's hash");
}

#[test]
fn an_artifact_holds_what_tools_and_the_chain_read() {
    let Some(toolchain) = toolchain() else { return };
    let (guard, folder) = copied("contract");
    let built = build_in(&folder, toolchain, &BuildOptions::default()).expect("the fixture builds");
    let artifacts = guard.path().join("artifacts");
    let path = built.artifact.write(&artifacts).expect("written");
    assert_eq!(path, artifacts.join("Bare.json"));
    assert_eq!(Artifact::read(&path).expect("read back"), built.artifact);
    assert_eq!(built.artifact.wasm().expect("an envelope"), built.wasm);
    assert_eq!(check(&path).expect("an artifact").verdict.map(|info| info.module_bytes as usize), Ok(built.wasm.len()));

    let json: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
    assert_eq!(json["bytecode"], json["deployedBytecode"]);
    assert!(json["bytecode"].as_str().is_some_and(|code| code.starts_with("0xef45534b01")));
    assert_eq!(json["size"]["wasm"], built.wasm.len());
    let abi: alloy_json_abi::JsonAbi = serde_json::from_value(json["abi"].clone()).expect("an ABI");
    assert_eq!(abi.function("reverse").expect("the function")[0].signature(), "reverse(bytes32[])");
    assert_eq!(abi.error("NoWord").expect("the error")[0].signature(), "NoWord(uint256)");
    let object: alloy_json_abi::ContractObject =
        serde_json::from_str(&built.artifact.to_json()).expect("Foundry's shape");
    assert_eq!(object.bytecode.expect("bytecode").len() as u64, built.artifact.size.envelope);

    let report = measure(&built.wasm, &built.names).expect("a module");
    assert!(report.functions.iter().any(|function| function.name == "words::word"), "{:?}", report.functions);
    assert!(
        !report
            .sections
            .iter()
            .any(|section| ["name", "producers", "target_features"].contains(&section.name.as_str()))
    );
    for name in ["esker.abi", "esker.build"] {
        let section = report.sections.iter().find(|section| section.name == name).expect("it is there");
        assert!(section.inflated.is_some_and(|whole| whole > section.bytes), "{section:?}");
    }
    assert!(report.crates.iter().any(|found| found.name == "words" && found.functions >= 1), "{:?}", report.crates);
}

#[test]
fn every_optimisation_level_gives_a_module_the_chain_accepts() {
    let Some(toolchain) = toolchain() else { return };
    let (_guard, folder) = copied("contract");
    let sizes = [OptLevel::MinimalSize, OptLevel::Size, OptLevel::Speed].map(|opt_level| {
        let options = BuildOptions { opt_level: Some(opt_level), ..BuildOptions::default() };
        build_in(&folder, toolchain, &options).expect("the fixture builds").wasm.len()
    });
    eprintln!("z, s, 3: {sizes:?} bytes");
    assert!(sizes[0] <= sizes[2], "{sizes:?}");

    // The manifest may choose; the caller has the last word.
    let manifest = folder.join("Cargo.toml");
    edit(&manifest, "[workspace]", "[package.metadata.esker]\nopt-level = 3\n\n[workspace]");
    let chosen = |opt_level| build_in(&folder, toolchain, &BuildOptions { opt_level, ..BuildOptions::default() });
    let level = |built: Built| Provenance::read(&built.wasm).expect("a record").expect("it is there").opt_level;
    assert_eq!(level(chosen(None).expect("builds")), "3");
    assert_eq!(level(chosen(Some(OptLevel::Size)).expect("builds")), "s");
    edit(&manifest, "opt-level = 3", "opt-level = 2");
    let error = Package::read(&folder).expect_err("no such level");
    assert!(error.to_string().contains("it can be 3"), "{error}");
}

#[test]
fn an_error_in_the_source_is_shown_as_the_compiler_says_it() {
    let Some(toolchain) = toolchain() else { return };
    let (_guard, folder) = copied("contract");
    edit(&folder.join("src/lib.rs"), "let count =", "let count: &str =");
    let error = build_in(&folder, toolchain, &BuildOptions::default()).expect_err("it does not compile");
    assert!(!error.is_infrastructure());
    let text = error.to_string();
    assert!(
        text.contains("esker-bare does not compile") && text.contains("E0308") && text.contains("src/lib.rs"),
        "{text}"
    );
}

#[test]
fn an_import_the_host_does_not_have_is_refused_before_any_chain_sees_it() {
    let Some(toolchain) = toolchain() else { return };
    let (_guard, folder) = copied("contract");
    edit(
        &folder.join("src/lib.rs"),
        "fn input_size() -> u32;",
        "fn input_size() -> u32;\n    fn fetch_price() -> u32;",
    );
    edit(&folder.join("src/lib.rs"), "input_size() as usize", "(input_size() + fetch_price()) as usize");
    let error = build_in(&folder, toolchain, &BuildOptions::default()).expect_err("the chain refuses it");
    assert!(matches!(error, BuildError::Rejected { .. }) && error.to_string().contains("fetch_price"), "{error}");
}

#[test]
fn floats_are_refused_with_the_functions_name() {
    let Some(toolchain) = toolchain() else { return };
    let (_guard, folder) = copied("contract");
    edit(&folder.join("src/lib.rs"), "input.len().div_ceil(32)", "share(input.len())");
    let source = fs::read_to_string(folder.join("src/lib.rs")).expect("a text file");
    let share = "\n#[inline(never)]\nfn share(n: usize) -> usize { (n as f64 * 0.031) as usize }\n";
    fs::write(folder.join("src/lib.rs"), source + share).expect("a written file");
    let error = build_in(&folder, toolchain, &BuildOptions::default()).expect_err("the chain refuses it");
    assert!(
        matches!(error, BuildError::Rejected { .. }) && error.to_string().contains("(in esker_bare::share)"),
        "{error}"
    );
}

#[test]
fn a_library_without_an_entry_point_is_not_a_contract() {
    let Some(toolchain) = toolchain() else { return };
    let (_guard, folder) = copied("contract");
    edit(&folder.join("src/lib.rs"), "#[unsafe(no_mangle)]\n", "");
    let error = build_in(&folder, toolchain, &BuildOptions::default()).expect_err("no call");
    assert!(
        matches!(error, BuildError::NotAContract { .. }) && error.to_string().contains("exports no `call`"),
        "{error}"
    );
}

#[test]
fn a_lock_file_that_does_not_fit_is_an_error_with_a_hint() {
    let Some(toolchain) = toolchain() else { return };
    let (_guard, folder) = copied("contract");
    build_in(&folder, toolchain, &BuildOptions::default()).expect("the first build writes a lock file");
    edit(&folder.join("words/Cargo.toml"), "0.1.0", "0.2.0");
    let error = build_in(&folder, toolchain, &BuildOptions::default()).expect_err("the lock file is old");
    assert!(error.to_string().contains("hint: Cargo.lock no longer fits"), "{error}");
}

#[test]
fn builds_of_one_workspace_from_many_threads_do_not_disturb_each_other() {
    let Some(toolchain) = toolchain() else { return };
    let (_guard, folder) = copied("contract");
    let hashes: Vec<String> = std::thread::scope(|scope| {
        let builds: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| build_in(&folder, toolchain, &BuildOptions::default()).expect("the fixture builds"))
            })
            .collect();
        builds.into_iter().map(|build| build.join().expect("no panic").artifact.code_hash).collect()
    });
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
}

#[test]
fn the_token_builds_with_its_abi() {
    let Some(toolchain) = toolchain() else { return };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let contracts = find_contracts(&workspace).expect("the workspace has contracts");
    let token = contracts.iter().find(|package| package.name == "esker-erc20").expect("the ERC-20");
    let built = build(token, toolchain, &BuildOptions::default(), &ToStderr).expect("it builds");
    assert_eq!(built.artifact.contract_name, "Erc20");
    let abi: alloy_json_abi::JsonAbi = serde_json::from_value(built.artifact.abi.clone()).expect("an ABI");
    assert_eq!(abi.constructor.as_ref().map(|constructor| constructor.inputs.len()), Some(3));
    let signature = |name: &str| abi.function(name).map(|functions| functions[0].signature());
    assert_eq!(signature("transferFrom").as_deref(), Some("transferFrom(address,address,uint256)"));
    assert_eq!(signature("balanceOf").as_deref(), Some("balanceOf(address)"));
    assert!(abi.event("Transfer").is_some() && abi.error("ERC20InsufficientBalance").is_some());
    eprintln!("Erc20: {:?}", built.artifact.size);
}

#[test]
fn paths_that_are_no_contract_crate_are_named_in_the_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = Package::read(&folder.path().join("nowhere")).expect_err("no folder");
    assert!(matches!(error, BuildError::NoCrate(_)) && error.to_string().contains("esker contract new"), "{error}");
    let error = Package::read(folder.path()).expect_err("an empty folder");
    assert!(matches!(error, BuildError::NoCrate(_)), "{error}");

    fs::write(folder.path().join("Cargo.toml"), "[package]\nname = 7\n").expect("a written file");
    let error = Package::read(folder.path()).expect_err("a bad manifest");
    assert!(matches!(error, BuildError::Manifest { .. }), "{error}");

    fs::create_dir(folder.path().join("src")).expect("a folder");
    fs::write(folder.path().join("src/main.rs"), "fn main() {}").expect("a written file");
    let manifest = "[package]\nname = \"program\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("a written file");
    let error = Package::read(folder.path()).expect_err("a program");
    assert!(error.to_string().contains("it has no library"), "{error}");
    let error = find_contracts(folder.path()).expect_err("no contract");
    assert!(error.to_string().contains("no member of this workspace is a contract"), "{error}");
}

/// cargo does not notice that the standard library below it changed; crates compiled against the old one then fail with
/// "can't find crate".
#[test]
fn a_compiler_that_was_fetched_anew_does_not_meet_what_the_old_one_left() {
    let Some(toolchain) = toolchain() else { return };
    let (_guard, folder) = copied("contract");
    let options = ToolchainOptions::from_env(&folder).expect("a cache folder");
    let root = options.cache.path().join("toolchains/debian-1");
    if !root.is_dir() {
        say("SKIPPED: the compiler here is not one that Esker unpacked");
        return;
    }
    build_in(&folder, toolchain, &BuildOptions::default()).expect("the fixture builds");
    // The same compiler in another cache, as after deleting the first: its files have another time.
    let cache = tempfile::tempdir().expect("a temporary folder");
    copy(&root, &cache.path().join("toolchains/debian-1"));
    let options = ToolchainOptions { cache: CacheDir::at(cache.path()), ..options };
    let again = Toolchain::find(&options, &ToStderr).expect("the copy is complete");
    assert_eq!(again.record(), toolchain.record());
    build_in(&folder, &again, &BuildOptions::default()).expect("the fixture builds");
    let folders = fs::read_dir(folder.join("target/esker-contracts")).expect("readable").count();
    assert_eq!(folders, 2, "each has an output folder of its own");
}
