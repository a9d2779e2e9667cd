//! The frame of a snapshot: a preamble, then chunks of bounded length, each sealed together with all before it.

use std::io::{ErrorKind, Read, Write};

use alloy_primitives::{B256, Keccak256, keccak256};

use super::{Section, SnapshotError};

/// First bytes of a snapshot.
pub(super) const MAGIC: [u8; 8] = *b"\xEFESKSNAP";
/// Version of the format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;
/// Longest payload of a chunk, in bytes.
pub const CHUNK_BYTES_MAX: usize = 1 << 20;
/// Magic, version, chain id.
const PREAMBLE_BYTES: usize = 20;
/// Kind and length.
const HEAD_BYTES: usize = 5;

/// keccak256(seal before ‖ kind ‖ length ‖ payload).
fn seal(before: &B256, head: &[u8; HEAD_BYTES], payload: &[u8]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(before);
    hasher.update(head);
    hasher.update(payload);
    hasher.finalize()
}

/// Writes the frame.
pub(super) struct ChunkWriter<W> {
    out: W,
    seal: B256,
    bytes: u64,
    section: Section,
    payload: Vec<u8>,
}

impl<W: Write> ChunkWriter<W> {
    /// Writes the preamble.
    pub(super) fn begin(mut out: W, chain_id: u64) -> Result<Self, SnapshotError> {
        let mut preamble = Vec::with_capacity(PREAMBLE_BYTES);
        preamble.extend_from_slice(&MAGIC);
        preamble.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
        preamble.extend_from_slice(&chain_id.to_be_bytes());
        out.write_all(&preamble).map_err(write_error)?;
        let bytes = preamble.len() as u64;
        Ok(Self { out, seal: keccak256(&preamble), bytes, section: Section::Header, payload: Vec::new() })
    }

    /// Writes a section of bytes, in as many chunks as it takes: none if it is empty.
    pub(super) fn section(&mut self, section: Section, bytes: &[u8]) -> Result<(), SnapshotError> {
        for piece in bytes.chunks(CHUNK_BYTES_MAX) {
            self.flush()?;
            self.section = section;
            self.payload.extend_from_slice(piece);
        }
        self.flush()
    }

    /// Adds a record, which must fit into a chunk, to the last one if there is room.
    pub(super) fn record(&mut self, section: Section, record: &[u8]) -> Result<(), SnapshotError> {
        if record.len() > CHUNK_BYTES_MAX {
            let reason = format!("a record of {} bytes is longer than a chunk", record.len());
            return Err(SnapshotError::content(section, reason));
        }
        if self.section != section || self.payload.len() + record.len() > CHUNK_BYTES_MAX {
            self.flush()?;
            self.section = section;
        }
        self.payload.extend_from_slice(record);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SnapshotError> {
        if self.payload.is_empty() {
            return Ok(());
        }
        let mut head = [self.section.tag(); HEAD_BYTES];
        let length = u32::try_from(self.payload.len()).map_err(|error| SnapshotError::content(self.section, error))?;
        head[1..].copy_from_slice(&length.to_be_bytes());
        self.seal = seal(&self.seal, &head, &self.payload);
        for part in [&head[..], &self.payload, self.seal.as_slice()] {
            self.out.write_all(part).map_err(write_error)?;
            self.bytes += part.len() as u64;
        }
        self.payload.clear();
        Ok(())
    }

    /// Writes what is left, and returns the length of all.
    pub(super) fn finish(mut self) -> Result<u64, SnapshotError> {
        self.flush()?;
        self.out.flush().map_err(write_error)?;
        Ok(self.bytes)
    }
}

fn write_error(error: std::io::Error) -> SnapshotError {
    SnapshotError::Io { what: "the snapshot cannot be written", error }
}

/// Reads the frame. Of a payload nothing is shown before its seal has been checked.
pub(super) struct ChunkReader<R> {
    input: R,
    seal: B256,
    /// Bytes read.
    offset: u64,
    /// A chunk that was read and not taken: its kind, where it began, its payload.
    next: Option<(u8, u64, Vec<u8>)>,
}

impl<R: Read> ChunkReader<R> {
    /// Reads the preamble, and returns the chain id in it.
    pub(super) fn begin(input: R) -> Result<(Self, u64), SnapshotError> {
        let mut reader = Self { input, seal: B256::ZERO, offset: 0, next: None };
        let mut magic = [0; MAGIC.len()];
        match reader.fill(&mut magic) {
            Ok(()) if magic == MAGIC => {}
            Ok(()) | Err(SnapshotError::Truncated(_)) => return Err(SnapshotError::NotASnapshot),
            Err(error) => return Err(error),
        }
        let (mut version, mut chain_id) = ([0; 4], [0; 8]);
        reader.fill(&mut version)?;
        if version != FORMAT_VERSION.to_be_bytes() {
            return Err(SnapshotError::Version(u32::from_be_bytes(version)));
        }
        reader.fill(&mut chain_id)?;
        reader.seal = keccak256([&magic[..], &version, &chain_id].concat());
        Ok((reader, u64::from_be_bytes(chain_id)))
    }

    /// Bytes read so far.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        match self.input.read_exact(bytes) {
            Ok(()) => {
                self.offset += bytes.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(SnapshotError::Truncated(self.offset)),
            Err(error) => Err(read_error(error)),
        }
    }

    fn read_chunk(&mut self) -> Result<(u8, u64, Vec<u8>), SnapshotError> {
        let offset = self.offset;
        let mut head = [0; HEAD_BYTES];
        self.fill(&mut head)?;
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        if length == 0 || length > CHUNK_BYTES_MAX {
            let reason = format!("it says that it is {length} bytes long, from 1 to {CHUNK_BYTES_MAX} are allowed");
            return Err(SnapshotError::Chunk { offset, reason });
        }
        let mut payload = vec![0; length];
        self.fill(&mut payload)?;
        let mut said = B256::ZERO;
        self.fill(said.as_mut_slice())?;
        self.seal = seal(&self.seal, &head, &payload);
        if said != self.seal {
            return Err(SnapshotError::Checksum { offset });
        }
        Ok((kind, offset, payload))
    }

    /// The payload of the next chunk, if it is of this section.
    pub(super) fn take(&mut self, section: Section) -> Result<Option<Vec<u8>>, SnapshotError> {
        let next = match self.next.take() {
            Some(next) => next,
            None => self.read_chunk()?,
        };
        if next.0 == section.tag() {
            return Ok(Some(next.2));
        }
        self.next = Some(next);
        Ok(None)
    }

    /// The payload of the next chunk, which must be of this section.
    pub(super) fn expect(&mut self, section: Section) -> Result<Vec<u8>, SnapshotError> {
        if let Some(payload) = self.take(section)? {
            return Ok(payload);
        }
        let (kind, offset) = self.next.as_ref().map_or((0, self.offset), |(kind, offset, _)| (*kind, *offset));
        let reason = format!("it is of kind {kind} where {} should stand", section.name());
        Err(SnapshotError::Chunk { offset, reason })
    }

    /// All of a section, which has at most so many bytes; none if there is no chunk of it.
    pub(super) fn section(&mut self, section: Section, bytes_max: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = Vec::new();
        while let Some(payload) = self.take(section)? {
            if bytes.len() + payload.len() > bytes_max {
                return Err(SnapshotError::content(section, format!("longer than {bytes_max} bytes")));
            }
            bytes.extend_from_slice(&payload);
        }
        Ok(bytes)
    }

    /// Makes sure that nothing follows.
    pub(super) fn end(mut self) -> Result<(), SnapshotError> {
        let mut one = [0];
        loop {
            match self.input.read(&mut one) {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    return Err(SnapshotError::content(Section::End, format!("bytes follow it at {}", self.offset)));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(read_error(error)),
            }
        }
    }
}

fn read_error(error: std::io::Error) -> SnapshotError {
    SnapshotError::Io { what: "the snapshot cannot be read", error }
}
