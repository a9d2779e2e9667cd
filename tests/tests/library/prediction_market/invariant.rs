//! The market under random calls.

use std::sync::Mutex;

use super::fair::*;
use esker_prediction_market::Outcome;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Draw, Invariant, User};

/// What a share was worth.
#[derive(Clone, Copy, Default)]
struct Before {
    product: U256,
    shares: U256,
}

/// Random trades, funds, answers and times: collateral is what positions are worth, a share never loses by a trade, and
/// everybody can leave whatever the resolver does.
#[esker_sdk::test]
fn every_position_is_covered(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let fair @ Fair { market, .. } = Fair::new(chain, &users);
    let last = &Mutex::new(Before::default());
    let outcome = |draw: &mut Draw| draw.number(0..=1) as u8;
    let total = move |chain: &mut Chain| -> (U256, U256, U256) {
        let (no, yes) = chain.read(market.reserves());
        users.iter().fold((no, yes, U256::ZERO), |sum, user| {
            let (no, yes, shares) = fair.of_user(chain, *user);
            (sum.0 + no, sum.1 + yes, sum.2 + shares)
        })
    };
    let invariant = Invariant::new()
        .before(move |_| *last.lock().expect("one at a time") = Before::default())
        .action("split", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), market.split(amount(draw)));
        })
        .action("merge", move |chain, draw| {
            let (user, most) = (draw.pick(&users), amount(draw));
            let (no, yes, _) = fair.of_user(chain, user);
            chain.send(user, market.merge(no.min(yes).min(most))).succeeds();
        })
        .action("add", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), market.add_funding(amount(draw)));
        })
        .action("remove", move |chain, draw| {
            let (user, part) = (draw.pick(&users), draw.number(1..=4));
            let (_, _, shares) = fair.of_user(chain, user);
            let _ = chain.send(user, market.remove_funding(shares / u128::from(part)));
        })
        .action("buy", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), market.buy(outcome(draw), amount(draw), 0));
        })
        .action("sell", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), market.sell(outcome(draw), amount(draw), U256::MAX));
        })
        .action("give away", move |chain, draw| {
            let (from, to, id) = (draw.pick(&users), draw.pick(&users), U256::from(draw.number(0..=2)));
            let _ = chain.send(from, market.safe_transfer_from(from, to, id, amount(draw), &[]));
        })
        .action("redeem", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), market.redeem());
        })
        .action("answer", move |chain, draw| {
            let _ = chain.send(RESOLVER, market.resolve(draw.chance()));
        })
        .action("void", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), market.void());
        })
        .action("time passes", move |chain, draw| {
            // Rarely so much that trading ends.
            chain.pass(if draw.number(0..=5) == 0 { draw.number(0..=TRADES) } else { draw.number(0..=100) });
        })
        .check("collateral is what positions are worth", move |chain| {
            let (no, yes, _) = total(chain);
            let held = fair.held(chain);
            match chain.read(market.outcome()) {
                Outcome::Open => assert!(no == held && yes == held, "{no} No, {yes} Yes, {held} held"),
                Outcome::No => assert_eq!(no, held),
                Outcome::Yes => assert_eq!(yes, held),
                // Each redemption rounds down.
                Outcome::Invalid => assert!(held * 2 >= no + yes && held * 2 <= no + yes + 24, "{no}, {yes}, {held}"),
            }
        })
        .check("a share is never worth less", move |chain| {
            let ((no, yes), (_, _, shares)) = (chain.read(market.reserves()), total(chain));
            assert_eq!(shares, chain.read(market.total_shares()));
            assert!((shares == 0) == (no == 0) && (shares == 0) == (yes == 0), "{shares}: {no}, {yes}");
            let now = Before { product: no * yes, shares };
            let last = std::mem::replace(&mut *last.lock().expect("one at a time"), now);
            // √(product) / shares, squared and multiplied out. Between the last provider and the next there is none.
            let (is, was) = (now.product * last.shares * last.shares, last.product * now.shares * now.shares);
            assert!(last.shares == 0 || is >= was, "{is} < {was}");
        })
        .check("everybody can leave", move |chain| {
            let before = chain.snapshot();
            if chain.read(market.outcome()) == Outcome::Open {
                chain.warp(fair.resolve_by.max(chain.timestamp()));
                chain.send(bob, market.void()).succeeds();
            }
            for user in users {
                fair.leave(chain, user);
                let (no, yes, shares) = fair.of_user(chain, user);
                let worth = match chain.read(market.outcome()) {
                    Outcome::No => no,
                    Outcome::Yes => yes,
                    _ => (no + yes) / 2,
                };
                if worth > 0 {
                    chain.send(user, market.redeem()).returns(worth);
                }
                assert_eq!(shares, 0);
            }
            assert!(fair.held(chain) <= 24, "but for roundings nothing is left");
            chain.restore(&before);
        });
    invariant.run(chain);
}
