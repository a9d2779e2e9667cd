//! How Solidity lays a struct's fields out.
//!
//! A `#[storage]` struct is a list of [`Piece`]s. Everything here is evaluated by the compiler: a field's place is a
//! constant, also that of a field of a struct that its parent flattens, whose first field may go where the parent's ended.
//! A type tells where that is ([`At`]), as a generic function takes no constants of its own.

use core::marker::PhantomData;

use super::{FieldPlace, Place, Size, Slot, StorageType};
use crate::Authority;

/// One field, for the layout.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub(super) placement: Placement,
    pub(super) size: Size,
    /// The fields inside, if it is a struct.
    pub(super) inside: &'static [Piece],
}

/// Where a field goes.
#[derive(Clone, Copy, Debug)]
pub enum Placement {
    /// Behind the field before it.
    Next,
    /// Its own fields go behind the field before it, one by one: `#[flatten]`.
    Flat,
    /// At a slot of its own, away from the others: `#[at("…")]`.
    Fixed(Slot),
}

impl Piece {
    /// A field without attributes, of this size and with these fields inside.
    #[must_use]
    pub const fn next(size: Size, inside: &'static [Self]) -> Self {
        Self { placement: Placement::Next, size, inside }
    }

    /// A field with `#[flatten]`.
    #[must_use]
    pub const fn flat(size: Size, inside: &'static [Self]) -> Self {
        Self { placement: Placement::Flat, size, inside }
    }

    /// A field with `#[at("…")]`.
    #[must_use]
    pub const fn fixed(slot: Slot, size: Size, inside: &'static [Self]) -> Self {
        assert!(size.transient == 0, "what lies at a fixed slot cannot be transient");
        Self { placement: Placement::Fixed(slot), size, inside }
    }
}

/// Where the next packed value may go, in one of the two storages.
#[derive(Clone, Copy, Debug)]
struct Lane {
    slot: u64,
    offset: u64,
}

impl Lane {
    const START: Self = Self { slot: 0, offset: 0 };

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

/// Where a struct's next field may go.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    persistent: Lane,
    transient: Lane,
}

impl Cursor {
    /// The beginning of a struct.
    pub const START: Self = Self { persistent: Lane::START, transient: Lane::START };

    /// Goes behind a field, and gives its place.
    pub(super) const fn pass(&mut self, piece: &Piece) -> FieldPlace {
        let size = piece.size;
        let (mut place, mut transient_place) = ((0, 0), (0, 0));
        match piece.placement {
            Placement::Fixed(_) => {}
            Placement::Flat => self.pass_all(piece.inside, piece.inside.len()),
            Placement::Next if size.bytes > 0 => place = self.persistent.value(size.bytes as u64),
            Placement::Next if size.slots > 0 => {
                place = self.persistent.slots(size.slots);
                if size.transient > 0 {
                    transient_place = self.transient.slots(size.transient / 32);
                }
            }
            Placement::Next => transient_place = self.transient.value(size.transient),
        }
        (place.0, place.1, transient_place.0, transient_place.1)
    }

    pub(super) const fn pass_all(&mut self, pieces: &[Piece], count: usize) {
        let mut index = 0;
        while index < count {
            self.pass(&pieces[index]);
            index += 1;
        }
    }
}

/// The place of field `index` of a struct whose first field may go to `cursor`.
#[must_use]
pub const fn field_place(mut cursor: Cursor, pieces: &[Piece], index: usize) -> FieldPlace {
    cursor.pass_all(pieces, index);
    cursor.pass(&pieces[index])
}

/// How much room a struct takes: whole slots, at least one, unless everything inside lies elsewhere.
#[must_use]
pub const fn struct_size(pieces: &[Piece]) -> Size {
    let mut cursor = Cursor::START;
    cursor.pass_all(pieces, pieces.len());
    cursor.persistent.next_slot();
    cursor.transient.next_slot();
    let (slots, transient) = (cursor.persistent.slot, cursor.transient.slot * 32);
    let is_elsewhere = transient == 0 && has_fixed(pieces);
    Size { bytes: 0, slots: if slots == 0 && !is_elsewhere { 1 } else { slots }, transient }
}

/// A type that tells where a struct's first field may go.
pub trait At {
    /// There.
    const CURSOR: Cursor;
}

/// The beginning of a struct.
pub struct Origin;

impl At for Origin {
    const CURSOR: Cursor = Cursor::START;
}

/// Where field `INDEX` of the struct `S` goes, whose own first field goes to `A`.
pub struct Within<A, S, const INDEX: usize>(PhantomData<(A, S)>);

impl<A: At, S: StorageType, const INDEX: usize> At for Within<A, S, INDEX> {
    const CURSOR: Cursor = {
        let mut cursor = A::CURSOR;
        cursor.pass_all(S::PIECES, INDEX);
        cursor
    };
}

/// What a struct's fields are numbered from.
pub trait Base {
    /// The place of a field.
    fn field(&self, place: FieldPlace) -> Place;
}

/// The beginning of storage, where a contract's own struct lies: its fields' slots are constants.
pub struct Root;

impl Base for Root {
    #[inline(always)]
    fn field(&self, place: FieldPlace) -> Place {
        Place::root_field(place)
    }
}

impl Base for Place {
    #[inline]
    fn field(&self, place: FieldPlace) -> Place {
        Place::field(self, place)
    }
}

/// A `#[storage]` struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be flattened: it has no fields",
    label = "not a #[storage] struct",
    note = "#[flatten] goes on a field whose type is another #[storage] struct; every other field is written without it"
)]
pub trait StorageStruct: StorageType {
    /// Its name, for tools.
    #[doc(hidden)]
    const NAME: &'static str;

    /// Its module's path, which tells structs of one name apart.
    #[doc(hidden)]
    const MODULE: &'static str;

    /// The handle of the struct whose first field may go to `A`, counted from `base`.
    #[doc(hidden)]
    fn open_in<B: Base, A: At>(base: &B, authority: &Authority) -> Self;

    /// Whether this is still what [`StorageStruct::open_in`] gave.
    #[cfg(not(target_arch = "wasm32"))]
    #[doc(hidden)]
    fn lies_in<B: Base, A: At>(&self, base: &B) -> bool;
}

/// Whether a field, or one inside a field, lies at a fixed slot.
pub(crate) const fn has_fixed(pieces: &[Piece]) -> bool {
    nth_fixed(pieces, &mut 0).is_some()
}

/// The slot and the number of slots of the fixed field that `skip` others come before.
const fn nth_fixed(pieces: &[Piece], skip: &mut usize) -> Option<(Slot, u64)> {
    let mut index = 0;
    while index < pieces.len() {
        let piece = &pieces[index];
        if let Placement::Fixed(slot) = piece.placement {
            if *skip == 0 {
                return Some((slot, if piece.size.bytes > 0 { 1 } else { piece.size.slots }));
            }
            *skip -= 1;
        }
        if let Some(found) = nth_fixed(piece.inside, skip) {
            return Some(found);
        }
        index += 1;
    }
    None
}

/// How many slots `to` lies behind `from`, modulo 2^256, if fewer than 2^64.
const fn distance(from: &Slot, to: &Slot) -> Option<u64> {
    let (mut low, mut borrow, mut index) = (0u64, 0, 32);
    while index > 0 {
        index -= 1;
        let byte = to.0[index] as i16 - from.0[index] as i16 - borrow;
        borrow = (byte < 0) as i16;
        let byte = (byte & 0xff) as u64;
        if index >= 24 {
            low |= byte << (8 * (31 - index));
        } else if byte > 0 {
            return None;
        }
    }
    Some(low)
}

const fn overlap((one, one_slots): (Slot, u64), (other, other_slots): (Slot, u64)) -> bool {
    let first = match distance(&one, &other) {
        Some(behind) => behind < one_slots,
        None => false,
    };
    let second = match distance(&other, &one) {
        Some(behind) => behind < other_slots,
        None => false,
    };
    first || second
}

/// Checks that field `index` of a contract's own struct lies where no other does: fails to compile if not.
///
/// # Panics
/// While the compiler evaluates it.
pub const fn check_piece(pieces: &[Piece], index: usize) {
    let own = struct_size(pieces);
    assert!(own.slots <= 1 << 32, "a contract's own struct takes at most 2^32 slots: use Map or List");
    let one = core::slice::from_ref(&pieces[index]);
    let before = pieces.split_at(index).0;
    let mut number = 0;
    while let Some(place) = nth_fixed(one, &mut { number }) {
        assert!(
            !overlap(place, (Slot::ZERO, own.slots)),
            "the fixed slot of this field is taken by the fields that lie one behind another from slot 0 on"
        );
        assert!(!lies_among(place, before, usize::MAX), "the fixed slot of this field is taken by a field before it");
        assert!(!lies_among(place, one, number), "two fields inside this one lie at the same fixed slot");
        number += 1;
    }
}

/// Whether something at `place` shares a slot with one of the first `count` fixed fields.
const fn lies_among(place: (Slot, u64), pieces: &[Piece], count: usize) -> bool {
    let mut number = 0;
    while number < count {
        match nth_fixed(pieces, &mut { number }) {
            Some(other) if overlap(place, other) => return true,
            Some(_) => number += 1,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(size: Size) -> Piece {
        Piece { placement: Placement::Next, size, inside: &[] }
    }

    fn places<const N: usize>(sizes: [Size; N]) -> ([FieldPlace; N], Size) {
        let pieces = sizes.map(next);
        (core::array::from_fn(|index| field_place(Cursor::START, &pieces, index)), struct_size(&pieces))
    }

    fn persistent<const N: usize>(places: [FieldPlace; N]) -> [(u64, u8); N] {
        places.map(|(slot, offset, ..)| (slot, offset))
    }

    #[test]
    fn small_values_share_a_slot_until_one_does_not_fit() {
        // uint128, uint64, address, bool, uint256, uint8: Solidity gives 0/0, 0/16, 1/0, 1/20, 2/0, 3/0.
        let (places, size) = places([16, 8, 20, 1, 32, 1].map(Size::value));
        assert_eq!(persistent(places), [(0, 0), (0, 16), (1, 0), (1, 20), (2, 0), (3, 0)]);
        assert_eq!(size, Size::slots(4));
    }

    #[test]
    fn what_takes_whole_slots_starts_one_and_ends_one() {
        // uint8, mapping, uint8, struct of two slots, uint8.
        let sizes = [Size::value(1), Size::slots(1), Size::value(1), Size::slots(2), Size::value(1)];
        let (places, size) = places(sizes);
        assert_eq!(persistent(places), [(0, 0), (1, 0), (2, 0), (3, 0), (5, 0)]);
        assert_eq!(size.slots, 6);
    }

    #[test]
    fn transient_values_are_numbered_on_their_own() {
        let sizes = [Size::value(32), Size::transient(1), Size::value(1), Size::transient(20), Size::transient(20)];
        let (places, size) = places(sizes);
        assert_eq!(places, [(0, 0, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0)]);
        assert_eq!(size, Size { bytes: 0, slots: 2, transient: 64 });
    }

    #[test]
    fn slots_are_told_apart_over_all_their_bytes() {
        let slot = |high: u8, low: u8| {
            let mut bytes = [0; 32];
            (bytes[23], bytes[31]) = (high, low);
            Slot(bytes)
        };
        assert_eq!(distance(&slot(0, 3), &slot(0, 9)), Some(6));
        assert_eq!(distance(&slot(0, 9), &slot(0, 3)), None);
        assert_eq!(distance(&slot(1, 3), &slot(0, 3)), None);
        assert_eq!(distance(&slot(0, 255), &slot(1, 0)), None);
        assert_eq!(distance(&Slot([0xff; 32]), &slot(0, 1)), Some(2));
        assert!(overlap((slot(0, 3), 2), (slot(0, 4), 1)));
        assert!(overlap((slot(0, 4), 1), (slot(0, 3), 2)));
        assert!(!overlap((slot(0, 3), 2), (slot(0, 5), 1)));
        assert!(!overlap((slot(0, 3), 0), (slot(0, 3), 0)));
    }
}
