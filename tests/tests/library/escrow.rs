//! Deals: who decides what when, and that every coin is somebody's, once.

use esker_escrow::{DealState, Error, EscrowHandle, Opened, Refunded, Released, Withdrawn};
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, Invariant, User};

/// Seconds until the buyer may take the price back.
const RUNS: u64 = 1_000;

fn number(value: u64) -> U256 {
    U256::from(value)
}

/// Withdraws once more while it is paid.
#[contract]
mod greedy {
    use super::*;

    #[storage]
    pub struct Greedy {
        refused: Cell<bool>,
    }

    impl Greedy {
        pub fn refund(&mut self, cx: &mut Context, escrow: Address) {
            EscrowHandle::at(escrow).refund(0).call(cx);
            EscrowHandle::at(escrow).withdraw(cx.address()).call(cx);
        }

        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            let again = EscrowHandle::from(cx.sender()).withdraw(cx.address()).try_call(cx);
            self.refused.set(again.is_err());
        }

        pub fn refused(&self) -> bool {
            self.refused.get()
        }
    }
}
use greedy::*;

/// Alice buys of bob for 100 wei; carol decides. And the deadline.
fn opened(chain: &mut Chain, alice: User, bob: User, carol: User) -> (EscrowHandle, u64) {
    let escrow = chain.deploy(alice, EscrowHandle::constructor());
    let deadline = chain.timestamp() + RUNS;
    let (price, id) = (number(100), 0);
    let terms = Opened { id, buyer: alice.into(), seller: bob.into(), arbiter: carol.into(), price, deadline };
    chain.send(alice, escrow.open(bob, carol, deadline).value(100)).returns(0).emits(terms);
    (escrow, deadline)
}

fn not_allowed(user: User) -> Error {
    Error::NotAllowed { id: 0, caller: user.into() }
}

#[esker_sdk::test]
fn the_buyer_releases_and_the_seller_is_paid_once(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (escrow, _) = opened(chain, alice, bob, carol);
    chain.send(bob, escrow.release(0)).reverts(not_allowed(bob));
    chain.send(alice, escrow.release(0)).emits(Released { id: 0, by: alice.into() });
    let decided = || Error::Decided { id: 0, state: DealState::Released };
    chain.send(alice, escrow.release(0)).reverts(decided());
    for user in [alice, bob, carol] {
        chain.send(user, escrow.refund(0)).reverts(decided());
    }
    assert_eq!(
        (chain.read(escrow.credit_of(bob)), chain.read(escrow.deal(0)).state),
        (number(100), DealState::Released)
    );
    let before = chain.balance(bob);
    let withdrawn = Withdrawn { account: bob.into(), to: bob.into(), amount: number(100) };
    chain.send(bob, escrow.withdraw(bob)).returns(100).emits(withdrawn);
    assert_eq!(chain.balance(bob) - before, 100);
    chain.send(bob, escrow.withdraw(bob)).reverts(Error::NothingDue { account: bob.into() });
    chain.send(alice, escrow.withdraw(alice)).reverts(Error::NothingDue { account: alice.into() });
}

#[esker_sdk::test]
fn the_arbiter_decides_either_way(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (escrow, deadline) = opened(chain, alice, bob, carol);
    chain.send(alice, escrow.open(bob, carol, deadline).value(30)).returns(1);
    chain.send(carol, escrow.release(0)).emits(Released { id: 0, by: carol.into() });
    chain.send(carol, escrow.refund(1)).emits(Refunded { id: 1, by: carol.into() });
    assert_eq!((chain.read(escrow.credit_of(bob)), chain.read(escrow.credit_of(alice))), (number(100), number(30)));
    assert_eq!((chain.read(escrow.credit_of(carol)), chain.read(escrow.count())), (U256::ZERO, 2));
}

#[esker_sdk::test]
fn the_price_goes_back_by_the_seller_or_late(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (escrow, deadline) = opened(chain, alice, bob, carol);
    chain.send(alice, escrow.open(bob, carol, deadline).value(30)).returns(1);
    chain.send(bob, escrow.refund(1)).emits(Refunded { id: 1, by: bob.into() });
    let dave = chain.user("dave");
    for user in [alice, dave] {
        chain.send(user, escrow.refund(0)).reverts(not_allowed(user));
    }
    chain.warp(deadline - 1);
    chain.send(alice, escrow.refund(0)).reverts(not_allowed(alice));
    chain.warp(deadline + 12);
    chain.send(dave, escrow.refund(0)).reverts(not_allowed(dave));
    chain.send(alice, escrow.refund(0)).emits(Refunded { id: 0, by: alice.into() });
    assert_eq!(chain.read(escrow.credit_of(alice)), 130);
    // To wherever the buyer wants it.
    let before = chain.balance(dave);
    chain.send(alice, escrow.withdraw(dave)).returns(130);
    assert_eq!((chain.balance(dave) - before, chain.balance(escrow.address())), (number(130), U256::ZERO));
}

#[esker_sdk::test]
fn a_buyer_may_release_late(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (escrow, deadline) = opened(chain, alice, bob, carol);
    chain.warp(deadline);
    chain.send(alice, escrow.release(0)).succeeds();
    assert_eq!(chain.read(escrow.credit_of(bob)), 100);
}

#[esker_sdk::test]
fn deals_that_make_no_sense_are_refused(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (escrow, deadline) = opened(chain, alice, bob, carol);
    let (a, b, c, nobody) = (alice.address, bob.address, carol.address, Address::ZERO);
    let past = chain.timestamp();
    let tries = [(a, c, deadline, 1), (b, a, deadline, 1), (b, b, deadline, 1), (nobody, c, deadline, 1)];
    let more = [(b, nobody, deadline, 1), (b, c, past, 1), (b, c, deadline, 0)];
    for (seller, arbiter, deadline, price) in tries.into_iter().chain(more) {
        chain.send(alice, escrow.open(seller, arbiter, deadline).value(number(price))).reverts(Error::InvalidTerms);
    }
    let none = || Error::NoDeal { id: 1 };
    chain.send(alice, escrow.release(1)).reverts(none());
    chain.send(alice, escrow.refund(1)).reverts(none());
    chain.try_read(escrow.deal(1)).reverts(none());
}

/// A seller who refuses coins cannot hold a deal, nor the buyer's next one.
#[esker_sdk::test]
fn a_seller_that_refuses_harms_itself(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (escrow, deadline) = opened(chain, alice, bob, carol);
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins"));
    chain.send(alice, escrow.open(grudge, carol, deadline).value(40)).returns(1);
    chain.send(alice, escrow.release(1)).succeeds();
    chain.send(grudge, escrow.withdraw(grudge)).reverts(Error::NotTaken { receiver: grudge });
    assert_eq!(chain.read(escrow.credit_of(grudge)), 40);
    chain.send(alice, escrow.release(0)).succeeds();
    chain.send(bob, escrow.withdraw(bob)).succeeds();
    chain.send(grudge, escrow.withdraw(carol)).succeeds();
    assert_eq!(chain.balance(escrow.address()), 0);
}

#[esker_sdk::test]
fn nobody_withdraws_twice_at_once(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let greedy = chain.deploy(bob, GreedyHandle::constructor());
    let escrow = chain.deploy(alice, EscrowHandle::constructor());
    let deadline = chain.timestamp() + RUNS;
    chain.deal(greedy.address(), number(10));
    chain.send(greedy.address(), escrow.open(bob, carol, deadline).value(10)).returns(0);
    chain.send(alice, escrow.open(bob, carol, deadline).value(100)).returns(1);
    chain.warp(deadline);
    chain.send(bob, greedy.refund(escrow.address())).succeeds();
    assert!(chain.read(greedy.refused()));
    assert_eq!((chain.balance(greedy.address()), chain.balance(escrow.address())), (number(10), number(100)));
}

/// Coins in the contract are those of open deals and those that are due to somebody.
#[esker_sdk::test]
fn every_coin_is_somebodys(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (escrow, _) = opened(chain, alice, bob, carol);
    let users = [alice, bob, carol];
    Invariant::new()
        .action("open", move |chain, draw| {
            let deadline = chain.timestamp() + draw.number(0..=500);
            let open = escrow.open(draw.pick(&users), draw.pick(&users), deadline);
            let _ = chain.send(draw.pick(&users), open.value(number(draw.number(0..=100))));
        })
        .action("release", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), escrow.release(draw.number(0..=4)));
        })
        .action("refund", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), escrow.refund(draw.number(0..=4)));
        })
        .action("withdraw", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), escrow.withdraw(draw.pick(&users)));
        })
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=200)))
        .check("the contract has what is open or due", move |chain| {
            let mut owed: U256 = users.iter().map(|user| chain.read(escrow.credit_of(*user))).sum();
            for id in 0..chain.read(escrow.count()) {
                let deal = chain.read(escrow.deal(id));
                owed += if deal.state == DealState::Open { deal.price } else { U256::ZERO };
            }
            assert_eq!(chain.balance(escrow.address()), owed);
        })
        .run(chain);
}
