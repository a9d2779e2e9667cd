//! `esker proof get`.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, U64};
use clap::Args;
use esker_light::AccountProof;
use serde::Deserialize;
use serde_json::{Value, json};

use super::account_text;
use super::file::parse_slot;
use crate::cli::abi::values::parse_address;
use crate::cli::answer::{Answer, columns};
use crate::cli::call::parse_block;
use crate::cli::failure::Failure;
use crate::cli::rpc::{Rpc, RpcArgs};
use crate::durable_file;

/// `esker proof get`.
#[derive(Args, Clone, Debug)]
pub struct GetArgs {
    /// The account
    #[arg(value_parser = parse_address)]
    address: Address,

    /// Its storage slots to prove: numbers, or 32 bytes
    #[arg(value_name = "SLOT", value_parser = parse_slot)]
    slots: Vec<B256>,

    /// The block whose state is proven: a number, a hash, or latest, safe, finalized, earliest
    #[arg(long, default_value = "latest", value_parser = parse_block)]
    block: Value,

    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Replace the file if it is there
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    rpc: RpcArgs,
}

/// What is read of a block.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    number: U64,
    hash: B256,
    state_root: B256,
}

pub(super) async fn run(args: &GetArgs) -> Result<Answer, Failure> {
    let shown = args.output.display();
    if args.output.exists() && !args.force {
        return Err(Failure::usage(format!("{shown} is there already")).hint("--force replaces it"));
    }
    let rpc = Rpc::new(&args.rpc)?;
    if args.rpc.chain_id.is_some() {
        rpc.chain_id().await?;
    }
    let by_hash = args.block.as_str().is_some_and(|block| block.len() == 66);
    let method = if by_hash { "eth_getBlockByHash" } else { "eth_getBlockByNumber" };
    let block: Option<Block> = rpc.request(method, &[args.block.clone(), json!(false)]).await?;
    let block = block.ok_or_else(|| {
        Failure::infrastructure(format!("{} has no block {}", rpc.url(), args.block)).hint("it may be behind")
    })?;
    // By number: the head may have moved since.
    let proof: AccountProof =
        rpc.request("eth_getProof", &[json!(args.address), json!(args.slots), json!(block.number)]).await?;
    let is_asked =
        proof.address == args.address && proof.storage_proof.iter().map(|slot| slot.key).eq(args.slots.iter().copied());
    if !is_asked {
        return Err(
            Failure::failed(format!("{} proves something else than asked", rpc.url())).hint("ask another server")
        );
    }
    proof.verify(block.state_root).map_err(|error| {
        Failure::failed(format!("the proof of {} does not hold under the state root of its block", rpc.url()))
            .because(error)
            .hint("ask again, or another server")
    })?;

    let mut content = json!(proof);
    content["blockNumber"] = json!(block.number);
    content["blockHash"] = json!(block.hash);
    content["stateRoot"] = json!(block.state_root);
    durable_file::replace(&args.output, format!("{content:#}\n").as_bytes())
        .map_err(|error| Failure::infrastructure(format!("{shown} cannot be written")).because(error))?;
    let nodes = proof.account_proof.len() + proof.storage_proof.iter().map(|slot| slot.proof.len()).sum::<usize>();
    let text = columns(&[
        ("wrote", shown.to_string()),
        ("block", format!("{} ({})", block.number, block.hash)),
        ("state root", format!("{}, as the server says", block.state_root)),
        ("account", account_text(&proof)),
        ("proof", format!("{nodes} trie nodes")),
    ]);
    let json = json!({
        "file": shown.to_string(),
        "blockNumber": block.number.to::<u64>(),
        "blockHash": block.hash,
        "stateRoot": block.state_root,
        "account": super::account_json(&proof),
        "nodes": nodes,
    });
    Ok(Answer::new(text, json))
}
