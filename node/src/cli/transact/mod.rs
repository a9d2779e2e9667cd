//! Sending a transaction: fill in what is missing, sign, send, wait, and tell what became of it.

pub mod fees;
pub mod receipt;
pub mod sender;

use std::time::Duration;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U256};
use alloy_signer::SignerSync;
use clap::Args;
use serde_json::{Value, json};

use self::fees::Fees;
use self::sender::{Sender, SenderArgs};
use super::abi::Decoder;
use super::answer::{Answer, columns, printable, remark};
use super::failure::Failure;
use super::rpc::{Refusal, Rpc, RpcFailure};
use super::units::{format_price, parse_amount, parse_price, parse_quantity};

/// What a transaction carries beside its call data, and how to send it.
#[derive(Args, Clone, Debug)]
pub struct TransactionArgs {
    /// Coins to send along, like 1ether, 0.5gwei or 1000 (wei)
    #[arg(long, default_value = "0", value_name = "AMOUNT", value_parser = parse_amount)]
    value: U256,

    #[command(flatten)]
    sending: SendingArgs,
}

/// How to send a transaction.
#[derive(Args, Clone, Debug)]
pub struct SendingArgs {
    /// Who sends it.
    #[command(flatten)]
    pub sender: SenderArgs,

    /// Gas limit; without it the server estimates, and nothing is sent that would revert
    #[arg(long, value_name = "GAS", value_parser = parse_quantity)]
    pub gas_limit: Option<u64>,

    /// Number of the transaction among its sender's [default: the next]
    #[arg(long, value_name = "NONCE", value_parser = parse_quantity)]
    pub nonce: Option<u64>,

    /// Most to pay for one gas, like 30gwei [default: twice the base fee, and the tip]
    #[arg(long, value_name = "PRICE", value_parser = parse_price)]
    max_fee: Option<u128>,

    /// Tip to the block's proposer for one gas [default: what the server suggests]
    #[arg(long, value_name = "PRICE", value_parser = parse_price)]
    priority_fee: Option<u128>,

    /// Send a legacy transaction with this price of gas
    #[arg(long, value_name = "PRICE", value_parser = parse_price, conflicts_with_all = ["max_fee", "priority_fee"])]
    gas_price: Option<u128>,

    /// Send a legacy transaction instead of an EIP-1559 one
    #[arg(long, conflicts_with_all = ["max_fee", "priority_fee"])]
    legacy: bool,

    /// Do not wait for the receipt
    #[arg(long)]
    no_wait: bool,

    /// Seconds to wait for the receipt
    #[arg(long, default_value_t = 120, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

/// A transaction with everything filled in, not yet signed.
#[derive(Clone, Debug)]
pub struct Draft {
    chain_id: u64,
    nonce: u64,
    gas_limit: u64,
    fees: Fees,
    /// Who sends it.
    pub from: Address,
    to: Option<Address>,
    value: U256,
    data: Bytes,
}

impl Draft {
    /// As `eth_call` and `eth_estimateGas` take it: without nonce and fees.
    fn call(&self) -> Value {
        let mut call = json!({"from": self.from, "value": self.value, "input": self.data});
        if let Some(to) = self.to {
            call["to"] = json!(to);
        }
        call
    }

    /// As `eth_sendTransaction` takes it.
    fn request(&self) -> Value {
        let mut request = self.call();
        request["gas"] = json!(U64::from(self.gas_limit));
        request["nonce"] = json!(U64::from(self.nonce));
        match self.fees {
            Fees::Legacy { gas_price } => request["gasPrice"] = json!(U256::from(gas_price)),
            Fees::Eip1559 { max_fee, priority_fee } => {
                request["maxFeePerGas"] = json!(U256::from(max_fee));
                request["maxPriorityFeePerGas"] = json!(U256::from(priority_fee));
            }
        }
        request
    }

    fn sign(&self, signer: &impl SignerSync) -> Result<TxEnvelope, Failure> {
        let to = self.to.map_or(TxKind::Create, TxKind::Call);
        let (value, input, nonce, gas_limit) = (self.value, self.data.clone(), self.nonce, self.gas_limit);
        let sign = |hash: B256| {
            signer.sign_hash_sync(&hash).map_err(|error| Failure::infrastructure("the key cannot sign").because(error))
        };
        Ok(match self.fees {
            Fees::Legacy { gas_price } => {
                let chain_id = Some(self.chain_id);
                let transaction = TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input };
                let signature = sign(transaction.signature_hash())?;
                TxEnvelope::Legacy(transaction.into_signed(signature))
            }
            Fees::Eip1559 { max_fee, priority_fee } => {
                let transaction = TxEip1559 {
                    chain_id: self.chain_id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: max_fee,
                    max_priority_fee_per_gas: priority_fee,
                    to,
                    value,
                    access_list: Default::default(),
                    input,
                };
                let signature = sign(transaction.signature_hash())?;
                TxEnvelope::Eip1559(transaction.into_signed(signature))
            }
        })
    }
}

impl TransactionArgs {
    /// Sends a transaction to `to` (creating a contract if there is none) and tells what became of it.
    ///
    /// # Errors
    /// If it cannot be sent, would fail, or did.
    pub async fn execute(
        &self,
        rpc: &Rpc,
        to: Option<Address>,
        data: Bytes,
        decoder: &Decoder,
    ) -> Result<Answer, Failure> {
        rpc.chain_id().await?;
        let sender = self.sending.sender.sender(rpc).await?;
        self.sending.execute(rpc, &sender, Intent { to, value: self.value, data }, decoder).await
    }
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Intent {
    /// To whom; `None` creates a contract.
    pub to: Option<Address>,
    /// Coins, in wei.
    pub value: U256,
    /// Call data.
    pub data: Bytes,
}

impl SendingArgs {
    /// Sends a transaction and tells what became of it.
    ///
    /// # Errors
    /// If it cannot be sent, would fail, or did.
    pub async fn execute(
        &self,
        rpc: &Rpc,
        sender: &Sender,
        intent: Intent,
        decoder: &Decoder,
    ) -> Result<Answer, Failure> {
        let chain_id = rpc.chain_id().await?;
        let draft = self.draft(rpc, chain_id, sender.address(), intent, decoder).await?;
        let hash = send(rpc, sender, &draft).await?;
        if self.no_wait {
            let text = columns(&[("transaction", hash.to_string()), ("status", "sent".to_owned())]);
            return Ok(Answer::new(
                text,
                json!({"transactionHash": hash, "status": "sent", "from": draft.from, "to": draft.to}),
            ));
        }
        let receipt = receipt::wait(rpc, hash, Duration::from_secs(self.timeout)).await?;
        receipt::tell(rpc, &draft, &receipt, decoder).await
    }

    async fn draft(
        &self,
        rpc: &Rpc,
        chain_id: u64,
        from: Address,
        Intent { to, value, data }: Intent,
        decoder: &Decoder,
    ) -> Result<Draft, Failure> {
        let block = fees::latest(rpc).await?;
        let legacy = self.legacy || self.gas_price.is_some();
        let fees = fees::choose(rpc, &block, legacy.then_some(self.gas_price), self.max_fee, self.priority_fee).await?;
        if let Some(base_fee) = block.base_fee.filter(|base_fee| fees.cap() < *base_fee) {
            remark(&format!(
                "at most {} a gas is offered and the base fee is {}: no block takes the transaction before that falls",
                format_price(fees.cap()),
                format_price(base_fee)
            ));
        }
        let nonce = match self.nonce {
            Some(nonce) => nonce,
            None => {
                let next: U64 = rpc.request("eth_getTransactionCount", &[json!(from), json!("pending")]).await?;
                next.to()
            }
        };
        let gas_limit = self.gas_limit.unwrap_or_default();
        let mut draft = Draft { chain_id, nonce, gas_limit, fees, from, to, value, data };
        if self.gas_limit.is_none() {
            let estimate: U64 = match rpc.request("eth_estimateGas", &[draft.call()]).await {
                Ok(estimate) => estimate,
                Err(RpcFailure::Refused(refusal)) => return Err(not_estimated(&refusal, &draft, decoder)),
                Err(failure) => return Err(failure.into()),
            };
            draft.gas_limit = with_margin(estimate.to(), block.gas_limit);
        }
        Ok(draft)
    }
}

/// The estimate, and a tenth for what may change before the transaction is executed; unspent gas is not paid for.
fn with_margin(estimate: u64, block_gas_limit: u64) -> u64 {
    /// A transfer to an account without code: no state can make it dearer.
    const TRANSFER: u64 = 21_000;
    if estimate <= TRANSFER {
        estimate
    } else {
        estimate.saturating_add(estimate / 10).min(block_gas_limit.max(estimate))
    }
}

fn not_estimated(refusal: &Refusal, draft: &Draft, decoder: &Decoder) -> Failure {
    if let Some(data) = refusal.revert_data() {
        let revert = decoder.revert(&data);
        // Without data the server's own words may say more.
        let reason = if data.is_empty() { printable(&refusal.message) } else { revert.text() };
        return Failure::failed("the transaction would fail, so it was not sent")
            .because(reason)
            .hint("to send it all the same, give a --gas-limit")
            .with("revert", revert.json());
    }
    refused(refusal, draft, "the transaction would fail, so it was not sent")
}

/// A server's no, as a failure of the transaction.
fn refused(refusal: &Refusal, draft: &Draft, message: &str) -> Failure {
    if refusal.is_unknown_method() {
        return refusal.clone().into();
    }
    let text = refusal.message.to_lowercase();
    let failure = Failure::failed(message)
        .because(format!("{} (code {})", printable(&refusal.message), refusal.code))
        .with("rpcCode", refusal.code)
        .with("rpcMessage", refusal.message.clone());
    let hint = if text.contains("insufficient funds") {
        format!("send coins to {}, or lower --value, --gas-limit or --max-fee", draft.from)
    } else if text.contains("nonce too low") {
        "leave out --nonce to use the next one".to_owned()
    } else if text.contains("underpriced") {
        "raise --max-fee and --priority-fee by at least a tenth, or wait for the pending one".to_owned()
    } else if text.contains("intrinsic gas") || text.contains("gas limit") || text.contains("gas required exceeds") {
        "leave out --gas-limit to let the server estimate; a payload may also be too large for a block".to_owned()
    } else if text.contains("unknown account") || text.contains("no signer") {
        format!("the server holds no key of {}: sign here with --keystore or --private-key", draft.from)
    } else if text.contains("illegal module") {
        "the chain does not accept this module: `esker contract check` says why".to_owned()
    } else if text.contains("max fee per gas less than block base fee") {
        "raise --max-fee, or leave it out".to_owned()
    } else {
        return failure;
    };
    failure.hint(hint)
}

async fn send(rpc: &Rpc, sender: &Sender, draft: &Draft) -> Result<B256, Failure> {
    let (method, param, known) = match sender {
        Sender::Unlocked(_) => ("eth_sendTransaction", draft.request(), None),
        Sender::Local(signer) => {
            let signed = draft.sign(signer.as_ref())?;
            ("eth_sendRawTransaction", json!(Bytes::from(signed.encoded_2718())), Some(*signed.tx_hash()))
        }
    };
    match rpc.request(method, &[param]).await {
        Ok(hash) => Ok(hash),
        // The same transaction is already on its way: wait for that one.
        Err(RpcFailure::Refused(refusal)) if refusal.message.to_lowercase().contains("already known") => {
            known.ok_or_else(|| refused(&refusal, draft, "the transaction was refused"))
        }
        Err(RpcFailure::Refused(refusal)) => Err(refused(&refusal, draft, "the transaction was refused")),
        Err(RpcFailure::Unanswered(failure)) => Err(match known {
            Some(hash) => failure.with("transactionHash", hash.to_string()),
            None => failure,
        }),
    }
}

#[cfg(test)]
mod tests {
    use alloy_consensus::transaction::SignerRecoverable;
    use alloy_signer_local::PrivateKeySigner;

    use super::*;

    fn draft(fees: Fees) -> Draft {
        let to = Some(Address::repeat_byte(1));
        let (value, data) = (U256::from(7), Bytes::from_static(&[1]));
        Draft { chain_id: 31337, nonce: 3, gas_limit: 21_000, fees, from: Address::ZERO, to, value, data }
    }

    #[test]
    fn a_signed_transaction_recovers_to_its_sender() {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(9)).expect("a key");
        for fees in [Fees::Legacy { gas_price: 5 }, Fees::Eip1559 { max_fee: 9, priority_fee: 1 }] {
            let signed = draft(fees).sign(&signer).expect("the key signs");
            assert_eq!(signed.recover_signer().expect("the signature is right"), signer.address());
        }
    }

    #[test]
    fn a_request_uses_hexadecimal_quantities() {
        let request = draft(Fees::Eip1559 { max_fee: 255, priority_fee: 0 }).request();
        assert_eq!((&request["gas"], &request["nonce"]), (&json!("0x5208"), &json!("0x3")));
        assert_eq!((&request["maxFeePerGas"], &request["maxPriorityFeePerGas"]), (&json!("0xff"), &json!("0x0")));
        assert_eq!((&request["value"], &request["input"]), (&json!("0x7"), &json!("0x01")));
    }

    #[test]
    fn estimates_get_a_margin_inside_the_blocks_limit() {
        assert_eq!(with_margin(21_000, 30_000_000), 21_000);
        assert_eq!(with_margin(100_000, 30_000_000), 110_000);
        assert_eq!(with_margin(29_000_000, 30_000_000), 30_000_000);
        assert_eq!(with_margin(31_000_000, 30_000_000), 31_000_000);
    }
}
