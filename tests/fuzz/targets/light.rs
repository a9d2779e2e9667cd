//! A light client that is given a good block with something changed, or with anything in the place of a part.

#![no_main]

use std::sync::LazyLock;

use esker_fuzz::light::oracles::{Vector, vector};
use libfuzzer_sys::fuzz_target;

static VECTOR: LazyLock<Vector> = LazyLock::new(vector);

fuzz_target!(|data: &[u8]| VECTOR.offer(data));
