//! The router: nobody pays more or gets less than they said, it keeps nothing, and pools lose nothing by it.

use std::sync::Mutex;

use esker_amm_factory::{Factory, FactoryHandle};
use esker_amm_pair::{Pair, PairHandle, shares::shares::Message};
use esker_amm_router::{Error, RouterHandle};
use esker_erc20::{Erc20Handle, Error as TokenError};
use esker_sdk::{Address, B256, Eip712Domain, FixedBytes, U256};
use esker_sdk_test::{Answer, Chain, Draw, Invariant, User};
use esker_weth::WethHandle;
use secp256k1::{SECP256K1, SecretKey};

/// A deadline that does not pass.
const LATER: u128 = u64::MAX as u128;
/// Shares of each pool that nobody gets back.
const LOCKED: u128 = 1000;

#[derive(Clone, Copy)]
struct Market {
    router: RouterHandle,
    factory: FactoryHandle,
    weth: WethHandle,
    a: Erc20Handle,
    b: Erc20Handle,
    c: Erc20Handle,
}

impl Market {
    /// No pools yet; everybody has a million of each token and lets the router move it.
    fn new(chain: &mut Chain, users: &[User]) -> Self {
        let _ = (chain.code::<Pair>(), chain.code::<Factory>());
        let factory = chain.deploy(users[0], FactoryHandle::constructor(users[0].address));
        let weth = chain.deploy(users[0], WethHandle::constructor());
        let router = chain.deploy(users[0], RouterHandle::constructor(factory.address(), weth.address()));
        let [a, b, c] = ["A", "B", "C"].map(|name| {
            let token = chain.deploy(users[0], Erc20Handle::constructor(name, name, users.len() as u128 * 1_000_000));
            for user in users {
                chain.send(users[0], token.transfer(*user, 1_000_000)).succeeds();
                chain.send(*user, token.approve(router.address(), U256::MAX)).succeeds();
            }
            token
        });
        Self { router, factory, weth, a, b, c }
    }

    /// With pools of a and b, of b and c, and of a and coins.
    fn with_pools(chain: &mut Chain, users: &[User]) -> Self {
        let market = Self::new(chain, users);
        market.add(chain, users[0], market.a, market.b, 100_000, 400_000);
        market.add(chain, users[0], market.b, market.c, 200_000, 100_000);
        let add = market.router.add_liquidity_eth(market.a.address(), 100_000, 0, 0, users[0].address, LATER);
        chain.send(users[0], add.value(100_000)).succeeds();
        market
    }

    fn add(&self, chain: &mut Chain, by: User, x: Erc20Handle, y: Erc20Handle, amount_x: u128, amount_y: u128) {
        let add = self.router.add_liquidity(x.address(), y.address(), amount_x, amount_y, 0, 0, by.address, LATER);
        chain.send(by, add).succeeds();
    }

    fn pool(&self, chain: &mut Chain, x: Address, y: Address) -> PairHandle {
        PairHandle::at(chain.read(self.factory.get_pair(x, y)))
    }

    /// What the router has of anything.
    fn kept(&self, chain: &mut Chain) -> U256 {
        let router = self.router.address();
        let tokens: U256 = [self.a, self.b, self.c].iter().map(|token| chain.read(token.balance_of(router))).sum();
        tokens + chain.read(self.weth.balance_of(router)) + chain.balance(router)
    }
}

fn numbers<const N: usize>(of: [u64; N]) -> Vec<U256> {
    of.map(U256::from).to_vec()
}

#[esker_sdk::test]
fn liquidity_comes_in_at_the_pools_price(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::new(chain, &[alice, bob]);
    let (a, b) = (market.a.address(), market.b.address());
    let add = |of_a: u128, of_b: u128, min_a: u128, min_b: u128| {
        market.router.add_liquidity(a, b, of_a, of_b, min_a, min_b, bob.address, LATER)
    };
    // The first to provide says the price, and the pool is made by the way.
    let first = (U256::from(100_000), U256::from(400_000), U256::from(200_000 - LOCKED));
    chain.send(alice, add(100_000, 400_000, 0, 0)).returns(first);
    // Then it is the pool's: too much of either stays with the caller, or it is refused.
    let fits = || (U256::from(1_000), U256::from(4_000), U256::from(2_000));
    chain.send(alice, add(1_000, 9_000, 1_000, 4_001)).reverts(Error::InsufficientBAmount);
    chain.send(alice, add(1_000, 9_000, 1_000, 4_000)).returns(fits());
    chain.send(alice, add(9_000, 4_000, 1_001, 4_000)).reverts(Error::InsufficientAAmount);
    chain.send(alice, add(9_000, 4_000, 1_000, 4_000)).returns(fits());
    chain.send(alice, add(0, 4_000, 0, 0)).reverts(Error::InsufficientAmount);
    let nobody = Address::repeat_byte(0xee);
    let add = market.router.add_liquidity(nobody, b, 1_000, 4_000, 0, 0, bob.address, LATER);
    chain.send(alice, add).reverts(esker_sdk::SafeERC20FailedOperation { token: nobody });
    assert_eq!(chain.read(market.a.balance_of(alice.address)), 1_000_000 - 102_000);
    assert_eq!(market.kept(chain), 0);
}

#[esker_sdk::test]
fn liquidity_goes_out_above_the_bounds_only(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::with_pools(chain, &[alice, bob]);
    let (a, b, weth) = (market.a.address(), market.b.address(), market.weth.address());
    let pool = market.pool(chain, a, b);
    let remove = |shares: u128, min_a: u128, min_b: u128| {
        market.router.remove_liquidity(a, b, shares, min_a, min_b, bob.address, LATER)
    };
    chain.send(alice, remove(2_000, 0, 0)).panics(esker_sdk::Panic::Overflow);
    chain.send(alice, pool.approve(market.router.address(), U256::MAX)).succeeds();
    chain.send(alice, remove(2_000, 1_001, 4_000)).reverts(Error::InsufficientAAmount);
    chain.send(alice, remove(2_000, 1_000, 4_001)).reverts(Error::InsufficientBAmount);
    chain.send(alice, remove(2_000, 1_000, 4_000)).returns((U256::from(1_000), U256::from(4_000)));
    assert_eq!(chain.read(market.b.balance_of(bob.address)), 1_004_000);
    let none = market.router.remove_liquidity(a, market.c.address(), 1, 0, 0, bob.address, LATER);
    chain.send(alice, none).reverts(Error::NoPair { token_a: a, token_b: market.c.address() });

    let coins = market.pool(chain, a, weth);
    chain.send(alice, coins.approve(market.router.address(), U256::MAX)).succeeds();
    let before = chain.balance(bob);
    let remove = |to| market.router.remove_liquidity_eth(a, 500, 500, 500, to, LATER);
    chain.send(alice, remove(bob.address)).returns((U256::from(500), U256::from(500)));
    assert_eq!(chain.balance(bob) - before, 500);
    // A receiver that refuses coins keeps only its own withdrawal from happening.
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins"));
    chain.send(alice, remove(grudge)).reverts(Error::NotTaken { receiver: grudge });
    assert_eq!(market.kept(chain), 0);
}

/// Shares go out by a signature; somebody else cannot use it, and nobody can a second time.
#[esker_sdk::test]
fn a_permit_serves_its_signer_once(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::with_pools(chain, &[alice, bob]);
    let (a, b) = (market.a.address(), market.b.address());
    let pool = market.pool(chain, a, b);
    let secret = SecretKey::from_byte_array([7; 32]).expect("a key");
    let key = secret.public_key(SECP256K1).serialize_uncompressed();
    let owner = Address(esker_sdk::abi::keccak256(&key[1..])[12..].try_into().expect("20 bytes"));
    chain.send(alice, pool.transfer(owner, 2_000)).succeeds();
    let domain = Eip712Domain::new("Uniswap V2", "1", esker_sdk_test::CHAIN_ID, pool.address());
    let sign = |value: U256, nonce: u64| -> (u8, B256, B256) {
        let (spender, nonce, deadline) = (market.router.address(), U256::from(nonce), U256::from(LATER));
        let message = Message { owner, spender, value, nonce, deadline };
        let digest = secp256k1::Message::from_digest(domain.digest(&message).0);
        let (id, signature) = SECP256K1.sign_ecdsa_recoverable(digest, &secret).serialize_compact();
        let half = |index: usize| FixedBytes(core::array::from_fn(|byte| signature[index * 32 + byte]));
        (27 + i32::from(id) as u8, half(0), half(1))
    };
    let remove = |shares: u128, all: bool, (v, r, s): (u8, B256, B256)| {
        market.router.remove_liquidity_with_permit(a, b, shares, 0, 0, owner, LATER, all, v, r, s)
    };
    let refused = |owner| esker_amm_pair::shares::shares::Error::InvalidSignature { owner };
    chain.send(bob, remove(1_000, false, sign(U256::from(1_000), 0))).reverts(refused(bob.address));
    chain.send(owner, remove(1_001, false, sign(U256::from(1_000), 0))).reverts(refused(owner));
    let signature = sign(U256::from(1_000), 0);
    chain.send(owner, remove(1_000, false, signature)).returns((U256::from(500), U256::from(2_000)));
    chain.send(owner, remove(1_000, false, signature)).reverts(refused(owner));
    chain.send(owner, remove(1_000, true, sign(U256::MAX, 1))).succeeds();
    assert_eq!(chain.read(pool.balance_of(owner)), 0);
}

#[esker_sdk::test]
fn trades_go_along_paths_within_bounds(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::with_pools(chain, &[alice, bob]);
    let (router, path) = (market.router, [market.a.address(), market.b.address(), market.c.address()]);
    // 1,000 × 997 × 400,000 / (100,000,000 + 997,000), and so on.
    let amounts = numbers([1_000, 3_948, 1_930]);
    assert_eq!(chain.read(router.get_amounts_out(1_000, &path)), amounts);
    let exact_in = |least: u128| router.swap_exact_tokens_for_tokens(1_000, least, &path, bob.address, LATER);
    chain.send(alice, exact_in(1_931)).reverts(Error::InsufficientOutputAmount);
    chain.send(alice, exact_in(1_930)).returns(amounts);
    assert_eq!(chain.read(market.c.balance_of(bob.address)), 1_001_930);

    let back = [path[2], path[1], path[0]];
    let amounts = chain.read(router.get_amounts_in(500, &back));
    let exact_out = |most: U256| router.swap_tokens_for_exact_tokens(500, most, &back, bob.address, LATER);
    chain.send(bob, exact_out(amounts[0] - 1)).reverts(Error::ExcessiveInputAmount);
    chain.send(bob, exact_out(amounts[0])).returns(amounts);
    assert_eq!(chain.read(market.a.balance_of(bob.address)), 1_000_500);

    for path in [&path[..1], &[]] {
        let short = router.swap_exact_tokens_for_tokens(1, 0, path, bob.address, LATER);
        chain.send(alice, short).reverts(Error::InvalidPath);
    }
    let nowhere = [path[0], path[2]];
    let none = Error::NoPair { token_a: path[0], token_b: path[2] };
    chain.try_read(router.get_amounts_out(1, &nowhere)).reverts(none);
    let poor = router.swap_exact_tokens_for_tokens(2_000_000, 0, &path, bob.address, LATER);
    assert!(matches!(chain.send(bob, poor).error::<TokenError>(), TokenError::ERC20InsufficientBalance { .. }));
    assert_eq!(market.kept(chain), 0);
}

#[esker_sdk::test]
fn coins_trade_as_their_token(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::with_pools(chain, &[alice, bob]);
    let (router, a, weth) = (market.router, market.a.address(), market.weth.address());
    let (buy, sell) = ([weth, a], [a, weth]);
    let exact = |least: u128| router.swap_exact_eth_for_tokens(least, &buy, bob.address, LATER).value(1_000);
    chain.send(bob, exact(988)).reverts(Error::InsufficientOutputAmount);
    chain.send(bob, exact(987)).returns(numbers([1_000, 987]));

    // What is not needed comes back.
    let before = chain.balance(bob);
    let cost = chain.read(router.get_amounts_in(900, &buy))[0];
    let wanted = |most: U256| router.swap_eth_for_exact_tokens(900, &buy, bob.address, LATER).value(most);
    chain.send(bob, wanted(cost - 1)).reverts(Error::ExcessiveInputAmount);
    chain.send(bob, wanted(cost + 5_000)).succeeds();
    assert_eq!(before - chain.balance(bob), cost);

    let before = chain.balance(bob);
    let cost = chain.read(router.get_amounts_in(700, &sell))[0];
    let wanted = |most: U256| router.swap_tokens_for_exact_eth(700, most, &sell, bob.address, LATER);
    chain.send(alice, wanted(cost - 1)).reverts(Error::ExcessiveInputAmount);
    chain.send(alice, wanted(cost)).succeeds();
    let out = chain.read(router.get_amounts_out(600, &sell))[1];
    let exact = |least: U256| router.swap_exact_tokens_for_eth(600, least, &sell, bob.address, LATER);
    chain.send(alice, exact(out + 1)).reverts(Error::InsufficientOutputAmount);
    chain.send(alice, exact(out)).succeeds();
    assert_eq!(chain.balance(bob) - before, out + 700);

    let wrong = || Error::InvalidPath;
    chain.send(bob, router.swap_exact_eth_for_tokens(0, &sell, bob.address, LATER).value(5)).reverts(wrong());
    chain.send(bob, router.swap_eth_for_exact_tokens(1, &sell, bob.address, LATER).value(5)).reverts(wrong());
    chain.send(bob, router.swap_exact_tokens_for_eth(5, 0, &buy, bob.address, LATER)).reverts(wrong());
    chain.send(bob, router.swap_tokens_for_exact_eth(1, 9, &buy, bob.address, LATER)).reverts(wrong());
    chain.send_raw(bob, router.address(), U256::from(5), &[]).reverts(Error::NotWeth);
    assert_eq!(market.kept(chain), 0);
}

#[esker_sdk::test]
fn dust_of_coins_comes_back_or_nothing_happens(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::with_pools(chain, &[alice, bob]);
    let add = || market.router.add_liquidity_eth(market.a.address(), 1_000, 1_000, 1_000, bob.address, LATER);
    let before = chain.balance(bob);
    let added = (U256::from(1_000), U256::from(1_000), U256::from(1_000));
    chain.send(bob, add().value(1_777)).returns(added);
    assert_eq!(before - chain.balance(bob), 1_000);
    chain.send(bob, add().value(999)).reverts(Error::InsufficientAAmount);
    // Who does not take the dust cannot leave it to the next one.
    let grudge = chain.mock(Address::repeat_byte(0x66), |_| Answer::revert("no coins"));
    chain.deal(grudge, 10_000);
    chain.send(alice, market.a.transfer(grudge, 5_000)).succeeds();
    chain.send(grudge, market.a.approve(market.router.address(), U256::MAX)).succeeds();
    chain.send(grudge, add().value(1_001)).reverts(Error::NotTaken { receiver: grudge });
    chain.send(grudge, add().value(1_000)).succeeds();
    assert_eq!(market.kept(chain), 0);
}

#[esker_sdk::test]
fn nothing_happens_after_the_deadline(chain: &mut Chain, alice: User) {
    let market = Market::with_pools(chain, &[alice]);
    let (router, a, b, weth) = (market.router, market.a.address(), market.b.address(), market.weth.address());
    let (to, past) = (alice.address, U256::from(chain.timestamp()));
    let late = || Error::Expired;
    chain.send(alice, router.add_liquidity(a, b, 1_000, 1_000, 0, 0, to, past)).reverts(late());
    chain.send(alice, router.add_liquidity_eth(a, 1_000, 0, 0, to, past).value(1_000)).reverts(late());
    chain.send(alice, router.remove_liquidity(a, b, 1, 0, 0, to, past)).reverts(late());
    chain.send(alice, router.remove_liquidity_eth(a, 1, 0, 0, to, past)).reverts(late());
    let (v, r, s) = (27, B256::ZERO, B256::ZERO);
    chain.send(alice, router.remove_liquidity_with_permit(a, b, 1, 0, 0, to, past, true, v, r, s)).reverts(late());
    chain.send(alice, router.remove_liquidity_eth_with_permit(a, 1, 0, 0, to, past, true, v, r, s)).reverts(late());
    chain.send(alice, router.swap_exact_tokens_for_tokens(9, 0, &[a, b], to, past)).reverts(late());
    chain.send(alice, router.swap_tokens_for_exact_tokens(1, 9, &[a, b], to, past)).reverts(late());
    chain.send(alice, router.swap_exact_eth_for_tokens(0, &[weth, a], to, past).value(9)).reverts(late());
    chain.send(alice, router.swap_eth_for_exact_tokens(1, &[weth, a], to, past).value(9)).reverts(late());
    chain.send(alice, router.swap_exact_tokens_for_eth(9, 0, &[a, weth], to, past)).reverts(late());
    chain.send(alice, router.swap_tokens_for_exact_eth(1, 9, &[a, weth], to, past)).reverts(late());
    // The deadline itself is in time.
    let now = U256::from(chain.timestamp() + 12);
    chain.send(alice, router.swap_exact_tokens_for_tokens(9, 0, &[a, b], to, now)).succeeds();
}

#[esker_sdk::test]
fn quotes_refuse_what_makes_no_sense(chain: &mut Chain, alice: User) {
    let router = Market::new(chain, &[alice]).router;
    assert_eq!(chain.read(router.quote(1, 100, 299)), 2);
    assert_eq!(chain.read(router.get_amount_out(2, 100, 100)), 1);
    assert_eq!(chain.read(router.get_amount_in(1, 100, 100)), 2);
    chain.try_read(router.quote(0, 1, 1)).reverts(Error::InsufficientAmount);
    chain.try_read(router.quote(1, 0, 1)).reverts(Error::InsufficientLiquidity);
    chain.try_read(router.quote(1, 1, 0)).reverts(Error::InsufficientLiquidity);
    chain.try_read(router.get_amount_out(0, 1, 1)).reverts(Error::InsufficientInputAmount);
    chain.try_read(router.get_amount_out(1, 0, 1)).reverts(Error::InsufficientLiquidity);
    chain.try_read(router.get_amount_in(0, 1, 1)).reverts(Error::InsufficientOutputAmount);
    chain.try_read(router.get_amount_in(5, 1, 5)).reverts(Error::InsufficientLiquidity);
    chain.try_read(router.get_amount_out(U256::MAX, 1, 1)).panics(esker_sdk::Panic::Overflow);
}

/// Bob buys first, so that alice's trade is dearer, and sells behind her. She loses what her bound leaves and no more: with
/// a bound that leaves nothing, the trade that was meddled with does not happen.
#[esker_sdk::test]
fn a_sandwich_takes_at_most_what_the_bound_leaves(chain: &mut Chain, alice: User, bob: User) {
    let market = Market::with_pools(chain, &[alice, bob]);
    let path = [market.a.address(), market.b.address()];
    let fair = chain.read(market.router.get_amounts_out(5_000, &path))[1];
    let buys = |amount: u128, least: U256, to: User| {
        market.router.swap_exact_tokens_for_tokens(amount, least, &path, to.address, LATER)
    };
    let start = chain.snapshot();
    let bound = fair * 99 / 100;
    for size in [100, 400, 1_000, 20_000] {
        chain.restore(&start);
        let before = chain.read(market.b.balance_of(alice.address));
        chain.send(bob, buys(size, U256::ZERO, bob)).succeeds();
        chain.send(alice, buys(5_000, fair, alice)).reverts(Error::InsufficientOutputAmount);
        let _ = chain.send(alice, buys(5_000, bound, alice));
        let got = chain.read(market.b.balance_of(alice.address)) - before;
        assert!(got == 0 || got >= bound, "{size}: {got} < {bound}");
        assert_eq!(got == 0, size >= 1_000, "{size}: {got}");
    }
}

/// What the pools had, to see that they lose nothing by anything.
type Before = [(U256, U256); 2];

/// After any trades, additions and withdrawals the router has nothing, and no pool's share is worth less: the root of the
/// product of the reserves per share never falls.
#[esker_sdk::test]
fn the_router_keeps_nothing_and_pools_lose_nothing(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let market = Market::with_pools(chain, &users);
    let (router, a, b, weth) = (market.router, market.a.address(), market.b.address(), market.weth.address());
    let pools = [market.pool(chain, a, b), market.pool(chain, a, weth)];
    for user in users {
        for pool in pools {
            chain.send(user, pool.approve(router.address(), U256::MAX)).succeeds();
        }
    }
    let value = |draw: &mut Draw| U256::from(draw.number(0..=20_000));
    let paths = [vec![a, b], vec![b, a], vec![weth, a, b], vec![b, a, weth], vec![a, weth], vec![weth, a]];
    let (before, paths, start) = (Mutex::new(Before::default()), &paths, chain.snapshot());
    let before = &before;
    Invariant::new()
        .sequences(16)
        .before(move |chain| {
            chain.restore(&start);
            *before.lock().expect("one at a time") = Before::default();
        })
        .action("add", move |chain, draw| {
            let (by, x, y, to) = (draw.pick(&users), value(draw), value(draw), draw.pick(&users));
            let _ = chain.send(by, router.add_liquidity(a, b, x, y, 0, 0, to, LATER));
        })
        .action("add coins", move |chain, draw| {
            let (by, x, y, to) = (draw.pick(&users), value(draw), value(draw), draw.pick(&users));
            let _ = chain.send(by, router.add_liquidity_eth(a, x, 0, 0, to, LATER).value(y));
        })
        .action("remove", move |chain, draw| {
            let (by, shares, to) = (draw.pick(&users), value(draw), draw.pick(&users));
            let _ = chain.send(by, router.remove_liquidity(b, a, shares, 0, 0, to, LATER));
            let _ = chain.send(by, router.remove_liquidity_eth(a, shares, 0, 0, to, LATER));
        })
        .action("swap tokens", move |chain, draw| {
            let (by, amount, bound, path) = (draw.pick(&users), value(draw), value(draw), draw.pick(paths));
            let (to, exact_in) = (draw.pick(&users).address, draw.chance());
            let _ = if exact_in {
                chain.send(by, router.swap_exact_tokens_for_tokens(amount, bound, &path, to, LATER))
            } else {
                chain.send(by, router.swap_tokens_for_exact_tokens(amount, bound, &path, to, LATER))
            };
        })
        .action("swap coins", move |chain, draw| {
            let (by, amount, bound, path) = (draw.pick(&users), value(draw), value(draw), draw.pick(paths));
            let to = draw.pick(&users).address;
            let _ = match draw.number(0..=3) {
                0 => chain.send(by, router.swap_exact_eth_for_tokens(bound, &path, to, LATER).value(amount)),
                1 => chain.send(by, router.swap_eth_for_exact_tokens(bound, &path, to, LATER).value(amount)),
                2 => chain.send(by, router.swap_exact_tokens_for_eth(amount, bound, &path, to, LATER)),
                _ => chain.send(by, router.swap_tokens_for_exact_eth(amount, bound, &path, to, LATER)),
            };
        })
        .check("the router has nothing", move |chain| assert_eq!(market.kept(chain), 0))
        .check("a share is never worth less", move |chain| {
            let mut last = before.lock().expect("one at a time");
            for (pool, last) in pools.into_iter().zip(last.iter_mut()) {
                let (reserve0, reserve1, _) = chain.read(pool.get_reserves());
                let (product, shares) = (reserve0.get() * reserve1.get(), chain.read(pool.total_supply()));
                assert!(last.1 == 0 || product * last.1 * last.1 >= last.0 * shares * shares);
                *last = (product, shares);
            }
        })
        .run(chain);
}
