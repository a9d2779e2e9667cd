//! Tokens that take a fee on transfer: the bounds are on what arrives, and the router still keeps nothing.

use std::cell::Cell as Kept;

use esker_amm_factory::{Factory, FactoryHandle};
use esker_amm_pair::{Error as PairError, Pair, PairHandle, shares::shares::Message};
use esker_amm_router::{Error, RouterHandle};
use esker_erc20::Erc20Handle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Answer, Chain, Draw, Invariant, User};
use esker_weth::WethHandle;
use secp256k1::{SECP256K1, SecretKey};

/// A deadline that does not pass.
const LATER: u128 = u64::MAX as u128;
/// What the token takes of every thousand.
const FEE: u128 = 20;

/// A token that destroys a part of whatever is moved, and, if told to, puts some into a pool before an allowance of it is
/// used.
#[contract]
mod taxed {
    use super::*;

    #[storage]
    pub struct Taxed {
        balances: Map<Address, U256>,
        fee: Cell<U256>,
        supply: Cell<U256>,
        feeds: Cell<Address>,
    }

    impl Taxed {
        #[constructor]
        pub fn new(&mut self, cx: &Context, supply: U256) {
            self.supply.set(supply);
            self.balances.set(cx.sender(), supply);
        }

        pub fn total_supply(&self) -> U256 {
            self.supply.get()
        }

        pub fn balance_of(&self, account: Address) -> U256 {
            self.balances.get(account)
        }

        pub fn set_fee(&mut self, fee: U256) {
            self.fee.set(fee);
        }

        pub fn feed(&mut self, pool: Address) {
            self.feeds.set(pool);
        }

        pub fn transfer(&mut self, cx: &Context, to: Address, value: U256) -> bool {
            self.pass_on(cx.sender(), to, value)
        }

        /// Everybody lets everybody.
        pub fn transfer_from(&mut self, cx: &mut Context, from: Address, to: Address, value: U256) -> bool {
            let pool = self.feeds.replace(Address::ZERO);
            if !pool.is_zero() {
                self.balances.at_mut(pool).add(50_000);
                self.supply.add(50_000);
                PairHandle::at(pool).sync().call(cx);
            }
            self.pass_on(from, to, value)
        }

        fn pass_on(&mut self, from: Address, to: Address, value: U256) -> bool {
            let fee = value * self.fee.get() / 1000;
            self.balances.at_mut(from).sub(value);
            self.balances.at_mut(to).add(value - fee);
            self.supply.sub(fee);
            true
        }
    }
}
use taxed::*;

#[derive(Clone, Copy)]
struct Market {
    router: RouterHandle,
    factory: FactoryHandle,
    weth: WethHandle,
    plain: Erc20Handle,
    taxed: TaxedHandle,
}

impl Market {
    /// Pools of the taxed token with the plain one and with coins. Everybody has a million of each token, and lets the router
    /// move it.
    fn new(chain: &mut Chain, users: &[User]) -> Self {
        let _ = (chain.code::<Pair>(), chain.code::<Factory>());
        let (alice, supply) = (users[0], users.len() as u128 * 1_000_000);
        let factory = chain.deploy(alice, FactoryHandle::constructor(alice.address));
        let weth = chain.deploy(alice, WethHandle::constructor());
        let router = chain.deploy(alice, RouterHandle::constructor(factory.address(), weth.address()));
        let plain = chain.deploy(alice, Erc20Handle::constructor("P", "P", supply));
        let taxed = chain.deploy(alice, TaxedHandle::constructor(supply));
        for user in users {
            chain.send(alice, plain.transfer(*user, 1_000_000)).succeeds();
            chain.send(alice, taxed.transfer(user.address, 1_000_000)).succeeds();
            chain.send(*user, plain.approve(router.address(), U256::MAX)).succeeds();
        }
        let (p, t) = (plain.address(), taxed.address());
        let add = router.add_liquidity(p, t, 100_000, 400_000, 0, 0, alice.address, LATER);
        chain.send(alice, add).succeeds();
        let add = router.add_liquidity_eth(t, 200_000, 0, 0, alice.address, LATER);
        chain.send(alice, add.value(100_000)).succeeds();
        chain.send(alice, taxed.set_fee(FEE)).succeeds();
        Self { router, factory, weth, plain, taxed }
    }

    /// The plain token, the taxed one, and coins as a token.
    fn tokens(&self) -> [Address; 3] {
        [self.plain.address(), self.taxed.address(), self.weth.address()]
    }

    fn pool(&self, chain: &mut Chain, x: Address, y: Address) -> PairHandle {
        PairHandle::at(chain.read(self.factory.get_pair(x, y)))
    }

    /// What a pool pays for what has arrived.
    fn paid(&self, chain: &mut Chain, arrived: U256, token_in: Address, token_out: Address) -> U256 {
        let pool = self.pool(chain, token_in, token_out);
        let (reserve0, reserve1, _) = chain.read(pool.get_reserves());
        let (reserve0, reserve1) = (reserve0.get(), reserve1.get());
        let (of_in, of_out) = if token_in < token_out { (reserve0, reserve1) } else { (reserve1, reserve0) };
        chain.read(self.router.get_amount_out(arrived, of_in, of_out))
    }

    /// What the router has of anything.
    fn kept(&self, chain: &mut Chain) -> U256 {
        let router = self.router.address();
        let tokens = chain.read(self.plain.balance_of(router)) + chain.read(self.taxed.balance_of(router));
        tokens + chain.read(self.weth.balance_of(router)) + chain.balance(router)
    }
}

/// What arrives of an amount of the taxed token.
fn taxed_once(amount: U256) -> U256 {
    amount - amount * FEE / 1000
}

#[esker_sdk::test]
fn the_bound_is_on_what_arrives(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    let ([p, t, w], to, amount) = (market.tokens(), bob.address, U256::from(10_000));
    let swap = |path: &[Address], least: U256| {
        let router = market.router;
        router.swap_exact_tokens_for_tokens_supporting_fee_on_transfer_tokens(amount, least, path, to, LATER)
    };
    // Bought: the pool pays all of it, and less arrives.
    let arrives = taxed_once(market.paid(chain, amount, p, t));
    chain.send(alice, swap(&[p, t], arrives + 1)).reverts(Error::InsufficientOutputAmount);
    chain.send(alice, swap(&[p, t], arrives)).succeeds();
    assert_eq!(chain.read(market.taxed.balance_of(to)), arrives + 1_000_000);
    // Sold: the pool gets less, and pays for that.
    let out = market.paid(chain, taxed_once(amount), t, p);
    chain.send(alice, swap(&[t, p], out + 1)).reverts(Error::InsufficientOutputAmount);
    chain.send(alice, swap(&[t, p], out)).succeeds();
    assert_eq!(chain.read(market.plain.balance_of(to)), out + 1_000_000);
    // In the middle of a path it is taxed on its way from pool to pool.
    let between = taxed_once(market.paid(chain, amount, p, t));
    let out = market.paid(chain, between, t, w);
    chain.send(alice, swap(&[p, t, w], out + 1)).reverts(Error::InsufficientOutputAmount);
    chain.send(alice, swap(&[p, t, w], out)).succeeds();
    assert_eq!(chain.read(market.weth.balance_of(to)), out);
    // The functions that count on all of it arriving do not serve.
    let unaware = market.router.swap_exact_tokens_for_tokens(amount, 0, &[t, p], to, LATER);
    chain.send(alice, unaware).reverts(PairError::K);
    for short in [&[][..], &[p]] {
        chain.send(alice, swap(short, U256::ZERO)).reverts(Error::InvalidPath);
    }
    chain.send(alice, swap(&[p, w], U256::ZERO)).reverts(Error::NoPair { token_a: p, token_b: w });
    assert_eq!(market.kept(chain), 0);
}

#[esker_sdk::test]
fn coins_buy_and_are_bought(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    let ([p, t, w], router, to, amount) = (market.tokens(), market.router, bob.address, U256::from(1_000));
    let buy = |path: &[Address], least: U256| {
        router.swap_exact_eth_for_tokens_supporting_fee_on_transfer_tokens(least, path, to, LATER).value(amount)
    };
    let arrives = taxed_once(market.paid(chain, amount, w, t));
    chain.send(alice, buy(&[w, t], arrives + 1)).reverts(Error::InsufficientOutputAmount);
    chain.send(alice, buy(&[w, t], arrives)).succeeds();
    assert_eq!(chain.read(market.taxed.balance_of(to)), arrives + 1_000_000);
    let sell = |path: &[Address], least: U256, to: Address| {
        router.swap_exact_tokens_for_eth_supporting_fee_on_transfer_tokens(amount, least, path, to, LATER)
    };
    let (out, before) = (market.paid(chain, taxed_once(amount), t, w), chain.balance(bob));
    chain.send(alice, sell(&[t, w], out + 1, to)).reverts(Error::InsufficientOutputAmount);
    chain.send(alice, sell(&[t, w], out, to)).succeeds();
    assert_eq!(chain.balance(bob) - before, out);
    for path in [&[t, w][..], &[t, p], &[], &[w]] {
        chain.send(alice, buy(path, U256::ZERO)).reverts(Error::InvalidPath);
    }
    for path in [&[w, t][..], &[t, p], &[], &[w]] {
        chain.send(alice, sell(path, U256::ZERO, to)).reverts(Error::InvalidPath);
    }
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins"));
    chain.send(alice, sell(&[t, w], U256::ZERO, grudge)).reverts(Error::NotTaken { receiver: grudge });
    assert_eq!(market.kept(chain), 0);
}

#[esker_sdk::test]
fn liquidity_goes_out_less_the_fees(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    let ([_, t, w], router, to, shares) = (market.tokens(), market.router, bob.address, U256::from(10_000));
    let pool = market.pool(chain, t, w);
    chain.send(alice, pool.approve(router.address(), U256::MAX)).succeeds();
    // This one passes on more than it has got.
    let unaware = router.remove_liquidity_eth(t, shares, 0, 0, to, LATER);
    chain.send(alice, unaware).panics(Panic::Overflow);
    let remove = |of_t: U256, of_w: U256, to: Address| {
        router.remove_liquidity_eth_supporting_fee_on_transfer_tokens(t, shares, of_t, of_w, to, LATER)
    };
    let all = chain.read(pool.total_supply());
    let (of_t, of_w) = (shares * 200_000 / all, shares * 100_000 / all);
    chain.send(alice, remove(of_t + 1, of_w, to)).reverts(Error::InsufficientAAmount);
    chain.send(alice, remove(of_t, of_w + 1, to)).reverts(Error::InsufficientBAmount);
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins"));
    chain.send(alice, remove(of_t, of_w, grudge)).reverts(Error::NotTaken { receiver: grudge });
    let before = chain.balance(bob);
    chain.send(alice, remove(of_t, of_w, to)).returns(of_w);
    assert_eq!(chain.balance(bob) - before, of_w);
    // It is taxed twice: from the pool to the router, and from there to bob.
    assert_eq!(chain.read(market.taxed.balance_of(to)), taxed_once(taxed_once(of_t)) + 1_000_000);
    assert_eq!(market.kept(chain), 0);
}

#[esker_sdk::test]
fn a_permit_serves_its_signer_once(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    let ([_, t, w], router) = (market.tokens(), market.router);
    let pool = market.pool(chain, t, w);
    let secret = SecretKey::from_byte_array([7; 32]).expect("a key");
    let key = secret.public_key(SECP256K1).serialize_uncompressed();
    let owner = Address(esker_sdk::abi::keccak256(&key[1..])[12..].try_into().expect("20 bytes"));
    chain.send(alice, pool.transfer(owner, 2_000)).succeeds();
    let domain = Eip712Domain::new("Uniswap V2", "1", esker_sdk_test::CHAIN_ID, pool.address());
    let sign = |value: U256, nonce: u64| -> (u8, B256, B256) {
        let (spender, nonce, deadline) = (router.address(), U256::from(nonce), U256::from(LATER));
        let digest = domain.digest(&Message { owner, spender, value, nonce, deadline });
        let digest = secp256k1::Message::from_digest(digest.0);
        let (id, signature) = SECP256K1.sign_ecdsa_recoverable(digest, &secret).serialize_compact();
        let half = |index: usize| FixedBytes(core::array::from_fn(|byte| signature[index * 32 + byte]));
        (27 + i32::from(id) as u8, half(0), half(1))
    };
    #[rustfmt::skip]
    let remove = |all: bool, (v, r, s): (u8, B256, B256)| {
        router.remove_liquidity_eth_with_permit_supporting_fee_on_transfer_tokens(t, 1_000, 0, 0, owner, LATER, all, v, r, s)
    };
    let refused = |owner| esker_amm_pair::shares::shares::Error::InvalidSignature { owner };
    let signature = sign(U256::from(1_000), 0);
    chain.send(bob, remove(false, signature)).reverts(refused(bob.address));
    chain.send(owner, remove(true, signature)).reverts(refused(owner));
    chain.send(owner, remove(false, signature)).succeeds();
    chain.send(owner, remove(false, signature)).reverts(refused(owner));
    chain.send(owner, remove(true, sign(U256::MAX, 1))).succeeds();
    assert_eq!(chain.read(pool.balance_of(owner)), 0);
    assert!(chain.balance(owner) > 0 && chain.read(market.taxed.balance_of(owner)) > 0);
    assert_eq!(market.kept(chain), 0);
}

#[esker_sdk::test]
fn nothing_happens_after_the_deadline(chain: &mut Chain, alice: User) {
    let market = Market::new(chain, &[alice]);
    let ([p, t, w], router, to) = (market.tokens(), market.router, alice.address);
    let (past, late) = (U256::from(chain.timestamp()), || Error::Expired);
    let swap = |deadline: U256| {
        router.swap_exact_tokens_for_tokens_supporting_fee_on_transfer_tokens(9, 0, &[p, t], to, deadline)
    };
    chain.send(alice, swap(past)).reverts(late());
    let buy = router.swap_exact_eth_for_tokens_supporting_fee_on_transfer_tokens(0, &[w, t], to, past);
    chain.send(alice, buy.value(9)).reverts(late());
    let sell = router.swap_exact_tokens_for_eth_supporting_fee_on_transfer_tokens(9, 0, &[t, w], to, past);
    chain.send(alice, sell).reverts(late());
    let remove = router.remove_liquidity_eth_supporting_fee_on_transfer_tokens(t, 1, 0, 0, to, past);
    chain.send(alice, remove).reverts(late());
    let (all, v, r, s) = (false, 27, B256::ZERO, B256::ZERO);
    #[rustfmt::skip]
    let signed = router.remove_liquidity_eth_with_permit_supporting_fee_on_transfer_tokens(t, 1, 0, 0, to, past, all, v, r, s);
    chain.send(alice, signed).reverts(late());
    // The deadline itself is in time.
    let now = U256::from(chain.timestamp() + 12);
    chain.send(alice, swap(now)).succeeds();
}

/// A token of which nothing arrives buys nothing, and one that puts something into the pool as it is moved does not upset
/// the count: each pool is looked at when it has been paid.
#[esker_sdk::test]
fn transfers_may_do_more_than_transfer(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    let ([p, t, _], router, to, amount) = (market.tokens(), market.router, bob.address, U256::from(10_000));
    let swap = || router.swap_exact_tokens_for_tokens_supporting_fee_on_transfer_tokens(amount, 0, &[t, p], to, LATER);
    chain.send(alice, market.taxed.set_fee(1000)).succeeds();
    chain.send(alice, swap()).reverts(Error::InsufficientInputAmount);
    chain.send(alice, market.taxed.set_fee(FEE)).succeeds();
    let pool = market.pool(chain, t, p);
    chain.send(alice, market.taxed.feed(pool.address())).succeeds();
    let out = chain.read(router.get_amount_out(taxed_once(amount), 450_000, 100_000));
    chain.send(alice, swap()).succeeds();
    assert_eq!(chain.read(market.plain.balance_of(to)), out + 1_000_000);
}

/// As with Uniswap's, what somebody has given the router goes to whoever sells for coins next, and counts for the bound.
#[esker_sdk::test]
fn what_the_router_was_given_goes_to_who_sells_next(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    let ([_, t, w], router, to, amount) = (market.tokens(), market.router, bob.address, U256::from(1_000));
    chain.send(alice, market.weth.deposit().value(7)).succeeds();
    chain.send(alice, market.weth.transfer(router.address(), 7)).succeeds();
    let sell = |least: U256| {
        router.swap_exact_tokens_for_eth_supporting_fee_on_transfer_tokens(amount, least, &[t, w], to, LATER)
    };
    let (all, before) = (market.paid(chain, taxed_once(amount), t, w) + 7, chain.balance(bob));
    chain.send(alice, sell(all + 1)).reverts(Error::InsufficientOutputAmount);
    chain.send(alice, sell(all)).succeeds();
    assert_eq!((chain.balance(bob) - before, market.kept(chain)), (all, U256::ZERO));
}

/// With tokens that take no fee both kinds of functions do the same.
#[esker_sdk::test]
fn without_a_fee_it_is_the_same_trade(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    chain.send(alice, market.taxed.set_fee(0)).succeeds();
    let ([p, t, w], router, to) = (market.tokens(), market.router, bob.address);
    let has = |chain: &mut Chain| {
        let tokens = [chain.read(market.plain.balance_of(to)), chain.read(market.taxed.balance_of(to))];
        (tokens, chain.read(market.weth.balance_of(to)), chain.balance(to))
    };
    let (start, before) = (chain.snapshot(), has(chain));
    let mut trades = 0;
    // What bob has after either, from the same start.
    let mut same = |chain: &mut Chain, make: &dyn Fn(&mut Chain, bool)| {
        let [ordinary, aware] = [false, true].map(|aware| {
            chain.restore(&start);
            make(chain, aware);
            has(chain)
        });
        assert_eq!(ordinary, aware);
        trades += usize::from(ordinary != before);
    };
    for amount in [1, 997, 50_000] {
        for path in [&[p, t][..], &[t, p], &[p, t, w]] {
            same(chain, &|chain, aware| {
                let _ = if aware {
                    let swap = router
                        .swap_exact_tokens_for_tokens_supporting_fee_on_transfer_tokens(amount, 0, path, to, LATER);
                    chain.send(alice, swap).end()
                } else {
                    chain.send(alice, router.swap_exact_tokens_for_tokens(amount, 0, path, to, LATER)).end()
                };
            });
        }
        for path in [&[w, t][..], &[w, t, p]] {
            same(chain, &|chain, aware| {
                let _ = if aware {
                    let swap = router.swap_exact_eth_for_tokens_supporting_fee_on_transfer_tokens(0, path, to, LATER);
                    chain.send(alice, swap.value(amount)).end()
                } else {
                    chain.send(alice, router.swap_exact_eth_for_tokens(0, path, to, LATER).value(amount)).end()
                };
            });
        }
        for path in [&[t, w][..], &[p, t, w]] {
            same(chain, &|chain, aware| {
                let _ = if aware {
                    let swap =
                        router.swap_exact_tokens_for_eth_supporting_fee_on_transfer_tokens(amount, 0, path, to, LATER);
                    chain.send(alice, swap).end()
                } else {
                    chain.send(alice, router.swap_exact_tokens_for_eth(amount, 0, path, to, LATER)).end()
                };
            });
        }
    }
    assert!(trades >= 14, "all of 997 and more give something: {trades}");
}

/// After any trades and withdrawals, at any fee, the router has nothing, every taxed token is somebody's, and no share of a
/// pool is worth less.
#[esker_sdk::test]
fn the_router_keeps_nothing_and_pools_lose_nothing(chain: &mut Chain, alice: User, bob: User) {
    let users = [alice, bob];
    let market = Market::new(chain, &users);
    let ([p, t, w], router) = (market.tokens(), market.router);
    let pools = [market.pool(chain, p, t), market.pool(chain, t, w)];
    chain.send(alice, pools[1].approve(router.address(), U256::MAX)).succeeds();
    let value = |draw: &mut Draw| U256::from(draw.number(0..=30_000));
    let paths = &[vec![p, t], vec![t, p], vec![w, t, p], vec![p, t, w], vec![t, w], vec![w, t]];
    let worth = &Kept::new([(U256::ZERO, U256::ZERO); 2]);
    Invariant::new()
        .sequences(24)
        .before(move |_| worth.set([(U256::ZERO, U256::ZERO); 2]))
        .action("swap", move |chain, draw| {
            let (by, to, path) = (draw.pick(&users), draw.pick(&users).address, draw.pick(paths));
            let (amount, least) = (value(draw), value(draw) / 3);
            let buy = router.swap_exact_eth_for_tokens_supporting_fee_on_transfer_tokens(least, &path, to, LATER);
            let _ = chain.send(by, buy.value(amount));
            let sell =
                router.swap_exact_tokens_for_eth_supporting_fee_on_transfer_tokens(amount, least, &path, to, LATER);
            let _ = chain.send(by, sell);
            let swap =
                router.swap_exact_tokens_for_tokens_supporting_fee_on_transfer_tokens(amount, least, &path, to, LATER);
            let _ = chain.send(by, swap);
        })
        .action("remove", move |chain, draw| {
            let (shares, to) = (value(draw), draw.pick(&users).address);
            let remove = router.remove_liquidity_eth_supporting_fee_on_transfer_tokens(t, shares, 0, 0, to, LATER);
            let _ = chain.send(alice, remove);
        })
        .action("the fee changes", move |chain, draw| {
            chain.send(alice, market.taxed.set_fee(U256::from(draw.number(0..=1000)))).succeeds();
        })
        .check("the router has nothing", move |chain| assert_eq!(market.kept(chain), 0))
        .check("every taxed token is somebody's", move |chain| {
            let holders = [alice.address, bob.address, pools[0].address(), pools[1].address()];
            let held: U256 = holders.iter().map(|holder| chain.read(market.taxed.balance_of(*holder))).sum();
            assert_eq!(held, chain.read(market.taxed.total_supply()));
        })
        .check("a share is never worth less", move |chain| {
            let mut last = worth.get();
            for (pool, last) in pools.into_iter().zip(last.iter_mut()) {
                let (reserve0, reserve1, _) = chain.read(pool.get_reserves());
                let (product, shares) = (reserve0.get() * reserve1.get(), chain.read(pool.total_supply()));
                assert!(last.1 == 0 || product * last.1 * last.1 >= last.0 * shares * shares);
                *last = (product, shares);
            }
            worth.set(last);
        })
        .run(chain);
}
