//! The cache on disk: one file a module in a private folder.
//!
//! A file holds the compiler's artifact followed by a trailer: facts, keyed BLAKE3 hash, magic. The artifact comes first
//! so that the file can be mapped. The hash's key is random, made once a folder; together with the file's own name it
//! covers everything before it, so neither chance nor a file from elsewhere (another machine, another name) passes. It is
//! checked once a process for each file, and again if the file changed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use primitive_types::H256;

use crate::Prepared;
use crate::compile::ModuleFacts;

const KEY_FILE: &str = "key";
const MAGIC: [u8; 8] = *b"ESKMOD02";
const HASH_BYTES: usize = 32;
/// complexity u64 ‖ module bytes u32 ‖ initial pages u32 ‖ table entries u32 ‖ constructor u8, little-endian.
const FACTS_BYTES: usize = 21;
const TRAILER_BYTES: usize = FACTS_BYTES + HASH_BYTES + MAGIC.len();

/// Everything besides the code hash that a compiled module depends on.
#[derive(Clone)]
pub(crate) struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    pub(crate) fn new(domain: &str) -> Self {
        Self(blake3::Hasher::new_derive_key(domain))
    }

    /// Adds a part; parts cannot run into each other.
    pub(crate) fn text(mut self, part: &str) -> Self {
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part.as_bytes());
        self
    }

    /// Adds whatever `part` hashes: the engine describes its flags and the CPU's features so.
    pub(crate) fn hashed(mut self, part: impl Hash) -> Self {
        part.hash(&mut self);
        self
    }

    fn file_name(&self, code_hash: &H256) -> String {
        let mut hasher = self.0.clone();
        hasher.update(code_hash.as_bytes());
        hasher.finalize().to_hex().to_string()
    }
}

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.finalize();
        u64::from_le_bytes(*digest.as_bytes().first_chunk().expect("a digest has 32 bytes"))
    }
}

/// What a file looked like when its hash was checked.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: (i64, i64),
    inode: u64,
}

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Some(Self { len: metadata.len(), modified, inode: metadata.ino() })
    }

    /// Without inodes a file cannot be told from its successor: its hash is checked every time.
    #[cfg(not(unix))]
    fn of(_: &fs::Metadata) -> Option<Self> {
        None
    }
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("truncated")]
    Truncated,
    #[error("not a module file")]
    Foreign,
    #[error("its contents do not match its hash")]
    Corrupt,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A folder of compiled modules of one engine configuration (others may share the folder).
pub(crate) struct DiskCache {
    folder: PathBuf,
    key: [u8; 32],
    fingerprint: Fingerprint,
    checked: Mutex<BTreeMap<String, Stamp>>,
    temporaries: AtomicU64,
}

impl DiskCache {
    /// Opens the folder, creating it (mode 0700) and its key if they are not there.
    pub(crate) fn open(folder: &Path, fingerprint: Fingerprint) -> io::Result<Self> {
        create_private(folder)?;
        let cache = Self {
            folder: folder.to_owned(),
            key: [0; 32],
            fingerprint,
            checked: Mutex::new(BTreeMap::new()),
            temporaries: AtomicU64::new(0),
        };
        let key = cache.read_or_make_key()?;
        Ok(Self { key, ..cache })
    }

    fn read_or_make_key(&self) -> io::Result<[u8; 32]> {
        let path = self.folder.join(KEY_FILE);
        match fs::read(&path) {
            Ok(bytes) => {
                if let Ok(key) = bytes.try_into() {
                    return Ok(key);
                }
                tracing::warn!(path = %path.display(), "the module cache's key is damaged: making a new one");
                fs::remove_file(&path)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let temporary = self.write_temporary(KEY_FILE, &[&key])?;
        // A hard link fails if another process was faster; then its key counts.
        let linked = fs::hard_link(&temporary, &path);
        fs::remove_file(&temporary)?;
        match linked {
            Ok(()) => Ok(key),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read(&path)?
                .try_into()
                .map_err(|_| io::Error::other("another process wrote a damaged module cache key")),
            Err(error) => Err(error),
        }
    }

    fn write_temporary(&self, name: &str, parts: &[&[u8]]) -> io::Result<PathBuf> {
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{name}.{}.{number}.tmp", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| parts.iter().try_for_each(|part| file.write_all(part)));
        match written {
            Ok(()) => Ok(path),
            Err(error) => {
                // Whatever was written is of no use; that it stays is no harm.
                let _ = fs::remove_file(&path);
                Err(error)
            }
        }
    }

    fn keyed_hash(&self, name: &str, parts: &[&[u8]]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(name.as_bytes());
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize()
    }

    /// Opens the file of a module whose contents were checked, if there is one. Anything unusable is deleted.
    pub(crate) fn load(&self, code_hash: &H256) -> Option<(File, ModuleFacts)> {
        let name = self.fingerprint.file_name(code_hash);
        let file = match File::open(self.folder.join(&name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                self.discard(code_hash, &error);
                return None;
            }
        };
        match self.check(&name, file) {
            Ok(found) => Some(found),
            Err(error) => {
                self.discard(code_hash, &error);
                None
            }
        }
    }

    fn check(&self, name: &str, mut file: File) -> Result<(File, ModuleFacts), Unusable> {
        let metadata = file.metadata()?;
        let stamp = Stamp::of(&metadata);
        let artifact_bytes = metadata.len().checked_sub(TRAILER_BYTES as u64).ok_or(Unusable::Truncated)?;
        let mut trailer = [0; TRAILER_BYTES];
        file.seek(SeekFrom::Start(artifact_bytes))?;
        file.read_exact(&mut trailer)?;
        let (facts, rest) = trailer.split_at(FACTS_BYTES);
        let (hash, magic) = rest.split_at(HASH_BYTES);
        if magic != MAGIC {
            return Err(Unusable::Foreign);
        }
        let known = stamp.is_some() && self.checked.lock().get(name).copied() == stamp;
        if !known {
            let mut artifact = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            (&mut file).take(artifact_bytes).read_to_end(&mut artifact)?;
            let expected = <[u8; HASH_BYTES]>::try_from(hash).map_err(|_| Unusable::Corrupt)?;
            if self.keyed_hash(name, &[&artifact, facts]) != blake3::Hash::from_bytes(expected) {
                return Err(Unusable::Corrupt);
            }
            if let Some(stamp) = stamp {
                self.checked.lock().insert(name.to_owned(), stamp);
            }
        }
        let facts = decode_facts(facts).ok_or(Unusable::Corrupt)?;
        file.seek(SeekFrom::Start(0))?;
        Ok((file, facts))
    }

    /// Writes a module's file. A failure costs a compilation later, nothing else.
    pub(crate) fn store(&self, code_hash: &H256, artifact: &[u8], facts: &ModuleFacts) {
        let name = self.fingerprint.file_name(code_hash);
        let facts = encode_facts(facts);
        let hash = self.keyed_hash(&name, &[artifact, &facts]);
        let written = self
            .write_temporary(&name, &[artifact, &facts, hash.as_bytes(), &MAGIC])
            .and_then(|temporary| fs::rename(&temporary, self.folder.join(&name)));
        if let Err(error) = written {
            tracing::warn!(folder = %self.folder.display(), %error, "a compiled module could not be kept on disk");
        }
    }

    /// Deletes a module's file because of `reason`.
    pub(crate) fn discard(&self, code_hash: &H256, reason: &dyn std::fmt::Display) {
        let name = self.fingerprint.file_name(code_hash);
        let path = self.folder.join(&name);
        tracing::warn!(path = %path.display(), %reason, "deleting a file of the module cache; it will be compiled again");
        self.checked.lock().remove(&name);
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "it could not be deleted");
        }
    }
}

fn encode_facts(facts: &ModuleFacts) -> [u8; FACTS_BYTES] {
    let mut bytes = [0; FACTS_BYTES];
    bytes[..8].copy_from_slice(&facts.prepared.complexity.to_le_bytes());
    bytes[8..12].copy_from_slice(&facts.prepared.module_bytes.to_le_bytes());
    bytes[12..16].copy_from_slice(&facts.initial_pages.to_le_bytes());
    bytes[16..20].copy_from_slice(&facts.table_entries.to_le_bytes());
    bytes[20] = u8::from(facts.prepared.has_constructor);
    bytes
}

fn decode_facts(bytes: &[u8]) -> Option<ModuleFacts> {
    let (complexity, rest) = bytes.split_first_chunk::<8>()?;
    let (module_bytes, rest) = rest.split_first_chunk::<4>()?;
    let (initial_pages, rest) = rest.split_first_chunk::<4>()?;
    let (table_entries, rest) = rest.split_first_chunk::<4>()?;
    let [constructor @ (0 | 1)] = rest else { return None };
    Some(ModuleFacts {
        prepared: Prepared {
            complexity: u64::from_le_bytes(*complexity),
            has_constructor: *constructor == 1,
            module_bytes: u32::from_le_bytes(*module_bytes),
        },
        initial_pages: u32::from_le_bytes(*initial_pages),
        table_entries: u32::from_le_bytes(*table_entries),
    })
}

/// Creates the folder for its owner alone; one that others may write to is closed to them.
fn create_private(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    fs::create_dir_all(folder)
}
