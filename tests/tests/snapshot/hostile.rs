//! Files that somebody or something has damaged: every seal catches its bytes.

use std::io::Read;

use alloy_primitives::B256;
use esker::snapshot::{CHUNK_BYTES_MAX, Snapshot, claimed_number};

use crate::format::{GENESIS, Parts};
use crate::world::{World, refused};

fn small() -> (Vec<u8>, B256) {
    let mut world = World::new();
    let transfer = world.wallets.send_legacy(1, alloy_primitives::Address::repeat_byte(0xaa), 12);
    world.mine_empty(2);
    world.mine(&[transfer]);
    (world.export(), world.hash())
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let (file, trusted) = small();
    println!("{} bytes", file.len());
    for length in 0..file.len() {
        let reason = refused(&file[..length], trusted, &format!("the first {length} bytes"));
        let words = if length < 8 { "is no snapshot" } else { "the copy is not complete" };
        assert!(reason.contains(words), "{length} bytes: {reason}");
    }
    let longer = [file.as_slice(), &[0]].concat();
    assert!(refused(&longer, trusted, "one byte more").contains("bytes follow it"));
}

#[test]
fn a_file_with_any_flipped_bit_is_refused() {
    let (file, trusted) = small();
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        refused(&flipped, trusted, &format!("bit {} of byte {at}", at % 8));
    }
}

#[test]
fn another_hash_than_the_blocks_is_told_with_both() {
    let (file, trusted) = small();
    let other = B256::repeat_byte(7);
    let reason = refused(&file, other, "another hash");
    assert!(reason.contains(&trusted.to_string()) && reason.contains(&other.to_string()), "{reason}");
    assert_eq!(claimed_number(file.as_slice()).expect("it begins as one"), 3);
}

#[test]
fn other_files_and_versions_are_named() {
    let (file, trusted) = small();
    assert!(refused(b"PK\x03\x04 something else", trusted, "an archive").contains("is no snapshot"));
    let mut newer = Parts::read(&file);
    newer.version = 2;
    assert!(refused(&newer.write(), trusted, "version 2").contains("format version 2, this program reads version 1"));
}

/// A stream that goes on for ever, and counts what is taken of it.
struct Endless<'c> {
    /// Sealed chunks of one kind.
    parts: Parts,
    ready: Vec<u8>,
    given: &'c mut u64,
}

impl Read for Endless<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let at = *self.given as usize;
        while self.ready.len() < at + out.len() {
            // Every seal depends on all chunks before it, so the whole is written again, twice as long.
            let more = self.parts.chunks.len();
            let last = self.parts.chunks.last().expect("it has chunks").clone();
            self.parts.chunks.extend(std::iter::repeat_n(last, more));
            self.ready = self.parts.write();
        }
        out.copy_from_slice(&self.ready[at..at + out.len()]);
        *self.given += out.len() as u64;
        Ok(out.len())
    }
}

#[test]
fn no_section_is_read_beyond_its_bound() {
    let (file, trusted) = small();
    let mut parts = Parts::read(&file);
    parts.chunks.truncate(1);
    parts.chunks.push((GENESIS, vec![b' '; CHUNK_BYTES_MAX]));
    let mut given = 0;
    let endless = Endless { parts, ready: Vec::new(), given: &mut given };
    let Err(error) = Snapshot::read(endless, trusted) else { panic!("it never ends") };
    assert!(error.to_string().contains("longer than 67108864 bytes"), "{error}");
    assert!(given < 67 << 20, "{given} bytes were read");
}

#[test]
fn a_length_beyond_the_bound_is_refused_before_anything_is_read_or_kept_for_it() {
    let (file, trusted) = small();
    for length in [0, CHUNK_BYTES_MAX as u32 + 1, u32::MAX] {
        let mut bytes = file[..20].to_vec();
        bytes.push(1);
        bytes.extend(length.to_be_bytes());
        let reason = refused(&bytes, trusted, &format!("a chunk of {length} bytes"));
        assert!(reason.contains(&format!("says that it is {length} bytes long")), "{reason}");
    }
}
