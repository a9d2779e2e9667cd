//! `esker send`: send a transaction.

use alloy_primitives::{Address, Bytes};
use clap::Args;
use serde_json::json;

use super::abi::values::parse_address;
use super::abi::{Call, Decoder, InterfaceArgs};
use super::answer::Answer;
use super::failure::Failure;
use super::rpc::{Rpc, RpcArgs};
use super::transact::TransactionArgs;

/// `esker send`.
#[derive(Args, Clone, Debug)]
pub struct SendArgs {
    /// The address to send to
    #[arg(value_parser = parse_address)]
    pub to: Address,

    /// The method: a signature like "transfer(address,uint256)", a name with --artifact or --abi, or 0x call data
    ///
    /// Without one the transaction only carries --value.
    #[arg(value_name = "SIGNATURE|METHOD")]
    pub method: Option<String>,

    /// The method's arguments
    #[arg(value_name = "ARGS", allow_negative_numbers = true)]
    pub arguments: Vec<String>,

    #[command(flatten)]
    interface: InterfaceArgs,

    #[command(flatten)]
    rpc: RpcArgs,

    #[command(flatten)]
    transaction: TransactionArgs,
}

/// Sends, waits, and tells what became of it.
///
/// # Errors
/// If it cannot be sent, would fail, or did.
pub async fn run(args: &SendArgs) -> Result<Answer, Failure> {
    let abi = args.interface.load()?;
    let data = match &args.method {
        Some(method) => Call::encode(&abi, method, &args.arguments)?.data,
        None => Default::default(),
    };
    let rpc = Rpc::new(&args.rpc)?;
    if args.method.as_deref().is_some_and(|method| !method.starts_with("0x")) {
        check_code(&rpc, args.to).await?;
    }
    args.transaction.execute(&rpc, Some(args.to), data, &Decoder::new(abi)).await
}

/// A method that is called where no contract is succeeds and does nothing, which nobody who names one wants.
async fn check_code(rpc: &Rpc, to: Address) -> Result<(), Failure> {
    let code: Bytes = rpc.request("eth_getCode", &[json!(to), json!("pending")]).await?;
    if !code.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!("there is no contract at {to}, so nothing was sent")).hint(
        "check the address, and that --rpc-url is the right chain; call data that is given as 0x… is sent all the same",
    ))
}
