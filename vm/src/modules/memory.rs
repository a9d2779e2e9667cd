//! Modules in memory: bounded by bytes and by number, least recently used first to go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::ModuleKey;

struct Entry<T> {
    value: Arc<T>,
    bytes: usize,
    last_used: AtomicU64,
}

struct Entries<T> {
    map: BTreeMap<ModuleKey, Entry<T>>,
    bytes: usize,
}

/// Values by module. Looking up takes a shared lock only.
pub(crate) struct MemoryCache<T> {
    entries: RwLock<Entries<T>>,
    bytes_max: usize,
    entries_max: usize,
    uses: AtomicU64,
}

impl<T> MemoryCache<T> {
    pub(crate) fn new(bytes_max: usize, entries_max: usize) -> Self {
        let entries = RwLock::new(Entries { map: BTreeMap::new(), bytes: 0 });
        Self { entries, bytes_max, entries_max, uses: AtomicU64::new(0) }
    }

    fn tick(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn get(&self, key: &ModuleKey) -> Option<Arc<T>> {
        let entries = self.entries.read();
        let entry = entries.map.get(key)?;
        entry.last_used.store(self.tick(), Ordering::Relaxed);
        Some(Arc::clone(&entry.value))
    }

    /// As [`MemoryCache::get`], without counting as a use: who does not pay keeps nothing from going.
    pub(crate) fn peek(&self, key: &ModuleKey) -> Option<Arc<T>> {
        self.entries.read().map.get(key).map(|entry| Arc::clone(&entry.value))
    }

    /// Adds a value of `bytes`; if a bound is passed, the least recently used go until both hold again. The newest value
    /// stays even if it alone exceeds the bytes: its frame is about to run.
    pub(crate) fn insert(&self, key: ModuleKey, value: Arc<T>, bytes: usize) {
        let mut entries = self.entries.write();
        let entry = Entry { value, bytes, last_used: AtomicU64::new(self.tick()) };
        entries.bytes += bytes;
        if let Some(old) = entries.map.insert(key, entry) {
            entries.bytes -= old.bytes;
        }
        let gone = entries.make_room(&key, self.bytes_max, self.entries_max);
        drop(entries);
        // Unmapping takes a while; nobody waits for it.
        drop(gone);
    }

    /// Replaces the value under `key` if there is one.
    pub(crate) fn replace(&self, key: ModuleKey, value: Arc<T>, bytes: usize) {
        if self.peek(&key).is_some() {
            self.insert(key, value, bytes);
        }
    }

    /// Number of values and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let entries = self.entries.read();
        (entries.map.len(), entries.bytes)
    }
}

impl<T> Entries<T> {
    /// Takes out what has to go. An eighth goes beyond what must, so that a full cache is not searched at each insertion.
    fn make_room(&mut self, newest: &ModuleKey, bytes_max: usize, entries_max: usize) -> Vec<Entry<T>> {
        if self.bytes <= bytes_max && self.map.len() <= entries_max {
            return Vec::new();
        }
        let (bytes_goal, entries_goal) = (bytes_max - bytes_max / 8, entries_max - entries_max / 8);
        let mut by_age: Vec<(u64, ModuleKey)> = self
            .map
            .iter()
            .filter(|(key, _)| *key != newest)
            .map(|(key, entry)| (entry.last_used.load(Ordering::Relaxed), *key))
            .collect();
        by_age.sort_unstable();
        let mut gone = Vec::new();
        for (_, key) in by_age {
            if self.bytes <= bytes_goal && self.map.len() <= entries_goal.max(1) {
                break;
            }
            if let Some(evicted) = self.map.remove(&key) {
                self.bytes -= evicted.bytes;
                gone.push(evicted);
            }
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use esker_abi::MeterVersion;
    use primitive_types::H256;

    use super::*;

    fn key(byte: u8) -> ModuleKey {
        ModuleKey { code_hash: H256::repeat_byte(byte), meter: MeterVersion::V1 }
    }

    #[test]
    fn the_least_recently_used_goes_first_and_both_bounds_hold() {
        let cache = MemoryCache::new(100, 10);
        for byte in 1..=3 {
            cache.insert(key(byte), Arc::new(byte), 40);
            if byte == 2 {
                assert_eq!(cache.get(&key(1)).as_deref(), Some(&1), "1 is now younger than 2");
                assert_eq!(cache.peek(&key(2)).as_deref(), Some(&2), "a peek is no use");
            }
        }
        assert_eq!(cache.size(), (2, 80));
        assert!(cache.get(&key(2)).is_none());
        assert!(cache.get(&key(1)).is_some() && cache.get(&key(3)).is_some());

        let cache = MemoryCache::new(1 << 20, 16);
        for byte in 0..=255 {
            cache.insert(key(byte), Arc::new(byte), 1);
            assert!(cache.size().0 <= 16);
            assert!(cache.peek(&key(byte)).is_some());
        }
        assert!(cache.size().0 >= 14, "an eighth goes at a time, not more");
    }

    #[test]
    fn replacing_counts_once_and_a_giant_stays_alone() {
        let cache = MemoryCache::new(100, 10);
        cache.replace(key(1), Arc::new(1), 60);
        assert_eq!(cache.size(), (0, 0), "what is gone stays gone");
        cache.insert(key(1), Arc::new(1), 60);
        cache.replace(key(1), Arc::new(2), 70);
        assert_eq!((cache.size(), cache.get(&key(1)).as_deref()), ((1, 70), Some(&2)));
        cache.insert(key(9), Arc::new(9), 1_000);
        assert_eq!(cache.size(), (1, 1_000));
        assert!(cache.get(&key(9)).is_some());
    }
}
