//! Slots, places inside them, and how Solidity lays fields out.

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

/// A field's place in the contract's own struct, checked where the compiler evaluates it.
#[must_use]
pub const fn root_place(place: FieldPlace) -> FieldPlace {
    assert!(place.0 <= u32::MAX as u64, "a contract's own struct takes fewer than 2^32 slots: use Map or List");
    place
}

/// A field's slot, byte, transient slot and transient byte, relative to its struct.
pub type FieldPlace = (u64, u8, u64, u8);

/// Where the next packed value may go.
struct Cursor {
    slot: u64,
    offset: u64,
}

impl Cursor {
    const fn value(&mut self, bytes: u64) -> (u64, u8) {
        if self.offset + bytes > 32 {
            self.next_slot();
        }
        let place = (self.slot, self.offset as u8);
        self.offset += bytes;
        place
    }

    const fn slots(&mut self, slots: u64) -> (u64, u8) {
        self.next_slot();
        let place = (self.slot, 0);
        self.slot += slots;
        place
    }

    const fn next_slot(&mut self) {
        if self.offset > 0 {
            self.slot += 1;
            self.offset = 0;
        }
    }
}

const fn lay_out<const N: usize>(sizes: &[Size; N]) -> ([FieldPlace; N], Size) {
    let mut places = [(0, 0, 0, 0); N];
    let mut persistent = Cursor { slot: 0, offset: 0 };
    let mut transient = Cursor { slot: 0, offset: 0 };
    let mut index = 0;
    while index < N {
        let size = sizes[index];
        let (mut place, mut transient_place) = ((0, 0), (0, 0));
        if size.bytes > 0 {
            place = persistent.value(size.bytes as u64);
        } else if size.slots > 0 {
            place = persistent.slots(size.slots);
            if size.transient > 0 {
                transient_place = transient.slots(size.transient / 32);
            }
        } else if size.transient <= 32 {
            transient_place = transient.value(size.transient);
        } else {
            transient_place = transient.slots(size.transient / 32);
        }
        places[index] = (place.0, place.1, transient_place.0, transient_place.1);
        index += 1;
    }
    persistent.next_slot();
    transient.next_slot();
    // A struct always takes whole slots, at least one.
    let slots = if persistent.slot == 0 { 1 } else { persistent.slot };
    (places, Size { bytes: 0, slots, transient: transient.slot * 32 })
}

/// Where the fields of a struct lie, given their sizes in order.
#[must_use]
pub const fn layout<const N: usize>(sizes: &[Size; N]) -> [FieldPlace; N] {
    lay_out(sizes).0
}

/// How much room a struct takes, given its fields' sizes in order.
#[must_use]
pub const fn layout_size<const N: usize>(sizes: &[Size; N]) -> Size {
    lay_out(sizes).1
}

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

    #[test]
    fn small_values_share_a_slot_until_one_does_not_fit() {
        // uint128, uint64, address, bool, uint256, uint8: Solidity gives 0/0, 0/16, 1/0, 1/20, 2/0, 3/0.
        let sizes = [16, 8, 20, 1, 32, 1].map(Size::value);
        let places = layout(&sizes).map(|(slot, offset, ..)| (slot, offset));
        assert_eq!(places, [(0, 0), (0, 16), (1, 0), (1, 20), (2, 0), (3, 0)]);
        assert_eq!(layout_size(&sizes), Size::slots(4));
    }

    #[test]
    fn what_takes_whole_slots_starts_one_and_ends_one() {
        // uint8, mapping, uint8, struct of two slots, uint8.
        let sizes = [Size::value(1), Size::slots(1), Size::value(1), Size::slots(2), Size::value(1)];
        let places = layout(&sizes).map(|(slot, offset, ..)| (slot, offset));
        assert_eq!(places, [(0, 0), (1, 0), (2, 0), (3, 0), (5, 0)]);
        assert_eq!(layout_size(&sizes).slots, 6);
    }

    #[test]
    fn transient_values_are_numbered_on_their_own() {
        let sizes = [Size::value(32), Size::transient(1), Size::value(1), Size::transient(20), Size::transient(20)];
        assert_eq!(layout(&sizes), [(0, 0, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0)]);
        assert_eq!(layout_size(&sizes), Size { bytes: 0, slots: 2, transient: 64 });
    }
}
