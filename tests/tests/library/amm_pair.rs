//! The pool: what it promises to those who provide and trade, under random calls and under attack. That it follows
//! Uniswap's rules is what `tests/solidity` holds it to.

use std::sync::Mutex;

use esker_amm_pair::{Error, PairHandle};
use esker_erc20::Erc20Handle;
use esker_sdk::{Panic, SafeERC20FailedOperation, prelude::*};
use esker_sdk_test::{Answer, Chain, Draw, Invariant, User};

/// Who stands for the factory.
const FACTORY: Address = Address::repeat_byte(0xfa);
/// Shares that nobody gets back.
const LOCKED: u128 = 1000;

/// Within a swap, asks the pool for what the first byte of the data says, and gives back what it borrowed with the fee.
#[contract]
mod thief {
    use super::*;

    #[storage]
    pub struct Thief {
        /// What a view told it while the pool waited.
        pub seen: Cell<U256>,
    }

    impl Thief {
        pub fn uniswap_v2_call(&mut self, cx: &mut Context, _by: Address, amount0: U256, _amount1: U256, data: &[u8]) {
            let pool = PairHandle::from(cx.sender());
            match data.first() {
                Some(1) => drop(pool.mint(cx.address()).call(cx)),
                Some(2) => drop(pool.burn(cx.address()).call(cx)),
                Some(3) => pool.swap(0, 1, cx.address(), &[]).call(cx),
                Some(4) => pool.skim(cx.address()).call(cx),
                Some(5) => pool.sync().call(cx),
                _ => self.seen.set(pool.get_reserves().call(cx).0.get()),
            }
            let token = Erc20Handle::from(pool.token0().call(cx));
            token.transfer(pool.address(), amount0 * 1000 / 997 + 1).call(cx);
        }

        pub fn seen(&self) -> U256 {
            self.seen.get()
        }
    }
}
use thief::*;

#[derive(Clone, Copy)]
struct Market {
    tokens: [Erc20Handle; 2],
    pool: PairHandle,
}

impl Market {
    /// A pool without fees for the protocol, and everybody has a million of both tokens.
    fn new(chain: &mut Chain, users: &[User]) -> Self {
        let tokens = ["A", "B"].map(|name| {
            let token = chain.deploy(users[0], Erc20Handle::constructor(name, name, 100_000_000));
            for user in &users[1..] {
                chain.send(users[0], token.transfer(*user, 1_000_000)).succeeds();
            }
            token
        });
        chain.mock(FACTORY, |_| Answer::value(&Address::ZERO));
        let pool = chain.deploy(User { address: FACTORY }, PairHandle::constructor());
        chain.send(FACTORY, pool.initialize(tokens[0].address(), tokens[1].address())).succeeds();
        Self { tokens, pool }
    }

    fn pay(&self, chain: &mut Chain, by: User, which: usize, value: u128) {
        chain.send(by, self.tokens[which].transfer(self.pool.address(), value)).succeeds();
    }

    fn provide(&self, chain: &mut Chain, by: User, value0: u128, value1: u128) -> U256 {
        self.pay(chain, by, 0, value0);
        self.pay(chain, by, 1, value1);
        chain.send(by, self.pool.mint(by)).succeeds().returned()
    }

    /// Gives all of somebody's shares back, and what came of them.
    fn withdraw(&self, chain: &mut Chain, by: User) -> (U256, U256) {
        let shares = chain.read(self.pool.balance_of(by));
        chain.send(by, self.pool.transfer(self.pool.address(), shares)).succeeds();
        chain.send(by, self.pool.burn(by)).succeeds().returned()
    }

    fn reserves(&self, chain: &mut Chain) -> (U256, U256) {
        let (reserve0, reserve1, _) = chain.read(self.pool.get_reserves());
        (reserve0.get(), reserve1.get())
    }
}

#[esker_sdk::test]
fn only_the_deployer_says_which_tokens(chain: &mut Chain, alice: User, bob: User) {
    let pool = chain.deploy(alice, PairHandle::constructor());
    chain.send(bob, pool.initialize(bob, bob)).reverts(Error::Forbidden);
    chain.send(alice, pool.initialize(alice, bob)).succeeds();
    assert_eq!((chain.read(pool.token0()), chain.read(pool.token1())), (alice.address, bob.address));
    assert_eq!(chain.read(pool.factory()), alice.address);
}

#[esker_sdk::test]
fn a_trade_costs_three_thousandths(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    assert_eq!(market.provide(chain, alice, 100_000, 400_000), 200_000 - LOCKED);
    market.pay(chain, bob, 0, 1_000);
    // 400,000 - 100,000 × 400,000 / (100,000 + 997), rounded down.
    chain.send(bob, market.pool.swap(0, 3_949, bob, &[])).reverts(Error::K);
    chain.send(bob, market.pool.swap(0, 3_948, bob, &[])).succeeds();
    assert_eq!(market.reserves(chain), (U256::from(101_000), U256::from(396_052)));
    chain.send(bob, market.pool.swap(0, 0, bob, &[])).reverts(Error::InsufficientOutputAmount);
    chain.send(bob, market.pool.swap(101_000, 0, bob, &[])).reverts(Error::InsufficientLiquidity);
    chain.send(bob, market.pool.swap(1, 0, market.tokens[1].address(), &[])).reverts(Error::InvalidTo);
    chain.send(bob, market.pool.swap(1, 0, bob, &[])).reverts(Error::InsufficientInputAmount);
}

#[esker_sdk::test]
fn reserves_beyond_112_bits_are_refused(chain: &mut Chain, alice: User) {
    let market = Market::new(chain, &[alice]);
    let whale = chain.deploy(alice, Erc20Handle::constructor("W", "W", U256::ONE << 112));
    chain.send(FACTORY, market.pool.initialize(whale.address(), market.tokens[1].address())).succeeds();
    chain.send(alice, whale.transfer(market.pool.address(), U256::ONE << 112)).succeeds();
    chain.send(alice, market.pool.sync()).reverts(Error::Overflow);
}

/// The first to provide makes each share worth a fortune, so that the next one's amounts round down to none. The shares
/// that nobody gets back make that cost a thousand times what it takes.
#[esker_sdk::test]
fn inflating_the_first_share_costs_more_than_it_takes(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    market.pay(chain, alice, 0, LOCKED);
    market.pay(chain, alice, 1, LOCKED);
    chain.send(alice, market.pool.mint(alice)).reverts(Error::InsufficientLiquidityMinted);
    market.pay(chain, alice, 0, 1);
    market.pay(chain, alice, 1, 1);
    chain.send(alice, market.pool.mint(alice)).returns(1);
    market.pay(chain, alice, 0, 10_000_000);
    market.pay(chain, alice, 1, 10_000_000);
    chain.send(alice, market.pool.sync()).succeeds();
    // Bob loses at most one share's worth, a thousandth of what alice gave away.
    market.provide(chain, bob, 19_000, 19_000);
    let (back, _) = market.withdraw(chain, alice);
    assert!(back < 11_000, "alice gave 10,001,001 of each and got {back} back");
    let (back, _) = market.withdraw(chain, bob);
    assert!(back >= 9_000, "bob gave 19,000 of each and got {back} back");
}

#[esker_sdk::test]
fn whoever_is_called_within_a_swap_cannot_enter_again(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    market.provide(chain, alice, 100_000, 100_000);
    let thief = chain.deploy(bob, ThiefHandle::constructor());
    chain.send(bob, market.tokens[0].transfer(thief.address(), 10_000)).succeeds();
    for way in 1..=5 {
        chain.send(bob, market.pool.swap(1_000, 0, thief.address(), &[way])).reverts_as_reentrant();
    }
    // Views tell what was before the swap: a price that others read meanwhile cannot be moved by borrowing.
    chain.send(bob, market.pool.swap(50_000, 0, thief.address(), &[0])).succeeds();
    assert_eq!(chain.read(thief.seen()), 100_000);
}

/// A token that takes its time, one that fails, one that answers no, and one that answers nothing, as USDT does.
#[esker_sdk::test]
fn tokens_that_misbehave_harm_their_own_pool_only(chain: &mut Chain, alice: User) {
    let market = Market::new(chain, &[alice]);
    market.provide(chain, alice, 100_000, 100_000);
    let balance = chain.read(market.tokens[0].balance_of(market.pool.address()));
    let strange = |chain: &mut Chain, answer: Answer| {
        let is_balance = market.tokens[0].balance_of(alice);
        chain.mock(market.tokens[0].address(), move |called| {
            if called.is(&is_balance) { Answer::value(&(balance + 50_000)) } else { answer.clone() }
        });
    };
    strange(chain, Answer::revert("no"));
    chain.send(alice, market.pool.skim(alice)).reverts_with_text("no");
    strange(chain, Answer::value(&false));
    let failed = SafeERC20FailedOperation { token: market.tokens[0].address() };
    chain.send(alice, market.pool.skim(alice)).reverts(failed);
    strange(chain, Answer::nothing());
    chain.send(alice, market.pool.skim(alice)).succeeds();
    // A balance that is no number at all.
    chain.mock(market.tokens[0].address(), |_| Answer::nothing());
    chain.send(alice, market.pool.sync()).reverts_with(Vec::new());
}

#[esker_sdk::test]
fn a_share_of_nothing_is_refused(chain: &mut Chain, alice: User) {
    let market = Market::new(chain, &[alice]);
    chain.send(alice, market.pool.burn(alice)).panics(Panic::DivisionByZero);
    chain.send(alice, market.pool.mint(alice)).panics(Panic::Overflow);
    chain.send(alice, market.pool.transfer(alice, 1)).panics(Panic::Overflow);
}

/// What the pool had, to see that it does not lose by anything.
#[derive(Clone, Copy, Default)]
struct Before {
    product: U256,
    shares: U256,
}

/// Who trades cannot take out more than they bring in: the root of the reserves' product for each share never falls. Shares
/// add up, and what is there covers the reserves.
#[esker_sdk::test]
fn nobody_takes_from_the_providers(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let (market, before) = (Market::new(chain, &users), Mutex::new(Before::default()));
    let (before, pool) = (&before, market.pool);
    let value = |draw: &mut Draw| U256::from(draw.number(0..=20_000));
    market.provide(chain, alice, 50_000, 80_000);
    let start = chain.snapshot();
    Invariant::new()
        .before(move |chain| {
            chain.restore(&start);
            *before.lock().expect("one at a time") = Before::default();
        })
        .action("provide", move |chain, draw| {
            let by = draw.pick(&users);
            for which in 0..2 {
                let _ = chain.send(by, market.tokens[which].transfer(pool.address(), value(draw)));
            }
            let _ = chain.send(by, pool.mint(draw.pick(&users)));
        })
        .action("withdraw", move |chain, draw| {
            let (by, shares) = (draw.pick(&users), value(draw));
            let _ = chain.send(by, pool.transfer(pool.address(), shares));
            let _ = chain.send(by, pool.burn(draw.pick(&users)));
        })
        .action("swap", move |chain, draw| {
            let (by, which) = (draw.pick(&users), draw.number(0..=1) as usize);
            let _ = chain.send(by, market.tokens[which].transfer(pool.address(), value(draw)));
            let out = [0, 1].map(|_| if draw.chance() { value(draw) } else { U256::ZERO });
            let _ = chain.send(by, pool.swap(out[0], out[1], draw.pick(&users), &[]));
        })
        .action("skim", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), pool.skim(draw.pick(&users)));
        })
        .action("sync", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), pool.sync());
        })
        .check("a share is never worth less", move |chain| {
            let (reserve0, reserve1) = market.reserves(chain);
            let now = Before { product: reserve0 * reserve1, shares: chain.read(pool.total_supply()) };
            let mut last = before.lock().expect("one at a time");
            // √(product) / shares, squared and multiplied out.
            let (is, was) = (now.product * last.shares * last.shares, last.product * now.shares * now.shares);
            assert!(last.shares == 0 || is >= was, "{is} < {was}");
            *last = now;
        })
        .check("shares and reserves are there", move |chain| {
            let owners = users.map(|user| user.address).into_iter().chain([Address::ZERO, pool.address()]);
            let shares: U256 = owners.map(|owner| chain.read(pool.balance_of(owner))).sum();
            assert_eq!(shares, chain.read(pool.total_supply()));
            let (reserve0, reserve1) = market.reserves(chain);
            for (token, reserve) in market.tokens.into_iter().zip([reserve0, reserve1]) {
                assert!(chain.read(token.balance_of(pool.address())) >= reserve);
            }
        })
        .run(chain);
}
