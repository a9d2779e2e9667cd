//! `eth_subscribe`: heads, logs and waiting transactions as they come, over WebSocket.

use std::sync::Arc;

use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::types::Params;
use jsonrpsee::{PendingSubscriptionSink, RpcModule, SubscriptionMessage, SubscriptionSink};
use serde::Serialize;

use super::error::code;
use super::log_filter::LogFilter;
use super::register::on_worker;
use super::views::{HeaderView, TransactionView};
use super::{Api, Args, RpcError, eth_logs};

/// What a client subscribes to.
enum Kind {
    NewHeads,
    Logs(Box<LogFilter>),
    PendingTransactions { is_full: bool },
    Syncing,
}

fn kind(params: &Params<'_>) -> Result<Kind, RpcError> {
    let args = Args::parse(params, 2)?;
    let name: String = args.required(0)?;
    match name.as_str() {
        "newHeads" => Ok(Kind::NewHeads),
        "logs" => {
            let filter: LogFilter = args.optional(1)?.unwrap_or_default();
            filter.check()?;
            Ok(Kind::Logs(Box::new(filter)))
        }
        "newPendingTransactions" => Ok(Kind::PendingTransactions { is_full: args.optional(1)?.unwrap_or(false) }),
        "syncing" => Ok(Kind::Syncing),
        other => Err(RpcError::new(code::METHOD_NOT_FOUND, format!("no \"{other}\" subscription in eth namespace"))),
    }
}

/// Adds `eth_subscribe` and `eth_unsubscribe`.
pub fn register(module: &mut RpcModule<Api>) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, api, _| async move { serve(&params, pending, api).await },
    )?;
    Ok(())
}

async fn serve(params: &Params<'_>, pending: PendingSubscriptionSink, api: Arc<Api>) {
    let kind = match kind(params) {
        Ok(kind) => kind,
        Err(error) => return pending.reject(error).await,
    };
    // What counts as new is fixed before the client learns its subscription's id.
    let next_block = api.chain.head().block.header.number + 1;
    let (_, seen) = api.pool.arrivals_since(u64::MAX);
    let Ok(sink) = pending.accept().await else { return };
    let result = match kind {
        Kind::NewHeads => follow_blocks(&api, &sink, next_block, heads).await,
        Kind::Logs(filter) => {
            let filter = Arc::new(*filter);
            follow_blocks(&api, &sink, next_block, move |api, number| eth_logs::between(api, &filter, (number, number)))
                .await
        }
        Kind::PendingTransactions { is_full } => follow_pool(&api, &sink, seen, is_full).await,
        Kind::Syncing => {
            sink.closed().await;
            Ok(())
        }
    };
    if let Err(error) = result {
        tracing::warn!(%error, "a subscription ended early");
    }
}

fn heads(api: &Api, number: u64) -> Result<Vec<HeaderView>, RpcError> {
    Ok(api.chain.block(number)?.iter().map(|block| HeaderView::new(&block.header, block.hash)).collect())
}

/// Sends what `read` finds in every block from `next` on, in order, none left out. Ends when the client goes.
async fn follow_blocks<T, F>(api: &Arc<Api>, sink: &SubscriptionSink, mut next: u64, read: F) -> Result<(), RpcError>
where
    T: Serialize + Send + 'static,
    F: Fn(&Api, u64) -> Result<Vec<T>, RpcError> + Clone + Send + 'static,
{
    let mut heads = api.chain.watch();
    loop {
        while next <= *heads.borrow_and_update() {
            let (reader, read) = (api.clone(), read.clone());
            let items = on_worker(api.readers.clone(), move || read(&reader, next)).await?;
            if !send_all(sink, &items).await? {
                return Ok(());
            }
            next += 1;
        }
        tokio::select! {
            () = sink.closed() => return Ok(()),
            changed = heads.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

async fn follow_pool(api: &Arc<Api>, sink: &SubscriptionSink, mut seen: u64, is_full: bool) -> Result<(), RpcError> {
    let mut arrivals = api.pool.watch();
    loop {
        arrivals.borrow_and_update();
        let (hashes, count) = api.pool.arrivals_since(seen);
        seen = count;
        let is_open = if is_full {
            let waiting = hashes.into_iter().filter_map(|hash| api.pool.get(hash));
            let views: Vec<TransactionView> = waiting.map(|waiting| TransactionView::pending(&waiting)).collect();
            send_all(sink, &views).await?
        } else {
            send_all(sink, &hashes).await?
        };
        if !is_open {
            return Ok(());
        }
        tokio::select! {
            () = sink.closed() => return Ok(()),
            changed = arrivals.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

/// Sends each item as a notification; `false` if the client is gone.
async fn send_all<T: Serialize>(sink: &SubscriptionSink, items: &[T]) -> Result<bool, RpcError> {
    for item in items {
        let message = SubscriptionMessage::new(sink.method_name(), sink.subscription_id(), item);
        if sink.send(message.map_err(RpcError::internal)?).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}
