//! A chain with staking, asked over JSON-RPC.

use alloy_json_abi::JsonAbi;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_sol_types::{SolCall, SolInterface};
use esker_runtime::staking::STAKING_ADDRESS;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::abi::Decoder;
use super::super::answer::{Answer, printable};
use super::super::failure::Failure;
use super::super::rpc::{Rpc, RpcArgs, RpcFailure};
use super::super::transact::sender::Sender;
use super::super::transact::{Intent, SendingArgs};
use super::super::units::format_amount;
use super::moment::Moment;
use super::words;
use crate::chain::genesis_hash;
use crate::home::Home;
use crate::staking::report::Epoch;
use crate::staking::{ARTIFACT, Staking};

/// From how many of the last blocks their pace is taken.
const PACE_BLOCKS: u64 = 100;

/// A block, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
struct Block {
    number: U64,
    hash: B256,
    timestamp: U64,
}

/// A chain with staking.
pub struct StakingChain {
    /// Where it is asked.
    pub rpc: Rpc,
    /// Its id.
    pub chain_id: u64,
    /// The parameters of its staking.
    pub params: Staking::Params,
    /// The number of the last block.
    pub head: u64,
    decoder: Decoder,
    /// Milliseconds that a block took lately; none on a chain that just began.
    pace: Option<u64>,
}

impl StakingChain {
    /// Asks a server for what every command needs.
    ///
    /// # Errors
    /// If it does not answer, or its chain has no staking.
    pub async fn open(args: &RpcArgs) -> Result<Self, Failure> {
        let rpc = Rpc::new(args)?;
        let chain_id = rpc.chain_id().await?;
        let code: Bytes = rpc.request("eth_getCode", &[json!(STAKING_ADDRESS), json!("latest")]).await?;
        if code.is_empty() {
            return Err(Failure::failed("this chain has no staking")
                .because(format!("there is no contract at {STAKING_ADDRESS}"))
                .hint("check --rpc-url; on a chain without staking the validators of the genesis stay")
                .with("chainId", chain_id));
        }
        let artifact: Value = serde_json::from_str(ARTIFACT).unwrap_or_default();
        let abi: JsonAbi = serde_json::from_value(artifact["abi"].clone()).unwrap_or_default();
        let decoder = Decoder::new(abi);
        let params = ask(&rpc, Staking::paramsCall {}).await?;
        let head: Block = rpc.request("eth_getBlockByNumber", &[json!("latest"), json!(false)]).await?;
        let pace = pace(&rpc, &head).await?;
        Ok(Self { rpc, chain_id, params, head: head.number.to(), decoder, pace })
    }

    /// Refuses a server of another chain than a home's.
    ///
    /// # Errors
    /// If the chain began with another block.
    pub async fn check_home(&self, home: &Home) -> Result<(), Failure> {
        let wanted = genesis_hash(&home.genesis).map_err(|error| {
            Failure::usage(format!("no chain can begin with {}'s genesis", home.path.display())).because(error)
        })?;
        let (ours, theirs) = (home.genesis.config.chain_id, self.chain_id);
        let other = |why: String| {
            Err(Failure::infrastructure(format!(
                "{} serves another chain than that of {}",
                self.rpc.url(),
                home.path.display()
            ))
            .because(why)
            .hint("point --rpc-url at a node of the home's network, such as its own; nothing was sent"))
        };
        if ours != theirs {
            return other(format!("its chain id is {theirs}, the home's {ours}"));
        }
        let first: Option<Block> = self.rpc.request("eth_getBlockByNumber", &[json!("0x0"), json!(false)]).await?;
        match first {
            // A node that began with a snapshot does not have it; the chain id must do.
            None => Ok(()),
            Some(block) if block.hash == wanted => Ok(()),
            Some(block) => other(format!("its block 0 is {}, the home's {wanted}", block.hash)),
        }
    }

    /// What a view of the staking contract answers.
    ///
    /// # Errors
    /// If it reverts, or the server does not answer.
    pub async fn ask<C: SolCall>(&self, call: C) -> Result<C::Return, Failure> {
        ask(&self.rpc, call).await.map_err(|failure| words::explained(failure, self))
    }

    /// Everything about a validator.
    ///
    /// # Errors
    /// If it is none, or the server does not answer.
    pub async fn validator(&self, operator: Address) -> Result<Staking::ValidatorInfo, Failure> {
        self.find(operator).await?.ok_or_else(|| {
            Failure::failed(format!("{operator} is no validator")).hint("`esker validator list` shows who is")
        })
    }

    /// Everything about a validator, if it is one.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn find(&self, operator: Address) -> Result<Option<Staking::ValidatorInfo>, Failure> {
        match ask(&self.rpc, Staking::validatorCall { operator }).await {
            Ok(info) => Ok(Some(info)),
            Err(failure) if matches!(words::error_of(&failure), Some(Staking::StakingErrors::NoValidator(_))) => {
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// What a method of Esker's own answers.
    ///
    /// # Errors
    /// If the server does not know it, or refuses.
    pub async fn report<T: serde::de::DeserializeOwned>(&self, method: &str, params: &[Value]) -> Result<T, Failure> {
        self.rpc.request(method, params).await.map_err(|failure| match failure {
            RpcFailure::Refused(refusal) if refusal.is_unknown_method() => {
                Failure::from(refusal).hint("ask a node of the network itself (`esker node`): others do not know it")
            }
            failure => failure.into(),
        })
    }

    /// The epoch of the block that comes next, in which a transaction sent now is executed at the earliest.
    #[must_use]
    pub fn next_epoch(&self) -> u64 {
        Epoch::of(self.head.saturating_add(1), self.params.epochLength.into()).number.to()
    }

    /// When the epoch begins that comes so many epochs after `epoch`. Whatever a server said of epochs, there is an answer.
    #[must_use]
    pub fn beginning_after(&self, epoch: u64, epochs: u32) -> Moment {
        self.beginning(epoch.saturating_add(epochs.into()))
    }

    /// When an epoch begins.
    #[must_use]
    pub fn beginning(&self, epoch: u64) -> Moment {
        let block = epoch.saturating_mul(self.params.epochLength.into()).saturating_add(1);
        let blocks = block.saturating_sub(self.head);
        let seconds = self.pace.map(|pace| blocks.saturating_mul(pace) / 1_000);
        Moment { epoch, block, blocks, seconds }
    }

    /// An account's coins, in wei.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn balance(&self, account: Address) -> Result<U256, Failure> {
        Ok(self.rpc.request("eth_getBalance", &[json!(account), json!("latest")]).await?)
    }

    /// Sends a call to the staking contract, unless it would be refused, and tells what became of it.
    ///
    /// # Errors
    /// In words if the contract refuses; if it cannot be sent, or failed.
    pub async fn send<C: SolCall>(
        &mut self,
        sending: &SendingArgs,
        sender: &Sender,
        value: U256,
        call: C,
    ) -> Result<Answer, Failure> {
        let data = Bytes::from(call.abi_encode());
        let from = sender.address();
        // The contract would look at what comes with the call first, whether it is there or not.
        if !value.is_zero() && self.balance(from).await? < value {
            return Err(self.poor(from, value).await);
        }
        let mut request = json!({"from": from, "to": STAKING_ADDRESS, "value": value, "input": data});
        if let Some(gas) = sending.gas_limit {
            request["gas"] = json!(U64::from(gas));
        }
        // In the next block, as the transaction will be; and whatever gas limit was given, nothing is sent that would fail.
        match self.rpc.request::<Bytes>("eth_call", &[request, json!("pending")]).await {
            Ok(_) => {}
            Err(RpcFailure::Refused(refusal)) => return Err(self.refused(&refusal, from, value).await),
            Err(failure) => return Err(failure.into()),
        }
        let intent = Intent { to: Some(STAKING_ADDRESS), value, data };
        let sent = sending.execute(&self.rpc, sender, intent, &self.decoder).await;
        let answer = sent.map_err(|failure| words::explained(failure, self))?;
        // From here on "now" is the block that it is in.
        self.head = answer.json["blockNumber"].as_u64().map_or(self.head, |number| number.max(self.head));
        Ok(answer)
    }

    /// The epoch in which a transaction was executed; if nobody waited for it, the earliest in which it can be.
    #[must_use]
    pub fn epoch_of(&self, answer: &Answer) -> u64 {
        let block = answer.json["blockNumber"].as_u64().unwrap_or_else(|| self.head.saturating_add(1));
        Epoch::of(block, self.params.epochLength.into()).number.to()
    }

    async fn refused(&self, refusal: &super::super::rpc::Refusal, from: Address, value: U256) -> Failure {
        if let Some(data) = refusal.revert_data() {
            let revert = self.decoder.revert(&data);
            let failure = Failure::failed("the staking contract refuses, so nothing was sent")
                .because(if data.is_empty() { printable(&refusal.message) } else { revert.text() })
                .with("revert", revert.json());
            return words::explained(failure, self);
        }
        if refusal.is_unknown_method() {
            return refusal.clone().into();
        }
        if refusal.message.to_lowercase().contains("insufficient funds") {
            return self.poor(from, value).await.with("rpcCode", refusal.code);
        }
        Failure::failed("the transaction would fail, so it was not sent")
            .with("rpcCode", refusal.code)
            .because(format!("{} (code {})", printable(&refusal.message), refusal.code))
    }

    /// Why an account cannot send so much.
    async fn poor(&self, from: Address, value: U256) -> Failure {
        let balance = self.balance(from).await.map_or_else(|_| "too little".to_owned(), format_amount);
        Failure::failed("the transaction would fail, so it was not sent")
            .because(format!("{from} has {balance}; {} and the gas are needed", format_amount(value)))
            .hint(format!("send coins to {from}, or choose a smaller amount"))
    }

    /// Decodes what the contract logs and reverts with.
    #[must_use]
    pub const fn decoder(&self) -> &Decoder {
        &self.decoder
    }
}

async fn pace(rpc: &Rpc, head: &Block) -> Result<Option<u64>, Failure> {
    let number = head.number.to::<u64>();
    // The time of block 0 is nobody's clock.
    let count = number.saturating_sub(1).min(PACE_BLOCKS);
    if count == 0 {
        return Ok(None);
    }
    let before = json!(U64::from(number - count));
    let before: Option<Block> = rpc.request("eth_getBlockByNumber", &[before, json!(false)]).await?;
    let since = |before: Block| head.timestamp.to::<u64>().saturating_sub(before.timestamp.to::<u64>());
    Ok(before.map(|before| since(before).saturating_mul(1_000) / count))
}

async fn ask<C: SolCall>(rpc: &Rpc, call: C) -> Result<C::Return, Failure> {
    let request = json!({"to": STAKING_ADDRESS, "input": Bytes::from(call.abi_encode())});
    let output: Bytes = match rpc.request("eth_call", &[request, json!("latest")]).await {
        Ok(output) => output,
        Err(RpcFailure::Refused(refusal)) => {
            let Some(data) = refusal.revert_data() else { return Err(refusal.into()) };
            let said = Staking::StakingErrors::abi_decode(&data).is_ok();
            let failure = Failure::failed(format!("the staking contract does not answer {}", C::SIGNATURE));
            let failure = failure.with("revert", json!({"data": data}));
            return Err(if said { failure } else { failure.because(printable(&refusal.message)) });
        }
        Err(failure) => return Err(failure.into()),
    };
    C::abi_decode_returns(&output).map_err(|_| {
        Failure::failed("this chain has no staking that this program knows")
            .because(format!("the contract at {STAKING_ADDRESS} does not answer {} as expected", C::SIGNATURE))
            .hint("check --rpc-url")
    })
}
