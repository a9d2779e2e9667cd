//! The splitter: that everybody gets their part of all that came, and nobody more.

use esker_erc20::Erc20Handle;
use esker_payment_splitter::{
    PayeeAdded, PaymentReceived, PaymentReleased, PaymentSplitterHandle, TokenPaymentReleased,
};
use esker_sdk::{Panic, prelude::*};
use esker_sdk_test::{Answer, Chain, Invariant, Terms, User, log};

const REFUSED: &str = "Address: unable to send value, recipient may have reverted";
const NOT_DUE: &str = "PaymentSplitter: account is not due payment";

fn number(value: u64) -> U256 {
    U256::from(value)
}

/// Alice has one share of ten, bob two, carol seven.
fn deployed(chain: &mut Chain, alice: User, bob: User, carol: User) -> PaymentSplitterHandle {
    let payees = [alice.address, bob.address, carol.address];
    chain.deploy(alice, PaymentSplitterHandle::constructor(&payees, &[1, 2, 7].map(number)))
}

/// Takes its coins, and asks for them again while it does.
#[contract]
mod greedy {
    use super::*;

    #[storage]
    pub struct Greedy {
        pub refused: Cell<bool>,
    }

    impl Greedy {
        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            let again = PaymentSplitterHandle::from(cx.sender()).release(cx.address()).try_call(cx);
            self.refused.set(again.is_err());
        }

        pub fn was_refused(&self) -> bool {
            self.refused.get()
        }
    }
}
use greedy::*;

#[esker_sdk::test]
fn coins_are_divided_by_shares(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let payees = [alice.address, bob.address, carol.address];
    let constructor = PaymentSplitterHandle::constructor(&payees, &[1, 2, 7].map(number));
    let sent = chain.try_deploy(alice, constructor.paying(50));
    let splitter = PaymentSplitterHandle::at(sent.created().expect("it is deployed"));
    let added =
        |user: User, shares| log(splitter.address(), PayeeAdded { account: user.into(), shares: number(shares) });
    sent.emits_only([added(alice, 1), added(bob, 2), added(carol, 7)]);
    assert_eq!((chain.read(splitter.total_shares()), chain.read(splitter.shares(carol))), (number(10), number(7)));
    assert_eq!(chain.read(splitter.payee(2)), carol.address);
    chain.try_read(splitter.payee(3)).panics(Panic::IndexOutOfBounds);
    chain.try_read(splitter.payee(U256::MAX)).panics(Panic::IndexOutOfBounds);
    let received = PaymentReceived { from: bob.into(), amount: number(50) };
    chain.transfer(bob, splitter.address(), 50).emits(received);
    assert_eq!(chain.read(splitter.releasable(bob)), 20);
    let before = chain.balance(bob);
    // Whoever asks.
    chain.send(alice, splitter.release(bob)).emits(PaymentReleased { to: bob.into(), amount: number(20) });
    assert_eq!(chain.balance(bob) - before, 20);
    chain.send(alice, splitter.release(bob)).reverts_with_text(NOT_DUE);
    assert_eq!((chain.read(splitter.released(bob)), chain.read(splitter.total_released())), (number(20), number(20)));
    // What others took or left does not matter.
    chain.transfer(bob, splitter.address(), 100).succeeds();
    assert_eq!([alice, bob, carol].map(|user| chain.read(splitter.releasable(user))), [20, 20, 140].map(number));
}

#[esker_sdk::test]
fn tokens_are_divided_by_shares(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let splitter = deployed(chain, alice, bob, carol);
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 1_000));
    chain.send(bob, splitter.release_token(token.address(), bob)).reverts_with_text(NOT_DUE);
    chain.send(alice, token.transfer(splitter.address(), 99)).succeeds();
    assert_eq!(chain.read(splitter.releasable_token(token.address(), bob)), 19);
    let released = TokenPaymentReleased { token: token.address(), to: bob.into(), amount: number(19) };
    chain.send(alice, splitter.release_token(token.address(), bob)).emits(released);
    chain.send(alice, splitter.release_token(token.address(), bob)).reverts_with_text(NOT_DUE);
    assert_eq!((chain.read(token.balance_of(bob)), chain.read(splitter.releasable(bob))), (number(19), U256::ZERO));
    assert_eq!(chain.read(splitter.total_released_token(token.address())), 19);
    assert_eq!(chain.read(splitter.released_token(token.address(), bob)), 19);
    // One more makes it even: what was rounded down comes now.
    chain.send(alice, token.transfer(splitter.address(), 1)).succeeds();
    assert_eq!(chain.read(splitter.releasable_token(token.address(), bob)), 1);
}

#[esker_sdk::test]
fn payees_that_make_no_sense_are_refused(chain: &mut Chain, alice: User, bob: User) {
    let (one, nobody) = (U256::ONE, Address::ZERO);
    let tries: [(&[Address], &[U256], &str); 5] = [
        (&[alice.address], &[], "PaymentSplitter: payees and shares length mismatch"),
        (&[], &[], "PaymentSplitter: no payees"),
        (&[nobody], &[one], "PaymentSplitter: account is the zero address"),
        (&[alice.address, bob.address], &[one, U256::ZERO], "PaymentSplitter: shares are 0"),
        (&[alice.address, alice.address], &[one, one], "PaymentSplitter: account already has shares"),
    ];
    for (payees, shares, text) in tries {
        let constructor = PaymentSplitterHandle::constructor(payees, shares);
        chain.try_deploy(alice, constructor).reverts_with_text(text);
    }
    let too_many = PaymentSplitterHandle::constructor(&[alice.address, bob.address], &[U256::MAX, one]);
    chain.try_deploy(alice, too_many).panics(Panic::Overflow);
}

/// Shares that make a product of what came and them overflow: in the model nobody would ever be paid.
#[esker_sdk::test]
fn shares_as_large_as_can_be_freeze_nothing(chain: &mut Chain, alice: User, bob: User) {
    let (large, payees) = (U256::ONE << 253, [alice.address, bob.address]);
    let splitter = chain.deploy(alice, PaymentSplitterHandle::constructor(&payees, &[large * 3, large]));
    chain.transfer(alice, splitter.address(), 1_001).succeeds();
    for (user, amount) in [(bob, 250), (alice, 750)] {
        let paid = PaymentReleased { to: user.into(), amount: number(amount) };
        let nothing = chain.try_read(splitter.releasable(user)).returned();
        assert_eq!(nothing, number(amount));
        chain.send(user, splitter.release(user)).emits(paid);
    }
    assert_eq!(chain.balance(splitter.address()), 1);
}

#[esker_sdk::test]
fn strangers_have_no_shares(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let splitter = deployed(chain, alice, bob, carol);
    let dave = chain.user("dave");
    chain.transfer(alice, splitter.address(), 50).succeeds();
    chain.send(dave, splitter.release(dave)).reverts_with_text("PaymentSplitter: account has no shares");
    let tokens = splitter.release_token(alice, dave);
    chain.send(dave, tokens).reverts_with_text("PaymentSplitter: account has no shares");
}

/// A payee that refuses coins does not keep others from theirs, and has its own when it takes them.
#[esker_sdk::test]
fn a_payee_that_refuses_harms_itself(chain: &mut Chain, alice: User, bob: User) {
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins"));
    let constructor = PaymentSplitterHandle::constructor(&[grudge, bob.address], &[U256::ONE; 2]);
    let splitter = chain.deploy(alice, constructor);
    chain.transfer(alice, splitter.address(), 100).succeeds();
    chain.send(alice, splitter.release(grudge)).reverts_with_text(REFUSED);
    chain.send(bob, splitter.release(bob)).succeeds();
    assert_eq!((chain.balance(splitter.address()), chain.read(splitter.releasable(grudge))), (number(50), number(50)));
}

#[esker_sdk::test]
fn a_payee_cannot_enter_again(chain: &mut Chain, alice: User, bob: User) {
    let greedy = chain.deploy(alice, GreedyHandle::constructor());
    let constructor = PaymentSplitterHandle::constructor(&[greedy.address(), bob.address], &[U256::ONE; 2]);
    let splitter = chain.deploy(alice, constructor);
    chain.transfer(alice, splitter.address(), 100).succeeds();
    chain.send(bob, splitter.release(greedy.address())).succeeds();
    assert!(chain.read(greedy.was_refused()));
    assert_eq!((chain.balance(greedy.address()), chain.balance(splitter.address())), (number(50), number(50)));
}

/// What came is with the payees or still there, and nobody has more than their part, whatever happens in whatever order.
#[esker_sdk::test]
fn everybody_has_at_most_their_part(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let splitter = deployed(chain, alice, bob, carol);
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 1_000_000));
    let at = token.address();
    Invariant::new()
        .action("coins come", move |chain, draw| {
            let _ = chain.transfer(draw.pick(&users), splitter.address(), number(draw.number(0..=100)));
        })
        .action("tokens come", move |chain, draw| {
            let _ = chain.send(alice, token.transfer(splitter.address(), number(draw.number(0..=100))));
        })
        .action("release", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), splitter.release(draw.pick(&users)));
        })
        .action("release tokens", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), splitter.release_token(at, draw.pick(&users)));
        })
        .check("parts add up", move |chain| {
            let coins = (chain.balance(splitter.address()), chain.read(splitter.total_released()));
            let tokens =
                (chain.read(token.balance_of(splitter.address())), chain.read(splitter.total_released_token(at)));
            let mut released = (U256::ZERO, U256::ZERO);
            for user in users {
                let shares = chain.read(splitter.shares(user));
                let has = (chain.read(splitter.released(user)), chain.read(splitter.released_token(at, user)));
                assert!(has.0 * 10 <= (coins.0 + coins.1) * shares, "more coins than a part");
                assert!(has.1 * 10 <= (tokens.0 + tokens.1) * shares, "more tokens than a part");
                released = (released.0 + has.0, released.1 + has.1);
            }
            assert_eq!(released, (coins.1, tokens.1));
        })
        .check("what is due is there", move |chain| {
            let due: U256 = users.iter().map(|user| chain.read(splitter.releasable(*user))).sum();
            let balance = chain.balance(splitter.address());
            assert!(due <= balance && balance - due < 3, "{due} of {balance}");
        })
        .run(chain);
}
