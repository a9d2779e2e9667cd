//! Slots, and places inside them.

use crate::{U256, host};

/// The number of a storage slot: 32 bytes, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(pub [u8; 32]);

impl Slot {
    /// Slot 0.
    pub const ZERO: Self = Self([0; 32]);

    /// The slot with a small number: bytes stored over zeros, since a constant of eight bytes takes ten bytes of code.
    #[inline(always)]
    const fn small(number: u32) -> Self {
        let mut key = [0; 32];
        let bytes = number.to_be_bytes();
        key[31] = bytes[3];
        if number > 0xff {
            (key[28], key[29], key[30]) = (bytes[0], bytes[1], bytes[2]);
        }
        Self(key)
    }

    /// The number, 32 bytes big-endian.
    #[must_use]
    pub const fn key(&self) -> [u8; 32] {
        self.0
    }

    /// The slot `count` behind this one, modulo 2^256.
    #[must_use]
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    pub fn offset(&self, count: u64) -> Self {
        Self(U256::from_be_bytes(self.0).wrapping_add(U256::from(count)).to_be_bytes())
    }

    /// The slot whose number is the hash of this one's: where a dynamic array's contents begin.
    #[must_use]
    pub fn contents(&self) -> Self {
        Self(host::keccak256(&self.0))
    }

    /// Reads the slot.
    #[must_use]
    pub(crate) fn load(&self) -> [u8; 32] {
        host::storage_load(&self.0)
    }

    /// Writes the slot.
    pub(crate) fn store(&self, word: &[u8; 32]) {
        host::storage_store(&self.0, word);
    }
}

/// How much room a storage type takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Bytes of a value that may share its slot, else 0.
    pub bytes: u8,
    /// Whole slots of anything else.
    pub slots: u64,
    /// Bytes of transient storage if it is a transient value, or whole transient slots × 32 if it contains some.
    pub transient: u64,
}

impl Size {
    /// No room at all.
    pub const NOTHING: Self = Self::slots(0);

    /// A value of 1 to 32 bytes.
    #[must_use]
    pub const fn value(bytes: usize) -> Self {
        assert!(bytes > 0 && bytes <= 32, "a value takes 1 to 32 bytes");
        Self { bytes: bytes as u8, slots: 0, transient: 0 }
    }

    /// Whole slots.
    #[must_use]
    pub const fn slots(slots: u64) -> Self {
        Self { bytes: 0, slots, transient: 0 }
    }

    /// A transient value of 1 to 32 bytes.
    #[must_use]
    pub const fn transient(bytes: usize) -> Self {
        Self { bytes: 0, slots: 0, transient: bytes as u64 }
    }

    /// Whole slots that `count` elements of this size take in an array.
    #[must_use]
    pub const fn array_slots(&self, count: u64) -> u64 {
        assert!(self.transient == 0, "transient values cannot be elements or a mapping's values");
        if self.bytes > 0 { count.div_ceil(32 / self.bytes as u64) } else { count * self.slots }
    }
}

/// Where something lies: a slot, a byte in it counted from the lowest-order one, and the same for transient storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The slot.
    pub slot: Slot,
    /// The lowest byte in the slot.
    pub offset: u8,
    /// The transient slot.
    pub transient_slot: u64,
    /// The lowest byte in the transient slot.
    pub transient_offset: u8,
}

impl Place {
    /// Where a contract's storage struct lies.
    pub const ROOT: Self = Self::at(Slot::ZERO);

    /// The beginning of a slot.
    #[must_use]
    pub const fn at(slot: Slot) -> Self {
        Self { slot, offset: 0, transient_slot: 0, transient_offset: 0 }
    }

    /// The place of a struct's field, given where the struct lies and the field's place in a struct at [`Place::ROOT`].
    #[inline]
    #[must_use]
    pub fn field(&self, (slot, offset, transient_slot, transient_offset): FieldPlace) -> Self {
        Self {
            slot: self.slot.offset(slot),
            offset,
            transient_slot: self.transient_slot.wrapping_add(transient_slot),
            transient_offset,
        }
    }

    /// The place of a field of the struct at [`Place::ROOT`].
    #[inline(always)]
    #[must_use]
    pub fn root_field((slot, offset, transient_slot, transient_offset): FieldPlace) -> Self {
        Self { slot: Slot::small(slot as u32), offset, transient_slot, transient_offset }
    }

    /// The place of an array's element, given where the contents begin.
    #[must_use]
    pub fn element(contents: Slot, size: Size, index: u64) -> Self {
        if size.bytes > 0 {
            let per_slot = 32 / u64::from(size.bytes);
            let offset = (index % per_slot) as u8 * size.bytes;
            Self { offset, ..Self::at(contents.offset(index / per_slot)) }
        } else {
            Self::at(contents.offset(index.wrapping_mul(size.slots)))
        }
    }
}

/// A field's slot, byte, transient slot and transient byte, relative to its struct.
pub type FieldPlace = (u64, u8, u64, u8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_number_carries_over_all_its_bytes() {
        let mut last_but_one = [0xff; 32];
        last_but_one[31] = 0xfe;
        assert_eq!(Slot(last_but_one).offset(1), Slot([0xff; 32]));
        assert_eq!(Slot([0xff; 32]).offset(1), Slot([0; 32]));
        assert_eq!(Slot([0xff; 32]).offset(6).key()[31], 5);
        assert_eq!(Slot([0xff; 32]).offset(u64::MAX).key()[24..], (u64::MAX - 1).to_be_bytes());
        let mut high = [0; 32];
        high[23] = 1;
        assert_eq!(Slot::small(u32::MAX - 1).offset(1), Slot::small(u32::MAX));
        assert_eq!(Slot::small(1).offset(u64::MAX), Slot(high));
        assert_eq!(Slot::small(u32::MAX).offset(1).key()[26..], [0, 1, 0, 0, 0, 0]);
        assert_eq!(Slot::small(0x0102).key()[30..], [1, 2]);
    }
}
