//! The unlocked accounts of a development chain, derived from a mnemonic that everybody knows.

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction, TxEnvelope, TypedTransaction};
use alloy_primitives::{Address, B256, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};

/// The mnemonic that development tools assume.
pub const DEFAULT_MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Accounts are `m/44'/60'/0'/0/i`.
pub const DERIVATION_PATH: &str = "m/44'/60'/0'/0/";

/// Keys that this node signs with on request.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// In the order of their index.
    addresses: Vec<Address>,
    signers: BTreeMap<Address, PrivateKeySigner>,
}

/// The accounts could not be derived.
#[derive(Debug, thiserror::Error)]
#[error("the mnemonic gives no accounts: {0}. Give 12, 15, 18, 21 or 24 words of the BIP-39 English list")]
pub struct MnemonicError(String);

/// A signature could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Not one of ours.
    #[error("unknown account")]
    UnknownAccount,
    /// The signer failed.
    #[error("signing failed: {0}")]
    Failed(String),
}

impl Accounts {
    /// The first `count` accounts of `mnemonic`.
    ///
    /// # Errors
    /// [`MnemonicError`] if it is none.
    pub fn from_mnemonic(mnemonic: &str, count: u32) -> Result<Self, MnemonicError> {
        let mut accounts = Self::default();
        for index in 0..count {
            let signer = MnemonicBuilder::from_phrase(mnemonic)
                .index(index)
                .and_then(|builder| builder.build())
                .map_err(|error| MnemonicError(error.to_string()))?;
            accounts.addresses.push(signer.address());
            accounts.signers.insert(signer.address(), signer);
        }
        Ok(accounts)
    }

    /// Addresses in the order of their index.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The private key of an account, to be shown on a development chain.
    #[must_use]
    pub fn private_key(&self, address: Address) -> Option<B256> {
        self.signers.get(&address).map(PrivateKeySigner::to_bytes)
    }

    fn signer(&self, address: Address) -> Result<&PrivateKeySigner, SignError> {
        self.signers.get(&address).ok_or(SignError::UnknownAccount)
    }

    /// Signs a transaction.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, address: Address, transaction: TypedTransaction) -> Result<TxEnvelope, SignError> {
        sign_transaction(self.signer(address)?, transaction)
    }

    /// Signs a message as `personal_sign` does (EIP-191).
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign_message(&self, address: Address, message: &[u8]) -> Result<Signature, SignError> {
        self.signer(address)?.sign_message_sync(message).map_err(|error| SignError::Failed(error.to_string()))
    }
}

/// Signs `transaction` with `signer`.
///
/// # Errors
/// [`SignError::Failed`].
pub fn sign_transaction(signer: &PrivateKeySigner, transaction: TypedTransaction) -> Result<TxEnvelope, SignError> {
    let hash = transaction.signature_hash();
    let signature = signer.sign_hash_sync(&hash).map_err(|error| SignError::Failed(error.to_string()))?;
    Ok(transaction.into_signed(signature).into())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::address;

    use super::*;

    #[test]
    fn the_default_mnemonic_gives_the_accounts_that_everybody_knows() {
        let accounts = Accounts::from_mnemonic(DEFAULT_MNEMONIC, 2).expect("a good mnemonic");
        let expected = [
            address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
            address!("70997970C51812dc3A010C7d01b50e0d17dc79C8"),
        ];
        assert_eq!(accounts.addresses(), expected);
        let key = accounts.private_key(expected[0]).expect("our own account");
        assert_eq!(hex::encode(key), "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    }

    #[test]
    fn a_bad_mnemonic_is_a_clear_error() {
        let error = Accounts::from_mnemonic("test test test", 1).unwrap_err().to_string();
        assert!(error.contains("the mnemonic gives no accounts"), "{error}");
    }
}
