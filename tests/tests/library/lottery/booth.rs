//! A lottery for tests, and players with secrets.

use esker_lottery::{Error, LotteryHandle, Phase};
use esker_sdk::{
    abi::{encode_params, keccak256},
    prelude::*,
};
use esker_sdk_test::{Chain, User};

pub const PRICE: u128 = 100;
pub const DEPOSIT: u128 = 1_000;
pub const DUE: u128 = PRICE + DEPOSIT;
/// Seconds that tickets are sold, and that secrets are told.
pub const ENTER: u64 = 1_000;
pub const REVEAL: u64 = 500;

pub fn number(value: u128) -> U256 {
    U256::from(value)
}

/// A player's secret in a round: random enough, and always the same.
pub fn secret(player: User, round: u64) -> B256 {
    keccak256(&encode_params(&(player.address, round))).into()
}

/// Which of `count` tickets these secrets draw.
pub fn drawn(secrets: &[B256], count: usize) -> usize {
    let mix = secrets.iter().fold(U256::ZERO, |mix, secret| mix ^ U256::from_be_bytes(secret.0));
    let drawn = U256::from_be_bytes(keccak256(&mix.to_be_bytes())) % count as u128;
    drawn.to_usize().expect("a small number")
}

#[derive(Clone, Copy)]
pub struct Booth {
    pub lottery: LotteryHandle,
    pub deposit: u128,
}

impl Booth {
    pub fn new(chain: &mut Chain, by: User) -> Self {
        Self::with(chain, by, DEPOSIT)
    }

    pub fn with(chain: &mut Chain, by: User, deposit: u128) -> Self {
        let lottery = chain.deploy(by, LotteryHandle::constructor(PRICE, deposit, ENTER, REVEAL));
        Self { lottery, deposit }
    }

    pub fn enter(&self, chain: &mut Chain, players: &[User]) {
        let round = chain.read(self.lottery.round());
        for player in players {
            let commitment = chain.read(self.lottery.commitment_of(*player, secret(*player, round)));
            chain.send(*player, self.lottery.enter(commitment).value(PRICE + self.deposit)).succeeds();
        }
    }

    /// Lets the time for tickets pass, and these tell their secrets.
    pub fn reveal(&self, chain: &mut Chain, players: &[User]) {
        let (round, until) = (chain.read(self.lottery.round()), chain.read(self.lottery.enter_until()));
        chain.warp(until.max(chain.timestamp()));
        for player in players {
            chain.send(*player, self.lottery.reveal(secret(*player, round))).succeeds();
        }
    }

    /// Lets the time for secrets pass, and draws.
    pub fn draw(&self, chain: &mut Chain) -> Address {
        let until = chain.read(self.lottery.reveal_until());
        chain.warp(until.max(chain.timestamp()));
        chain.send(Address::repeat_byte(0xdd), self.lottery.draw()).succeeds().returned()
    }

    /// The coins that the lottery has.
    pub fn held(&self, chain: &Chain) -> U256 {
        chain.balance(self.lottery.address())
    }

    pub fn owed(&self, chain: &mut Chain, account: impl Into<Address>) -> U256 {
        chain.read(self.lottery.owed(account.into()))
    }
}

pub fn wrong(phase: Phase) -> Error {
    Error::WrongPhase { phase }
}
