//! Campaigns: who may do what when, and that every coin is somebody's.

use esker_crowdfunding::{CrowdfundingHandle, Error, Launched, PaidOut, Pledged, TakenBack};
use esker_sdk::{Address, U256};
use esker_sdk_test::{Answer, Chain, Draw, Invariant, User};

/// Seconds that a campaign runs.
const RUNS: u64 = 1_000;

fn deployed(chain: &mut Chain, by: User) -> CrowdfundingHandle {
    chain.deploy(by, CrowdfundingHandle::constructor())
}

/// A campaign with a goal of 100 wei, and its deadline.
fn launched(chain: &mut Chain, by: User) -> (CrowdfundingHandle, u64) {
    let funds = deployed(chain, by);
    let deadline = chain.timestamp() + RUNS;
    chain.send(by, funds.launch(100, deadline)).returns(0);
    (funds, deadline)
}

#[esker_sdk::test]
fn a_goal_that_is_reached_is_paid_out_once(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let funds = deployed(chain, alice);
    let deadline = chain.timestamp() + RUNS;
    let terms = Launched { id: 0, creator: alice.into(), goal: U256::from(100), deadline };
    chain.send(alice, funds.launch(100, deadline)).emits(terms).returns(0);
    let pledged = Pledged { id: 0, by: bob.into(), amount: U256::from(60) };
    chain.send(bob, funds.pledge(0).value(60)).emits(pledged);
    chain.send(carol, funds.pledge(0).value(50)).succeeds();
    chain.send(carol, funds.unpledge(0, 10)).emits(TakenBack { id: 0, by: carol.into(), amount: U256::from(10) });
    chain.send(alice, funds.claim(0)).reverts(Error::NotEnded { deadline });
    chain.warp(deadline);
    let ended = || Error::Ended { deadline };
    chain.send(bob, funds.pledge(0).value(1)).reverts(ended());
    chain.send(bob, funds.unpledge(0, 1)).reverts(ended());
    let (goal, all) = (U256::from(100), U256::from(100));
    chain.send(bob, funds.refund(0)).reverts(Error::Reached { goal, pledged: all });
    chain.send(bob, funds.claim(0)).reverts(Error::NotCreator { caller: bob.into() });
    let before = chain.balance(alice);
    chain.send(alice, funds.claim(0)).emits(PaidOut { id: 0, amount: all });
    assert_eq!(chain.balance(alice) - before, 100);
    chain.send(alice, funds.claim(0)).reverts(Error::AlreadyPaid { id: 0 });
    assert_eq!(chain.balance(funds.address()), 0);
}

#[esker_sdk::test]
fn a_goal_that_is_missed_gives_everybody_theirs_once(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (funds, deadline) = launched(chain, alice);
    chain.send(bob, funds.pledge(0).value(60)).succeeds();
    chain.send(carol, funds.pledge(0).value(39)).succeeds();
    chain.send(bob, funds.refund(0)).reverts(Error::NotEnded { deadline });
    chain.warp(deadline);
    let (goal, pledged) = (U256::from(100), U256::from(99));
    chain.send(alice, funds.claim(0)).reverts(Error::Missed { goal, pledged });
    for (user, gave) in [(bob, 60), (carol, 39)] {
        let before = chain.balance(user);
        chain.send(user, funds.refund(0)).succeeds();
        assert_eq!(chain.balance(user) - before, gave);
        chain.send(user, funds.refund(0)).emits(TakenBack { id: 0, by: user.into(), amount: U256::ZERO });
    }
    assert_eq!(chain.balance(funds.address()), 0);
}

#[esker_sdk::test]
fn terms_that_make_no_sense_and_campaigns_that_are_none_are_refused(chain: &mut Chain, alice: User) {
    let (funds, deadline) = launched(chain, alice);
    let refused = |goal, deadline| Error::InvalidTerms { goal, deadline };
    chain.send(alice, funds.launch(0, deadline)).reverts(refused(U256::ZERO, deadline));
    let past = chain.timestamp();
    chain.send(alice, funds.launch(1, past)).reverts(refused(U256::ONE, past));
    let none = || Error::NoCampaign { id: 1 };
    chain.send(alice, funds.pledge(1)).reverts(none());
    chain.send(alice, funds.claim(1)).reverts(none());
    chain.send(alice, funds.refund(1)).reverts(none());
    chain.send(alice, funds.unpledge(1, 1)).reverts(none());
    chain.try_read(funds.campaign(7)).reverts(Error::NoCampaign { id: 7 });
    let more = Error::TooLittle { pledged: U256::ZERO, amount: U256::ONE };
    chain.send(alice, funds.unpledge(0, 1)).reverts(more);
}

/// A giver that refuses coins loses nobody's but its own, and one that calls back gains nothing.
#[esker_sdk::test]
fn a_giver_that_misbehaves_harms_nobody(chain: &mut Chain, alice: User, bob: User) {
    let (funds, deadline) = launched(chain, alice);
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins"));
    chain.deal(grudge, 10);
    chain.send(grudge, funds.pledge(0).value(10)).succeeds();
    chain.send(bob, funds.pledge(0).value(20)).succeeds();
    chain.warp(deadline);
    chain.send(grudge, funds.refund(0)).reverts(Error::NotTaken { receiver: grudge });
    chain.send(bob, funds.refund(0)).succeeds();
    assert_eq!(chain.balance(funds.address()), 10);
    assert_eq!(chain.read(funds.pledge_of(0, grudge)), 10);
}

fn wei(draw: &mut Draw, most: u64) -> U256 {
    U256::from(draw.number(0..=most))
}

/// Coins in the contract are at all times what is pledged to campaigns that were not paid out.
#[esker_sdk::test]
fn every_coin_is_somebodys(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (funds, _) = launched(chain, alice);
    let users = [alice, bob, carol];
    Invariant::new()
        .action("launch", move |chain, draw| {
            let deadline = chain.timestamp() + draw.number(0..=200);
            let _ = chain.send(draw.pick(&users), funds.launch(wei(draw, 200), deadline));
        })
        .action("pledge", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), funds.pledge(draw.number(0..=3)).value(wei(draw, 150)));
        })
        .action("unpledge", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), funds.unpledge(draw.number(0..=3), wei(draw, 150)));
        })
        .action("claim", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), funds.claim(draw.number(0..=3)));
        })
        .action("refund", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), funds.refund(draw.number(0..=3)));
        })
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=400)))
        .check("the contract has what is pledged", move |chain| {
            let mut owed = U256::ZERO;
            for id in 0..chain.read(funds.count()) {
                let campaign = chain.read(funds.campaign(id));
                let of_users: U256 = users.iter().map(|user| chain.read(funds.pledge_of(id, user.address))).sum();
                assert_eq!(of_users, campaign.pledged, "campaign {id}");
                owed += if campaign.is_paid { U256::ZERO } else { campaign.pledged };
            }
            assert_eq!(chain.balance(funds.address()), owed);
        })
        .run(chain);
}
