//! The models' creation code, made once a process with Solidity's own compiler.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use alloy_primitives::Bytes;

use crate::workspace_root;

/// Creation code of the contracts in `tests/solidity`, by their names.
#[derive(Debug)]
pub struct Models {
    creation: BTreeMap<String, Bytes>,
}

impl Models {
    /// A contract's creation code, without arguments of its constructor.
    ///
    /// # Panics
    /// If no model has this name.
    #[must_use]
    pub fn creation(&self, name: &str) -> Bytes {
        self.creation.get(name).unwrap_or_else(|| panic!("tests/solidity has no contract {name}")).clone()
    }
}

/// The compiled models. Without `node` and `npm`, or when the packages cannot be fetched, it says loudly what is skipped, and
/// is `None`.
///
/// # Panics
/// If the models do not compile, or nothing may be skipped (see [`SKIP_NOTHING`](crate::SKIP_NOTHING)).
#[must_use]
pub fn models() -> Option<&'static Models> {
    static MODELS: OnceLock<Result<Models, String>> = OnceLock::new();
    MODELS
        .get_or_init(|| {
            let folder = installed()?;
            Ok(compiled(&folder))
        })
        .as_ref()
        .map_err(|why| crate::skipped(&format!("nothing was compared with contracts in Solidity: {why}")))
        .ok()
}

/// A copy of `tests/solidity` below the build output, with its packages.
fn installed() -> Result<PathBuf, String> {
    for program in ["node", "npm"] {
        let there = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
        if !there {
            return Err(format!("{program} is not there; install Node.js 20 or newer"));
        }
    }
    let source = workspace_root().join("tests/solidity");
    let folder = workspace_root().join("target/solidity");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in std::fs::read_dir(&source).expect("tests/solidity is part of the checkout").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), folder.join(entry.file_name())).expect("the build folder is writable");
        }
    }
    let lock = std::fs::read(source.join("package-lock.json")).expect("the lock file is part of the checkout");
    let stamp = folder.join("installed.lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(folder);
    }
    eprintln!("installing solc and OpenZeppelin's contracts with npm (some 40 MB, once)…");
    let arguments = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    let output =
        Command::new("npm").args(arguments).current_dir(&folder).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("npm could not install solc:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    std::fs::write(&stamp, lock).expect("the build folder is writable");
    Ok(folder)
}

fn compiled(folder: &Path) -> Models {
    let output = Command::new("node").arg("compile.mjs").current_dir(folder).output().expect("node was there just now");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the models do not compile:\n{errors}");
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("compile.mjs prints JSON");
    let creation = printed["creation"].as_object().expect("an object of contracts");
    let code = |code: &serde_json::Value| code.as_str().and_then(|code| code.parse::<Bytes>().ok());
    let creation = creation.iter().map(|(name, value)| (name.clone(), code(value).expect("hexadecimal"))).collect();
    Models { creation }
}
