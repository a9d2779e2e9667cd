//! `esker state import`.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use alloy_primitives::B256;
use clap::Args;
use serde_json::json;

use super::failure;
use crate::cli::answer::{Answer, columns};
use crate::cli::bar::Bar;
use crate::cli::failure::Failure;
use crate::cli::place::{CACHE_BYTES, PlaceArgs};
use crate::home::network;
use crate::snapshot::{Imported, Snapshot, claimed_number, import_into};

/// `esker state import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The snapshot
    #[arg(value_name = "FILE")]
    snapshot: PathBuf,
    #[command(flatten)]
    place: PlaceArgs,
    /// Hash of the snapshot's block, from nodes that you trust
    #[arg(long, value_name = "HASH")]
    trusted_hash: Option<B256>,
    /// Refuse a snapshot of a chain that began with another genesis than this file's (usually: than the home's)
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
}

/// What shows that the genesis in the snapshot is the chain's.
#[derive(Clone, Copy)]
enum Proof {
    Hash,
    File,
    None,
}

pub(super) fn run(args: &ImportArgs) -> Result<Answer, Failure> {
    let shown = args.snapshot.display().to_string();
    let unreadable = |error: std::io::Error| Failure::usage(format!("{shown} cannot be read")).because(error);
    let file = File::open(&args.snapshot).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let Some(trusted) = args.trusted_hash else { return Err(untrusted(file)) };
    let genesis = args.genesis.clone().or_else(|| args.place.genesis());
    let genesis = genesis.map(|path| network::read_any_genesis(&path).map(|genesis| (path, genesis))).transpose()?;
    let refused = "the snapshot was not imported";
    let snapshot = Snapshot::read(BufReader::with_capacity(1 << 20, file), trusted);
    let snapshot = snapshot.map_err(|error| failure(refused, error))?;
    let proof = match &genesis {
        Some((path, genesis)) if !genesis.is_same_chain(&snapshot.origin().genesis) => {
            let reason = format!("it is of a chain that began with another genesis than {}", path.display());
            return Err(Failure::failed(refused).because(reason));
        }
        Some(_) => Proof::File,
        None if snapshot.is_genesis_proven() => Proof::Hash,
        None => Proof::None,
    };
    let bar = Bar::new(length, "importing the state {bar:40} {bytes}/{total_bytes} {elapsed}");
    let imported = import_into(snapshot, &args.place.store_folder(), CACHE_BYTES, &mut |position| bar.reach(position));
    drop(bar);
    imported.map(|imported| answer(&imported, proof)).map_err(|error| failure(refused, error))
}

/// Why nothing is imported without a hash. Which block the hash is of is told; the file's own hash is not, since it proves
/// nothing.
fn untrusted(file: File) -> Failure {
    let hint = match claimed_number(BufReader::new(file)) {
        Ok(number) => format!(
            "it says that it is of block {number}: ask nodes that you trust for its hash (eth_getBlockByNumber with \
             \"{number:#x}\"), and add --trusted-hash"
        ),
        Err(error) => error.to_string(),
    };
    Failure::usage("a snapshot is imported only with the hash of its block")
        .because("whoever made the file could have written anything into it")
        .hint(hint)
}

fn answer(imported: &Imported, proof: Proof) -> Answer {
    let Imported { chain_id, number, hash, state_root, state } = imported;
    let (proven_by, remark) = match proof {
        Proof::Hash => (Some("hash"), "proven by the hash"),
        Proof::File => (Some("file"), "that of the genesis file"),
        Proof::None => (
            None,
            "not proven: the hash of a block does not reach back to it.\nCompare the chain id, or import with --genesis",
        ),
    };
    let json = json!({
        "chainId": chain_id,
        "blockNumber": number,
        "blockHash": hash,
        "stateRoot": state_root,
        "accounts": state.accounts,
        "slots": state.slots,
        "codes": state.codes,
        "genesisProvenBy": proven_by,
    });
    let text = columns(&[
        ("block", format!("{number} of chain {chain_id}")),
        ("hash", hash.to_string()),
        ("state root", format!("{state_root}, computed from the state")),
        ("state", format!("{} accounts, {} slots, {} codes", state.accounts, state.slots, state.codes)),
        ("genesis", remark.to_owned()),
    ]);
    Answer::new(text, json)
}
