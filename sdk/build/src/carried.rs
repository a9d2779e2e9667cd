//! The SDK's sources, which this library carries: unpacked into Esker's cache folder, and shown to a workspace as
//! `.esker/sdk`.
//!
//! A contract's manifest says `esker-sdk = "0.1"`. Until a registry has that crate, cargo takes it from the carried
//! sources, by a patch that names a folder *below the workspace's root*: cargo mixes a path into every symbol's name, and
//! only inside the workspace is it the path from the root, which is the same on every machine.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flate2::read::DeflateDecoder;
use sha3::{Digest, Keccak256};

use crate::cache::{FileLock, at};
use crate::library::LIBRARY;
use crate::{CacheDir, CacheError, Progress};

/// What `build.rs` packed: for each file, in order of path, the length of its path, the path, the length of its content
/// and the content, deflated.
static ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sdk.archive"));

/// The carried crates that a manifest may ask for, and their folders among the sources.
pub(crate) fn crates() -> &'static BTreeMap<String, String> {
    static CRATES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    CRATES.get_or_init(|| {
        let sdk = [("esker-sdk", "sdk"), ("esker-sdk-test", "sdk/test")];
        let sdk = sdk.map(|(name, folder)| (name.to_owned(), folder.to_owned()));
        sdk.into_iter()
            .chain(LIBRARY.iter().map(|name| (format!("esker-{name}"), format!("contracts/{name}"))))
            .collect()
    })
}

/// Where a workspace sees the sources, below its root.
pub(crate) const LINK: &str = ".esker/sdk";

/// The carried files, and a hash of them.
struct Sources {
    files: BTreeMap<String, Vec<u8>>,
    hash: String,
}

fn sources() -> &'static Sources {
    static SOURCES: OnceLock<Sources> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let mut bytes = Vec::new();
        DeflateDecoder::new(ARCHIVE).read_to_end(&mut bytes).expect("build.rs wrote the archive");
        let hash = hex::encode(&Keccak256::digest(&bytes)[..16]);
        let mut rest = bytes.as_slice();
        let mut part = || {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let (part, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            rest = after;
            Some(part.to_vec())
        };
        let mut files = BTreeMap::new();
        while let Some(path) = part() {
            let path = String::from_utf8(path).expect("build.rs wrote the archive");
            files.insert(path, part().expect("build.rs wrote the archive"));
        }
        Sources { files, hash }
    })
}

/// The hash of the carried sources: their folder's name in the cache.
#[must_use]
pub fn carried_hash() -> &'static str {
    &sources().hash
}

/// A carried file's text.
pub(crate) fn text(path: &str) -> &'static str {
    sources().files.get(path).and_then(|content| std::str::from_utf8(content).ok()).unwrap_or_default()
}

/// The carried files of a folder: their paths below it, and their texts.
pub(crate) fn files_below(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let below = move |(path, content): (&'static String, &'static Vec<u8>)| {
        let path = path.strip_prefix(folder)?.strip_prefix('/')?;
        Some((path, std::str::from_utf8(content).ok()?))
    };
    sources().files.iter().filter_map(below)
}

/// Whether a path leads into the carried sources, where a workspace sees them.
#[must_use]
pub fn is_carried(path: &Path) -> bool {
    path.ancestors().any(|folder| folder.ends_with(LINK))
}

/// Unpacks the carried sources into the cache folder, and gives where they are. What is there already is compared, file by
/// file, and replaced if it is not what is carried. Processes that do this at the same time wait for one another.
///
/// # Errors
/// [`CacheError::Io`].
pub fn unpack(cache: &CacheDir, progress: &dyn Progress) -> Result<PathBuf, CacheError> {
    let Sources { files, hash } = sources();
    let place = cache.path().join("sdk");
    let folder = place.join(hash);
    if is_whole(&folder, files) {
        return Ok(folder);
    }
    let _lock = FileLock::acquire(&place.join("lock"), "another process unpacks the SDK: waiting for it", progress)?;
    if is_whole(&folder, files) {
        return Ok(folder);
    }
    let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(&place).map_err(at(&place))?;
    let whole = fresh.path().join("sdk");
    write(&whole, files)?;
    if folder.symlink_metadata().is_ok() {
        progress.note("the unpacked SDK was changed or damaged: unpacking it again");
        // Goes with the temporary folder.
        fs::rename(&folder, fresh.path().join("damaged")).map_err(at(&folder))?;
    }
    fs::rename(&whole, &folder).map_err(at(&folder))?;
    Ok(folder)
}

fn write(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), CacheError> {
    for (name, content) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        let mut file = File::create(&path).map_err(at(&path))?;
        file.write_all(content).map_err(at(&path))?;
        let mut permissions = file.metadata().map_err(at(&path))?.permissions();
        permissions.set_readonly(true);
        file.set_permissions(permissions).map_err(at(&path))?;
    }
    Ok(())
}

/// Whether the folder holds these files and no others: a `build.rs` put beside them would run.
fn is_whole(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> bool {
    fn count(folder: &Path) -> io::Result<usize> {
        let mut sum = 0;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            sum += if entry.file_type()?.is_dir() { count(&entry.path())? } else { 1 };
        }
        Ok(sum)
    }
    let is_carried = |(name, content): (&String, &Vec<u8>)| {
        let path = folder.join(name);
        path.symlink_metadata().is_ok_and(|found| found.is_file())
            && fs::read(path).is_ok_and(|found| found == *content)
    };
    count(folder).is_ok_and(|found| found == files.len()) && files.iter().all(is_carried)
}

/// Makes `.esker/sdk` below `root` mean the carried sources, and gives that path.
///
/// # Errors
/// [`CacheError::Io`]; [`CacheError::Occupied`] if something else is there that Esker did not put there.
pub fn link(root: &Path, cache: &CacheDir, progress: &dyn Progress) -> Result<PathBuf, CacheError> {
    let link = root.join(LINK);
    let parent = root.join(".esker");
    fs::create_dir_all(&parent).map_err(at(&parent))?;
    let ignore = parent.join(".gitignore");
    if !ignore.exists() {
        fs::write(&ignore, "# What is here is made by `esker contract`, on every machine anew.\n*\n")
            .map_err(at(&ignore))?;
    }
    place(&link, cache, progress)?;
    Ok(link)
}

#[cfg(unix)]
fn place(link: &Path, cache: &CacheDir, progress: &dyn Progress) -> Result<(), CacheError> {
    let folder = unpack(cache, progress)?;
    let folder = folder.canonicalize().map_err(at(&folder))?;
    match fs::read_link(link) {
        Ok(target) if target == folder => return Ok(()),
        // cargo looks at times alone to see whether sources changed, and these may be older than what it built last.
        Ok(_) => refresh(&folder)?,
        Err(_) if link.symlink_metadata().is_err() => {
            // Nothing was built here yet: other workspaces, which share the sources, need not build theirs again.
            let root = link.ancestors().nth(2).unwrap_or(link);
            if root.join("target").exists() || std::env::var_os("CARGO_TARGET_DIR").is_some() {
                refresh(&folder)?;
            }
        }
        // A copy that somebody keeps with the workspace is as good, while it is one.
        Err(_) if is_whole(link, &sources().files) => return Ok(()),
        Err(_) => return Err(CacheError::Occupied(link.to_owned())),
    }
    let parent = link.parent().unwrap_or(link);
    let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(parent).map_err(at(parent))?;
    let new = fresh.path().join("sdk");
    std::os::unix::fs::symlink(&folder, &new).map_err(at(&new))?;
    fs::rename(&new, link).map_err(at(link))
}

/// Where links need privileges, the workspace has a copy.
#[cfg(not(unix))]
fn place(link: &Path, _: &CacheDir, progress: &dyn Progress) -> Result<(), CacheError> {
    let files = &sources().files;
    let stamp = link.with_file_name("sdk.hash");
    let parent = link.parent().unwrap_or(link);
    let _lock = FileLock::acquire(&parent.join("lock"), "another process unpacks the SDK: waiting for it", progress)?;
    if is_whole(link, files) {
        return Ok(());
    }
    let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(parent).map_err(at(parent))?;
    let whole = fresh.path().join("sdk");
    write(&whole, files)?;
    if link.exists() {
        if !stamp.exists() {
            return Err(CacheError::Occupied(link.to_owned()));
        }
        fs::rename(link, fresh.path().join("old")).map_err(at(link))?;
    }
    fs::rename(&whole, link).map_err(at(link))?;
    fs::write(&stamp, carried_hash()).map_err(at(&stamp))
}

/// Gives every file below `folder` the time of now.
#[cfg(unix)]
fn refresh(folder: &Path) -> Result<(), CacheError> {
    let now = std::time::SystemTime::now();
    for name in sources().files.keys() {
        let path = folder.join(name);
        File::open(&path).and_then(|file| file.set_modified(now)).map_err(at(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::Silent;

    #[test]
    fn sources_are_whole_and_damage_is_mended() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let dir = CacheDir::at(cache.path());
        let folder = unpack(&dir, &Silent).expect("unpacked");
        assert_eq!(folder, cache.path().join("sdk").join(carried_hash()));
        for place in crates().values() {
            assert!(folder.join(place).join("Cargo.toml").is_file(), "{place}");
        }
        let source = folder.join("sdk/src/lib.rs");
        let before = fs::read(&source).expect("readable");
        assert!(source.metadata().expect("a file").permissions().readonly());

        // Another content, a file that is missing, and one too many.
        let others: [fn(&Path); 3] = [
            |folder| {
                fs::remove_file(folder.join("sdk/src/lib.rs")).expect("removed");
                fs::write(folder.join("sdk/src/lib.rs"), "other").expect("written");
            },
            |folder| fs::remove_file(folder.join("sdk/src/lib.rs")).expect("removed"),
            |folder| fs::write(folder.join("sdk/build.rs"), "fn main() {}").expect("written"),
        ];
        for damage in others {
            damage(&folder);
            assert_eq!(unpack(&dir, &Silent).expect("unpacked again"), folder);
            assert_eq!(fs::read(&source).expect("readable"), before);
            assert!(!folder.join("sdk/build.rs").exists());
        }
        let left = fs::read_dir(cache.path().join("sdk")).expect("readable").count();
        assert_eq!(left, 2, "the folder and its lock");
    }

    #[test]
    fn many_at_once_give_one_whole_folder() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let roots: Vec<_> = (0..4).map(|_| tempfile::tempdir().expect("a temporary folder")).collect();
        let dir = CacheDir::at(cache.path());
        std::thread::scope(|scope| {
            for root in &roots {
                for _ in 0..2 {
                    scope.spawn(|| link(root.path(), &dir, &Silent).expect("linked"));
                }
            }
        });
        for root in &roots {
            assert!(is_whole(&root.path().join(LINK).canonicalize().expect("there"), &sources().files));
        }
    }

    /// cargo would take what it built from another version's sources for fresh.
    #[cfg(unix)]
    #[test]
    fn a_workspace_that_gets_other_sources_sees_them_as_new() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let root = tempfile::tempdir().expect("a temporary folder");
        let dir = CacheDir::at(cache.path());
        let folder = unpack(&dir, &Silent).expect("unpacked");
        let source = folder.join("sdk/src/lib.rs");
        let old = SystemTime::UNIX_EPOCH;
        File::open(&source).and_then(|file| file.set_modified(old)).expect("set");
        fs::create_dir(root.path().join(".esker")).expect("made");
        std::os::unix::fs::symlink("/somewhere/else", root.path().join(LINK)).expect("linked");
        link(root.path(), &dir, &Silent).expect("linked");
        assert!(source.metadata().and_then(|found| found.modified()).expect("a time") > old);
        assert!(root.path().join(LINK).join("sdk/Cargo.toml").is_file());

        // A new workspace, in which nothing was built, leaves the times alone: all others would compile the SDK again.
        let fresh = tempfile::tempdir().expect("a temporary folder");
        File::open(&source).and_then(|file| file.set_modified(old)).expect("set");
        link(fresh.path(), &dir, &Silent).expect("linked");
        if std::env::var_os("CARGO_TARGET_DIR").is_none() {
            assert_eq!(source.metadata().and_then(|found| found.modified()).expect("a time"), old);
        }
    }

    #[test]
    fn what_esker_did_not_put_there_is_left_alone() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(root.path().join(LINK)).expect("made");
        fs::write(root.path().join(LINK).join("mine"), "x").expect("written");
        let error = link(root.path(), &CacheDir::at(cache.path()), &Silent).expect_err("it is occupied");
        assert!(matches!(error, CacheError::Occupied(_)), "{error}");
        assert!(root.path().join(LINK).join("mine").is_file());
    }
}
