//! Messages that leave otherwise than the engine wrote them.

use bytes::Bytes;
use esker::consensus::codec::EskerCodec;
use malachite::app::types::codec::{Codec, HasEncodedLen};

/// The honest codec, but that each message that it writes is changed on its way out. What comes in is read well, or the node
/// would be no peer for long.
#[derive(Clone)]
pub struct Rewriting<F>(pub F);

impl<T, F> Codec<T> for Rewriting<F>
where
    EskerCodec: Codec<T>,
    F: Fn(Bytes) -> Bytes + Send + Sync + 'static,
{
    type Error = <EskerCodec as Codec<T>>::Error;

    fn decode(&self, bytes: Bytes) -> Result<T, Self::Error> {
        EskerCodec.decode(bytes)
    }

    fn encode(&self, message: &T) -> Result<Bytes, Self::Error> {
        EskerCodec.encode(message).map(&self.0)
    }
}

impl<T, F> HasEncodedLen<T> for Rewriting<F>
where
    EskerCodec: HasEncodedLen<T>,
    F: Fn(Bytes) -> Bytes + Send + Sync + 'static,
{
    fn encoded_len(&self, message: &T) -> Result<usize, Self::Error> {
        EskerCodec.encoded_len(message)
    }
}
