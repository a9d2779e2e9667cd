//! Where following begins.

use alloy_primitives::B256;
use esker_light::{Chain, LightBlock, SetProof, TrustedState};

use super::kept::{Kept, Notes};
use super::source::Source;
use super::{VerifyHeaderArgs, refused};
use crate::chain::genesis_light_block;
use crate::cli::failure::Failure;
use crate::home::{network, staking};

/// Where a run begins.
pub(super) struct Begun {
    pub trusted: TrustedState,
    pub notes: Notes,
    /// Whether it begins with --trust, and does not go on from --state.
    pub is_anew: bool,
}

/// The first block that is trusted: that of --trust, else the one in the file of --state, else block 0 of --genesis.
pub(super) async fn begin(
    args: &VerifyHeaderArgs,
    stored: Option<Kept>,
    source: &mut Source,
) -> Result<Begun, Failure> {
    let known = Known::of(args)?;
    let stored_chain = stored.as_ref().map(|stored| *stored.trusted.chain());
    if let (Some(known), Some(stored)) = (&known, stored_chain)
        && known.chain != stored
    {
        return Err(Failure::usage("the file of --state is of another chain")
            .because(format!("it holds {stored:?}, the other options name {:?}", known.chain))
            .hint("name another file, or leave the other options out"));
    }
    let trust_period_max = known.as_ref().and_then(|known| known.trust_period_max);
    let trust_period_max = trust_period_max.or(stored.as_ref().and_then(|stored| stored.notes.trust_period_max));
    let fresh = Notes { unchecked: None, trust_period_max };
    if let Some(hash) = args.trust {
        // The files' first block is that of --trust, and must not be taken for the next one.
        if let (Some(Kept { trusted, notes }), Source::Server(_)) = (&stored, &*source)
            && (trusted.header().hash == hash || notes.unchecked.is_some_and(|block| block.hash == hash))
        {
            return Ok(Begun { trusted: trusted.clone(), notes: fresh, is_anew: false });
        }
        let chain = known.as_ref().map(|known| known.chain).or(stored_chain).ok_or_else(|| {
            Failure::usage("--trust needs to know which chain the block is of")
                .hint("add --genesis FILE; or --chain-id, --genesis-hash and --epoch-length")
        })?;
        let block = source.anchor(hash).await?;
        return Ok(Begun { trusted: trust(chain, hash, &block, source.name())?, notes: fresh, is_anew: true });
    }
    if let Some(Kept { trusted, notes }) = stored {
        return Ok(Begun { trusted, notes: Notes { trust_period_max, ..notes }, is_anew: false });
    }
    let trusted = match known {
        Some(Known { chain, first: Some(block), .. }) => trust(chain, chain.genesis_hash, &block, "the genesis file")?,
        Some(Known { chain, first: None, .. }) => {
            let block = source.anchor(chain.genesis_hash).await?;
            trust(chain, chain.genesis_hash, &block, source.name())?
        }
        None => {
            return Err(Failure::usage("nothing is trusted to begin with").hint(
                "add --genesis FILE to begin with block 0 and its validators; or --trust HASH with a block's hash from \
                 somebody you trust; or --state with the file of an earlier run",
            ));
        }
    };
    Ok(Begun { trusted, notes: fresh, is_anew: false })
}

fn trust(chain: Chain, hash: B256, block: &LightBlock, from: &str) -> Result<TrustedState, Failure> {
    let none = SetProof::default();
    let set = block.set_proof.as_ref().unwrap_or(&none);
    TrustedState::begin(chain, hash, &block.header, set)
        .map_err(|error| refused(&format!("the first block, from {from},"), &error))
}

/// What the command line says of the chain.
struct Known {
    chain: Chain,
    /// Block 0, if the genesis is there.
    first: Option<LightBlock>,
    /// The longest trust period that its staking contract allows, in seconds.
    trust_period_max: Option<u64>,
}

impl Known {
    fn of(args: &VerifyHeaderArgs) -> Result<Option<Self>, Failure> {
        let Some(path) = &args.genesis else {
            let (Some(chain_id), Some(genesis_hash), Some(epoch_length)) =
                (args.rpc.chain_id, args.genesis_hash, args.epoch_length)
            else {
                return Ok(None);
            };
            return Ok(Some(Self {
                chain: Chain { chain_id, genesis_hash, epoch_length },
                first: None,
                trust_period_max: None,
            }));
        };
        let genesis = network::read_genesis(path)?;
        let chain_id = genesis.config.chain_id;
        if let Some(other) = args.rpc.chain_id.filter(|id| *id != chain_id) {
            return Err(Failure::usage(format!("the genesis is of chain {chain_id}, --chain-id says {other}")));
        }
        let bad = |reason: String| Failure::usage(format!("{} cannot be begun with", path.display())).because(reason);
        let (genesis_hash, first) = genesis_light_block(&genesis).map_err(|error| bad(error.to_string()))?;
        let epoch_length = genesis.config.staking.map_or(0, |staking| staking.epoch_length);
        let params = staking::outline(&genesis).map_err(bad)?.map(|outline| outline.params);
        let trust_period_max = params.map(|params| {
            // Blocks, and so many seconds where a block takes one.
            u64::from(params.evidenceEpochs).saturating_sub(1).saturating_mul(u64::from(params.epochLength))
        });
        let chain = Chain { chain_id, genesis_hash, epoch_length };
        Ok(Some(Self { chain, first: Some(first), trust_period_max }))
    }
}
