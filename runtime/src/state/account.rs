//! An account as execution sees it.

use alloy_primitives::{B256, KECCAK256_EMPTY, U256};

/// Nonce, balance and code of an account. Its storage root belongs to the trie, not to execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Number of transactions sent or, for a contract, of creations made (plus one).
    pub nonce: u64,
    /// Balance, in wei.
    pub balance: U256,
    /// Keccak of the code; that of no bytes if the account has none.
    pub code_hash: B256,
}

impl Default for Account {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY }
    }
}

impl Account {
    /// Whether EIP-161 calls the account empty: no nonce, no balance, no code.
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }

    /// Whether the account has code.
    pub fn has_code(&self) -> bool {
        self.code_hash != KECCAK256_EMPTY
    }
}
