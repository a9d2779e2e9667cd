//! From a text to its answer: which method is called, in geth's words where the library has its own, and what the answer
//! may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use jsonrpsee::Extensions;
use jsonrpsee::core::traits::IdProvider;
use jsonrpsee::server::{
    BoundedSubscriptions, ConnectionId, MethodCallback, MethodResponse, MethodSink, Methods, SubscriptionState,
};
use jsonrpsee::types::error::reject_too_many_subscriptions;
use jsonrpsee::types::{ErrorObject, Id, Params, Request, SubscriptionId};
use serde_json::value::RawValue;

use super::answer::Answer;
use super::budget::{Account, Charge, Exhausted};
use super::limits::{ANSWER_BYTES_MAX, BATCH_ANSWER_BYTES_MAX, BATCH_MAX};
use super::notify::Notifier;
use super::request_check::{self, Entry, Message};
use crate::rpc::RpcError;
use crate::rpc::error::code;

/// Longest id that a refusal repeats.
const ID_BYTES_MAX: usize = 128;

/// Marks a request that is part of a batch.
#[derive(Clone, Copy, Debug)]
pub struct InBatch;

/// A text that was read, and what counts it.
#[derive(Debug)]
pub struct Text {
    /// The text.
    pub text: Bytes,
    /// Counts its bytes.
    pub charge: Charge,
}

/// Appends `bytes` to a text that arrives, with not much more room than it needs: room is memory that nobody counts.
pub fn append(text: &mut Vec<u8>, bytes: &[u8]) {
    if text.capacity() - text.len() < bytes.len() {
        text.reserve_exact(bytes.len().max(text.len() / 4));
    }
    text.extend_from_slice(bytes);
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What its requests hold.
    pub requests: Arc<Account>,
    /// What its answers hold.
    pub answers: Arc<Account>,
    /// Where notifications go, on a connection that has them.
    pub subscriber: Option<Subscriber>,
}

/// A connection that notifications can be sent on.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// Tells the connections apart.
    pub connection: ConnectionId,
    /// Where answers to `eth_subscribe` go.
    pub sink: MethodSink,
    /// How many subscriptions there may be.
    pub slots: BoundedSubscriptions,
    /// How notifications go.
    pub notifier: Notifier,
}

/// The methods, ready to be called.
#[derive(Debug)]
pub struct Calls {
    methods: Methods,
    ids: HexIds,
}

/// Subscription ids as geth writes them: hex strings.
#[derive(Debug, Default)]
struct HexIds {
    next: AtomicU64,
}

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        // Ids need to be unique, not secret: they mean something on their own connection only.
        SubscriptionId::from(format!("{:#x}", self.next.fetch_add(1, Ordering::Relaxed) + 1))
    }
}

/// What a client is told when others hold what its request needs.
pub fn busy_with_requests() -> RpcError {
    RpcError::new(
        code::LIMIT,
        "the server is busy: large requests of others take all the memory that it has for them. Send smaller requests \
         (a single transaction always fits), or try again later",
    )
}

fn busy_with_answers() -> RpcError {
    RpcError::new(
        code::LIMIT,
        "the server is busy: answers that clients have not read yet take all the memory that it has for them. Read \
         your answers, ask for less (fewer blocks, smaller batches), or try again later",
    )
}

fn no_notifications() -> RpcError {
    RpcError::new(code::METHOD_NOT_FOUND, "notifications not supported")
}

/// An error that answers no request in particular.
pub fn error_text(error: impl Into<ErrorObject<'static>>) -> String {
    into_text(MethodResponse::error(Id::Null, error.into()))
}

fn response_error(id: Id<'_>, error: RpcError) -> MethodResponse {
    MethodResponse::error(id, ErrorObject::from(error))
}

fn into_text(response: MethodResponse) -> String {
    Box::<str>::from(response.into_json()).into_string()
}

impl Calls {
    /// Calls of these methods.
    #[must_use]
    pub fn new(methods: Methods) -> Self {
        Self { methods, ids: HexIds::default() }
    }

    /// Does what `text` asks and returns the answer; `None` where silence is the answer.
    pub async fn answer(&self, text: Text, caller: &Caller) -> Option<Answer> {
        let Text { text, mut charge } = text;
        let entry = match request_check::message(&text, BATCH_MAX) {
            Message::Batch(entries) => return self.batch(&entries, caller).await,
            Message::TooMany(entries) => return Some(too_many(&entries, caller)),
            Message::Single(entry) => entry,
        };
        let is_silent = matches!(entry, Entry::Notification(_));
        let call = self.prepare(entry, caller, false);
        // The text goes before the work begins: the call has its parameters.
        drop(text);
        let mut id = Id::Null;
        let response = match call {
            Err(response) => response,
            Ok(call) => {
                id = call.short_id();
                match charge.raise_to(call.parsed_bytes()) {
                    Ok(()) => call.run().await,
                    Err(Exhausted) => response_error(id.clone(), busy_with_requests()),
                }
            }
        };
        // The answer to a subscription was sent before the first notification.
        if is_silent || response.is_subscription() {
            return None;
        }
        let mut answer = Answer::new(caller.answers.charge());
        if let Err(Exhausted) = answer.push(into_text(response)) {
            answer.push_small(into_text(response_error(id, busy_with_answers())));
        }
        Some(answer)
    }

    async fn batch(&self, entries: &[&RawValue], caller: &Caller) -> Option<Answer> {
        let mut answer = Answer::new(caller.answers.charge());
        for text in entries {
            let entry = request_check::entry(text);
            let is_silent = matches!(entry, Entry::Notification(_));
            let id = if let Entry::Call(request) = &entry { short(&request.id) } else { Id::Null };
            // As geth: what comes after too large an answer is neither done nor silent.
            let response = if answer.bytes() > BATCH_ANSWER_BYTES_MAX {
                response_error(id.clone(), RpcError::new(code::RESPONSE_TOO_LARGE, "response too large"))
            } else {
                match self.prepare(entry, caller, true) {
                    Ok(call) => {
                        let mut charge = caller.requests.charge();
                        match charge.add(call.parsed_bytes()) {
                            Ok(()) => call.run().await,
                            Err(Exhausted) => response_error(id.clone(), busy_with_requests()),
                        }
                    }
                    Err(response) => response,
                }
            };
            if is_silent {
                continue;
            }
            answer.push_small(if answer.bytes() == 0 { "[" } else { "," });
            if let Err(Exhausted) = answer.push(into_text(response)) {
                answer.push_small(into_text(response_error(id, busy_with_answers())));
            }
        }
        if answer.bytes() == 0 {
            return None;
        }
        answer.push_small("]");
        Some(answer)
    }

    /// What `entry` calls, or the answer that it has without a call.
    fn prepare<'a>(&'a self, entry: Entry<'_>, caller: &'a Caller, in_batch: bool) -> Result<Call<'a>, MethodResponse> {
        let (request, is_silent) = match entry {
            Entry::Call(request) => (request, false),
            Entry::Notification(notification) => {
                let request = Request {
                    jsonrpc: notification.jsonrpc,
                    id: Id::Null,
                    method: notification.method,
                    params: notification.params,
                    extensions: notification.extensions,
                };
                (request, true)
            }
            Entry::Fault(id, code) => return Err(MethodResponse::error(id, ErrorObject::from(code))),
        };
        let Some((name, method)) = self.methods.method_with_name(&request.method) else {
            return Err(response_error(request.id, RpcError::unknown_method(&request.method)));
        };
        let is_subscribing = matches!(method, MethodCallback::Subscription(_) | MethodCallback::Unsubscription(_));
        if in_batch && matches!(method, MethodCallback::Subscription(_)) {
            // Its answer is sent apart from the others.
            let error = RpcError::server(format!("{name} cannot be part of a batch: send it by itself"));
            return Err(response_error(request.id, error));
        }
        // Nobody is told of a subscription that has no answer.
        if is_subscribing && (is_silent || caller.subscriber.is_none()) {
            return Err(response_error(request.id, no_notifications()));
        }
        let mut extensions = Extensions::new();
        if in_batch {
            extensions.insert(InBatch);
        }
        let params = request.params.map(|params| params.into_owned());
        Ok(Call { method, id: request.id.into_owned(), params, extensions, caller, ids: &self.ids })
    }
}

/// geth's answer to a batch that is too long: a list of one error, with the id of the first call.
fn too_many(entries: &[&RawValue], caller: &Caller) -> Answer {
    let id = entries.iter().find_map(|text| match request_check::entry(text) {
        Entry::Call(request) => Some(short(&request.id)),
        _ => None,
    });
    let error = RpcError::new(code::INVALID_REQUEST, "batch too large");
    let mut answer = Answer::new(caller.answers.charge());
    answer.push_small(format!("[{}]", into_text(response_error(id.unwrap_or(Id::Null), error))));
    answer
}

/// A method and what it is called with.
struct Call<'a> {
    method: &'a MethodCallback,
    id: Id<'static>,
    params: Option<Box<RawValue>>,
    extensions: Extensions,
    caller: &'a Caller,
    ids: &'a HexIds,
}

/// An id that a refusal can carry: what refuses for want of memory must not take any.
fn short(id: &Id<'_>) -> Id<'static> {
    match id {
        Id::Str(text) if text.len() > ID_BYTES_MAX => Id::Null,
        id => id.clone().into_owned(),
    }
}

impl Call<'_> {
    fn short_id(&self) -> Id<'static> {
        short(&self.id)
    }

    fn parsed_bytes(&self) -> usize {
        self.params.as_ref().map_or(0, |params| request_check::parsed_bytes(params.get()))
    }

    async fn run(self) -> MethodResponse {
        match self.begin() {
            Begun::Done(response) => response,
            Begun::Later(response) => response.await,
        }
    }

    fn begin(self) -> Begun {
        let Self { method, id, params, mut extensions, caller, ids } = self;
        let params = Params::new(params.as_deref().map(RawValue::get));
        // Only subscriptions ask which connection it is, and HTTP has none.
        let connection = caller.subscriber.as_ref().map_or(ConnectionId(0), |subscriber| subscriber.connection);
        match method {
            MethodCallback::Sync(method) => Begun::Done(method(id, params, ANSWER_BYTES_MAX, extensions)),
            MethodCallback::Async(method) => {
                Begun::Later(method(id, params.into_owned(), connection, ANSWER_BYTES_MAX, extensions))
            }
            MethodCallback::Unsubscription(method) => {
                Begun::Done(method(id, params, connection, ANSWER_BYTES_MAX, extensions))
            }
            MethodCallback::Subscription(method) => {
                let Some(Subscriber { sink, slots, notifier, .. }) = caller.subscriber.clone() else {
                    return Begun::Done(response_error(id, no_notifications()));
                };
                let Some(permit) = slots.acquire() else {
                    return Begun::Done(MethodResponse::error(id, reject_too_many_subscriptions(slots.max())));
                };
                let state = SubscriptionState { conn_id: connection, id_provider: ids, subscription_permit: permit };
                extensions.insert(notifier);
                Begun::Later(method(id, params, sink, state, extensions))
            }
        }
    }
}

/// A call that was made; its parameters are the method's now.
enum Begun {
    Done(MethodResponse),
    Later(BoxFuture<'static, MethodResponse>),
}
