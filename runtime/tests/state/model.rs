//! The state as plain maps, with its root from alloy.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{HashBuilder, Nibbles, TrieAccount, proof::verify_proof};
use esker_runtime::state::{Account, AccountChange, ChangeSet, SlotChange, StateReader, StateView};
use proptest::prelude::*;

/// Accounts with their non-zero slots.
#[derive(Clone, Default)]
pub struct Model {
    pub accounts: BTreeMap<Address, (Account, BTreeMap<B256, B256>)>,
    pub codes: BTreeMap<B256, Bytes>,
}

/// What a block does to one account.
#[derive(Clone, Debug)]
pub enum Action {
    /// Sets nonce and balance.
    Pay(u64, u64),
    /// Gives it code of so many bytes.
    Deploy(u16),
    /// Sets slots; zero clears.
    Store(Vec<(u8, u64)>),
    /// Clears all of its slots.
    Clear,
    /// Removes it, slots and all.
    Remove,
}

pub fn address(number: u16) -> Address {
    Address::from_word(B256::from(U256::from(number)))
}

pub fn slot(number: u8) -> B256 {
    B256::from(U256::from(number))
}

fn code(length: u16) -> Bytes {
    (0..length).map(|index| (index % 249) as u8 | 1).collect::<Vec<u8>>().into()
}

pub fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (any::<u64>(), any::<u64>()).prop_map(|(nonce, balance)| Action::Pay(nonce, balance)),
        prop_oneof![1u16..50, 4080u16..4100, 1u16..20_000].prop_map(Action::Deploy),
        prop::collection::vec((0u8..40, prop_oneof![Just(0), Just(1), any::<u64>()]), 1..12).prop_map(Action::Store),
        Just(Action::Clear),
        Just(Action::Remove),
    ]
}

/// Blocks over so few accounts that removals and insertions meet.
pub fn blocks(accounts: u16) -> impl Strategy<Value = Vec<Vec<(u16, Action)>>> {
    prop::collection::vec(prop::collection::vec((0..accounts, action()), 0..12), 1..10)
}

impl Model {
    /// Does a block's actions and says what changed.
    pub fn apply(&mut self, block: &[(u16, Action)]) -> ChangeSet {
        let before = self.clone();
        let mut changes = ChangeSet::default();
        for (number, action) in block {
            let entry = self.accounts.entry(address(*number)).or_default();
            match action {
                Action::Pay(nonce, balance) => {
                    entry.0.nonce = *nonce;
                    entry.0.balance = U256::from(*balance) << (*nonce % 190);
                }
                Action::Deploy(length) => {
                    let code = code(*length);
                    entry.0.code_hash = keccak256(&code);
                    self.codes.insert(entry.0.code_hash, code.clone());
                    changes.codes.insert(entry.0.code_hash, code);
                }
                Action::Store(writes) => {
                    for (number, value) in writes {
                        entry.1.insert(slot(*number), B256::from(U256::from(*value) << (*value % 190)));
                    }
                    entry.1.retain(|_, value| !value.is_zero());
                }
                Action::Clear => entry.1.clear(),
                Action::Remove => {
                    self.accounts.remove(&address(*number));
                }
            }
        }
        for (number, _) in block {
            let address = address(*number);
            let (old, new) = (before.accounts.get(&address), self.accounts.get(&address));
            let mut storage = BTreeMap::new();
            for key in old.iter().chain(new.iter()).flat_map(|(_, slots)| slots.keys()) {
                let value = |side: Option<&(Account, BTreeMap<B256, B256>)>| {
                    side.and_then(|(_, slots)| slots.get(key)).copied().unwrap_or_default()
                };
                storage.insert(*key, SlotChange { before: value(old), after: value(new) });
            }
            let account = |side: Option<&(Account, BTreeMap<B256, B256>)>| side.map(|(account, _)| *account);
            changes.accounts.insert(address, AccountChange { before: account(old), after: account(new), storage });
        }
        changes
    }

    pub fn root(&self) -> B256 {
        let leaves = self.accounts.iter().map(|(address, (account, slots))| {
            let slots =
                slots.iter().map(|(key, value)| (keccak256(key), alloy_rlp::encode(U256::from_be_bytes(value.0))));
            let leaf = TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: alloy_root(slots.collect()),
                code_hash: account.code_hash,
            };
            (keccak256(address), alloy_rlp::encode(leaf))
        });
        alloy_root(leaves.collect())
    }

    /// Reads everything through `view` and compares, then every root and record.
    pub fn check(&self, view: &StateView, accounts: u16, context: &str) {
        assert_eq!(view.root(), self.root(), "{context}: root");
        for number in 0..accounts {
            let address = address(number);
            let expected = self.accounts.get(&address);
            assert_eq!(view.account(address), Ok(expected.map(|(account, _)| *account)), "{context}: {address}");
            for number in 0..40 {
                let key = slot(number);
                let value = expected.and_then(|(_, slots)| slots.get(&key)).copied().unwrap_or_default();
                assert_eq!(view.storage(address, key), Ok(value), "{context}: slot {number} of {address}");
            }
            if let Some((account, _)) = expected {
                let code = self.codes.get(&account.code_hash).cloned().unwrap_or_default();
                assert_eq!(view.code(account.code_hash), Ok(Some(code)), "{context}: code of {address}");
            }
        }
        let hashes: Vec<B256> = self.codes.keys().copied().collect();
        assert_eq!(view.code_hashes(), Ok(hashes), "{context}: all codes, once each");
        let report = view.verify().unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(report.accounts, self.accounts.len() as u64, "{context}");
        assert_eq!(report.slots, self.accounts.values().map(|(_, slots)| slots.len() as u64).sum::<u64>(), "{context}");
    }

    /// Proves an account with some slots, present or absent, and checks that with our verifier and with alloy's.
    pub fn check_proof(&self, view: &StateView, number: u16, slots: &[u8], context: &str) {
        let address = address(number);
        let keys: Vec<B256> = slots.iter().map(|number| slot(*number)).collect();
        let proof = view.proof(address, &keys).expect("the state is sound");
        assert_eq!(proof.verify(view.root()), Ok(()), "{context}: our verifier");
        let expected = self.accounts.get(&address);
        let leaf = expected.map(|(account, _)| {
            alloy_rlp::encode(TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: proof.storage_hash,
                code_hash: account.code_hash,
            })
        });
        verify_proof(view.root(), Nibbles::unpack(keccak256(address)), leaf, &proof.account_proof)
            .unwrap_or_else(|error| panic!("{context}: alloy on the account {address}: {error}"));
        assert_eq!(proof.storage_proof.len(), keys.len());
        for (key, slot) in keys.iter().zip(&proof.storage_proof) {
            let value = expected.and_then(|(_, slots)| slots.get(key)).copied().unwrap_or_default();
            assert_eq!(slot.value, U256::from_be_bytes(value.0), "{context}: slot {key}");
            let leaf = (!value.is_zero()).then(|| alloy_rlp::encode(slot.value));
            verify_proof(proof.storage_hash, Nibbles::unpack(keccak256(key)), leaf, &slot.proof)
                .unwrap_or_else(|error| panic!("{context}: alloy on slot {key} of {address}: {error}"));
        }
    }
}

fn alloy_root(leaves: BTreeMap<B256, Vec<u8>>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in &leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    builder.root()
}
