//! What each piece of work must return, computed natively and without any of the machines.

use primitive_types::U256;
use sha3::{Digest, Keccak256};

use crate::work::{Work, address_word, word};

/// The first topic of ERC-20's event.
const TRANSFER_EVENT: &[u8] = b"Transfer(address,address,uint256)";

/// What a call that does `work` returns.
pub fn output(work: Work) -> Vec<u8> {
    match work {
        Work::Trivial => Vec::new(),
        Work::Transfer | Work::LibraryTransfer => word(1).to_vec(),
        Work::Keccak | Work::HostKeccak => hashed().to_vec(),
        Work::Fib => word(fibonacci(27)).to_vec(),
        Work::Matmul => word(product()).to_vec(),
        Work::Mul256 => chain().to_vec(),
        Work::Sort => word(sorted()).to_vec(),
    }
}

/// The topics of the event of a transfer between two accounts.
pub fn topics(from: [u8; 20], to: [u8; 20]) -> [[u8; 32]; 3] {
    [Keccak256::digest(TRANSFER_EVENT).into(), address_word(from), address_word(to)]
}

/// 1,000 hashes of 32 words, at first the numbers from 1 on; each hash becomes the first word.
fn hashed() -> [u8; 32] {
    let mut buffer: Vec<u8> = (1..=32).flat_map(word).collect();
    for _ in 0..1_000 {
        let hash = Keccak256::digest(&buffer);
        buffer[..32].copy_from_slice(&hash);
    }
    buffer[..32].try_into().expect("32 bytes")
}

/// The n-th Fibonacci number, by addition.
fn fibonacci(n: u32) -> u64 {
    (0..n).fold((0, 1), |(this, next), _| (next, this + next)).0
}

/// Folds numbers into one, modulo 2^64.
fn folded(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, |folded: u64, number| folded.wrapping_mul(31).wrapping_add(number))
}

/// The folded product of two 64 × 64 matrices that stand one after the other.
fn product() -> u64 {
    let number = |index: u64| (8 * index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let term = |row: u64, column: u64, k: u64| number(64 * row + k).wrapping_mul(number(4096 + 64 * k + column));
    let cell = |row, column| (0..64).fold(0u64, |sum, k| sum.wrapping_add(term(row, column, k)));
    folded((0..64).flat_map(|row| (0..64).map(move |column| (row, column))).map(|(row, column)| cell(row, column)))
}

/// 2,000 times x = x * y + x modulo 2^256.
fn chain() -> [u8; 32] {
    let number = |limbs: [u64; 4]| U256(limbs);
    let y = number([0x0fed_cba9_8765_4320, 0x99aa_bbcc_ddee_ff01, 0x1122_3344_5566_7788, 0xf0de_bc9a_7856_3412]);
    let mut x = number([0x8796_a5b4_c3d2_e1f1, 0x0f1e_2d3c_4b5a_6978, 0xfedc_ba98_7654_3210, 0x0123_4567_89ab_cdef]);
    for _ in 0..2_000 {
        x = x.overflowing_mul(y).0.overflowing_add(x).0;
    }
    x.to_big_endian()
}

/// 4,096 numbers of a linear congruence, sorted and folded.
fn sorted() -> u64 {
    let next = |x: &u32| Some(x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let mut numbers: Vec<u32> = std::iter::successors(next(&12_345), next).take(4_096).collect();
    numbers.sort_unstable();
    folded(numbers.into_iter().map(u64::from))
}
