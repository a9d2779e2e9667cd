//! The two tokens that everything is paid in: gold, which votes, and silver.

use alloy_primitives::{Address, U256};

use super::economy::{Contract, Economy, PEOPLE, hold, units, values, whole};
use crate::demo::{DemoError, SessionError};

/// Whole tokens of either kind that everybody gets.
const SHARE: u64 = 50_000;
/// Whole tokens of either kind that the first person begins with.
const FOUNDERS: u64 = 1_000_000;

/// The tokens.
pub(super) struct Money {
    /// A token with votes, of which the first person makes more.
    pub(super) gold: Contract,
    /// A token of a fixed supply.
    pub(super) silver: Contract,
}

impl Money {
    /// Both tokens, in everybody's hands.
    pub(super) async fn issue(economy: &mut Economy<'_>) -> Result<Self, DemoError> {
        let founder = economy.person(0);
        let supply = units(FOUNDERS + SHARE * (PEOPLE as u64 - 1));
        let name = |text: &str| text.to_owned();
        let gold = economy.deploy("Token", values![name("Gold"), name("GLD"), supply * U256::from(2), founder]).await?;
        let silver = economy.deploy("Erc20", values![name("Silver"), name("SLV"), supply]).await?;
        economy.act(0, &gold, "mint", values![founder, units(FOUNDERS)]).await?;
        for who in 1..PEOPLE {
            let person = economy.person(who);
            economy.act(0, &gold, "mint", values![person, units(SHARE)]).await?;
            economy.act(0, &silver, "transfer", values![person, units(SHARE)]).await?;
        }
        economy.settle().await?;
        Ok(Self { gold, silver })
    }

    /// Everybody lets `spender` take gold and silver.
    pub(super) async fn allow(&self, economy: &mut Economy<'_>, spender: Address) -> Result<(), SessionError> {
        for who in 0..PEOPLE {
            for token in [&self.gold, &self.silver] {
                economy.act(who, token, "approve", values![spender, U256::MAX]).await?;
            }
        }
        economy.settle().await
    }

    /// No token was made or lost, wherever it went.
    pub(super) async fn check(&self, economy: &Economy<'_>, holders: &[Address]) -> Result<Vec<String>, SessionError> {
        let mut said = Vec::new();
        for (token, name) in [(&self.gold, "gold"), (&self.silver, "silver")] {
            let supply = economy.number(token, "totalSupply", values![]).await?;
            let mut sum = U256::ZERO;
            for holder in (0..PEOPLE).map(|who| economy.person(who)).chain(holders.iter().copied()) {
                sum += economy.number(token, "balanceOf", values![holder]).await?;
            }
            hold(sum == supply, || format!("there are {supply} of {name}, and people and contracts have {sum}"))?;
            said.push(format!("all {name} is somebody's: {} in {} hands", whole(supply), PEOPLE + holders.len()));
        }
        Ok(said)
    }
}
