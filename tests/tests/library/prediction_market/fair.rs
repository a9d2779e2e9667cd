//! A market for tests, and people with gold.

use esker_components::tokens::erc1155::Error as TokenError;
use esker_erc20::Erc20Handle;
use esker_prediction_market::{NO, PredictionMarketHandle, SHARE, YES};
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Draw, User};

pub const RESOLVER: Address = Address::repeat_byte(0x0e);
pub const QUESTION: &str = "Will the comet of 2061 be seen with the naked eye?";
/// Seconds that the market trades, and that the resolver has.
pub const TRADES: u64 = 10_000;
pub const ANSWERS: u64 = 1_000;

pub fn number(value: u128) -> U256 {
    U256::from(value)
}

#[derive(Clone, Copy)]
pub struct Fair {
    pub gold: Erc20Handle,
    pub market: PredictionMarketHandle,
    pub closes_at: u64,
    pub resolve_by: u64,
}

impl Fair {
    /// A market for gold, of which everybody has a million; the first user has more.
    pub fn new(chain: &mut Chain, users: &[User]) -> Self {
        let gold = chain.deploy(users[0], Erc20Handle::constructor("G", "G", U256::ONE << 100));
        let fair = Self::of(chain, users[0], gold);
        for user in users {
            chain.send(users[0], gold.transfer(*user, 1_000_000)).succeeds();
            chain.send(*user, gold.approve(fair.market.address(), U256::MAX)).succeeds();
        }
        fair
    }

    pub fn of(chain: &mut Chain, by: User, gold: Erc20Handle) -> Self {
        let closes_at = chain.timestamp() + TRADES;
        let resolve_by = closes_at + ANSWERS;
        let market = PredictionMarketHandle::constructor(gold.address(), RESOLVER, QUESTION, closes_at, resolve_by);
        Self { gold, market: chain.deploy(by, market), closes_at, resolve_by }
    }

    pub fn held(&self, chain: &mut Chain) -> U256 {
        chain.read(self.gold.balance_of(self.market.address()))
    }

    pub fn gold_of(&self, chain: &mut Chain, account: impl Into<Address>) -> U256 {
        chain.read(self.gold.balance_of(account.into()))
    }

    /// Somebody's No, Yes and shares.
    pub fn of_user(&self, chain: &mut Chain, account: impl Into<Address>) -> (U256, U256, U256) {
        let account = account.into();
        let [no, yes, shares] = [NO, YES, SHARE].map(|id| chain.read(self.market.balance_of(account, id)));
        (no, yes, shares)
    }

    pub fn resolve(&self, chain: &mut Chain, yes: bool) {
        chain.warp(self.closes_at);
        chain.send(RESOLVER, self.market.resolve(yes)).succeeds();
    }

    /// What somebody has, counted in gold, when it has merged what can be merged.
    pub fn leave(&self, chain: &mut Chain, user: User) -> U256 {
        let (_, _, shares) = self.of_user(chain, user);
        if shares > 0 {
            chain.send(user, self.market.remove_funding(shares)).succeeds();
        }
        let (no, yes, _) = self.of_user(chain, user);
        chain.send(user, self.market.merge(no.min(yes))).succeeds();
        self.gold_of(chain, user)
    }
}

pub fn numbers(no: u128, yes: u128, shares: u128) -> (U256, U256, U256) {
    (number(no), number(yes), number(shares))
}

pub fn too_few(sender: impl Into<Address>, token_id: U256, balance: u128, needed: u128) -> TokenError {
    let (balance, needed) = (number(balance), number(needed));
    TokenError::ERC1155InsufficientBalance { sender: sender.into(), balance, needed, token_id }
}

pub fn amount(draw: &mut Draw) -> U256 {
    match draw.number(0..=9) {
        0 => U256::from(draw.number(1..=10)),
        _ => U256::from(draw.number(1..=100_000)),
    }
}
