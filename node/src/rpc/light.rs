//! What light clients ask for: blocks with all that proves them.

use esker_light::LightBlock;

use super::error::code;
use super::network::NetworkApi;
use super::register::Registry;
use super::{Api, Args, RpcError};
use crate::chain::LightBlockError;

/// Most blocks of one answer.
const BLOCKS_MAX: u64 = 256;
/// Most bytes of blocks in one answer, unless the first block alone has more; as JSON they are twice as many.
const BYTES_MAX: usize = 4 << 20;

/// Adds the methods.
pub(super) fn register(registry: &mut Registry<NetworkApi>) {
    registry.read("esker_getLightBlock", 2, get_light_block);
    registry.gather("esker_getLightBlocks", 2, get_light_blocks);
}

/// A block as it is, without what its set would take if nobody asked for it.
fn get_light_block(network: &NetworkApi, args: &Args) -> Result<Option<LightBlock>, RpcError> {
    let api: &Api = network.as_ref();
    match api.number(args.required(0)?)? {
        Some(number) => Ok(api.chain.light_block(number, args.optional(1)?.unwrap_or_default())?),
        None => Ok(None),
    }
}

/// The last blocks of the epochs after a block, oldest first.
fn get_light_blocks(network: &NetworkApi, args: &Args) -> Result<Vec<LightBlock>, RpcError> {
    let api: &Api = network.as_ref();
    let (from, count): (u64, u64) = (args.required(0)?, args.required(1)?);
    if count > BLOCKS_MAX {
        return Err(RpcError::invalid_params(format!("too many blocks ({count}) requested, limit {BLOCKS_MAX}")));
    }
    let Some(epochs) = api.chain.config().staking.map(|staking| staking.epochs()) else { return Ok(Vec::new()) };
    let first = epochs.of(from.saturating_add(1));
    let (mut blocks, mut bytes) = (Vec::new(), 0);
    for epoch in first..first.saturating_add(count) {
        let block = match api.chain.light_block(epochs.last_block(epoch), false) {
            Ok(Some(block)) => block,
            Ok(None) => break,
            // What comes before it is of use; it is told of when it is the first one.
            Err(_) if !blocks.is_empty() => break,
            Err(error) => return Err(error.into()),
        };
        bytes += block.bytes();
        if bytes > BYTES_MAX && !blocks.is_empty() {
            break;
        }
        blocks.push(block);
    }
    Ok(blocks)
}

impl From<LightBlockError> for RpcError {
    fn from(error: LightBlockError) -> Self {
        match error {
            LightBlockError::Store(error) => error.into(),
            missing => Self::new(code::PRUNED, missing.to_string()),
        }
    }
}
