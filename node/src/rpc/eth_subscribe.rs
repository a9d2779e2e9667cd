//! `eth_subscribe`: heads, logs and waiting transactions as they come, over WebSocket.

use std::sync::Arc;

use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::types::{Params, SubscriptionId, SubscriptionPayload, SubscriptionResponse};
use jsonrpsee::{Extensions, PendingSubscriptionSink, RpcModule, SubscriptionSink};
use serde::Serialize;

use super::error::code;
use super::log_filter::LogFilter;
use super::register::on_worker;
use super::views::{HeaderView, TransactionView};
use super::{Api, Args, RpcError, eth_logs};
use crate::server::{Charge, Exhausted, Notifier, limits};

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

impl Kind {
    /// What the subscription remembers, in bytes.
    fn bytes(&self) -> usize {
        if let Self::Logs(filter) = self { filter.bytes() } else { 0 }
    }
}

/// Adds `eth_subscribe` and `eth_unsubscribe`.
pub fn register(module: &mut RpcModule<Api>) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, api, extensions| async move { serve(params, pending, api, &extensions).await },
    )?;
    Ok(())
}

async fn serve(params: Params<'static>, pending: PendingSubscriptionSink, api: Arc<Api>, extensions: &Extensions) {
    let Some(notifier) = extensions.get::<Notifier>().cloned() else {
        return pending.reject(RpcError::new(code::METHOD_NOT_FOUND, "notifications not supported")).await;
    };
    let remembered = kind(&params).and_then(|kind| {
        let charge = notifier.remember(kind.bytes())?;
        Ok((kind, charge))
    });
    // Their text may be long, and subscriptions live long.
    drop(params);
    let (kind, _charge) = match remembered {
        Ok(remembered) => remembered,
        Err(error) => return pending.reject(error).await,
    };
    // What counts as new is fixed before the client learns its subscription's id.
    let next_block = api.chain.head().block.header.number + 1;
    let (_, seen) = api.pool.arrivals_since(u64::MAX);
    let Ok(sink) = pending.accept().await else { return };
    let client = Client { sink, notifier };
    let result = match kind {
        Kind::NewHeads => follow_blocks(&api, &client, next_block, heads).await,
        Kind::Logs(filter) => {
            let filter = Arc::new(*filter);
            let read = move |api: &Api, number| eth_logs::between(api, &filter, (number, number));
            follow_blocks(&api, &client, next_block, read).await
        }
        Kind::PendingTransactions { is_full } => follow_pool(&api, &client, seen, is_full).await,
        Kind::Syncing => {
            client.sink.closed().await;
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
async fn follow_blocks<T, F>(api: &Arc<Api>, client: &Client, mut next: u64, read: F) -> Result<(), RpcError>
where
    T: Serialize,
    F: Fn(&Api, u64) -> Result<Vec<T>, RpcError> + Clone + Send + 'static,
{
    let mut heads = api.chain.watch();
    loop {
        let mut wanted = 0;
        while next <= *heads.borrow_and_update() {
            let Some(room) = client.room(wanted).await else { return Ok(()) };
            let (reader, read, envelope) = (api.clone(), read.clone(), client.envelope());
            let texts = on_worker(api.followers.clone(), move || envelope.texts(&read(&reader, next)?));
            let texts = match texts.await {
                Ok(texts) => texts,
                // Nobody is left out because others are slow.
                Err(error) if error.code == code::LIMIT => continue,
                Err(error) => return Err(error),
            };
            match client.notifier.send(texts, room) {
                Ok(()) => (next, wanted) = (next + 1, 0),
                Err(bytes) if bytes > limits::ANSWER_BYTES_MAX => {
                    return Err(RpcError::new(code::LIMIT, format!("block {next} has too much to tell")));
                }
                Err(bytes) => wanted = bytes,
            }
        }
        tokio::select! {
            () = client.sink.closed() => return Ok(()),
            changed = heads.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

async fn follow_pool(api: &Arc<Api>, client: &Client, mut seen: u64, is_full: bool) -> Result<(), RpcError> {
    let mut arrivals = api.pool.watch();
    let envelope = client.envelope();
    let texts = |hash| {
        if !is_full {
            return envelope.texts(&[hash]);
        }
        let waiting = api.pool.get(hash).map(|waiting| TransactionView::pending(&waiting));
        envelope.texts(waiting.as_slice())
    };
    let mut wanted = 0;
    loop {
        let Some(mut listed) = client.room(wanted).await else { return Ok(()) };
        arrivals.borrow_and_update();
        let (hashes, count) = api.pool.arrivals_since(seen);
        // What finds no room is not kept: it is asked for again when there is some.
        wanted = size_of_val(hashes.as_slice());
        if let Err(Exhausted) = listed.raise_to(wanted) {
            continue;
        }
        for hash in hashes {
            let mut wanted = 0;
            loop {
                let Some(room) = client.room(wanted).await else { return Ok(()) };
                match client.notifier.send(texts(hash)?, room) {
                    Ok(()) => break,
                    Err(bytes) => wanted = bytes,
                }
            }
        }
        (seen, wanted) = (count, 0);
        drop(listed);
        tokio::select! {
            () = client.sink.closed() => return Ok(()),
            changed = arrivals.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

/// Who subscribed.
struct Client {
    sink: SubscriptionSink,
    notifier: Notifier,
}

impl Client {
    /// Room for so many bytes, when there is some; `None` if the client goes before.
    async fn room(&self, bytes: usize) -> Option<Charge> {
        tokio::select! {
            biased;
            () = self.sink.closed() => None,
            room = self.notifier.room(bytes) => Some(room),
        }
    }

    fn envelope(&self) -> Envelope {
        Envelope { method: self.sink.method_name().to_owned(), subscription: self.sink.subscription_id().into_owned() }
    }
}

/// What is around every notification of a subscription.
struct Envelope {
    method: String,
    subscription: SubscriptionId<'static>,
}

impl Envelope {
    /// A notification of each item.
    fn texts<T: Serialize>(&self, items: &[T]) -> Result<Vec<String>, RpcError> {
        let text = |item| {
            let payload = SubscriptionPayload { subscription: self.subscription.clone(), result: item };
            serde_json::to_string(&SubscriptionResponse::new(self.method.as_str().into(), payload))
        };
        items.iter().map(text).collect::<Result<_, _>>().map_err(RpcError::internal)
    }
}
