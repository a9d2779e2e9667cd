//! The lottery by its rules.

use super::booth::*;
use esker_lottery::{Drawn, Entered, Error, LotteryHandle, Phase, Revealed, RolledOver, Withdrawn};
use esker_sdk::{
    Panic,
    abi::{Output, encode_params, keccak256},
    prelude::*,
};
use esker_sdk_test::{Chain, End, Sent, Terms, User};

#[esker_sdk::test]
fn a_round_goes_from_tickets_to_a_winner(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (booth, players) = (Booth::new(chain, alice), [alice, bob, carol]);
    let lottery = booth.lottery;
    assert_eq!((chain.read(lottery.price()), chain.read(lottery.deposit())), (number(PRICE), number(DEPOSIT)));
    assert_eq!((chain.read(lottery.enter_for()), chain.read(lottery.reveal_for())), (ENTER, REVEAL));
    let secrets = players.map(|player| secret(player, 0));
    for (ticket, player) in (0..).zip(players) {
        let commitment = chain.read(lottery.commitment_of(player, secret(player, 0)));
        let words = encode_params(&(lottery.address(), 0_u64, player.address, secret(player, 0)));
        assert_eq!(commitment, B256::from(keccak256(&words)));
        let entered = Entered { round: 0, player: player.address, ticket, commitment };
        chain.send(player, lottery.enter(commitment).value(DUE)).emits(entered);
    }
    assert_eq!(chain.read(lottery.players()), players.map(|player| player.address));
    assert_eq!((chain.read(lottery.player_count()), chain.read(lottery.player(2))), (3, carol.address));
    assert_eq!((chain.read(lottery.pot()), chain.read(lottery.deposits())), (number(300), number(3_000)));
    booth.reveal(chain, &[]);
    for player in players {
        assert!(chain.read(lottery.owes_secret(player)));
        let revealed = Revealed { round: 0, player: player.address, secret: secret(player, 0) };
        chain.send(player, lottery.reveal(secret(player, 0))).emits(revealed);
        assert!(!chain.read(lottery.owes_secret(player)));
    }
    assert_eq!((chain.read(lottery.pot()), chain.read(lottery.deposits())), (number(300), U256::ZERO));
    let winner = players[drawn(&secrets, 3)];
    let until = chain.read(lottery.reveal_until());
    chain.warp(until);
    let event = Drawn { round: 0, winner: winner.address, pot: number(300) };
    chain.send(carol, lottery.draw()).emits(event).returns(winner.address);
    assert_eq!((chain.read(lottery.winner(0)), chain.read(lottery.winner(1))), (winner.address, Address::ZERO));
    for player in players {
        let amount = number(if player.address == winner.address { 1_300 } else { 1_000 });
        let before = chain.balance(player);
        let withdrawn = Withdrawn { account: player.address, amount };
        chain.send(player, lottery.withdraw()).emits(withdrawn).returns(amount);
        assert_eq!(chain.balance(player) - before, amount);
        chain.send(player, lottery.withdraw()).reverts(Error::NothingOwed { account: player.address });
    }
    assert_eq!(booth.held(chain), 0);
    assert_eq!((chain.read(lottery.round()), chain.read(lottery.player_count())), (1, 0));
}

/// At the very second, and each thing in its phase only.
#[esker_sdk::test]
fn everything_has_its_time(chain: &mut Chain, alice: User, bob: User) {
    let booth @ Booth { lottery, .. } = Booth::new(chain, alice);
    // Without a ticket the round waits.
    chain.pass(100 * ENTER);
    assert_eq!((chain.read(lottery.phase()), chain.read(lottery.enter_until())), (Phase::Entering, 0));
    chain.send(alice, lottery.draw()).reverts(wrong(Phase::Entering));
    chain.send(alice, lottery.reveal(secret(alice, 0))).reverts(wrong(Phase::Entering));
    booth.enter(chain, &[alice]);
    let (enter_until, reveal_until) = (chain.timestamp() + ENTER, chain.timestamp() + ENTER + REVEAL);
    let until = (chain.read(lottery.enter_until()), chain.read(lottery.reveal_until()));
    assert_eq!(until, (enter_until, reveal_until));
    chain.send(alice, lottery.draw()).reverts(wrong(Phase::Entering));
    let commitment = chain.read(lottery.commitment_of(bob, secret(bob, 0)));
    let first = chain.snapshot();
    for (now, phase) in [
        (enter_until - 1, Phase::Entering),
        (enter_until, Phase::Revealing),
        (reveal_until - 1, Phase::Revealing),
        (reveal_until, Phase::Drawing),
        (reveal_until + 1_000_000, Phase::Drawing),
    ] {
        for allowed in [Phase::Entering, Phase::Revealing, Phase::Drawing] {
            chain.restore(&first);
            chain.warp(now);
            assert_eq!(chain.read(lottery.phase()), phase);
            let sent: Result<(), Error> = match allowed {
                Phase::Entering => result(chain.send(bob, lottery.enter(commitment).value(DUE))),
                Phase::Revealing => result(chain.send(alice, lottery.reveal(secret(alice, 0)))),
                Phase::Drawing => result(chain.send(bob, lottery.draw())),
            };
            assert_eq!(sent, if allowed == phase { Ok(()) } else { Err(wrong(phase)) }, "{allowed:?} at {now}");
        }
    }
}

/// How a transaction ended, if it ended well or with one of the lottery's errors.
fn result<O: Output>(sent: Sent<O>) -> Result<(), Error> {
    if sent.end() == End::Success { Ok(()) } else { Err(sent.error()) }
}

#[esker_sdk::test]
fn what_makes_no_sense_is_refused(chain: &mut Chain, alice: User, bob: User) {
    for (price, deposit, enter_for, reveal_for) in [(0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)] {
        let (price, deposit) = (number(price), number(deposit));
        let terms = LotteryHandle::constructor(price, deposit, enter_for, reveal_for);
        let refused = Error::InvalidTerms { price, deposit, enter_for, reveal_for };
        chain.try_deploy(alice, terms).reverts(refused);
    }
    let Booth { lottery, .. } = Booth::new(chain, alice);
    let commitment = chain.read(lottery.commitment_of(bob, secret(bob, 0)));
    for value in [0, 1, PRICE, DEPOSIT, DUE - 1, DUE + 1] {
        let refused = Error::WrongValue { value: number(value), due: number(DUE) };
        chain.send(bob, lottery.enter(commitment).value(value)).reverts(refused);
    }
    chain.send(bob, lottery.enter(B256::ZERO).value(DUE)).reverts(Error::NoCommitment);
    chain.send(bob, lottery.enter(commitment).value(DUE)).succeeds();
    let twice = Error::AlreadyEntered { player: bob.address };
    chain.send(bob, lottery.enter(commitment).value(DUE)).reverts(twice);
    chain.send(alice, lottery.withdraw()).reverts(Error::NothingOwed { account: alice.address });
    // Coins come with tickets alone.
    assert_ne!(chain.transfer(bob, lottery.address(), 1).end(), End::Success);
    assert_ne!(chain.send(bob, lottery.withdraw().paying(1_u64)).end(), End::Success);
    chain.pass(ENTER);
    chain.send(alice, lottery.reveal(secret(alice, 0))).reverts(Error::NothingToReveal { player: alice.address });
    chain.send(bob, lottery.reveal(secret(alice, 0))).reverts(Error::WrongSecret { commitment });
    chain.send(bob, lottery.reveal(secret(bob, 0))).succeeds();
    chain.send(bob, lottery.reveal(secret(bob, 0))).reverts(Error::NothingToReveal { player: bob.address });
    // A lottery that never ends sells no ticket.
    let endless = chain.deploy(alice, LotteryHandle::constructor(1, 1, u64::MAX, 1));
    chain.send(bob, endless.enter(commitment).value(2)).panics(Panic::Overflow);
    let priceless = chain.deploy(alice, LotteryHandle::constructor(U256::MAX, 1, 1, 1));
    chain.send(bob, priceless.enter(commitment).value(2)).panics(Panic::Overflow);
}

/// Each of four players wins about a quarter of four hundred rounds: 100, of which the spread is 8.7.
#[esker_sdk::test]
fn everybody_is_as_likely_to_win(chain: &mut Chain, alice: User, bob: User, carol: User, dave: User) {
    let (booth, players) = (Booth::new(chain, alice), [alice, bob, carol, dave]);
    let mut wins = [0_i32; 4];
    for _ in 0..400 {
        booth.enter(chain, &players);
        booth.reveal(chain, &players);
        let winner = booth.draw(chain);
        let won = players.iter().position(|player| player.address == winner).expect("somebody wins");
        wins[won] += 1;
    }
    // χ² with three degrees of freedom is above 11.3 once in a hundred.
    let squares: i32 = wins.iter().map(|won| (won - 100) * (won - 100)).sum();
    assert!(squares < 1_130, "{wins:?}");
    let owed: U256 = players.iter().map(|player| booth.owed(chain, *player)).sum();
    assert_eq!((owed, booth.held(chain)), (number(400 * 4 * DUE), number(400 * 4 * DUE)));
}

/// Whatever is drawn, who kept its secret back has neither pot nor deposit; and the next round's winner has all of it.
#[esker_sdk::test]
fn who_keeps_its_secret_back_does_not_win(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (booth, players) = (Booth::new(chain, alice), [alice, bob, carol]);
    let lottery = booth.lottery;
    let (mut wins, mut rolls) = (0, 0);
    for round in 0..20 {
        let before = players.map(|player| booth.owed(chain, player));
        booth.enter(chain, &players);
        booth.reveal(chain, &[alice, bob]);
        let pot = chain.read(lottery.pot());
        let ticket = drawn(&[alice, bob].map(|player| secret(player, round)), 3);
        let until = chain.read(lottery.reveal_until());
        chain.warp(until);
        let sent = chain.send(carol, lottery.draw());
        let carried = if ticket == 2 {
            rolls += 1;
            sent.emits(RolledOver { round, pot }).returns(Address::ZERO);
            pot + DEPOSIT
        } else {
            wins += 1;
            let winner = players[ticket].address;
            sent.emits(Drawn { round, winner, pot }).returns(winner);
            number(DEPOSIT)
        };
        assert_eq!((chain.read(lottery.pot()), chain.read(lottery.deposits())), (carried, U256::ZERO));
        for (index, player) in players.into_iter().enumerate() {
            let has = booth.owed(chain, player) - before[index];
            let won = if ticket == index && ticket < 2 { pot } else { U256::ZERO };
            assert_eq!(has, won + if index < 2 { DEPOSIT } else { 0 });
        }
        assert_eq!(chain.read(lottery.winner(round)).is_zero(), ticket == 2);
    }
    assert!(wins > 5 && rolls > 2, "{wins} and {rolls}");
}

#[esker_sdk::test]
fn if_nobody_reveals_all_goes_to_the_next_winner(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let booth @ Booth { lottery, .. } = Booth::new(chain, alice);
    booth.enter(chain, &[alice, bob]);
    assert_eq!(booth.draw(chain), Address::ZERO);
    assert_eq!((chain.read(lottery.pot()), booth.held(chain)), (number(2 * DUE), number(2 * DUE)));
    for player in [alice, bob] {
        chain.send(player, lottery.reveal(secret(player, 0))).reverts(wrong(Phase::Entering));
        assert_eq!(booth.owed(chain, player), 0);
    }
    // One alone wins it all, and its own.
    booth.enter(chain, &[carol]);
    booth.reveal(chain, &[carol]);
    assert_eq!(booth.draw(chain), carol.address);
    chain.send(carol, lottery.withdraw()).returns(number(3 * DUE));
    assert_eq!((chain.read(lottery.pot()), booth.held(chain)), (U256::ZERO, U256::ZERO));
}
