//! `esker proof`: proofs of accounts and storage (EIP-1186), asked for and checked.

pub(super) mod file;
mod get;
mod verify;

use alloy_primitives::B256;
use clap::Subcommand;
use esker_light::{AccountProof, StorageProof};
use serde_json::{Value, json};

use super::answer::Answer;
use super::failure::Failure;
use super::units::format_amount;

/// Commands about proofs.
#[derive(Subcommand, Clone, Debug)]
pub enum ProofCommand {
    /// Ask a server for a proof, and write it to a file
    #[command(after_help = "Examples:\n  \
        esker proof get 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --output proof.json\n  \
        esker proof get 0x5FbDB2315678afecb367f032d93F642f64180aa3 0 0x1f --block 1200 --output proof.json --force")]
    Get(get::GetArgs),
    /// Check a proof against a state root that you trust; needs neither server nor state
    ///
    /// Reads what `esker proof get` wrote, or any answer of eth_getProof. The root must come from somewhere else than the
    /// file: `esker verify-header` proves a block's, or take it from nodes that you trust.
    #[command(after_help = "Examples:\n  \
        esker proof verify proof.json --root 0x3f4e0c7d5b1f6a2c98e07d4b5a6c1d2e3f40516273849a5b6c7d8e9fa0b1c2d3\n  \
        esker proof verify a.json b.json --json \\\n      \
          --root 0x3f4e0c7d5b1f6a2c98e07d4b5a6c1d2e3f40516273849a5b6c7d8e9fa0b1c2d3")]
    Verify(verify::VerifyArgs),
}

/// Runs a command about proofs.
///
/// # Errors
/// Failed if a proof does not hold, usage if a file holds none, else infrastructure.
pub async fn run(command: &ProofCommand) -> Result<Answer, Failure> {
    match command {
        ProofCommand::Get(args) => get::run(args).await,
        ProofCommand::Verify(args) => verify::run(args),
    }
}

/// An account that was proven, for a program.
pub(super) fn account_json(proof: &AccountProof) -> Value {
    let word = |slot: &StorageProof| json!({"slot": slot.key, "value": B256::from(slot.value)});
    json!({
        "address": proof.address,
        "nonce": proof.nonce.to::<u64>(),
        "balance": proof.balance.to_string(),
        "codeHash": proof.code_hash,
        "storageHash": proof.storage_hash,
        "storage": proof.storage_proof.iter().map(word).collect::<Vec<_>>(),
    })
}

/// An account that was proven, in words.
pub(super) fn account_text(proof: &AccountProof) -> String {
    let mut lines = vec![
        format!("{}, proven", proof.address.to_checksum(None)),
        format!("balance {}, nonce {}", format_amount(proof.balance), proof.nonce),
        format!("code hash {}", proof.code_hash),
    ];
    let slot = |slot: &StorageProof| format!("slot {} = {}", slot.key, B256::from(slot.value));
    lines.extend(proof.storage_proof.iter().map(slot));
    lines.join("\n")
}
