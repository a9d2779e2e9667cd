//! Keccak-256 that the compiler can evaluate, for selectors and topics. Contracts hash at run time through their host.

const ROUNDS: [u64; 24] = round_constants();
const RATE: usize = 136;

/// The round constants from their definition: the degree-8 linear feedback shift register of FIPS 202, section 3.2.5.
const fn round_constants() -> [u64; 24] {
    let mut constants = [0; 24];
    let mut register: u8 = 1;
    let mut round = 0;
    while round < 24 {
        let mut power = 0;
        while power < 7 {
            if register & 1 == 1 {
                constants[round] |= 1 << ((1u32 << power) - 1);
            }
            let carry = register >> 7;
            register = (register << 1) ^ (carry * 0x71);
            power += 1;
        }
        round += 1;
    }
    constants
}

/// A Keccak-256 computation in progress.
#[derive(Clone)]
pub struct Keccak {
    lanes: [u64; 25],
    filled: usize,
}

impl Keccak {
    /// Nothing absorbed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { lanes: [0; 25], filled: 0 }
    }

    const fn absorb_byte(&mut self, byte: u8) {
        self.lanes[self.filled / 8] ^= (byte as u64) << (8 * (self.filled % 8));
        self.filled += 1;
        if self.filled == RATE {
            permute(&mut self.lanes);
            self.filled = 0;
        }
    }

    /// Absorbs bytes.
    pub const fn update(&mut self, bytes: &[u8]) {
        let mut index = 0;
        while index < bytes.len() {
            self.absorb_byte(bytes[index]);
            index += 1;
        }
    }

    /// The hash of everything absorbed.
    #[must_use]
    pub const fn finish(mut self) -> [u8; 32] {
        self.lanes[self.filled / 8] ^= 1 << (8 * (self.filled % 8));
        self.lanes[RATE / 8 - 1] ^= 1 << 63;
        permute(&mut self.lanes);
        let mut hash = [0; 32];
        let mut index = 0;
        while index < 32 {
            hash[index] = self.lanes[index / 8].to_le_bytes()[index % 8];
            index += 1;
        }
        hash
    }
}

impl Default for Keccak {
    fn default() -> Self {
        Self::new()
    }
}

/// Keccak-256 of `bytes`, in constant expressions too.
#[must_use]
pub const fn keccak256(bytes: &[u8]) -> [u8; 32] {
    let mut keccak = Keccak::new();
    keccak.update(bytes);
    keccak.finish()
}

/// Keccak-f[1600], with every lane in a variable of its own: the compiler evaluates this for each selector and topic, and
/// an interpreter pays for every index, division and loop.
const fn permute(lanes: &mut [u64; 25]) {
    let [
        mut a0,
        mut a1,
        mut a2,
        mut a3,
        mut a4,
        mut a5,
        mut a6,
        mut a7,
        mut a8,
        mut a9,
        mut a10,
        mut a11,
        mut a12,
        mut a13,
        mut a14,
        mut a15,
        mut a16,
        mut a17,
        mut a18,
        mut a19,
        mut a20,
        mut a21,
        mut a22,
        mut a23,
        mut a24,
    ] = *lanes;
    let mut round = 0;
    while round < 24 {
        // Theta.
        let c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20;
        let c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21;
        let c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22;
        let c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23;
        let c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24;
        let d0 = c4 ^ c1.rotate_left(1);
        let d1 = c0 ^ c2.rotate_left(1);
        let d2 = c1 ^ c3.rotate_left(1);
        let d3 = c2 ^ c4.rotate_left(1);
        let d4 = c3 ^ c0.rotate_left(1);
        // Rho turns each lane, pi moves it to another place.
        let b0 = a0 ^ d0;
        let b1 = (a6 ^ d1).rotate_left(44);
        let b2 = (a12 ^ d2).rotate_left(43);
        let b3 = (a18 ^ d3).rotate_left(21);
        let b4 = (a24 ^ d4).rotate_left(14);
        let b5 = (a3 ^ d3).rotate_left(28);
        let b6 = (a9 ^ d4).rotate_left(20);
        let b7 = (a10 ^ d0).rotate_left(3);
        let b8 = (a16 ^ d1).rotate_left(45);
        let b9 = (a22 ^ d2).rotate_left(61);
        let b10 = (a1 ^ d1).rotate_left(1);
        let b11 = (a7 ^ d2).rotate_left(6);
        let b12 = (a13 ^ d3).rotate_left(25);
        let b13 = (a19 ^ d4).rotate_left(8);
        let b14 = (a20 ^ d0).rotate_left(18);
        let b15 = (a4 ^ d4).rotate_left(27);
        let b16 = (a5 ^ d0).rotate_left(36);
        let b17 = (a11 ^ d1).rotate_left(10);
        let b18 = (a17 ^ d2).rotate_left(15);
        let b19 = (a23 ^ d3).rotate_left(56);
        let b20 = (a2 ^ d2).rotate_left(62);
        let b21 = (a8 ^ d3).rotate_left(55);
        let b22 = (a14 ^ d4).rotate_left(39);
        let b23 = (a15 ^ d0).rotate_left(41);
        let b24 = (a21 ^ d1).rotate_left(2);
        // Chi, and iota on the first lane.
        a0 = b0 ^ (!b1 & b2) ^ ROUNDS[round];
        a1 = b1 ^ (!b2 & b3);
        a2 = b2 ^ (!b3 & b4);
        a3 = b3 ^ (!b4 & b0);
        a4 = b4 ^ (!b0 & b1);
        a5 = b5 ^ (!b6 & b7);
        a6 = b6 ^ (!b7 & b8);
        a7 = b7 ^ (!b8 & b9);
        a8 = b8 ^ (!b9 & b5);
        a9 = b9 ^ (!b5 & b6);
        a10 = b10 ^ (!b11 & b12);
        a11 = b11 ^ (!b12 & b13);
        a12 = b12 ^ (!b13 & b14);
        a13 = b13 ^ (!b14 & b10);
        a14 = b14 ^ (!b10 & b11);
        a15 = b15 ^ (!b16 & b17);
        a16 = b16 ^ (!b17 & b18);
        a17 = b17 ^ (!b18 & b19);
        a18 = b18 ^ (!b19 & b15);
        a19 = b19 ^ (!b15 & b16);
        a20 = b20 ^ (!b21 & b22);
        a21 = b21 ^ (!b22 & b23);
        a22 = b22 ^ (!b23 & b24);
        a23 = b23 ^ (!b24 & b20);
        a24 = b24 ^ (!b20 & b21);
        round += 1;
    }
    *lanes = [
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23,
        a24,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keccak_agrees_with_alloys_at_every_length_around_the_rate() {
        let data: Vec<u8> = (0..300u32).map(|number| (number * 7 + 3) as u8).collect();
        for length in [0, 1, 31, 32, 64, 135, 136, 137, 271, 272, 273, 300] {
            assert_eq!(keccak256(&data[..length]), alloy_primitives::keccak256(&data[..length]).0, "{length} bytes");
        }
    }
}
