//! Keys at rest: encrypted with a password as Web3 Secret Storage does it, in files that only their owner may read.

pub mod account;
pub mod file;
mod legacy_scrypt;
pub mod secret;

pub use secret::{KeystoreError, ScryptCost, random};
