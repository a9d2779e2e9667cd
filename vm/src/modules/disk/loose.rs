//! Files of modules that no committed account is known to hold: a folder under a quota, the oldest going first.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::Path;

use parking_lot::Mutex;

use super::folder::PrivateFolder;

struct Files {
    bytes_by_name: BTreeMap<String, u64>,
    /// Oldest first; names may stand here that are gone.
    by_age: VecDeque<String>,
    bytes: u64,
}

pub(super) struct LooseFiles {
    folder: PrivateFolder,
    bytes_max: u64,
    files: Mutex<Files>,
}

impl LooseFiles {
    /// Takes stock of the folder and holds it to the quota.
    pub(super) fn open(folder: PrivateFolder, bytes_max: u64) -> io::Result<Self> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder.path())? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                found.push((metadata.modified().ok(), name, metadata.len()));
            }
        }
        found.sort();
        let files = Files { bytes_by_name: BTreeMap::new(), by_age: VecDeque::new(), bytes: 0 };
        let loose = Self { folder, bytes_max, files: Mutex::new(files) };
        for (_, name, bytes) in found {
            loose.added(&name, bytes);
        }
        Ok(loose)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Counts a file that was written, and deletes the oldest others until the quota holds.
    pub(super) fn added(&self, name: &str, bytes: u64) {
        let mut files = self.files.lock();
        if let Some(before) = files.bytes_by_name.insert(name.to_owned(), bytes) {
            files.bytes -= before;
            files.by_age.retain(|other| other != name);
        }
        files.bytes += bytes;
        files.by_age.push_back(name.to_owned());
        while files.bytes > self.bytes_max
            && let Some(oldest) = files.by_age.pop_front()
        {
            let Some(bytes) = files.bytes_by_name.remove(&oldest) else { continue };
            files.bytes -= bytes;
            if let Err(error) = fs::remove_file(self.folder.path().join(&oldest))
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "an old file of the module cache could not be deleted");
            }
        }
    }

    /// Counts a file no more.
    pub(super) fn removed(&self, name: &str) {
        let mut files = self.files.lock();
        if let Some(bytes) = files.bytes_by_name.remove(name) {
            files.bytes -= bytes;
            files.by_age.retain(|other| other != name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_the_quota_is_passed_also_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("loose");
        let open = |quota| LooseFiles::open(PrivateFolder::open(&path).expect("private"), quota).expect("readable");
        let write = |name: &str| fs::write(path.join(name), [0; 100]).expect("writable");
        let names = || {
            let mut names: Vec<_> = fs::read_dir(&path)
                .expect("readable")
                .map(|entry| entry.expect("readable").file_name().into_string().expect("text"))
                .collect();
            names.sort();
            names
        };
        let loose = open(250);
        for name in ["a", "b", "c"] {
            write(name);
            loose.added(name, 100);
        }
        assert_eq!(names(), ["b", "c"]);
        loose.removed("b");
        write("d");
        loose.added("d", 100);
        assert_eq!(names(), ["b", "c", "d"], "b is no longer this folder's affair");
        drop(loose);
        drop(open(100));
        assert_eq!(names().len(), 1, "what was left behind counts");
    }
}
