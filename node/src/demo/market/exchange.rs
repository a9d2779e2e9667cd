//! The exchange: gold for silver, and silver for coins.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, U256};

use super::economy::{Contract, Economy, hold, nth, units, values, whole};
use super::money::Money;
use crate::demo::{DemoError, SessionError};

/// Whole tokens that the first person puts into the pool: the price is two silver for one gold.
const FUNDS: (u64, u64) = (200_000, 400_000);
/// Most whole tokens of a trade.
const LARGEST: u64 = 200;
/// What traders want at least of what they were quoted, in hundredths.
const AT_LEAST: u64 = 90;
/// Trades for which one quote is taken.
const ROUND: u32 = 50;

/// Factory, router and pool.
pub(super) struct Exchange {
    pub(super) factory: Contract,
    router: Contract,
    pool: Contract,
    /// Gold and silver.
    tokens: [Address; 2],
    /// Whether gold is the pool's first token.
    gold_is_first: bool,
    /// The product of the reserves when it was looked at last.
    product: U256,
    trades: u64,
}

impl Exchange {
    /// An exchange whose fees `keeper` decides on, with a pool that the first person funds and others add to.
    pub(super) async fn open(economy: &mut Economy<'_>, money: &Money, keeper: Address) -> Result<Self, DemoError> {
        economy.begin("Opening an exchange");
        let weth = economy.deploy("Weth", values![]).await?;
        let factory = economy.deploy("AmmFactory", values![keeper]).await?;
        let router = economy.deploy("AmmRouter", values![factory.address, weth.address]).await?;
        money.allow(economy, router.address).await?;
        let tokens = [money.gold.address, money.silver.address];
        for who in 0..4 {
            // The first sets the price, the others come with a hundredth each.
            let part = if who == 0 { 1 } else { 100 };
            let (gold, silver) = (units(FUNDS.0 / part), units(FUNDS.1 / part));
            let to = economy.person(who);
            let added = values![tokens[0], tokens[1], gold, silver, U256::ZERO, U256::ZERO, to, U256::MAX];
            economy.act(who, &router, "addLiquidity", added).await?;
            economy.settle().await?;
        }
        let pool = economy.ask(&factory, "getPair", values![tokens[0], tokens[1]]).await?;
        let pool = pool.first().and_then(DynSolValue::as_address);
        let pool = pool.ok_or_else(|| SessionError::Answer("the factory knows no pool".into()))?;
        let pool = economy.at("AmmPair", pool)?;
        let mut this = Self {
            factory,
            router,
            pool,
            tokens,
            gold_is_first: tokens[0] < tokens[1],
            product: U256::ZERO,
            trades: 0,
        };
        let [gold, silver] = this.reserves(economy).await?;
        economy.fact(&format!("a pool with {} gold and {} silver", whole(gold), whole(silver)));
        this.product = gold * silver;
        Ok(this)
    }

    /// Where the pool is.
    pub(super) const fn address(&self) -> Address {
        self.pool.address
    }

    /// Whoever likes trades one for the other, with a bound on what it gets for it.
    pub(super) async fn trade(&mut self, economy: &mut Economy<'_>, count: u32) -> Result<(), SessionError> {
        economy.begin(&format!("Trading {count} times"));
        let mut done = 0;
        while done < count {
            let reserves = self.reserves(economy).await?;
            self.product_grows(reserves)?;
            for _ in 0..ROUND.min(count - done) {
                let (who, amount, gives) =
                    (economy.anybody(), units(economy.throw(LARGEST)), economy.throw(2) as usize - 1);
                let (into, out) = (reserves[gives], reserves[1 - gives]);
                let least = amount * out / (into + amount) * U256::from(AT_LEAST) / U256::from(100);
                let path = values![self.tokens[gives], self.tokens[1 - gives]].to_vec();
                let to = economy.person(who);
                let trade = values![amount, least, path, to, U256::MAX];
                economy.act(who, &self.router, "swapExactTokensForTokens", trade).await?;
                done += 1;
            }
            economy.settle().await?;
            economy.advance(u64::from(done), u64::from(count));
        }
        self.trades += u64::from(done);
        let [gold, silver] = self.reserves(economy).await?;
        economy.fact(&format!("the pool has {} gold and {} silver now", whole(gold), whole(silver)));
        // Who wants more than the pool's price gives has its trade refused.
        let path: Vec<DynSolValue> = self.tokens.iter().copied().map(DynSolValue::from).collect();
        let least = units(1) * silver / gold;
        let greedy = values![units(1), least, path, economy.person(1), U256::MAX];
        economy.fail(1, &self.router, "swapExactTokensForTokens", greedy, "InsufficientOutputAmount").await
    }

    /// Gold and silver in the pool.
    async fn reserves(&self, economy: &Economy<'_>) -> Result<[U256; 2], SessionError> {
        let reserves = economy.ask(&self.pool, "getReserves", values![]).await?;
        let both = nth(&reserves, 0).zip(nth(&reserves, 1));
        let (first, second) = both.ok_or_else(|| SessionError::Abi("the pool has no reserves".into()))?;
        Ok(if self.gold_is_first { [first, second] } else { [second, first] })
    }

    /// With the fee, every trade leaves more than it takes.
    fn product_grows(&mut self, [gold, silver]: [U256; 2]) -> Result<(), SessionError> {
        let product = gold * silver;
        hold(product >= self.product, || "the product of the pool's reserves has fallen".into())?;
        self.product = product;
        Ok(())
    }

    /// The pool has what it says, and the product of its reserves never fell.
    pub(super) async fn check(&mut self, economy: &Economy<'_>, money: &Money) -> Result<Vec<String>, SessionError> {
        let reserves = self.reserves(economy).await?;
        self.product_grows(reserves)?;
        for (token, reserve) in [&money.gold, &money.silver].into_iter().zip(reserves) {
            let has = economy.number(token, "balanceOf", values![self.pool.address]).await?;
            hold(has == reserve, || format!("the pool says that it has {reserve}, and has {has}"))?;
        }
        let said = format!("{} trades, and the product of the pool's reserves never fell", self.trades);
        Ok(vec![said, "the pool's reserves are what it has".into()])
    }
}
