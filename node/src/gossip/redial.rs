//! Peers that the operator names are dialled again and again, for ever.

use std::error::Error;
use std::time::{Duration, Instant};

use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError};
use libp2p::{Multiaddr, PeerId};

/// The first wait; each one doubles.
const WAIT_MIN: Duration = Duration::from_millis(250);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// A connection that lasted so long was a good one: the next wait is the first again.
const GOOD_AFTER: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting { until: Instant },
    Dialling { id: ConnectionId },
    Connected { id: ConnectionId, since: Instant },
}

#[derive(Debug)]
struct Target {
    address: Multiaddr,
    peer: Option<PeerId>,
    state: State,
    wait: Duration,
    /// Whether its operator was told that it cannot be reached.
    is_reported: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Redial {
    targets: Vec<Target>,
}

/// The peer that an address ends with, if it names one.
#[must_use]
pub fn named_peer(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// Why a dial failed, on one line: what lies at the bottom of it. The whole has the same words four times, on as many lines.
#[must_use]
pub fn reason(error: &DialError) -> String {
    let transport = match error {
        DialError::Transport(errors) => errors.first().map(|(_, error)| error as &dyn Error),
        _ => None,
    };
    let mut cause = transport.unwrap_or(error);
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Redial {
    /// All are due at once.
    #[must_use]
    pub fn new(addresses: Vec<Multiaddr>, now: Instant) -> Self {
        let target = |address: Multiaddr| {
            let (peer, state) = (named_peer(&address), State::Waiting { until: now });
            Target { address, peer, state, wait: WAIT_MIN, is_reported: false }
        };
        Self { targets: addresses.into_iter().map(target).collect() }
    }

    /// When the next one is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let due = |target: &Target| match target.state {
            State::Waiting { until } => Some(until),
            _ => None,
        };
        self.targets.iter().filter_map(due).min()
    }

    /// Whom to dial now. What comes of each must be told.
    pub fn due(&mut self, now: Instant) -> Vec<DialOpts> {
        let is_due = |target: &&mut Target| matches!(target.state, State::Waiting { until } if until <= now);
        let dial = |target: &mut Target| {
            let address = target.address.clone();
            let options = match target.peer {
                Some(peer) => DialOpts::peer_id(peer)
                    .addresses(vec![address])
                    .condition(PeerCondition::DisconnectedAndNotDialing)
                    .build(),
                None => DialOpts::unknown_peer_id().address(address).build(),
            };
            target.state = State::Dialling { id: options.connection_id() };
            options
        };
        self.targets.iter_mut().filter(is_due).map(dial).collect()
    }

    fn find(&mut self, wanted: ConnectionId) -> Option<&mut Target> {
        self.targets.iter_mut().find(|target| match target.state {
            State::Waiting { .. } => false,
            State::Dialling { id } | State::Connected { id, .. } => id == wanted,
        })
    }

    /// A connection is there.
    pub fn connected(&mut self, id: ConnectionId, now: Instant) {
        if let Some(target) = self.find(id) {
            target.state = State::Connected { id, since: now };
            target.is_reported = false;
        }
    }

    /// A connection is no more, or could not be made; says which address that was and how long until it is dialled again,
    /// if nobody was told since it was last connected.
    pub fn failed(&mut self, id: ConnectionId, now: Instant) -> Option<(&Multiaddr, Duration)> {
        let target = self.find(id)?;
        let was_good = matches!(target.state, State::Connected { since, .. }
            if now.saturating_duration_since(since) >= GOOD_AFTER);
        let wait = if was_good { WAIT_MIN } else { target.wait };
        target.state = State::Waiting { until: now + wait };
        target.wait = wait.saturating_mul(2).min(WAIT_MAX);
        let is_news = !std::mem::replace(&mut target.is_reported, true);
        is_news.then_some((&target.address, wait))
    }

    /// A dial was not needed, since the peer is connected or being dialled: look again in a while.
    pub fn not_needed(&mut self, id: ConnectionId, now: Instant) {
        if let Some(target) = self.find(id) {
            target.state = State::Waiting { until: now + WAIT_MAX / 4 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_begin_anew_after_a_good_connection() {
        let mut now = Instant::now();
        let mut redial = Redial::new(vec!["/ip4/127.0.0.1/tcp/1".parse().expect("an address")], now);
        let (mut waits, mut told) = (Vec::new(), 0);
        for _ in 0..10 {
            let options = redial.due(now);
            assert_eq!(options.len(), 1);
            assert!(redial.due(now).is_empty() && redial.next_due().is_none(), "it is being dialled");
            told += usize::from(redial.failed(options[0].connection_id(), now).is_some());
            let next = redial.next_due().expect("it will be dialled again");
            waits.push((next - now).as_millis());
            now = next;
        }
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(told, 1, "its operator is told once");

        let id = redial.due(now)[0].connection_id();
        redial.connected(id, now);
        assert!(redial.failed(ConnectionId::new_unchecked(0), now).is_none(), "another's connection");
        now += Duration::from_secs(1);
        assert_eq!(redial.failed(id, now).map(|(_, wait)| wait), Some(WAIT_MAX), "a bad connection");
        now += WAIT_MAX;
        let id = redial.due(now)[0].connection_id();
        redial.connected(id, now);
        now += GOOD_AFTER;
        assert_eq!(redial.failed(id, now).map(|(_, wait)| wait), Some(WAIT_MIN), "a good one");
    }

    #[test]
    fn a_named_peer_is_dialled_under_its_name() {
        let peer = PeerId::random();
        let address: Multiaddr = format!("/dns4/node.example/tcp/1/p2p/{peer}").parse().expect("an address");
        assert_eq!(
            (named_peer(&address), named_peer(&"/ip4/127.0.0.1/tcp/1".parse().expect("one"))),
            (Some(peer), None)
        );
        let now = Instant::now();
        let mut redial = Redial::new(vec![address], now);
        let options = redial.due(now);
        assert_eq!(options[0].get_peer_id(), Some(peer));
        redial.not_needed(options[0].connection_id(), now);
        assert_eq!(redial.next_due(), Some(now + WAIT_MAX / 4));
    }
}
