//! A client of the chain that knows nothing but JSON-RPC: signs, sends in batches, waits for receipts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_dyn_abi::{DynSolValue, FunctionExt, JsonAbiExt};
use alloy_eips::eip2718::Encodable2718;
use alloy_json_abi::{Function, JsonAbi};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::BatchRequestBuilder;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::rpc_params;
use serde_json::{Value, json};

use crate::accounts::DEFAULT_MNEMONIC;

/// Why the chain could not be worked with.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// A request failed.
    #[error("the chain refused a request: {0}")]
    Rpc(#[from] ClientError),
    /// A signature could not be made.
    #[error("signing failed: {0}")]
    Sign(#[from] alloy_signer::Error),
    /// A key could not be derived.
    #[error("the development accounts cannot be derived: {0}")]
    Keys(#[from] alloy_signer_local::LocalSignerError),
    /// An artifact has no such method, or it takes other arguments.
    #[error("the artifact does not fit: {0}")]
    Abi(String),
    /// An answer does not say what it must.
    #[error("unexpected answer: {0}")]
    Answer(String),
}

/// A signed transaction that waits to be sent.
pub(super) struct Signed {
    /// Its bytes.
    raw: Bytes,
    /// Its hash.
    hash: B256,
}

/// What became of a transaction.
pub(super) struct Receipt {
    /// Whether it succeeded.
    pub(super) succeeded: bool,
    /// The contract that it created.
    pub(super) created: Option<Address>,
}

/// A client with the development accounts' keys and their next nonces.
pub(super) struct Session {
    client: HttpClient,
    signers: Vec<PrivateKeySigner>,
    nonces: BTreeMap<Address, u64>,
    chain_id: u64,
    max_fee_per_gas: u128,
}

/// Wei that every transaction offers the block's beneficiary for one gas.
const TIP_WEI: u128 = 1_000_000_000;
/// How long a block may take to come.
const RECEIPTS_WITHIN: Duration = Duration::from_secs(30);
/// Gas that setting a cleared slot costs at most beyond changing it.
const STORAGE_SET: u64 = 20_000;
const POLL_EVERY: Duration = Duration::from_millis(5);

impl Session {
    /// Connects to `url` with the first `accounts` development accounts.
    pub(super) async fn connect(url: &str, accounts: u32) -> Result<Self, SessionError> {
        let client = HttpClientBuilder::default().build(url)?;
        let chain_id: String = client.request("eth_chainId", rpc_params![]).await?;
        let block: Value = client.request("eth_getBlockByNumber", rpc_params!["latest", false]).await?;
        let base_fee = quantity(&block["baseFeePerGas"])?;
        let signers = (0..accounts)
            .map(|index| MnemonicBuilder::from_phrase(DEFAULT_MNEMONIC).index(index)?.build())
            .collect::<Result<Vec<_>, _>>()?;
        let chain_id = u64::try_from(quantity(&json!(chain_id))?).map_err(|error| answer(&error))?;
        Ok(Self { client, signers, nonces: BTreeMap::new(), chain_id, max_fee_per_gas: base_fee * 2 + TIP_WEI })
    }

    /// Address of development account `index`.
    pub(super) fn address(&self, index: usize) -> Address {
        self.signers[index].address()
    }

    /// What the call would need, with room for a slot that an earlier transaction of the batch clears and this one sets.
    pub(super) async fn estimate(&self, from: usize, to: TxKind, input: &Bytes) -> Result<u64, SessionError> {
        let mut call = json!({ "from": self.address(from), "input": input });
        if let TxKind::Call(to) = to {
            call["to"] = json!(to);
        }
        let gas: Value = self.client.request("eth_estimateGas", rpc_params![call]).await?;
        let gas = u64::try_from(quantity(&gas)?).map_err(|error| answer(&error))?;
        Ok(gas + gas / 4 + STORAGE_SET)
    }

    /// Signs a transaction of account `from` with its next nonce, which sends `value` wei along.
    pub(super) fn sign(
        &mut self,
        from: usize,
        to: TxKind,
        value: U256,
        input: Bytes,
        gas_limit: u64,
    ) -> Result<Signed, SessionError> {
        let signer = &self.signers[from];
        let nonce = self.nonces.entry(signer.address()).or_default();
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: *nonce,
            gas_limit,
            max_fee_per_gas: self.max_fee_per_gas,
            max_priority_fee_per_gas: TIP_WEI,
            to,
            value,
            access_list: alloy_eips::eip2930::AccessList::default(),
            input,
        };
        let signature = signer.sign_hash_sync(&transaction.signature_hash())?;
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        *nonce += 1;
        Ok(Signed { raw: envelope.encoded_2718().into(), hash: *envelope.tx_hash() })
    }

    /// Sends transactions as one JSON-RPC batch and gives their receipts.
    pub(super) async fn send(&self, transactions: &[Signed]) -> Result<Vec<Receipt>, SessionError> {
        let mut batch = BatchRequestBuilder::new();
        for transaction in transactions {
            batch.insert("eth_sendRawTransaction", rpc_params![&transaction.raw]).map_err(|error| answer(&error))?;
        }
        for entry in self.client.batch_request::<B256>(batch).await? {
            entry.map_err(|error| SessionError::Rpc(ClientError::Call(error.into_owned())))?;
        }
        let deadline = Instant::now() + RECEIPTS_WITHIN;
        loop {
            if let Some(receipts) = self.receipts(transactions).await? {
                return Ok(receipts);
            }
            if Instant::now() > deadline {
                let waited = RECEIPTS_WITHIN.as_secs();
                return Err(SessionError::Answer(format!("accepted transactions are in no block after {waited} s")));
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// The receipts, once every transaction has one.
    async fn receipts(&self, transactions: &[Signed]) -> Result<Option<Vec<Receipt>>, SessionError> {
        let mut batch = BatchRequestBuilder::new();
        for transaction in transactions {
            batch.insert("eth_getTransactionReceipt", rpc_params![transaction.hash]).map_err(|error| answer(&error))?;
        }
        let mut receipts = Vec::with_capacity(transactions.len());
        for entry in self.client.batch_request::<Value>(batch).await? {
            let receipt = entry.map_err(|error| SessionError::Rpc(ClientError::Call(error.into_owned())))?;
            if receipt.is_null() {
                return Ok(None);
            }
            let created = serde_json::from_value(receipt["contractAddress"].clone()).map_err(|error| answer(&error))?;
            receipts.push(Receipt { succeeded: receipt["status"] == "0x1", created });
        }
        Ok(Some(receipts))
    }

    /// Calls a method that changes nothing and decodes what it returns.
    pub(super) async fn call(
        &self,
        to: Address,
        abi: &JsonAbi,
        method: &str,
        arguments: &[DynSolValue],
    ) -> Result<Vec<DynSolValue>, SessionError> {
        let function = function(abi, method)?;
        let call = json!({ "to": to, "input": input(abi, method, arguments)? });
        let output: Bytes = self.client.request("eth_call", rpc_params![call, "latest"]).await?;
        function.abi_decode_output(&output).map_err(|error| SessionError::Abi(error.to_string()))
    }

    /// Number and time of the last block, the time in seconds.
    pub(super) async fn head(&self) -> Result<(u64, u64), SessionError> {
        let block: Value = self.client.request("eth_getBlockByNumber", rpc_params!["latest", false]).await?;
        let number = |name: &str| u64::try_from(quantity(&block[name])?).map_err(|error| answer(&error));
        Ok((number("number")?, number("timestamp")?))
    }

    /// An account's wei.
    pub(super) async fn balance(&self, account: Address) -> Result<U256, SessionError> {
        let balance: U256 = self.client.request("eth_getBalance", rpc_params![account, "latest"]).await?;
        Ok(balance)
    }

    /// The revert data of a call that must revert.
    pub(super) async fn revert_of(&self, from: usize, to: Address, input: &Bytes) -> Result<Bytes, SessionError> {
        let call = json!({ "from": self.address(from), "to": to, "input": input });
        match self.client.request::<Bytes, _>("eth_call", rpc_params![call, "latest"]).await {
            Err(ClientError::Call(error)) => {
                let data = error.data().map(|data| data.get().trim_matches('"').to_owned()).unwrap_or_default();
                hex::decode(data).map(Bytes::from).map_err(|error| answer(&error))
            }
            Err(error) => Err(error.into()),
            Ok(output) => Err(SessionError::Answer(format!("a call that must revert returned {output}"))),
        }
    }
}

/// The input of a call of `method`.
pub(super) fn input(abi: &JsonAbi, method: &str, arguments: &[DynSolValue]) -> Result<Bytes, SessionError> {
    let encoded = function(abi, method)?.abi_encode_input(arguments);
    encoded.map(Bytes::from).map_err(|error| SessionError::Abi(error.to_string()))
}

fn function<'a>(abi: &'a JsonAbi, method: &str) -> Result<&'a Function, SessionError> {
    let overloads = abi.function(method).map(Vec::as_slice).unwrap_or_default();
    overloads.first().ok_or_else(|| SessionError::Abi(format!("there is no method {method}")))
}

fn quantity(value: &Value) -> Result<u128, SessionError> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let number = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| SessionError::Answer(format!("{value} is no quantity")))
}

fn answer(error: &dyn std::fmt::Display) -> SessionError {
    SessionError::Answer(error.to_string())
}
