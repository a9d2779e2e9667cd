//! The server: HTTP and WebSocket on one port, CORS open.
//!
//! Whatever clients make it hold is counted ([`budget`], [`limits`]): each connection has a share of its own, which the
//! largest transaction fits in, and what is larger comes out of common budgets or is refused.

mod answer;
mod budget;
mod calls;
mod connections;
mod http;
pub mod limits;
mod notify;
mod request_check;
mod socket;
mod websocket;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jsonrpsee::server::Methods;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::ServiceBuilder;
use tower_http::cors::{Any, CorsLayer};

pub use self::budget::{Charge, Exhausted};
pub use self::calls::InBatch;
pub use self::notify::Notifier;

use self::calls::Calls;
use self::connections::{Connection, Connections};
use self::limits::{BUFFER_BYTES, CONNECTIONS_MAX, DESCRIPTORS_RESERVED, IDLE_FOR, STOP_WITHIN, TAKEN_WITHIN};
use self::socket::Socket;

/// How long to wait when the system gives no more connections.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Somebody else listens there.
    #[error("{0} is in use: another node or program listens there")]
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
    connections: Arc<Connections>,
    /// Its other end is dropped when nobody accepts connections any more.
    accepting: watch::Receiver<()>,
}

impl RpcServer {
    /// Starts serving `methods` to whoever connects to `listener`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ServerError::Io`].
    pub fn start(listener: Listener, methods: Methods) -> Result<Self, ServerError> {
        let address = listener.address;
        let socket = tokio::net::TcpListener::from_std(listener.socket);
        let socket = socket.map_err(|reason| ServerError::Io { address, reason })?;
        let connections = Connections::new(Calls::new(methods), connections_max(raise_descriptor_limit()));
        let (is_accepting, accepting) = watch::channel(());
        tokio::spawn(accept(socket, connections.clone(), is_accepting));
        Ok(Self { address, connections, accepting })
    }

    /// Returns when it answers no more requests, though nobody stopped it.
    pub async fn ended(&self) {
        // Nothing is ever sent: an error says that the other end is gone, however it went.
        let _ = self.accepting.clone().changed().await;
    }

    /// Takes no more requests, answers those under way, and returns when all connections are closed, or after a while
    /// if a client keeps one open.
    pub async fn stop(self) {
        self.connections.stop();
        if tokio::time::timeout(STOP_WITHIN, self.connections.ended()).await.is_err() {
            tracing::warn!("a client did not end its request: the connection is cut");
            self.connections.cut_all();
        }
    }
}

/// Serves whoever connects until the server stops.
async fn accept(socket: tokio::net::TcpListener, connections: Arc<Connections>, _is_accepting: watch::Sender<()>) {
    let stopped = connections.stopped();
    tokio::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = &mut stopped => return,
        };
        match accepted {
            Ok((stream, _)) => match connections.admit() {
                Some(connection) => drop(tokio::spawn(serve(connection, stream))),
                None => drop(tokio::spawn(turn_away(stream))),
            },
            Err(error) => {
                tracing::warn!(%error, "no more connections can be accepted for a moment");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// Tells a client that everybody else is being answered.
async fn turn_away(mut stream: TcpStream) {
    let words = "Too many connections. Please try again later.\n";
    let length = words.len();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{words}"
    );
    // It fits into any socket's buffer, and who is gone needs no answer.
    let _ = tokio::time::timeout(ACCEPT_AGAIN, stream.write_all(answer.as_bytes())).await;
}

/// Answers one connection's requests until it ends.
async fn serve(connection: Arc<Connection>, stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended at once");
        return;
    }
    let serving = connection.clone();
    let answers = tower::service_fn(move |request| http::serve(serving.clone(), request));
    let cors = CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(Any);
    let service = TowerToHyperService::new(ServiceBuilder::new().layer(cors).service(answers));
    // HTTP/1 only: there, a connection has one request at a time.
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_FOR)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(Socket::new(stream, TAKEN_WITHIN)), service)
        .with_upgrades();
    tokio::pin!(conversation);
    let ended = tokio::select! {
        ended = &mut conversation => ended,
        () = connection.cut() => return,
        () = connection.stopped() => {
            conversation.as_mut().graceful_shutdown();
            tokio::select! {
                ended = conversation => ended,
                () = connection.cut() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
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
fn connections_max(descriptors: u64) -> usize {
    let free = usize::try_from(descriptors.saturating_sub(DESCRIPTORS_RESERVED)).unwrap_or(usize::MAX);
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
