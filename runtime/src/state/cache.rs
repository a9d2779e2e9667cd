//! A bounded cache that many threads read.

#![allow(clippy::disallowed_types, reason = "entries are looked up by key and never visited in map order")]

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::db::keys::Key;

const SHARDS: usize = 64;

/// What an entry takes beside its key and value, in bytes: estimated.
const ENTRY_BYTES: usize = 48;

/// Keeps what was used lately. Each shard has a young and an old generation: entries that are used are young; when the
/// young ones take half the shard's room, the old ones go and the young ones grow old.
pub(super) struct Cache<V> {
    shards: Vec<Mutex<Shard<V>>>,
    young_bytes_max: usize,
}

struct Shard<V> {
    young: HashMap<Key, V>,
    old: HashMap<Key, V>,
    young_bytes: usize,
    old_bytes: usize,
}

/// A value whose size counts.
pub(super) trait Weight: Clone {
    fn bytes(&self) -> usize;
}

impl Weight for Option<std::sync::Arc<[u8]>> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(0, |value| value.len())
    }
}

impl Weight for alloy_primitives::Bytes {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl<V: Weight> Cache<V> {
    /// A cache of about so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let shard = || Mutex::new(Shard { young: HashMap::new(), old: HashMap::new(), young_bytes: 0, old_bytes: 0 });
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), young_bytes_max: bytes / SHARDS / 2 }
    }

    fn shard(&self, key: &Key) -> &Mutex<Shard<V>> {
        // The last bytes of every kind of key differ most.
        let last =
            key.iter().rev().take(8).fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        &self.shards[last % SHARDS]
    }

    pub(super) fn get(&self, key: &Key) -> Option<V> {
        let mut shard = self.shard(key).lock();
        if let Some(value) = shard.young.get(key) {
            return Some(value.clone());
        }
        let value = shard.forget_old(key)?;
        shard.insert(*key, value.clone(), self.young_bytes_max);
        Some(value)
    }

    /// What it holds, in bytes, estimated.
    pub(super) fn bytes(&self) -> usize {
        let bytes = |shard: &Mutex<Shard<V>>| {
            let shard = shard.lock();
            shard.young_bytes + shard.old_bytes
        };
        self.shards.iter().map(bytes).sum()
    }

    pub(super) fn put(&self, key: &Key, value: V) {
        self.put_if(key, value, || true);
    }

    /// Puts the entry if `still_true`, which is asked while nobody else can put this key.
    pub(super) fn put_if(&self, key: &Key, value: V, still_true: impl FnOnce() -> bool) {
        let mut shard = self.shard(key).lock();
        if still_true() {
            shard.forget_old(key);
            shard.insert(*key, value, self.young_bytes_max);
        }
    }
}

/// What an entry takes, in bytes.
fn entry_bytes(value: &impl Weight) -> usize {
    size_of::<Key>() + ENTRY_BYTES + value.bytes()
}

impl<V: Weight> Shard<V> {
    fn forget_old(&mut self, key: &Key) -> Option<V> {
        let value = self.old.remove(key)?;
        self.old_bytes -= entry_bytes(&value);
        Some(value)
    }

    fn insert(&mut self, key: Key, value: V, young_bytes_max: usize) {
        self.young_bytes += entry_bytes(&value);
        if let Some(before) = self.young.insert(key, value) {
            self.young_bytes -= entry_bytes(&before);
        }
        if self.young_bytes > young_bytes_max {
            self.old = std::mem::take(&mut self.young);
            self.old_bytes = std::mem::take(&mut self.young_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn short(bytes: &[u8]) -> Key {
        Key::copy(bytes).expect("short")
    }

    #[test]
    fn the_latest_value_counts_whatever_generation_holds_the_key() {
        let cache: Cache<Option<Arc<[u8]>>> = Cache::new(SHARDS * 2 * 2000);
        for round in 0..50u8 {
            for key in 0..100u8 {
                if let Some(value) = cache.get(&short(&[key, 7, 7])) {
                    assert_eq!(value.as_deref(), Some(&[round - 1, key][..]));
                }
                cache.put(&short(&[key, 7, 7]), Some(Arc::from([round, key])));
            }
        }
    }

    #[test]
    fn its_size_is_bounded() {
        let bytes = 1 << 20;
        let cache: Cache<Option<Arc<[u8]>>> = Cache::new(bytes);
        for key in 0..100_000u32 {
            cache.put(&short(&key.to_be_bytes()), Some(Arc::from([0; 100])));
        }
        let mut held = 0;
        for shard in &cache.shards {
            let shard = shard.lock();
            held += (shard.young.len() + shard.old.len()) * (100 + size_of::<Key>() + ENTRY_BYTES);
        }
        assert_eq!(cache.bytes(), held, "what it says it holds");
        assert!(held <= bytes + SHARDS * 200, "{held} bytes in a cache of {bytes}");
        assert!(held > bytes / 4, "only {held} bytes in a cache of {bytes}");
    }
}
