//! The lottery under random calls.

use super::booth::*;
use esker_lottery::Phase;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Draw, Invariant, User};

/// Random players who forget, copy and come too late: every coin is in a pot, owed to somebody, or a deposit.
#[esker_sdk::test]
fn every_coin_is_somebodys(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let lottery = Booth::new(chain, alice).lottery;
    let own = |draw: &mut Draw, player: User, round: u64| {
        secret(player, round.saturating_sub(u64::from(draw.number(0..=7) == 0)))
    };
    let all_there = move |chain: &mut Chain| {
        let owed: U256 = users.iter().map(|user| chain.read(lottery.owed(user.address))).sum();
        let kept = chain.read(lottery.pot()) + chain.read(lottery.deposits());
        assert_eq!(chain.balance(lottery.address()), owed + kept);
    };
    Invariant::new()
        .action("enter", move |chain, draw| {
            let (player, round) = (draw.pick(&users), chain.read(lottery.round()));
            // Now and then somebody commits to what is somebody else's.
            let of = if draw.number(0..=7) == 0 { draw.pick(&users) } else { player };
            let commitment = chain.read(lottery.commitment_of(of, own(draw, of, round)));
            let _ = chain.send(player, lottery.enter(commitment).value(DUE));
        })
        .action("pay something else", move |chain, draw| {
            let value = U256::from(draw.number(0..=2_000));
            let _ = chain.send(draw.pick(&users), lottery.enter(B256::repeat_byte(1)).value(value));
        })
        .action("reveal", move |chain, draw| {
            let (player, round) = (draw.pick(&users), chain.read(lottery.round()));
            let _ = chain.send(player, lottery.reveal(own(draw, player, round)));
        })
        .action("all reveal", move |chain, _| {
            let round = chain.read(lottery.round());
            for player in users {
                let _ = chain.send(player, lottery.reveal(secret(player, round)));
            }
        })
        .action("draw", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), lottery.draw());
        })
        .action("withdraw", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), lottery.withdraw());
        })
        .action("the next phase", move |chain, _| {
            let (now, enter_until) = (chain.timestamp(), chain.read(lottery.enter_until()));
            let until = if now < enter_until { enter_until } else { chain.read(lottery.reveal_until()) };
            chain.warp(until.max(now));
        })
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=REVEAL)))
        .check("coins are in the pot, owed, or deposits", all_there)
        .check("players have one ticket each", move |chain| {
            let mut players = chain.read(lottery.players());
            let (count, revealed) = (players.len() as u64, chain.read(lottery.revealed()));
            assert_eq!(count, chain.read(lottery.player_count()));
            let silent = players.iter().filter(|player| chain.read(lottery.owes_secret(**player))).count() as u64;
            assert_eq!(silent + revealed, count);
            players.sort_by_key(|player| player.0);
            players.dedup();
            assert_eq!(players.len() as u64, count);
        })
        .check("it goes on", move |chain| {
            let before = chain.snapshot();
            let round = chain.read(lottery.round());
            if chain.read(lottery.player_count()) > 0 {
                let until = chain.read(lottery.reveal_until());
                chain.warp(until.max(chain.timestamp()));
                chain.send(alice, lottery.draw()).succeeds();
                assert_eq!(chain.read(lottery.round()), round + 1);
                all_there(chain);
            }
            assert_eq!(chain.read(lottery.phase()), Phase::Entering);
            chain.restore(&before);
        })
        .run(chain);
}
