//! Files that appear, or are replaced, whole or not at all: after a power cut there is the old one or the new one.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Bytes that are written at once.
const BUFFER_BYTES: usize = 64 << 10;

/// A file that is being written beside its place, under a name of its own, and gets its name when it is complete.
/// Dropped before, it is removed.
pub struct UnfinishedFile {
    path: PathBuf,
    unfinished: PathBuf,
    file: Option<BufWriter<File>>,
}

/// Writes `content` to `path` durably; a file that has the name is replaced.
///
/// # Errors
/// The operating system's; what was there before is still there.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = UnfinishedFile::create(path)?;
    file.write_all(content)?;
    file.finish()
}

/// Makes a folder, and those above it, unless it is there; it has its name durably then.
///
/// # Errors
/// The operating system's.
pub fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    sync_parent(path)
}

/// Makes the name of `path` durable.
fn sync_parent(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// `error` with the path that it is about.
#[must_use]
pub fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

impl UnfinishedFile {
    /// Begins to write what will be `path`. What an earlier attempt that was killed has left is replaced.
    ///
    /// # Errors
    /// The operating system's.
    pub fn create(path: &Path) -> io::Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no name of a file"));
        };
        let mut unfinished = name.to_owned();
        unfinished.push(".unfinished");
        let unfinished = path.with_file_name(unfinished);
        let file = File::create(&unfinished)?;
        Ok(Self { path: path.to_owned(), unfinished, file: Some(BufWriter::with_capacity(BUFFER_BYTES, file)) })
    }

    /// Makes what was written durable, and then gives it its name; a file that has it is replaced.
    ///
    /// # Errors
    /// The operating system's.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            let synced = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
            if let Err(error) = synced.and_then(|()| fs::rename(&self.unfinished, &self.path)) {
                let _ = fs::remove_file(&self.unfinished);
                return Err(error);
            }
        }
        sync_parent(&self.path)
    }
}

impl Write for UnfinishedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(bytes.len()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for UnfinishedFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Nobody can be told any more; the next attempt replaces it.
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}
