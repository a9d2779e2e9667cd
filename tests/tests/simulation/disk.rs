//! What survives a crash: the engine's log, as far as it was synced, and what the application stored.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use alloy_primitives::B256;
use bytes::Bytes;
use esker::consensus::codec::EskerCodec;
use esker::consensus::context::EskerContext;
use malachite::app::consensus::Input;
use malachite::app::engine::wal::{decode_entry, encode_entry};
use malachite::app::wal::Storage;
use malachite::app::wal::log::Log;

use super::block::{Block, Parent};
use super::dice::Dice;
use super::node_app::NodeDisk;

#[derive(Default)]
struct Contents {
    bytes: Vec<u8>,
    /// What a power cut certainly leaves.
    synced: usize,
}

/// A file of the simulated disk. The engine's own log code writes to it; it only ever appends without syncing, so what a
/// power cut leaves is a beginning of the file.
#[derive(Clone, Default)]
pub struct SimFile {
    contents: Rc<RefCell<Contents>>,
    position: usize,
}

impl SimFile {
    /// What is not synced is lost from some byte on, or not at all if only the process dies.
    pub fn cut_power(&self, dice: &mut Dice) {
        let mut contents = self.contents.borrow_mut();
        let loose = contents.bytes.len() - contents.synced;
        let kept = match dice.below(3) {
            0 => 0,
            1 => loose,
            _ => dice.index(loose + 1),
        };
        let length = contents.synced + kept;
        contents.bytes.truncate(length);
        contents.synced = length;
    }
}

impl Read for SimFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let contents = self.contents.borrow();
        let rest = contents.bytes.get(self.position..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }
}

impl Write for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut contents = self.contents.borrow_mut();
        let end = self.position + bytes.len();
        if contents.bytes.len() < end {
            contents.bytes.resize(end, 0);
        }
        contents.bytes[self.position..end].copy_from_slice(bytes);
        self.position = end;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for SimFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(position) => (0, position as i64),
            SeekFrom::End(by) => (self.contents.borrow().bytes.len(), by),
            SeekFrom::Current(by) => (self.position, by),
        };
        self.position = from.checked_add_signed(by as isize).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position as u64)
    }
}

impl Storage for SimFile {
    type OpenOptions = Self;

    fn open_with(_: impl AsRef<Path>, file: Self) -> io::Result<Self> {
        Ok(Self { contents: file.contents, position: 0 })
    }

    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.contents.borrow().bytes.len() as u64)
    }

    fn truncate_to(&mut self, size: u64) -> io::Result<()> {
        self.contents.borrow_mut().bytes.resize(size as usize, 0);
        Ok(())
    }

    fn sync_all(&mut self) -> io::Result<()> {
        let mut contents = self.contents.borrow_mut();
        contents.synced = contents.bytes.len();
        Ok(())
    }
}

/// The engine's log on a [`SimFile`].
pub struct Wal {
    log: Log<SimFile>,
    dirty: bool,
}

impl Wal {
    /// Opens it as the engine does.
    pub fn open(file: &SimFile) -> Self {
        let log = Log::open_with("wal", file.clone()).expect("the simulated disk does not fail");
        Self { log, dirty: false }
    }

    /// What was logged at `height`; a log of another height is emptied.
    pub fn fetch(&mut self, height: u64) -> Vec<io::Result<Input<EskerContext>>> {
        if self.log.sequence() != height {
            self.reset(height);
            return Vec::new();
        }
        if self.log.is_empty() {
            return Vec::new();
        }
        let entries = self.log.iter().expect("the simulated disk does not fail");
        entries.map(|entry| entry.and_then(|bytes| decode_entry(&EskerCodec, Cursor::new(bytes)))).collect()
    }

    /// Empties it for `height`.
    pub fn reset(&mut self, height: u64) {
        self.log.reset(height).expect("the simulated disk does not fail");
        self.dirty = false;
    }

    /// Appends, not yet durably. Entries of other heights are not taken.
    pub fn append(&mut self, height: u64, entry: Input<EskerContext>) -> io::Result<()> {
        if self.log.sequence() != height {
            return Ok(());
        }
        let mut bytes = Vec::new();
        encode_entry(entry, &EskerCodec, &mut bytes)?;
        self.dirty = true;
        self.log.append(&bytes)
    }

    /// Makes all of it durable. Says whether there was anything to do.
    pub fn flush(&mut self) -> bool {
        self.log.flush().expect("the simulated disk does not fail");
        std::mem::take(&mut self.dirty)
    }
}

/// A decided block with its certificate, both encoded.
#[derive(Clone)]
pub struct Decided {
    /// The block.
    pub block: Bytes,
    /// The certificate.
    pub certificate: Bytes,
}

/// One node's disk.
pub struct Disk {
    /// The engine's log.
    pub wal: SimFile,
    /// The chain.
    pub chain: Vec<Decided>,
    /// Bodies that were proposed, by height and hash, kept before anything follows from them.
    pub undecided: BTreeMap<(u64, B256), Bytes>,
    /// Signed parts by height, round and hash, encoded, to send them again.
    pub parts: BTreeMap<(u64, i64, B256), Bytes>,
    /// What this node built itself, by height and round.
    pub built: BTreeMap<(u64, i64), B256>,
    /// The guard's file, on the machine's own disk.
    pub sign_state: PathBuf,
    /// What the node's own application keeps, if that is what runs; all but the two files above is empty then.
    pub node: Option<NodeDisk>,
}

impl Disk {
    /// An empty disk.
    pub fn new(sign_state: PathBuf) -> Self {
        Self {
            wal: SimFile::default(),
            chain: Vec::new(),
            undecided: BTreeMap::new(),
            parts: BTreeMap::new(),
            built: BTreeMap::new(),
            sign_state,
            node: None,
        }
    }

    /// Height of the last block.
    pub fn head(&self) -> u64 {
        self.chain.len() as u64
    }

    /// The last block, as the next one's parent.
    pub fn parent(&self, genesis: B256) -> Parent {
        let Some(last) = self.chain.last() else { return Parent { height: 0, hash: genesis, time: 0 } };
        let time = Block::decode(&last.block).map_or(0, |block| block.time);
        Parent { height: self.head(), hash: super::block::hash(&last.block).0, time }
    }

    /// Appends a block and forgets what was proposed up to there: one durable write.
    pub fn commit(&mut self, decided: Decided) {
        self.chain.push(decided);
        let next = self.head() + 1;
        self.undecided = self.undecided.split_off(&(next, B256::ZERO));
        self.parts = self.parts.split_off(&(next, i64::MIN, B256::ZERO));
        self.built = self.built.split_off(&(next, i64::MIN));
    }
}
