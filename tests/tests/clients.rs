//! Unmodified Ethereum clients against a development chain: viem, ethers and Foundry's cast, from npm.
//!
//! They need `node` and `npm`; where these are missing, or the packages cannot be fetched, the test says loudly that it
//! was skipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use esker::dev_node::{DevConfig, DevNode};
use esker_tests::{say, workspace_root};

/// Says on standard error, in a way nobody overlooks, that clients were not tried.
fn skipped(why: &str) {
    say(&format!("SKIPPED: the tests with viem, ethers and cast did not run: {why}"));
}

fn has(program: &str) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Copies `tests/clients` below the build output and installs its packages there, once per lock file.
fn install(source: &Path) -> Result<PathBuf, String> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("clients");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in std::fs::read_dir(source).expect("tests/clients is part of the checkout").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), folder.join(entry.file_name())).expect("the build folder is writable");
        }
    }
    let lock = std::fs::read(source.join("package-lock.json")).expect("the lock file is part of the checkout");
    let stamp = folder.join("installed.lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(folder);
    }
    eprintln!("installing viem, ethers and cast with npm (some 180 MB, once)…");
    let output = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&folder)
        .output()
        .map_err(|error| format!("npm could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("`npm ci` failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    std::fs::write(&stamp, lock).expect("the build folder is writable");
    Ok(folder)
}

/// Builds the contracts from source into `folder`.
fn build_artifacts(folder: &Path) -> Result<(), String> {
    for name in ["erc20", "erc721"] {
        let source = workspace_root().join("contracts").join(name);
        let built =
            esker_sdk_build::build_once(&source, &esker_sdk_build::ToStderr).map_err(|error| error.to_string())?;
        built.artifact.write(folder).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[test]
fn unmodified_clients_deploy_transact_and_verify() {
    for program in ["node", "npm"] {
        if !has(program) {
            return skipped(&format!("{program} is not there; install Node.js 20 or newer"));
        }
    }
    let folder = match install(&workspace_root().join("tests/clients")) {
        Ok(folder) => folder,
        Err(why) => return skipped(&why),
    };
    let artifacts = tempfile::tempdir().expect("a temporary folder");
    build_artifacts(artifacts.path()).expect("the contracts build");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    for suite in ["viem.test.mjs", "ethers.test.mjs", "cast.test.mjs"] {
        // A chain of its own for each client: their accounts and blocks do not mix.
        let node = runtime
            .block_on(DevNode::start(DevConfig { address: ([127, 0, 0, 1], 0).into(), ..DevConfig::default() }))
            .expect("a development node starts");
        let output = Command::new("node")
            .args(["--test", "--test-reporter=tap", suite])
            .current_dir(&folder)
            .env("ESKER_RPC", format!("http://{}", node.address))
            .env("ESKER_ARTIFACTS", artifacts.path())
            .stdin(Stdio::null())
            .output()
            .expect("node was there a moment ago");
        runtime.block_on(node.stop());
        let text = String::from_utf8_lossy(&output.stdout);
        println!("{text}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{suite} failed:\n{text}\n{errors}");
        let passed = text.lines().find_map(|line| line.strip_prefix("# pass ")?.trim().parse::<u32>().ok());
        assert!(passed.unwrap_or_default() >= 3, "{suite} ran no tests:\n{text}");
    }
}
