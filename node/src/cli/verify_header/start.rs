//! Where following begins.

use std::path::Path;

use alloy_primitives::B256;
use esker_light::{Chain, LightBlock, SetProof, TrustedState};
use esker_runtime::Genesis;

use super::source::{Source, read};
use super::{VerifyHeaderArgs, refused};
use crate::chain::genesis_light_block;
use crate::cli::failure::Failure;

/// The first block that is trusted: that of --trust, else the one in the file of --state, else block 0 of --genesis.
pub(super) async fn begin(args: &VerifyHeaderArgs, source: &mut Source) -> Result<TrustedState, Failure> {
    let known = Known::of(args)?;
    let stored = args.state.as_deref().filter(|path| path.exists()).map(load).transpose()?;
    if let (Some(known), Some(stored)) = (&known, &stored)
        && known.chain != *stored.chain()
    {
        return Err(Failure::usage("the file of --state is of another chain")
            .because(format!("it holds {:?}, the other options name {:?}", stored.chain(), known.chain))
            .hint("name another file, or leave the other options out"));
    }
    if let Some(hash) = args.trust {
        let chain = known.as_ref().map(|known| known.chain).or(stored.as_ref().map(|stored| *stored.chain()));
        let chain = chain.ok_or_else(|| {
            Failure::usage("--trust needs to know which chain the block is of")
                .hint("add --genesis FILE; or --chain-id, --genesis-hash and --epoch-length")
        })?;
        let block = source.anchor(hash).await?;
        return trust(chain, hash, &block, source.name());
    }
    if let Some(stored) = stored {
        return Ok(stored);
    }
    match known {
        Some(Known { chain, first: Some(block) }) => trust(chain, chain.genesis_hash, &block, "the genesis file"),
        Some(Known { chain, first: None }) => {
            let block = source.anchor(chain.genesis_hash).await?;
            trust(chain, chain.genesis_hash, &block, source.name())
        }
        None => Err(Failure::usage("nothing is trusted to begin with").hint(
            "add --genesis FILE to begin with block 0 and its validators; or --trust HASH with a block's hash from \
             somebody you trust; or --state with the file of an earlier run",
        )),
    }
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
}

impl Known {
    fn of(args: &VerifyHeaderArgs) -> Result<Option<Self>, Failure> {
        let Some(path) = &args.genesis else {
            let (Some(chain_id), Some(genesis_hash), Some(epoch_length)) =
                (args.rpc.chain_id, args.genesis_hash, args.epoch_length)
            else {
                return Ok(None);
            };
            return Ok(Some(Self { chain: Chain { chain_id, genesis_hash, epoch_length }, first: None }));
        };
        let genesis: Genesis = read(path, "genesis")?;
        let chain_id = genesis.config.chain_id;
        if let Some(other) = args.rpc.chain_id.filter(|id| *id != chain_id) {
            return Err(Failure::usage(format!("the genesis is of chain {chain_id}, --chain-id says {other}")));
        }
        let bad = |reason: String| Failure::usage(format!("{} cannot be begun with", path.display())).because(reason);
        let (genesis_hash, first) = genesis_light_block(&genesis).map_err(|error| bad(error.to_string()))?;
        if genesis.validators.is_empty() {
            return Err(bad("it has no validators, so nobody certifies the chain's blocks".to_owned()));
        }
        let epoch_length = genesis.config.staking.map_or(0, |staking| staking.epoch_length);
        Ok(Some(Self { chain: Chain { chain_id, genesis_hash, epoch_length }, first: Some(first) }))
    }
}

fn load(path: &Path) -> Result<TrustedState, Failure> {
    read(path, "trusted state").map_err(|failure| failure.hint("remove it, and begin anew with --trust or --genesis"))
}
