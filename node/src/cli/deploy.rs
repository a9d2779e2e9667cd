//! `esker deploy`: create a contract from an artifact.

use alloy_dyn_abi::JsonAbiExt;
use alloy_primitives::Bytes;
use clap::Args;

use super::abi::values::parse_arguments;
use super::abi::{Artifact, Decoder};
use super::answer::Answer;
use super::failure::Failure;
use super::rpc::{Rpc, RpcArgs};
use super::transact::TransactionArgs;

/// `esker deploy`.
#[derive(Args, Clone, Debug)]
pub struct DeployArgs {
    /// The contract: a name looked up in artifacts/ here and in the folders above, or the path of an artifact
    pub artifact: String,

    /// The constructor's arguments
    #[arg(value_name = "ARGS", allow_negative_numbers = true)]
    pub arguments: Vec<String>,

    #[command(flatten)]
    rpc: RpcArgs,

    #[command(flatten)]
    transaction: TransactionArgs,
}

/// Creates the contract and tells its address.
///
/// # Errors
/// If it cannot be sent, would fail, or did.
pub async fn run(args: &DeployArgs) -> Result<Answer, Failure> {
    let artifact = Artifact::find(&args.artifact)?;
    let payload = creation_payload(&artifact, &args.arguments)?;
    let rpc = Rpc::new(&args.rpc)?;
    args.transaction.execute(&rpc, None, payload, &Decoder::new(artifact.abi)).await
}

/// The artifact's bytecode followed by the encoded arguments, as a creating transaction carries them.
///
/// # Errors
/// If the artifact holds no code, or the arguments do not fit the constructor.
pub fn creation_payload(artifact: &Artifact, arguments: &[String]) -> Result<Bytes, Failure> {
    if artifact.bytecode.is_empty() {
        return Err(Failure::usage(format!("{} has no code to deploy", artifact.path.display()))
            .because("its \"bytecode\" is empty or missing: it describes an interface")
            .hint("build the contract with `esker contract build`"));
    }
    let subject = format!("the constructor of {}", artifact.name);
    let mut payload = artifact.bytecode.to_vec();
    match &artifact.abi.constructor {
        Some(constructor) => {
            let values = parse_arguments(&subject, &constructor.inputs, arguments)?;
            let encoded = constructor
                .abi_encode_input(&values)
                .map_err(|error| Failure::usage(format!("{subject} cannot be encoded")).because(error))?;
            payload.extend(encoded);
        }
        None => drop(parse_arguments(&subject, &[], arguments)?),
    }
    Ok(payload.into())
}
