//! `esker proof verify`.

use std::path::PathBuf;

use alloy_primitives::B256;
use clap::Args;
use esker_light::AccountProof;
use serde_json::json;

use super::{account_json, account_text, file};
use crate::cli::answer::{Answer, columns};
use crate::cli::failure::Failure;

/// `esker proof verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The proofs
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The state root of the block that the proofs are of
    #[arg(long, value_name = "HASH")]
    root: B256,
}

pub(super) fn run(args: &VerifyArgs) -> Result<Answer, Failure> {
    let mut rows = vec![("state root", args.root.to_string())];
    let mut accounts = Vec::with_capacity(args.files.len());
    for path in &args.files {
        let proof: AccountProof = file::read(path, "proof as eth_getProof answers it")?;
        proof.verify(args.root).map_err(|error| {
            Failure::failed(format!("{} proves nothing under this root", path.display()))
                .because(error)
                .hint("is it the root of the very block that the proof is of? If it is, the proof was made up or is damaged")
                .with("file", path.display().to_string())
                .with("address", proof.address.to_string())
        })?;
        rows.push(("account", account_text(&proof)));
        accounts.push(account_json(&proof));
    }
    Ok(Answer::new(columns(&rows), json!({"stateRoot": args.root, "accounts": accounts})))
}
