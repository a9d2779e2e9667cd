//! Connections that speak WebSocket: messages are answered as they come, a few at a time, and notifications are sent.
//!
//! The JSON-RPC library's own transport takes as many messages as a client sends, and keeps every answer until the client
//! reads it.

mod frames;

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use jsonrpsee::server::{BoundedSubscriptions, ConnectionId, HttpBody, HttpRequest, HttpResponse, MethodSink};
use jsonrpsee::types::error::reject_too_big_request;
use serde_json::value::RawValue;
use soketto::base::OpCode;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::frames::{Event, Reader, Refusal, head};
use super::answer::Answer;
use super::calls::{Caller, Subscriber, Text, busy_with_requests, error_text};
use super::connections::Connection;
use super::http::refusal;
use super::limits::{IN_FLIGHT_MAX, PING_EVERY, REQUEST_BYTES_MAX, REQUEST_WITHIN, STOP_WITHIN, SUBSCRIPTIONS_MAX};
use super::notify::{Notifier, Outgoing};
use crate::rpc::RpcError;
use crate::rpc::error::code;

/// How often in a row a client may leave a ping unanswered.
const SILENCES_MAX: u32 = 3;
/// Answers to `eth_subscribe` that wait to be written; more of them wait at their messages.
const SUBSCRIBED: usize = 1;
/// The status of an end that nothing is wrong with.
const NORMAL: u16 = 1_000;
/// The status that says that the server stops.
const GOING_AWAY: u16 = 1_001;

/// Answers a request to speak WebSocket, and does so from then on.
pub fn upgrade(connection: &Arc<Connection>, request: HttpRequest<Incoming>) -> HttpResponse {
    let response = match soketto::handshake::http::Server::new().receive_request(&request) {
        Ok(response) => response,
        Err(error) => {
            let mut response = HttpResponse::new(HttpBody::from(format!("no WebSocket handshake: {error}\n")));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return response;
        }
    };
    let Some(permit) = connection.enter_websocket() else {
        let words = "too many WebSocket connections: use HTTP, or try again later";
        return refusal(StatusCode::SERVICE_UNAVAILABLE, RpcError::new(code::LIMIT, words));
    };
    let connection = connection.clone();
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            tokio::select! {
                () = serve(&connection, TokioIo::new(upgraded)) => {}
                () = connection.cut() => {}
            }
        }
        drop(permit);
    });
    response.map(|()| HttpBody::empty())
}

/// Why no more is read.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The client said so.
    Closed(u16),
    /// The server stops.
    Stopped,
    /// The client is gone, or breaks the protocol.
    Broken,
}

async fn serve<S: AsyncRead + AsyncWrite>(connection: &Arc<Connection>, stream: S) {
    let (reader, writer) = tokio::io::split(stream);
    let (outgoing, answers) = mpsc::unbounded_channel();
    let (sink, subscribed) = mpsc::channel(SUBSCRIBED);
    let (pongs, pinged) = watch::channel(Bytes::new());
    let subscriber = Subscriber {
        connection: ConnectionId(connection.number),
        sink: MethodSink::new(sink),
        slots: BoundedSubscriptions::new(SUBSCRIPTIONS_MAX),
        notifier: Notifier {
            answers: connection.answers.clone(),
            subscriptions: connection.subscriptions.clone(),
            outgoing: outgoing.clone(),
        },
    };
    let caller = Caller {
        requests: connection.requests.clone(),
        answers: connection.answers.clone(),
        subscriber: Some(subscriber),
    };
    let mut session = Session {
        connection: connection.clone(),
        caller: Arc::new(caller),
        reader: Reader::new(reader, connection.requests.clone(), REQUEST_BYTES_MAX),
        free: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
        tasks: JoinSet::new(),
        outgoing,
        pongs,
    };
    let writing = write(writer, answers, subscribed, pinged);
    tokio::pin!(writing);
    let end = tokio::select! {
        // The client does not take what it asked for, or is gone.
        _ = &mut writing => return,
        end = session.read() => end,
        () = connection.stopped() => End::Stopped,
    };
    let status = match end {
        End::Broken => return,
        End::Closed(status) => status,
        End::Stopped => {
            let answered = async { while session.tasks.join_next().await.is_some() {} };
            tokio::select! {
                _ = &mut writing => return,
                () = answered => {}
            }
            GOING_AWAY
        }
    };
    // Nobody receives it if writing has ended.
    let _ = session.outgoing.send(Outgoing::Close(status));
    let _ = timeout(STOP_WITHIN, writing).await;
}

/// The reading half of a connection.
struct Session<R> {
    connection: Arc<Connection>,
    caller: Arc<Caller>,
    reader: Reader<R>,
    /// Permits to answer messages.
    free: Arc<Semaphore>,
    tasks: JoinSet<()>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    pongs: watch::Sender<Bytes>,
}

impl<R: AsyncRead + Unpin> Session<R> {
    async fn read(&mut self) -> End {
        loop {
            // Nothing is read that could not be answered: it waits at the client.
            let Ok(permit) = self.free.clone().acquire_owned().await else { return End::Broken };
            while self.tasks.try_join_next().is_some() {}
            match self.message(permit).await {
                Ok(()) => {}
                Err(end) => return end,
            }
        }
    }

    /// Reads one message and sees to its answer.
    async fn message(&mut self, permit: OwnedSemaphorePermit) -> Result<(), End> {
        loop {
            let event = self.event().await?;
            // Also a client that does other things meanwhile must get its message here in time.
            if self.reader.begun().is_some_and(|begun| begun.elapsed() > REQUEST_WITHIN) {
                return Err(End::Broken);
            }
            match event {
                Event::Message(text) => {
                    self.answer(text, permit);
                    return Ok(());
                }
                Event::Refused(refused) => {
                    let mut answer = Answer::new(self.caller.answers.charge());
                    answer.push_small(match refused {
                        Refusal::Busy => error_text(busy_with_requests()),
                        Refusal::TooLarge => too_large(),
                    });
                    return self.send(Outgoing::Answer(answer, permit));
                }
                // Of many pings only the last is answered if the client does not read.
                Event::Ping(payload) => drop(self.pongs.send_replace(payload)),
                Event::Pong => {}
                Event::Close(status) => return Err(End::Closed(status.unwrap_or(NORMAL))),
            }
        }
    }

    /// What comes next from a client that is there.
    async fn event(&mut self) -> Result<Event, End> {
        let mut silences = 0;
        loop {
            let before = self.reader.bytes();
            match timeout(PING_EVERY, self.reader.next()).await {
                Ok(Ok(event)) => return Ok(event),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a WebSocket connection ends");
                    return Err(End::Broken);
                }
                Err(_) => {
                    if self.reader.begun().is_some_and(|begun| begun.elapsed() > REQUEST_WITHIN) {
                        return Err(End::Broken);
                    }
                    silences = if self.reader.bytes() > before { 0 } else { silences + 1 };
                    if silences > SILENCES_MAX {
                        return Err(End::Broken);
                    }
                    self.send(Outgoing::Ping)?;
                }
            }
        }
    }

    fn send(&self, outgoing: Outgoing) -> Result<(), End> {
        self.outgoing.send(outgoing).map_err(|_| End::Broken)
    }

    fn answer(&mut self, text: Text, permit: OwnedSemaphorePermit) {
        let (connection, caller, outgoing) = (self.connection.clone(), self.caller.clone(), self.outgoing.clone());
        self.tasks.spawn(async move {
            if let Some(answer) = connection.all.calls.answer(text, &caller).await {
                // Nobody receives it if the connection has ended.
                let _ = outgoing.send(Outgoing::Answer(answer, permit));
            }
        });
    }
}

fn too_large() -> String {
    let limit = u32::try_from(REQUEST_BYTES_MAX).unwrap_or(u32::MAX);
    error_text(reject_too_big_request(limit))
}

/// Writes what there is to be written until the end, or until the client takes no more.
async fn write<W: AsyncWrite + Unpin>(
    stream: W,
    mut outgoing: mpsc::UnboundedReceiver<Outgoing>,
    mut subscribed: mpsc::Receiver<Box<RawValue>>,
    mut pinged: watch::Receiver<Bytes>,
) -> std::io::Result<()> {
    let mut writer = Writer { stream };
    loop {
        tokio::select! {
            Ok(()) = pinged.changed() => {
                let payload = pinged.borrow_and_update().clone();
                writer.frame(OpCode::Pong, [payload]).await?;
            }
            Some(answer) = subscribed.recv() => writer.text(answer).await?,
            Some(outgoing) = outgoing.recv() => match outgoing {
                Outgoing::Answer(answer, permit) => {
                    writer.frame(OpCode::Text, answer.into_parts()).await?;
                    drop(permit);
                }
                Outgoing::Notifications(texts, charge) => {
                    // The client must know the subscription before it is told anything of it.
                    while let Ok(answer) = subscribed.try_recv() {
                        writer.text(answer).await?;
                    }
                    for text in texts {
                        writer.frame(OpCode::Text, [Bytes::from(text)]).await?;
                    }
                    drop(charge);
                }
                Outgoing::Ping => writer.frame(OpCode::Ping, [Bytes::new()]).await?,
                Outgoing::Close(status) => {
                    writer.frame(OpCode::Close, [Bytes::copy_from_slice(&status.to_be_bytes())]).await?;
                    return writer.stream.shutdown().await;
                }
            },
            else => return Ok(()),
        }
    }
}

/// The writing half of a connection.
struct Writer<W> {
    stream: W,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Writes one frame, each part of which goes when it was written.
    async fn frame<P>(&mut self, opcode: OpCode, parts: P) -> std::io::Result<()>
    where
        P: IntoIterator<Item = Bytes> + AsRef<[Bytes]>,
    {
        let bytes = parts.as_ref().iter().map(Bytes::len).sum();
        self.stream.write_all(&head(opcode, bytes)).await?;
        for part in parts {
            self.stream.write_all(&part).await?;
        }
        self.stream.flush().await
    }

    async fn text(&mut self, text: Box<RawValue>) -> std::io::Result<()> {
        self.frame(OpCode::Text, [Bytes::from(Box::<str>::from(text).into_string())]).await
    }
}
