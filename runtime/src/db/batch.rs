//! Writes that belong together.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Writes that are applied all or not at all, sorted by key: at most one per key, the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.writes.insert(key.into(), Some(value.into()));
    }

    /// Removes `key`, whether or not it is there.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.writes.insert(key.into(), None);
    }

    /// Adds the writes of `other`, which win over those already here.
    pub fn extend(&mut self, other: Batch) {
        self.writes.extend(other.writes);
    }

    /// The write to `key`, if there is one: `Some(None)` is a deletion.
    pub fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.writes.get(key).map(Option::as_deref)
    }

    /// The writes in key order; `None` deletes.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.writes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// The writes to keys from `start` on, in key order; `None` deletes.
    pub fn range(&self, start: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let bounds = (Bound::Included(start), Bound::Unbounded);
        self.writes.range::<[u8], _>(bounds).map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    /// Number of keys written.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Keys and values, in bytes.
    pub fn bytes(&self) -> usize {
        self.writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
    }
}

impl FromIterator<(Vec<u8>, Option<Vec<u8>>)> for Batch {
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>>(writes: I) -> Self {
        Self { writes: writes.into_iter().collect() }
    }
}

impl IntoIterator for Batch {
    type Item = (Vec<u8>, Option<Vec<u8>>);
    type IntoIter = std::collections::btree_map::IntoIter<Vec<u8>, Option<Vec<u8>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.writes.into_iter()
    }
}
