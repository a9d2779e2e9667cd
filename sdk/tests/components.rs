//! Contracts made of parts.
#![allow(missing_docs, reason = "the contracts here are read by nobody but this test")]

use esker_sdk::{
    abi, interface,
    native::{MemoryHost, Outcome},
    prelude::*,
};

const GOLD: Address = Address::repeat_byte(0x60);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);

#[interface]
pub trait ISupply {
    fn total_supply(&self) -> U256;
}

#[component]
pub mod erc20 {
    use super::*;

    #[storage]
    pub struct Erc20 {
        balances: Map<Address, U256>,
        total_supply: Cell<U256>,
    }

    #[event]
    pub struct Transfer {
        #[indexed]
        pub from: Address,
        #[indexed]
        pub to: Address,
        pub value: U256,
    }

    #[error]
    pub enum Error {
        ERC20InsufficientBalance { sender: Address, balance: U256, needed: U256 },
    }

    impl Erc20 {
        /// Called before balances change.
        #[hook]
        fn before_update(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) {}

        pub fn balance_of(&self, account: Address) -> U256 {
            self.balances.get(account)
        }

        pub fn decimals() -> u8 {
            18
        }

        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> Result<bool, Error> {
            let from = cx.sender();
            self.before_update(cx, from, to, value);
            let left = self.balances.at_mut(from).try_sub(value);
            left.map_err(|balance| Error::ERC20InsufficientBalance { sender: from, balance, needed: value })?;
            self.balances.at_mut(to).add(value);
            cx.emit(Transfer { from, to, value });
            Ok(true)
        }

        #[internal]
        pub fn mint(&mut self, cx: &mut Context, to: Address, value: U256) {
            self.before_update(cx, Address::ZERO, to, value);
            self.total_supply.add(value);
            self.balances.at_mut(to).add(value);
            cx.emit(Transfer { from: Address::ZERO, to, value });
        }
    }

    impl ISupply for Erc20 {
        fn total_supply(&self) -> U256 {
            self.total_supply.get()
        }
    }
}

#[component]
pub mod pausable {
    use super::*;

    #[storage]
    pub struct Pausable {
        paused: Cell<bool>,
    }

    #[error]
    pub enum Error {
        EnforcedPause,
    }

    impl Pausable {
        pub fn paused(&self) -> bool {
            self.paused.get()
        }

        pub fn secret(&self) -> u8 {
            7
        }

        #[payable]
        pub fn pay(&mut self) {
            self.paused.set(false);
        }

        #[internal]
        pub fn set(&mut self, paused: bool) {
            self.paused.set(paused);
        }

        #[internal]
        pub fn when_running(&self, _cx: &Context) -> Result<(), Error> {
            ensure!(!self.paused.get(), Error::EnforcedPause);
            Ok(())
        }
    }
}

#[component]
pub mod ownable {
    use super::*;

    #[storage]
    pub struct Ownable {
        owner: Cell<Address>,
    }

    #[error]
    pub struct OwnableUnauthorizedAccount {
        pub account: Address,
    }

    impl Ownable {
        #[internal]
        pub fn set(&mut self, owner: Address) {
            self.owner.set(owner);
        }

        #[internal]
        pub fn only_owner(&self, cx: &Context) -> Result<(), OwnableUnauthorizedAccount> {
            ensure!(cx.sender() == self.owner.get(), OwnableUnauthorizedAccount { account: cx.sender() });
            Ok(())
        }
    }
}

/// A component with a parameter and a component inside.
#[component]
pub mod capped {
    pub use super::erc20::Erc20;
    use super::*;

    #[storage]
    pub struct Capped<const CAP: u64> {
        #[flatten]
        #[expose]
        pub token: Erc20,
        updates: Cell<u64>,
    }

    #[error]
    pub enum Error {
        ExceededCap { supply: U256, cap: U256 },
    }

    impl<const CAP: u64> Capped<CAP> {
        pub fn cap(&self) -> U256 {
            U256::from(CAP)
        }

        pub fn updates(&self) -> u64 {
            self.updates.get()
        }

        #[hook(token.before_update)]
        fn below_the_cap(&mut self, _cx: &mut Context, from: Address, _to: Address, value: U256) -> Result<(), Error> {
            self.updates.add(1);
            let supply = self.token.total_supply() + value;
            let cap = U256::from(CAP);
            ensure!(!from.is_zero() || supply <= cap, Error::ExceededCap { supply, cap });
            Ok(())
        }
    }
}

#[contract(erc165(0x49064906))]
pub mod gold {
    use super::{capped::Capped, ownable::Ownable, pausable::Pausable, *};

    #[storage]
    pub struct Gold {
        #[flatten]
        #[expose]
        token: Capped<1000>,
        #[expose(paused)]
        pausable: Pausable,
        ownable: Ownable,
        hooked: Cell<u64>,
        second: Ownable,
    }

    #[error]
    pub enum Error {
        Frozen { from: Address },
    }

    impl Gold {
        #[constructor]
        pub fn new(&mut self, cx: &Context) {
            self.ownable.set(cx.sender());
        }

        pub fn hooked(&self) -> u64 {
            self.hooked.get()
        }

        #[only(ownable.owner)]
        #[when(pausable.running)]
        pub fn mint(&mut self, cx: &mut Context, to: Address, value: U256) {
            self.token.token.mint(cx, to, value);
        }

        #[only(ownable.owner)]
        pub fn pause(&mut self) {
            self.pausable.set(true);
        }

        /// Calls whom the caller says, itself perhaps.
        pub fn relay(&mut self, cx: &mut Context, target: Address, input: &[u8]) -> Bytes {
            cx.call(target, U256::ZERO, u64::MAX, input).unwrap_or_else(|error| error.raise()).into()
        }

        /// Twice what others have.
        #[overrides]
        pub fn decimals() -> u8 {
            36
        }

        #[hook(token.token.before_update)]
        fn not_while_paused(
            &mut self,
            _cx: &mut Context,
            from: Address,
            _to: Address,
            _value: U256,
        ) -> Result<(), Error> {
            self.hooked.add(1);
            ensure!(!self.pausable.paused(), Error::Frozen { from });
            Ok(())
        }
    }
}

/// The same layout, written in one piece.
#[contract]
pub mod monolith {
    use super::*;

    #[storage]
    pub struct Monolith {
        balances: Map<Address, U256>,
        total_supply: Cell<U256>,
        updates: Cell<u64>,
        paused: Cell<bool>,
        owner: Cell<Address>,
    }
}

/// The same in parts.
#[contract]
pub mod flat {
    use super::{capped::Capped, ownable::Ownable, pausable::Pausable};

    #[storage]
    pub struct Flat {
        #[flatten]
        token: Capped<5>,
        #[flatten]
        pausable: Pausable,
        #[flatten]
        ownable: Ownable,
    }
}

/// Takes coins with a component's method, and exposes one that swaps its handles.
#[contract]
pub mod purse {
    use super::{pausable::Pausable, *};

    #[storage]
    pub struct Purse {
        #[expose]
        pausable: Pausable,
        #[expose]
        swapper: Swapper,
    }

    impl Purse {
        pub fn own(&self) -> bool {
            self.pausable.paused()
        }
    }

    pub use swapping::Swapper;

    #[rustfmt::skip]
    mod swapping {
        use super::*;
        #[component]
        pub mod swapper {
            use super::*;
            #[storage]
            pub struct Swapper { one: Cell<U256>, two: Cell<U256> }
            impl Swapper {
                pub fn swap(&mut self) { core::mem::swap(&mut self.one, &mut self.two); }
                pub fn call(&mut self, cx: &mut Context, target: Address, input: &[u8]) -> Bytes {
                    cx.call(target, U256::ZERO, u64::MAX, input).unwrap_or_else(|error| error.raise()).into()
                }
            }
        }
        pub use swapper::Swapper;
    }
}

use capped::Error as CapError;
use erc20::{Error as TokenError, Transfer};
use flat::Flat;
use gold::{Error, Gold, GoldHandle};
use monolith::Monolith;
use ownable::OwnableUnauthorizedAccount;
use purse::PurseHandle;

fn number(value: u64) -> U256 {
    U256::from(value)
}

fn gold() -> (MemoryHost, GoldHandle) {
    let mut host = MemoryHost::new();
    let gold = host.deploy(ALICE, GOLD, &GoldHandle::constructor()).expect("it deploys");
    (host, gold)
}

fn returned<T: abi::AbiType>(outcome: Outcome) -> T {
    match outcome {
        Outcome::Return(data) => abi::decode(&data).expect("an answer of the type"),
        other => panic!("it did not return: {other:?}"),
    }
}

#[track_caller]
fn reverts(outcome: Outcome, error: impl ContractError) {
    assert_eq!(outcome, Outcome::Revert(error.encode()));
}

#[test]
fn exposed_methods_are_the_contract_s() {
    let (mut host, gold) = gold();
    assert_eq!(host.send(ALICE, &gold.mint(ALICE, 700)), Outcome::Return(vec![]));
    assert!(returned::<bool>(host.send(ALICE, &gold.transfer(BOB, 300))));
    assert_eq!(returned::<U256>(host.send(BOB, &gold.balance_of(BOB))), number(300));
    assert_eq!(returned::<U256>(host.send(BOB, &gold.total_supply())), number(700));
    assert_eq!(returned::<U256>(host.send(BOB, &gold.cap())), number(1000));
    assert!(!returned::<bool>(host.send(BOB, &gold.paused())));
    reverts(
        host.send(BOB, &gold.transfer(ALICE, 301)),
        TokenError::ERC20InsufficientBalance { sender: BOB, balance: number(300), needed: number(301) },
    );
    assert_eq!(host.take_logs().iter().filter(|log| log.topics[0] == <Transfer as Event>::TOPIC.into()).count(), 2);
}

#[test]
fn what_is_not_exposed_cannot_be_called() {
    let (mut host, _) = gold();
    let all = pausable::PausableHandle::at(GOLD);
    assert!(!returned::<bool>(host.send(BOB, &all.paused())));
    assert_eq!(host.send(BOB, &all.secret()), Outcome::Revert(vec![]));
}

#[test]
fn hooks_run_from_the_inside_out_and_revert_with_their_owner_s_error() {
    let (mut host, gold) = gold();
    assert_eq!(host.send(ALICE, &gold.mint(ALICE, 1000)), Outcome::Return(vec![]));
    reverts(host.send(ALICE, &gold.mint(ALICE, 1)), CapError::ExceededCap { supply: number(1001), cap: number(1000) });
    assert!(returned::<bool>(host.send(ALICE, &gold.transfer(BOB, 1))));
    // The nested component's own hook and the contract's both ran, twice each; what reverted is undone.
    assert_eq!(returned::<u64>(host.send(ALICE, &gold.updates())), 2);
    assert_eq!(returned::<u64>(host.send(ALICE, &gold.hooked())), 2);
    assert_eq!(host.send(ALICE, &gold.pause()), Outcome::Return(vec![]));
    reverts(host.send(ALICE, &gold.transfer(BOB, 1)), Error::Frozen { from: ALICE });
    assert_eq!(returned::<u64>(host.send(ALICE, &gold.updates())), 2);
}

#[test]
fn guards_run_in_order_before_the_body() {
    let (mut host, gold) = gold();
    assert_eq!(host.send(ALICE, &gold.pause()), Outcome::Return(vec![]));
    reverts(host.send(BOB, &gold.mint(BOB, 1)), OwnableUnauthorizedAccount { account: BOB });
    reverts(host.send(ALICE, &gold.mint(BOB, 1)), pausable::Error::EnforcedPause);
    reverts(host.send(BOB, &gold.pause()), OwnableUnauthorizedAccount { account: BOB });
}

#[test]
fn the_contract_s_own_method_overrides() {
    let (mut host, gold) = gold();
    assert_eq!(returned::<u8>(host.send(BOB, &gold.decimals())), 36);
    let decimals = Gold::ABI.functions.iter().filter(|function| function.name == "decimals").count();
    assert_eq!(decimals, 1);
}

#[test]
fn the_abi_has_what_the_parts_bring() {
    let json: serde_json::Value = serde_json::from_str(Gold::abi_json()).expect("JSON");
    let of = |kind: &str| {
        let items = json.as_array().into_iter().flatten().filter(|item| item["type"] == kind);
        let mut names: Vec<String> = items.map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect();
        names.sort();
        names
    };
    let functions = [
        "balanceOf",
        "cap",
        "decimals",
        "hooked",
        "mint",
        "pause",
        "paused",
        "relay",
        "supportsInterface",
        "totalSupply",
        "transfer",
        "updates",
    ];
    assert_eq!(of("function"), functions);
    assert_eq!(of("event"), ["Transfer"]);
    let errors = [
        "ERC20InsufficientBalance",
        "EnforcedPause",
        "ExceededCap",
        "Frozen",
        "OwnableUnauthorizedAccount",
        "ReentrancyGuardReentrantCall",
    ];
    assert_eq!(of("error"), errors);
    let mutability = |name: &str| {
        let items = json.as_array().into_iter().flatten();
        items.filter(|item| item["name"] == name).map(|item| item["stateMutability"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(mutability("balanceOf"), ["view"]);
    assert_eq!(mutability("transfer"), ["nonpayable"]);
}

#[test]
fn interfaces_of_exposed_components_count() {
    let (mut host, gold) = gold();
    let supports =
        |host: &mut MemoryHost, id: FixedBytes<4>| returned::<bool>(host.send(BOB, &gold.supports_interface(id)));
    assert!(supports(&mut host, ISupplyHandle::INTERFACE_ID));
    assert!(supports(&mut host, FixedBytes([0x01, 0xff, 0xc9, 0xa7])));
    assert!(supports(&mut host, FixedBytes([0x49, 0x06, 0x49, 0x06])));
    for other in [[1, 2, 3, 4], [0; 4], [0xff; 4]] {
        assert!(!supports(&mut host, FixedBytes(other)));
    }
}

#[test]
fn parts_lie_where_solidity_s_inherited_contracts_do() {
    // The fields' names without the parts', with slots, bytes and types.
    let places = |json: &str| {
        let layout: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let fields = layout["storage"].as_array().expect("fields").clone();
        let place = |mut field: serde_json::Value| {
            field["label"] = field["label"].as_str().and_then(|label| label.rsplit('.').next()).into();
            field
        };
        fields.into_iter().map(place).collect::<Vec<_>>()
    };
    let whole = places(&esker_sdk::storage::layout_json::<Monolith>());
    assert_eq!(places(&esker_sdk::storage::layout_json::<Flat>()), whole);
    assert_eq!(whole.len(), 5);
}

fn purse() -> (MemoryHost, PurseHandle) {
    let mut host = MemoryHost::new();
    let purse = host.deploy(ALICE, GOLD, &PurseHandle::constructor()).expect("it deploys");
    host.set_balance(ALICE, number(100).into());
    (host, purse)
}

#[test]
fn coins_go_to_payable_methods_only() {
    let (mut host, purse) = purse();
    assert_eq!(host.send(ALICE, &purse.pay().value(5)), Outcome::Return(vec![]));
    let mut input = purse.own().input().to_vec();
    assert_eq!(host.send_raw(ALICE, GOLD, number(5).into(), &input), Outcome::Revert(vec![]));
    input = purse.paused().input().to_vec();
    assert_eq!(host.send_raw(ALICE, GOLD, number(5).into(), &input), Outcome::Revert(vec![]));
}

#[test]
fn exposed_methods_are_guarded_as_own_ones_are() {
    let (mut host, purse) = purse();
    let swapped = host.send(ALICE, &purse.swap());
    let Outcome::Revert(data) = swapped else { panic!("it did not revert") };
    assert!(String::from_utf8_lossy(&data).contains("were swapped or replaced in memory"), "{data:?}");
    let other = Address::repeat_byte(0x33);
    let second = host.deploy(ALICE, other, &PurseHandle::constructor()).expect("it deploys");
    let back = purse.call(ALICE, &[][..]);
    let through = second.call(GOLD, back.input());
    let outcome = host.send(ALICE, &purse.call(other, through.input()));
    let guard = esker_sdk::expansion::REENTRANT_CALL.selector().to_be_bytes().to_vec();
    assert_eq!(outcome, Outcome::Revert(guard));
}
