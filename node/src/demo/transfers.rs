//! What happens on the chain: two deploys, hundreds of transfers with a validator killed among them, and a few that must
//! fail.

use std::time::{Duration, Instant};

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, TxKind, U256, hex};
use esker_sdk_build::Artifact;

use super::contracts;
use super::network::{Network, VICTIM};
use super::session::{Receipt, Session, SessionError, Signed, input};
use super::{DemoError, Narrator, Outcome, Told};

/// Development accounts that take part.
const ACCOUNTS: usize = 10;
/// Transactions in one JSON-RPC batch.
const BATCH: usize = 50;
/// Tokens that the constructor mints.
const SUPPLY: u64 = 1_000_000;
/// Tokens that every account begins with.
const SHARE: u64 = 50_000;

/// What the story leaves to be reported.
#[derive(Clone, Debug)]
pub struct TransfersReport {
    /// Address of the token.
    pub token: Address,
    /// Address of the collection.
    pub collection: Address,
    /// Time from the first signed transfer to the last receipt.
    pub transfer_time: Duration,
    /// Blocks that were made while one of the validators was down.
    pub without_one: u64,
    /// Time that it took to catch up, from its start to the others' head.
    pub catch_up: Duration,
}

/// Tells the story to the network, over HTTP.
pub(super) async fn tell(
    network: &mut Network,
    artifacts: &[Artifact],
    transfers: u32,
    narrator: &dyn Narrator,
) -> Result<Told, DemoError> {
    let mut story =
        Story { session: Session::connect(&network.url(0), ACCOUNTS as u32).await?, succeeded: 0, reverted: 0 };
    let (erc20, erc721) = (contracts::named(artifacts, "Erc20")?, contracts::named(artifacts, "Erc721")?);

    narrator.begin("Deploying the contracts with signed transactions");
    let supply = DynSolValue::Uint(U256::from(SUPPLY), 256);
    let token = story.deploy(erc20, &[text("Esker Gold"), text("EGD"), supply]).await?;
    narrator.fact(&format!("ERC20 at {token}"));
    let collection = story.deploy(erc721, &[text("Esker Gallery"), text("ART")]).await?;
    narrator.fact(&format!("ERC721 at {collection}"));

    narrator.begin(&format!("Sending {transfers} signed token transfers"));
    let started = Instant::now();
    let killed_at = story.transfers(erc20, token, transfers, network, narrator).await?;
    let transfer_time = started.elapsed();
    narrator
        .fact(&format!("node{VICTIM} was killed at block {killed_at}, with half of them to go; the others went on"));

    narrator.begin("Minting and moving non-fungible tokens");
    story.gallery(erc721, collection).await?;
    narrator.fact("ten minted, ten moved by safeTransferFrom");

    narrator.begin("Overdrawing an account, which must fail");
    let error = story.overdraw(erc20, token).await?;
    narrator.fact(&format!("reverted with {error}"));

    narrator.begin(&format!("Starting node{VICTIM} again"));
    let ahead = network.wait_for(0, killed_at + 1).await?;
    let started = Instant::now();
    network.launch(VICTIM)?;
    network.wait_for(VICTIM, ahead.number).await?;
    let (without_one, catch_up) = (ahead.number - killed_at, started.elapsed());
    narrator.fact(&format!("it caught up {without_one} blocks"));
    // It takes part again: the others' next blocks reach it as they are made.
    network.wait_for(VICTIM, ahead.number + 3).await?;

    let total = story.total(erc20, token).await?;
    if total != U256::from(SUPPLY) {
        return Err(SessionError::Answer(format!("the balances add up to {total}, the supply is {SUPPLY}")).into());
    }
    narrator.fact(&format!("all balances still add up to {SUPPLY}"));
    let Story { succeeded, reverted, .. } = story;
    let report = TransfersReport { token, collection, transfer_time, without_one, catch_up };
    Ok(Told { outcome: Outcome::Transfers(report), succeeded, reverted })
}

struct Story {
    session: Session,
    succeeded: u64,
    reverted: u64,
}

impl Story {
    /// Sends transactions that must succeed.
    async fn settle(&mut self, transactions: &[Signed]) -> Result<Vec<Receipt>, SessionError> {
        let receipts = self.session.send(transactions).await?;
        if receipts.iter().any(|receipt| !receipt.succeeded) {
            return Err(SessionError::Answer("a transaction that must succeed was reverted".into()));
        }
        self.succeeded += receipts.len() as u64;
        Ok(receipts)
    }

    /// Deploys `artifact` from account 0.
    async fn deploy(&mut self, artifact: &Artifact, arguments: &[DynSolValue]) -> Result<Address, DemoError> {
        let payload = contracts::payload(artifact, arguments)?;
        let gas = self.session.estimate(0, TxKind::Create, &payload).await?;
        let transaction = self.session.sign(0, TxKind::Create, U256::ZERO, payload, gas)?;
        let receipts = self.settle(&[transaction]).await?;
        let created = receipts.first().and_then(|receipt| receipt.created);
        Ok(created.ok_or_else(|| SessionError::Answer("the deploy's receipt names no contract".into()))?)
    }

    /// Gives every account its share, then sends `count` transfers around; half-way a validator is killed. Returns the
    /// last block then.
    async fn transfers(
        &mut self,
        erc20: &Artifact,
        token: Address,
        count: u32,
        network: &mut Network,
        narrator: &dyn Narrator,
    ) -> Result<u64, DemoError> {
        let abi = contracts::abi(erc20)?;
        let transfer = |to: Address, value: u64| {
            input(&abi, "transfer", &[DynSolValue::Address(to), DynSolValue::Uint(U256::from(value), 256)])
        };
        let to = TxKind::Call(token);
        let first = transfer(self.session.address(1), SHARE)?;
        // The first transfer to an account writes a fresh slot, the dearest case: its estimate covers all others.
        let gas = self.session.estimate(0, to, &first).await?;
        let mut shares = Vec::with_capacity(ACCOUNTS);
        for index in 1..ACCOUNTS {
            let input = transfer(self.session.address(index), SHARE)?;
            shares.push(self.session.sign(0, to, U256::ZERO, input, gas)?);
        }
        self.settle(&shares).await?;

        let mut transactions = Vec::with_capacity(count as usize);
        for step in 0..count as usize {
            let (from, hop) = (step % ACCOUNTS, step / ACCOUNTS % (ACCOUNTS - 1) + 1);
            let recipient = self.session.address((from + hop) % ACCOUNTS);
            let input = transfer(recipient, step as u64 % 97 + 1)?;
            transactions.push(self.session.sign(from, to, U256::ZERO, input, gas)?);
        }
        let (mut done, mut killed_at) = (0, None);
        for batch in transactions.chunks(BATCH) {
            if killed_at.is_none() && done >= u64::from(count) / 2 {
                killed_at = Some(network.wait_for(VICTIM, 0).await?.number);
                network.kill(VICTIM)?;
            }
            self.settle(batch).await?;
            done += batch.len() as u64;
            narrator.advance(done, u64::from(count));
        }
        killed_at.ok_or_else(|| SessionError::Answer("no transfer was sent".into()).into())
    }

    /// Mints ten tokens to ten accounts; each account hands its own to the next one.
    async fn gallery(&mut self, erc721: &Artifact, collection: Address) -> Result<(), DemoError> {
        let abi = contracts::abi(erc721)?;
        let to = TxKind::Call(collection);
        let id = |index: usize| DynSolValue::Uint(U256::from(index), 256);
        let mut mints = Vec::with_capacity(ACCOUNTS);
        let mut gas = 0;
        for index in 0..ACCOUNTS {
            let owner = DynSolValue::Address(self.session.address(index));
            let input = input(&abi, "mint", &[owner, id(index)])?;
            if gas == 0 {
                gas = self.session.estimate(0, to, &input).await?;
            }
            mints.push(self.session.sign(0, to, U256::ZERO, input, gas)?);
        }
        self.settle(&mints).await?;
        let mut moves = Vec::with_capacity(ACCOUNTS);
        for index in 0..ACCOUNTS {
            let (from, next) = (self.session.address(index), self.session.address((index + 1) % ACCOUNTS));
            let arguments = [DynSolValue::Address(from), DynSolValue::Address(next), id(index)];
            let input = input(&abi, "safeTransferFrom", &arguments)?;
            let gas = self.session.estimate(index, to, &input).await?;
            moves.push(self.session.sign(index, to, U256::ZERO, input, gas)?);
        }
        self.settle(&moves).await?;
        for index in 0..ACCOUNTS {
            let owner = self.session.call(collection, &abi, "ownerOf", &[id(index)]).await?;
            let expected = DynSolValue::Address(self.session.address((index + 1) % ACCOUNTS));
            if owner.first() != Some(&expected) {
                return Err(SessionError::Answer(format!("token {index} belongs to {owner:?}")).into());
            }
        }
        Ok(())
    }

    /// Sends more tokens than an account has: the transaction is in a block, reverted. Gives the decoded error.
    async fn overdraw(&mut self, erc20: &Artifact, token: Address) -> Result<String, DemoError> {
        let abi = contracts::abi(erc20)?;
        let arguments =
            [DynSolValue::Address(self.session.address(0)), DynSolValue::Uint(U256::from(SUPPLY) + U256::from(1), 256)];
        let input = input(&abi, "transfer", &arguments)?;
        let transaction = self.session.sign(1, TxKind::Call(token), U256::ZERO, input.clone(), 300_000)?;
        let receipts = self.session.send(&[transaction]).await?;
        if receipts.iter().any(|receipt| receipt.succeeded) {
            return Err(SessionError::Answer("a transfer of more than the balance succeeded".into()).into());
        }
        self.reverted += 1;
        let data = self.session.revert_of(1, token, &input).await?;
        let error = abi.errors().find(|error| data.starts_with(error.selector().as_slice()));
        let error =
            error.ok_or_else(|| SessionError::Answer(format!("unknown error {}", hex::encode_prefixed(&data))))?;
        Ok(error.signature())
    }

    /// The sum of all accounts' tokens.
    async fn total(&self, erc20: &Artifact, token: Address) -> Result<U256, DemoError> {
        let abi = contracts::abi(erc20)?;
        let mut total = U256::ZERO;
        for index in 0..ACCOUNTS {
            let owner = DynSolValue::Address(self.session.address(index));
            let balance = self.session.call(token, &abi, "balanceOf", &[owner]).await?;
            let balance = balance.first().and_then(DynSolValue::as_uint);
            total += balance.ok_or_else(|| SessionError::Abi("balanceOf gives no number".into()))?.0;
        }
        Ok(total)
    }
}

fn text(text: &str) -> DynSolValue {
    DynSolValue::String(text.to_owned())
}
