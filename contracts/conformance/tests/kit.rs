//! The test kit itself: that it sees what differs, and says what happened.

use esker_conformance::{Order, Probe, ProbeHandle, Side};
use esker_erc20::{Erc20Handle, Error as TokenError};
use esker_sdk::native::MemoryHost;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, User};

/// A token that takes more than it is given: it calls back.
#[contract]
mod robber {
    use super::*;

    #[storage]
    pub struct Robber {
        robbed: Cell<u8>,
    }

    impl Robber {
        pub fn transfer(&mut self, cx: &mut Context, _to: Address, _value: U256) -> bool {
            self.robbed.add(1);
            ProbeHandle::from(cx.sender()).clear().call(cx);
            true
        }
    }
}
use robber::*;

fn order(by: User) -> Order {
    Order { maker: by.address, amounts: Vec::new(), memo: String::new(), side: Side::Buy }
}

fn probe(chain: &mut Chain, by: User) -> ProbeHandle {
    chain.deploy(by, ProbeHandle::constructor(order(by)))
}

/// A probe with coins does what differs between the runs in this way.
fn differ(chain: &mut Chain, alice: User, which: u8) {
    let probe = probe(chain, alice);
    chain.transfer(alice, probe.address(), 1000).succeeds();
    let bob = chain.user("bob");
    let _ = chain.send(alice, probe.depend_on_the_word(which, bob));
}

#[esker_sdk::test]
#[should_panic(expected = "(bob) in wei: natively 1000000000000000000000064; as wasm 1000000000000000000000032")]
fn balances_that_differ_are_seen(chain: &mut Chain, alice: User) {
    differ(chain, alice, 0);
}

#[esker_sdk::test]
#[should_panic(
    expected = "(Probe): natively 0x4040404040404040404040404040404040404040404040404040404040404040; as wasm 0x2020"
)]
fn slots_that_differ_are_seen(chain: &mut Chain, alice: User) {
    differ(chain, alice, 1);
}

#[esker_sdk::test]
#[should_panic(
    expected = "a transient write: natively 0x4040404040404040404040404040404040404040404040404040404040404040 at slot 0x0202"
)]
fn transient_slots_that_differ_are_seen(chain: &mut Chain, alice: User) {
    differ(chain, alice, 2);
}

#[esker_sdk::test]
#[should_panic(expected = "(bob), value: 64 } from 0x")]
fn logs_that_differ_are_seen_and_named(chain: &mut Chain, alice: User) {
    differ(chain, alice, 3);
}

#[esker_sdk::test]
#[should_panic(expected = "what happened on the way: natively a call of 0x40 by 0x")]
fn calls_that_differ_are_seen(chain: &mut Chain, alice: User) {
    differ(chain, alice, 4);
}

#[esker_sdk::test]
#[should_panic(expected = "(Probe): natively 3; as wasm 2")]
fn nonces_that_differ_are_seen(chain: &mut Chain, alice: User) {
    differ(chain, alice, 5);
}

#[esker_sdk::test]
#[should_panic(expected = "the outcome: natively it returned 0; as wasm it reverted with Error(\"on a chain\")")]
fn reverts_that_differ_are_seen(chain: &mut Chain, alice: User) {
    differ(chain, alice, 6);
}

#[esker_sdk::test]
#[should_panic(expected = "calls dependOnTheWord(7, ")]
fn the_step_that_differs_is_named(chain: &mut Chain, alice: User) {
    differ(chain, alice, 7);
}

#[esker_sdk::test]
fn what_does_not_differ_is_let_through(chain: &mut Chain, alice: User) {
    differ(chain, alice, 8);
}

/// What a failed demand says.
fn said(demand: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(demand)).expect_err("the demand holds");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[esker_sdk::test]
fn failures_are_named(chain: &mut Chain, alice: User, bob: User) {
    let probe = probe(chain, alice);
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 100));
    let bob_in_words = format!("{} (bob)", bob.address);
    let short = chain.send(bob, token.transfer(alice, 7));
    let expected = format!("ERC20InsufficientBalance {{ sender: {bob_in_words}, balance: 0, needed: 7 }}");
    assert_eq!(short.describe(), format!("it reverted with {expected}"));
    let words = said(|| drop(short.clone().succeeds()));
    let call = format!("calls transfer({} (alice), 7) of {} (Erc20)", alice.address, token.address());
    assert_eq!(words, format!("{bob_in_words} {call}: it should have succeeded, but it reverted with {expected}"));
    let wanted = TokenError::ERC20InvalidSender { sender: bob.address };
    let words = said(|| short.clone().reverts(wanted));
    let other =
        format!("it should have reverted with ERC20InvalidSender {{ sender: {bob_in_words} }}, but it reverted");
    assert!(words.contains(&other), "{words}");
    let error: TokenError = short.error();
    assert!(matches!(error, TokenError::ERC20InsufficientBalance { .. }));

    let mut fails = |which: u8, number: u32| chain.try_read(probe.fail(which, number, "")).describe();
    assert_eq!(fails(5, 1), "it reverted with Panic(0x11): arithmetic overflow");
    assert_eq!(fails(8, 0), "it reverted with Panic(0x12): division by zero");
    assert_eq!(fails(18, 9), "it reverted with Panic(0x32): index out of bounds");
    assert_eq!(fails(21, 0), "it reverted with Error(\"not seven\")");
    assert_eq!(fails(0, 9), "it reverted with Wrong { what: \"\", numbers: [1, 9] }");
    assert_eq!(fails(1, 9), "it reverted with Nothing()");
    assert_eq!(fails(99, 5), "it returned 5");
    let raw = chain.send(alice, probe.break_the_abi(2, token.address()));
    let number = "0000000000000000000000000000000000000000000000000000000000000007";
    let selector = esker_sdk::primitive_types::H256(esker_sdk::abi::keccak256(b"Undeclared(uint8)"));
    let selector = &format!("{selector:?}")[..10];
    let unknown = "an error that no contract of this chain declares, selector";
    assert_eq!(raw.describe(), format!("it reverted with {unknown} {selector}: {selector}{number}"));
}

#[esker_sdk::test]
fn re_entry_is_refused_by_name(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let robber = chain.deploy(alice, RobberHandle::constructor());
    let sent = chain.send(alice, probe.pay_or_fail(robber.address(), alice, 1));
    sent.clone().reverts_as_reentrant();
    assert_eq!(sent.describe(), "it reverted with ReentrancyGuardReentrantCall()");
}

#[esker_sdk::test]
#[should_panic(expected = "Probe emitted the event `Unheard(uint8,string)`, which its ABI does not hold")]
fn an_event_outside_the_abi_fails_the_test(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let _ = chain.send(alice, probe.break_the_abi(0, alice));
}

#[esker_sdk::test]
#[should_panic(expected = "Probe reverted with the error `Undeclared(uint8)`, which its ABI does not hold")]
fn an_error_outside_the_abi_fails_the_test(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let _ = chain.send(alice, probe.break_the_abi(1, alice));
}

#[esker_sdk::test]
fn raw_bytes_and_what_a_callee_reverted_with_are_let_through(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 100));
    chain.send(alice, probe.break_the_abi(3, token.address())).succeeds();
    let refused = TokenError::ERC20InvalidReceiver { receiver: Address::ZERO };
    chain.send(alice, probe.break_the_abi(4, token.address())).reverts(refused);
}

#[test]
fn the_host_in_memory_holds_contracts_to_their_abi_too() {
    let (alice, place) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let mut host = MemoryHost::new();
    let probe = host.install::<Probe>(place);
    let mut broken = |which: u8| said(|| drop(host.send(alice, &probe.break_the_abi(which, alice))));
    assert!(broken(0).starts_with("Probe emitted the event `Unheard(uint8,string)`"));
    let advice = "write `#[contract(errors(path::to::Undeclared))]`";
    assert!(broken(1).contains(advice));
    assert_eq!(host.send(alice, &probe.break_the_abi(3, alice)), esker_sdk::native::Outcome::Return(Vec::new()));
    assert_eq!(host.balance_of(alice), U256::ZERO.into());
}
