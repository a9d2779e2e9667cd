//! Finds what a journal holds by key.

#![allow(
    clippy::disallowed_types,
    reason = "entries are looked up by key; this type offers no way to visit them, so their order reaches nothing. The \
              seed differs from process to process, so that nobody can choose keys that all fall into one place"
)]

use std::collections::HashMap;
use std::hash::Hash;

/// Keys and what they stand for, without an order.
pub(super) struct Index<K, V>(HashMap<K, V>);

impl<K: Eq + Hash, V: Copy> Index<K, V> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.0.get(key).copied()
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.0.insert(key, value);
    }

    /// The value at `key`, which is `value` if there was none.
    pub(super) fn get_or_insert(&mut self, key: K, value: V) -> V {
        *self.0.entry(key).or_insert(value)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
