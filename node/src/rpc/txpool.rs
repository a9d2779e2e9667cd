//! `txpool_*`: what waits. Nonces are decimal keys.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U64};
use esker_runtime::Transaction;
use serde::Serialize;

use super::views::TransactionView;
use super::{Api, Args, RpcError};
use crate::mempool::ByNonce;

/// Executable and queued parts of something.
#[derive(Debug, Serialize)]
pub struct Parts<T> {
    pending: T,
    queued: T,
}

type BySender<T> = BTreeMap<String, BTreeMap<String, T>>;

fn shown<T>(part: &ByNonce, show: impl Fn(&Transaction) -> T) -> BySender<T> {
    part.iter()
        .map(|(sender, waiting)| {
            let waiting = waiting.iter().map(|(nonce, transaction)| (nonce.to_string(), show(transaction)));
            (sender.to_checksum(None), waiting.collect())
        })
        .collect()
}

/// `txpool_status`
pub fn status(api: &Api, _: &Args) -> Result<Parts<U64>, RpcError> {
    let status = api.pool.status();
    Ok(Parts { pending: U64::from(status.pending), queued: U64::from(status.queued) })
}

/// `txpool_content`
pub fn content(api: &Api, _: &Args) -> Result<Parts<BySender<TransactionView>>, RpcError> {
    let content = api.pool.content(None);
    Ok(Parts {
        pending: shown(&content.pending, TransactionView::pending),
        queued: shown(&content.queued, TransactionView::pending),
    })
}

/// `txpool_contentFrom`
pub fn content_from(api: &Api, args: &Args) -> Result<Parts<BTreeMap<String, TransactionView>>, RpcError> {
    let sender: Address = args.required(0)?;
    let content = api.pool.content(Some(sender));
    let only = |part| shown(part, TransactionView::pending).into_values().next().unwrap_or_default();
    Ok(Parts { pending: only(&content.pending), queued: only(&content.queued) })
}

/// `txpool_inspect`
pub fn inspect(api: &Api, _: &Args) -> Result<Parts<BySender<String>>, RpcError> {
    let content = api.pool.content(None);
    let summary = |transaction: &Transaction| {
        let to = transaction.kind().to().map_or_else(|| "contract creation".to_owned(), |to| to.to_checksum(None));
        let (value, gas, price) = (transaction.value(), transaction.gas_limit(), transaction.fee_cap());
        format!("{to}: {value} wei + {gas} gas × {price} wei")
    };
    Ok(Parts { pending: shown(&content.pending, summary), queued: shown(&content.queued, summary) })
}
