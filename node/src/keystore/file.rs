//! Files and folders of which others know nothing.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Writes a new file that its owner only may read: complete or not at all, never over another one.
///
/// # Errors
/// The system's; [`io::ErrorKind::AlreadyExists`] if there is such a file.
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Temporary files are made with mode 0600; the name appears only when the content is on disk.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

/// Makes a folder, and those above it, that their owner only may enter. One that is there stays as it is.
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a folder and those above it.
///
/// # Errors
/// The system's.
#[cfg(not(unix))]
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// What of a file's mode lets others than its owner at it; 0 if nothing does.
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub fn exposure(path: &Path) -> io::Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077)
}

/// Modes are a matter of Unix.
///
/// # Errors
/// The system's.
#[cfg(not(unix))]
pub fn exposure(path: &Path) -> io::Result<u32> {
    fs::metadata(path).map(|_| 0)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_are_private_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let below = folder.path().join("a/b");
        make_private_folder(&below).expect("writable");
        let mode = |path: &Path| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
        assert_eq!(mode(&below), 0o700);
        let path = below.join("secret");
        write_new(&path, b"one").expect("the name is free");
        assert_eq!((mode(&path), exposure(&path).expect("it exists")), (0o600, 0));
        let error = write_new(&path, b"two").expect_err("the name is taken");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).expect("readable"), b"one");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
        assert_eq!(exposure(&path).expect("it exists"), 0o040);
        assert_eq!(fs::read_dir(&below).expect("readable").count(), 1, "nothing temporary is left");
    }
}
