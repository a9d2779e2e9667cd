//! The cryptography and wide arithmetic behind the host functions, free of wasm and of prices.
//!
//! Precompiled contracts can be built on the same functions, so that both doors give the same answers. Everything is
//! total: bad input gives `None` or `false`, never a panic. Encodings are decoded canonically at this boundary: a field
//! element that is not reduced is refused, never reduced in silence.

pub mod bls12_381;
pub mod bn254;
mod hash;
mod keccak;
mod signature;
pub mod u256;

pub use hash::{ripemd160, sha256};
pub use keccak::{ROUNDS as KECCAK_ROUNDS, State as KeccakState, keccak_f1600, keccak256};
pub use signature::{ed25519_verify, p256_verify, secp256k1_recover};
