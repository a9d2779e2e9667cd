//! A question that people bet on, and its answer.

use alloy_primitives::{Address, U256};

use super::economy::{Contract, Economy, PEOPLE, hold, nth, units, values, whole};
use super::money::Money;
use crate::demo::{DemoError, SessionError};

/// Who answers.
const RESOLVER: usize = 23;
/// Whole silver that the first person funds the market with.
const FUNDS: u64 = 20_000;
/// Most whole silver of a bet.
const LARGEST: u64 = 200;
/// Bets that are sent together.
const ROUND: u32 = 25;
/// The position that is right in the end.
const YES: u8 = 1;

/// The market for the question.
pub(super) struct Question {
    market: Contract,
    silver: Contract,
    closes_at: u64,
}

impl Question {
    /// Asks the question. It can be bet on for long enough to place `bets`, going by the `pace` of the network: the seconds
    /// that it took to give everybody tokens.
    pub(super) async fn ask(economy: &mut Economy<'_>, money: &Money, bets: u32, pace: u64) -> Result<Self, DemoError> {
        economy.begin("Asking whether it will rain");
        let closes_at = economy.now().await? + 20 + pace * 6 + pace * u64::from(bets) / 15;
        let (resolver, question) = (economy.person(RESOLVER), "Will it rain tomorrow?".to_owned());
        let terms = values![money.silver.address, resolver, question, closes_at, closes_at + 3_600];
        let market = economy.deploy("PredictionMarket", terms).await?;
        for who in 0..PEOPLE {
            economy.act(who, &money.silver, "approve", values![market.address, U256::MAX]).await?;
        }
        economy.act(0, &market, "addFunding", values![units(FUNDS)]).await?;
        economy.settle().await?;
        Ok(Self { market, silver: money.silver.clone(), closes_at })
    }

    /// Where its collateral is.
    pub(super) const fn address(&self) -> Address {
        self.market.address
    }

    /// People buy positions, and sell some again.
    pub(super) async fn bet(&self, economy: &mut Economy<'_>, count: u32) -> Result<(), SessionError> {
        let mut done = 0;
        while done < count {
            let mut has_sold = [false; PEOPLE];
            for _ in 0..ROUND.min(count - done) {
                let (who, id) = (economy.anybody(), (economy.throw(5) > 2) as u8);
                let offer = if has_sold[who] { None } else { self.offer(economy, who, id).await? };
                if let Some((paid, most)) = offer {
                    has_sold[who] = true;
                    economy.act(who, &self.market, "sell", values![id, paid, most]).await?;
                } else {
                    let spent = units(economy.throw(LARGEST));
                    let quoted = economy.number(&self.market, "calcBuyAmount", values![id, spent]).await?;
                    economy.act(who, &self.market, "buy", values![id, spent, quoted / U256::from(2)]).await?;
                }
                done += 1;
            }
            economy.settle().await?;
            economy.advance(u64::from(done), u64::from(count));
        }
        let reserves = economy.ask(&self.market, "reserves", values![]).await?;
        let (no, yes) = nth(&reserves, 0).zip(nth(&reserves, 1)).unwrap_or_default();
        economy.fact(&format!("{count} bets; rain is thought {} % likely", U256::from(100) * no / (no + yes)));
        Ok(())
    }

    /// What somebody who has enough of a position wants for a part of it, and how many of the position at most.
    async fn offer(&self, economy: &mut Economy<'_>, who: usize, id: u8) -> Result<Option<(U256, U256)>, SessionError> {
        if economy.throw(3) > 1 {
            return Ok(None);
        }
        let has = economy.number(&self.market, "balanceOf", values![economy.person(who), U256::from(id)]).await?;
        if has < units(1) {
            return Ok(None);
        }
        let paid = has / U256::from(8);
        let tokens = economy.number(&self.market, "calcSellAmount", values![id, paid]).await?;
        Ok((tokens < has / U256::from(2)).then_some((paid, has)))
    }

    /// It rains. Whoever bet on that is paid, and who funded the market takes back what is left.
    pub(super) async fn answer(&self, economy: &mut Economy<'_>) -> Result<(), SessionError> {
        economy.begin("Waiting for rain");
        economy.wait_beyond(self.closes_at).await?;
        economy.fail(1, &self.market, "buy", values![YES, units(1), U256::ZERO], "Closed").await?;
        economy.fail(1, &self.market, "resolve", values![false], "NotResolver").await?;
        economy.act(RESOLVER, &self.market, "resolve", values![true]).await?;
        economy.act(0, &self.market, "removeFunding", values![units(FUNDS)]).await?;
        economy.settle().await?;
        let mut winners = 0;
        for who in 0..PEOPLE {
            let right =
                economy.number(&self.market, "balanceOf", values![economy.person(who), U256::from(YES)]).await?;
            if !right.is_zero() {
                economy.act(who, &self.market, "redeem", values![]).await?;
                winners += 1;
            }
        }
        economy.settle().await?;
        economy.fact(&format!("it rains, and {winners} people are paid"));
        Ok(())
    }

    /// Everybody who was right was paid, and only what rounding left is there still.
    pub(super) async fn check(&self, economy: &Economy<'_>) -> Result<Vec<String>, SessionError> {
        for who in 0..PEOPLE {
            let right =
                economy.number(&self.market, "balanceOf", values![economy.person(who), U256::from(YES)]).await?;
            hold(right.is_zero(), || format!("person {who} was right about the rain and was not paid"))?;
        }
        let left = economy.number(&self.silver, "balanceOf", values![self.market.address]).await?;
        hold(left < units(1), || format!("the prediction market still has {} silver", whole(left)))?;
        Ok(vec!["every bet on rain was paid out of what was bet".into()])
    }
}
