//! A whole economy on the chain: tokens, an exchange, loans, a vote, a prediction, a lottery, and goods that are followed from
//! hand to hand. What the contracts promise is asked of them at the end.

mod economy;
mod exchange;
mod governance;
mod loans;
mod lottery;
mod money;
mod prediction;
mod provenance;

use std::time::{Duration, Instant};

use esker_sdk_build::Artifact;

use super::network::Network;
use super::{DemoError, Narrator, Outcome, Told};
use economy::{Economy, PEOPLE};

/// The folders of the contracts that it needs.
pub(super) const CONTRACTS: &[&str] = &[
    "token",
    "erc20",
    "weth",
    "amm-pair",
    "amm-factory",
    "amm-router",
    "price-feed",
    "lending-pool",
    "timelock",
    "governor",
    "prediction-market",
    "lottery",
    "supply-chain",
];

/// What the story leaves to be reported.
#[derive(Clone, Debug)]
pub struct MarketReport {
    /// Accounts that took part.
    pub people: usize,
    /// Time from the first deploy to the last receipt.
    pub time: Duration,
    /// What was promised, and held when it was asked for at the end.
    pub promises: Vec<String>,
}

/// Tells the story to the network, over HTTP, with about `trades` trades.
pub(super) async fn tell(
    network: &Network,
    artifacts: &[Artifact],
    trades: u32,
    narrator: &dyn Narrator,
) -> Result<Told, DemoError> {
    let started = Instant::now();
    narrator.begin(&format!("Giving coins and tokens to {PEOPLE} people"));
    let mut economy = Economy::open(&network.url(0), artifacts, narrator).await?;
    let before = Instant::now();
    let money = money::Money::issue(&mut economy).await?;
    // What waits for a time of day leaves room for a machine this slow, or several times slower.
    let pace = before.elapsed().as_secs().max(1);

    let assembly = governance::Assembly::found(&mut economy, &money).await?;
    let mut exchange = exchange::Exchange::open(&mut economy, &money, assembly.treasury()).await?;
    let mut proposal = assembly.propose(&mut economy, &exchange).await?;
    let lottery = lottery::Draw::sell(&mut economy, pace).await?;
    assembly.vote(&mut economy, &proposal).await?;
    let prediction = prediction::Question::ask(&mut economy, &money, trades / 5, pace).await?;
    prediction.bet(&mut economy, trades / 5).await?;
    lottery.reveal(&mut economy).await?;
    exchange.trade(&mut economy, trades / 2).await?;
    let loans = loans::Bank::open(&mut economy, &money).await?;
    loans.lend(&mut economy).await?;
    assembly.carry_out(&mut economy, &mut proposal).await?;
    exchange.trade(&mut economy, trades / 2).await?;
    loans.crash(&mut economy).await?;
    let goods = provenance::Goods::make(&mut economy).await?;
    lottery.draw(&mut economy).await?;
    prediction.answer(&mut economy).await?;

    narrator.begin("Asking the contracts for what they promise");
    let mut promises = Vec::new();
    let holders = [exchange.address(), assembly.treasury(), loans.address(), prediction.address()];
    promises.extend(money.check(&economy, &holders).await?);
    promises.extend(exchange.check(&economy, &money).await?);
    promises.extend(loans.check(&economy).await?);
    promises.extend(assembly.check(&economy, &proposal, &exchange).await?);
    promises.extend(prediction.check(&economy).await?);
    promises.extend(lottery.check(&economy).await?);
    promises.extend(goods.check(&economy).await?);
    for promise in &promises {
        narrator.fact(promise);
    }
    let report = MarketReport { people: PEOPLE, time: started.elapsed(), promises };
    let Economy { succeeded, reverted, .. } = economy;
    Ok(Told { outcome: Outcome::Market(report), succeeded, reverted })
}
