//! What the author's settings may not change, and what a build record tells apart. Where no compiler is at hand, every
//! test here says so and does nothing.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use esker_sdk_build::{BuildOptions, Built};
use support::{build_in, copied, edit, toolchain};
use wasmi::{Caller, Engine, Extern, Linker, Module, Store};

/// What a contract made of its input: returned bytes, or an error with the reverted ones.
fn run(wasm: &[u8], input: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    #[derive(Debug)]
    struct End(bool, Vec<u8>);
    impl std::fmt::Display for End {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{self:?}")
        }
    }
    impl wasmi::errors::HostError for End {}
    type Host<'a> = Caller<'a, Vec<u8>>;
    let memory = |caller: &Host<'_>| caller.get_export("memory").and_then(Extern::into_memory).expect("exported");
    let ended = move |caller: &Host<'_>, good: bool, at: u32, size: u32| -> Result<(), wasmi::Error> {
        let bytes = memory(caller).data(caller)[at as usize..][..size as usize].to_vec();
        Err(wasmi::Error::host(End(good, bytes)))
    };

    let engine = Engine::default();
    let module = Module::new(&engine, wasm).expect("an accepted module");
    let mut linker = Linker::new(&engine);
    let imports = "esker_v1";
    linker.func_wrap(imports, "input_size", |caller: Host<'_>| caller.data().len() as u32).expect("defined");
    let copy = move |mut caller: Host<'_>, to: u32, offset: u32, size: u32| {
        let part = caller.data()[offset as usize..][..size as usize].to_vec();
        memory(&caller).write(&mut caller, to as usize, &part).expect("in bounds");
    };
    linker.func_wrap(imports, "input_copy", copy).expect("defined");
    linker
        .func_wrap(imports, "finish", move |c: Host<'_>, at: u32, size: u32| ended(&c, true, at, size))
        .expect("defined");
    linker
        .func_wrap(imports, "revert", move |c: Host<'_>, at: u32, size: u32| ended(&c, false, at, size))
        .expect("defined");
    let mut store = Store::new(&engine, input.to_vec());
    let instance = linker.instantiate_and_start(&mut store, &module).expect("it links");
    let call = instance.get_typed_func::<(), ()>(&store, "call").expect("exported");
    let error = call.call(&mut store, ()).expect_err("a contract ends by finish or revert");
    let shown = error.to_string();
    let Ok(End(good, bytes)) = error.downcast::<End>().ok_or(()) else { panic!("no trap: {shown}") };
    if good { Ok(bytes) } else { Err(bytes) }
}

/// The module without its custom sections: what runs.
fn code(built: &Built) -> Vec<u8> {
    let sections = wasmparser::Parser::new(0).parse_all(&built.wasm).flatten().filter_map(|payload| {
        let (id, range) = payload.as_section().filter(|(id, _)| *id != 0)?;
        Some([&[id], &built.wasm[range]].concat())
    });
    sections.collect::<Vec<_>>().concat()
}

/// The fixture, made to add two bytes in its dependency: a contract that gives their sum.
fn adder(folder: &Path) {
    edit(
        &folder.join("src/lib.rs"),
        "let count = input.len().div_ceil(32);",
        "let sum = words::sum(input[0], input[1]);",
    );
    edit(
        &folder.join("src/lib.rs"),
        "(0..count).rev().flat_map(|index| words::word(&input, index)).copied().collect()",
        "alloc::vec![sum]",
    );
    append(
        &folder.join("words/src/lib.rs"),
        "\n#[inline(never)]\npub fn sum(a: u8, b: u8) -> u8 {\n    debug_assert!(b != 7, \"not seven\");\n    a + b\n}\n",
    );
}

fn append(path: &Path, text: &str) {
    let before = fs::read_to_string(path).unwrap_or_default();
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("made");
    fs::write(path, before + text).expect("a written file");
}

/// Each way in which a workspace can ask for sums that wrap.
const WISHES: &[(&str, &str)] = &[
    ("Cargo.toml", "\n[profile.release]\noverflow-checks = false\ndebug-assertions = true\n"),
    ("Cargo.toml", "\n[profile.release.package.\"*\"]\noverflow-checks = false\ndebug-assertions = true\n"),
    (
        "Cargo.toml",
        "\n[profile.release.package.words]\noverflow-checks = false\ndebug-assertions = true\nopt-level = 0\n",
    ),
    (
        "Cargo.toml",
        "\n[profile.esker-contract]\ninherits = \"dev\"\noverflow-checks = false\n[profile.esker-contract.package.words]\noverflow-checks = false\n",
    ),
    (".cargo/config.toml", "[profile.esker-contract.package.words]\noverflow-checks = false\n"),
    (".cargo/config.toml", "[build]\nrustflags = [\"-Coverflow-checks=off\"]\nrustc-wrapper = \"/nowhere\"\n"),
    (
        ".cargo/config.toml",
        "[target.wasm32-unknown-unknown]\nrustflags = [\"-Coverflow-checks=off\"]\nlinker = \"/nowhere\"\n",
    ),
    (".cargo/config.toml", "[env]\nRUSTFLAGS = { value = \"-Coverflow-checks=off\", force = true }\n"),
];

#[test]
fn no_setting_of_a_workspace_lets_sums_wrap() {
    let Some(toolchain) = toolchain() else { return };
    for (file, wish) in WISHES {
        let (_guard, folder) = copied("contract");
        adder(&folder);
        append(&folder.join(file), wish);
        let built = build_in(&folder, toolchain, &BuildOptions::default()).expect("the fixture builds");
        assert_eq!(run(&built.wasm, &[200, 7]), Ok(vec![207]), "{wish}");
        let refused = run(&built.wasm, &[200, 100]).expect_err(wish);
        assert!(String::from_utf8_lossy(&refused).contains("attempt to add with overflow"), "{wish}");
    }
}

#[test]
fn no_variable_of_the_caller_lets_sums_wrap() {
    if toolchain().is_none() {
        return;
    }
    let test = std::env::current_exe().expect("this test's program");
    let output = Command::new(test)
        .args(["--exact", "no_setting_of_a_workspace_lets_sums_wrap"])
        .env("RUSTFLAGS", "-Coverflow-checks=off")
        .env("CARGO_ENCODED_RUSTFLAGS", "-Coverflow-checks=off")
        .env("CARGO_BUILD_RUSTFLAGS", "-Coverflow-checks=off")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-Coverflow-checks=off")
        .env("CARGO_PROFILE_ESKER_CONTRACT_OVERFLOW_CHECKS", "false")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "false")
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// What can change the code, each with what makes it matter.
const CHANGES: &[&[(&str, &str)]] = &[
    &[(
        "words/src/lib.rs",
        "\n#[unsafe(no_mangle)]\nstatic WORD: [u8; 4] = *b\"word\";\n#[used]\nstatic HELD: &[u8; 4] = &WORD;\n",
    )],
    &[("words/word.txt", "a word")],
    &[(".cargo/config.toml", "[env]\nWORD = \"another\"\n")],
    &[("Cargo.toml", "\n[profile.release.package.words]\ncodegen-units = 4\n")],
];

#[test]
fn no_change_of_the_code_leaves_all_hashes_of_its_record_as_they_were() {
    let Some(toolchain) = toolchain() else { return };
    let prepared = || {
        let (guard, folder) = copied("contract");
        fs::write(folder.join("words/word.txt"), "").expect("a written file");
        append(
            &folder.join("words/src/lib.rs"),
            "\n#[used]\npub static TEXT: &str = include_str!(\"../word.txt\");\n\
             #[used]\npub static SET: Option<&str> = option_env!(\"WORD\");\n",
        );
        edit(
            &folder.join("src/lib.rs"),
            "let count =",
            "assert!(words::TEXT.len() + words::SET.map_or(0, str::len) < 99);\nlet count =",
        );
        (guard, folder)
    };
    let hashes = |built: &Built| {
        let artifact = &built.artifact;
        [&artifact.source_hash, &artifact.dependency_hash, &artifact.profile_hash].map(String::clone)
    };
    let (_guard, folder) = prepared();
    let plain = build_in(&folder, toolchain, &BuildOptions::default()).expect("the fixture builds");
    for change in CHANGES {
        let (_guard, folder) = prepared();
        for (file, text) in *change {
            append(&folder.join(file), text);
        }
        let built = build_in(&folder, toolchain, &BuildOptions::default()).expect("the fixture builds");
        assert!(code(&built) == code(&plain) || hashes(&built) != hashes(&plain), "{change:?}");
        // All but what is said of a package's compilation do change it here: the test would see nothing otherwise.
        assert!(code(&built) != code(&plain) || change[0].0 == "Cargo.toml", "{change:?}");
        assert_ne!(hashes(&built), hashes(&plain), "{change:?}");
        assert_eq!(built.artifact.source_hash == plain.artifact.source_hash, change[0].0 != "Cargo.toml");
    }
}
