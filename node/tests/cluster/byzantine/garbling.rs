//! Messages that are damaged on their way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Damages about every third message: cuts it off, changes it, makes it longer, or replaces it.
pub fn garbling() -> impl Fn(Bytes) -> Bytes + Clone {
    let written = Arc::new(AtomicU64::new(0));
    move |bytes| {
        let number = written.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(1_000) {
            println!("garbled messages: {number} were written");
        }
        garble(bytes, number)
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
