//! The server: HTTP and WebSocket on one port, CORS open.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jsonrpsee::core::middleware::{Batch, BatchEntry, Notification, RpcServiceBuilder, RpcServiceT};
use jsonrpsee::core::traits::IdProvider;
use jsonrpsee::server::{BatchResponseBuilder, MethodResponse, Methods, ServerConfig, ServerHandle};
use jsonrpsee::types::{ErrorObject, Id, Request, SubscriptionId};
use tower_http::cors::{Any, CorsLayer};

use crate::request_check::CheckedRequests;
use crate::rpc::RpcError;
use crate::rpc::error::code;

/// Largest request, in bytes: a batch of a hundred of the largest transactions fits.
const REQUEST_BYTES_MAX: u32 = 32 << 20;
/// Largest answer, in bytes.
const RESPONSE_BYTES_MAX: u32 = 128 << 20;
/// Most connections at a time, if the system gives so many file descriptors.
const CONNECTIONS_MAX: u32 = 1_000;
/// File descriptors that clients never take: the store, peers, files of proposals and signatures.
const DESCRIPTORS_RESERVED: u64 = 600;
/// How long requests under way may take when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// Most subscriptions of one connection.
const SUBSCRIPTIONS_MAX: u32 = 1_024;

/// Marks a request that is part of a batch.
#[derive(Clone, Copy, Debug)]
pub struct InBatch;

/// The server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Somebody else listens there.
    #[error("{0} is in use: another node or program listens there. Stop it, or choose another port with --port")]
    InUse(SocketAddr),
    /// The system refused for another reason.
    #[error("cannot listen on {address}: {reason}")]
    Io {
        /// Where.
        address: SocketAddr,
        /// The system's words.
        reason: std::io::Error,
    },
}

/// A port that is ours and that nobody serves yet: who connects waits.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    socket: TcpListener,
}

impl Listener {
    /// Takes `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let failed = |reason: std::io::Error| match reason.kind() {
            std::io::ErrorKind::AddrInUse => ServerError::InUse(address),
            _ => ServerError::Io { address, reason },
        };
        let socket = TcpListener::bind(address).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        Ok(Self { address: socket.local_addr().map_err(failed)?, socket })
    }
}

/// A running server.
#[derive(Debug)]
pub struct RpcServer {
    /// Where it listens; the port is the real one if 0 was asked for.
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl RpcServer {
    /// Starts serving `methods` to whoever connects to `listener`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ServerError::Io`].
    pub fn start(listener: Listener, methods: Methods) -> Result<Self, ServerError> {
        let address = listener.address;
        let cors = CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(Any);
        let checked = tower::layer::layer_fn(|inner| CheckedRequests::new(inner, REQUEST_BYTES_MAX));
        let names: Arc<BTreeSet<&'static str>> = Arc::new(methods.method_names().collect());
        let config = ServerConfig::builder()
            .max_request_body_size(REQUEST_BYTES_MAX)
            .max_response_body_size(RESPONSE_BYTES_MAX)
            .max_connections(connections_max(raise_descriptor_limit()))
            .max_subscriptions_per_connection(SUBSCRIPTIONS_MAX)
            .set_id_provider(HexIds::default())
            .build();
        let server = jsonrpsee::server::Server::builder()
            .set_config(config)
            .set_http_middleware(tower::ServiceBuilder::new().layer(cors).layer(checked))
            .set_rpc_middleware(
                RpcServiceBuilder::new().layer_fn(move |inner| GethWords { inner, methods: names.clone() }),
            )
            .build_from_tcp(listener.socket)
            .map_err(|reason| ServerError::Io { address, reason })?;
        Ok(Self { address, handle: server.start(methods) })
    }

    /// Returns when it answers no more requests, though nobody stopped it.
    pub async fn ended(&self) {
        self.handle.clone().stopped().await;
    }

    /// Takes no more requests, answers those under way, and returns when all connections are closed, or after a while
    /// if a client keeps one open.
    pub async fn stop(self) {
        // An error means that it has stopped already.
        let _ = self.handle.stop();
        if tokio::time::timeout(STOP_WITHIN, self.handle.stopped()).await.is_err() {
            tracing::warn!("a client did not end its request: the connection is cut");
        }
    }
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

/// Answers in geth's words where the library has its own, and tells batches from single requests.
#[derive(Clone)]
struct GethWords<S> {
    inner: S,
    methods: Arc<BTreeSet<&'static str>>,
}

impl<S> GethWords<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    async fn answer(inner: S, methods: Arc<BTreeSet<&'static str>>, request: Request<'_>) -> MethodResponse {
        if !methods.contains(request.method_name()) {
            let error: ErrorObject<'static> = RpcError::unknown_method(request.method_name()).into();
            return MethodResponse::error(request.id, error);
        }
        if !matches!(request.method_name(), "eth_subscribe" | "eth_unsubscribe") {
            return inner.call(request).await;
        }
        let id = request.id.clone().into_owned();
        let response = inner.call(request).await;
        // The library answers an internal error where a connection has no notifications; ours never do here.
        if response.as_error_code() == Some(code::INTERNAL) {
            let error: ErrorObject<'static> =
                RpcError::new(code::METHOD_NOT_FOUND, "notifications not supported").into();
            return MethodResponse::error(id, error);
        }
        response
    }
}

impl<S> GethWords<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    /// Does what a notification says; nobody is told the outcome. A subscription nobody is told of makes no sense.
    async fn obey(inner: S, methods: Arc<BTreeSet<&'static str>>, notification: Notification<'_>, is_in_batch: bool) {
        if matches!(notification.method_name(), "eth_subscribe" | "eth_unsubscribe") {
            return;
        }
        let mut request = Request {
            jsonrpc: notification.jsonrpc,
            id: Id::Null,
            method: notification.method,
            params: notification.params,
            extensions: notification.extensions,
        };
        if is_in_batch {
            request.extensions_mut().insert(InBatch);
        }
        Self::answer(inner, methods, request).await;
    }
}

impl<S> RpcServiceT for GethWords<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse, NotificationResponse = MethodResponse>
        + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        Self::answer(self.inner.clone(), self.methods.clone(), request)
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let (inner, methods) = (self.inner.clone(), self.methods.clone());
        async move {
            let mut answers = BatchResponseBuilder::new_with_limit(RESPONSE_BYTES_MAX as usize);
            let mut is_silent = false;
            for entry in batch {
                let answer = match entry {
                    // The library would answer it twice: by itself, and among the others.
                    Ok(BatchEntry::Call(request)) if request.method_name() == "eth_subscribe" => {
                        let error = RpcError::server("eth_subscribe cannot be part of a batch: send it by itself");
                        MethodResponse::error(request.id, ErrorObject::from(error))
                    }
                    Ok(BatchEntry::Call(mut request)) => {
                        request.extensions_mut().insert(InBatch);
                        Self::answer(inner.clone(), methods.clone(), request).await
                    }
                    Ok(BatchEntry::Notification(notification)) => {
                        Self::obey(inner.clone(), methods.clone(), notification, true).await;
                        is_silent = true;
                        continue;
                    }
                    Err(error) => {
                        let (error, id) = error.into_parts();
                        MethodResponse::error(id, error)
                    }
                };
                if let Err(too_large) = answers.append(answer) {
                    return too_large;
                }
            }
            if answers.is_empty() && is_silent {
                return MethodResponse::notification();
            }
            MethodResponse::from_batch(answers.finish())
        }
    }

    fn notification<'a>(&self, notification: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let (inner, methods) = (self.inner.clone(), self.methods.clone());
        async move {
            Self::obey(inner, methods, notification, false).await;
            MethodResponse::notification()
        }
    }
}
/// Raises this process's limit of file descriptors to what the system allows it, and returns that.
fn raise_descriptor_limit() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    // What is refused leaves the limit as it is.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many clients may connect where the process has so many file descriptors: a block must never wait for one that a
/// client holds.
fn connections_max(descriptors: u64) -> u32 {
    let free = u32::try_from(descriptors.saturating_sub(DESCRIPTORS_RESERVED)).unwrap_or(u32::MAX);
    let connections = free.clamp(16, CONNECTIONS_MAX);
    if connections < CONNECTIONS_MAX {
        tracing::warn!(
            descriptors,
            connections,
            "few file descriptors: raise the limit (ulimit -n, LimitNOFILE) to 4096"
        );
    }
    connections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_descriptors_for_blocks() {
        assert_eq!(connections_max(u64::MAX), CONNECTIONS_MAX);
        assert_eq!(connections_max(1_600), 1_000);
        assert_eq!(connections_max(1_024), 424);
        assert_eq!(connections_max(256), 16);
    }
}
