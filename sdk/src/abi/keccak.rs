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

/// Keccak-f[1600].
const fn permute(lanes: &mut [u64; 25]) {
    let mut round = 0;
    while round < 24 {
        // Theta.
        let mut parity = [0u64; 5];
        let mut x = 0;
        while x < 5 {
            parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
            x += 1;
        }
        let mut index = 0;
        while index < 25 {
            lanes[index] ^= parity[(index + 4) % 5] ^ parity[(index + 1) % 5].rotate_left(1);
            index += 1;
        }
        // Rho and pi: walk the 24 lanes off the origin, rotating the t-th by t(t+1)/2.
        let (mut x, mut y, mut step) = (1, 0, 1u32);
        let mut carried = lanes[1];
        while step <= 24 {
            (x, y) = (y, (2 * x + 3 * y) % 5);
            let here = lanes[x + 5 * y];
            lanes[x + 5 * y] = carried.rotate_left((step * (step + 1) / 2) % 64);
            carried = here;
            step += 1;
        }
        // Chi.
        let mut row = 0;
        while row < 25 {
            let old = [lanes[row], lanes[row + 1], lanes[row + 2], lanes[row + 3], lanes[row + 4]];
            let mut x = 0;
            while x < 5 {
                lanes[row + x] = old[x] ^ (!old[(x + 1) % 5] & old[(x + 2) % 5]);
                x += 1;
            }
            row += 5;
        }
        // Iota.
        lanes[0] ^= ROUNDS[round];
        round += 1;
    }
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
