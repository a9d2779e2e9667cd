//! Random contracts, drawn from bytes. They know nothing about what is checked; that is `oracles/`. Shared by the tests
//! here and by the fuzz targets in `tests/fuzz`.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod frames;
pub mod host_calls;
pub mod smith;

/// What a random change does to bytes at a place.
#[derive(Clone, Copy, Debug)]
pub enum Edit {
    Set(u8),
    Flip(u8),
    Insert(u8),
    Remove,
    /// Cuts everything behind.
    Cut,
}

/// Applies edits, each at its place modulo the length.
pub fn edited(mut bytes: Vec<u8>, edits: &[(usize, Edit)]) -> Vec<u8> {
    for (place, edit) in edits {
        if bytes.is_empty() {
            break;
        }
        let at = place % bytes.len();
        match edit {
            Edit::Set(byte) => bytes[at] = *byte,
            Edit::Flip(bit) => bytes[at] ^= 1 << (bit % 8),
            Edit::Insert(byte) => bytes.insert(at, *byte),
            Edit::Remove => {
                bytes.remove(at);
            }
            Edit::Cut => bytes.truncate(at),
        }
    }
    bytes
}
