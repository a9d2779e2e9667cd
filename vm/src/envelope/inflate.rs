//! A strict DEFLATE decoder (RFC 1951).
//!
//! Whether a payload is acceptable is consensus, so it may not hang on what some version of a compression library
//! happens to forgive. Accepted is what zlib accepts, with the padding bits zero and nothing after the final block.

use std::sync::LazyLock;

use super::StreamError;

/// Why inflating stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// The stream is malformed.
    Stream(StreamError),
    /// The stream gives more than the limit.
    Limit,
}

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

/// Longest code, in bits.
const BITS_MAX: usize = 15;
/// Codes up to this many bits are found by one look into a table.
const FAST_BITS: usize = 9;
const LITERALS_MAX: usize = 286;
const DISTANCES_MAX: usize = 30;
const END_OF_BLOCK: u16 = 256;

/// Base length and extra bits of the length symbols 257 to 285.
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// Base distance and extra bits of the distance symbols 0 to 29.
const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];
/// The order in which the lengths of the code-length code are written.
const CODE_LENGTH_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Bits, least significant first.
struct Bits<'a> {
    bytes: &'a [u8],
    /// Read but not yet used, in the low `held` bits; the bits above are zero.
    buffer: u64,
    held: u32,
}

impl<'a> Bits<'a> {
    /// Holds at least 48 bits afterwards, or all that are left.
    fn fill(&mut self) {
        while self.held <= 48 {
            let Some((&byte, rest)) = self.bytes.split_first() else { return };
            self.buffer |= u64::from(byte) << self.held;
            self.held += 8;
            self.bytes = rest;
        }
    }

    fn take(&mut self, count: u32) -> Result<u16, StreamError> {
        debug_assert!(count <= 16, "no field of the format is longer than 16 bits");
        if self.held < count {
            self.fill();
            if self.held < count {
                return Err(StreamError::Truncated);
            }
        }
        let value = (self.buffer & ((1 << count) - 1)) as u16;
        self.buffer >>= count;
        self.held -= count;
        Ok(value)
    }

    /// Goes on to the next byte; the bits skipped must be zero.
    fn align(&mut self) -> Result<(), StreamError> {
        if self.take(self.held % 8)? == 0 { Ok(()) } else { Err(StreamError::Padding) }
    }

    /// Takes `count` whole bytes. Only after [`Bits::align`].
    fn take_bytes(&mut self, count: usize, out: &mut Vec<u8>) -> Result<(), StreamError> {
        let mut left = count;
        while left > 0 && self.held > 0 {
            out.push(self.take(8)? as u8);
            left -= 1;
        }
        let (taken, rest) = self.bytes.split_at_checked(left).ok_or(StreamError::Truncated)?;
        out.extend_from_slice(taken);
        self.bytes = rest;
        Ok(())
    }
}

/// A canonical Huffman code.
struct Code {
    /// By the next [`FAST_BITS`] bits: symbol << 4 | length, or 0 where the code is longer or undefined.
    fast: [u16; 1 << FAST_BITS],
    /// How many codes have each length.
    counts: [u16; BITS_MAX + 1],
    /// The symbols in order of their codes.
    symbols: [u16; 288],
}

impl Code {
    /// Builds the code from the length of each symbol's code, 0 for a symbol that does not occur.
    ///
    /// A code must be complete. As in zlib, one symbol alone may have a code of one bit, and where `may_be_empty` there
    /// may be no symbol at all.
    fn new(lengths: &[u8], may_be_single: bool, may_be_empty: bool) -> Result<Self, StreamError> {
        debug_assert!(lengths.len() <= 288, "no alphabet of the format is larger");
        let mut code = Self { fast: [0; 1 << FAST_BITS], counts: [0; BITS_MAX + 1], symbols: [0; 288] };
        for &length in lengths {
            code.counts[usize::from(length)] += 1;
        }
        code.counts[0] = 0;
        let mut offsets = [0u16; BITS_MAX + 2];
        let mut first = [0u32; BITS_MAX + 2];
        let mut left = 1i32;
        for length in 1..=BITS_MAX {
            left = (left << 1) - i32::from(code.counts[length]);
            if left < 0 {
                return Err(StreamError::Code);
            }
            offsets[length + 1] = offsets[length] + code.counts[length];
            first[length + 1] = (first[length] + u32::from(code.counts[length])) << 1;
        }
        let used = offsets[BITS_MAX + 1];
        let single = used == 1 && code.counts[1] == 1;
        if left > 0 && !(single && may_be_single || used == 0 && may_be_empty) {
            return Err(StreamError::Code);
        }
        for (symbol, &length) in (0u16..).zip(lengths) {
            let length = usize::from(length);
            if length == 0 {
                continue;
            }
            let bits = first[length];
            first[length] += 1;
            code.symbols[usize::from(offsets[length])] = symbol;
            offsets[length] += 1;
            if length <= FAST_BITS {
                // Codes are written most significant bit first, everything else the other way round.
                let reversed = (bits.reverse_bits() >> (32 - length)) as usize;
                for entry in code.fast.iter_mut().skip(reversed).step_by(1 << length) {
                    *entry = symbol << 4 | length as u16;
                }
            }
        }
        Ok(code)
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<u16, StreamError> {
        if (bits.held as usize) < BITS_MAX {
            bits.fill();
        }
        let entry = self.fast[(bits.buffer & ((1 << FAST_BITS) - 1)) as usize];
        if entry != 0 {
            let length = u32::from(entry & 15);
            if length > bits.held {
                return Err(StreamError::Truncated);
            }
            bits.buffer >>= length;
            bits.held -= length;
            return Ok(entry >> 4);
        }
        let (mut code, mut first, mut index) = (0i32, 0i32, 0i32);
        for length in 1..=BITS_MAX {
            if length > bits.held as usize {
                return Err(StreamError::Truncated);
            }
            code |= (bits.buffer >> (length - 1) & 1) as i32;
            let count = i32::from(self.counts[length]);
            if code - count < first {
                bits.buffer >>= length;
                bits.held -= length as u32;
                return self.symbols.get((index + code - first) as usize).copied().ok_or(StreamError::Symbol);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(StreamError::Symbol)
    }
}

/// Inflates `stream`, which must end with its final block, to at most `limit` bytes.
pub(super) fn inflate(stream: &[u8], limit: usize, capacity: usize) -> Result<Vec<u8>, Error> {
    let mut bits = Bits { bytes: stream, buffer: 0, held: 0 };
    let mut out = Vec::with_capacity(capacity);
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored_block(&mut bits, &mut out, limit)?,
            1 => {
                let (literals, distances) = &*FIXED_CODES;
                coded_block(&mut bits, &mut out, limit, literals, distances)?;
            }
            2 => {
                let (literals, distances) = dynamic_codes(&mut bits)?;
                coded_block(&mut bits, &mut out, limit, &literals, &distances)?;
            }
            _ => return Err(StreamError::BlockType.into()),
        }
        if last {
            break;
        }
    }
    bits.align()?;
    if bits.held > 0 || !bits.bytes.is_empty() {
        return Err(StreamError::TrailingBytes.into());
    }
    Ok(out)
}

fn stored_block(bits: &mut Bits<'_>, out: &mut Vec<u8>, limit: usize) -> Result<(), Error> {
    bits.align()?;
    let length = bits.take(16)?;
    let complement = bits.take(16)?;
    if length != !complement {
        return Err(StreamError::StoredLength.into());
    }
    if usize::from(length) > limit - out.len() {
        return Err(Error::Limit);
    }
    bits.take_bytes(usize::from(length), out)?;
    Ok(())
}

/// The codes of fixed blocks. Built once: a block that uses them may be ten bits long, and a stream is paid for by its
/// bytes.
static FIXED_CODES: LazyLock<(Code, Code)> = LazyLock::new(|| {
    let mut lengths = [8u8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    // Symbols 286, 287 and distances 30, 31 take part in the code but may not occur.
    let code = |lengths: &[u8]| Code::new(lengths, false, false).expect("RFC 1951's fixed codes are complete");
    (code(&lengths), code(&[5; 32]))
});

fn dynamic_codes(bits: &mut Bits<'_>) -> Result<(Code, Code), StreamError> {
    let literals = usize::from(bits.take(5)?) + 257;
    let distances = usize::from(bits.take(5)?) + 1;
    let written = usize::from(bits.take(4)?) + 4;
    if literals > LITERALS_MAX || distances > DISTANCES_MAX {
        return Err(StreamError::CodeLengths);
    }
    let mut lengths = [0u8; 19];
    for &symbol in CODE_LENGTH_ORDER.iter().take(written) {
        lengths[symbol] = bits.take(3)? as u8;
    }
    let code = Code::new(&lengths, false, false)?;

    let mut lengths = [0u8; LITERALS_MAX + DISTANCES_MAX];
    let total = literals + distances;
    let mut at = 0;
    while at < total {
        let symbol = code.symbol(bits)?;
        let (value, repeat) = match symbol {
            0..=15 => (symbol as u8, 1),
            16 => {
                let previous = at.checked_sub(1).map(|previous| lengths[previous]).ok_or(StreamError::CodeLengths)?;
                (previous, 3 + bits.take(2)?)
            }
            17 => (0, 3 + bits.take(3)?),
            _ => (0, 11 + bits.take(7)?),
        };
        let end = at + usize::from(repeat);
        if end > total {
            return Err(StreamError::CodeLengths);
        }
        lengths[at..end].fill(value);
        at = end;
    }
    if lengths[usize::from(END_OF_BLOCK)] == 0 {
        return Err(StreamError::Code);
    }
    Ok((Code::new(&lengths[..literals], true, false)?, Code::new(&lengths[literals..total], true, true)?))
}

fn coded_block(
    bits: &mut Bits<'_>,
    out: &mut Vec<u8>,
    limit: usize,
    literals: &Code,
    distances: &Code,
) -> Result<(), Error> {
    loop {
        let symbol = literals.symbol(bits)?;
        if symbol < END_OF_BLOCK {
            if out.len() == limit {
                return Err(Error::Limit);
            }
            out.push(symbol as u8);
            continue;
        }
        if symbol == END_OF_BLOCK {
            return Ok(());
        }
        let &(base, extra) = LENGTHS.get(usize::from(symbol - 257)).ok_or(StreamError::Symbol)?;
        let length = usize::from(base + bits.take(u32::from(extra))?);
        let symbol = distances.symbol(bits)?;
        let &(base, extra) = DISTANCES.get(usize::from(symbol)).ok_or(StreamError::Symbol)?;
        let distance = usize::from(base + bits.take(u32::from(extra))?);
        let from = out.len().checked_sub(distance).ok_or(StreamError::Distance)?;
        if length > limit - out.len() {
            return Err(Error::Limit);
        }
        if distance >= length {
            out.extend_from_within(from..from + length);
        } else {
            // The match overlaps what it writes: it repeats its last `distance` bytes.
            for at in from..from + length {
                out.push(out[at]);
            }
        }
    }
}
