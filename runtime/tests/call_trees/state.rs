//! The model's state: what a frame that fails puts back as a whole.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, U256};

use super::world::{FUNDS, signer};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub nonce: u64,
    pub balance: U256,
    pub code: Option<Bytes>,
}

impl Account {
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code.is_none()
    }
}

/// All that a frame that fails puts back.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub accounts: BTreeMap<Address, Account>,
    pub slots: BTreeMap<(Address, u64), u64>,
    pub original: BTreeMap<(Address, u64), u64>,
    pub transient: BTreeMap<(Address, u64), u64>,
    pub warm: BTreeSet<Address>,
    pub warm_slots: BTreeSet<(Address, u64)>,
    pub used_codes: BTreeSet<Address>,
    pub refund: i64,
    pub logs: usize,
}

/// The state that every case begins with.
pub fn genesis() -> State {
    let mut state = State::default();
    state.accounts.insert(signer(0), Account { balance: FUNDS, ..Account::default() });
    state
}
