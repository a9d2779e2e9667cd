//! The cache in memory: bounded by bytes, least recently used first to go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use primitive_types::H256;

struct Entry<T> {
    value: Arc<T>,
    bytes: usize,
    last_used: AtomicU64,
}

struct Entries<T> {
    map: BTreeMap<H256, Entry<T>>,
    bytes: usize,
}

/// Values by code hash. Looking up takes a shared lock only.
pub(crate) struct MemoryCache<T> {
    entries: RwLock<Entries<T>>,
    bytes_max: usize,
    uses: AtomicU64,
}

impl<T> MemoryCache<T> {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { entries: RwLock::new(Entries { map: BTreeMap::new(), bytes: 0 }), bytes_max, uses: AtomicU64::new(0) }
    }

    fn tick(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn get(&self, key: &H256) -> Option<Arc<T>> {
        let entries = self.entries.read();
        let entry = entries.map.get(key)?;
        entry.last_used.store(self.tick(), Ordering::Relaxed);
        Some(Arc::clone(&entry.value))
    }

    /// Adds a value of `bytes` and evicts others until the bound holds. The newest value stays even if it alone exceeds
    /// the bound: its frame is about to run.
    pub(crate) fn insert(&self, key: H256, value: Arc<T>, bytes: usize) {
        let mut entries = self.entries.write();
        let entry = Entry { value, bytes, last_used: AtomicU64::new(self.tick()) };
        entries.bytes += bytes;
        if let Some(old) = entries.map.insert(key, entry) {
            entries.bytes -= old.bytes;
        }
        while entries.bytes > self.bytes_max && entries.map.len() > 1 {
            let oldest = entries
                .map
                .iter()
                .filter(|(other, _)| **other != key)
                .min_by_key(|(_, entry)| entry.last_used.load(Ordering::Relaxed))
                .map(|(other, _)| *other);
            let Some(evicted) = oldest.and_then(|oldest| entries.map.remove(&oldest)) else { break };
            entries.bytes -= evicted.bytes;
        }
    }

    /// Number of values and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let entries = self.entries.read();
        (entries.map.len(), entries.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> H256 {
        H256::repeat_byte(byte)
    }

    #[test]
    fn the_least_recently_used_goes_first_and_the_bound_holds() {
        let cache = MemoryCache::new(100);
        for byte in 1..=3 {
            cache.insert(key(byte), Arc::new(byte), 40);
            if byte == 2 {
                assert_eq!(cache.get(&key(1)).as_deref(), Some(&1), "1 is now younger than 2");
            }
        }
        assert_eq!(cache.size(), (2, 80));
        assert!(cache.get(&key(2)).is_none());
        assert!(cache.get(&key(1)).is_some() && cache.get(&key(3)).is_some());
    }

    #[test]
    fn replacing_counts_once_and_a_giant_stays_alone() {
        let cache = MemoryCache::new(100);
        cache.insert(key(1), Arc::new(1), 60);
        cache.insert(key(1), Arc::new(2), 70);
        assert_eq!((cache.size(), cache.get(&key(1)).as_deref()), ((1, 70), Some(&2)));
        cache.insert(key(9), Arc::new(9), 1_000);
        assert_eq!(cache.size(), (1, 1_000));
        assert!(cache.get(&key(9)).is_some());
    }
}
