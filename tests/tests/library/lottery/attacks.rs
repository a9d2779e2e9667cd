//! The lottery under attack: by copies, by order, by refusing, and by who reveals last.

use super::booth::*;
use esker_lottery::{Error, LotteryHandle, Phase};
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, Terms, User};

/// Who reveals first, or orders a block, changes nothing.
#[esker_sdk::test]
fn the_order_of_secrets_counts_for_nothing(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let booth = Booth::new(chain, alice);
    booth.enter(chain, &[alice, bob, carol]);
    let start = chain.snapshot();
    let mut winners = Vec::new();
    for order in [[alice, bob, carol], [bob, alice, carol], [carol, bob, alice], [bob, carol, alice]] {
        chain.restore(&start);
        booth.reveal(chain, &order);
        winners.push(booth.draw(chain));
    }
    winners.dedup();
    assert_eq!(winners.len(), 1);
    assert_ne!(winners[0], Address::ZERO);
}

/// A commitment is worth nothing to others, in another round, or in another lottery.
#[esker_sdk::test]
fn a_commitment_is_good_once(chain: &mut Chain, alice: User, bob: User) {
    let booth @ Booth { lottery, .. } = Booth::new(chain, alice);
    booth.enter(chain, &[alice]);
    let copied = chain.read(lottery.commitment_of(alice, secret(alice, 0)));
    chain.send(bob, lottery.enter(copied).value(DUE)).succeeds();
    booth.reveal(chain, &[alice]);
    let useless = || Error::WrongSecret { commitment: copied };
    chain.send(bob, lottery.reveal(secret(alice, 0))).reverts(useless());
    // While secrets are told, the commitments that one asks for are those of the next round.
    let next = chain.read(lottery.commitment_of(bob, secret(bob, 1)));
    booth.draw(chain);
    assert_eq!(chain.read(lottery.commitment_of(bob, secret(bob, 1))), next);
    // In the next round alice repeats hers. She has shown it, so everybody could know what she will do; but it is void.
    chain.send(alice, lottery.enter(copied).value(DUE)).succeeds();
    let elsewhere = Booth::new(chain, bob).lottery;
    chain.send(bob, elsewhere.enter(next).value(DUE)).succeeds();
    booth.reveal(chain, &[]);
    chain.send(alice, lottery.reveal(secret(alice, 0))).reverts(useless());
    let until = chain.read(elsewhere.enter_until());
    chain.warp(until);
    chain.send(bob, elsewhere.reveal(secret(bob, 1))).reverts(Error::WrongSecret { commitment: next });
}

#[esker_sdk::test]
fn a_round_is_drawn_once(chain: &mut Chain, alice: User, bob: User) {
    let booth @ Booth { lottery, .. } = Booth::new(chain, alice);
    booth.enter(chain, &[alice, bob]);
    booth.reveal(chain, &[alice, bob]);
    let winner = booth.draw(chain);
    let owed = booth.owed(chain, winner);
    chain.send(alice, lottery.draw()).reverts(wrong(Phase::Entering));
    chain.pass(10 * ENTER);
    chain.send(alice, lottery.draw()).reverts(wrong(Phase::Entering));
    assert_eq!((booth.owed(chain, winner), chain.read(lottery.round())), (owed, 1));
    // What is owed from one round waits through the next.
    booth.enter(chain, &[alice, bob]);
    booth.draw(chain);
    assert_eq!(booth.owed(chain, winner), owed);
    chain.send(winner, lottery.withdraw()).returns(owed);
    assert_eq!(chain.read(lottery.pot()), booth.held(chain) - DEPOSIT);
}

/// Plays from a contract, and asks for its coins again while it is paid.
#[contract]
pub mod gambler {
    use super::*;

    #[storage]
    pub struct Gambler {
        lottery: Cell<Address>,
        way: Cell<u8>,
        refused: Cell<bool>,
    }

    impl Gambler {
        #[constructor]
        #[payable]
        pub fn new(&mut self, lottery: Address) {
            self.lottery.set(lottery);
        }

        pub fn enter(&mut self, cx: &mut Context, commitment: B256, value: U256) {
            LotteryHandle::at(self.lottery.get()).enter(commitment).value(value).call(cx);
        }

        pub fn reveal(&mut self, cx: &mut Context, secret: B256) {
            LotteryHandle::at(self.lottery.get()).reveal(secret).call(cx);
        }

        pub fn withdraw(&mut self, cx: &mut Context, way: u8) {
            self.way.set(way);
            LotteryHandle::at(self.lottery.get()).withdraw().call(cx);
        }

        pub fn refused(&self) -> bool {
            self.refused.get()
        }

        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            let lottery = LotteryHandle::at(self.lottery.get());
            match self.way.get() {
                0 => revert_with(Error::NoCommitment),
                1 => drop(lottery.withdraw().call(cx)),
                2 => self.refused.set(lottery.withdraw().try_call(cx).is_err()),
                _ => {
                    // Views tell what is owed when the coins are on their way.
                    assert!(lottery.owed(cx.address()).call(cx) == 0);
                }
            }
        }
    }
}
use gambler::GamblerHandle;

/// A player that refuses coins, or asks for them twice, harms itself: rounds go on, and everybody else is paid.
#[esker_sdk::test]
fn a_player_that_misbehaves_harms_itself(chain: &mut Chain, alice: User, bob: User) {
    let booth @ Booth { lottery, .. } = Booth::new(chain, alice);
    let gambler = chain.deploy(bob, GamblerHandle::constructor(lottery.address()).paying(10_000_u64));
    let (own, player) = (secret(bob, 7), gambler.address());
    let commitment = chain.read(lottery.commitment_of(player, own));
    chain.send(bob, gambler.enter(commitment, number(DUE))).succeeds();
    booth.enter(chain, &[alice]);
    booth.reveal(chain, &[alice]);
    chain.send(bob, gambler.reveal(own)).succeeds();
    booth.draw(chain);
    chain.send(alice, lottery.withdraw()).succeeds();
    let owed = booth.owed(chain, player);
    assert!(owed >= number(DEPOSIT));
    for way in [0, 1] {
        chain.send(bob, gambler.withdraw(way)).reverts(Error::NotTaken { receiver: player });
        assert_eq!((booth.owed(chain, player), booth.held(chain)), (owed, owed));
    }
    let (start, before) = (chain.snapshot(), chain.balance(player));
    chain.send(bob, gambler.withdraw(2)).succeeds();
    assert!(chain.read(gambler.refused()));
    assert_eq!((chain.balance(player) - before, booth.held(chain)), (owed, U256::ZERO));
    chain.restore(&start);
    chain.send(bob, gambler.withdraw(3)).succeeds();
    assert_eq!(booth.held(chain), 0);
    // One that refuses for ever.
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins"));
    chain.deal(grudge, DUE);
    let commitment = chain.read(lottery.commitment_of(grudge, own));
    chain.send(grudge, lottery.enter(commitment).value(DUE)).succeeds();
    booth.reveal(chain, &[]);
    chain.send(grudge, lottery.reveal(own)).succeeds();
    assert_eq!(booth.draw(chain), grudge);
    chain.send(grudge, lottery.withdraw()).reverts(Error::NotTaken { receiver: grudge });
    booth.enter(chain, &[alice]);
    booth.reveal(chain, &[alice]);
    assert_eq!(booth.draw(chain), alice.address);
    chain.send(alice, lottery.withdraw()).returns(number(DUE));
    assert_eq!((booth.held(chain), booth.owed(chain, grudge)), (number(DUE), number(DUE)));
}

/// Coins that come without a call are in no pot.
#[esker_sdk::test]
fn forced_coins_change_nothing(chain: &mut Chain, alice: User, bob: User) {
    let booth @ Booth { lottery, .. } = Booth::new(chain, alice);
    chain.deal(lottery.address(), 777_u64);
    assert_eq!(chain.read(lottery.pot()), 0);
    booth.enter(chain, &[alice, bob]);
    let held = booth.held(chain) + 777;
    chain.deal(lottery.address(), held);
    booth.reveal(chain, &[alice, bob]);
    let winner = booth.draw(chain);
    chain.send(winner, lottery.withdraw()).returns(number(2 * PRICE + DEPOSIT));
    assert_eq!((chain.read(lottery.pot()), booth.held(chain)), (U256::ZERO, number(2 * 777 + DEPOSIT)));
}

/// Who has half of all tickets knows the others' secrets, and keeps back which of its own it likes. Gives in how many of
/// forty rounds it gains by that, and in how many another draw would have been its own.
fn kept_back(chain: &mut Chain, deposit: u128, honest: [User; 2], last: [User; 2]) -> (u32, u32) {
    let booth = Booth::with(chain, honest[0], deposit);
    let (mut gains, mut chances) = (0, 0);
    for _ in 0..40 {
        booth.enter(chain, &[honest[0], last[0], honest[1], last[1]]);
        booth.reveal(chain, &honest);
        let start = chain.snapshot();
        let outcome = |chain: &mut Chain, revealing: &[User]| {
            chain.restore(&start);
            let before: U256 = last.iter().map(|player| booth.owed(chain, *player)).sum();
            booth.reveal(chain, revealing);
            let winner = booth.draw(chain);
            let after: U256 = last.iter().map(|player| booth.owed(chain, *player)).sum();
            (after - before, last.iter().any(|player| player.address == winner))
        };
        let choices = [&last[..1], &last[1..], &[]].map(|revealing| outcome(chain, revealing));
        let (fair, has_won) = outcome(chain, &last);
        gains += u32::from(choices.iter().any(|(owed, _)| *owed > fair));
        chances += u32::from(!has_won && choices.iter().any(|(_, has_won)| *has_won));
    }
    (gains, chances)
}

/// With a deposit as large as the pot, whoever reveals last never gains by keeping secrets back, though it could win so.
/// With a small deposit it does: the warning in the documentation is no theory.
#[esker_sdk::test]
fn the_deposit_bounds_the_last_to_reveal(chain: &mut Chain, alice: User, bob: User, carol: User, dave: User) {
    // Nobody but them loses a deposit, and they stop at the first: so a pot is that of four tickets.
    let (gains, chances) = kept_back(chain, 4 * PRICE, [alice, bob], [carol, dave]);
    assert_eq!(gains, 0);
    assert!(chances > 3, "{chances}");
    let (gains, chances) = kept_back(chain, 1, [alice, bob], [carol, dave]);
    assert!(gains > 3 && gains == chances, "{gains} of {chances}");
}
