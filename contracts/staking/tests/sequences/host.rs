//! A host for one natively run contract: storage in a hash map with a log of what to undo, balances, nothing else. Fast
//! enough for millions of calls.

use std::collections::HashMap;

use esker_sdk::native::{
    BlockContext, CallRequest, CallResult, CreateRequest, CreateResult, CryptoRequest, Frame, Host, Interrupted,
    Outcome, TransactionContext, run,
};
use esker_sdk::{Address, Entry, abi::keccak256};
use esker_staking::{STAKING, Staking};
use primitive_types::{H160, H256, U256};

/// The chain that the host says it is.
pub const CHAIN_ID: u64 = 99;
/// Its block 0.
pub const GENESIS: [u8; 32] = [0x6e; 32];

/// The host.
#[derive(Default)]
pub struct FastHost {
    storage: HashMap<H256, H256>,
    undo: Vec<(H256, H256)>,
    pub balances: HashMap<H160, U256>,
    frame: Frame,
    /// The block that is being executed.
    pub height: u64,
    /// Who refuses to be paid.
    pub refusing: Vec<Address>,
}

/// In place of Ed25519, which would take most of the time: who knows the key can sign.
pub fn fake_signature(public_key: &[u8; 32], message: &[u8]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&keccak256(&[&public_key[..], message].concat()));
    signature
}

impl FastHost {
    /// Calls the contract or runs its constructor. What fails changes nothing.
    pub fn enter(&mut self, entry: Entry, from: Address, value: u128, input: Vec<u8>) -> Result<Vec<u8>, Vec<u8>> {
        let balances = self.balances.clone();
        self.undo.clear();
        self.frame =
            Frame { address: STAKING.into(), caller: from.into(), value: value.into(), input, is_reentrant: false };
        let outcome = if self.transfer(from.into(), STAKING.into(), value.into()) {
            run::<Staking>(entry, self)
        } else {
            Outcome::Interrupted
        };
        if let Outcome::Return(output) = outcome {
            return Ok(output);
        }
        while let Some((key, value)) = self.undo.pop() {
            self.storage.insert(key, value);
        }
        self.balances = balances;
        match outcome {
            Outcome::Revert(data) => Err(data),
            _ => panic!("a call was interrupted"),
        }
    }

    fn transfer(&mut self, from: H160, to: H160, value: U256) -> bool {
        let Some(left) = self.balance_of(from).checked_sub(value) else { return false };
        self.balances.insert(from, left);
        let there = self.balance_of(to);
        self.balances.insert(to, there + value);
        true
    }

    /// Coins of an account.
    pub fn balance_of(&self, account: H160) -> U256 {
        self.balances.get(&account).copied().unwrap_or_default()
    }
}

impl Host for FastHost {
    fn frame(&mut self) -> Frame {
        self.frame.clone()
    }

    fn transaction(&mut self) -> TransactionContext {
        TransactionContext::default()
    }

    fn block(&mut self) -> BlockContext {
        BlockContext { number: self.height, chain_id: CHAIN_ID, ..BlockContext::default() }
    }

    fn gas_left(&mut self) -> u64 {
        u64::MAX
    }

    fn block_hash(&mut self, number: u64) -> Result<H256, Interrupted> {
        Ok(if number == 0 && self.height > 0 { H256(GENESIS) } else { H256::zero() })
    }

    fn storage_load(&mut self, key: H256) -> Result<H256, Interrupted> {
        Ok(self.storage.get(&key).copied().unwrap_or_default())
    }

    fn storage_store(&mut self, key: H256, value: H256) -> Result<(), Interrupted> {
        let before = self.storage.insert(key, value).unwrap_or_default();
        self.undo.push((key, before));
        Ok(())
    }

    fn transient_load(&mut self, _key: H256) -> Result<H256, Interrupted> {
        Err(Interrupted)
    }

    fn transient_store(&mut self, _key: H256, _value: H256) -> Result<(), Interrupted> {
        Err(Interrupted)
    }

    fn balance(&mut self, account: H160) -> Result<U256, Interrupted> {
        Ok(self.balance_of(account))
    }

    fn code_hash(&mut self, _account: H160) -> Result<H256, Interrupted> {
        Err(Interrupted)
    }

    fn code_size(&mut self, _account: H160) -> Result<u32, Interrupted> {
        Ok(0)
    }

    fn log(&mut self, _topics: &[H256], _data: &[u8]) -> Result<(), Interrupted> {
        Ok(())
    }

    fn call(&mut self, request: CallRequest<'_>) -> Result<CallResult, Interrupted> {
        if self.refusing.contains(&Address::from(request.target)) {
            return Ok(CallResult::Revert(Vec::new()));
        }
        let is_paid = self.transfer(STAKING.into(), request.target, request.value);
        Ok(if is_paid { CallResult::Success(Vec::new()) } else { CallResult::Halt })
    }

    fn create(&mut self, _request: CreateRequest<'_>) -> Result<CreateResult, Interrupted> {
        Err(Interrupted)
    }

    fn crypto(&mut self, request: CryptoRequest<'_>) -> Result<Option<Vec<u8>>, Interrupted> {
        match request {
            CryptoRequest::Ed25519Verify { public_key, signature, message } => {
                Ok((fake_signature(public_key, message) == *signature).then(Vec::new))
            }
            _ => Err(Interrupted),
        }
    }
}
