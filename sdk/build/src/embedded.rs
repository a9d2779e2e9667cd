//! Contracts that a contract embeds (`include_contract!`): built before it, each as it would be built by itself, and laid
//! where the macro looks for it.
//!
//! Which they are, nobody has to say: rustc says which files it did not find. What it found is built again before every
//! later build, so that it is never older than its source.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cache::at;
use crate::inputs::Unit;
use crate::package::find_library;
use crate::{BuildError, Package};

/// The variable that tells `include_contract!` the folder.
pub(crate) const VARIABLE: &str = "ESKER_EMBEDDED";

/// The folder's name in a target folder, and the ending of what lies there.
const FOLDER: &str = "embedded";
const ENDING: &str = ".envelope";

/// The codes that one contract embeds: `NAME.envelope`, where NAME is what the contract calls the other's crate.
#[derive(Debug)]
pub(crate) struct Embedded {
    folder: PathBuf,
}

impl Embedded {
    /// Those of `package`, compiled in `target_dir`.
    pub(crate) fn of(package: &Package, target_dir: &Path) -> Self {
        Self { folder: target_dir.join(FOLDER).join(&package.library) }
    }

    /// Where the macro looks.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of the codes that are there.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(ENDING)?.to_owned())).collect()
    }

    /// The names of the codes that rustc, whose output this is, did not find.
    pub(crate) fn missing(&self, output: &str) -> BTreeSet<String> {
        let place = format!("{FOLDER}/{}/", self.folder.file_name().unwrap_or_default().to_string_lossy());
        let output = output.replace('\\', "/");
        let after = output.split(place.as_str()).skip(1);
        let names = after.filter_map(|rest| {
            let (name, _) = rest.split_once(ENDING)?;
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            (is_name && !self.path(name).exists()).then(|| name.to_owned())
        });
        names.collect()
    }

    /// Lays a code down, where it is not there already: cargo takes a file that was written again for a new one.
    pub(crate) fn put(&self, name: &str, envelope: &[u8]) -> Result<(), BuildError> {
        let path = self.path(name);
        if fs::read(&path).is_ok_and(|found| found == envelope) {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder).map_err(at(&self.folder))?;
        file.write_all(envelope).map_err(at(&path))?;
        file.persist(&path).map_err(|error| at(&path)(error.error))?;
        Ok(())
    }

    /// Builds what is there again, and removes what that does not give: it may be embedded no longer, and need not build
    /// then. If it still is, rustc says that it is missing. Gives what failed.
    pub(crate) fn renew(
        &self,
        provide: impl Fn(&str) -> Result<(), BuildError>,
    ) -> Result<Vec<BuildError>, BuildError> {
        let mut failed = Vec::new();
        for name in self.names() {
            if let Err(error) = provide(&name) {
                self.forget(&name)?;
                failed.push(error);
            }
        }
        Ok(failed)
    }

    /// Removes a code that is no longer embedded.
    pub(crate) fn forget(&self, name: &str) -> Result<(), BuildError> {
        let path = self.path(name);
        Ok(fs::remove_file(&path).map_err(at(&path))?)
    }

    /// Removes the codes that a build did not read.
    pub(crate) fn keep_read(&self, units: &[Unit]) -> Result<(), BuildError> {
        let read: BTreeSet<PathBuf> =
            units.iter().flat_map(|unit| &unit.files).filter_map(|file| file.canonicalize().ok()).collect();
        for name in self.names() {
            if !self.path(&name).canonicalize().is_ok_and(|path| read.contains(&path)) {
                self.forget(&name)?;
            }
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{ENDING}"))
    }
}

/// The error that tells most, if compiling failed: that of a contract in `failed` which it stopped at, as a library, too.
pub(crate) fn blame(error: BuildError, failed: Vec<BuildError>) -> BuildError {
    let BuildError::Compile { output, .. } = &error else { return error };
    let stopped = |failure: &BuildError| match failure {
        BuildError::Compile { package, .. } => output.contains(&format!("could not compile `{package}`")),
        _ => false,
    };
    failed.into_iter().find(stopped).unwrap_or(error)
}

/// Whether a file that rustc read is an embedded code.
pub(crate) fn is_code(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::parent).and_then(Path::file_name);
    folder.is_some_and(|name| name == FOLDER) && path.to_string_lossy().ends_with(ENDING)
}

/// The contract that `package` calls `name` and embeds; `within` are the contracts that embed it in turn.
///
/// # Errors
/// [`BuildError::Embedding`] if there is none, or embedding it would never end.
pub(crate) fn resolve(package: &Package, name: &str, within: &[PathBuf]) -> Result<Package, BuildError> {
    let refused =
        |reason: String| BuildError::Embedding { package: package.name.clone(), name: name.to_owned(), reason };
    if matches!(name, "crate" | "self" | "super") {
        return Err(refused(
            "a path in include_contract! begins with the name of another contract's crate; no contract can hold its own code"
                .to_owned(),
        ));
    }
    let Some(mut found) = find_library(package, name)? else {
        return Err(refused(format!(
            "no path dependency of {} and no member of its workspace is called so: write `{} = {{ path = \"…\" }}` among its \
             dependencies (what a registry has cannot be embedded)",
            package.name,
            name.replace('_', "-")
        )));
    };
    if let Some(first) = within.iter().position(|manifest| *manifest == found.manifest) {
        let names = within.iter().skip(first).map(|manifest| {
            manifest.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
        });
        let circle: Vec<String> = names.chain([found.name.clone()]).collect();
        return Err(refused(format!("contracts that embed one another never end: {}", circle.join(" embeds "))));
    }
    found.apart.clone_from(&package.apart);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path) -> Embedded {
        Embedded { folder: folder.join("embedded/factory") }
    }

    #[test]
    fn what_rustc_did_not_find_is_known_by_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let embedded = place(folder.path());
        let output = "error: couldn't read `/t/embedded/factory/my_pair.envelope`: No such file\n \
            error: couldn't read `C:\\t\\embedded\\factory\\token.envelope`: gone\n\
            error: couldn't read `/t/embedded/other/x.envelope`\n/t/embedded/factory/odd name.envelope";
        let missing: Vec<String> = embedded.missing(output).into_iter().collect();
        assert_eq!(missing, ["my_pair", "token"]);
        embedded.put("token", b"code").expect("written");
        assert_eq!(embedded.missing(output).len(), 1, "what is there is not missing");
        assert!(embedded.names().contains("token"));
    }

    #[test]
    fn what_no_longer_builds_is_forgotten_and_stops_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let embedded = place(folder.path());
        for name in ["broken", "gone", "pair"] {
            embedded.put(name, b"old").expect("written");
        }
        let provide = |name: &str| match name {
            "broken" => Err(BuildError::Compile { package: name.to_owned(), output: "nonsense".to_owned() }),
            "gone" => Err(BuildError::NoCrate(PathBuf::from(name))),
            _ => embedded.put(name, b"new"),
        };
        let failed = embedded.renew(provide).expect("nobody asked for the others");
        assert_eq!(failed.len(), 2);
        // The embedding crate may still need it as a library; then it is the other's error that helps.
        let own = |output: &str| BuildError::Compile { package: "factory".to_owned(), output: output.to_owned() };
        let at_fault = |error: BuildError, failed| match blame(error, failed) {
            BuildError::Compile { package, .. } => package,
            other => other.to_string(),
        };
        assert_eq!(at_fault(own("error: could not compile `factory` (lib)"), failed), "factory");
        let failed = vec![BuildError::Compile { package: "broken".to_owned(), output: "nonsense".to_owned() }];
        assert_eq!(at_fault(own("error: could not compile `broken` (lib)"), failed), "broken");
        assert_eq!(embedded.names().into_iter().collect::<Vec<_>>(), ["pair"]);
        assert_eq!(fs::read(embedded.path("pair")).expect("there"), b"new");
    }

    #[test]
    fn an_equal_code_is_not_written_again_and_one_that_nobody_read_goes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let embedded = place(folder.path());
        embedded.put("pair", b"one").expect("written");
        let path = embedded.folder().join("pair.envelope");
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        fs::File::open(&path).and_then(|file| file.set_modified(long_ago)).expect("set");
        let written = || path.metadata().and_then(|found| found.modified()).expect("a time");
        embedded.put("pair", b"one").expect("written");
        assert_eq!(written(), long_ago);
        embedded.put("pair", b"two").expect("written");
        assert!(written() > long_ago);
        let units = [Unit { files: vec![path.clone()], ..Unit::default() }];
        embedded.keep_read(&units).expect("kept");
        assert!(path.exists() && is_code(&path));
        embedded.keep_read(&[]).expect("removed");
        assert!(!path.exists());
    }
}
