//! Paths from the root of a trie: up to 64 nibbles, the beginning of 32-byte keys.

use alloy_primitives::B256;

/// Nibbles of a whole key.
pub const KEY_NIBBLES: usize = 64;

/// Nibble `index` of `key`, the high half of a byte first.
#[inline]
pub fn nibble(key: &[u8; 32], index: usize) -> u8 {
    let byte = key[index / 2];
    if index.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

/// How many nibbles two keys share from the beginning, at most 64.
#[inline]
pub fn shared_nibbles(a: &[u8; 32], b: &[u8; 32]) -> usize {
    for (index, (x, y)) in a.iter().zip(b).enumerate() {
        let difference = x ^ y;
        if difference != 0 {
            return 2 * index + usize::from(difference < 0x10);
        }
    }
    KEY_NIBBLES
}

/// A path from the root. Paths sort by length, then by their nibbles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    length: u8,
    /// Those behind the end are zero, so that paths compare by their content.
    nibbles: [u8; 32],
}

impl Path {
    /// The empty path.
    pub const ROOT: Self = Self { nibbles: [0; 32], length: 0 };

    /// The first `length` nibbles of `key`.
    ///
    /// # Panics
    /// If `length` is above 64.
    pub fn of(key: &B256, length: usize) -> Self {
        assert!(length <= KEY_NIBBLES, "a path has at most 64 nibbles");
        let mut nibbles = key.0;
        let whole = length / 2;
        if length % 2 == 1 {
            nibbles[whole] &= 0xf0;
        }
        nibbles[length.div_ceil(2)..].fill(0);
        Self { nibbles, length: length as u8 }
    }

    /// Its length in nibbles.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.length)
    }

    /// Whether it is the root's path.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Nibble `index`; zero behind the end.
    #[inline]
    pub fn nibble(&self, index: usize) -> u8 {
        nibble(&self.nibbles, index)
    }

    /// The path followed by one nibble.
    ///
    /// # Panics
    /// If the path is 64 nibbles long already.
    #[inline]
    #[must_use]
    pub fn child(&self, nibble: u8) -> Self {
        assert!(self.len() < KEY_NIBBLES, "a path has at most 64 nibbles");
        let mut child = *self;
        child.nibbles[self.len() / 2] |= if self.len().is_multiple_of(2) { nibble << 4 } else { nibble };
        child.length += 1;
        child
    }

    /// Its first `length` nibbles.
    #[must_use]
    pub fn prefix(&self, length: usize) -> Self {
        Self::of(&B256::from(self.nibbles), length.min(self.len()))
    }

    /// Whether `key` begins with this path.
    pub fn begins(&self, key: &B256) -> bool {
        self.shared(key) == self.len()
    }

    /// How many nibbles from the beginning the path shares with `key`, at most its own length.
    #[inline]
    pub fn shared(&self, key: &B256) -> usize {
        shared_nibbles(&self.nibbles, &key.0).min(self.len())
    }

    /// The path in bytes, two nibbles each; the low half of the last one is zero if the length is odd.
    pub fn packed(&self) -> &[u8] {
        &self.nibbles[..self.len().div_ceil(2)]
    }

    /// The path as a key, filled up with zeros: the lowest key below it.
    pub fn lowest_key(&self) -> B256 {
        B256::from(self.nibbles)
    }

    /// The path of `length` nibbles whose packed form is `packed`; `None` if the lengths do not fit together or a
    /// nibble behind the end is set.
    pub fn from_packed(length: usize, packed: &[u8]) -> Option<Self> {
        if length > KEY_NIBBLES || packed.len() != length.div_ceil(2) {
            return None;
        }
        let mut nibbles = [0; 32];
        nibbles[..packed.len()].copy_from_slice(packed);
        let path = Self { nibbles, length: length as u8 };
        (path == path.prefix(length)).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_built_nibble_by_nibble_is_the_prefix_of_its_key() {
        let key = B256::from_slice(&(0..32u8).map(|i| i.wrapping_mul(37) ^ 11).collect::<Vec<u8>>());
        let mut path = Path::ROOT;
        for length in 0..KEY_NIBBLES {
            assert_eq!(path, Path::of(&key, length));
            assert_eq!(Path::from_packed(length, path.packed()), Some(path));
            assert!(path.begins(&key));
            path = path.child(nibble(&key.0, length));
        }
        assert_eq!(path.lowest_key(), key);
        assert_eq!(path.prefix(7), Path::of(&key, 7));
    }

    #[test]
    fn a_packed_path_with_bits_behind_its_end_is_refused() {
        assert_eq!(Path::from_packed(1, &[0x12]), None);
        assert_eq!(Path::from_packed(1, &[0x10, 0]), None);
        assert_eq!(Path::from_packed(65, &[0; 33]), None);
        assert!(Path::from_packed(1, &[0x10]).is_some());
    }

    #[test]
    fn shared_nibbles_counts_to_the_first_difference() {
        let a = [0u8; 32];
        for index in 0..KEY_NIBBLES {
            let mut b = a;
            b[index / 2] = if index % 2 == 0 { 0x10 } else { 0x01 };
            assert_eq!(shared_nibbles(&a, &b), index);
        }
        assert_eq!(shared_nibbles(&a, &a), KEY_NIBBLES);
    }
}
