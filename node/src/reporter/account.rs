//! The account that evidence is sent from.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use esker_runtime::staking::STAKING_ADDRESS;

/// What the secret of the account begins with.
const TAG: &[u8] = b"esker/reporter/1";

/// An account whose key follows from the consensus key: who may sign votes may report, and no other key need lie on a
/// validator's machine. It needs coins for gas; a network's genesis gives them to its first validators' accounts.
#[derive(Clone, Debug)]
pub struct ReporterAccount(PrivateKeySigner);

/// A transaction to the staking contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The chain.
    pub chain_id: u64,
    /// Number among the account's transactions.
    pub nonce: u64,
    /// Gas limit.
    pub gas: u64,
    /// Most to pay for one gas, in wei.
    pub fee_cap: u128,
    /// Tip for one gas, in wei.
    pub tip: u128,
    /// Call data.
    pub input: Bytes,
}

impl ReporterAccount {
    /// The account of the validator with this consensus key's seed.
    #[must_use]
    pub fn of_validator(seed: &[u8; 32]) -> Self {
        let mut secret = keccak256([TAG, seed].concat());
        loop {
            // One in 2^128 is no key.
            match PrivateKeySigner::from_bytes(&secret) {
                Ok(signer) => return Self(signer),
                Err(_) => secret = keccak256(secret),
            }
        }
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.0.address()
    }

    /// The signed transaction, EIP-2718 encoded.
    ///
    /// # Errors
    /// What the signing library says.
    pub fn sign(&self, report: Report) -> Result<Bytes, alloy_signer::Error> {
        let Report { chain_id, nonce, gas, fee_cap, tip, input } = report;
        let transaction = TxEip1559 {
            chain_id,
            nonce,
            gas_limit: gas,
            max_fee_per_gas: fee_cap,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(STAKING_ADDRESS),
            value: U256::ZERO,
            access_list: Default::default(),
            input,
        };
        let signature = self.0.sign_hash_sync(&transaction.signature_hash())?;
        Ok(TxEnvelope::Eip1559(transaction.into_signed(signature)).encoded_2718().into())
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::transaction::SignerRecoverable;
    use alloy_eips::eip2718::Decodable2718;

    use super::*;

    #[test]
    fn a_validators_account_is_always_the_same_and_signs() {
        let account = ReporterAccount::of_validator(&[7; 32]);
        assert_eq!(account.address(), ReporterAccount::of_validator(&[7; 32]).address());
        assert_ne!(account.address(), ReporterAccount::of_validator(&[8; 32]).address());
        let input = Bytes::from_static(&[1, 2]);
        let report = Report { chain_id: 5, nonce: 6, gas: 7, fee_cap: 8, tip: 3, input };
        let bytes = account.sign(report).expect("it signs");
        let envelope = TxEnvelope::decode_2718_exact(&bytes).expect("a transaction");
        assert_eq!(envelope.recover_signer().expect("a signature"), account.address());
    }
}
