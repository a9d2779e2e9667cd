//! The journal beside a naive model of it that copies everything at each checkpoint.

mod world;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, Log, U256, keccak256};
use esker_runtime::state::{Account, Journal};
use proptest::prelude::*;
use world::{Ledger, word};

const ADDRESSES: u8 = 5;
const KEYS: u64 = 4;

#[derive(Clone, Debug)]
enum Step {
    Balance(u8, u64),
    Nonce(u8, u64),
    Code(u8, u8),
    Store(u8, u64, u64),
    Transient(u8, u64, u64),
    WarmAccount(u8),
    WarmSlot(u8, u64),
    PayForCode(u8),
    Log(u8),
    Refund(i64),
    Checkpoint,
    Revert,
    Forget,
    EndTransaction,
}

/// Everything that a checkpoint must bring back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    accounts: BTreeMap<u8, Account>,
    slots: BTreeMap<(u8, u64), u64>,
    transient: BTreeMap<(u8, u64), u64>,
    warm_accounts: Vec<u8>,
    warm_slots: Vec<(u8, u64)>,
    paid: Vec<u8>,
    logs: usize,
    refund: i64,
}

fn step() -> impl Strategy<Value = Step> {
    let account = 0..ADDRESSES;
    let slot = (0..ADDRESSES, 0..KEYS);
    prop_oneof![
        (account.clone(), 0..9u64).prop_map(|(account, value)| Step::Balance(account, value)),
        (account.clone(), 0..3u64).prop_map(|(account, value)| Step::Nonce(account, value)),
        (account.clone(), 1..3u8).prop_map(|(account, value)| Step::Code(account, value)),
        (slot.clone(), 0..3u64).prop_map(|((account, key), value)| Step::Store(account, key, value)),
        (slot.clone(), 0..3u64).prop_map(|((account, key), value)| Step::Transient(account, key, value)),
        account.clone().prop_map(Step::WarmAccount),
        slot.prop_map(|(account, key)| Step::WarmSlot(account, key)),
        account.clone().prop_map(Step::PayForCode),
        account.prop_map(Step::Log),
        (-9..9i64).prop_map(Step::Refund),
        Just(Step::Checkpoint),
        Just(Step::Checkpoint),
        Just(Step::Revert),
        Just(Step::Revert),
        Just(Step::Forget),
        Just(Step::EndTransaction),
    ]
}

fn address(account: u8) -> Address {
    Address::repeat_byte(account + 1)
}

/// Contracts with two slots each, so that storage is about accounts that exist.
fn beneath() -> Ledger {
    let mut ledger = Ledger::default();
    for account in 0..ADDRESSES {
        ledger.put_contract(address(account), Bytes::from(vec![account]));
        ledger.put_slot(address(account), 0, 1);
        ledger.put_slot(address(account), 1, 2);
    }
    ledger
}

fn model_of(ledger: &Ledger) -> Model {
    let mut model = Model::default();
    for account in 0..ADDRESSES {
        model.accounts.insert(account, ledger.accounts[&address(account)]);
        for key in 0..KEYS {
            let value = ledger.storage.get(&(address(account), word(key))).copied().unwrap_or_default();
            model.slots.insert((account, key), U256::from_be_bytes(value.0).to());
        }
    }
    model
}

/// What the journal says, read through its surface.
fn observe(journal: &mut Journal<'_>, logs: usize, refund: i64) -> Model {
    let mut seen = Model { logs, refund, ..Model::default() };
    for account in 0..ADDRESSES {
        let id = journal.load(address(account)).expect("the ledger works");
        seen.accounts.insert(account, *journal.account(id));
        if journal.is_warm(id) {
            seen.warm_accounts.push(account);
        }
        if !journal.owes_for_code(id) {
            seen.paid.push(account);
        }
        for key in 0..KEYS {
            let slot = journal.load_slot(id, word(key)).expect("the ledger works");
            let value = journal.slot_values(slot).current;
            seen.slots.insert((account, key), U256::from_be_bytes(value.0).to());
            if journal.is_slot_warm(slot) {
                seen.warm_slots.push((account, key));
            }
            let value: u64 = U256::from_be_bytes(journal.transient(id, word(key)).0).to();
            if value != 0 {
                seen.transient.insert((account, key), value);
            }
        }
    }
    seen
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items.dedup();
    items
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn reverting_to_a_checkpoint_equals_taking_back_a_copy(steps in prop::collection::vec(step(), 1..120)) {
        let mut ledger = beneath();
        let reader = ledger.clone();
        let mut journal = Journal::new(&reader);
        let mut model = model_of(&ledger);
        let mut originals = model.slots.clone();
        let mut stack = Vec::new();
        for step in steps {
            match step {
                Step::Balance(account, value) => {
                    let id = journal.load(address(account)).unwrap();
                    journal.set_balance(id, U256::from(value));
                    model.accounts.get_mut(&account).unwrap().balance = U256::from(value);
                }
                Step::Nonce(account, value) => {
                    let id = journal.load(address(account)).unwrap();
                    journal.set_nonce(id, value);
                    model.accounts.get_mut(&account).unwrap().nonce = value;
                }
                Step::Code(account, value) => {
                    let id = journal.load(address(account)).unwrap();
                    let code = Bytes::from(vec![0xc0, value]);
                    journal.set_code(id, keccak256(&code), code.clone());
                    model.accounts.get_mut(&account).unwrap().code_hash = keccak256(&code);
                }
                Step::Store(account, key, value) => {
                    let id = journal.load(address(account)).unwrap();
                    let slot = journal.load_slot(id, word(key)).unwrap();
                    journal.set_slot(slot, word(value));
                    let values = journal.slot_values(slot);
                    prop_assert_eq!(values.original, word(originals[&(account, key)]));
                    model.slots.insert((account, key), value);
                }
                Step::Transient(account, key, value) => {
                    let id = journal.load(address(account)).unwrap();
                    journal.set_transient(id, word(key), word(value));
                    model.transient.insert((account, key), value);
                    model.transient.retain(|_, value| *value != 0);
                }
                Step::WarmAccount(account) => {
                    let id = journal.load(address(account)).unwrap();
                    journal.warm(id);
                    model.warm_accounts.push(account);
                }
                Step::WarmSlot(account, key) => {
                    let id = journal.load(address(account)).unwrap();
                    let slot = journal.load_slot(id, word(key)).unwrap();
                    journal.warm_slot(slot);
                    model.warm_slots.push((account, key));
                }
                Step::PayForCode(account) => {
                    let id = journal.load(address(account)).unwrap();
                    let first = journal.pay_for_code(id);
                    prop_assert_eq!(first, !model.paid.contains(&account));
                    model.paid.push(account);
                }
                Step::Log(account) => {
                    journal.log(Log::new_unchecked(address(account), Vec::new(), Bytes::new()));
                    model.logs += 1;
                }
                Step::Refund(gas) => {
                    journal.add_refund(gas);
                    model.refund += gas;
                }
                Step::Checkpoint => stack.push((journal.checkpoint(), model.clone())),
                Step::Revert => {
                    if let Some((checkpoint, copy)) = stack.pop() {
                        journal.revert(checkpoint);
                        model = copy;
                    }
                }
                Step::Forget => {
                    stack.pop();
                }
                Step::EndTransaction => {
                    stack.clear();
                    let logs = journal.end_transaction();
                    prop_assert_eq!(logs.len(), model.logs);
                    originals = model.slots.clone();
                    model = Model { accounts: model.accounts, slots: model.slots, ..Model::default() };
                }
            }
            model.warm_accounts = sorted(model.warm_accounts);
            model.warm_slots = sorted(model.warm_slots);
            model.paid = sorted(model.paid);
            prop_assert_eq!(journal.refund(), u64::try_from(model.refund).unwrap_or(0));
            let seen = observe(&mut journal, model.logs, model.refund);
            prop_assert_eq!(&seen, &model);
        }
        // What is reported as changed leads from the state beneath to the state as it stands, and nothing else is.
        let changes = journal.changes();
        for change in changes.accounts.values() {
            prop_assert!(change.before != change.after || !change.storage.is_empty());
            prop_assert!(change.storage.values().all(|slot| slot.before != slot.after));
        }
        ledger.apply(&changes);
        let after = model_of(&ledger);
        prop_assert_eq!(after.accounts, model.accounts);
        prop_assert_eq!(after.slots, model.slots);
    }
}

#[test]
fn an_account_emptied_in_a_block_is_reported_as_gone() {
    let mut ledger = Ledger::default();
    ledger.put_balance(address(0), U256::from(5));
    let mut journal = Journal::new(&ledger);
    let id = journal.load(address(0)).unwrap();
    assert!(!journal.debit(id, U256::from(6)));
    assert!(journal.debit(id, U256::from(5)));
    journal.end_transaction();
    let changes = journal.changes();
    assert_eq!(changes.accounts[&address(0)].after, None);
}

#[test]
fn an_account_that_is_only_looked_at_is_not_reported() {
    let ledger = Ledger::default();
    let mut journal = Journal::new(&ledger);
    let id = journal.load(address(0)).unwrap();
    journal.warm(id);
    journal.credit(id, U256::ZERO);
    journal.end_transaction();
    assert!(journal.changes().accounts.is_empty());
    assert_eq!(journal.find(address(1)), None);
    assert_eq!(B256::ZERO, word(0));
}
