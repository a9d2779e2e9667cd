//! `esker simulate`: what a transaction would do, the chain's state unchanged.

mod ethereum;
mod report;
mod state;

use std::path::PathBuf;

use alloy_consensus::transaction::SignerRecoverable;
use alloy_consensus::{Transaction as _, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_json_abi::Function;
use alloy_primitives::{Address, Bytes, U64, U256};
use clap::Args;
use esker_vm::EngineKind;
use serde_json::{Value, json};

use super::abi::values::parse_address;
use super::abi::{Artifact, Call, Decoder, InterfaceArgs};
use super::answer::{Answer, printable};
use super::call::parse_block;
use super::deploy::creation_payload;
use super::failure::Failure;
use super::rpc::{Rpc, RpcArgs, RpcFailure};
use super::units::{parse_amount, parse_quantity};
use crate::simulation::SimulationReport;

/// `esker simulate`.
#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// The address that is called, unless --to names it; the method (a signature, or a name with --artifact or --abi)
    /// and its arguments; with --create the constructor's arguments only
    #[arg(value_name = "TO METHOD ARGS", allow_negative_numbers = true)]
    words: Vec<String>,

    /// The address that is called, instead of the first argument
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    to: Option<Address>,

    /// Create the contract of this artifact
    #[arg(long, visible_alias = "deploy", value_name = "NAME|PATH", conflicts_with_all = ["to", "data"])]
    create: Option<String>,

    /// A signed transaction as 0x hexadecimal digits, checked as a block would check it
    #[arg(long, value_name = "HEX", conflicts_with_all = ["to", "create", "data", "words", "from", "value", "gas_limit"])]
    raw: Option<Bytes>,

    /// The call data as 0x hexadecimal digits, instead of a method
    #[arg(long, value_name = "HEX")]
    data: Option<Bytes>,

    /// Who sends it [default: the zero address]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    from: Option<Address>,

    /// Coins to send along, like 1ether, 0.5gwei or 1000 (wei)
    #[arg(long, default_value = "0", value_name = "AMOUNT", value_parser = parse_amount)]
    value: U256,

    /// Gas limit
    #[arg(long, value_name = "GAS", value_parser = parse_quantity)]
    gas_limit: Option<u64>,

    /// The block in which it would be: pending (on the newest state), or one whose state is known
    #[arg(long, default_value = "pending", value_parser = parse_block)]
    block: Value,

    #[command(flatten)]
    interface: InterfaceArgs,

    /// Ask the state directory of a stopped node instead of a server: in the block after its last one
    #[arg(long, value_name = "DIR", conflicts_with = "block")]
    state: Option<PathBuf>,

    /// What runs contract code with --state: cranelift or pulley
    #[arg(long, value_name = "ENGINE", default_value_t = EngineKind::Cranelift, requires = "state")]
    engine: EngineKind,

    #[command(flatten)]
    rpc: RpcArgs,
}

/// What is simulated.
struct Subject {
    request: Request,
    /// Decodes the result.
    function: Option<Function>,
    decoder: Decoder,
}

enum Request {
    /// A call that nobody signed.
    Call { from: Address, to: Option<Address>, value: U256, gas: Option<u64>, data: Bytes },
    /// A signed transaction, as it came.
    Raw(Bytes),
}

impl Request {
    /// The object that `eth_call` takes, or the signed transaction.
    fn param(&self) -> Value {
        match self {
            Self::Raw(raw) => json!(raw),
            Self::Call { from, to, value, gas, data } => {
                let mut call = json!({"from": from, "value": value, "input": data});
                if let Some(to) = to {
                    call["to"] = json!(to);
                }
                if let Some(gas) = gas {
                    call["gas"] = json!(U64::from(*gas));
                }
                call
            }
        }
    }
}

impl SimulateArgs {
    fn subject(&self) -> Result<Subject, Failure> {
        let mut abi = self.interface.load()?;
        if let Some(raw) = &self.raw {
            let decoder = Decoder::new(abi.clone());
            let signed = decode_signed(raw)?;
            let selector = signed.input().get(..4).unwrap_or_default();
            let function = abi.functions().find(|function| function.selector().as_slice() == selector).cloned();
            let function = function.filter(|_| !signed.is_create());
            return Ok(Subject { request: Request::Raw(raw.clone()), function, decoder });
        }
        let (to, call) = if let Some(name) = &self.create {
            let artifact = Artifact::find(name)?;
            let data = creation_payload(&artifact, &self.words)?;
            if !self.interface.is_given() {
                abi = artifact.abi;
            }
            (None, Call { data, function: None })
        } else {
            let (to, words) = match (self.to, self.words.split_first()) {
                (Some(to), _) => (to, &self.words[..]),
                (None, Some((to, words))) => (parse_address(to).map_err(Failure::usage)?, words),
                (None, None) => {
                    return Err(Failure::usage("nothing to simulate")
                        .hint("give an address with a method and its arguments, --create ARTIFACT, or --raw HEX"));
                }
            };
            let call = match (words.split_first(), &self.data) {
                (Some(_), Some(_)) => {
                    return Err(Failure::usage("both a method and call data are given").hint("leave out one of them"));
                }
                (Some((method, arguments)), None) => Call::encode(&abi, method, arguments)?,
                (None, Some(data)) => Call::encode(&abi, &data.to_string(), &[])?,
                (None, None) => Call { data: Bytes::new(), function: None },
            };
            (Some(to), call)
        };
        let from = self.from.unwrap_or_default();
        let request = Request::Call { from, to, value: self.value, gas: self.gas_limit, data: call.data };
        Ok(Subject { request, function: call.function, decoder: Decoder::new(abi) })
    }
}

/// Reads a signed transaction, to say early and clearly what is wrong with it.
fn decode_signed(raw: &Bytes) -> Result<TxEnvelope, Failure> {
    let bad = |reason: String| {
        Failure::usage("--raw is no signed transaction")
            .because(reason)
            .hint("give the bytes that eth_sendRawTransaction takes, like 0x02f8…")
    };
    let signed = TxEnvelope::decode_2718_exact(raw).map_err(|error| bad(error.to_string()))?;
    signed.recover_signer().map_err(|error| bad(format!("its signature names no sender: {error}")))?;
    Ok(signed)
}

/// Simulates, and tells what would happen.
///
/// # Errors
/// If it would revert, halt or be invalid (the failure holds all that is known), or could not be simulated.
pub async fn run(args: &SimulateArgs) -> Result<Answer, Failure> {
    let subject = args.subject()?;
    if let Some(folder) = &args.state {
        return report::tell(&state::simulate(folder, args.engine, &subject.request)?, &subject, "state");
    }
    let rpc = Rpc::new(&args.rpc)?;
    let chain_id = rpc.chain_id().await?;
    if let Request::Raw(raw) = &subject.request
        && let Some(signed_for) = decode_signed(raw)?.chain_id()
        && signed_for != chain_id
    {
        return Err(Failure::failed("the transaction is for another chain")
            .because(format!("it is signed for chain id {signed_for}, {} serves {chain_id}", rpc.url()))
            .hint("sign it for this chain, or point --rpc-url at the other one"));
    }
    let params = [subject.request.param(), args.block.clone()];
    match rpc.request_if_known::<SimulationReport>("esker_simulate", &params).await {
        Ok(Some(report)) => report::tell(&report, &subject, "esker_simulate"),
        Ok(None) => ethereum::simulate(&rpc, &subject, &args.block).await,
        Err(RpcFailure::Refused(refusal)) => Err(invalid(&refusal.message).with("rpcCode", refusal.code)),
        Err(failure) => Err(failure.into()),
    }
}

/// Nothing was executed: a block would not take the transaction.
fn invalid(reason: &str) -> Failure {
    Failure::failed("the transaction cannot be executed").because(printable(reason))
}
