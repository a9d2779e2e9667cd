//! A price feed: whose word counts for how long, and that a minority moves nothing.

use esker_erc20::Erc20Handle;
use esker_lending_pool::LendingPoolHandle;
use esker_price_feed::{Error, PriceFeedHandle, Report, Reported, ReporterAdded, ReporterRemoved};
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Invariant, User};

/// Seconds that a report counts.
const LIFETIME: u64 = 600;

fn user(number: u8) -> User {
    User { address: Address::repeat_byte(number) }
}

/// A feed of alice's with `count` reporters, from user 1 on.
fn feed(chain: &mut Chain, alice: User, count: u8) -> PriceFeedHandle {
    let feed = chain.deploy(alice, PriceFeedHandle::constructor(alice, LIFETIME));
    for number in 1..=count {
        let reporter = user(number).into();
        chain.send(alice, feed.add_reporter(user(number))).succeeds().emits(ReporterAdded { reporter });
    }
    feed
}

fn said(chain: &mut Chain, feed: PriceFeedHandle, number: u8, price: u64) {
    let (reporter, price) = (user(number).into(), U256::from(price));
    chain.send(user(number), feed.report(price)).succeeds().emits(Reported { reporter, price });
}

#[esker_sdk::test]
fn the_price_is_the_median_and_as_old_as_the_oldest_report(chain: &mut Chain, alice: User) {
    let feed = feed(chain, alice, 4);
    chain.try_read(feed.price()).reverts(Error::TooFewReports { fresh: 0, needed: 3 });
    said(chain, feed, 1, 40);
    chain.pass(10);
    said(chain, feed, 2, 10);
    chain.try_read(feed.price()).reverts(Error::TooFewReports { fresh: 2, needed: 3 });
    said(chain, feed, 3, 30);
    let (price, updated_at) = chain.read(feed.price());
    assert_eq!(price, 30);
    assert_eq!(updated_at, chain.read(feed.report_of(user(1))).updated_at);
    assert!(updated_at < chain.read(feed.report_of(user(3))).updated_at);
    // Of two in the middle it is the lower one.
    said(chain, feed, 4, 20);
    assert_eq!(chain.read(feed.price()).0, 20);
    // The last word counts.
    said(chain, feed, 2, 50);
    assert_eq!(chain.read(feed.price()).0, 30);
    assert_eq!(chain.read(feed.report_of(user(2))).price.get(), 50);
}

#[esker_sdk::test]
fn reports_grow_old(chain: &mut Chain, alice: User) {
    let feed = feed(chain, alice, 3);
    said(chain, feed, 1, 10);
    let first = chain.read(feed.report_of(user(1))).updated_at;
    said(chain, feed, 2, 20);
    chain.warp(first + LIFETIME);
    assert_eq!(chain.read(feed.price()), (U256::from(10), first));
    chain.warp(first + LIFETIME + 1);
    let fresh = u64::from(chain.read(feed.report_of(user(2))).updated_at > first);
    chain.try_read(feed.price()).reverts(Error::TooFewReports { fresh, needed: 2 });
    said(chain, feed, 1, 11);
    said(chain, feed, 3, 12);
    assert!((11..=12).contains(&chain.read(feed.price()).0.to_u64().unwrap_or_default()));
}

#[esker_sdk::test]
fn only_who_may_reports_and_only_what_can_be_kept(chain: &mut Chain, alice: User, bob: User) {
    let feed = feed(chain, alice, 1);
    let caller = bob.into();
    chain.send(bob, feed.report(1)).reverts(Error::NotReporter { caller });
    chain.send(alice, feed.report(1)).reverts(Error::NotReporter { caller: alice.into() });
    let owner_only = || esker_components::access::ownable::Error::OwnableUnauthorizedAccount { account: caller };
    chain.send(bob, feed.add_reporter(bob)).reverts(owner_only());
    chain.send(bob, feed.remove_reporter(user(1))).reverts(owner_only());
    chain.send(alice, feed.add_reporter(user(1))).reverts(Error::ReporterThere { reporter: user(1).into() });
    chain.send(alice, feed.remove_reporter(bob)).reverts(Error::NotReporter { caller });
    for price in [U256::ZERO, U256::ONE << 192, U256::MAX] {
        chain.send(user(1), feed.report(price)).reverts(Error::InvalidPrice { price });
    }
    let most = (U256::ONE << 192) - 1;
    chain.send(user(1), feed.report(most)).succeeds();
    assert_eq!(chain.read(feed.price()).0, most);
}

#[esker_sdk::test]
fn a_feed_has_a_lifetime_and_an_owner(chain: &mut Chain, alice: User) {
    chain.try_deploy(alice, PriceFeedHandle::constructor(alice, 0)).reverts(Error::InvalidLifetime);
    let nobody = esker_components::access::ownable::Error::OwnableInvalidOwner { owner: Address::ZERO };
    chain.try_deploy(alice, PriceFeedHandle::constructor(Address::ZERO, 1)).reverts(nobody);
}

#[esker_sdk::test]
fn there_are_fifteen_reporters_at_most_and_a_price_costs_a_bounded_gas(chain: &mut Chain, alice: User) {
    let feed = feed(chain, alice, 15);
    chain.send(alice, feed.add_reporter(user(16))).reverts(Error::TooManyReporters);
    // From dear to cheap, which is what sorting has most to do with.
    for number in 1..=15 {
        said(chain, feed, number, 100 - u64::from(number));
    }
    assert_eq!(chain.read(feed.price()).0, 92);
    let asked = chain.send(alice, feed.price()).succeeds().gas_used();
    assert!(asked < 200_000, "{asked}");
    // One goes, another comes.
    chain.send(alice, feed.remove_reporter(user(1))).succeeds().emits(ReporterRemoved { reporter: user(1).into() });
    chain.send(alice, feed.add_reporter(user(16))).succeeds();
    assert_eq!(chain.read(feed.reporters()).len(), 15);
}

#[esker_sdk::test]
fn what_a_reporter_said_goes_with_it(chain: &mut Chain, alice: User) {
    let feed = feed(chain, alice, 3);
    for (number, price) in [(1, 10), (2, 20), (3, 30)] {
        said(chain, feed, number, price);
    }
    chain.send(alice, feed.remove_reporter(user(1))).succeeds();
    chain.send(user(1), feed.report(1)).reverts(Error::NotReporter { caller: user(1).into() });
    assert_eq!(chain.read(feed.reporters()), [user(3).address, user(2).address]);
    // Who comes back has said nothing yet.
    chain.send(alice, feed.add_reporter(user(1))).succeeds();
    assert_eq!(chain.read(feed.report_of(user(1))), Report { price: Uint::default(), updated_at: 0 });
    assert_eq!(chain.read(feed.price()).0, 20);
    // The places are right: all can be taken away in any order.
    for number in [2, 3, 1] {
        chain.send(alice, feed.remove_reporter(user(number))).succeeds();
    }
    chain.try_read(feed.price()).reverts(Error::TooFewReports { fresh: 0, needed: 1 });
}

#[esker_sdk::test]
fn a_minority_cannot_leave_the_range_of_the_honest(chain: &mut Chain, alice: User) {
    let feed = feed(chain, alice, 5);
    Invariant::new()
        .before(|chain| {
            for number in 1..=5 {
                said(chain, feed, number, 1_000 + u64::from(number));
            }
        })
        .action("honest report", |chain, draw| {
            let (number, price) = (draw.number(1..=3) as u8, draw.number(900..=1_100));
            said(chain, feed, number, price);
        })
        .action("lie", |chain, draw| {
            let (number, price) = (draw.number(4..=5) as u8, U256::from(draw.any()) + 1);
            let _ = chain.send(user(number), feed.report(price));
        })
        .check("between the honest", |chain| {
            let honest = [1, 2, 3].map(|number| chain.read(feed.report_of(user(number))).price.get());
            let (price, _) = chain.read(feed.price());
            assert!(honest.iter().any(|told| *told <= price) && honest.iter().any(|told| *told >= price), "{price}");
        })
        .run(chain);
}

/// The lending pool takes it for its oracle, and stops borrowers when reporters sleep.
#[esker_sdk::test]
fn a_lending_pool_borrows_by_it(chain: &mut Chain, alice: User, bob: User) {
    let feed = feed(chain, alice, 3);
    let token = |chain: &mut Chain| chain.deploy(alice, Erc20Handle::constructor("T", "T", U256::from(1_000_000)));
    let (asset, collateral) = (token(chain), token(chain));
    let pool = LendingPoolHandle::constructor(asset.address(), collateral.address(), feed.address(), alice);
    let pool = chain.deploy(alice, pool);
    for (token, by) in [(asset, alice), (collateral, bob)] {
        if by == bob {
            chain.send(alice, token.transfer(bob, 1_000)).succeeds();
        }
        chain.send(by, token.approve(pool.address(), U256::MAX)).succeeds();
    }
    chain.send(alice, pool.supply(10_000)).succeeds();
    chain.send(bob, pool.add_collateral(1_000)).succeeds();
    let two = u256!("2e36");
    chain.send(bob, pool.borrow(1_000)).reverts(Error::TooFewReports { fresh: 0, needed: 2 });
    for number in 1..=2 {
        chain.send(user(number), feed.report(two)).succeeds();
    }
    // 1,000 of the collateral are worth 2,000 of the asset, three quarters of which may be borrowed.
    chain.send(bob, pool.borrow(1_500)).succeeds();
    chain.pass(LIFETIME + 1);
    assert_eq!(chain.read(asset.balance_of(bob)), 1_500);
    chain.send(bob, pool.borrow(1)).reverts(Error::TooFewReports { fresh: 0, needed: 2 });
    chain.send(bob, asset.approve(pool.address(), U256::MAX)).succeeds();
    chain.send(bob, pool.repay(bob, 500)).succeeds();
}
