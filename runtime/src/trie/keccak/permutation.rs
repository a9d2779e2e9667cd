//! Keccak-f[1600] (FIPS 202) over any number of lanes.

use esker_vm::crypto::KECCAK_ROUNDS;

/// One word of the state in each lane.
pub(super) trait Lanes: Copy {
    fn splat(word: u64) -> Self;
    fn xor(self, other: Self) -> Self;
    fn rotate<const BITS: i32>(self) -> Self;
    /// `self ^ (!b & c)`
    fn chi(self, b: Self, c: Self) -> Self;

    #[inline(always)]
    fn xor5(self, b: Self, c: Self, d: Self, e: Self) -> Self {
        self.xor(b).xor(c).xor(d).xor(e)
    }
}

/// One row of the new state: theta's column sums added, rho's rotations, pi's places, then chi along the row.
macro_rules! row {
    ($a:ident, $d:ident, $b:ident, $y:literal: $(($from:literal, $column:literal, $bits:literal)),*) => {
        let row = [$($a[$from].xor($d[$column]).rotate::<$bits>()),*];
        $b[5 * $y] = row[0].chi(row[1], row[2]);
        $b[5 * $y + 1] = row[1].chi(row[2], row[3]);
        $b[5 * $y + 2] = row[2].chi(row[3], row[4]);
        $b[5 * $y + 3] = row[3].chi(row[4], row[0]);
        $b[5 * $y + 4] = row[4].chi(row[0], row[1]);
    };
}

#[inline(always)]
fn round<L: Lanes>(a: &[L; 25], constant: u64) -> [L; 25] {
    let c = [
        a[0].xor5(a[5], a[10], a[15], a[20]),
        a[1].xor5(a[6], a[11], a[16], a[21]),
        a[2].xor5(a[7], a[12], a[17], a[22]),
        a[3].xor5(a[8], a[13], a[18], a[23]),
        a[4].xor5(a[9], a[14], a[19], a[24]),
    ];
    let d = [
        c[4].xor(c[1].rotate::<1>()),
        c[0].xor(c[2].rotate::<1>()),
        c[1].xor(c[3].rotate::<1>()),
        c[2].xor(c[4].rotate::<1>()),
        c[3].xor(c[0].rotate::<1>()),
    ];
    let mut b = *a;
    row!(a, d, b, 0: (0, 0, 0), (6, 1, 44), (12, 2, 43), (18, 3, 21), (24, 4, 14));
    row!(a, d, b, 1: (3, 3, 28), (9, 4, 20), (10, 0, 3), (16, 1, 45), (22, 2, 61));
    row!(a, d, b, 2: (1, 1, 1), (7, 2, 6), (13, 3, 25), (19, 4, 8), (20, 0, 18));
    row!(a, d, b, 3: (4, 4, 27), (5, 0, 36), (11, 1, 10), (17, 2, 15), (23, 3, 56));
    row!(a, d, b, 4: (2, 2, 62), (8, 3, 55), (14, 4, 39), (15, 0, 41), (21, 1, 2));
    b[0] = b[0].xor(L::splat(constant));
    b
}

/// The 24 rounds.
#[inline(always)]
pub(super) fn permute<L: Lanes>(state: &mut [L; 25]) {
    for constant in KECCAK_ROUNDS {
        *state = round(state, constant);
    }
}
