//! The market by its rules.

use super::fair::*;
use esker_components::tokens::erc1155::{Error as TokenError, IErc1155Handle};
use esker_erc20::{Erc20Handle, Error as CollateralError};
use esker_prediction_market::{
    ConditionResolution, Error, FPMMBuy, FPMMFundingAdded, FPMMFundingRemoved, FPMMSell, NO, Outcome, PayoutRedemption,
    PositionSplit, PositionsMerge, PredictionMarketHandle, SHARE, YES,
};
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, User};

#[esker_sdk::test]
fn a_market_says_what_it_is(chain: &mut Chain, alice: User) {
    let fair @ Fair { market, .. } = Fair::new(chain, &[alice]);
    assert_eq!(chain.read(market.question()), QUESTION);
    assert_eq!(chain.read(market.collateral()), fair.gold.address());
    assert_eq!(chain.read(market.resolver()), RESOLVER);
    assert_eq!((chain.read(market.closes_at()), chain.read(market.resolve_by())), (fair.closes_at, fair.resolve_by));
    assert_eq!(chain.read(market.outcome()), Outcome::Open);
    assert_eq!(chain.read(market.fee()), u256!("0.02e18"));
    assert!(chain.read(market.supports_interface(IErc1155Handle::INTERFACE_ID)));
    let now = chain.timestamp() + 100;
    for (closes_at, resolve_by) in
        [(now, now + 1), (now + 1, now + 1), (now + 2, now + 1), (0, 0), (u64::MAX, u64::MAX)]
    {
        chain.warp(now);
        let terms = PredictionMarketHandle::constructor(fair.gold.address(), RESOLVER, "", closes_at, resolve_by);
        chain.try_deploy(alice, terms).reverts(Error::InvalidTerms { closes_at, resolve_by });
    }
    let terms = PredictionMarketHandle::constructor(fair.gold.address(), RESOLVER, "", u64::MAX - 1, u64::MAX);
    chain.deploy(alice, terms);
}

#[esker_sdk::test]
fn collateral_is_split_and_merged(chain: &mut Chain, alice: User, bob: User) {
    let fair @ Fair { gold, market, .. } = Fair::new(chain, &[alice, bob]);
    let stakeholder = bob.address;
    let split = PositionSplit { stakeholder, amount: number(100) };
    chain.send(bob, market.split(100)).emits_from(market.address(), split);
    assert_eq!(fair.of_user(chain, bob), numbers(100, 100, 0));
    assert_eq!((fair.held(chain), fair.gold_of(chain, bob)), (number(100), number(999_900)));
    // It takes both.
    chain.send(bob, market.safe_transfer_from(bob, alice, NO, 30, &[])).succeeds();
    chain.send(bob, market.merge(71)).reverts(too_few(bob, NO, 70, 71));
    chain.send(alice, market.merge(30)).reverts(too_few(alice, YES, 0, 30));
    let merged = PositionsMerge { stakeholder, amount: number(70) };
    chain.send(bob, market.merge(70)).emits_from(market.address(), merged);
    assert_eq!(fair.of_user(chain, bob), numbers(0, 30, 0));
    chain.send(bob, market.split(0)).succeeds();
    chain.send(bob, market.merge(0)).succeeds();
    chain.send(bob, market.split(1_000_000)).error::<CollateralError>();
    chain.send(alice, gold.approve(market.address(), 5)).succeeds();
    chain.send(alice, market.split(6)).error::<CollateralError>();
    assert_eq!(fair.held(chain), 30);
}

#[esker_sdk::test]
fn trades_move_the_price_and_cost_two_percent(chain: &mut Chain, alice: User, bob: User) {
    let fair @ Fair { market, .. } = Fair::new(chain, &[alice, bob]);
    chain.send(alice, market.add_funding(10_000)).returns(10_000);
    assert_eq!(chain.read(market.reserves()), (number(10_000), number(10_000)));
    // 980 make as many of both. The pool keeps No, and gives Yes until the product is again what it was: 10,980 No and
    // 9,108 Yes, and the 20 of either on top.
    assert_eq!(chain.read(market.calc_buy_amount(1, number(1_000))), 1_872);
    let bought = FPMMBuy {
        buyer: bob.address,
        investment_amount: number(1_000),
        fee_amount: number(20),
        outcome_index: YES,
        outcome_tokens_bought: number(1_872),
    };
    chain.send(bob, market.buy(1, 1_000, 1_872)).emits_from(market.address(), bought).returns(1_872);
    assert_eq!(chain.read(market.reserves()), (number(11_000), number(9_128)));
    assert_eq!(fair.of_user(chain, bob), numbers(0, 1_872, 0));
    assert_eq!(fair.held(chain), 11_000);
    // 500 are 98 % of 511, which are taken of both: 10,489 No and 9,573 Yes keep the product.
    assert_eq!(chain.read(market.calc_sell_amount(1, number(500))), 956);
    let sold = FPMMSell {
        seller: bob.address,
        return_amount: number(500),
        fee_amount: number(11),
        outcome_index: YES,
        outcome_tokens_sold: number(956),
    };
    chain.send(bob, market.sell(1, 500, 956)).emits_from(market.address(), sold).returns(956);
    assert_eq!(chain.read(market.reserves()), (number(10_500), number(9_584)));
    assert_eq!(fair.of_user(chain, bob), numbers(0, 916, 0));
    assert_eq!((fair.held(chain), fair.gold_of(chain, bob)), (number(10_500), number(999_500)));
    // The other one is the cheaper for it.
    let (no, yes) = [0, 1].map(|outcome| chain.read(market.calc_buy_amount(outcome, number(1_000)))).into();
    assert!(no > yes);
    // More than the pool has of the other position it cannot merge.
    let reserve = number(10_500);
    let short = |needed| Error::InsufficientReserve { reserve, needed: number(needed) };
    chain.try_read(market.calc_sell_amount(1, number(10_290))).reverts(short(10_500));
    chain.send(bob, market.sell(1, 10_500, U256::MAX)).reverts(short(10_715));
    chain.send(bob, market.sell(1, 1_000, U256::MAX)).error::<TokenError>();
}

#[esker_sdk::test]
fn what_makes_no_sense_is_refused(chain: &mut Chain, alice: User, bob: User) {
    let Fair { market, .. } = Fair::new(chain, &[alice, bob]);
    chain.send(bob, market.buy(1, 10, 0)).reverts(Error::NoFunding);
    chain.send(bob, market.sell(0, 10, 100)).reverts(Error::NoFunding);
    chain.send(bob, market.add_funding(0)).reverts(Error::NothingMoved);
    chain.send(bob, market.remove_funding(0)).reverts(Error::NothingMoved);
    chain.send(bob, market.remove_funding(1)).reverts(too_few(bob, SHARE, 0, 1));
    chain.send(alice, market.add_funding(1_000)).succeeds();
    for outcome_id in [2, u8::MAX] {
        let none = || Error::NoSuchOutcome { outcome_id };
        chain.send(bob, market.buy(outcome_id, 10, 0)).reverts(none());
        chain.send(bob, market.sell(outcome_id, 10, 10)).reverts(none());
        chain.try_read(market.calc_buy_amount(outcome_id, U256::ONE)).reverts(none());
        chain.try_read(market.calc_sell_amount(outcome_id, U256::ONE)).reverts(none());
    }
    // One unit is all fee.
    for investment in [0, 1] {
        chain.send(bob, market.buy(0, investment, 0)).reverts(Error::NothingMoved);
    }
    chain.send(bob, market.sell(0, 0, 0)).reverts(Error::NothingMoved);
    chain.send(bob, market.sell(0, 1, 100)).error::<TokenError>();
    chain.send(bob, market.remove_funding(1)).reverts(too_few(bob, SHARE, 0, 1));
    chain.send(alice, market.remove_funding(1_001)).reverts(too_few(alice, SHARE, 1_000, 1_001));
}

/// At the very second: trading ends, the answer may come, and it is too late for it.
#[esker_sdk::test]
fn everything_has_its_time(chain: &mut Chain, alice: User, bob: User) {
    let fair @ Fair { market, closes_at, resolve_by, .. } = Fair::new(chain, &[alice, bob]);
    chain.send(alice, market.add_funding(10_000)).succeeds();
    chain.send(bob, market.redeem()).reverts(Error::NotResolved);
    let begun = chain.snapshot();
    chain.warp(closes_at - 1);
    chain.send(RESOLVER, market.resolve(true)).reverts(Error::NotClosed { closes_at });
    chain.restore(&begun);
    chain.warp(closes_at - 1);
    chain.send(bob, market.buy(1, 1_000, 0)).succeeds();
    let open = chain.snapshot();
    let closed = || Error::Closed { closes_at };
    chain.send(bob, market.buy(1, 1_000, 0)).reverts(closed());
    chain.send(bob, market.sell(1, 1, 10)).reverts(closed());
    chain.send(bob, market.add_funding(1)).reverts(closed());
    chain.send(bob, market.void()).reverts(Error::NotTooLate { resolve_by });
    chain.send(bob, market.resolve(true)).reverts(Error::NotResolver { caller: bob.address });
    chain.restore(&begun);
    chain.warp(closes_at);
    chain.send(bob, market.buy(1, 1_000, 0)).reverts(closed());
    chain.restore(&begun);
    chain.warp(closes_at);
    let outcome = Outcome::No;
    chain.send(RESOLVER, market.resolve(false)).emits_from(market.address(), ConditionResolution { outcome });
    for yes in [false, true] {
        chain.send(RESOLVER, market.resolve(yes)).reverts(Error::AlreadyResolved { outcome });
    }
    chain.warp(resolve_by);
    chain.send(bob, market.void()).reverts(Error::AlreadyResolved { outcome });
    // In the last second, and one too late.
    chain.restore(&open);
    chain.warp(resolve_by - 1);
    chain.send(RESOLVER, market.resolve(true)).succeeds();
    chain.restore(&open);
    chain.warp(resolve_by - 1);
    chain.send(bob, market.void()).reverts(Error::NotTooLate { resolve_by });
    chain.restore(&open);
    chain.warp(resolve_by);
    chain.send(RESOLVER, market.resolve(true)).reverts(Error::TooLate { resolve_by });
    let outcome = Outcome::Invalid;
    chain.send(bob, market.void()).emits_from(market.address(), ConditionResolution { outcome });
    chain.send(bob, market.void()).reverts(Error::AlreadyResolved { outcome });
    assert_eq!(chain.read(market.outcome()), outcome);
    assert_eq!(fair.held(chain), 11_000);
}

#[esker_sdk::test]
fn who_is_right_has_the_collateral(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let fair @ Fair { market, .. } = Fair::new(chain, &[alice, bob, carol]);
    chain.send(alice, market.add_funding(10_000)).succeeds();
    chain.send(bob, market.buy(1, 1_000, 0)).returns(1_872);
    chain.send(carol, market.buy(0, 1_000, 0)).succeeds();
    chain.send(carol, market.split(50)).succeeds();
    fair.resolve(chain, true);
    let redeemed = PayoutRedemption { redeemer: bob.address, payout: number(1_872) };
    chain.send(bob, market.redeem()).emits_from(market.address(), redeemed).returns(1_872);
    chain.send(bob, market.redeem()).reverts(Error::NothingMoved);
    // Sets still merge, and what is left of them redeems.
    chain.send(carol, market.merge(20)).succeeds();
    chain.send(carol, market.redeem()).returns(30);
    assert_eq!(fair.of_user(chain, carol), numbers(0, 0, 0));
    chain.send(carol, market.redeem()).reverts(Error::NothingMoved);
    // What the traders lost is the provider's.
    let (_, yes) = chain.send(alice, market.remove_funding(10_000)).succeeds().returned();
    chain.send(alice, market.redeem()).returns(yes);
    assert_eq!(fair.held(chain), 0);
}

#[esker_sdk::test]
fn without_an_answer_each_position_is_worth_half(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let fair @ Fair { market, .. } = Fair::new(chain, &[alice, bob, carol]);
    chain.send(alice, market.split(101)).succeeds();
    chain.send(alice, market.safe_transfer_from(alice, bob, YES, 100, &[])).succeeds();
    chain.send(alice, market.safe_transfer_from(alice, carol, YES, 1, &[])).succeeds();
    chain.warp(fair.resolve_by);
    chain.send(carol, market.void()).succeeds();
    // Half of one is nothing, and it is not taken for that.
    chain.send(carol, market.redeem()).reverts(Error::NothingMoved);
    chain.send(bob, market.redeem()).returns(50);
    chain.send(alice, market.safe_transfer_from(alice, carol, NO, 2, &[])).succeeds();
    // A set is a whole one, and half of the other No is nothing.
    chain.send(carol, market.redeem()).returns(1);
    chain.send(alice, market.redeem()).returns(49);
    assert_eq!(fair.held(chain), 1);
}

#[esker_sdk::test]
fn fees_are_the_providers_by_their_shares(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let fair @ Fair { market, .. } = Fair::new(chain, &[alice, bob, carol]);
    let market_is = market.address();
    let added = |funder: User, no, yes, shares| FPMMFundingAdded {
        funder: funder.address,
        amounts_added: vec![number(no), number(yes)],
        shares_minted: number(shares),
    };
    chain.send(alice, market.add_funding(30_000)).emits_from(market_is, added(alice, 30_000, 30_000, 30_000));
    chain.send(bob, market.add_funding(10_000)).emits_from(market_is, added(bob, 10_000, 10_000, 10_000));
    for _ in 0..10 {
        let tokens = chain.send(carol, market.buy(1, 10_000, 0)).succeeds().returned();
        let mut returned = number(9_800);
        while chain.read(market.calc_sell_amount(1, returned)) > tokens {
            returned -= 1;
        }
        chain.send(carol, market.sell(1, returned, tokens)).succeeds();
    }
    // Carol came and went ten times, and left about 4 % of 10,000 each time; the providers have it, three parts to one.
    let lost = number(1_000_000) - fair.gold_of(chain, carol);
    assert!((number(3_950)..=number(4_050)).contains(&lost), "{lost}");
    let [of_alice, of_bob] = [alice, bob].map(|user| {
        let before = fair.gold_of(chain, user) + if user.address == alice.address { 30_000 } else { 10_000 };
        fair.leave(chain, user) - before
    });
    assert!(of_alice.abs_diff(of_bob * 3) <= 20, "{of_alice} and {of_bob}");
    let (no, yes, _) = fair.of_user(chain, carol);
    let left = fair.of_user(chain, alice).0 + fair.of_user(chain, alice).1;
    assert!(no + yes <= 20 && left <= 40, "{no}, {yes}, {left}");
    assert!(lost - of_alice - of_bob <= 60, "{lost} = {of_alice} + {of_bob}");
}

/// Who adds at uneven odds gets back what the reserves do not need, and what it put in when it leaves at once.
#[esker_sdk::test]
fn funds_are_added_in_proportion(chain: &mut Chain, alice: User, bob: User) {
    let fair @ Fair { market, .. } = Fair::new(chain, &[alice, bob]);
    chain.send(alice, market.add_funding(10_000)).succeeds();
    chain.send(alice, market.buy(1, 10_000, 0)).succeeds();
    // 10,200 - 4,849 = 5,251 Yes and 20,000 No.
    assert_eq!(chain.read(market.reserves()), (number(20_000), number(5_251)));
    let added = FPMMFundingAdded {
        funder: bob.address,
        amounts_added: vec![number(1_000), number(263)],
        shares_minted: number(500),
    };
    chain.send(bob, market.add_funding(1_001)).emits_from(market.address(), added).returns(500);
    assert_eq!(fair.of_user(chain, bob), numbers(0, 737, 500));
    assert_eq!(fair.gold_of(chain, bob), 999_000, "and not one more than the shares cost");
    let removed = FPMMFundingRemoved {
        funder: bob.address,
        amounts_removed: vec![number(1_000), number(262)],
        shares_burnt: number(500),
    };
    chain.send(bob, market.remove_funding(500)).emits_from(market.address(), removed);
    assert_eq!(fair.of_user(chain, bob), numbers(1_000, 999, 0));
}

/// Without providers nobody trades; positions keep their worth, and the next provider begins anew.
#[esker_sdk::test]
fn the_last_provider_may_leave(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let fair @ Fair { market, .. } = Fair::new(chain, &[alice, bob, carol]);
    chain.send(alice, market.add_funding(10_000)).succeeds();
    chain.send(bob, market.buy(1, 1_000, 0)).returns(1_872);
    let (no, yes) = chain.read(market.reserves());
    chain.send(alice, market.remove_funding(10_000)).returns((no, yes));
    assert_eq!(chain.read(market.reserves()), (U256::ZERO, U256::ZERO));
    assert_eq!(chain.read(market.total_shares()), 0);
    chain.send(bob, market.sell(1, 1, 10)).reverts(Error::NoFunding);
    chain.send(bob, market.buy(1, 100, 0)).reverts(Error::NoFunding);
    chain.send(carol, market.add_funding(7)).returns(7);
    assert_eq!(chain.read(market.reserves()), (number(7), number(7)));
    fair.resolve(chain, true);
    chain.send(bob, market.redeem()).returns(1_872);
    chain.send(alice, market.redeem()).returns(yes);
    chain.send(carol, market.remove_funding(7)).returns((number(7), number(7)));
    chain.send(carol, market.merge(7)).succeeds();
    assert_eq!(fair.held(chain), 0);
}

/// With all the gold there can be, products take 512 bits, and still everybody comes out.
#[esker_sdk::test]
fn amounts_may_be_as_large_as_they_like(chain: &mut Chain, alice: User, bob: User) {
    let gold = chain.deploy(alice, Erc20Handle::constructor("G", "G", U256::MAX));
    let fair @ Fair { market, .. } = Fair::of(chain, alice, gold);
    let half = U256::ONE << 255;
    chain.send(alice, gold.transfer(bob, half - 1)).succeeds();
    for user in [alice, bob] {
        chain.send(user, gold.approve(market.address(), U256::MAX)).succeeds();
    }
    chain.send(alice, market.add_funding(half)).succeeds();
    let tokens = chain.send(bob, market.buy(1, half / 2, 0)).succeeds().returned();
    assert!(tokens > half / 2);
    chain.send(bob, market.sell(1, half / 4, tokens)).succeeds();
    chain.send(alice, market.remove_funding(half / 3)).succeeds();
    chain.send(bob, market.split(half / 2)).succeeds();
    chain.warp(fair.resolve_by);
    chain.send(bob, market.void()).succeeds();
    for user in [alice, bob] {
        fair.leave(chain, user);
        let _ = chain.send(user, market.redeem());
    }
    assert!(fair.held(chain) <= 2);
}
