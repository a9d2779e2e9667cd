//! What cargo would take for fresh though it is not. It goes by times, and checkouts, archives and copies set these back: the
//! old code would be given out under the new sources' hash. So the content of what was compiled is kept beside it, and what
//! has another content now is forgotten before cargo looks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha3::{Digest, Keccak256};

use crate::BuildError;
use crate::inputs::Unit;

/// The file's name in a target folder.
const FILE: &str = "sources.json";
/// cargo's folder of what it knows about a package, one for each profile and target.
const FINGERPRINTS: &str = ".fingerprint";

/// Hashes of files, by their paths, by the package that they belong to.
type Packages = BTreeMap<String, BTreeMap<PathBuf, String>>;

/// The sources of a target folder's packages, as they were when a build began.
#[derive(Debug)]
pub(crate) struct Sources {
    target_dir: PathBuf,
    root: PathBuf,
    packages: Packages,
}

impl Sources {
    /// Makes cargo compile again what was compiled from other sources. The caller holds the target folder's lock.
    ///
    /// # Errors
    /// [`BuildError::Io`].
    pub(crate) fn forget_stale(target_dir: &Path, root: &Path) -> Result<Self, BuildError> {
        let kept = fs::read(target_dir.join(FILE)).ok().and_then(|text| serde_json::from_slice::<Packages>(&text).ok());
        let mut sources = Self { target_dir: target_dir.to_owned(), root: root.to_owned(), packages: Packages::new() };
        let Some(kept) = kept else {
            sources.forget(|_| true)?;
            return Ok(sources);
        };
        for (package, files) in kept {
            let now: BTreeMap<_, _> = files.keys().filter_map(|path| Some((path.clone(), hash(path)?))).collect();
            if now != files {
                // `name-` and cargo's hash, of 16 digits.
                let prefix = format!("{package}-");
                sources.forget(|entry| entry.strip_prefix(&prefix).is_some_and(|rest| rest.len() == 16))?;
            }
            sources.packages.insert(package, now);
        }
        Ok(sources)
    }

    /// Removes what cargo knows of the packages whose entries `is_stale`.
    fn forget(&self, is_stale: impl Fn(&str) -> bool) -> Result<(), BuildError> {
        let list = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let profiles = list(&self.target_dir).chain(list(&self.target_dir).flat_map(|folder| list(&folder)));
        for fingerprints in profiles.map(|folder| folder.join(FINGERPRINTS)) {
            for path in list(&fingerprints) {
                if path.file_name().and_then(|name| name.to_str()).is_some_and(&is_stale) {
                    fs::remove_dir_all(&path).map_err(|source| BuildError::Io { path, source })?;
                }
            }
        }
        Ok(())
    }

    /// Keeps what the packages on this machine were compiled from, which must be what it was when the build began.
    ///
    /// # Errors
    /// [`BuildError::Changed`] if it is not; [`BuildError::Io`].
    pub(crate) fn keep(mut self, units: &[Unit]) -> Result<(), BuildError> {
        for unit in units.iter().filter(|unit| unit.package.starts_with("path+")) {
            let Some(name) = unit.manifest.as_ref().and_then(|manifest| name_of(&unit.package, manifest)) else {
                continue;
            };
            let before = self.packages.entry(name).or_default();
            for file in &unit.files {
                let path = self.root.join(file);
                // What a build script wrote is cargo's affair.
                if path.starts_with(&self.target_dir) {
                    continue;
                }
                let Some(now) = hash(&path) else { return Err(BuildError::Changed { path }) };
                if before.get(&path).is_some_and(|before| *before != now) {
                    return Err(BuildError::Changed { path });
                }
                before.insert(path, now);
            }
        }
        let path = self.target_dir.join(FILE);
        let text = serde_json::to_vec(&self.packages).expect("paths and hashes are plain JSON");
        fs::write(&path, text).map_err(|source| BuildError::Io { path, source })
    }
}

/// What cargo calls a package's entries by: the name in its id, or that of its folder, which the id then leaves out.
fn name_of(id: &str, manifest: &Path) -> Option<String> {
    let (_, fragment) = id.rsplit_once('#')?;
    let named = fragment.rsplit_once('@').map(|(name, _)| name.to_owned());
    named.or_else(|| Some(manifest.parent()?.file_name()?.to_str()?.to_owned()))
}

fn hash(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|content| hex::encode(Keccak256::digest(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(root: &Path) -> Unit {
        Unit {
            package: "path+file:///a/gold#1.0.0".to_owned(),
            manifest: Some(root.join("gold/Cargo.toml")),
            files: vec![PathBuf::from("lib.rs")],
            ..Unit::default()
        }
    }

    #[test]
    fn what_has_another_content_is_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (root, target) = (folder.path(), folder.path().join("target"));
        let entry = |name: &str| target.join("wasm32/release/.fingerprint").join(name);
        let entries = ["gold-0123456789abcdef", "gold-rush-0123456789abcdef", "syn-0123456789abcdef"];
        for name in entries {
            fs::create_dir_all(entry(name)).expect("writable");
        }
        let there = || entries.map(|name| entry(name).exists());
        fs::write(root.join("lib.rs"), "one").expect("writable");

        // Of a folder that another version left, nothing is known.
        Sources::forget_stale(&target, root).and_then(|sources| sources.keep(&[unit(root)])).expect("kept");
        assert_eq!(there(), [false; 3]);
        for name in entries {
            fs::create_dir_all(entry(name)).expect("writable");
        }
        Sources::forget_stale(&target, root).and_then(|sources| sources.keep(&[unit(root)])).expect("kept");
        assert_eq!(there(), [true; 3], "nothing has changed");
        fs::write(root.join("lib.rs"), "two").expect("writable");
        let sources = Sources::forget_stale(&target, root).expect("read");
        assert_eq!(there(), [false, true, true]);
        fs::write(root.join("lib.rs"), "three").expect("writable");
        let error = sources.keep(&[unit(root)]).expect_err("it changed meanwhile");
        assert!(error.to_string().contains("lib.rs changed while it was compiled"), "{error}");
    }
}
