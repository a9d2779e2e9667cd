//! Tokens, coins as a token, pools and the router, on both chains, and what is drawn to be done with them.

use esker_amm_factory::{Factory, FactoryHandle};
use esker_amm_pair::{Pair as Pool, PairHandle};
use esker_amm_router::RouterHandle;
use esker_erc20::Erc20Handle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Draw, End, Terms, User};
use esker_tests::solidity::Pair;
use esker_weth::WethHandle;

use super::taxed::TaxedHandle;

/// A deadline that does not pass.
const LATER: U256 = U256::MAX;
/// Who has no code, and whom nobody is.
const NOBODY: Address = Address::repeat_byte(0xde);
/// Who gets the protocol's part of the fees, when somebody does.
pub const FEE_TO: Address = Address::repeat_byte(0xfe);
/// Pools that are there from the start, by the numbers of their tokens.
const POOLS: [(usize, usize); 5] = [(0, 1), (1, 2), (0, 4), (3, 4), (1, 3)];

/// Everything on both chains.
#[derive(Clone, Copy)]
pub struct Market {
    /// Three that only move, one that is taxed, and coins as a token.
    pub tokens: [Erc20Handle; 5],
    pub weth: WethHandle,
    pub factory: FactoryHandle,
    pub router: RouterHandle,
    /// Alice, bob, carol who lets the router take little, and dave who signs.
    pub users: [User; 4],
}

impl Market {
    /// Everybody has tokens of all kinds, and shares of the pools that there are.
    pub fn deployed(pair: &Pair, chain: &mut Chain, users: [User; 4], router: &str) -> Self {
        let _ = (chain.code::<Pool>(), chain.code::<Factory>());
        // Who signs has coins too, as those have whom the kit makes.
        chain.deal(users[3], u256!("1e18"));
        pair.begin(chain, &users);
        let (alice, supply) = (users[0], U256::ONE << 120);
        let [a, b, c] = ["A", "B", "C"]
            .map(|name| pair.deploy(chain, alice, "Erc20Model", Erc20Handle::constructor(name, name, supply)));
        let taxed = pair.deploy(chain, alice, "TaxedModel", TaxedHandle::constructor(supply));
        let weth = pair.deploy(chain, alice, "WethModel", WethHandle::constructor());
        let factory = pair.deploy(chain, alice, "UniswapV2Factory", FactoryHandle::constructor(alice));
        let router = pair.deploy(chain, alice, router, RouterHandle::constructor(factory.address(), weth.address()));
        let tokens = [a, b, c, Erc20Handle::from(taxed.address()), Erc20Handle::from(weth.address())];
        for (user, allowance) in users.into_iter().zip([U256::MAX, U256::MAX, U256::from(1_u64 << 30), U256::MAX]) {
            for token in &tokens[..4] {
                if user != alice {
                    let _ = pair.send(chain, alice, "token", token.transfer(user, supply >> 3));
                }
            }
            let _ = pair.send(chain, user, "deposit", weth.deposit().paying(U256::from(1_u64 << 55)));
            for token in [a, b, c, tokens[4]] {
                let _ = pair.send(chain, user, "approve", token.approve(router.address(), allowance));
            }
        }
        let this = Self { tokens, weth, factory, router, users };
        for (number, (x, y)) in POOLS.into_iter().enumerate() {
            let (x, y, number) = (tokens[x].address(), tokens[y].address(), number as u128);
            let add = router.add_liquidity(x, y, 40_000_000 + number, 90_000_000 << number, 0, 0, alice, LATER);
            let _ = pair.send(chain, alice, "addLiquidity of a new pool", add).succeeds();
            let pool = PairHandle::at(chain.read(factory.get_pair(x, y)));
            for user in &users[1..] {
                let _ = pair.send(chain, alice, "transfer of shares", pool.transfer(*user, 10_000_000));
            }
            for user in &users[..2] {
                let _ = pair.send(chain, *user, "approve of shares", pool.approve(router.address(), U256::MAX));
            }
        }
        this
    }

    /// The pool of two tokens, if there is one.
    pub fn pool(&self, chain: &mut Chain, (x, y): (Address, Address)) -> Option<PairHandle> {
        Some(chain.read(self.factory.get_pair(x, y))).filter(|pool| !pool.is_zero()).map(PairHandle::at)
    }

    /// All pools.
    pub fn pools(&self, chain: &mut Chain) -> Vec<PairHandle> {
        let count = u64::try_from(chain.read(self.factory.all_pairs_length())).expect("few");
        (0..count).map(|number| PairHandle::at(chain.read(self.factory.all_pairs(U256::from(number))))).collect()
    }

    /// Any user.
    pub fn user(&self, draw: &mut Draw) -> User {
        draw.pick(&self.users)
    }

    /// Mostly a user; now and then one who takes no coins, or a pool does not pay.
    pub fn receiver(&self, chain: &mut Chain, draw: &mut Draw) -> Address {
        if draw.number(0..=9) > 0 {
            return self.user(draw).address;
        }
        let pools = self.pools(chain);
        let pool = draw.pick(&pools).address();
        let [a, .., weth] = self.tokens.map(|token| token.address());
        draw.pick(&[a, weth, pool, self.router.address(), self.factory.address(), Address::ZERO, NOBODY])
    }

    /// Any token; rarely what is none.
    pub fn token(&self, draw: &mut Draw) -> Address {
        if draw.number(0..=29) == 0 {
            return draw.pick(&[Address::ZERO, NOBODY]);
        }
        draw.pick(&self.tokens).address()
    }

    /// Two tokens, mostly of a pool that was there from the start.
    pub fn two(&self, draw: &mut Draw) -> (Address, Address) {
        if draw.number(0..=4) == 0 {
            return (self.token(draw), self.token(draw));
        }
        let (x, y) = draw.pick(&POOLS);
        let (x, y) = (self.tokens[x].address(), self.tokens[y].address());
        if draw.chance() { (x, y) } else { (y, x) }
    }

    /// A token, mostly with a pool for coins.
    pub fn beside_coins(&self, draw: &mut Draw) -> Address {
        if draw.number(0..=4) == 0 { self.token(draw) } else { draw.pick(&[self.tokens[0], self.tokens[3]]).address() }
    }

    /// From two to four tokens, mostly from pool to pool; now and then any, and as few as none. With coins at an end, mostly.
    pub fn path(&self, draw: &mut Draw, coins_in: bool, coins_out: bool) -> Vec<Address> {
        let length = match draw.number(0..=29) {
            0 => draw.number(0..=1),
            _ => draw.number(2..=4),
        } as usize;
        if draw.number(0..=9) == 0 {
            return (0..length).map(|_| self.token(draw)).collect();
        }
        let mut at = if coins_in || coins_out { 4 } else { draw.number(0..=4) as usize };
        let mut path = vec![at; length.min(1)];
        while path.len() < length {
            let next: Vec<usize> =
                POOLS.iter().filter_map(|(x, y)| if *x == at { Some(*y) } else { (*y == at).then_some(*x) }).collect();
            at = draw.pick(&next);
            path.push(at);
        }
        if coins_out && !coins_in {
            path.reverse();
        }
        path.into_iter().map(|token| self.tokens[token].address()).collect()
    }

    /// What a path gives for an amount, or takes for it.
    pub fn reckoned(&self, chain: &mut Chain, amount: U256, path: &[Address], is_out: bool) -> U256 {
        let sent = if is_out {
            chain.try_read(self.router.get_amounts_in(amount, path))
        } else {
            chain.try_read(self.router.get_amounts_out(amount, path))
        };
        if sent.end() != End::Success {
            return amount;
        }
        let amounts = sent.returned();
        let right = if is_out { amounts.first() } else { amounts.last() };
        right.copied().unwrap_or_default()
    }

    /// The name under which gas is counted: the taxed token runs natively.
    pub fn named(&self, method: &str, tokens: &[Address]) -> String {
        let is_taxed = tokens.contains(&self.tokens[3].address());
        format!("{method}{}", if is_taxed { " of the taxed token" } else { "" })
    }
}

/// From none to a lot; now and then more than a pool can hold.
pub fn amount(draw: &mut Draw) -> U256 {
    match draw.number(0..=29) {
        0 => U256::from(draw.any()) << 49,
        1 => U256::ZERO,
        _ => {
            let bits = draw.number(4..=34);
            U256::from(draw.number(0..=1 << bits))
        }
    }
}

/// As many coins as anybody has.
pub fn coins(draw: &mut Draw) -> U256 {
    amount(draw) & U256::from(u64::MAX >> 16)
}

/// Close to what is right, exactly that, or none.
pub fn about(draw: &mut Draw, right: U256) -> U256 {
    match draw.number(0..=7) {
        0 => right.saturating_add(U256::ONE),
        1 => right.saturating_sub(U256::ONE),
        2 => right / 2,
        3 => right.saturating_mul(U256::from(2)),
        4 => U256::ZERO,
        _ => right,
    }
}

/// Mostly one that does not pass; else close to now, and then and when long past.
pub fn deadline(chain: &Chain, draw: &mut Draw) -> U256 {
    match draw.number(0..=14) {
        0 => U256::from(chain.timestamp() + draw.number(0..=24)),
        1 => U256::from(draw.number(0..=1)),
        _ => LATER,
    }
}
