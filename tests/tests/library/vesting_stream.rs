//! Streams: that what has flowed is the recipient's, what has not the sender's, and no token both's or nobody's.

use esker_erc20::Erc20Handle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, Invariant, User};
use esker_vesting_stream::{Error, StreamCanceled, StreamCreated, VestingStreamHandle, Withdrawn};

/// Seconds that a stream flows.
const FLOWS: u64 = 1_000;

fn number(value: u64) -> U256 {
    U256::from(value)
}

/// A token that keeps a tenth of what moves.
#[contract]
mod greedy_token {
    use super::*;

    #[storage]
    pub struct GreedyToken {
        balances: Map<Address, U256>,
    }

    impl GreedyToken {
        #[constructor]
        pub fn new(&mut self, cx: &Context) {
            self.balances.set(cx.sender(), 1_000);
        }

        pub fn balance_of(&self, account: Address) -> U256 {
            self.balances.get(account)
        }

        pub fn transfer(&mut self, cx: &Context, to: Address, value: U256) -> bool {
            self.transfer_from(cx.sender(), to, value)
        }

        pub fn transfer_from(&mut self, from: Address, to: Address, value: U256) -> bool {
            self.balances.at_mut(from).sub(value);
            self.balances.at_mut(to).add(value - value / 10);
            true
        }
    }
}
use greedy_token::*;

/// Alice has a thousand tokens, of which the streams may take all.
fn deployed(chain: &mut Chain, alice: User) -> (VestingStreamHandle, Erc20Handle) {
    let streams = chain.deploy(alice, VestingStreamHandle::constructor());
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 1_000));
    chain.send(alice, token.approve(streams.address(), U256::MAX)).succeeds();
    (streams, token)
}

/// A stream of 500 tokens from alice to bob that begins in a hundred seconds, and when that is.
fn flowing(chain: &mut Chain, alice: User, bob: User) -> (VestingStreamHandle, Erc20Handle, u64) {
    let (streams, token) = deployed(chain, alice);
    let start = chain.timestamp() + 100;
    chain.send(alice, streams.create(bob, token.address(), 500, start, start + FLOWS)).returns(0);
    (streams, token, start)
}

#[esker_sdk::test]
fn tokens_flow_by_the_second(chain: &mut Chain, alice: User, bob: User) {
    let (streams, token) = deployed(chain, alice);
    let start = chain.timestamp() + 100;
    let created = StreamCreated {
        stream_id: 0,
        sender: alice.into(),
        recipient: bob.into(),
        token: token.address(),
        deposit: number(500),
        start_time: start,
        stop_time: start + FLOWS,
    };
    let create = streams.create(bob, token.address(), 500, start, start + FLOWS);
    chain.send(alice, create).returns(0).emits(created);
    assert_eq!((chain.read(streams.count()), chain.read(token.balance_of(streams.address()))), (1, number(500)));
    let take = |amount: u64| streams.withdraw(0, bob, number(amount));
    let too_much = |withdrawable, amount| Error::TooMuch { withdrawable: number(withdrawable), amount: number(amount) };
    // (seconds from the start, flowed): half a token rounds down.
    for (elapsed, flowed) in [(0, 0), (1, 0), (2, 1), (333, 166), (500, 250)] {
        chain.warp(start + elapsed);
        let taken = chain.read(streams.stream(0)).withdrawn.to_u64().unwrap_or(0);
        chain.send(bob, take(flowed - taken + 1)).reverts(too_much(flowed - taken, flowed - taken + 1));
        assert_eq!(chain.read(streams.withdrawable(0)) + chain.read(streams.refundable(0)), number(500 - taken));
    }
    let withdrawn = Withdrawn { stream_id: 0, to: alice.into(), amount: number(200) };
    chain.send(bob, streams.withdraw(0, alice, 200)).emits(withdrawn);
    chain.warp(start + FLOWS);
    chain.send(bob, take(300)).succeeds();
    chain.send(bob, take(1)).reverts(too_much(0, 1));
    assert_eq!(
        (chain.read(token.balance_of(bob)), chain.read(token.balance_of(streams.address()))),
        (number(300), U256::ZERO)
    );
}

#[esker_sdk::test]
fn a_canceled_stream_is_divided_by_time(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (streams, token, start) = flowing(chain, alice, bob);
    chain.warp(start + 400);
    chain.send(bob, streams.withdraw(0, bob, 50)).succeeds();
    for user in [bob, carol] {
        chain.send(user, streams.cancel(0)).reverts(Error::NotSender { caller: user.into() });
    }
    chain.warp(start + 601);
    let (sender_amount, recipient_amount) = (number(200), number(250));
    chain.send(alice, streams.cancel(0)).emits(StreamCanceled { stream_id: 0, sender_amount, recipient_amount });
    assert_eq!(chain.read(token.balance_of(alice)), 700);
    chain.send(alice, streams.cancel(0)).reverts(Error::Ended { stream_id: 0 });
    // Nothing flows any more, and what had flowed is bob's whenever he takes it.
    chain.pass(FLOWS);
    assert_eq!((chain.read(streams.withdrawable(0)), chain.read(streams.refundable(0))), (number(250), U256::ZERO));
    chain.send(bob, streams.withdraw(0, bob, 250)).succeeds();
    assert_eq!(
        (chain.read(token.balance_of(bob)), chain.read(token.balance_of(streams.address()))),
        (number(300), U256::ZERO)
    );
}

#[esker_sdk::test]
fn a_stream_is_canceled_before_it_flows_and_not_after(chain: &mut Chain, alice: User, bob: User) {
    let (streams, token, start) = flowing(chain, alice, bob);
    chain.send(alice, streams.cancel(0)).succeeds();
    assert_eq!(chain.read(token.balance_of(alice)), 1_000);
    chain.send(bob, streams.withdraw(0, bob, 0)).succeeds();
    chain.warp(start + 1);
    chain.send(alice, streams.create(bob, token.address(), 500, start + 100, start + 200)).returns(1);
    chain.warp(start + 200);
    chain.send(alice, streams.cancel(1)).reverts(Error::Ended { stream_id: 1 });
    chain.send(bob, streams.withdraw(1, bob, 500)).succeeds();
}

#[esker_sdk::test]
fn streams_that_make_no_sense_are_refused(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (streams, token, _) = flowing(chain, alice, bob);
    let (at, start) = (token.address(), chain.timestamp() + 500);
    let end = start + FLOWS;
    for recipient in [Address::ZERO, alice.into(), streams.address()] {
        let create = streams.create(recipient, at, 1, start, end);
        chain.send(alice, create).reverts(Error::InvalidRecipient { recipient });
    }
    let past = chain.timestamp();
    for (start_time, stop_time) in [(past, end), (start, start), (end, start)] {
        let create = streams.create(bob, at, 1, start_time, stop_time);
        chain.send(alice, create).reverts(Error::InvalidTimes { start_time, stop_time });
    }
    chain.send(alice, streams.create(bob, at, 0, start, end)).reverts(Error::NoDeposit);
    chain.send(alice, streams.create(bob, at, 501, start, end)).error::<esker_erc20::Error>();
    chain.send(carol, streams.create(bob, at, 1, start, end)).error::<esker_erc20::Error>();
    let none = || Error::NoStream { stream_id: 1 };
    chain.send(bob, streams.withdraw(1, bob, 1)).reverts(none());
    chain.send(alice, streams.cancel(1)).reverts(none());
    chain.try_read(streams.withdrawable(1)).reverts(none());
    chain.try_read(streams.refundable(1)).reverts(none());
    chain.send(alice, streams.withdraw(0, alice, 0)).reverts(Error::NotRecipient { caller: alice.into() });
}

/// A token that keeps a part of what moves does not pay one stream out of another.
#[esker_sdk::test]
fn what_did_not_arrive_does_not_flow(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (streams, _) = deployed(chain, alice);
    let token = chain.deploy(alice, GreedyTokenHandle::constructor());
    let start = chain.timestamp() + 100;
    for recipient in [bob, carol] {
        chain.send(alice, streams.create(recipient, token.address(), 100, start, start + FLOWS)).succeeds();
    }
    chain.warp(start + FLOWS);
    assert_eq!(chain.read(streams.withdrawable(0)), 90);
    chain.send(bob, streams.withdraw(0, bob, 90)).succeeds();
    chain.send(carol, streams.withdraw(1, carol, 90)).succeeds();
    assert_eq!(chain.read(token.balance_of(streams.address())), 0);
}

/// A token that does not pay the recipient does not keep the sender from ending the stream.
#[esker_sdk::test]
fn a_recipient_without_tokens_does_not_hold_the_sender(chain: &mut Chain, alice: User, bob: User) {
    let (streams, token, start) = flowing(chain, alice, bob);
    let (pays, has) = (token.transfer(bob, 0), token.balance_of(bob));
    chain.mock(token.address(), move |called| match called.arguments::<(Address, U256)>() {
        Ok((to, _)) if called.is(&pays) && to == bob.address => Answer::revert("blocked"),
        _ if called.is(&has) => Answer::value(&number(500)),
        _ => Answer::value(&true),
    });
    chain.warp(start + 500);
    chain.send(bob, streams.withdraw(0, bob, 250)).reverts_with_text("blocked");
    chain.send(alice, streams.cancel(0)).succeeds();
    // Bob has it paid elsewhere.
    let dave = chain.user("dave");
    chain.send(bob, streams.withdraw(0, dave, 250)).succeeds();
}

#[esker_sdk::test]
fn large_deposits_and_long_times_do_not_overflow(chain: &mut Chain, alice: User, bob: User) {
    let (streams, _) = deployed(chain, alice);
    let token = chain.deploy(alice, Erc20Handle::constructor("Max", "MAX", U256::MAX));
    chain.send(alice, token.approve(streams.address(), U256::MAX)).succeeds();
    let start = chain.timestamp() + 100;
    chain.send(alice, streams.create(bob, token.address(), U256::MAX, start, u64::MAX)).succeeds();
    chain.warp(start + (u64::MAX - start) / 2);
    chain.send(bob, streams.withdraw(0, bob, 0)).succeeds();
    let half = chain.read(streams.withdrawable(0));
    assert!(half.abs_diff(U256::MAX / 2) < U256::MAX / 1_000_000, "{half}");
    chain.send(bob, streams.withdraw(0, bob, half)).succeeds();
}

/// What the contract has is what all streams owe, at any time and whatever was done.
#[esker_sdk::test]
fn tokens_add_up(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (streams, token) = deployed(chain, alice);
    let users = [alice, bob, carol];
    for user in [bob, carol] {
        chain.send(alice, token.transfer(user, 300)).succeeds();
        chain.send(user, token.approve(streams.address(), U256::MAX)).succeeds();
    }
    Invariant::new()
        .action("create", move |chain, draw| {
            let start = chain.timestamp() + draw.number(10..=100);
            let (to, stop) = (draw.pick(&users), start + draw.number(0..=700));
            let create = streams.create(to, token.address(), number(draw.number(0..=150)), start, stop);
            let _ = chain.send(draw.pick(&users), create);
        })
        .action("withdraw", move |chain, draw| {
            let take = streams.withdraw(draw.number(0..=3), draw.pick(&users), number(draw.number(0..=60)));
            let _ = chain.send(draw.pick(&users), take);
        })
        .action("cancel", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), streams.cancel(draw.number(0..=3)));
        })
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=200)))
        .check("the contract has what is owed", move |chain| {
            let mut owed = U256::ZERO;
            for id in 0..chain.read(streams.count()) {
                let stream = chain.read(streams.stream(id));
                let both = chain.read(streams.withdrawable(id)) + chain.read(streams.refundable(id));
                assert_eq!(both, stream.deposit - stream.withdrawn, "stream {id}");
                owed += both;
            }
            assert_eq!(chain.read(token.balance_of(streams.address())), owed);
        })
        .run(chain);
}
