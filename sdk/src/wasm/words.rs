//! Words of 32 bytes in as little code as they can be handled in: loops over memory, shared by everything.
#![allow(unsafe_code, reason = "checks of indices that cannot fail would take more code than what they check")]

use core::mem::MaybeUninit;

/// The bytes at `source` from the last to the first.
///
/// # Safety
/// 32 bytes can be read at `source` and written at `target`, which do not overlap.
#[inline(never)]
unsafe fn reverse(source: *const u8, target: *mut u8) {
    // Four bytes at a time: wasm has no instruction that swaps bytes, and of eight it takes more than twice as many.
    let (source, target) = (source.cast::<u32>(), target.cast::<u32>());
    let mut index = 0;
    while index < 8 {
        // SAFETY: both indices are below 8.
        unsafe { target.add(index).write_unaligned(source.add(7 - index).read_unaligned().swap_bytes()) };
        index += 1;
    }
}

/// Four limbs, the least significant first, as 32 bytes, the most significant first.
#[inline(always)]
pub fn be_bytes(limbs: &[u64; 4]) -> [u8; 32] {
    let mut bytes = MaybeUninit::<[u8; 32]>::uninit();
    // SAFETY: both are 32 bytes, all of which are written; wasm is little-endian, so the limbs are the bytes reversed.
    unsafe {
        reverse(limbs.as_ptr().cast(), bytes.as_mut_ptr().cast());
        bytes.assume_init()
    }
}

/// What [`be_bytes`] undoes.
#[inline(always)]
pub fn limbs(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = MaybeUninit::<[u64; 4]>::uninit();
    // SAFETY: as above.
    unsafe {
        reverse(bytes.as_ptr(), limbs.as_mut_ptr().cast());
        limbs.assume_init()
    }
}

/// Adds `other` to `number`, or subtracts it with `minus`, modulo 2^256. Whether the result is another than that.
#[inline(never)]
pub fn add(number: &mut [u64; 4], other: &[u64; 4], minus: bool) -> bool {
    let mask = if minus { u64::MAX } else { 0 };
    let (mut carry, mut index) = (minus, 0);
    while index < 4 {
        let (low, first) = number[index].overflowing_add(other[index] ^ mask);
        let (low, second) = low.overflowing_add(u64::from(carry));
        number[index] = low;
        carry = first | second;
        index += 1;
    }
    carry != minus
}

/// Multiplies `number` by `other`, modulo 2^256. Whether the result is another than that.
#[inline(never)]
pub fn mul(number: &mut [u64; 4], other: &[u64; 4]) -> bool {
    let (mut product, mut overflows, mut row) = ([0; 4], false, 0);
    while row < 4 {
        let limb = number[row];
        let (mut carry, mut column) = (0, 0);
        // Most numbers have few limbs.
        while limb != 0 && column < 4 {
            let place = row + column;
            if place < 4 {
                let sum = u128::from(limb) * u128::from(other[column]) + u128::from(product[place]) + carry;
                product[place] = sum as u64;
                carry = sum >> 64;
            } else {
                overflows |= other[column] != 0;
            }
            column += 1;
        }
        overflows |= carry != 0;
        row += 1;
    }
    *number = product;
    overflows
}

/// Two words one after the other.
#[inline(always)]
pub fn joined(first: &[u8; 32], second: &[u8; 32]) -> [u8; 64] {
    let mut both = MaybeUninit::<[u8; 64]>::uninit();
    let target = both.as_mut_ptr().cast::<u8>();
    // SAFETY: each half is 32 bytes, and both are written.
    unsafe {
        copy(first.as_ptr(), target, 32);
        copy(second.as_ptr(), target.add(32), 32);
        both.assume_init()
    }
}

/// Copies bytes: a call is shorter than the eight instructions that the compiler makes of a word's copy.
///
/// # Safety
/// As for `core::ptr::copy_nonoverlapping`.
#[inline(never)]
pub unsafe fn copy(source: *const u8, target: *mut u8, length: usize) {
    // SAFETY: the caller's.
    unsafe { core::ptr::copy_nonoverlapping(source, target, length) };
}

/// 12 zero bytes, then these 20.
#[inline(never)]
pub fn address(bytes: &[u8; 20]) -> [u8; 32] {
    let mut word = MaybeUninit::<[u8; 32]>::uninit();
    let target = word.as_mut_ptr().cast::<u8>();
    // SAFETY: the first 12 and the last 20 of 32 bytes.
    unsafe {
        target.write_bytes(0, 12);
        copy(bytes.as_ptr(), target.add(12), 20);
        word.assume_init()
    }
}

/// The `index`-th word of some bytes, with zeros behind their end.
#[inline(never)]
pub fn padded(bytes: &[u8], index: usize) -> [u8; 32] {
    let rest = bytes.get(index.wrapping_mul(32)..).unwrap_or_default();
    let mut word = MaybeUninit::<[u8; 32]>::uninit();
    let target = word.as_mut_ptr().cast::<u8>();
    // SAFETY: all 32 bytes are written, and of the rest only as many are read as there are.
    unsafe {
        target.write_bytes(0, 32);
        copy(rest.as_ptr(), target, rest.len().min(32));
        word.assume_init()
    }
}
