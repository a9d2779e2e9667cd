//! The market under attack: nobody gains from rounding, order, gifts or calls in between, and nobody is kept from its own.

use super::fair::*;
use esker_components::tokens::erc1155::{Error as TokenError, RECEIVED};
use esker_erc20::{Erc20Handle, Error as CollateralError};
use esker_prediction_market::{Error, NO, PredictionMarketHandle, SHARE, YES};
use esker_sdk::{SafeERC20FailedOperation, prelude::*};
use esker_sdk_test::{Answer, Chain, End, User, property};

/// The first provider makes its one share dear, by trading with itself and for nothing, so that the next one's funds round
/// down to few shares. But these cost what they are worth.
#[esker_sdk::test]
fn the_first_provider_cannot_take_from_the_next(chain: &mut Chain, alice: User, bob: User) {
    let fair @ Fair { market, .. } = Fair::new(chain, &[alice, bob]);
    chain.send(alice, market.add_funding(1)).returns(1);
    chain.send(alice, market.buy(1, 100_000, 0)).succeeds();
    assert_eq!(chain.read(market.reserves()), (number(100_001), number(2_001)));
    chain.send(bob, market.add_funding(100_000)).reverts(Error::NothingMoved);
    chain.send(bob, market.add_funding(190_000)).returns(1);
    assert_eq!(fair.gold_of(chain, bob), 1_000_000 - 100_001);
    chain.send(bob, market.remove_funding(1)).succeeds();
    let (no, yes, _) = fair.of_user(chain, bob);
    chain.send(bob, market.merge(no.min(yes))).succeeds();
    assert_eq!(fair.gold_of(chain, bob), 1_000_000);
}

/// Whatever the reserves, whoever buys and sells again, in one piece or two, has less than before, and at most as much even
/// when the fee is left out.
#[esker_sdk::test]
fn a_round_trip_gains_nothing(chain: &mut Chain, alice: User, bob: User) {
    let fair @ Fair { market, .. } = Fair::new(chain, &[alice, bob]);
    let start = chain.snapshot();
    property(chain, 60, |chain, draw| {
        chain.restore(&start);
        chain.send(alice, market.add_funding(amount(draw))).succeeds();
        let _ = chain.send(alice, market.buy(draw.number(0..=1) as u8, amount(draw), 0));
        let (outcome, investment) = (draw.number(0..=1) as u8, amount(draw));
        let bought = chain.send(bob, market.buy(outcome, investment, 0));
        if bought.end() != End::Success {
            return;
        }
        let tokens = bought.returned();
        let price = chain.call(bob, market.sell(outcome, investment, U256::MAX));
        assert_ne!(price.end(), End::Success, "all of {investment} back for {tokens}");
        // As much as the tokens fetch, by halving, in two pieces.
        for most in [tokens / 2, tokens] {
            let (mut least, mut beyond) = (U256::ZERO, investment + 1);
            while beyond - least > 1 {
                let middle = (least + beyond) / 2;
                let sold = chain.call(bob, market.sell(outcome, middle, most));
                *(if sold.end() == End::Success { &mut least } else { &mut beyond }) = middle;
            }
            if least > 0 {
                chain.send(bob, market.sell(outcome, least, most)).succeeds();
            }
        }
        let after = fair.gold_of(chain, bob);
        assert!(after < 1_000_000, "bob has {after}");
        let fees = number(1_000_000) - investment / 50;
        assert!(after <= fees, "bob has {after}, and paid a fee of two percent when he bought");
    });
}

/// Somebody buys before a buyer and sells behind it. The bound makes the buyer's trade fail.
#[esker_sdk::test]
fn a_bound_stops_who_trades_around_others(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let fair @ Fair { market, .. } = Fair::new(chain, &[alice, bob, carol]);
    chain.send(alice, market.add_funding(100_000)).succeeds();
    let expected = chain.read(market.calc_buy_amount(1, number(10_000)));
    let calm = chain.snapshot();
    let front = chain.send(carol, market.buy(1, 50_000, 0)).succeeds().returned();
    let tokens = chain.read(market.calc_buy_amount(1, number(10_000)));
    let few = Error::TooFewTokens { tokens, min_tokens: expected };
    chain.send(bob, market.buy(1, 10_000, expected)).reverts(few);
    // Without a bound bob gets less, and carol takes it, but for the fees.
    chain.send(bob, market.buy(1, 10_000, 0)).returns(tokens);
    assert!(tokens < expected * 8 / 10);
    let many = chain.read(market.calc_sell_amount(1, number(50_000)));
    assert!(many < front, "carol gains even after fees where there is no bound");
    // Around a trade of a hundredth of the reserves fees cost more than there is to take, with or without a bound.
    for front in [100, 1_000, 10_000, 100_000] {
        chain.restore(&calm);
        let tokens = chain.send(carol, market.buy(1, front, 0)).succeeds().returned();
        chain.send(bob, market.buy(1, 1_000, 0)).succeeds();
        let many = chain.read(market.calc_sell_amount(1, number(front)));
        assert!(many > tokens, "carol has {tokens}, and {front} takes {many}");
    }
    // And who sells.
    chain.restore(&calm);
    chain.send(bob, market.split(10_000)).succeeds();
    let expected = chain.read(market.calc_sell_amount(1, number(1_000)));
    chain.send(carol, market.buy(0, 10_000, 0)).succeeds();
    let tokens = chain.read(market.calc_sell_amount(1, number(1_000)));
    let many = Error::TooManyTokens { tokens, max_tokens: expected };
    chain.send(bob, market.sell(1, 1_000, expected)).reverts(many);
    assert_eq!(fair.of_user(chain, bob), numbers(10_000, 10_000, 0));
}

/// A contract that trades, and calls the market again while it is given tokens.
#[contract]
pub mod trader {
    use super::*;

    #[storage]
    pub struct Trader {
        way: Cell<u8>,
        seen: Cell<U256>,
        no: Cell<U256>,
    }

    impl Trader {
        pub fn buy(&mut self, cx: &mut Context, market: Address, way: u8) -> U256 {
            let market = PredictionMarketHandle::at(market);
            Erc20Handle::at(market.collateral().call(cx)).approve(market.address(), U256::MAX).call(cx);
            self.way.set(way);
            market.buy(1, 1_000, 0).call(cx)
        }

        #[returns(seen, no)]
        pub fn seen(&self) -> (U256, U256) {
            (self.seen.get(), self.no.get())
        }

        #[name = "onERC1155Received"]
        #[reentrant]
        pub fn on_received(
            &mut self,
            cx: &mut Context,
            _operator: Address,
            _from: Address,
            id: U256,
            value: U256,
            _data: &[u8],
        ) -> FixedBytes<4> {
            let (market, me) = (PredictionMarketHandle::at(cx.sender()), cx.address());
            match self.way.get() {
                1 => drop(market.buy(0, 10, 0).call(cx)),
                2 => drop(market.sell(1, 10, value).call(cx)),
                3 => market.split(1).call(cx),
                4 => market.merge(0).call(cx),
                5 => drop(market.add_funding(10).call(cx)),
                6 => drop(market.remove_funding(1).call(cx)),
                7 => drop(market.redeem().call(cx)),
                8 => market.void().call(cx),
                9 => market.safe_transfer_from(me, RESOLVER, id, value, &[]).call(cx),
                10 => return FixedBytes([0xff; 4]),
                _ => {
                    self.seen.set(market.balance_of(me, id).call(cx));
                    self.no.set(market.reserves().call(cx).0);
                }
            }
            RECEIVED
        }
    }
}
use trader::TraderHandle;

#[esker_sdk::test]
fn a_receiver_that_calls_again_or_refuses_harms_itself(chain: &mut Chain, alice: User, bob: User) {
    let fair @ Fair { gold, market, .. } = Fair::new(chain, &[alice, bob]);
    chain.send(alice, market.add_funding(10_000)).succeeds();
    let trader = chain.deploy(bob, TraderHandle::constructor());
    chain.send(bob, gold.transfer(trader.address(), 100_000)).succeeds();
    for way in 1..=8 {
        chain.send(bob, trader.buy(market.address(), way)).reverts_as_reentrant();
    }
    let refused = TokenError::ERC1155InvalidReceiver { receiver: trader.address() };
    chain.send(bob, trader.buy(market.address(), 10)).reverts(refused);
    assert_eq!(chain.read(market.reserves()), (number(10_000), number(10_000)));
    assert_eq!(fair.held(chain), 10_000);
    // Whoever is asked sees the trade as done, and passes on what is its own.
    chain.send(bob, trader.buy(market.address(), 0)).returns(1_872);
    assert_eq!(chain.read(trader.seen()), (number(1_872), number(11_000)));
    let tokens = chain.send(bob, trader.buy(market.address(), 9)).succeeds().returned();
    assert_eq!(fair.of_user(chain, RESOLVER).1, tokens);
    // A receiver of single tokens takes no batches: it neither splits nor provides, and others do.
    let silent = chain.mock(Address::repeat_byte(0x51), |_| Answer::revert("no tokens"));
    chain.send(bob, gold.transfer(silent, 1_000)).succeeds();
    chain.send(silent, gold.approve(market.address(), U256::MAX)).succeeds();
    chain.send(silent, market.split(10)).reverts_with_text("no tokens");
    chain.send(silent, market.add_funding(10)).reverts_with_text("no tokens");
    chain.send(silent, market.buy(0, 10, 0)).reverts_with_text("no tokens");
    assert_eq!(fair.gold_of(chain, silent), 1_000);
    chain.send(bob, market.buy(0, 10, 0)).succeeds();
}

/// A provider that no longer takes what it is given: nobody else waits for it, and its own comes back when it does.
#[esker_sdk::test]
fn a_provider_that_refuses_freezes_its_own_only(chain: &mut Chain, alice: User, bob: User) {
    let fair @ Fair { gold, market, .. } = Fair::new(chain, &[alice, bob]);
    let moody = Address::repeat_byte(0x77);
    chain.send(bob, gold.transfer(moody, 1_000)).succeeds();
    chain.send(moody, gold.approve(market.address(), U256::MAX)).succeeds();
    chain.send(moody, market.add_funding(1_000)).succeeds();
    chain.send(alice, market.add_funding(1_000)).succeeds();
    chain.mock(moody, |_| Answer::revert("not now"));
    chain.send(moody, market.remove_funding(1_000)).reverts_with_text("not now");
    chain.send(alice, market.remove_funding(1_000)).returns((number(1_000), number(1_000)));
    // Shares are tokens: it gives them to whom it likes.
    chain.send(moody, market.safe_transfer_from(moody, bob, SHARE, 1_000, &[])).succeeds();
    chain.send(bob, market.remove_funding(1_000)).succeeds();
    chain.send(bob, market.merge(1_000)).succeeds();
    chain.send(alice, market.merge(1_000)).succeeds();
    assert_eq!(fair.held(chain), 0);
}

/// Gold that is sent is nobody's; positions and shares cannot be sent to the market at all.
#[esker_sdk::test]
fn gifts_change_nothing(chain: &mut Chain, alice: User, bob: User) {
    let fair @ Fair { gold, market, .. } = Fair::new(chain, &[alice, bob]);
    chain.send(alice, market.add_funding(1_000)).succeeds();
    chain.send(bob, market.split(1_000)).succeeds();
    let priced = chain.read(market.calc_buy_amount(1, number(100)));
    let refused = || TokenError::ERC1155InvalidReceiver { receiver: market.address() };
    for id in [NO, YES] {
        chain.send(bob, market.safe_transfer_from(bob, market.address(), id, 1, &[])).reverts(refused());
    }
    chain.send(alice, market.safe_transfer_from(alice, market.address(), SHARE, 1, &[])).reverts(refused());
    chain.send(bob, gold.transfer(market.address(), 500)).succeeds();
    assert_eq!(chain.read(market.calc_buy_amount(1, number(100))), priced);
    assert_eq!(chain.read(market.reserves()), (number(1_000), number(1_000)));
    // It is not taken for somebody's collateral either.
    chain.send(bob, gold.approve(market.address(), 0)).succeeds();
    chain.send(bob, market.split(100)).error::<CollateralError>();
    assert_eq!(fair.held(chain), 2_500);
}

/// Collateral that takes a part on the way, moves nothing, or calls the market while it is moved.
#[contract]
pub mod trickster {
    use super::*;

    #[storage]
    pub struct Trickster {
        way: Cell<u8>,
        balances: Map<Address, U256>,
    }

    impl Trickster {
        #[reentrant]
        pub fn set(&mut self, way: u8, account: Address, balance: U256) {
            self.way.set(way);
            self.balances.set(account, balance);
        }

        pub fn balance_of(&self, account: Address) -> U256 {
            self.balances.get(account)
        }

        #[reentrant]
        pub fn transfer(&mut self, cx: &mut Context, to: Address, value: U256) -> bool {
            let market = PredictionMarketHandle::from(cx.sender());
            match self.way.get() {
                8 => market.merge(1).call(cx),
                9 => drop(market.sell(1, 1, U256::MAX).call(cx)),
                _ => {}
            }
            self.balances.at_mut(cx.sender()).sub(value);
            self.balances.at_mut(to).add(value);
            true
        }

        #[reentrant]
        pub fn transfer_from(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> bool {
            let market = PredictionMarketHandle::from(cx.sender());
            let mut arrives = value;
            match self.way.get() {
                1 => return true,
                2 => arrives -= 1,
                3 => market.split(1).call(cx),
                4 => market.merge(1).call(cx),
                5 => drop(market.buy(1, 10, 0).call(cx)),
                6 => drop(market.add_funding(10).call(cx)),
                7 => {
                    // Views tell what is written down: what is on its way is not there yet.
                    assert!(market.reserves().call(cx).0 == 1_000 && market.balance_of(from, NO).call(cx) == 0);
                }
                _ => {}
            }
            self.balances.at_mut(from).sub(value);
            self.balances.at_mut(to).add(arrives);
            true
        }
    }
}
use trickster::TricksterHandle;

#[esker_sdk::test]
fn collateral_that_misbehaves_is_refused(chain: &mut Chain, alice: User, bob: User) {
    let token = chain.deploy(bob, TricksterHandle::constructor());
    let fair @ Fair { market, .. } = Fair::of(chain, alice, Erc20Handle::at(token.address()));
    let way = |chain: &mut Chain, way| chain.send(bob, token.set(way, bob.address, number(100_000))).succeeds();
    way(chain, 0);
    chain.send(bob, market.add_funding(1_000)).succeeds();
    for (trick, received) in [(1, 0), (2, 99)] {
        way(chain, trick);
        let missing = || Error::TokensMissing { amount: number(100), received: number(received) };
        chain.send(bob, market.split(100)).reverts(missing());
        chain.send(bob, market.add_funding(100)).reverts(missing());
        chain.send(bob, market.buy(1, 100, 0)).reverts(missing());
    }
    for trick in 3..=6 {
        way(chain, trick);
        chain.send(bob, market.split(100)).reverts_as_reentrant();
        chain.send(bob, market.buy(0, 100, 0)).reverts_as_reentrant();
    }
    way(chain, 7);
    chain.send(bob, market.split(100)).succeeds();
    for trick in [8, 9] {
        way(chain, trick);
        chain.send(bob, market.merge(100)).reverts_as_reentrant();
        chain.send(bob, market.sell(1, 10, U256::MAX)).reverts_as_reentrant();
    }
    // One that says no, one that says nothing, and none at all.
    let before = fair.of_user(chain, bob);
    let failed = || SafeERC20FailedOperation { token: token.address() };
    let balance = token.balance_of(bob.address);
    chain.mock(token.address(), move |called| Answer::value(&if called.is(&balance) { 1_u64 } else { 0 }));
    chain.send(bob, market.merge(10)).reverts(failed());
    chain.send(bob, market.split(10)).reverts(failed());
    let balance = token.balance_of(bob.address);
    chain.mock(
        token.address(),
        move |called| {
            if called.is(&balance) { Answer::value(&U256::ZERO) } else { Answer::nothing() }
        },
    );
    chain.send(bob, market.split(0)).succeeds();
    assert_eq!(fair.of_user(chain, bob), before);
    let nowhere = Fair::of(chain, alice, Erc20Handle::at(Address::repeat_byte(0x99)));
    chain.send(bob, nowhere.market.split(10)).reverts_with(Vec::new());
    chain.send(bob, nowhere.market.merge(0)).reverts(SafeERC20FailedOperation { token: nowhere.gold.address() });
}
