//! Coins as tokens: each is backed, and who sends them gets them back.

use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, Draw, Invariant, User, log};
use esker_weth::{Approval, Deposit, Transfer, WethHandle, Withdrawal};

/// Wraps coins, and when it gets them back does with the contract what it was told to.
#[contract]
mod greedy {
    use super::*;

    #[storage]
    pub struct Greedy {
        /// What it does with coins: keep them, withdraw again, pay tokens on, or deposit them again.
        way: Cell<u8>,
        weth: Cell<Address>,
        seen: Cell<U256>,
    }

    impl Greedy {
        #[payable]
        pub fn wrap(&mut self, cx: &mut Context, weth: Address) {
            WethHandle::at(weth).deposit().value(cx.value()).call(cx);
            self.weth.set(weth);
        }

        pub fn unwrap(&mut self, cx: &mut Context, way: u8, wad: U256) {
            self.way.set(way);
            WethHandle::at(self.weth.get()).withdraw(wad).call(cx);
        }

        pub fn seen(&self) -> U256 {
            self.seen.get()
        }

        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            let weth = WethHandle::at(self.weth.get());
            match self.way.get() {
                1 => weth.withdraw(cx.value()).call(cx),
                2 => drop(weth.transfer(Address::repeat_byte(1), 1).call(cx)),
                3 => weth.deposit().value(cx.value()).call(cx),
                4 => drop(cx.send(weth.address(), cx.value())),
                _ => self.seen.set(weth.balance_of(cx.address()).call(cx)),
            }
        }
    }
}
use greedy::GreedyHandle;

fn number(value: u128) -> U256 {
    U256::from(value)
}

fn weth(chain: &mut Chain, by: User) -> WethHandle {
    chain.deploy(by, WethHandle::constructor())
}

#[esker_sdk::test]
fn coins_become_tokens_and_coins_again(chain: &mut Chain, alice: User) {
    let weth = weth(chain, alice);
    assert_eq!((chain.read(weth.name()), chain.read(weth.symbol())), ("Wrapped Ether".to_owned(), "WETH".to_owned()));
    assert_eq!(chain.read(weth.decimals()), 18);
    let deposit = Deposit { dst: alice.into(), wad: number(100) };
    chain.send(alice, weth.deposit().value(100)).emits_only([log(weth.address(), deposit)]);
    assert_eq!((chain.read(weth.balance_of(alice)), chain.read(weth.total_supply())), (number(100), number(100)));
    let before = chain.balance(alice);
    let withdrawal = Withdrawal { src: alice.into(), wad: number(40) };
    chain.send(alice, weth.withdraw(40)).emits_only([log(weth.address(), withdrawal)]);
    assert_eq!(chain.balance(alice) - before, 40);
    assert_eq!((chain.read(weth.balance_of(alice)), chain.read(weth.total_supply())), (number(60), number(60)));
    chain.send(alice, weth.withdraw(61)).reverts_with(Vec::new());
    chain.send(alice, weth.withdraw(60)).succeeds();
    chain.send(alice, weth.withdraw(0)).succeeds();
    chain.send(alice, weth.deposit()).emits(Deposit { dst: alice.into(), wad: U256::ZERO });
    assert_eq!(chain.balance(weth.address()), 0);
}

/// With no input, and with input that means nothing.
#[esker_sdk::test]
fn coins_sent_without_a_word_are_a_deposit(chain: &mut Chain, alice: User) {
    let weth = weth(chain, alice);
    let deposit = |wad| Deposit { dst: alice.into(), wad: number(wad) };
    chain.transfer(alice, weth.address(), 7).emits(deposit(7));
    chain.send_raw(alice, weth.address(), number(5), &[1, 2, 3, 4]).emits(deposit(5));
    chain.send_raw(alice, weth.address(), U256::ZERO, b"?").emits(deposit(0));
    assert_eq!(chain.read(weth.balance_of(alice)), 12);
}

#[esker_sdk::test]
fn only_a_deposit_takes_coins(chain: &mut Chain, alice: User, bob: User) {
    use esker_sdk_test::Terms;
    let weth = weth(chain, alice);
    chain.send(alice, weth.transfer(bob, 0).paying(1)).reverts_with(Vec::new());
    chain.send(alice, weth.withdraw(0).paying(1)).reverts_with(Vec::new());
    chain.try_deploy(alice, WethHandle::constructor().paying(1)).reverts_with(Vec::new());
    assert_eq!(chain.read(weth.total_supply()), 0);
}

#[esker_sdk::test]
fn tokens_are_paid_and_allowed(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let weth = weth(chain, alice);
    chain.send(alice, weth.deposit().value(100)).succeeds();
    let paid = Transfer { src: alice.into(), dst: bob.into(), wad: number(30) };
    chain.send(alice, weth.transfer(bob, 30)).returns(true).emits_only([log(weth.address(), paid)]);
    chain.send(bob, weth.transfer(carol, 31)).reverts_with(Vec::new());
    chain.send(bob, weth.transfer(bob, 30)).returns(true);
    // One's own tokens need no allowance.
    chain.send(bob, weth.transfer_from(bob, alice, 10)).returns(true);
    chain.send(carol, weth.transfer_from(bob, carol, 1)).reverts_with(Vec::new());
    let approval = Approval { src: bob.into(), guy: carol.into(), wad: number(15) };
    chain.send(bob, weth.approve(carol, 15)).returns(true).emits_only([log(weth.address(), approval)]);
    chain.send(carol, weth.transfer_from(bob, carol, 16)).reverts_with(Vec::new());
    chain.send(carol, weth.transfer_from(bob, carol, 5)).returns(true);
    assert_eq!((chain.read(weth.allowance(bob, carol)), chain.read(weth.balance_of(bob))), (number(10), number(15)));
    chain.send(bob, weth.approve(carol, U256::MAX)).succeeds();
    chain.send(carol, weth.transfer_from(bob, carol, 16)).reverts_with(Vec::new());
    chain.send(carol, weth.transfer_from(bob, carol, 15)).succeeds();
    assert_eq!(chain.read(weth.allowance(bob, carol)), U256::MAX);
    chain.send(carol, weth.withdraw(20)).succeeds();
    // Tokens sent where nobody is are lost, and stay backed.
    chain.send(alice, weth.transfer(Address::ZERO, 80)).succeeds();
    assert_eq!((chain.read(weth.balance_of(Address::ZERO)), chain.read(weth.total_supply())), (number(80), number(80)));
}

#[esker_sdk::test]
fn whoever_gets_coins_back_gains_nothing_by_calling_back(chain: &mut Chain, alice: User, bob: User) {
    let weth = weth(chain, alice);
    chain.send(alice, weth.deposit().value(1_000)).succeeds();
    let greedy = chain.deploy(bob, GreedyHandle::constructor());
    chain.send(bob, greedy.wrap(weth.address()).value(100)).succeeds();
    // To withdraw again, or to pay with tokens meanwhile, is refused; the refusal is a receiver that refuses.
    for way in [1, 2] {
        chain.send(bob, greedy.unwrap(way, 60)).reverts_with(Vec::new());
    }
    // To deposit again is as good as to have kept the tokens.
    for way in [3, 4] {
        chain.send(bob, greedy.unwrap(way, 60)).succeeds();
        assert_eq!(chain.read(weth.balance_of(greedy.address())), 100, "{way}");
    }
    // Who looks meanwhile sees the tokens gone.
    chain.send(bob, greedy.unwrap(0, 60)).succeeds();
    assert_eq!((chain.read(greedy.seen()), chain.balance(greedy.address())), (number(40), number(60)));
    assert_eq!(chain.read(weth.total_supply()), 1_040);
}

#[esker_sdk::test]
fn a_receiver_that_refuses_keeps_its_tokens(chain: &mut Chain, alice: User, bob: User) {
    let weth = weth(chain, alice);
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins"));
    chain.deal(grudge, 10);
    chain.send(grudge, weth.deposit().value(10)).succeeds();
    chain.send(grudge, weth.withdraw(10)).reverts_with(Vec::new());
    chain.send(grudge, weth.transfer(bob, 10)).succeeds();
    chain.send(bob, weth.withdraw(10)).succeeds();
}

/// Coins held are tokens held, whatever anybody does.
#[esker_sdk::test]
fn every_token_is_backed(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let (weth, users) = (weth(chain, alice), [alice, bob, carol]);
    let wad = |draw: &mut Draw| U256::from(draw.number(0..=200));
    let start: U256 = users.iter().map(|user| chain.balance(*user)).sum();
    Invariant::new()
        .action("deposit", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), weth.deposit().value(wad(draw)));
        })
        .action("send coins", move |chain, draw| {
            let _ = chain.transfer(draw.pick(&users), weth.address(), wad(draw));
        })
        .action("withdraw", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), weth.withdraw(wad(draw)));
        })
        .action("transfer", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), weth.transfer(draw.pick(&users), wad(draw)));
        })
        .action("approve", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), weth.approve(draw.pick(&users), wad(draw)));
        })
        .action("transfer from", move |chain, draw| {
            let (src, dst) = (draw.pick(&users), draw.pick(&users));
            let _ = chain.send(draw.pick(&users), weth.transfer_from(src, dst, wad(draw)));
        })
        .check("tokens are coins", move |chain| {
            let tokens: U256 = users.iter().map(|user| chain.read(weth.balance_of(*user))).sum();
            assert_eq!(tokens, chain.balance(weth.address()));
            assert_eq!(tokens, chain.read(weth.total_supply()));
        })
        .check("no coin is made or lost", move |chain| {
            let coins: U256 = users.iter().map(|user| chain.balance(*user)).sum();
            assert_eq!(coins + chain.balance(weth.address()), start);
        })
        .run(chain);
}
