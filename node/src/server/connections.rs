//! Who is connected, and who goes when too many are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::budget::{Account, Budget, Terms};
use super::calls::Calls;
use super::limits::{
    ANSWER_BYTES_FREE, ANSWER_BYTES_MAX, ANSWERS_COMMON_BYTES, REQUEST_BYTES_FREE, REQUEST_BYTES_MAX, REQUEST_COPIES,
    REQUESTS_COMMON_BYTES, SUBSCRIPTIONS_BYTES_FREE, SUBSCRIPTIONS_BYTES_MAX, SUBSCRIPTIONS_COMMON_BYTES,
};

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nothing is asked.
    Idle,
    /// A request arrives.
    Receiving,
    /// A request is answered.
    Answering,
    /// It speaks WebSocket.
    WebSocket,
}

/// All connections and what they share.
#[derive(Debug)]
pub struct Connections {
    /// The methods.
    pub calls: Calls,
    most: usize,
    requests: Arc<Budget>,
    answers: Arc<Budget>,
    subscriptions: Arc<Budget>,
    stop: watch::Sender<bool>,
    count: watch::Sender<usize>,
    next: AtomicUsize,
    websockets: Arc<Semaphore>,
    open: Mutex<BTreeMap<usize, Arc<Standing>>>,
}

/// How a connection stands.
#[derive(Debug)]
struct Standing {
    /// What it does, and since when.
    phase: Mutex<(Phase, Instant)>,
    cut: Notify,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// Tells the connections apart.
    pub number: usize,
    /// All others, and what it shares with them.
    pub all: Arc<Connections>,
    /// What its requests hold.
    pub requests: Arc<Account>,
    /// What its answers hold.
    pub answers: Arc<Account>,
    /// What its subscriptions hold.
    pub subscriptions: Arc<Account>,
    standing: Arc<Standing>,
}

impl Connections {
    /// None, of at most so many.
    #[must_use]
    pub fn new(calls: Calls, most: usize) -> Arc<Self> {
        Arc::new(Self {
            calls,
            most,
            requests: Budget::new(REQUESTS_COMMON_BYTES),
            answers: Budget::new(ANSWERS_COMMON_BYTES),
            subscriptions: Budget::new(SUBSCRIPTIONS_COMMON_BYTES),
            stop: watch::Sender::new(false),
            count: watch::Sender::new(0),
            next: AtomicUsize::new(1),
            websockets: Arc::new(Semaphore::new(most / 2)),
            open: Mutex::default(),
        })
    }

    /// A new connection; if there are too many, the one that has been idle, or has been sending its request, for longest
    /// makes room. `None` if all others are being answered.
    #[must_use]
    pub fn admit(self: &Arc<Self>) -> Option<Arc<Connection>> {
        let mut open = self.open.lock();
        if open.len() >= self.most {
            let waiting = open.iter().map(|(number, standing)| (*standing.phase.lock(), *number));
            let (_, victim) = waiting.filter(|((phase, _), _)| *phase < Phase::Answering).min()?;
            open.remove(&victim)?.cut.notify_one();
        }
        let requests =
            Terms { free: REQUEST_BYTES_FREE, most: REQUEST_BYTES_MAX + REQUEST_BYTES_FREE, copies: REQUEST_COPIES };
        let answers = Terms { free: ANSWER_BYTES_FREE, most: ANSWER_BYTES_MAX, copies: 1 };
        let subscriptions = Terms { free: SUBSCRIPTIONS_BYTES_FREE, most: SUBSCRIPTIONS_BYTES_MAX, copies: 1 };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let standing = Arc::new(Standing { phase: Mutex::new((Phase::Idle, Instant::now())), cut: Notify::new() });
        open.insert(number, standing.clone());
        self.count.send_modify(|count| *count += 1);
        Some(Arc::new(Connection {
            number,
            all: self.clone(),
            requests: Account::new(requests, self.requests.clone()),
            answers: Account::new(answers, self.answers.clone()),
            subscriptions: Account::new(subscriptions, self.subscriptions.clone()),
            standing,
        }))
    }

    /// Asks all to take no more requests.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns when the server takes no more requests.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            // Whoever could still say so being gone means the same.
            let _ = stop.wait_for(|is_stopped| *is_stopped).await;
        }
    }

    /// Returns when there are no connections.
    pub async fn ended(&self) {
        let mut count = self.count.subscribe();
        // The sender lives as long as this.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    /// Ends all of them.
    pub fn cut_all(&self) {
        self.open.lock().values().for_each(|standing| standing.cut.notify_one());
    }
}

impl Connection {
    /// It is doing something else now.
    pub fn enter(&self, phase: Phase) {
        *self.standing.phase.lock() = (phase, Instant::now());
    }

    /// It speaks WebSocket from now on and for as long as the permit lives; `None` if too many do.
    #[must_use]
    pub fn enter_websocket(&self) -> Option<OwnedSemaphorePermit> {
        let permit = self.all.websockets.clone().try_acquire_owned().ok()?;
        self.enter(Phase::WebSocket);
        Some(permit)
    }

    /// Returns when the server takes no more requests.
    pub async fn stopped(&self) {
        self.all.stopped().await;
    }

    /// Returns when it must end: others need its place, or the server has stopped.
    pub async fn cut(&self) {
        self.standing.cut.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open.lock().remove(&self.number);
        self.all.count.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use jsonrpsee::server::Methods;

    use super::*;

    #[test]
    fn the_longest_idle_makes_room_and_who_is_answered_stays() {
        let all = Connections::new(Calls::new(Methods::new()), 3);
        let [first, second, third] = [(); 3].map(|()| all.admit().expect("room"));
        first.enter(Phase::Answering);
        third.enter(Phase::Receiving);
        let fourth = all.admit().expect("the second makes room");
        assert!(!all.open.lock().contains_key(&second.number));
        fourth.enter(Phase::Answering);
        let fifth = all.admit().expect("the third makes room, it has not asked yet");
        assert!(!all.open.lock().contains_key(&third.number));
        let _permit = fifth.enter_websocket().expect("one may");
        assert!(all.admit().is_none(), "everybody is busy");
        drop(first);
        assert!(all.admit().is_some());
    }

    #[test]
    fn websockets_leave_half_of_the_connections() {
        let all = Connections::new(Calls::new(Methods::new()), 4);
        let connections = [(); 4].map(|()| all.admit().expect("room"));
        let permits = connections.each_ref().map(|connection| connection.enter_websocket());
        assert_eq!(permits.each_ref().map(Option::is_some), [true, true, false, false]);
        drop(permits);
        assert!(connections[3].enter_websocket().is_some());
    }
}
