//! The deploy envelope: how a module travels in a transaction and rests in an account.
//!
//! `EF 45 53 4B` · version `01` · raw length u32 BE · compressed length u32 BE · raw DEFLATE (RFC 1951) of exactly the
//! compressed length, which inflates to exactly the raw length. Whatever follows is the constructor's ABI-encoded
//! arguments. The account's code is the envelope without them. The rules stand in `docs/spec/envelope.md`, with vectors
//! under `tests/vectors/envelope/`.

mod inflate;

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder};

/// The first bytes of every envelope. EIP-3541 keeps `EF` free of Ethereum's own bytecode.
pub const MAGIC: [u8; 4] = [0xEF, b'E', b'S', b'K'];
/// The one version there is.
pub const VERSION: u8 = 1;
/// Magic, version, raw length and compressed length, in bytes.
pub const HEADER_BYTES: usize = 13;
/// The most that one byte of DEFLATE can inflate to: a match of 258 bytes for two bits.
const RATIO_MAX: usize = 1032;

/// Why bytes are no envelope. For people: only the fact of refusal is consensus data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes do not begin with [`MAGIC`].
    #[error("not an Esker deploy payload: it must begin with the bytes ef45534b")]
    Magic,
    /// A version that this machine does not know.
    #[error("unknown version {0} of the deploy payload (known: 1)")]
    Version(u8),
    /// The bytes end inside the header.
    #[error("the deploy payload ends inside its {HEADER_BYTES}-byte header")]
    ShortHeader,
    /// The bytes end inside the compressed module.
    #[error("the deploy payload says {expected} compressed bytes but only {found} follow")]
    ShortBody {
        /// The compressed length that the header gives, in bytes.
        expected: u32,
        /// What follows the header, in bytes.
        found: usize,
    },
    /// The stream breaks a rule of RFC 1951 or of our stricter reading of it.
    #[error("the compressed module is malformed: {0}")]
    Stream(StreamError),
    /// The stream ended before the raw length was reached.
    #[error("the compressed module inflates to {found} bytes, its header says {expected}")]
    ShortModule {
        /// The raw length that the header gives, in bytes.
        expected: u32,
        /// What the stream gave, in bytes.
        found: usize,
    },
    /// The stream goes on after the raw length was reached.
    #[error("the compressed module inflates to more than the {expected} bytes its header says")]
    LongModule {
        /// The raw length that the header gives, in bytes.
        expected: u32,
    },
    /// The header promises a longer module than is accepted.
    #[error("the module is {expected} bytes long, the limit is {limit}")]
    Oversized {
        /// The raw length that the header gives, in bytes.
        expected: u32,
        /// The longest module that is accepted, in bytes.
        limit: u32,
    },
    /// An account's code carries bytes after the envelope.
    #[error("{0} bytes follow the envelope in an account's code")]
    Trailing(usize),
}

/// What is wrong inside the DEFLATE stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The stream ends inside a block.
    #[error("it ends in the middle of a block")]
    Truncated,
    /// Bytes follow the final block.
    #[error("bytes follow its final block")]
    TrailingBytes,
    /// A bit that only pads to the next byte is set.
    #[error("a padding bit is set")]
    Padding,
    /// Block type 3.
    #[error("a block has the reserved type")]
    BlockType,
    /// A stored block's length does not match its complement.
    #[error("a stored block's length does not match its complement")]
    StoredLength,
    /// More code lengths than the format has symbols, a repeat without a predecessor, or one that runs past the end.
    #[error("a block's code lengths are invalid")]
    CodeLengths,
    /// A code is over-subscribed, incomplete, or lacks the end-of-block symbol.
    #[error("a block's Huffman code is over-subscribed or incomplete")]
    Code,
    /// A bit pattern or a symbol that the code does not define.
    #[error("an undefined symbol occurs")]
    Symbol,
    /// A match reaches back before the first byte.
    #[error("a match reaches back before the beginning")]
    Distance,
}

/// A payload taken apart. Nothing is inflated yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Size of the raw wasm module that the header promises, in bytes. Not yet true: [`Envelope::inflate`] holds it to
    /// it. Whoever inflates bounds it and charges for it first.
    pub raw_len: u32,
    /// Header and compressed module: the code of the account.
    pub code: &'a [u8],
    /// What follows: the constructor's arguments.
    pub arguments: &'a [u8],
}

impl Envelope<'_> {
    /// The DEFLATE stream.
    #[must_use]
    pub fn compressed(&self) -> &[u8] {
        self.code.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// Inflates the module. Never allocates more than the promised raw length, nor more than 1,032 times the
    /// compressed length.
    ///
    /// # Errors
    /// [`EnvelopeError::Stream`], [`EnvelopeError::ShortModule`] or [`EnvelopeError::LongModule`].
    pub fn inflate(&self) -> Result<Vec<u8>, EnvelopeError> {
        let compressed = self.compressed();
        let limit = usize::try_from(self.raw_len).unwrap_or(usize::MAX);
        let capacity = limit.min(compressed.len().saturating_mul(RATIO_MAX));
        let wasm = inflate::inflate(compressed, limit, capacity).map_err(|error| match error {
            inflate::Error::Stream(error) => EnvelopeError::Stream(error),
            inflate::Error::Limit => EnvelopeError::LongModule { expected: self.raw_len },
        })?;
        if wasm.len() != limit {
            return Err(EnvelopeError::ShortModule { expected: self.raw_len, found: wasm.len() });
        }
        Ok(wasm)
    }
}

/// Wraps a wasm module. The same module gives the same bytes, whatever the machine; another version of the compressor
/// may give others, which is why the bytes, not the module, are what a code hash names.
///
/// # Panics
/// If `wasm` is 4 GiB or longer.
#[must_use]
pub fn encode(wasm: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(wasm.len() / 2 + HEADER_BYTES), Compression::best());
    let compressed = encoder.write_all(wasm).and_then(|()| encoder.finish()).expect("writing to a Vec cannot fail");
    wrap(wasm.len(), &compressed)
}

/// The envelope of a module of `raw_len` bytes that somebody else compressed to this raw DEFLATE stream. Whether the stream
/// is one shows when it is opened.
///
/// # Panics
/// If a length is 4 GiB or more.
#[must_use]
pub fn wrap(raw_len: usize, compressed: &[u8]) -> Vec<u8> {
    let raw_len = u32::try_from(raw_len).expect("a module is far below 4 GiB");
    let compressed_len = u32::try_from(compressed.len()).expect("a compressed module is far below 4 GiB");
    let mut envelope = Vec::with_capacity(HEADER_BYTES + compressed.len());
    envelope.extend_from_slice(&MAGIC);
    envelope.push(VERSION);
    envelope.extend_from_slice(&raw_len.to_be_bytes());
    envelope.extend_from_slice(&compressed_len.to_be_bytes());
    envelope.extend_from_slice(compressed);
    envelope
}

/// Takes a deploy payload apart, without inflating.
///
/// # Errors
/// [`EnvelopeError::Magic`], [`EnvelopeError::Version`], [`EnvelopeError::ShortHeader`] or [`EnvelopeError::ShortBody`].
pub fn parse(payload: &[u8]) -> Result<Envelope<'_>, EnvelopeError> {
    if !MAGIC.iter().zip(payload).all(|(expected, found)| expected == found) || payload.is_empty() {
        return Err(EnvelopeError::Magic);
    }
    if let Some(&version) = payload.get(MAGIC.len())
        && version != VERSION
    {
        return Err(EnvelopeError::Version(version));
    }
    let (header, body) = payload.split_first_chunk::<HEADER_BYTES>().ok_or(EnvelopeError::ShortHeader)?;
    let [_, _, _, _, _, r0, r1, r2, r3, c0, c1, c2, c3] = *header;
    let raw_len = u32::from_be_bytes([r0, r1, r2, r3]);
    let compressed_len = u32::from_be_bytes([c0, c1, c2, c3]);
    let short = EnvelopeError::ShortBody { expected: compressed_len, found: body.len() };
    let compressed_bytes = usize::try_from(compressed_len).map_err(|_| short)?;
    let code_bytes = HEADER_BYTES.checked_add(compressed_bytes).ok_or(short)?;
    let (code, arguments) = payload.split_at_checked(code_bytes).ok_or(short)?;
    Ok(Envelope { raw_len, code, arguments })
}

/// The module in an account's code: one envelope and nothing after it, and at most `raw_len_max` bytes long once inflated.
///
/// # Errors
/// Whatever [`parse`] and [`Envelope::inflate`] give, [`EnvelopeError::Oversized`] or [`EnvelopeError::Trailing`].
pub fn decode_code(code: &[u8], raw_len_max: u32) -> Result<Vec<u8>, EnvelopeError> {
    let envelope = parse(code)?;
    if envelope.raw_len > raw_len_max {
        return Err(EnvelopeError::Oversized { expected: envelope.raw_len, limit: raw_len_max });
    }
    if !envelope.arguments.is_empty() {
        return Err(EnvelopeError::Trailing(envelope.arguments.len()));
    }
    envelope.inflate()
}
