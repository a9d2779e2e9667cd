//! `eth_getLogs` and what it shares with filters.

use super::block_param::{BlockNumberOrTag, BlockParam, Tag};
use super::error::code;
use super::log_filter::{BlockRange, LogFilter};
use super::views::LogView;
use super::{Api, Args, RpcError};
use crate::chain::{LogSearchError, search_logs};

impl From<LogSearchError> for RpcError {
    fn from(error: LogSearchError) -> Self {
        match error {
            LogSearchError::TooMany { .. } => Self::new(code::LIMIT, error.to_string()),
            LogSearchError::Pruned { .. } => Self::new(code::PRUNED, error.to_string()),
            LogSearchError::Store(error) => error.into(),
        }
    }
}

/// `eth_getLogs`
pub fn logs(api: &Api, args: &Args) -> Result<Vec<LogView>, RpcError> {
    let filter: LogFilter = args.required(0)?;
    filter.check()?;
    matching(api, &filter)
}

/// All logs that pass `filter`.
pub(super) fn matching(api: &Api, filter: &LogFilter) -> Result<Vec<LogView>, RpcError> {
    let range = match filter.range {
        BlockRange::Block(hash) => {
            let number = api.number(BlockParam::Hash(hash))?.ok_or_else(|| RpcError::server("unknown block"))?;
            (number, number)
        }
        BlockRange::Between { from, to } => range(api, from, to)?,
    };
    between(api, filter, range)
}

/// The logs of blocks `from..=to` that pass `filter`, whatever range it names itself.
pub(super) fn between(api: &Api, filter: &LogFilter, range: (u64, u64)) -> Result<Vec<LogView>, RpcError> {
    let found = search_logs(&api.chain, range, &|bloom| filter.may_match(bloom), &|log| filter.matches(log))?;
    Ok(found.iter().map(LogView::from).collect())
}

fn range(api: &Api, from: Option<BlockNumberOrTag>, to: Option<BlockNumberOrTag>) -> Result<(u64, u64), RpcError> {
    let head = api.chain.head().block.header.number;
    let number = |block: Option<BlockNumberOrTag>| match block {
        Some(BlockNumberOrTag::Number(number)) => number,
        Some(BlockNumberOrTag::Tag(Tag::Earliest)) => 0,
        Some(BlockNumberOrTag::Tag(_)) | None => head,
    };
    let (from, to) = (number(from), number(to));
    if from > to {
        return Err(RpcError::invalid_params("invalid block range params"));
    }
    if to > head {
        return Err(RpcError::invalid_params("block range extends beyond current head block"));
    }
    Ok((from, to))
}
