//! What took part in a build, as cargo and rustc report it: packages, their features and profiles, the files that were
//! read, the variables that were asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One compilation, or one run of a build script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unit {
    /// cargo's id of the package.
    pub(crate) package: String,
    /// The package's Cargo.toml, where cargo names it.
    pub(crate) manifest: Option<PathBuf>,
    /// Features, profile, edition; a build script's directives. No folder of a machine is in it.
    pub(crate) facts: Vec<String>,
    /// The files rustc read, as it names them: relative to the workspace's root, or absolute.
    pub(crate) files: Vec<PathBuf>,
    /// What was produced.
    pub(crate) products: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<serde_json::Value>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    cfgs: Vec<String>,
    #[serde(default)]
    env: Vec<(String, String)>,
    out_dir: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    edition: String,
}

/// Reads the messages that cargo wrote to standard output.
pub(crate) fn units(messages: &[u8]) -> Vec<Unit> {
    let mut units = Vec::new();
    for line in messages.split(|&byte| byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Message>(line) else { continue };
        match message.reason.as_str() {
            "compiler-artifact" => units.push(compilation(message)),
            "build-script-executed" => units.push(script(message)),
            _ => {}
        }
    }
    units
}

fn compilation(message: Message) -> Unit {
    let mut facts = Vec::new();
    if let Some(target) = &message.target {
        facts.push(format!("{} edition {}", target.kind.join(","), target.edition));
    }
    let mut features = message.features;
    features.sort();
    facts.push(format!("features {}", features.join(",")));
    if let Some(profile) = message.profile {
        for key in ["opt_level", "debuginfo", "debug_assertions", "overflow_checks"] {
            facts.push(format!("{key} {}", profile.get(key).unwrap_or(&serde_json::Value::Null)));
        }
    }
    let record = message.filenames.iter().find_map(|file| dep_info(file));
    let (files, variables) = record.as_deref().map(read_dep_info).unwrap_or_default();
    facts.extend(variables);
    Unit { package: message.package_id, manifest: message.manifest_path, facts, files, products: message.filenames }
}

fn script(message: Message) -> Unit {
    let out = message.out_dir.unwrap_or_default();
    let named = |text: &str| if out.is_empty() { text.to_owned() } else { text.replace(&out, "OUT_DIR") };
    let mut facts: Vec<String> = message.cfgs.iter().map(|cfg| format!("cfg {}", named(cfg))).collect();
    facts.extend(message.env.iter().map(|(key, value)| format!("env {key}={}", named(value))));
    facts.sort();
    Unit { package: message.package_id, facts, ..Unit::default() }
}

/// rustc's record of what it read for a product: `deps/NAME.d` beside `deps/libNAME.rlib`, and below `NAME.wasm`, which
/// cargo moved up.
fn dep_info(product: &Path) -> Option<String> {
    let stem = product.file_stem()?.to_str()?;
    let folder = product.parent()?;
    let bare = stem.strip_prefix("lib").unwrap_or(stem);
    let places = [folder.join("deps"), folder.to_owned()];
    let mut names = places.iter().flat_map(|place| [bare, stem].map(|name| place.join(format!("{name}.d"))));
    names.find_map(|path| fs::read_to_string(path).ok())
}

/// The files and the variables (`env!`, `option_env!`) in such a record. cargo's own variables are left out: they say what
/// the manifest says, but for the folder of the package, which is a fact.
fn read_dep_info(text: &str) -> (Vec<PathBuf>, Vec<String>) {
    let mut files = BTreeSet::new();
    let mut variables = BTreeSet::new();
    for line in text.lines() {
        if let Some(variable) = line.strip_prefix("# env-dep:") {
            let name = variable.split('=').next().unwrap_or_default();
            let implied = name.starts_with("CARGO_") && name != "CARGO_MANIFEST_DIR" && name != "CARGO_MANIFEST_PATH";
            if !implied && !matches!(name, "ESKER_CONTRACT" | "ESKER_EMBEDDED" | "OUT_DIR") {
                variables.insert(format!("variable {variable}"));
            }
        } else if !line.starts_with('#')
            && let Some(file) = line.strip_suffix(':')
        {
            files.insert(PathBuf::from(file.replace("\\ ", " ")));
        }
    }
    (files.into_iter().collect(), variables.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_files_and_variables() {
        let text = "/t/deps/a.d: src/lib.rs price list.txt\n\nsrc/lib.rs:\nsrc/price\\ list.txt:\n\n\
            # env-dep:CARGO_PKG_NAME=a\n# env-dep:ESKER_CONTRACT=a\n# env-dep:ESKER_EMBEDDED=/t\n# env-dep:PRICE=7\n# env-dep:UNSET\n\
            # env-dep:CARGO_MANIFEST_DIR=/home/a\n";
        let (files, variables) = read_dep_info(text);
        assert_eq!(files, [PathBuf::from("src/lib.rs"), PathBuf::from("src/price list.txt")]);
        assert_eq!(variables, ["variable CARGO_MANIFEST_DIR=/home/a", "variable PRICE=7", "variable UNSET"]);
    }

    #[test]
    fn a_build_scripts_directives_are_facts_without_its_folder() {
        let line = br#"{"reason":"build-script-executed","package_id":"a","cfgs":["fast"],"env":[["TABLE","/x/out/t.bin"]],"out_dir":"/x/out"}"#;
        let units = units(line);
        assert_eq!(units.len(), 1);
        assert_eq!(units[0].facts, ["cfg fast", "env TABLE=OUT_DIR/t.bin"]);
    }
}
