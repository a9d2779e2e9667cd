//! The bank: silver is lent against gold, by what reporters say gold is worth.

use alloy_primitives::{Address, U256};

use super::economy::{Contract, Economy, hold, nth, units, values, whole};
use super::money::Money;
use crate::demo::{DemoError, SessionError};

/// Who tells what gold is worth.
const REPORTERS: std::ops::Range<usize> = 20..23;
/// Who lends, and how much silver.
const LENDERS: std::ops::Range<usize> = 1..9;
const LENT: u64 = 10_000;
/// Who borrows, and against how much gold.
const BORROWERS: std::ops::Range<usize> = 9..17;
const PLEDGED: u64 = 1_000;
/// Who pays the debts that are not covered, for the bonus.
const LIQUIDATOR: usize = 17;
/// How long a price counts, in seconds.
const LIFETIME: u64 = 3_000;
/// Health below which a debt is paid whole.
const CRITICAL: U256 = U256::from_limbs([950_000_000_000_000_000, 0, 0, 0]);
/// A silver for a gold, as the pool reckons prices.
const PAR: u64 = 100;

/// Pool and oracle.
pub(super) struct Bank {
    feed: Contract,
    pool: Contract,
    silver: Contract,
    gold: Contract,
}

impl Bank {
    /// A bank, and who tells it the price: two silver for a gold.
    pub(super) async fn open(economy: &mut Economy<'_>, money: &Money) -> Result<Self, DemoError> {
        economy.begin("Opening a bank");
        let founder = economy.person(0);
        let feed = economy.deploy("PriceFeed", values![founder, LIFETIME]).await?;
        let (gold, silver) = (money.gold.clone(), money.silver.clone());
        let pool = values![silver.address, gold.address, feed.address, founder];
        let pool = economy.deploy("LendingPool", pool).await?;
        for reporter in REPORTERS {
            let reporter = economy.person(reporter);
            economy.act(0, &feed, "addReporter", values![reporter]).await?;
        }
        money.allow(economy, pool.address).await?;
        let this = Self { feed, pool, silver, gold };
        this.say(economy, [199, 200, 201]).await?;
        Ok(this)
    }

    /// Where its silver and gold are.
    pub(super) const fn address(&self) -> Address {
        self.pool.address
    }

    /// The reporters say what a gold is worth, in hundredths of a silver.
    async fn say(&self, economy: &mut Economy<'_>, prices: [u64; 3]) -> Result<(), SessionError> {
        for (reporter, price) in REPORTERS.zip(prices) {
            let price = U256::from(price) * U256::from(10).pow(U256::from(36)) / U256::from(PAR);
            economy.act(reporter, &self.feed, "report", values![price]).await?;
        }
        economy.settle().await
    }

    /// Lenders bring silver; borrowers bring gold and take silver, some close to the limit.
    pub(super) async fn lend(&self, economy: &mut Economy<'_>) -> Result<(), SessionError> {
        for lender in LENDERS {
            economy.act(lender, &self.pool, "supply", values![units(LENT)]).await?;
        }
        economy.settle().await?;
        for borrower in BORROWERS {
            economy.act(borrower, &self.pool, "addCollateral", values![units(PLEDGED)]).await?;
            // A gold is worth two silver, three quarters of which may be borrowed: from half of that to nearly all.
            let part = 50 + 7 * (borrower - BORROWERS.start) as u64;
            economy
                .act(
                    borrower,
                    &self.pool,
                    "borrow",
                    values![units(PLEDGED * 2) * U256::from(part * 3) / U256::from(400)],
                )
                .await?;
        }
        economy.settle().await?;
        let greedy = values![units(PLEDGED)];
        economy.fail(BORROWERS.end - 1, &self.pool, "borrow", greedy, "Undercollateralized").await?;
        let lent = economy.number(&self.pool, "borrowRate", values![]).await?;
        let rate = lent / U256::from(10).pow(U256::from(14));
        economy.fact(&format!(
            "{} lend, {} borrow at {}.{:02} % a year",
            LENDERS.len(),
            BORROWERS.len(),
            rate / U256::from(100),
            rate % U256::from(100)
        ));
        Ok(())
    }

    /// Gold falls by a sixth. Debts that are no longer covered are paid by somebody who takes the gold for it; the other
    /// borrowers pay half of theirs back.
    pub(super) async fn crash(&self, economy: &mut Economy<'_>) -> Result<(), SessionError> {
        economy.begin("Letting gold fall by a sixth");
        // One reporter lies, and the median does not care.
        self.say(economy, [167, 1, 167]).await?;
        let mut liquidated = 0;
        for borrower in BORROWERS {
            let account = economy.person(borrower);
            let health = economy.number(&self.pool, "healthFactor", values![account]).await?;
            let debt = economy.number(&self.pool, "debtOf", values![account]).await?;
            if health < units(1) {
                // Half of it at once, or all of it where half would not be enough.
                let paid = if health < CRITICAL { debt } else { debt / U256::from(2) };
                economy.act(LIQUIDATOR, &self.pool, "liquidate", values![account, paid, U256::ZERO]).await?;
                liquidated += 1;
            } else {
                economy.act(borrower, &self.pool, "repay", values![account, debt / U256::from(2)]).await?;
            }
        }
        economy.settle().await?;
        hold(liquidated > 0, || "gold fell, and no debt was liquidated".into())?;
        economy.fact(&format!("{liquidated} debts were liquidated, the other borrowers paid half of theirs back"));
        Ok(())
    }

    /// The pool has what it wrote down, every debt is covered, and lenders have more than they brought.
    pub(super) async fn check(&self, economy: &Economy<'_>) -> Result<Vec<String>, SessionError> {
        let at = self.pool.address;
        let totals = economy.ask(&self.pool, "totals", values![]).await?;
        let totals = totals.first().and_then(|totals| totals.as_tuple()).unwrap_or_default();
        let total = |index: usize| nth(totals, index).unwrap_or_default();
        let (cash, debt) = (total(0), total(1));
        let has = economy.number(&self.silver, "balanceOf", values![at]).await?;
        hold(has == cash, || format!("the bank says that it has {cash} of silver, and has {has}"))?;
        let (mut pledged, mut owed) = (U256::ZERO, U256::ZERO);
        for borrower in BORROWERS {
            let account = economy.person(borrower);
            let health = economy.number(&self.pool, "healthFactor", values![account]).await?;
            hold(health >= units(1), || format!("the debt of person {borrower} is not covered"))?;
            pledged += economy.number(&self.pool, "collateralOf", values![account]).await?;
            owed += economy.number(&self.pool, "debtOf", values![account]).await?;
        }
        let has = economy.number(&self.gold, "balanceOf", values![at]).await?;
        hold(has == pledged, || format!("borrowers pledged {pledged} of gold, and the bank has {has}"))?;
        // Everybody's debt is rounded up.
        let rounding = U256::from(BORROWERS.len());
        hold(owed >= debt && owed <= debt + rounding, || format!("{owed} is owed, and the bank reckons with {debt}"))?;
        let mut lenders = U256::ZERO;
        for lender in LENDERS {
            lenders += economy.number(&self.pool, "balanceOf", values![economy.person(lender)]).await?;
        }
        let brought = units(LENT * LENDERS.len() as u64);
        hold(lenders >= brought && lenders <= cash + debt, || format!("lenders brought {brought} and have {lenders}"))?;
        Ok(vec![
            format!("every debt is covered: {} silver against {} gold", whole(debt), whole(pledged)),
            "lenders have what they brought, and interest".into(),
        ])
    }
}
