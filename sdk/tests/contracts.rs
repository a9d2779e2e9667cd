//! Contracts from end to end, natively: dispatch, errors, panics, payments, calls, re-entry.
#![allow(missing_docs, reason = "the contracts here are read by nobody but this test")]

use esker_sdk::{
    Address, Contract, ContractError, Entry, Panic, Reverted, U256,
    native::{self, MemoryHost, Outcome},
    prelude::*,
};

const BANK: Address = Address::repeat_byte(0xba);
const OTHER: Address = Address::repeat_byte(0x07);
const ALICE: Address = Address::repeat_byte(0xa1);

/// What others may rely on.
#[interface]
pub trait IBank {
    /// How much an account has.
    fn balance_of(&self, account: Address) -> U256;
    #[payable]
    fn deposit(&mut self);
    fn withdraw(&mut self, amount: U256);
}

#[contract]
pub mod bank {
    use super::*;

    #[storage]
    pub struct Bank {
        balances: Map<Address, U256>,
        received: Cell<U256>,
        entered: TransientCell<bool>,
    }

    #[event]
    pub struct Deposited {
        #[indexed]
        pub from: Address,
        #[indexed]
        pub memo: String,
        pub amount: U256,
        pub note: String,
    }

    #[event(anonymous)]
    pub struct Quiet {
        #[indexed]
        pub a: u8,
        #[indexed]
        pub b: bool,
        #[indexed]
        pub c: i16,
        #[indexed]
        pub d: FixedBytes<2>,
    }

    #[error]
    pub struct Closed;

    #[error]
    pub enum Error {
        Insufficient {
            have: U256,
            want: U256,
        },
        Unnamed(U256, String),
        #[from]
        Closed(Closed),
        SendFailed,
    }

    impl Bank {
        pub fn balance_of(&self, account: Address) -> U256 {
            self.balances.get(account)
        }

        #[payable]
        pub fn deposit(&mut self, cx: &mut Context) {
            self.balances.at_mut(cx.sender()).add(cx.value());
            let (from, amount) = (cx.sender(), cx.value());
            cx.emit(Deposited { from, memo: "memo".into(), amount, note: "thanks".into() });
            cx.emit(Quiet { a: 1, b: true, c: -1, d: FixedBytes([7, 8]) });
        }

        pub fn withdraw(&mut self, cx: &mut Context, amount: U256) -> Result<(), Error> {
            self.balances
                .at_mut(cx.sender())
                .try_sub(amount)
                .map_err(|have| Error::Insufficient { have, want: amount })?;
            cx.send(cx.sender(), amount).map_err(|_| Error::SendFailed)
        }

        #[reentrant]
        pub fn ping_back(&mut self, cx: &mut Context, times: u8) -> u8 {
            if times == 0 { 0 } else { 1 + BankHandle::at(cx.address()).ping_back(times - 1).call(cx) }
        }

        pub fn look_at_self(&mut self, cx: &mut Context) -> U256 {
            // A view may be re-entered.
            BankHandle::at(cx.address()).balance_of(cx.sender()).call(cx)
        }

        pub fn call_self(&mut self, cx: &mut Context) -> Result<(), Error> {
            BankHandle::at(cx.address()).withdraw(0).call(cx);
            Ok(())
        }

        pub fn fail(&self, which: u8) -> Result<U256, Error> {
            match which {
                0 => Err(Error::Unnamed(U256::from(5), "five".into())),
                1 => Err(Closed.into()),
                2 => panic!("no way"),
                3 => panic!("number {which}"),
                10 => panic!("attempt to enter"),
                4 => Ok(U256::from(u8::MAX.wrapping_add(which) - 5)),
                5 => Ok((which - 5).into()),
                6 => Ok((100 / (which - 6)).into()),
                7 => Ok([1u8, 2, 3][usize::from(which)].into()),
                8 => {
                    require!(which != 8, "not eight");
                    Ok(U256::ZERO)
                }
                _ => {
                    let none = which.checked_sub(200);
                    Ok(none.expect("something").into())
                }
            }
        }

        pub fn several() -> (U256, String, bool) {
            (U256::from(1), "two".into(), true)
        }

        pub fn sum(numbers: &[U256], extra: Vec<(u64, bool)>, text: &str, bytes: &[u8]) -> U256 {
            let extra: u64 = extra.iter().filter(|(_, counts)| *counts).map(|(number, _)| number).sum();
            numbers.iter().copied().sum::<U256>() + U256::from(extra) + U256::from(text.len() + bytes.len())
        }

        #[name = "URI"]
        pub fn uri(&self, cx: &Context) -> Address {
            cx.sender()
        }

        pub fn toggle(&mut self) -> bool {
            let before = self.entered.get();
            self.entered.set(!before);
            self.entered.get()
        }

        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            self.received.add(cx.value());
        }

        #[fallback]
        fn fallback(&mut self, input: &[u8]) -> Bytes {
            let mut reversed = input.to_vec();
            reversed.reverse();
            reversed.into()
        }
    }
}

/// Calls the bank, and is called back by it.
#[contract]
pub mod robber {
    use super::*;

    #[storage]
    pub struct Robber {
        bank: Cell<Address>,
        caught: Cell<bool>,
    }

    /// Errors of the bank pass through.
    #[error]
    pub enum Error {
        #[from]
        Bank(bank::Error),
        NotABank,
    }

    impl Robber {
        #[constructor]
        pub fn new(&mut self, bank: Address) -> Result<(), Error> {
            ensure!(!bank.is_zero(), Error::NotABank);
            self.bank.set(bank);
            Ok(())
        }

        #[payable]
        pub fn invest(&mut self, cx: &mut Context) {
            IBankHandle::at(self.bank.get()).deposit().value(cx.value()).call(cx);
        }

        pub fn rob(&mut self, cx: &mut Context, amount: U256) {
            IBankHandle::at(self.bank.get()).withdraw(amount).call(cx);
        }

        /// Reads the bank's error and passes it on as one of its own.
        pub fn rob_politely(&mut self, cx: &mut Context, amount: U256) -> Result<bool, Error> {
            match IBankHandle::at(self.bank.get()).withdraw(amount).try_call(cx) {
                Ok(()) => Ok(true),
                Err(error) => Err(error.decode::<bank::Error>().map_or(Error::NotABank, Error::from)),
            }
        }

        pub fn caught(&self) -> bool {
            self.caught.get()
        }

        pub fn peek(&self, cx: &Context, bank: Address) -> U256 {
            IBankHandle::at(bank).balance_of(cx.address()).call(cx)
        }

        pub fn poke(&mut self, cx: &mut Context, nobody: Address) {
            IBankHandle::at(nobody).deposit().call(cx);
        }

        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            let again = IBankHandle::at(self.bank.get()).withdraw(U256::ONE).try_call(cx);
            let expected = CallError::Revert(vec![0x3e, 0xe5, 0xae, 0xb5]);
            self.caught.set(again == Err(expected));
        }
    }
}

/// Tries to change another contract's state without saying so.
#[contract]
mod sneaky {
    use super::*;

    #[storage]
    pub struct Sneaky {}

    impl Sneaky {
        pub fn try_it(&self, cx: &Context) -> bool {
            let call = BankHandle::at(BANK).toggle();
            cx.static_call(BANK, u64::MAX, call.input()) == Err(CallError::Halt)
        }
    }
}

use bank::{Bank, BankHandle};
use robber::{Robber, RobberHandle};

fn word(number: u64) -> Vec<u8> {
    U256::from(number).to_be_bytes().to_vec()
}

fn bank() -> (MemoryHost, BankHandle) {
    let mut chain = MemoryHost::new();
    chain.set_balance(ALICE, 1000.into());
    let handle = chain.install::<Bank>(BANK);
    (chain, handle)
}

#[test]
fn only_payable_methods_take_value() {
    let (mut chain, bank) = bank();
    assert_eq!(chain.send(ALICE, &bank.deposit().value(10)), Outcome::Return(Vec::new()));
    assert_eq!(chain.query(ALICE, &bank.balance_of(ALICE)), 10);
    let input = bank.withdraw(1).input().to_vec();
    assert_eq!(chain.send_raw(ALICE, BANK, 1.into(), &input), Outcome::Revert(Vec::new()));
    assert_eq!(chain.balance_of(BANK), 10.into());
    assert_eq!(chain.send(ALICE, &bank.withdraw(4)), Outcome::Return(Vec::new()));
    assert_eq!(chain.balance_of(ALICE), 994.into());
}

#[test]
fn events_are_logged_with_hashed_strings_as_topics() {
    let (mut chain, bank) = bank();
    assert_eq!(chain.send(ALICE, &bank.deposit().value(10)), Outcome::Return(Vec::new()));
    let logs = chain.take_logs();
    let hash = |text: &str| alloy_primitives::keccak256(text).0;
    let topics: Vec<[u8; 32]> = logs[0].topics.iter().map(|topic| topic.0).collect();
    let mut alice = [0; 32];
    alice[12..].copy_from_slice(&ALICE.0);
    assert_eq!(topics, [hash("Deposited(address,string,uint256,string)"), alice, hash("memo")]);
    let note = [word(10), word(64), word(6), [b"thanks".to_vec(), vec![0; 26]].concat()].concat();
    assert_eq!(logs[0].data, note);

    let mut tag = [0; 32];
    tag[..2].copy_from_slice(&[7, 8]);
    let topics: Vec<Vec<u8>> = logs[1].topics.iter().map(|topic| topic.0.to_vec()).collect();
    assert_eq!(topics, [word(1), word(1), vec![0xff; 32], tag.to_vec()]);
    assert!(logs[1].data.is_empty());
}

#[test]
fn errors_reach_the_caller_encoded_and_come_back_decoded() {
    let (mut chain, bank) = bank();
    let insufficient = bank::Error::Insufficient { have: U256::ZERO, want: U256::from(3) };
    assert_eq!(chain.send(ALICE, &bank.withdraw(3)), Outcome::Revert(insufficient.encode()));
    for error in [
        insufficient,
        bank::Error::Unnamed(U256::from(5), "five".into()),
        bank::Error::Closed(bank::Closed),
        bank::Error::SendFailed,
    ] {
        assert_eq!(bank::Error::decode(&error.encode()), Some(error));
    }
    let selector = alloy_primitives::keccak256("Unnamed(uint256,string)");
    let error = bank::Error::Unnamed(U256::from(5), "five".into());
    assert_eq!(error.encode()[..4], selector[..4]);
    assert_eq!(chain.send(ALICE, &bank.fail(0)), Outcome::Revert(error.encode()));
    assert_eq!(chain.send(ALICE, &bank.fail(1)), Outcome::Revert(bank::Closed.encode()));
    assert_eq!(bank::Error::decode(&[1, 2, 3, 4]), None);
    assert_eq!(bank::Error::decode(&[]), None);
}

#[test]
fn rust_panics_become_what_solidity_would_say() {
    let (mut chain, bank) = bank();
    let source = include_str!("contracts.rs");
    let line = |needle: &str| source.lines().position(|line| line.contains(needle)).expect("is in the source") + 1;
    let mut fail = |which: u8| match chain.send(ALICE, &bank.fail(which)) {
        Outcome::Revert(data) => Reverted::decode(&data),
        other => panic!("{which} did not revert: {other:?}"),
    };
    let text = |needle: &str, message: &str| Reverted::Text(format!("contracts.rs:{}{message}", line(needle)));
    assert_eq!(fail(2), text("2 => panic!", ": no way"));
    assert_eq!(fail(3), text("3 => panic!", ""));
    assert_eq!(fail(4), Reverted::Panic((Panic::Overflow as u8).into()));
    assert_eq!(fail(6), Reverted::Panic((Panic::DivisionByZero as u8).into()));
    assert_eq!(fail(7), text("7 => Ok([", ""));
    assert_eq!(fail(8), Reverted::Text("not eight".into()));
    assert_eq!(fail(9), text("none.expect", ""));
    assert_eq!(fail(10), text("attempt to enter", ": attempt to enter"));
    assert_eq!(chain.query(ALICE, &bank.fail(5)), 0);
}

#[test]
fn re_entering_is_refused_except_for_views_and_reentrant_methods() {
    let (mut chain, bank) = bank();
    let robber = chain.deploy::<Robber>(ALICE, OTHER, &RobberHandle::constructor(BANK)).expect("deploys");
    chain.set_balance(BANK, 100.into());
    assert_eq!(chain.send(ALICE, &robber.invest().value(50)), Outcome::Return(Vec::new()));
    assert_eq!(chain.query(ALICE, &bank.balance_of(OTHER)), 50);
    assert_eq!(chain.send(ALICE, &robber.rob(10)), Outcome::Return(Vec::new()));
    assert!(chain.query(ALICE, &robber.caught()), "the second withdrawal met ReentrancyGuardReentrantCall()");
    assert_eq!(chain.query(ALICE, &bank.balance_of(OTHER)), 40);

    assert_eq!(chain.query(ALICE, &bank.ping_back(3)), 3);
    assert_eq!(chain.query(ALICE, &bank.look_at_self()), 0);
    assert_eq!(chain.send(ALICE, &bank.call_self()), Outcome::Return(Vec::new()), "its own code calls");
    assert_eq!(alloy_primitives::keccak256("ReentrancyGuardReentrantCall()")[..4], [0x3e, 0xe5, 0xae, 0xb5]);
}

#[test]
fn a_callees_revert_passes_through_or_is_caught() {
    let (mut chain, _) = bank();
    let robber = chain.deploy::<Robber>(ALICE, OTHER, &RobberHandle::constructor(BANK)).expect("deploys");
    let error = bank::Error::Insufficient { have: U256::ZERO, want: U256::from(10) };
    assert_eq!(chain.send(ALICE, &robber.rob(10)), Outcome::Revert(error.encode()));
    assert_eq!(chain.send(ALICE, &robber.rob_politely(10)), Outcome::Revert(robber::Error::Bank(error).encode()));
    // An account without code, for methods with and without a result.
    assert_eq!(chain.send(ALICE, &robber.peek(ALICE)), Outcome::Revert(Vec::new()));
    assert_eq!(chain.send(ALICE, &robber.poke(ALICE)), Outcome::Revert(Vec::new()));
    assert_eq!(chain.query(ALICE, &robber.peek(BANK)), 0);
}

#[test]
fn a_constructor_that_fails_leaves_no_contract() {
    let mut chain = MemoryHost::new();
    let refused = chain.deploy::<Robber>(ALICE, OTHER, &RobberHandle::constructor(Address::ZERO));
    assert_eq!(refused, Err(Outcome::Revert(robber::Error::NotABank.encode())));
    assert_eq!(chain.storage_of(OTHER).len(), 0);
    const { assert!(!Bank::HAS_CONSTRUCTOR && Robber::HAS_CONSTRUCTOR) };
}

#[test]
fn empty_input_is_received_and_unknown_input_falls_back() {
    let (mut chain, _) = bank();
    assert_eq!(chain.send_raw(ALICE, BANK, 7.into(), &[]), Outcome::Return(Vec::new()));
    assert_eq!(chain.storage(BANK, esker_sdk::primitive_types::H256(U256::ONE.to_be_bytes())).0[31], 7);
    assert_eq!(chain.send_raw(ALICE, BANK, 0.into(), &[1, 2, 3]), Outcome::Return(vec![3, 2, 1]));
    assert_eq!(chain.send_raw(ALICE, BANK, 0.into(), &[1, 2, 3, 4, 5]), Outcome::Return(vec![5, 4, 3, 2, 1]));
    assert_eq!(chain.send_raw(ALICE, BANK, 1.into(), &[1, 2, 3]), Outcome::Revert(Vec::new()), "not payable");
}

#[test]
fn arguments_and_results_of_every_kind_arrive() {
    let (mut chain, bank) = bank();
    assert_eq!(chain.query(ALICE, &bank.several()), (U256::from(1), "two".to_owned(), true));
    let call = bank.sum(&[U256::from(1), U256::from(2)], vec![(10, true), (20, false)], "four", &[5; 5]);
    assert_eq!(chain.query(ALICE, &call), 22);
    assert_eq!(chain.query(ALICE, &bank.uri()), ALICE);
    assert_eq!(bank.uri().input(), &alloy_primitives::keccak256("URI()")[..4]);
}

#[test]
fn transient_values_last_for_a_transaction() {
    let (mut chain, bank) = bank();
    assert!(chain.query(ALICE, &bank.toggle()));
    assert!(chain.query(ALICE, &bank.toggle()), "zero again in the next transaction");
    assert_eq!(chain.storage_of(BANK).len(), 0);
}

#[test]
fn a_static_call_cannot_change_state() {
    let (mut chain, _) = bank();
    let handle = chain.install::<sneaky::Sneaky>(OTHER);
    assert!(chain.query(ALICE, &handle.try_it()));
}

#[test]
fn an_entry_point_needs_a_host_and_leaves_none_behind() {
    let mut chain = MemoryHost::new();
    // No frame is open on this host, so it cannot answer.
    assert_eq!(native::run::<Bank>(Entry::Call, &mut chain), Outcome::Interrupted);
    let panicked = std::panic::catch_unwind(|| Context::new(&esker_sdk::expansion::authority()).sender());
    assert!(panicked.is_err());
}

#[test]
fn the_interface_identifier_is_the_selectors_xored() {
    let selector = |signature: &str| {
        let hash = alloy_primitives::keccak256(signature);
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
    };
    let id = selector("balanceOf(address)") ^ selector("deposit()") ^ selector("withdraw(uint256)");
    assert_eq!(IBankHandle::INTERFACE_ID.0, id.to_be_bytes());
}

#[test]
fn the_json_abi_is_what_other_tools_read() {
    let abi: alloy_json_abi::JsonAbi = serde_json::from_str(Bank::abi_json()).expect("is a JSON ABI");
    for item in Bank::ABI.functions {
        let theirs = &abi.function(item.name).expect("is there")[0];
        assert_eq!(theirs.selector().0, item.selector().to_be_bytes(), "{}", theirs.signature());
    }
    assert_eq!(abi.functions().count(), Bank::ABI.functions.len());
    let mutability = |name: &str| abi.function(name).expect("is there")[0].state_mutability;
    use alloy_json_abi::StateMutability::{NonPayable, Payable, Pure, View};
    assert_eq!(
        ["several", "balanceOf", "URI", "withdraw", "deposit"].map(mutability),
        [Pure, View, View, NonPayable, Payable]
    );
    assert_eq!(abi.function("sum").expect("is there")[0].signature(), "sum(uint256[],(uint64,bool)[],string,bytes)");
    let deposited = &abi.event("Deposited").expect("is there")[0];
    assert_eq!(deposited.selector().0, <bank::Deposited as Event>::TOPIC);
    assert_eq!(deposited.inputs.iter().map(|input| input.indexed).collect::<Vec<_>>(), [true, true, false, false]);
    assert!(abi.event("Quiet").expect("is there")[0].anonymous);
    let mut errors: Vec<String> = abi.errors().map(alloy_json_abi::Error::signature).collect();
    errors.sort();
    assert_eq!(
        errors,
        [
            "Closed()",
            "Insufficient(uint256,uint256)",
            "ReentrancyGuardReentrantCall()",
            "SendFailed()",
            "Unnamed(uint256,string)"
        ]
    );
    assert!(abi.receive.is_some() && abi.fallback.is_some() && abi.constructor.is_none());

    let robber: alloy_json_abi::JsonAbi = serde_json::from_str(Robber::abi_json()).expect("is a JSON ABI");
    let constructor = robber.constructor.as_ref().expect("has one");
    assert_eq!((constructor.inputs[0].name.as_str(), constructor.inputs[0].ty.as_str()), ("bank", "address"));
    assert_eq!(robber.errors().count(), 6, "the bank's errors, its own, and the guard's");
}
