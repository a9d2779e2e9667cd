//! `esker contract layout`.

use clap::Args;
use esker_sdk_build::{Artifact, Layouts, LockError, LockMode, Locked, Package, StorageLayout, lock_file, lock_layout};
use serde_json::json;

use super::failure;
use super::source::ContractSource;
use crate::cli::answer::{Answer, printable, table};
use crate::cli::failure::Failure;

/// `esker contract layout`.
#[derive(Args, Clone, Debug)]
pub(super) struct LayoutArgs {
    #[command(flatten)]
    source: ContractSource,

    /// Write NAME.layout.json beside Cargo.toml, with which builds compare from then on; compare if it is there
    #[arg(long)]
    lock: bool,
}

pub(super) fn run(args: &LayoutArgs) -> Result<Answer, Failure> {
    let (name, layouts, package) = layouts(&args.source)?;
    let mut text = shown(&layouts.storage_layout);
    if text.is_empty() {
        "no fields in storage".clone_into(&mut text);
    }
    if !layouts.transient_storage_layout.storage.is_empty() {
        text = format!("{text}\n\ntransient\n{}", shown(&layouts.transient_storage_layout));
    }
    let mut answer = json!({
        "contractName": name,
        "storageLayout": layouts.storage_layout,
        "transientStorageLayout": layouts.transient_storage_layout,
    });
    if args.lock {
        let Some(package) = package else {
            return Err(Failure::usage("a lock file lies beside a contract's Cargo.toml")
                .hint("give the contract's folder instead of its artifact"));
        };
        let locked = lock(&package, &name, Some(&layouts), LockMode::Create)?;
        let path = lock_file(package.folder(), &name);
        text = format!("{text}\n\n{}: {}", path.display(), said(&locked).unwrap_or_else(|| "unchanged".to_owned()));
        answer["lockFile"] = json!(path);
    }
    Ok(Answer::new(text, answer))
}

/// Compares a contract's layout with its lock file.
///
/// # Errors
/// Lists what an upgrade would break, and says what to do.
pub(super) fn lock(
    package: &Package,
    name: &str,
    layouts: Option<&Layouts>,
    mode: LockMode,
) -> Result<Locked, Failure> {
    // A module that tells no layout has none to compare: its lock file, if it has one, was another contract's.
    let nothing = StorageLayout::default();
    let layout = layouts.map_or(&nothing, |layouts| &layouts.storage_layout);
    if layouts.is_none() && !lock_file(package.folder(), name).exists() {
        return Ok(Locked::Unlocked);
    }
    lock_layout(package.folder(), name, layout, mode).map_err(|error| match &error {
        LockError::Io { .. } => Failure::infrastructure(error.to_string()),
        LockError::Misnamed { .. } => Failure::failed(error.to_string())
            .hint("a contract that was renamed keeps its storage: rename its lock file with it, then build again"),
        LockError::Malformed { .. } => Failure::usage(error.to_string())
            .hint("restore it, or write it anew with `esker contract build --accept-layout`"),
        LockError::Incompatible { changes, .. } => {
            let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
            let list: Vec<_> = changes
                .iter()
                .map(|change| json!({"what": change.what, "label": change.label, "detail": change.detail}))
                .collect();
            Failure::failed(error.to_string())
                .because(lines.join("\n"))
                .hint(
                    "a deployed contract that is upgraded to this would read other fields than were written: put the fields \
                     back as they were and new ones behind them; where no deployed storage has to be kept, \
                     `esker contract build --accept-layout` locks the new layout",
                )
                .with("changes", list)
        }
    })
}

/// What became of a lock file, if there is something to say.
pub(super) fn said(locked: &Locked) -> Option<String> {
    match locked {
        Locked::Unlocked | Locked::Same => None,
        Locked::Appended(labels) => Some(format!("appended {}", labels.join(", "))),
        Locked::Written => Some("written".to_owned()),
    }
}

/// The contract's name, its layouts, and its crate if it was one that was built.
fn layouts(source: &ContractSource) -> Result<(String, Layouts, Option<Package>), Failure> {
    let untold = |what: String| {
        Failure::failed(format!("{what} does not tell its storage layout"))
            .hint("build it again: `esker contract build` writes the layout of a `#[contract] mod` into the artifact")
    };
    if let Some(built) = source.built()? {
        let package = Package::read(&source.path).map_err(failure)?;
        let name = built.artifact.contract_name;
        let layouts = built.artifact.layouts.ok_or_else(|| untold(name.clone()))?;
        return Ok((name, layouts, Some(package)));
    }
    if source.path.extension().is_some_and(|extension| extension == "json") {
        let artifact = Artifact::read(&source.path).map_err(|error| Failure::usage(error.to_string()))?;
        let layouts = artifact.layouts.ok_or_else(|| untold(source.path.display().to_string()))?;
        return Ok((artifact.contract_name, layouts, None));
    }
    Err(Failure::usage(format!("{} does not tell its storage layout: modules do not carry it", source.path.display()))
        .hint("give the contract's folder or its artifact"))
}

/// A line for each field.
fn shown(layout: &StorageLayout) -> String {
    if layout.storage.is_empty() {
        return String::new();
    }
    let mut rows = vec![["slot", "offset", "bytes", "label", "type"].map(str::to_owned).to_vec()];
    rows.extend(layout.storage.iter().map(|field| {
        let entry = layout.types.get(&field.kind);
        vec![
            printable(&slot(&field.slot)),
            field.offset.to_string(),
            entry.map(|entry| printable(&entry.number_of_bytes)).unwrap_or_default(),
            printable(&field.label),
            printable(entry.map_or(&field.kind, |entry| &entry.label)),
        ]
    }));
    table(&rows)
}

/// A slot that was fixed by a hash is known by its digits in hexadecimal.
fn slot(decimal: &str) -> String {
    if decimal.len() < 20 {
        return decimal.to_owned();
    }
    decimal.parse::<alloy_primitives::U256>().map_or_else(|_| decimal.to_owned(), |slot| format!("{slot:#066x}"))
}

#[cfg(test)]
mod tests {
    use super::slot;

    #[test]
    fn large_slots_are_shown_in_hexadecimal() {
        assert_eq!(slot("7"), "7");
        let admin = "81955473079516046949633743016697847541294818689821282749996681496272635257091";
        assert_eq!(slot(admin), "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103");
        assert_eq!(slot("nonsense that is longer than a number"), "nonsense that is longer than a number");
    }
}
