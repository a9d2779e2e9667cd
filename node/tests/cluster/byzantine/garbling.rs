//! Messages that are damaged on their way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use esker::consensus::codec::EskerCodec;
use malachite::app::types::codec::{Codec, HasEncodedLen};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The honest codec, but that about every third message that it writes is damaged: cut off, changed, made longer, or
/// replaced. What comes in is read well, or the node would be no peer for long.
#[derive(Clone, Debug, Default)]
pub struct Garbling(Arc<AtomicU64>);

impl<T> Codec<T> for Garbling
where
    EskerCodec: Codec<T>,
{
    type Error = <EskerCodec as Codec<T>>::Error;

    fn decode(&self, bytes: Bytes) -> Result<T, Self::Error> {
        EskerCodec.decode(bytes)
    }

    fn encode(&self, message: &T) -> Result<Bytes, Self::Error> {
        let bytes = EskerCodec.encode(message)?;
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(1_000) {
            println!("garbled messages: {number} were written");
        }
        Ok(garble(bytes, number))
    }
}

impl<T> HasEncodedLen<T> for Garbling
where
    EskerCodec: HasEncodedLen<T>,
{
    fn encoded_len(&self, message: &T) -> Result<usize, Self::Error> {
        EskerCodec.encoded_len(message)
    }
}

fn garble(bytes: Bytes, number: u64) -> Bytes {
    let mut random = StdRng::seed_from_u64(number);
    let mut bytes = bytes.to_vec();
    match random.random_range(0..15u8) {
        0 => bytes.truncate(random.random_range(0..=bytes.len())),
        1 => {
            for _ in 0..random.random_range(1..8) {
                let place = random.random_range(0..bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = random.random();
                }
            }
        }
        2 => bytes.extend((0..random.random_range(1..4_096)).map(|_| random.random::<u8>())),
        // Lengths that are not there.
        3 => bytes.iter_mut().take(64).for_each(|byte| *byte = 0xff),
        4 => bytes = (0..random.random_range(0..100_000)).map(|_| random.random::<u8>()).collect(),
        _ => {}
    }
    bytes.into()
}
