//! Rows read back from a store: a small state with damage, and records of trie branches.

#![no_main]

use std::sync::LazyLock;

use alloy_primitives::B256;
use arbitrary::Unstructured;
use esker_fuzz::runtime::generators::store::{Rows, damaged, sound};
use esker_fuzz::runtime::oracles;
use esker_runtime::trie::Path;
use libfuzzer_sys::fuzz_target;

static SOUND: LazyLock<(Rows, oracles::store::Seen)> = LazyLock::new(|| {
    let rows = sound();
    let seen = oracles::store::expected(&rows);
    (rows, seen)
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    if kind % 2 == 0 {
        let length = usize::from(kind / 2) % 65;
        oracles::branch::read(&Path::of(&B256::repeat_byte(0x5a), length), data);
        return;
    }
    let (rows, seen) = &*SOUND;
    let mut rows = rows.clone();
    if damaged(&mut rows, &mut Unstructured::new(data)).is_ok() {
        oracles::store::survives(&rows, seen);
    }
});
