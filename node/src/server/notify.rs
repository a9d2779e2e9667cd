//! What a WebSocket connection has to write, and how subscriptions add to it without outgrowing what it may hold.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::answer::Answer;
use super::budget::{Account, Charge, Exhausted};
use super::limits::SUBSCRIPTION_BYTES;
use crate::rpc::RpcError;
use crate::rpc::error::code;

/// How often a subscription that found no room looks again.
const RETRY: Duration = Duration::from_millis(100);

/// What is to be written.
#[derive(Debug)]
pub enum Outgoing {
    /// An answer; the next message is read when it was written.
    Answer(Answer, OwnedSemaphorePermit),
    /// Notifications, each a message, and what counts them.
    Notifications(Vec<String>, Charge),
    /// A question whether the client is there.
    Ping,
    /// The end.
    Close(u16),
}

/// The way of a subscription to its client.
#[derive(Clone, Debug)]
pub struct Notifier {
    /// What answers and notifications of the connection hold.
    pub answers: Arc<Account>,
    /// What its subscriptions themselves hold.
    pub subscriptions: Arc<Account>,
    /// What is to be written.
    pub outgoing: mpsc::UnboundedSender<Outgoing>,
}

impl Notifier {
    /// Counts a subscription that remembers so many bytes for as long as it lives.
    ///
    /// # Errors
    /// -32005 if there are too many of them.
    pub fn remember(&self, bytes: usize) -> Result<Charge, RpcError> {
        let mut charge = self.subscriptions.charge();
        charge.add(SUBSCRIPTION_BYTES + bytes).map_err(|Exhausted| {
            let words = "the server is busy: subscriptions take all the memory that it has for them. End some, name \
                         fewer addresses and topics, or try again later";
            RpcError::new(code::LIMIT, words)
        })?;
        Ok(charge)
    }

    /// Sends `texts`; if there is no room for them they are gone, and how much room they need is the error.
    ///
    /// # Errors
    /// The number of bytes to wait for with [`Self::room`].
    pub fn send(&self, texts: Vec<String>, mut room: Charge) -> Result<(), usize> {
        let bytes = texts.iter().map(String::len).sum();
        room.raise_to(bytes).map_err(|Exhausted| bytes)?;
        // Nobody receives it if the connection has ended, which the subscription learns from its sink.
        let _ = self.outgoing.send(Outgoing::Notifications(texts, room));
        Ok(())
    }

    /// Returns when the client has read so much that there is room for `bytes` more.
    pub async fn room(&self, bytes: usize) -> Charge {
        let mut room = self.answers.charge();
        while let Err(Exhausted) = room.add(bytes) {
            tokio::time::sleep(RETRY).await;
        }
        room
    }
}
