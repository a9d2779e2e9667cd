//! The exchange's router, with our factory, pools and coins, beside Uniswap's own ones and beside a model of the router that
//! says what ours says. Pools stand at different addresses, since their code is another: the harness takes both for one.

mod market;
mod reasons;
mod taxed;

use esker_amm_pair::shares::shares::Message;
use esker_erc20::Erc20Handle;
use esker_sdk::{Eip712Domain, MethodCall, Payable, prelude::*};
use esker_sdk_test::{CHAIN_ID, Chain, Draw, Invariant, Terms, User};
use esker_tests::solidity::{Pair, models};

use self::market::{FEE_TO, Market, about, amount, coins, deadline};
use crate::{LENGTH, sequences, signer::Signer};

/// The ways to trade, for tokens that take no fee and for those that do.
const WAYS: u64 = 9;

impl Market {
    fn add(&self, pair: &Pair, chain: &mut Chain, draw: &mut Draw) {
        let (by, (x, y), to, until) =
            (self.user(draw), self.two(draw), self.receiver(chain, draw), deadline(chain, draw));
        let (of_x, of_y) = (amount(draw), amount(draw));
        let (least_x, least_y) = (about(draw, of_x), about(draw, of_y));
        let is_new = self.pool(chain, (x, y)).is_none();
        let name = self.named(if is_new { "addLiquidity of a new pool" } else { "addLiquidity" }, &[x, y]);
        let call = self.router.add_liquidity(x, y, of_x, of_y, least_x, least_y, to, until);
        let _ = pair.send(chain, by, &name, call);
    }

    fn add_coins(&self, pair: &Pair, chain: &mut Chain, draw: &mut Draw) {
        let (by, x, to, until) =
            (self.user(draw), self.beside_coins(draw), self.receiver(chain, draw), deadline(chain, draw));
        let (of_x, wei) = (amount(draw), coins(draw));
        let (least_x, least_wei) = (about(draw, of_x), about(draw, wei));
        let is_new = self.pool(chain, (x, self.weth.address())).is_none();
        let name = self.named(if is_new { "addLiquidityETH of a new pool" } else { "addLiquidityETH" }, &[x]);
        let call = self.router.add_liquidity_eth(x, of_x, least_x, least_wei, to, until).paying(wei);
        let _ = pair.send(chain, by, &name, call);
    }

    /// Shares that somebody has, and bounds about what they are worth.
    fn shares(&self, chain: &mut Chain, draw: &mut Draw, by: User, (x, y): (Address, Address)) -> [U256; 3] {
        let Some(pool) = self.pool(chain, (x, y)) else { return [amount(draw), U256::ZERO, U256::ZERO] };
        let all = chain.read(pool.balance_of(by));
        let shares = match draw.number(0..=5) {
            0 => amount(draw),
            1 => all,
            _ => all / u128::from(draw.number(2..=40)),
        };
        let supply = chain.read(pool.total_supply()).max(U256::ONE);
        let mut worth = |token: Address| {
            let has = chain.read(Erc20Handle::at(token).balance_of(pool.address()));
            about(draw, shares.saturating_mul(has) / supply)
        };
        let (of_x, of_y) = (worth(x), worth(y));
        [shares, of_x, of_y]
    }

    fn remove(&self, pair: &Pair, chain: &mut Chain, draw: &mut Draw) {
        let (by, way, router, weth) = (self.user(draw), draw.number(0..=2), self.router, self.weth.address());
        let (x, y) = if way == 0 { self.two(draw) } else { (self.beside_coins(draw), weth) };
        let [shares, least_x, least_y] = self.shares(chain, draw, by, (x, y));
        let (to, until) = (self.receiver(chain, draw), deadline(chain, draw));
        let named = |method: &str| self.named(method, &[x, y]);
        if way == 0 {
            let call = router.remove_liquidity(x, y, shares, least_x, least_y, to, until);
            let _ = pair.send(chain, by, &named("removeLiquidity"), call);
        } else if way == 1 {
            let call = router.remove_liquidity_eth(x, shares, least_x, least_y, to, until);
            let _ = pair.send(chain, by, &named("removeLiquidityETH"), call);
        } else {
            let call =
                router.remove_liquidity_eth_supporting_fee_on_transfer_tokens(x, shares, least_x, least_y, to, until);
            let _ = pair.send(chain, by, &named("removeLiquidityETHSupportingFeeOnTransferTokens"), call);
        }
    }

    /// Dave signs, for either pool of the two; now and then what does not hold.
    fn remove_with_permit(&self, pair: &Pair, chain: &mut Chain, draw: &mut Draw, dave: &Signer) {
        let (way, router, weth) = (draw.number(0..=2), self.router, self.weth.address());
        let by = if draw.number(0..=14) == 0 { self.user(draw) } else { dave.user() };
        let (x, y) = if way == 0 { self.two(draw) } else { (self.beside_coins(draw), weth) };
        let [shares, least_x, least_y] = self.shares(chain, draw, dave.user(), (x, y));
        let (to, until, is_max) = (self.receiver(chain, draw), deadline(chain, draw), draw.chance());
        let pool = self.pool(chain, (x, y));
        let nonce = pool.map(|pool| chain.read(pool.nonces(dave.user()))).unwrap_or_default();
        let message = Message {
            owner: dave.user().address,
            spender: router.address(),
            value: if is_max && draw.number(0..=9) > 0 { U256::MAX } else { shares },
            nonce: if draw.number(0..=14) == 0 { nonce + 1 } else { nonce },
            deadline: until,
        };
        let pool = pool.map(|pool| pool.address()).unwrap_or_default();
        let sign = |pool| dave.sign(Eip712Domain::new("Uniswap V2", "1", CHAIN_ID, pool).digest(&message));
        let [ours, theirs] = [pool, pair.theirs(pool)].map(|pool| {
            let (v, r, s) = sign(pool);
            let input = match way {
                0 => router
                    .remove_liquidity_with_permit(x, y, shares, least_x, least_y, to, until, is_max, v, r, s)
                    .input()
                    .to_vec(),
                1 => router
                    .remove_liquidity_eth_with_permit(x, shares, least_x, least_y, to, until, is_max, v, r, s)
                    .input()
                    .to_vec(),
                _ => router
                    .remove_liquidity_eth_with_permit_supporting_fee_on_transfer_tokens(
                        x, shares, least_x, least_y, to, until, is_max, v, r, s,
                    )
                    .input()
                    .to_vec(),
            };
            MethodCall::<Payable, ()>::new(router.address(), input)
        });
        let name = match way {
            0 => "removeLiquidityWithPermit",
            1 => "removeLiquidityETHWithPermit",
            _ => "removeLiquidityETHWithPermitSupportingFeeOnTransferTokens",
        };
        let _ = pair.send_each(chain, by, &self.named(name, &[x, y]), ours, theirs.input());
    }

    fn swap(&self, pair: &Pair, chain: &mut Chain, draw: &mut Draw, way: u64) {
        let (by, to, until, router) = (self.user(draw), self.receiver(chain, draw), deadline(chain, draw), self.router);
        let (pays_coins, gets_coins) = ([2, 5, 7].contains(&way), [3, 4, 8].contains(&way));
        let path = self.path(draw, pays_coins, gets_coins);
        let is_out = [1, 3, 5].contains(&way);
        let (exact, path) = (if pays_coins { coins(draw) } else { amount(draw) }, path.as_slice());
        let right = self.reckoned(chain, exact, path, is_out);
        let bound = about(draw, if path.contains(&self.tokens[3].address()) { right - right / 20 } else { right });
        // What is left of coins goes back.
        let wei = bound & U256::from(u64::MAX >> 16);
        let named = |method: &str| self.named(&format!("{method}, {} tokens", path.len()), path);
        match way {
            0 => {
                let call = router.swap_exact_tokens_for_tokens(exact, bound, path, to, until);
                let _ = pair.send(chain, by, &named("swapExactTokensForTokens"), call);
            }
            1 => {
                let call = router.swap_tokens_for_exact_tokens(exact, bound, path, to, until);
                let _ = pair.send(chain, by, &named("swapTokensForExactTokens"), call);
            }
            2 => {
                let call = router.swap_exact_eth_for_tokens(bound, path, to, until).paying(exact);
                let _ = pair.send(chain, by, &named("swapExactETHForTokens"), call);
            }
            3 => {
                let call = router.swap_tokens_for_exact_eth(exact, bound, path, to, until);
                let _ = pair.send(chain, by, &named("swapTokensForExactETH"), call);
            }
            4 => {
                let call = router.swap_exact_tokens_for_eth(exact, bound, path, to, until);
                let _ = pair.send(chain, by, &named("swapExactTokensForETH"), call);
            }
            5 => {
                let call = router.swap_eth_for_exact_tokens(exact, path, to, until).paying(wei);
                let _ = pair.send(chain, by, &named("swapETHForExactTokens"), call);
            }
            6 => {
                let call = router
                    .swap_exact_tokens_for_tokens_supporting_fee_on_transfer_tokens(exact, bound, path, to, until);
                let name = named("swapExactTokensForTokensSupportingFeeOnTransferTokens");
                let _ = pair.send(chain, by, &name, call);
            }
            7 => {
                let call = router.swap_exact_eth_for_tokens_supporting_fee_on_transfer_tokens(bound, path, to, until);
                let name = named("swapExactETHForTokensSupportingFeeOnTransferTokens");
                let _ = pair.send(chain, by, &name, call.paying(exact));
            }
            _ => {
                let call =
                    router.swap_exact_tokens_for_eth_supporting_fee_on_transfer_tokens(exact, bound, path, to, until);
                let name = named("swapExactTokensForETHSupportingFeeOnTransferTokens");
                let _ = pair.send(chain, by, &name, call);
            }
        }
    }

    /// Who gives the router or a pool something unasked: the router's belongs to who comes next.
    fn give(&self, pair: &Pair, chain: &mut Chain, draw: &mut Draw) {
        let (by, token, value) = (self.user(draw), draw.pick(&self.tokens), amount(draw));
        let pools = self.pools(chain);
        let pool = draw.pick(&pools);
        match draw.number(0..=4) {
            0 => {
                let call = MethodCall::<Payable, ()>::new(self.router.address(), Vec::new()).paying(coins(draw));
                let _ = pair.send(chain, by, "coins", call);
            }
            1 => {
                let _ = pair.send(chain, by, "token", token.transfer(self.router.address(), value));
            }
            2 => {
                let _ = pair.send(chain, by, "token", token.transfer(pool.address(), value));
            }
            3 => {
                let _ = pair.send(chain, by, "sync", pool.sync());
            }
            _ => {
                let _ = pair.send(chain, by, "skim", pool.skim(self.user(draw).address));
            }
        }
    }

    /// What anybody may ask, with any arguments.
    fn ask(&self, pair: &Pair, chain: &mut Chain, draw: &mut Draw) {
        let (by, router) = (self.user(draw), self.router);
        let mut any = || if draw.chance() { draw.u256() } else { amount(draw) };
        let (x, y, z) = (any(), any(), any());
        pair.read(chain, by, "quote", router.quote(x, y, z));
        pair.read(chain, by, "getAmountOut", router.get_amount_out(x, y, z));
        pair.read(chain, by, "getAmountIn", router.get_amount_in(x, y, z));
        let path = self.path(draw, false, false);
        pair.read(chain, by, "getAmountsOut", router.get_amounts_out(amount(draw), &path));
        pair.read(chain, by, "getAmountsIn", router.get_amounts_in(amount(draw), &path));
        let number = if draw.number(0..=4) == 0 { draw.u256() } else { U256::from(draw.number(0..=9)) };
        pair.read(chain, by, "allPairs", self.factory.all_pairs(number));
        let (x, y) = self.two(draw);
        pair.read(chain, by, "getPair", self.factory.get_pair(x, y));
    }

    fn manage(&self, pair: &Pair, chain: &mut Chain, draw: &mut Draw) {
        let (by, (x, y)) = (self.user(draw), self.two(draw));
        match draw.number(0..=3) {
            0 => {
                let _ = pair.send(chain, by, "createPair", self.factory.create_pair(x, y));
            }
            1 => {
                let _ = pair.send(chain, by, "setFeeTo", self.factory.set_fee_to(draw.pick(&[Address::ZERO, FEE_TO])));
            }
            2 => {
                let _ = pair.send(chain, by, "setFeeToSetter", self.factory.set_fee_to_setter(self.users[0]));
            }
            _ => {
                let pools = self.pools(chain);
                let (pool, value) = (draw.pick(&pools), if draw.chance() { U256::MAX } else { amount(draw) });
                let _ = pair.send(chain, by, "approve of shares", pool.approve(self.router.address(), value));
            }
        }
    }

    /// What everybody has of everything, and the pools.
    fn compare(&self, pair: &Pair, chain: &mut Chain) {
        let (bob, router) = (self.users[1], self.router.address());
        let pools = self.pools(chain);
        pair.read(chain, bob, "allPairsLength", self.factory.all_pairs_length());
        let accounts: Vec<Address> = self.users.iter().map(|user| user.address).chain([router]).collect();
        for account in &accounts {
            pair.has_the_same_coins(chain, *account);
            for token in self.tokens {
                pair.read(chain, bob, "balanceOf", token.balance_of(*account));
            }
        }
        for pool in pools {
            pair.read(chain, bob, "getReserves", pool.get_reserves());
            pair.read(chain, bob, "totalSupply", pool.total_supply());
            for account in accounts.iter().chain([&FEE_TO, &pool.address()]) {
                pair.read(chain, bob, "balanceOf", pool.balance_of(*account));
            }
        }
    }
}

fn beside(chain: &mut Chain, pair: &Pair, users: [User; 3], router: &str, title: &str) {
    let dave = &Signer::new(9);
    let [alice, bob, carol] = users;
    let users = [alice, bob, carol, dave.user()];
    let start = chain.snapshot();
    let market = Market::deployed(pair, chain, users, router);
    chain.restore(&start);
    let mut invariant = Invariant::new()
        .before(move |chain| {
            Market::deployed(pair, chain, users, router);
        })
        .action("addLiquidity", move |chain, draw| market.add(pair, chain, draw))
        .action("addLiquidityETH", move |chain, draw| market.add_coins(pair, chain, draw))
        .action("removeLiquidity", move |chain, draw| market.remove(pair, chain, draw))
        .action("removeLiquidityWithPermit", move |chain, draw| {
            market.remove_with_permit(pair, chain, draw, dave);
        })
        .action("give", move |chain, draw| market.give(pair, chain, draw))
        .action("ask", move |chain, draw| market.ask(pair, chain, draw))
        .action("manage", move |chain, draw| market.manage(pair, chain, draw))
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=400)))
        .check("they have the same", move |chain| market.compare(pair, chain));
    for way in 0..WAYS {
        invariant = invariant.action("swap", move |chain, draw| market.swap(pair, chain, draw, way));
    }
    invariant.sequences(sequences()).calls(LENGTH as usize).run(chain);
    Market::deployed(pair, chain, users, router);
    pair.read(chain, bob, "factory", market.router.factory());
    pair.read(chain, bob, "WETH", market.router.weth());
    pair.print_gas(title);
}

/// The event of the factory that names a new pool.
fn created() -> alloy_primitives::B256 {
    alloy_primitives::keccak256("PairCreated(address,address,address,uint256)")
}

#[esker_sdk::test]
fn the_router_beside_uniswaps(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let pair = Pair::new(models).with_reasons(reasons::of_uniswap).with_made(created());
    beside(chain, &pair, [alice, bob, carol], "UniswapV2Router02", "AMM router");
}

#[esker_sdk::test]
fn the_router_beside_a_model_of_its_words(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let pair = Pair::new(models).with_reasons(reasons::of_the_models).with_made(created());
    beside(chain, &pair, [alice, bob, carol], "RouterModel", "AMM router, its model");
}
