//! Unmodified Ethereum clients against a development chain: viem, ethers and Foundry's cast from npm, web3.py from PyPI; and
//! a dApp's use of the contract library, with viem.
//!
//! They need `node` and `npm`, or `python3` with its module `venv`; where these are missing, or the packages cannot be
//! fetched, a test says loudly that it was skipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use esker::dev_node::{DevConfig, DevNode};
use esker_tests::workspace_root;

/// Says in a way that nobody overlooks that clients were not tried.
fn skipped(clients: &str, why: &str) {
    esker_tests::skipped(&format!("the tests with {clients} did not run: {why}"));
}

fn has(program: &str) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Copies `tests/clients` to the folder `name` below the build output and, unless this was done before for what the file
/// `lock` says, runs `fetch` there.
fn install(name: &str, lock: &str, fetch: fn(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let source = workspace_root().join("tests/clients");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in std::fs::read_dir(&source).expect("tests/clients is part of the checkout").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), folder.join(entry.file_name())).expect("the build folder is writable");
        }
    }
    let lock = std::fs::read(source.join(lock)).expect("the lock file is part of the checkout");
    let stamp = folder.join("installed.lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(folder);
    }
    fetch(&folder)?;
    std::fs::write(&stamp, lock).expect("the build folder is writable");
    Ok(folder)
}

/// Runs an installing program to its end.
fn fetched(command: &mut Command) -> Result<(), String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{shown} could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{shown} could not install them:\n{}", String::from_utf8_lossy(&output.stderr)))
}

fn fetch_with_npm(folder: &Path) -> Result<(), String> {
    eprintln!("installing viem, ethers and cast with npm (some 180 MB, once)…");
    // Not `npm ci`: it refuses a lock file that lacks the packages of cast for other platforms, which not every registry
    // has. The versions and hashes are those of the lock file here too.
    fetched(Command::new("npm").args(["install", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder))
}

/// The Python that has web3.py, below its folder.
const PYTHON: &str = "venv/bin/python";

fn fetch_with_pip(folder: &Path) -> Result<(), String> {
    eprintln!("installing web3.py with pip (some 30 MB, once)…");
    fetched(Command::new("python3").args(["-m", "venv", "--clear", "venv"]).current_dir(folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"];
    fetched(Command::new(folder.join(PYTHON)).args(pip).current_dir(folder))
}

/// Runs one suite of tests against a chain of its own, and gives what it printed to standard output and error.
fn run(suite: &mut Command, artifacts: &Path) -> (String, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    let config = DevConfig { address: ([127, 0, 0, 1], 0).into(), ..DevConfig::default() };
    let node = runtime.block_on(DevNode::start(config)).expect("a development node starts");
    let output = suite
        .env("ESKER_RPC", format!("http://{}", node.address))
        .env("ESKER_ARTIFACTS", artifacts)
        .stdin(Stdio::null())
        .output()
        .expect("it was there a moment ago");
    runtime.block_on(node.stop());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    println!("{text}");
    assert!(output.status.success(), "{suite:?} failed:\n{text}\n{errors}");
    (text, errors)
}

/// What all clients deploy.
const CONTRACTS: &[&str] = &["erc20", "erc721"];
/// What the dApp deploys: the exchange, the vault, the governor, and what these need.
const DAPP_CONTRACTS: &[&str] =
    &["token", "weth", "amm-pair", "amm-factory", "amm-router", "vault", "timelock", "governor"];

/// Builds contracts from source into `folder`.
fn build_artifacts(names: &[&str], folder: &Path) -> Result<(), String> {
    for name in names {
        let source = workspace_root().join("contracts").join(name);
        let built =
            esker_sdk_build::build_once(&source, &esker_sdk_build::ToStderr).map_err(|error| error.to_string())?;
        built.artifact.write(folder).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[test]
fn unmodified_clients_deploy_transact_and_verify() {
    let clients = "viem, ethers and cast";
    for program in ["node", "npm"] {
        if !has(program) {
            return skipped(clients, &format!("{program} is not there; install Node.js 20 or newer"));
        }
    }
    let folder = match install("clients", "package-lock.json", fetch_with_npm) {
        Ok(folder) => folder,
        Err(why) => return skipped(clients, &why),
    };
    let artifacts = tempfile::tempdir().expect("a temporary folder");
    build_artifacts(CONTRACTS, artifacts.path()).expect("the contracts build");
    build_artifacts(DAPP_CONTRACTS, artifacts.path()).expect("the contracts build");
    for suite in ["viem.test.mjs", "ethers.test.mjs", "cast.test.mjs", "dapp.test.mjs"] {
        let mut command = Command::new("node");
        command.args(["--test", "--test-reporter=tap", suite]).current_dir(&folder);
        let (text, _) = run(&mut command, artifacts.path());
        let passed = text.lines().find_map(|line| line.strip_prefix("# pass ")?.trim().parse::<u32>().ok());
        assert!(passed.unwrap_or_default() >= 3, "{suite} ran no tests:\n{text}");
    }
}

#[test]
fn unmodified_web3_py_deploys_transacts_and_verifies() {
    if !has("python3") {
        return skipped("web3.py", "python3 is not there; install Python 3.10 or newer");
    }
    let folder = match install("web3", "requirements.txt", fetch_with_pip) {
        Ok(folder) => folder,
        Err(why) => return skipped("web3.py", &why),
    };
    let artifacts = tempfile::tempdir().expect("a temporary folder");
    build_artifacts(CONTRACTS, artifacts.path()).expect("the contracts build");
    let mut command = Command::new(folder.join(PYTHON));
    command.args(["-m", "unittest", "web3_test"]).current_dir(&folder);
    let (_, told) = run(&mut command, artifacts.path());
    let ran = told.lines().find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse::<u32>().ok());
    assert!(ran.unwrap_or_default() >= 10, "web3.py ran no tests:\n{told}");
}
