//! Somebody with a key, who signs typed data.

use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use esker_sdk::prelude::*;
use esker_sdk_test::User;

/// A key.
pub struct Signer {
    key: PrivateKeySigner,
}

impl Signer {
    /// The one whose bytes are all this.
    pub fn new(byte: u8) -> Self {
        Self { key: PrivateKeySigner::from_slice(&[byte; 32]).expect("a key") }
    }

    /// Who signs, as one who sends.
    pub fn user(&self) -> User {
        User { address: Address(self.key.address().0.0) }
    }

    /// `v`, `r` and `s` of a digest's signature.
    pub fn sign(&self, digest: B256) -> (u8, B256, B256) {
        let signature = self.key.sign_hash_sync(&digest.0.into()).expect("a signature");
        let half = |half: alloy_primitives::U256| FixedBytes(half.to_be_bytes());
        (27 + u8::from(signature.v()), half(signature.r()), half(signature.s()))
    }
}
