//! Where blocks and proofs come from: a server, or files. Nothing of either is believed.

use alloy_primitives::B256;
use esker_light::{AccountProof, LightBlock, TrustedState};
use serde_json::json;

use super::{VerifyHeaderArgs, Wanted, check};
use crate::cli::failure::Failure;
use crate::cli::proof::file::read;
use crate::cli::rpc::{Rpc, RpcFailure};

/// Longest answer that is read, in bytes: a full list of blocks has half of it.
const ANSWER_BYTES_MAX: u32 = 16 << 20;
/// Blocks that are asked for at once.
const BATCH: u64 = 64;

/// Where they come from.
pub(super) enum Source {
    /// A server.
    Server(Box<Rpc>),
    /// Blocks of a file, in order.
    File(std::vec::IntoIter<LightBlock>),
}

impl Source {
    /// Reads the file, or prepares to ask.
    pub(super) async fn open(args: &VerifyHeaderArgs) -> Result<Self, Failure> {
        if let Some(path) = &args.light_blocks {
            return Ok(Self::File(read::<Vec<LightBlock>>(path, "list of light blocks")?.into_iter()));
        }
        let rpc = Rpc::with_answers_up_to(&args.rpc, ANSWER_BYTES_MAX)?;
        rpc.chain_id().await?;
        Ok(Self::Server(Box::new(rpc)))
    }

    /// How errors name it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Server(rpc) => rpc.url(),
            Self::File(_) => "the file",
        }
    }

    /// The block with this hash, with its set.
    pub(super) async fn anchor(&mut self, hash: B256) -> Result<LightBlock, Failure> {
        match self {
            Self::Server(rpc) => {
                let block: Option<LightBlock> =
                    rpc.request("esker_getLightBlock", &[json!(hash), json!(true)]).await.map_err(|failure| {
                        kept_too_short(failure, "begin with the last block of an epoch, or one of the last 128 blocks")
                    })?;
                block.ok_or_else(|| {
                    Failure::infrastructure(format!("{} has no block {hash}", rpc.url()))
                        .hint("check the hash and --rpc-url: the node may serve another chain, or be behind")
                })
            }
            Self::File(blocks) => blocks.next().ok_or_else(|| {
                Failure::usage("the file has no block").hint("the first one must be the one that --trust names")
            }),
        }
    }

    /// The block that is to be proven; none where the last one that there is counts.
    pub(super) async fn wanted(&self, wanted: Wanted) -> Result<Option<LightBlock>, Failure> {
        let Self::Server(rpc) = self else { return Ok(None) };
        let name = match wanted {
            Wanted::Latest => json!("latest"),
            Wanted::Number(number) => json!(format!("{number:#x}")),
        };
        let block: Option<LightBlock> = rpc.request("esker_getLightBlock", std::slice::from_ref(&name)).await?;
        let none = || Failure::infrastructure(format!("{} has no block {name}", rpc.url())).hint("it may be behind");
        block.map(Some).ok_or_else(none)
    }

    /// The next blocks in order: the ends of the epochs after block `from`, or what the file has. None if there are no more.
    pub(super) async fn next(&mut self, from: u64) -> Result<Vec<LightBlock>, Failure> {
        match self {
            Self::Server(rpc) => {
                let params = [json!(format!("{from:#x}")), json!(format!("{BATCH:#x}"))];
                let asked = rpc.request("esker_getLightBlocks", &params).await;
                Ok(asked.map_err(|failure| kept_too_short(failure, "begin with a later block and --trust"))?)
            }
            Self::File(blocks) => Ok(blocks.next().into_iter().collect()),
        }
    }

    /// The accounts that were asked for, each checked under the trusted block.
    pub(super) async fn proofs(
        &self,
        args: &VerifyHeaderArgs,
        trusted: &TrustedState,
    ) -> Result<Vec<AccountProof>, Failure> {
        let mut proofs = Vec::new();
        for path in &args.proofs {
            proofs.push(read(path, "answer of eth_getProof")?);
        }
        if let Self::Server(rpc) = self {
            let number = format!("{:#x}", trusted.header().number);
            for address in &args.accounts {
                let params = [json!(address), json!(args.slots), json!(number)];
                let asked = rpc.request("eth_getProof", &params).await;
                let proof: AccountProof = asked.map_err(|failure| kept_too_short(failure, "take a newer --block"))?;
                let is_asked = proof.address == *address
                    && proof.storage_proof.iter().map(|slot| slot.key).eq(args.slots.iter().copied());
                if !is_asked {
                    return Err(Failure::failed(format!("{} proves something else than asked", rpc.url()))
                        .because(format!("asked for account {address} and {} slots of it", args.slots.len()))
                        .hint("ask another server"));
                }
                proofs.push(proof);
            }
        }
        for proof in &proofs {
            check(proof, trusted)?;
        }
        Ok(proofs)
    }
}

/// A node that does not have it any more says so; another one may, or `else_` helps.
fn kept_too_short(failure: RpcFailure, else_: &str) -> Failure {
    match failure {
        RpcFailure::Refused(refusal) if !refusal.is_unknown_method() => {
            Failure::from(refusal).hint(format!("ask a node that has run since then; or {else_}"))
        }
        other => other.into(),
    }
}
