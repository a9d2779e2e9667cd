//! Installed filters, which a client asks again and again for what is new.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use alloy_primitives::{B256, U64};
use parking_lot::Mutex;
use serde::Serialize;

use super::block_param::{BlockNumberOrTag, Tag};
use super::error::code;
use super::eth_logs;
use super::log_filter::{BlockRange, LogFilter};
use super::views::{LogView, TransactionView};
use super::{Api, Args, RpcError};
use crate::server::limits;

/// A filter that nobody asks for this long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);
/// Most filters at a time.
const FILTERS_MAX: usize = 10_000;

/// What a filter looks for, and how far it has looked.
#[derive(Clone, Debug)]
enum Watch {
    /// Logs from block `next` on.
    Logs { filter: Box<LogFilter>, next: u64 },
    /// Hashes of blocks from `next` on.
    Blocks { next: u64 },
    /// Transactions that entered the pool after the first `seen`.
    Pending { seen: u64, is_full: bool },
}

impl Watch {
    /// What it takes in memory.
    fn bytes(&self) -> usize {
        size_of::<Self>() + if let Self::Logs { filter, .. } = self { filter.bytes() } else { 0 }
    }
}

#[derive(Debug)]
struct Installed {
    watch: Watch,
    asked: Instant,
}

#[derive(Debug, Default)]
struct Inner {
    filters: BTreeMap<u64, Installed>,
    last_id: u64,
}

/// All installed filters.
#[derive(Debug, Default)]
pub struct Filters {
    inner: Mutex<Inner>,
}

impl Filters {
    fn install(&self, watch: Watch) -> Result<U64, RpcError> {
        let mut inner = self.inner.lock();
        inner.filters.retain(|_, filter| filter.asked.elapsed() < FORGOTTEN_AFTER);
        if inner.filters.len() >= FILTERS_MAX {
            return Err(RpcError::new(code::LIMIT, format!("too many filters, limit {FILTERS_MAX}: uninstall some")));
        }
        let held: usize = inner.filters.values().map(|filter| filter.watch.bytes()).sum();
        if held + watch.bytes() > limits::FILTERS_BYTES_MAX {
            let words = "too large filters: name fewer addresses and topics, or uninstall some";
            return Err(RpcError::new(code::LIMIT, words));
        }
        inner.last_id += 1;
        let id = inner.last_id;
        inner.filters.insert(id, Installed { watch, asked: Instant::now() });
        Ok(U64::from(id))
    }

    fn get(&self, id: u64) -> Result<Watch, RpcError> {
        let mut inner = self.inner.lock();
        let filter = inner.filters.get_mut(&id).ok_or_else(not_found)?;
        filter.asked = Instant::now();
        Ok(filter.watch.clone())
    }

    /// Remembers how far a filter has looked. Of two who ask at a time, the one that got further wins.
    fn advance(&self, id: u64, looked: u64) {
        if let Some(filter) = self.inner.lock().filters.get_mut(&id) {
            match &mut filter.watch {
                Watch::Logs { next, .. } | Watch::Blocks { next } => *next = looked.max(*next),
                Watch::Pending { seen, .. } => *seen = looked.max(*seen),
            }
        }
    }
}

fn not_found() -> RpcError {
    RpcError::server("filter not found")
}

fn next_block(api: &Api) -> u64 {
    api.chain.head().block.header.number + 1
}

/// `eth_newFilter`
pub fn new_log_filter(api: &Api, args: &Args) -> Result<U64, RpcError> {
    let filter: LogFilter = args.required(0)?;
    filter.check()?;
    if let BlockRange::Between { from: Some(BlockNumberOrTag::Number(from)), to: Some(BlockNumberOrTag::Number(to)) } =
        filter.range
        && from > to
    {
        return Err(RpcError::invalid_params("invalid block range params"));
    }
    let head = api.chain.head().block.header.number;
    // A filter reports what is mined from now on; a later first block is respected.
    let next = match filter.range {
        BlockRange::Between { from: Some(BlockNumberOrTag::Number(from)), .. } => from.max(head + 1),
        _ => head + 1,
    };
    api.filters.install(Watch::Logs { filter: Box::new(filter), next })
}

/// `eth_newBlockFilter`
pub fn new_block_filter(api: &Api, _: &Args) -> Result<U64, RpcError> {
    api.filters.install(Watch::Blocks { next: next_block(api) })
}

/// `eth_newPendingTransactionFilter`
pub fn new_pending_filter(api: &Api, args: &Args) -> Result<U64, RpcError> {
    let is_full = args.optional::<bool>(0)?.unwrap_or(false);
    let (_, seen) = api.pool.arrivals_since(u64::MAX);
    api.filters.install(Watch::Pending { seen, is_full })
}

/// `eth_uninstallFilter`
pub fn uninstall(api: &Api, args: &Args) -> Result<bool, RpcError> {
    let id: u64 = args.required(0)?;
    Ok(api.filters.inner.lock().filters.remove(&id).is_some())
}

/// What is new to a filter.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Changes {
    /// Logs.
    Logs(Vec<LogView>),
    /// Hashes of blocks or transactions.
    Hashes(Vec<B256>),
    /// Transactions.
    Transactions(Vec<TransactionView>),
}

/// `eth_getFilterChanges`
pub fn changes(api: &Api, args: &Args) -> Result<Changes, RpcError> {
    let id: u64 = args.required(0)?;
    let head = api.chain.head().block.header.number;
    match api.filters.get(id)? {
        Watch::Logs { filter, next } => {
            let last = match filter.range {
                BlockRange::Between { to: Some(BlockNumberOrTag::Number(to)), .. } => to.min(head),
                BlockRange::Between { to: Some(BlockNumberOrTag::Tag(Tag::Earliest)), .. } => 0,
                _ => head,
            };
            let logs = if next <= last { eth_logs::between(api, &filter, (next, last))? } else { Vec::new() };
            api.filters.advance(id, head + 1);
            Ok(Changes::Logs(logs))
        }
        Watch::Blocks { next } => {
            let mut hashes = Vec::new();
            for number in next..=head {
                hashes.extend(api.chain.block(number)?.map(|block| block.hash));
            }
            api.filters.advance(id, head + 1);
            Ok(Changes::Hashes(hashes))
        }
        Watch::Pending { seen, is_full } => {
            let (hashes, count) = api.pool.arrivals_since(seen);
            api.filters.advance(id, count);
            if !is_full {
                return Ok(Changes::Hashes(hashes));
            }
            let waiting = hashes.into_iter().filter_map(|hash| api.pool.get(hash));
            Ok(Changes::Transactions(waiting.map(|transaction| TransactionView::pending(&transaction)).collect()))
        }
    }
}

/// `eth_getFilterLogs`
pub fn logs(api: &Api, args: &Args) -> Result<Vec<LogView>, RpcError> {
    match api.filters.get(args.required(0)?)? {
        Watch::Logs { filter, .. } => eth_logs::matching(api, &filter),
        Watch::Blocks { .. } | Watch::Pending { .. } => Err(not_found()),
    }
}
