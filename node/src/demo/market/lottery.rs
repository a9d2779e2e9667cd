//! A lottery in which everybody has a secret, and one keeps it back.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{B256, U256, keccak256};

use super::economy::{Contract, Economy, PEOPLE, hold, values};
use crate::demo::{DemoError, SessionError};

/// Who does not tell its secret.
const SILENT: usize = 13;
/// What a ticket costs, in wei: a tenth of a coin.
const PRICE: u64 = 100_000_000_000_000_000;
/// Tickets.
const PLAYERS: u64 = PEOPLE as u64 - 1;

/// A round of the lottery.
pub(super) struct Draw {
    lottery: Contract,
}

impl Draw {
    /// Sells a ticket to everybody but the first. Who keeps a secret back loses as much as the pot. Times leave room by the
    /// `pace` of the network: the seconds that it took to give everybody tokens.
    pub(super) async fn sell(economy: &mut Economy<'_>, pace: u64) -> Result<Self, DemoError> {
        economy.begin("Selling lottery tickets");
        let deposit = U256::from(PRICE) * U256::from(PLAYERS);
        let lottery = values![U256::from(PRICE), deposit, 5 + pace * 2, 15 + pace * 6];
        let lottery = economy.deploy("Lottery", lottery).await?;
        for who in 1..PEOPLE {
            let player = economy.person(who);
            let bound = [lottery.address.into(), 0_u64.into(), player.into(), secret(who).into()];
            let commitment = keccak256(DynSolValue::Tuple(bound.to_vec()).abi_encode_params());
            economy.pay(who, &lottery, "enter", values![commitment], U256::from(PRICE) + deposit).await?;
        }
        economy.settle().await?;
        let pot = economy.number(&lottery, "pot", values![]).await?;
        hold(pot == deposit, || format!("{PLAYERS} tickets make a pot of {pot}"))?;
        economy.fact(&format!("{PLAYERS} tickets"));
        Ok(Self { lottery })
    }

    /// When no more tickets are sold, all tell their secrets but one.
    pub(super) async fn reveal(&self, economy: &mut Economy<'_>) -> Result<(), SessionError> {
        economy.begin("Telling the secrets");
        let until = economy.number(&self.lottery, "enterUntil", values![]).await?;
        economy.wait_beyond(until.saturating_to()).await?;
        economy.fail(1, &self.lottery, "reveal", values![secret(2)], "WrongSecret").await?;
        for who in (1..PEOPLE).filter(|who| *who != SILENT) {
            economy.act(who, &self.lottery, "reveal", values![secret(who)]).await?;
        }
        economy.fail(1, &self.lottery, "reveal", values![secret(1)], "NothingToReveal").await?;
        economy.fact(&format!("all but person {SILENT}"));
        Ok(())
    }

    /// Draws, and pays everybody what is theirs.
    pub(super) async fn draw(&self, economy: &mut Economy<'_>) -> Result<(), SessionError> {
        economy.begin("Drawing");
        let until = economy.number(&self.lottery, "revealUntil", values![]).await?;
        economy.wait_beyond(until.saturating_to()).await?;
        economy.act(2, &self.lottery, "draw", values![]).await?;
        economy.settle().await?;
        let winner = economy.ask(&self.lottery, "winner", values![0_u64]).await?;
        let winner = (1..PEOPLE).find(|who| winner == [DynSolValue::Address(economy.person(*who))]);
        for who in (1..PEOPLE).filter(|who| *who != SILENT) {
            economy.act(who, &self.lottery, "withdraw", values![]).await?;
        }
        economy.fail(SILENT, &self.lottery, "withdraw", values![], "NothingOwed").await?;
        economy.fact(&match winner {
            Some(who) => format!("person {who} won"),
            None => "the ticket that was drawn has no secret: the pot goes over to the next round".into(),
        });
        Ok(())
    }

    /// What is left is what the next round begins with.
    pub(super) async fn check(&self, economy: &Economy<'_>) -> Result<Vec<String>, SessionError> {
        let has = economy.coins(self.lottery.address).await?;
        let pot = economy.number(&self.lottery, "pot", values![]).await?;
        hold(has == pot, || format!("the lottery's pot is {pot} wei, and it has {has}"))?;
        let forfeited = U256::from(PRICE) * U256::from(PLAYERS);
        hold(pot >= forfeited, || "the deposit for the secret that was not told is gone".into())?;
        Ok(vec!["the lottery paid out all but what the next round begins with".into()])
    }
}

/// What somebody commits to.
fn secret(who: usize) -> B256 {
    keccak256(format!("the secret of person {who}"))
}
