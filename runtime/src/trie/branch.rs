//! The stored form of a branch.
//!
//! | bytes | content |
//! |---|---|
//! | 2 | which of the 16 children exist |
//! | 2 | which of them have a branch below (the others are leaves) |
//! | 2 | which of them are written in the long form |
//! | each | the children in order: short form 32 bytes, the child's hash; long form as below |
//!
//! Masks are big-endian, bit `i` for nibble `i`. The long form is for children that are embedded (RLP under 32 bytes)
//! or lie behind an extension: depth of the branch below (u8; 0 for a leaf), its packed path from the byte that holds
//! the first nibble below this child's own on, length of the reference (u8), the reference. A child with a branch
//! below and no extension has that branch one nibble below this one.

use crate::db::StoreError;

use super::node::{self, NodeRef};
use super::path::{KEY_NIBBLES, Path};

const MASKS_BYTES: usize = 6;

/// What hangs below one nibble of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// Nothing.
    Nothing,
    /// One leaf.
    Leaf,
    /// A branch at this path; behind an extension if it is more than one nibble further down.
    Branch(Path),
}

/// A branch as it is stored, checked to be well formed.
#[derive(Clone, Copy, Debug)]
pub struct BranchRecord<'a> {
    path: Path,
    bytes: &'a [u8],
    children: u16,
    branches: u16,
    long: u16,
}

/// One child's place in a record.
struct Segment<'a> {
    bytes: &'a [u8],
    reference: &'a [u8],
}

fn first_free_byte(parent: &Path) -> usize {
    parent.len().div_ceil(2)
}

impl<'a> BranchRecord<'a> {
    /// Reads the record of the branch at `path`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is not well formed.
    pub fn read(path: &Path, bytes: &'a [u8]) -> Result<Self, StoreError> {
        let mask = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let damaged = || StoreError::Corrupt(format!("the trie branch at depth {} is unreadable", path.len()));
        let (Some(children), Some(branches), Some(long)) = (mask(0), mask(2), mask(4)) else {
            return Err(damaged());
        };
        let record = Self { path: *path, bytes, children, branches, long };
        // The deepest branch tells keys apart by their last nibble: what hangs below it are leaves.
        let room_below = path.len() + 1 < KEY_NIBBLES || (path.len() < KEY_NIBBLES && branches == 0);
        let sane = children.count_ones() >= 2 && branches & !children == 0 && long & !children == 0;
        if !sane || !room_below {
            return Err(damaged());
        }
        if long == 0 {
            let full = bytes.len() == MASKS_BYTES + 32 * children.count_ones() as usize;
            return if full { Ok(record) } else { Err(damaged()) };
        }
        let mut rest = &bytes[MASKS_BYTES..];
        for nibble in (0..16).filter(|nibble| children & (1 << nibble) != 0) {
            let segment = record.segment_at(nibble, rest).ok_or_else(damaged)?;
            rest = &rest[segment.bytes.len()..];
            if branches & (1 << nibble) != 0 && record.branch_below(nibble, &segment).is_none() {
                return Err(damaged());
            }
        }
        if rest.is_empty() { Ok(record) } else { Err(damaged()) }
    }

    /// Which children exist, bit `i` for nibble `i`.
    pub fn children(&self) -> u16 {
        self.children
    }

    /// What hangs below `nibble`.
    pub fn below(&self, nibble: u8) -> Below {
        let bit = 1 << nibble;
        if self.children & bit == 0 {
            Below::Nothing
        } else if self.branches & bit == 0 {
            Below::Leaf
        } else if self.long & bit == 0 {
            Below::Branch(self.path.child(nibble))
        } else {
            let branch = self.segment(nibble).and_then(|segment| self.branch_below(nibble, &segment));
            Below::Branch(branch.expect("checked when the record was read"))
        }
    }

    /// The reference to the child at `nibble`; `None` if there is none.
    pub fn reference(&self, nibble: u8) -> Option<&'a [u8]> {
        self.segment(nibble).map(|segment| segment.reference)
    }

    fn segment(&self, nibble: u8) -> Option<Segment<'a>> {
        let bit = 1u16 << nibble;
        if self.children & bit == 0 {
            return None;
        }
        if self.long == 0 {
            let at = MASKS_BYTES + 32 * (self.children & (bit - 1)).count_ones() as usize;
            let bytes = &self.bytes[at..at + 32];
            return Some(Segment { bytes, reference: bytes });
        }
        let mut rest = &self.bytes[MASKS_BYTES..];
        for before in (0..nibble).filter(|before| self.children & (1 << before) != 0) {
            rest = &rest[self.segment_at(before, rest)?.bytes.len()..];
        }
        self.segment_at(nibble, rest)
    }

    /// The child at `nibble`, which begins `rest`; `None` if it is not well formed.
    fn segment_at(&self, nibble: u8, rest: &'a [u8]) -> Option<Segment<'a>> {
        if self.long & (1 << nibble) == 0 {
            let bytes = rest.get(..32)?;
            return Some(Segment { bytes, reference: bytes });
        }
        let depth = usize::from(*rest.first()?);
        let path_bytes = depth.div_ceil(2).saturating_sub(first_free_byte(&self.path));
        let length = usize::from(*rest.get(1 + path_bytes)?);
        let reference = rest.get(2 + path_bytes..2 + path_bytes + length)?;
        let leaf = self.branches & (1 << nibble) == 0;
        let fits = (1..=32).contains(&length) && leaf == (depth == 0);
        fits.then(|| Segment { bytes: &rest[..2 + path_bytes + length], reference })
    }

    /// The path of the branch below `nibble`, of which `segment` is the long form.
    fn branch_below(&self, nibble: u8, segment: &Segment<'_>) -> Option<Path> {
        let child = self.path.child(nibble);
        if self.long & (1 << nibble) == 0 {
            return Some(child);
        }
        let depth = usize::from(*segment.bytes.first()?);
        let from = first_free_byte(&self.path);
        let mut packed = child.lowest_key().0;
        let end = depth.div_ceil(2);
        packed.get_mut(from..end)?.copy_from_slice(segment.bytes.get(1..1 + end.checked_sub(from)?)?);
        let branch = Path::from_packed(depth, &packed[..end])?;
        (depth > self.path.len() && depth < KEY_NIBBLES && branch.prefix(child.len()) == child).then_some(branch)
    }
}

/// Writes a branch: its record, and its node's RLP behind whatever `out` holds.
pub struct BranchWriter<'o> {
    path: Path,
    record: Vec<u8>,
    children: u16,
    branches: u16,
    long: u16,
    next: u8,
    out: &'o mut Vec<u8>,
    payload_from: usize,
}

/// Longest header of a branch's RLP, in bytes.
const HEADER_BYTES: usize = 3;

impl<'o> BranchWriter<'o> {
    /// Begins the branch at `path`. The children are added in order of their nibbles.
    pub fn new(path: Path, out: &'o mut Vec<u8>) -> Self {
        let payload_from = out.len() + HEADER_BYTES;
        out.reserve(HEADER_BYTES + 16 * 33 + 1);
        out.extend_from_slice(&[0; HEADER_BYTES]);
        let mut record = Vec::with_capacity(MASKS_BYTES + 16 * 32);
        record.extend_from_slice(&[0; MASKS_BYTES]);
        Self { path, record, children: 0, branches: 0, long: 0, next: 0, out, payload_from }
    }

    fn advance(&mut self) -> u16 {
        let bit = 1 << self.next;
        self.next += 1;
        bit
    }

    /// No child at the next nibble.
    pub fn empty(&mut self) {
        self.advance();
        self.out.push(0x80);
    }

    /// A leaf at the next nibble.
    pub fn leaf(&mut self, reference: &NodeRef) {
        let bit = self.advance();
        self.children |= bit;
        let reference = reference.as_slice();
        if reference.len() != 32 {
            self.long |= bit;
            self.record.extend_from_slice(&[0, reference.len() as u8]);
        }
        self.record.extend_from_slice(reference);
        node::write_reference(reference, self.out);
    }

    /// The branch at `below` at the next nibble, to which (or to whose extension) `reference` refers.
    pub fn branch(&mut self, below: &Path, reference: &NodeRef) {
        let bit = self.advance();
        self.children |= bit;
        self.branches |= bit;
        let reference = reference.as_slice();
        if reference.len() != 32 || below.len() != self.path.len() + 1 {
            self.long |= bit;
            self.record.push(below.len() as u8);
            self.record.extend_from_slice(&below.packed()[first_free_byte(&self.path)..]);
            self.record.push(reference.len() as u8);
        }
        self.record.extend_from_slice(reference);
        node::write_reference(reference, self.out);
    }

    /// At the next nibble, the child that `record` (of the same branch) has there.
    pub fn unchanged(&mut self, record: &BranchRecord<'_>) {
        let segment = record.segment(self.next).expect("the caller keeps children that the record has");
        let bit = self.advance();
        if let Ok(hash) = <&[u8; 32]>::try_from(segment.bytes) {
            // The short form, unless an embedded child's long form happens to be as long.
            if record.long & bit == 0 {
                self.children |= bit;
                self.branches |= record.branches & bit;
                self.record.extend_from_slice(hash);
                node::write_reference(hash, self.out);
                return;
            }
        }
        self.children |= bit;
        self.branches |= record.branches & bit;
        self.long |= record.long & bit;
        self.record.extend_from_slice(segment.bytes);
        node::write_reference(segment.reference, self.out);
    }

    /// Ends the branch: where its RLP begins in `out` (it ends at the end), and its record.
    ///
    /// # Panics
    /// If not all 16 nibbles were said, or fewer than two have a child.
    pub fn finish(mut self) -> (usize, Vec<u8>) {
        assert!(self.next == 16 && self.children.count_ones() >= 2, "a branch has 16 places and two children or more");
        self.out.push(0x80);
        let payload = self.out.len() - self.payload_from;
        let mut header = Vec::with_capacity(HEADER_BYTES);
        node::write_length(0xc0, payload, &mut header);
        let start = self.payload_from - header.len();
        self.out[start..self.payload_from].copy_from_slice(&header);
        for (at, mask) in [self.children, self.branches, self.long].into_iter().enumerate() {
            self.record[2 * at..2 * at + 2].copy_from_slice(&mask.to_be_bytes());
        }
        (start, std::mem::take(&mut self.record))
    }
}
