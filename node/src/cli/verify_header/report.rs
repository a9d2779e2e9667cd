//! What was proven, for a reader and for a program.

use esker_light::AccountProof;
use serde_json::{Value, json};

use super::follow::Followed;
use super::kept::Named;
use crate::cli::answer::{Answer, columns};
use crate::cli::proof::{account_json, account_text};

/// What was proven. `held` is the number of the block that the file of --state holds now.
pub(super) fn answer(followed: &Followed, held: Option<u64>, proofs: &[AccountProof], now: u64) -> Answer {
    Answer::new(text(followed, held, proofs, now), json(followed, held, proofs, now))
}

fn json(followed: &Followed, held: Option<u64>, proofs: &[AccountProof], now: u64) -> Value {
    let (chain, header) = (followed.trusted.chain(), followed.trusted.header());
    json!({
        "chainId": chain.chain_id,
        "genesisHash": chain.genesis_hash,
        "epochLength": chain.epoch_length,
        "block": {
            "number": header.number,
            "hash": header.hash,
            "parentHash": header.parent_hash,
            "stateRoot": header.state_root,
            "transactionsRoot": header.transactions_root,
            "receiptsRoot": header.receipts_root,
            "timestamp": header.timestamp,
        },
        "secondsSinceBlock": now.saturating_sub(header.timestamp),
        "signedPower": followed.accepted.map(|accepted| accepted.signed_power),
        "totalPower": followed.accepted.map(|accepted| accepted.total_power),
        "validators": followed.trusted.set().validators().len(),
        "trustedFrom": {"number": followed.first.0, "hash": followed.first.1},
        "unchecked": followed.notes.unchecked,
        "trustPeriod": followed.trust_period,
        "trustPeriodMax": followed.notes.trust_period_max,
        "stateBlock": held,
        "blocksVerified": followed.blocks,
        "epochsFollowed": followed.epochs,
        "setChanges": followed.set_changes,
        "bytes": followed.bytes,
        "milliseconds": followed.took.as_secs_f64() * 1_000.0,
        "accounts": proofs.iter().map(account_json).collect::<Vec<_>>(),
    })
}

fn text(followed: &Followed, held: Option<u64>, proofs: &[AccountProof], now: u64) -> String {
    let (chain, header) = (followed.trusted.chain(), followed.trusted.header());
    let signed = match followed.accepted {
        Some(accepted) => format!("{} of {} voting power", accepted.signed_power, accepted.total_power),
        None => "nothing new: it is the block that was trusted to begin with".to_owned(),
    };
    let (first, hash) = followed.first;
    let mut rows = vec![
        ("block", format!("{} of chain {}, proven", header.number, chain.chain_id)),
        ("hash", header.hash.to_string()),
        ("state root", header.state_root.to_string()),
        ("time", format!("{} ({} s ago)", header.timestamp, now.saturating_sub(header.timestamp))),
        ("signed by", signed),
        ("trusted from", format!("block {first}, {hash}")),
        (
            "followed",
            format!(
                "{} epochs, {} times another set; {} blocks with {} bytes, checked in {:.1} ms",
                followed.epochs,
                followed.set_changes,
                followed.blocks,
                followed.bytes,
                followed.took.as_secs_f64() * 1_000.0
            ),
        ),
        (
            "validators",
            format!(
                "{} decide from here on, with a power of {}",
                followed.trusted.set().validators().len(),
                followed.trusted.set().total_power()
            ),
        ),
    ];
    if let Some(Named { number, hash }) = followed.notes.unchecked {
        let told = format!(
            "block {number}, {hash}:\nfollowed with validators who are older than the trust period. Compare it with another \
             source,\nthen confirm it with --trust {hash}"
        );
        rows.push(("UNCHECKED", told));
    }
    let period = followed.trust_period;
    if let Some(max) = followed.notes.trust_period_max.filter(|max| period > *max) {
        let told = format!(
            "{period} s is too long: with a block a second, whoever signs two blocks in one round is safe from\npunishment {max} \
             s later; choose less for --trust-period"
        );
        rows.push(("trust period", told));
    }
    if let Some(held) = held.filter(|held| *held > header.number) {
        rows.push(("state", format!("the file holds block {held} and stays as it is; to begin anew, move it away")));
    }
    for proof in proofs {
        rows.push(("account", account_text(proof)));
    }
    columns(&rows)
}
