//! `esker verify-header`: follows a chain without executing it, and checks accounts under what was followed. Whoever is
//! asked need not be trusted.

mod follow;
mod kept;
mod report;
mod source;
mod start;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256};
use clap::Args;
use esker_light::{AccountProof, Clock, LightError, TrustedState};

use self::follow::Followed;
use self::kept::Kept;
use self::source::Source;
use self::start::Begun;
use super::abi::values::parse_address;
use super::answer::Answer;
use super::failure::Failure;
use super::proof::file::parse_slot;
use super::rpc::RpcArgs;
use super::units::parse_quantity;

/// Twelve epochs of evidence but one, of 600 blocks with a block a second, in seconds.
const TRUST_PERIOD_MAX: u64 = 6_600;

/// `esker verify-header`.
#[derive(Args, Clone, Debug)]
pub struct VerifyHeaderArgs {
    #[command(flatten)]
    rpc: RpcArgs,

    /// The chain's genesis file: says which chain it is, and is where following begins unless --trust or --state does
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,

    /// Hash of a block to begin with, from somebody you trust
    #[arg(long, value_name = "HASH")]
    trust: Option<B256>,

    /// Without --genesis: hash of the chain's block 0 (with --trust, --chain-id and --epoch-length)
    #[arg(long, value_name = "HASH", conflicts_with = "genesis", requires_all = ["chain_id", "epoch_length"])]
    genesis_hash: Option<B256>,

    /// Without --genesis: blocks of an epoch; 0 on a chain without staking
    #[arg(long, value_name = "BLOCKS", conflicts_with = "genesis", requires = "genesis_hash", value_parser = parse_quantity)]
    epoch_length: Option<u64>,

    /// Keep what is trusted in this file, and go on from it the next time
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// The block to prove: a number, "latest" or "finalized", which is the same here
    #[arg(long, value_name = "BLOCK", default_value = "latest", value_parser = parse_block)]
    block: Wanted,

    /// Prove this account in the block's state; may be given more than once
    #[arg(long = "account", value_name = "ADDRESS", value_parser = parse_address)]
    accounts: Vec<Address>,

    /// Prove this storage slot of each --account, a number or 32 bytes; may be given more than once
    #[arg(long = "slot", value_name = "SLOT", requires = "accounts", value_parser = parse_slot)]
    slots: Vec<B256>,

    /// For how many seconds after its block a validator set is trusted [default: 5280, or four fifths of what the genesis
    /// allows if that is less]
    #[arg(long, value_name = "SECONDS", value_parser = parse_quantity)]
    trust_period: Option<u64>,

    /// Trust validator sets of any age: their members may have taken out their stake, so compare the result with others' and
    /// confirm it with --trust
    #[arg(long)]
    allow_expired: bool,

    /// Ask no server: take the blocks from this file, a list as esker_getLightBlocks answers (with --trust that block first)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["block", "accounts"])]
    light_blocks: Option<PathBuf>,

    /// With --light-blocks: check this answer of eth_getProof under the last block; may be given more than once
    #[arg(long = "proof", value_name = "FILE", requires = "light_blocks")]
    proofs: Vec<PathBuf>,
}

/// Which block is to be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Latest,
    Number(u64),
}

fn parse_block(text: &str) -> Result<Wanted, String> {
    match text {
        // What a node acknowledges is final.
        "latest" | "finalized" | "finalised" | "safe" => Ok(Wanted::Latest),
        number => parse_quantity(number)
            .map(Wanted::Number)
            .map_err(|_| format!("{number:?} is no block: expected a number, \"latest\" or \"finalized\"")),
    }
}

/// Follows and proves.
///
/// # Errors
/// Exit code 1: what the server gave does not hold. 2: the chain or the beginning is not named. 3: the server does not
/// answer, or does not have what is needed.
pub async fn run(args: &VerifyHeaderArgs) -> Result<Answer, Failure> {
    let stored = args.state.as_deref().map(Kept::load).transpose()?.flatten();
    let mut source = Source::open(args).await?;
    let Begun { trusted, notes, is_anew } = start::begin(args, stored, &mut source).await?;
    let trust_period = args.trust_period.unwrap_or_else(|| usual_trust_period(notes.trust_period_max));
    let clock = Clock { now: now()?, trust_period: (!args.allow_expired).then_some(trust_period) };
    let mut followed = Followed::new(trusted, notes, trust_period);
    // What --trust names is kept when something was proven from it, and not before.
    let kept = args.state.as_deref().filter(|_| !is_anew);
    let outcome = followed.follow(&mut source, args.block, clock, kept).await;
    if let Err(failure) = outcome {
        let fork = args.state.as_deref().zip(followed.fork.as_deref());
        let fork = fork.map(|(path, fork)| kept::keep_fork(path, &followed.trusted, fork));
        // What was proven before something went wrong stays proven. If it cannot be written, what went wrong first is told.
        let saved = kept.map(|path| Kept::save(path, &followed.trusted, followed.notes)).transpose();
        let failure = match saved {
            Ok(_) => failure,
            Err(unsaved) => failure.with("unsaved", unsaved.to_string()),
        };
        return Err(match fork {
            Some(Err(unkept)) => failure.with("unkept", unkept.to_string()),
            Some(Ok(path)) => failure.with("forkFile", path.display().to_string()).hint(format!(
                "trust neither: {} keeps both, nothing goes on from this --state while it is there; ask the network's \
                 operators",
                path.display()
            )),
            None => failure,
        });
    }
    let held = args.state.as_deref().map(|path| Kept::save(path, &followed.trusted, followed.notes)).transpose()?;
    let proofs = source.proofs(args, &followed.trusted).await?;
    Ok(report::answer(&followed, held, &proofs, clock.now))
}

/// For how long sets are trusted if nothing is said, in seconds: four fifths of the time in which who signs two blocks in one
/// round is punished for it (`max`, or that of the default parameters), so that there is time to find it and to send it.
fn usual_trust_period(max: Option<u64>) -> u64 {
    let max = max.map_or(TRUST_PERIOD_MAX, |max| max.min(TRUST_PERIOD_MAX));
    max - max / 5
}

fn now() -> Result<u64, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let wrong = |error| Failure::infrastructure("this machine's clock is before 1970").because(error);
    Ok(now.map_err(wrong)?.as_secs())
}

/// What a block that is not accepted means to the user.
fn refused(what: &str, error: &LightError) -> Failure {
    let failure = Failure::failed(format!("{what} does not verify")).because(error);
    match error {
        LightError::Expired { number: 0, .. } => failure.hint(
            "block 0 is too old to begin with, or does not say when it was made: get the hash of a recent block from somebody \
             you trust and add --trust; or go on with --allow-expired and compare the result with other sources",
        ),
        LightError::Expired { .. } => failure.hint(
            "get the hash of a recent block from somebody you trust and begin with --trust; or go on with --allow-expired \
             and compare the result with other sources",
        ),
        LightError::Future { .. } => failure.hint("check this machine's clock"),
        LightError::Fork(fork) => failure
            .with("fork", serde_json::to_value(fork).unwrap_or_default())
            .hint("trust neither: keep this output (of --json; it has both certificates), and ask the network's operators"),
        LightError::OtherBeginning { .. } => failure.hint(
            "the block that you trusted to begin with is not the one that the network built on: compare its hash with other \
             sources, and begin with the right one and --trust",
        ),
        LightError::Older { .. } => {
            failure.hint("following goes forward only: begin with an older --trust or --genesis, without this --state")
        }
        _ => failure.hint("the server lies, is broken, or serves another chain: ask another one with --rpc-url"),
    }
}

/// Checks an answer of `eth_getProof` under the trusted block.
fn check(proof: &AccountProof, trusted: &TrustedState) -> Result<(), Failure> {
    proof.verify(trusted.header().state_root).map_err(|error| {
        Failure::failed(format!("the proof of account {} does not hold", proof.address))
            .because(error)
            .hint("the server lies, or the proof is of another block: ask another server")
            .with("address", proof.address.to_string())
            .with("blockNumber", trusted.header().number)
    })
}

#[cfg(test)]
mod tests;
