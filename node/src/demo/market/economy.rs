//! Whoever takes part, and how they act: by signed transactions that are sent in batches.

use std::time::{Duration, Instant};

use alloy_dyn_abi::DynSolValue;
use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use esker_sdk_build::Artifact;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::demo::session::{Session, SessionError, Signed, input};
use crate::demo::{DemoError, Narrator, contracts};

/// People; the first of them deploys the contracts.
pub(super) const PEOPLE: usize = 24;
/// The development accounts that have coins from the beginning.
const FUNDED: usize = 10;
/// Coins for each of the others, in wei.
const ALLOWANCE: U256 = U256::from_limbs([10_000_000_000_000_000_000, 0, 0, 0]);
/// Transactions in one JSON-RPC batch.
const BATCH: usize = 50;
/// Gas that a transaction may take. What it does not use costs nothing.
const GAS_LIMIT: u64 = 2_000_000;
/// How long the chain's time may take to come to a second that somebody waits for, beyond the wait itself.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL_EVERY: Duration = Duration::from_millis(100);

/// Arguments of a call, each of the type that the method takes there.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$(alloy_dyn_abi::DynSolValue::from($value)),*] };
}
pub(super) use values;

/// A contract on the chain.
#[derive(Clone, Debug)]
pub(super) struct Contract {
    /// Where it is.
    pub(super) address: Address,
    name: String,
    abi: JsonAbi,
}

impl Contract {
    /// The input of a call of `method`, for who has it made by others.
    pub(super) fn input(&self, method: &str, arguments: &[DynSolValue]) -> Result<Bytes, SessionError> {
        input(&self.abi, method, arguments)
    }
}

/// The people, what they are about to do, and what was done.
pub(super) struct Economy<'a> {
    session: Session,
    artifacts: &'a [Artifact],
    narrator: &'a dyn Narrator,
    /// Always the same throws.
    dice: StdRng,
    /// Signed, and not sent yet, with words for what each is.
    waiting: Vec<(Signed, String)>,
    pub(super) succeeded: u64,
    pub(super) reverted: u64,
}

impl<'a> Economy<'a> {
    /// Everybody on the chain at `url`, with coins.
    pub(super) async fn open(
        url: &str,
        artifacts: &'a [Artifact],
        narrator: &'a dyn Narrator,
    ) -> Result<Self, SessionError> {
        let mut economy = Self {
            session: Session::connect(url, PEOPLE as u32).await?,
            artifacts,
            narrator,
            dice: StdRng::seed_from_u64(0xE5CE_12AB),
            waiting: Vec::new(),
            succeeded: 0,
            reverted: 0,
        };
        for poor in FUNDED..PEOPLE {
            let (from, to) = (poor % FUNDED, TxKind::Call(economy.person(poor)));
            let signed = economy.session.sign(from, to, ALLOWANCE, Bytes::new(), 21_000)?;
            economy.waiting.push((signed, format!("coins for person {poor}")));
        }
        economy.settle().await?;
        Ok(economy)
    }

    /// A part begins.
    pub(super) fn begin(&self, title: &str) {
        self.narrator.begin(title);
    }

    /// A part came to this result.
    pub(super) fn fact(&self, text: &str) {
        self.narrator.fact(text);
    }

    /// `done` of `total` steps of the part are done.
    pub(super) fn advance(&self, done: u64, total: u64) {
        self.narrator.advance(done, total);
    }

    /// Somebody's address.
    pub(super) fn person(&self, who: usize) -> Address {
        self.session.address(who)
    }

    /// A number from 1 to `most`.
    pub(super) fn throw(&mut self, most: u64) -> u64 {
        self.dice.random_range(1..=most)
    }

    /// Anybody but the first.
    pub(super) fn anybody(&mut self) -> usize {
        self.dice.random_range(1..PEOPLE)
    }

    /// Person 0 deploys a contract, with what it needs in the right types.
    pub(super) async fn deploy(&mut self, name: &str, arguments: &[DynSolValue]) -> Result<Contract, DemoError> {
        self.settle().await?;
        let artifact = contracts::named(self.artifacts, name)?;
        let payload = contracts::payload(artifact, arguments)?;
        let gas = self.session.estimate(0, TxKind::Create, &payload).await?;
        let signed = self.session.sign(0, TxKind::Create, U256::ZERO, payload, gas)?;
        let receipts = self.session.send(&[signed]).await?;
        let address = receipts.first().filter(|receipt| receipt.succeeded).and_then(|receipt| receipt.created);
        let address = address.ok_or_else(|| SessionError::Answer(format!("{name} was not deployed")))?;
        self.succeeded += 1;
        self.narrator.fact(&format!("{name} at {address}"));
        Ok(self.at(name, address)?)
    }

    /// A contract that another one made.
    pub(super) fn at(&self, name: &str, address: Address) -> Result<Contract, SessionError> {
        let artifact = contracts::named(self.artifacts, name)?;
        Ok(Contract { address, name: name.to_owned(), abi: contracts::abi(artifact)? })
    }

    /// Somebody calls a method, which must succeed. It is sent with others, at the latest by [`Self::settle`].
    pub(super) async fn act(
        &mut self,
        who: usize,
        contract: &Contract,
        method: &str,
        arguments: &[DynSolValue],
    ) -> Result<(), SessionError> {
        self.pay(who, contract, method, arguments, U256::ZERO).await
    }

    /// Somebody calls a method and sends `value` wei along.
    pub(super) async fn pay(
        &mut self,
        who: usize,
        contract: &Contract,
        method: &str,
        arguments: &[DynSolValue],
        value: U256,
    ) -> Result<(), SessionError> {
        let input = contract.input(method, arguments)?;
        let signed = self.session.sign(who, TxKind::Call(contract.address), value, input, GAS_LIMIT)?;
        self.waiting.push((signed, format!("{}.{method} by person {who}", contract.name)));
        if self.waiting.len() >= BATCH { self.settle().await } else { Ok(()) }
    }

    /// Waits until everything that was done is in blocks.
    pub(super) async fn settle(&mut self) -> Result<(), SessionError> {
        let (signed, words): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().unzip();
        if signed.is_empty() {
            return Ok(());
        }
        let receipts = self.session.send(&signed).await?;
        for (receipt, what) in receipts.iter().zip(words) {
            if !receipt.succeeded {
                return Err(SessionError::Answer(format!("{what} was reverted, and must succeed")));
            }
        }
        self.succeeded += receipts.len() as u64;
        Ok(())
    }

    /// Somebody does what must fail with this error: in a block, and by name.
    pub(super) async fn fail(
        &mut self,
        who: usize,
        contract: &Contract,
        method: &str,
        arguments: &[DynSolValue],
        error: &str,
    ) -> Result<(), SessionError> {
        self.settle().await?;
        let input = contract.input(method, arguments)?;
        let data = self.session.revert_of(who, contract.address, &input).await?;
        let found = contract.abi.errors().find(|error| data.starts_with(error.selector().as_slice()));
        if found.is_none_or(|found| found.name != error) {
            let found = found.map_or_else(|| hex::encode_prefixed(&data), |found| found.signature());
            let what = format!("{}.{method} by person {who} ends with {found}, and must with {error}", contract.name);
            return Err(SessionError::Answer(what));
        }
        let signed = self.session.sign(who, TxKind::Call(contract.address), U256::ZERO, input, GAS_LIMIT)?;
        if self.session.send(&[signed]).await?.iter().any(|receipt| receipt.succeeded) {
            return Err(SessionError::Answer(format!("{}.{method} by person {who} must fail", contract.name)));
        }
        self.reverted += 1;
        Ok(())
    }

    /// What a method returns now.
    pub(super) async fn ask(
        &self,
        contract: &Contract,
        method: &str,
        arguments: &[DynSolValue],
    ) -> Result<Vec<DynSolValue>, SessionError> {
        self.session.call(contract.address, &contract.abi, method, arguments).await
    }

    /// The number, or the first of several values, that a method returns now.
    pub(super) async fn number(
        &self,
        contract: &Contract,
        method: &str,
        arguments: &[DynSolValue],
    ) -> Result<U256, SessionError> {
        let values = self.ask(contract, method, arguments).await?;
        nth(&values, 0).ok_or_else(|| SessionError::Abi(format!("{}.{method} gives no number", contract.name)))
    }

    /// An account's wei.
    pub(super) async fn coins(&self, account: Address) -> Result<U256, SessionError> {
        self.session.balance(account).await
    }

    /// The last block's number.
    pub(super) async fn height(&self) -> Result<u64, SessionError> {
        Ok(self.session.head().await?.0)
    }

    /// The last block's time in seconds.
    pub(super) async fn now(&self) -> Result<u64, SessionError> {
        Ok(self.session.head().await?.1)
    }

    /// Waits until a block has come whose time is after `time`.
    pub(super) async fn wait_beyond(&mut self, time: u64) -> Result<(), SessionError> {
        self.settle().await?;
        let away = time.saturating_sub(self.now().await?);
        self.wait(PATIENCE + Duration::from_secs(away), |(_, now)| now > time).await
    }

    /// Waits until there is a block of a higher number.
    pub(super) async fn wait_beyond_block(&mut self, number: u64) -> Result<(), SessionError> {
        self.settle().await?;
        let away = number.saturating_sub(self.height().await?);
        self.wait(PATIENCE + Duration::from_secs(away), |(height, _)| height > number).await
    }

    async fn wait(&self, within: Duration, is_there: impl Fn((u64, u64)) -> bool) -> Result<(), SessionError> {
        let deadline = Instant::now() + within;
        while !is_there(self.session.head().await?) {
            if Instant::now() > deadline {
                return Err(SessionError::Answer(format!("the chain stands still: waited {} s", within.as_secs())));
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
        Ok(())
    }
}

/// One of several values, as a number.
pub(super) fn nth(values: &[DynSolValue], index: usize) -> Option<U256> {
    values.get(index).and_then(DynSolValue::as_uint).map(|(number, _)| number)
}

/// A whole number of tokens or coins, of which each has 18 decimals.
pub(super) fn units(count: u64) -> U256 {
    U256::from(count) * U256::from(1_000_000_000_000_000_000_u64)
}

/// An amount as a person would read it, in whole tokens or coins.
pub(super) fn whole(amount: U256) -> U256 {
    amount / units(1)
}

/// What must hold, or the demonstration ends.
pub(super) fn hold(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), SessionError> {
    if is_so { Ok(()) } else { Err(SessionError::Answer(otherwise())) }
}
