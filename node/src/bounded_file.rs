//! Files that somebody else may have written, read up to a bound.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Reads a file of at most `bytes_max` bytes.
///
/// # Errors
/// The operating system's; [`io::ErrorKind::InvalidInput`] for a folder, a device or a pipe, which need not have an end;
/// [`io::ErrorKind::FileTooLarge`].
pub fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    // Before it is opened: that would wait for whoever writes to a pipe.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut bytes = Vec::new();
    // A file can grow while it is read, and some say that they have no length.
    File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let reason = format!("it has more than {bytes_max} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_or_has_no_end_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        fs::write(&path, b"12345").expect("writable");
        assert_eq!(read(&path, 5).expect("it has as many"), b"12345");
        let kind = |path: &Path, bytes_max| read(path, bytes_max).map_err(|error| error.kind()).expect_err("refused");
        assert_eq!(kind(&path, 4), io::ErrorKind::FileTooLarge);
        assert_eq!(kind(folder.path(), 5), io::ErrorKind::InvalidInput);
        assert_eq!(kind(&folder.path().join("absent"), 5), io::ErrorKind::NotFound);
        if cfg!(unix) {
            assert_eq!(kind(Path::new("/dev/zero"), u64::MAX), io::ErrorKind::InvalidInput);
        }
    }
}
