//! How the engine's messages look on the wire and in its log. `docs/spec/consensus.md` defines them.
//!
//! Everything is read from peers, so nothing here may panic, and no count or length is believed before it is bounded.

mod certificates;
mod messages;
mod sync;
#[cfg(test)]
mod tests;
mod wire;

pub use certificates::{decode_certificate, encode_certificate, extended, light_certificate};
pub use wire::DecodeError;
use wire::{Reader, Writer};

use bytes::Bytes;
use malachite::app::types::codec::Codec;

/// Largest block, in bytes of RLP: what a block's transactions may be, what stands around them, and the header.
pub const BLOCK_BYTES_MAX: usize = (4 << 20) + (256 << 10);
/// Most blocks of a sync response.
pub const SYNC_BLOCKS_MAX: usize = 64;

/// The codec.
#[derive(Clone, Copy, Debug, Default)]
pub struct EskerCodec;

/// What has an encoding.
trait Wire: Sized {
    fn write(&self, writer: &mut Writer);
    fn read(reader: &mut Reader) -> Result<Self, DecodeError>;
}

macro_rules! codec {
    ($($message:ty),+ $(,)?) => {$(
        impl Codec<$message> for EskerCodec {
            type Error = DecodeError;

            fn decode(&self, bytes: Bytes) -> Result<$message, DecodeError> {
                decode(bytes)
            }

            fn encode(&self, message: &$message) -> Result<Bytes, DecodeError> {
                Ok(encode(message))
            }
        }
    )+};
}
use codec;

fn encode(message: &impl Wire) -> Bytes {
    let mut writer = Writer::default();
    message.write(&mut writer);
    writer.finish()
}

fn decode<T: Wire>(bytes: Bytes) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes);
    let message = T::read(&mut reader)?;
    reader.finish()?;
    Ok(message)
}
