//! Several calls in one: what they return, what fails with what, and that no coins stay behind.

use esker_multicall::{Call, Call3, Call3Value, CallResult3, MulticallHandle};
use esker_sdk::{abi::encode_params, prelude::*};
use esker_sdk_test::{CHAIN_ID, Chain, User, property};

/// A number that can be had and set, for coins too; and that calls the multicall back.
#[contract]
mod target {
    use super::*;

    #[storage]
    pub struct Target {
        value: Cell<u64>,
    }

    #[error]
    #[rustfmt::skip]
    pub struct TooMuch { pub value: u64 }

    impl Target {
        #[payable]
        pub fn set(&mut self, value: u64) -> Result<u64, TooMuch> {
            ensure!(value < 100, TooMuch { value });
            Ok(self.value.replace(value))
        }

        pub fn value(&self) -> u64 {
            self.value.get()
        }

        /// Tries to spend what its caller has left for others.
        #[payable]
        pub fn steal(&mut self, cx: &mut Context, value: u64) -> bool {
            let call = Call3Value {
                target: cx.address(),
                allow_failure: true,
                value: U256::from(value),
                call_data: Bytes(Vec::new()),
            };
            MulticallHandle::from(cx.sender()).aggregate3_value([call]).try_call(cx).is_ok()
        }

        #[receive]
        fn receive(&mut self) {}
    }
}
use target::*;

const VALUE_MISMATCH: &str = "Multicall3: value mismatch";
const CALL_FAILED: &str = "Multicall3: call failed";

fn deployed(chain: &mut Chain, alice: User) -> (MulticallHandle, TargetHandle) {
    (chain.deploy(alice, MulticallHandle::constructor()), chain.deploy(alice, TargetHandle::constructor()))
}

fn call3(target: Address, input: &[u8], allow_failure: bool) -> Call3 {
    Call3 { target, allow_failure, call_data: Bytes(input.to_vec()) }
}

fn call3_value(target: Address, input: &[u8], value: u64, allow_failure: bool) -> Call3Value {
    Call3Value { target, allow_failure, value: U256::from(value), call_data: Bytes(input.to_vec()) }
}

fn result(success: bool, return_data: Vec<u8>) -> CallResult3 {
    CallResult3 { success, return_data: Bytes(return_data) }
}

fn too_much(value: u64) -> Vec<u8> {
    esker_sdk::ContractError::encode(&TooMuch { value })
}

#[esker_sdk::test]
fn calls_are_made_in_order_and_may_fail_by_themselves(chain: &mut Chain, alice: User, bob: User) {
    let (multicall, target) = deployed(chain, alice);
    let at = target.address();
    let calls = vec![
        call3(at, target.set(5).input(), false),
        call3(at, target.set(100).input(), true),
        call3(at, target.value().input(), false),
        call3(at, b"what?", true),
        // Nobody is there: as everywhere on the chain, that is no failure.
        call3(bob.address, b"hello", false),
    ];
    let results = vec![
        result(true, encode_params(&(0u64,))),
        result(false, too_much(100)),
        result(true, encode_params(&(5u64,))),
        result(false, Vec::new()),
        result(true, Vec::new()),
    ];
    chain.send(alice, multicall.aggregate3(calls)).returns(results);
    assert_eq!(chain.read(target.value()), 5);
    chain.send(alice, multicall.aggregate3(Vec::new())).returns(Vec::new());
}

#[esker_sdk::test]
fn a_call_that_may_not_fail_undoes_all(chain: &mut Chain, alice: User) {
    let (multicall, target) = deployed(chain, alice);
    let at = target.address();
    let calls = vec![call3(at, target.set(5).input(), true), call3(at, target.set(100).input(), false)];
    chain.send(alice, multicall.aggregate3(calls)).reverts_with_text(CALL_FAILED);
    let paid =
        vec![call3_value(at, target.set(5).input(), 1, true), call3_value(at, target.set(100).input(), 1, false)];
    chain.send(alice, multicall.aggregate3_value(paid).value(2)).reverts_with_text(CALL_FAILED);
    assert_eq!((chain.read(target.value()), chain.balance(at)), (0, U256::ZERO));
}

#[esker_sdk::test]
fn coins_go_with_their_calls(chain: &mut Chain, alice: User, bob: User) {
    let (multicall, target) = deployed(chain, alice);
    let at = target.address();
    let calls = || vec![call3_value(at, target.set(5).input(), 3, false), call3_value(bob.address, &[], 4, false)];
    let before = chain.balance(bob);
    let results = vec![result(true, encode_params(&(0u64,))), result(true, Vec::new())];
    chain.send(alice, multicall.aggregate3_value(calls()).value(7)).returns(results);
    assert_eq!((chain.balance(at), chain.balance(bob) - before), (U256::from(3), U256::from(4)));
    for value in [8, 9] {
        let call = multicall.aggregate3_value(calls()).value(value);
        chain.send(alice, call).reverts_with_text(VALUE_MISMATCH);
    }
    // With less than the calls take, the last one fails first.
    chain.send(alice, multicall.aggregate3_value(calls()).value(6)).reverts_with_text(CALL_FAILED);
    assert_eq!(chain.balance(multicall.address()), 0);
}

/// Values whose sum goes beyond 256 bits move nothing.
#[esker_sdk::test]
fn values_that_wrap_around_move_nothing(chain: &mut Chain, alice: User, bob: User) {
    let (multicall, _) = deployed(chain, alice);
    let mut calls = vec![call3_value(bob.address, &[], 1, true), call3_value(bob.address, &[], 1, true)];
    calls[0].value = U256::MAX;
    let before = chain.balance(bob);
    // As in the model the sum wraps to what was sent, and calls with more coins than there are fail by themselves.
    chain.send(alice, multicall.aggregate3_value(calls)).succeeds();
    assert_eq!((chain.balance(bob), chain.balance(multicall.address())), (before, U256::ZERO));
}

/// Who is called in the middle cannot spend the coins of calls that come later.
#[esker_sdk::test]
fn coins_of_later_calls_are_safe(chain: &mut Chain, alice: User, bob: User) {
    let (multicall, target) = deployed(chain, alice);
    let steal = target.steal(9);
    let calls = vec![call3_value(target.address(), steal.input(), 0, false), call3_value(bob.address, &[], 9, false)];
    let before = chain.balance(bob);
    let results = vec![result(true, encode_params(&(false,))), result(true, Vec::new())];
    chain.send(alice, multicall.aggregate3_value(calls).value(9)).returns(results);
    assert_eq!((chain.balance(bob) - before, chain.balance(target.address())), (U256::from(9), U256::ZERO));
}

#[esker_sdk::test]
fn older_methods_are_there(chain: &mut Chain, alice: User) {
    let (multicall, target) = deployed(chain, alice);
    let call = |input: &[u8]| Call { target: target.address(), call_data: Bytes(input.to_vec()) };
    let good = || call(target.set(7).input());
    let bad = || call(target.set(100).input());
    let sent = chain.send(alice, multicall.aggregate([good(), call(target.value().input())]));
    let height = U256::from(chain.height());
    sent.returns((height, vec![Bytes(encode_params(&(0u64,))), Bytes(encode_params(&(7u64,)))]));
    chain.send(alice, multicall.aggregate([good(), bad()])).reverts_with_text(CALL_FAILED);
    chain.send(alice, multicall.try_aggregate(true, [good(), bad()])).reverts_with_text(CALL_FAILED);
    let results = vec![result(true, encode_params(&(7u64,))), result(false, too_much(100))];
    chain.send(alice, multicall.try_aggregate(false, [good(), bad()])).returns(results);
}

#[esker_sdk::test]
fn the_block_can_be_asked_among_the_calls(chain: &mut Chain, alice: User, bob: User) {
    let (multicall, _) = deployed(chain, alice);
    let at = multicall.address();
    let calls = [multicall.get_block_number(), multicall.get_current_block_timestamp()];
    let sent = chain.send(alice, multicall.aggregate3(calls.map(|call| call3(at, call.input(), false))));
    let (height, time) = (U256::from(chain.height()), U256::from(chain.timestamp()));
    sent.returns([height, time].map(|number| result(true, encode_params(&(number,)))).to_vec());
    assert_eq!(chain.read(multicall.get_chain_id()), U256::from(CHAIN_ID));
    assert_eq!(chain.read(multicall.get_eth_balance(bob)), chain.balance(bob));
    assert_eq!(chain.read(multicall.get_base_fee()), 0);
    let block = chain.height() - 1;
    assert_eq!(chain.read(multicall.get_block_hash(U256::from(block))), chain.block_hash(block));
    assert_eq!(chain.read(multicall.get_block_hash(U256::MAX)), B256::ZERO);
}

/// Whatever is called with whatever coins, none stay behind when every call succeeds.
#[esker_sdk::test]
fn no_coins_stay_behind(chain: &mut Chain, alice: User, bob: User) {
    let (multicall, target) = deployed(chain, alice);
    property(chain, 40, |chain, draw| {
        let calls: Vec<Call3Value> = (0..draw.number(0..=4))
            .map(|_| {
                let to = draw.pick(&[target.address(), bob.address]);
                call3_value(to, &[], draw.number(0..=50), false)
            })
            .collect();
        let sum: U256 = calls.iter().map(|call| call.value).sum();
        let sent = sum + U256::from(draw.number(0..=1));
        let before = chain.balance(target.address()) + chain.balance(bob);
        let end = chain.send(alice, multicall.aggregate3_value(calls).value(sent)).end();
        let is_right = sent == sum;
        assert_eq!(end == esker_sdk_test::End::Success, is_right);
        let came = chain.balance(target.address()) + chain.balance(bob) - before;
        assert_eq!((came, chain.balance(multicall.address())), (if is_right { sum } else { U256::ZERO }, U256::ZERO));
    });
}
