//! `esker contract verify`.

use std::path::PathBuf;

use alloy_primitives::{Address, Bytes};
use clap::Args;
use esker_sdk_build::{Artifact, Package, Verification, verify};
use serde_json::json;

use super::failure;
use super::progress::Shown;
use super::source::ToolchainArgs;
use crate::cli::answer::{Answer, printable};
use crate::cli::call::parse_block;
use crate::cli::failure::Failure;
use crate::cli::rpc::{Rpc, RpcArgs, RpcFailure};
use crate::cli::wait_for;

/// `esker contract verify`.
#[derive(Args, Clone, Debug)]
pub(super) struct VerifyArgs {
    /// The contract's crate
    #[arg(default_value = ".")]
    path: PathBuf,

    /// The artifact to verify (default: the crate's own, in artifacts/)
    #[arg(long, value_name = "FILE", conflicts_with = "address")]
    artifact: Option<PathBuf>,

    /// Verify the code of this account instead
    #[arg(long, value_parser = parse_address)]
    address: Option<Address>,

    /// The block whose state counts, with --address
    #[arg(long, default_value = "latest", requires = "address", value_parser = parse_block)]
    block: serde_json::Value,

    #[command(flatten)]
    rpc: RpcArgs,

    #[command(flatten)]
    toolchain: ToolchainArgs,
}

pub(super) fn run(args: &VerifyArgs) -> Result<Answer, Failure> {
    let package = Package::read(&args.path).map_err(failure)?;
    let (code, subject) = match args.address {
        Some(address) => (wait_for_code(args, address)?, address.to_string()),
        None => {
            let own = || package.workspace_root.join("artifacts").join(format!("{}.json", package.contract_name()));
            let path = args.artifact.clone().unwrap_or_else(own);
            let artifact = Artifact::read(&path).map_err(|error| {
                Failure::usage(error.to_string()).hint("name what to verify: --artifact FILE, or --address ADDRESS")
            })?;
            (artifact.code().map_err(Failure::usage)?, path.display().to_string())
        }
    };
    let options = args.toolchain.options(package.folder())?;
    let progress = Shown::start();
    let found = verify(&code, &package, &options, &progress).map_err(failure)?;
    drop(progress);
    let crate_shown = package.folder().display();
    if found.verified {
        let text = format!("verified: {crate_shown} gives the code of {subject}, {}", found.code_hash);
        return Ok(Answer::new(text, to_json(&found)));
    }
    let mut refused =
        Failure::failed(format!("{crate_shown} does not give the code of {subject}")).because(reason(&found));
    if let Some(members) = to_json(&found).as_object() {
        for (name, value) in members {
            refused = refused.with(name, value.clone());
        }
    }
    Err(match &found.hint {
        Some(hint) => refused.hint(printable(hint)),
        None => refused,
    })
}

/// An address of 20 bytes, whose checksum is looked at elsewhere: here it only names an account to ask for.
fn parse_address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|_| "an address is 0x and 40 hexadecimal digits".to_owned())
}

fn to_json(found: &Verification) -> serde_json::Value {
    serde_json::to_value(found).unwrap_or_else(|_| json!({}))
}

fn reason(found: &Verification) -> String {
    if found.differences.is_empty() {
        return format!(
            "source, dependencies, compiler and profile are those of its record, yet the bytes differ: it is {}, built here is {}",
            found.code_hash, found.built_code_hash
        );
    }
    let lines = found.differences.iter().map(|difference| {
        format!("{}: {} there, {} here", difference.what, printable(&difference.recorded), printable(&difference.here))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn wait_for_code(args: &VerifyArgs, address: Address) -> Result<Vec<u8>, Failure> {
    let mut code = Bytes::new();
    wait_for(async {
        let rpc = Rpc::new(&args.rpc)?;
        if args.rpc.chain_id.is_some() {
            rpc.chain_id().await?;
        }
        let answer: Result<Bytes, RpcFailure> = rpc.request("eth_getCode", &[json!(address), args.block.clone()]).await;
        code = answer?;
        if code.is_empty() {
            return Err(Failure::failed(format!("{address} has no code on {}", rpc.url()))
                .hint("check the address, --rpc-url and --block"));
        }
        Ok(Answer::new("", json!({})))
    })?;
    Ok(code.to_vec())
}
