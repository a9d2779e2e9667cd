//! Who may be connected: how many in all and from one address, and who is refused for a while.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};

use super::rate::{Rate, TokenBucket};
use super::redial::named_peer;

/// Connections whose other side has not proved who it is yet, at most so many at a time.
const PENDING_MAX: usize = 32;
/// The same for each address that a configured peer has: strangers cannot take its place.
const PENDING_KNOWN_MAX: usize = 8;
/// Connections of one peer: both sides may dial at once.
const PER_PEER_MAX: usize = 2;
/// How fast others may connect: each costs a handshake, and leaves a peer's score behind for a while.
const ARRIVALS: Rate = Rate { per_second: 4, burst: 64 };
/// Most bans at a time; the oldest is lifted for the newest.
const BANS_MAX: usize = 4_096;

/// Where a peer comes from: an IPv4 address, or the network of 2^64 addresses that any host of IPv6 can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host(IpAddr);

impl Host {
    /// That of an address on a network; `None` if it names no IP address.
    #[must_use]
    pub fn of(address: &Multiaddr) -> Option<Self> {
        let ip = address.iter().find_map(|part| match part {
            Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
            Protocol::Ip6(ip) => Some(IpAddr::V6(ip)),
            _ => None,
        })?;
        Some(Self(match ip.to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
            v4 => v4,
        }))
    }
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It misbehaved a short time ago.
    #[error("banned for a while")]
    Banned,
    /// As many peers as there may be.
    #[error("as many peers as there may be")]
    Full,
    /// This address has as many connections as it may have.
    #[error("as many connections from this address as there may be")]
    Host,
    /// This peer has as many connections as it may have.
    #[error("connected already")]
    Peer,
    /// More than can be looked at.
    #[error("too many connections at a time")]
    Pace,
}

/// What is refused for a while, and until when.
#[derive(Debug, Default)]
struct Bans {
    until: BTreeMap<Banned, Instant>,
    order: VecDeque<Banned>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Banned {
    Peer(PeerId),
    Host(Host),
}

impl Bans {
    fn add(&mut self, banned: Banned, until: Instant) {
        if self.until.insert(banned, until).is_some() {
            self.order.retain(|other| *other != banned);
        }
        self.order.push_back(banned);
        while self.order.len() > BANS_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.until.remove(&oldest);
            }
        }
    }

    fn has(&self, banned: Banned, now: Instant) -> bool {
        self.until.get(&banned).is_some_and(|until| *until > now)
    }

    fn lift(&mut self, now: Instant) {
        while let Some(oldest) = self.order.front().filter(|oldest| !self.has(**oldest, now)).copied() {
            self.order.pop_front();
            self.until.remove(&oldest);
        }
    }
}

/// A connection, from its first packet on.
#[derive(Debug)]
struct Held {
    /// Where it comes from, if the other side opened it.
    host: Option<Host>,
    /// Who it is, once that is proved.
    peer: Option<PeerId>,
}

/// See the module.
#[derive(Debug)]
pub struct Gate {
    /// Connections that others open, in all.
    peers_max: usize,
    /// Connections from one address; `None` where many nodes share one.
    per_host_max: Option<usize>,
    ban: Duration,
    /// Peers that are let in even when there are enough.
    expected: BTreeSet<PeerId>,
    /// Where configured peers come from: they need not wait behind strangers.
    known: BTreeSet<Host>,
    connections: HashMap<ConnectionId, Held>,
    arrivals: TokenBucket,
    bans: Bans,
}

impl Gate {
    /// Nobody is connected; `peers` are the addresses of those that this node dials.
    #[must_use]
    pub fn new(peers_max: usize, per_host_max: Option<usize>, ban: Duration, peers: &[Multiaddr]) -> Self {
        let (connections, arrivals) = (HashMap::new(), TokenBucket::new(ARRIVALS, Instant::now()));
        let expected = peers.iter().filter_map(named_peer).collect();
        // Where many nodes share an address, strangers may come from there too.
        let known = peers.iter().filter(|_| per_host_max.is_some()).filter_map(Host::of).collect();
        Self { peers_max, per_host_max, ban, expected, known, connections, arrivals, bans: Bans::default() }
    }

    /// Somebody connects from `host`.
    ///
    /// # Errors
    /// [`Refusal`]; the connection is then not counted.
    pub fn arrive(&mut self, id: ConnectionId, host: Option<Host>, now: Instant) -> Result<(), Refusal> {
        if let (Some(host), Some(max)) = (host, self.per_host_max) {
            if self.bans.has(Banned::Host(host), now) {
                return Err(Refusal::Banned);
            }
            if self.connections.values().filter(|held| held.host == Some(host)).count() >= max {
                return Err(Refusal::Host);
            }
        }
        let pending = |counted: &dyn Fn(&Held) -> bool| {
            self.connections.values().filter(|held| held.peer.is_none() && counted(held)).count()
        };
        let is_known = |host: &Host| self.known.contains(host);
        let has_place_of_its_own =
            host.filter(is_known).is_some_and(|known| pending(&|held| held.host == Some(known)) < PENDING_KNOWN_MAX);
        let strangers = pending(&|held| !held.host.as_ref().is_some_and(is_known));
        let may_come = has_place_of_its_own || (strangers < PENDING_MAX && self.arrivals.take(1, now));
        if !may_come {
            return Err(Refusal::Pace);
        }
        self.connections.insert(id, Held { host, peer: None });
        Ok(())
    }

    /// A connection turns out to be to `peer`, which opened it unless `is_ours`.
    ///
    /// # Errors
    /// [`Refusal`]; the swarm then says that the connection is closed.
    pub fn establish(&mut self, id: ConnectionId, peer: PeerId, is_ours: bool, now: Instant) -> Result<(), Refusal> {
        if self.bans.has(Banned::Peer(peer), now) {
            return Err(Refusal::Banned);
        }
        let (mut of_peer, mut from_others) = (0, 0);
        for held in self.connections.values() {
            of_peer += usize::from(held.peer == Some(peer));
            from_others += usize::from(held.host.is_some() && held.peer.is_some());
        }
        if of_peer >= PER_PEER_MAX {
            return Err(Refusal::Peer);
        }
        if !is_ours && from_others >= self.peers_max && !self.expected.contains(&peer) {
            return Err(Refusal::Full);
        }
        self.connections.entry(id).or_insert(Held { host: None, peer: None }).peer = Some(peer);
        Ok(())
    }

    /// A connection is no more, or never came to be.
    pub fn close(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
    }

    /// Refuses `peer` for a while, and whoever comes from where it came from, unless many nodes share an address.
    pub fn ban(&mut self, peer: PeerId, now: Instant) {
        self.bans.lift(now);
        let until = now + self.ban;
        self.bans.add(Banned::Peer(peer), until);
        if self.per_host_max.is_some() {
            let hosts: BTreeSet<Host> =
                self.connections.values().filter(|held| held.peer == Some(peer)).filter_map(|held| held.host).collect();
            for host in hosts {
                self.bans.add(Banned::Host(host), until);
            }
        }
    }

    /// Whether this peer is refused.
    #[must_use]
    pub fn is_banned(&self, peer: PeerId, now: Instant) -> bool {
        self.bans.has(Banned::Peer(peer), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAN: Duration = Duration::from_secs(300);

    fn host(address: &str) -> Option<Host> {
        Host::of(&address.parse().expect("an address"))
    }

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    fn gate(peers_max: usize, per_host_max: Option<usize>) -> Gate {
        Gate::new(peers_max, per_host_max, BAN, &[])
    }

    #[test]
    fn hosts_are_addresses_or_networks_of_the_sixth_version() {
        assert_eq!(host("/ip4/10.0.0.1/tcp/1"), host("/ip4/10.0.0.1/tcp/2"));
        assert_eq!(host("/ip6/::ffff:10.0.0.1/tcp/1"), host("/ip4/10.0.0.1/tcp/1"));
        assert_eq!(host("/ip6/2001:db8::1/tcp/1"), host("/ip6/2001:db8::ffff:1/tcp/1"));
        assert_ne!(host("/ip6/2001:db8:0:1::1/tcp/1"), host("/ip6/2001:db8::1/tcp/1"));
        assert_eq!(host("/dns4/example.org/tcp/1"), None);
    }

    #[test]
    fn connections_are_bounded_in_all_from_one_address_and_of_one_peer() {
        let now = Instant::now();
        let mut gate = gate(3, Some(2));
        let peers: Vec<PeerId> = (0..5).map(|_| PeerId::random()).collect();
        for (number, peer) in peers.iter().enumerate().take(2) {
            gate.arrive(id(number), host("/ip4/10.0.0.1/tcp/1"), now).expect("two from an address");
            gate.establish(id(number), *peer, false, now).expect("room");
        }
        assert_eq!(gate.arrive(id(9), host("/ip4/10.0.0.1/tcp/9"), now), Err(Refusal::Host));
        gate.arrive(id(2), host("/ip4/10.0.0.2/tcp/1"), now).expect("another address");
        gate.establish(id(2), peers[2], false, now).expect("room");
        gate.arrive(id(3), host("/ip4/10.0.0.3/tcp/1"), now).expect("who it is cannot be known yet");
        assert_eq!(gate.establish(id(3), peers[3], false, now), Err(Refusal::Full));
        gate.establish(id(4), peers[4], true, now).expect("we dialled it");
        gate.establish(id(5), peers[4], true, now).expect("twice at most");
        assert_eq!(gate.establish(id(6), peers[4], true, now), Err(Refusal::Peer));
        gate.close(id(0));
        gate.establish(id(3), peers[3], false, now).expect("there is room again");
        (0..10).for_each(|number| gate.close(id(number)));
        assert!(gate.connections.is_empty());
    }

    #[test]
    fn a_peer_that_is_expected_is_let_in_when_there_are_enough() {
        let (now, friend) = (Instant::now(), PeerId::random());
        let mut gate = Gate::new(0, None, BAN, &[format!("/ip4/10.0.0.1/tcp/1/p2p/{friend}").parse().expect("one")]);
        gate.arrive(id(1), host("/ip4/10.0.0.1/tcp/1"), now).expect("who it is cannot be known yet");
        assert_eq!(gate.establish(id(1), PeerId::random(), false, now), Err(Refusal::Full));
        gate.establish(id(1), friend, false, now).expect("it is expected");
    }

    #[test]
    fn those_that_prove_nothing_are_bounded_and_so_is_the_pace() {
        let now = Instant::now();
        let mut gate = gate(1_000, None);
        for number in 0..PENDING_MAX {
            gate.arrive(id(number), host("/ip4/10.0.0.1/tcp/1"), now).expect("room");
        }
        assert_eq!(gate.arrive(id(999), host("/ip4/10.0.0.1/tcp/1"), now), Err(Refusal::Pace));
        (0..PENDING_MAX).for_each(|number| gate.close(id(number)));
        let let_in = (0..1_000).filter(|number| {
            let result = gate.arrive(id(*number), host("/ip4/10.0.0.1/tcp/1"), now);
            gate.close(id(*number));
            result.is_ok()
        });
        assert_eq!(let_in.count(), ARRIVALS.burst as usize - PENDING_MAX);
        let later = now + Duration::from_secs(1);
        gate.arrive(id(1), host("/ip4/10.0.0.1/tcp/1"), later).expect("time has passed");
    }

    #[test]
    fn strangers_that_prove_nothing_do_not_keep_a_configured_peer_out() {
        let (now, friend) = (Instant::now(), "/ip4/10.0.0.1/tcp/1");
        let mut gate = Gate::new(1_000, Some(8), BAN, &[friend.parse().expect("an address")]);
        for number in 0..500 {
            let _ = gate.arrive(id(number), host(&format!("/ip4/10.0.1.{}/tcp/1", number % 250)), now);
        }
        assert_eq!(gate.connections.len(), PENDING_MAX);
        for number in 500..500 + PENDING_KNOWN_MAX {
            gate.arrive(id(number), host(friend), now).expect("its own room");
        }
        gate.per_host_max = Some(1_000);
        assert_eq!(gate.arrive(id(999), host(friend), now), Err(Refusal::Pace));
        gate.close(id(500));
        gate.arrive(id(999), host(friend), now).expect("room again, and no pace");
    }

    #[test]
    fn a_ban_holds_for_peer_and_address_and_ends() {
        let now = Instant::now();
        let villain = PeerId::random();
        let address = host("/ip4/10.0.0.1/tcp/1");
        let mut gate = gate(10, Some(8));
        gate.arrive(id(1), address, now).expect("unknown yet");
        gate.establish(id(1), villain, false, now).expect("unknown yet");
        gate.ban(villain, now);
        gate.close(id(1));
        assert!(gate.is_banned(villain, now));
        assert_eq!(gate.establish(id(2), villain, true, now), Err(Refusal::Banned));
        assert_eq!(gate.arrive(id(3), address, now), Err(Refusal::Banned));
        gate.arrive(id(4), host("/ip4/10.0.0.2/tcp/1"), now).expect("somebody else");
        let later = now + BAN;
        gate.arrive(id(5), address, later).expect("the ban is over");
        gate.establish(id(5), villain, false, later).expect("the ban is over");
    }

    #[test]
    fn where_nodes_share_an_address_only_the_peer_is_banned() {
        let now = Instant::now();
        let mut gate = gate(10, None);
        let villain = PeerId::random();
        gate.arrive(id(1), host("/ip4/10.0.0.1/tcp/1"), now).expect("unknown yet");
        gate.establish(id(1), villain, false, now).expect("unknown yet");
        gate.ban(villain, now);
        gate.arrive(id(2), host("/ip4/10.0.0.1/tcp/1"), now).expect("others may come");
        gate.establish(id(2), PeerId::random(), false, now).expect("others may come");
    }

    #[test]
    fn bans_are_bounded_and_those_that_are_over_are_forgotten() {
        let now = Instant::now();
        let mut gate = gate(10, None);
        let first = PeerId::random();
        gate.ban(first, now);
        gate.ban(first, now);
        assert_eq!(gate.bans.order.len(), 1);
        for _ in 0..BANS_MAX {
            gate.ban(PeerId::random(), now);
        }
        assert_eq!((gate.bans.order.len(), gate.bans.until.len()), (BANS_MAX, BANS_MAX));
        assert!(!gate.is_banned(first, now), "the oldest made room");
        gate.ban(first, now + BAN);
        assert_eq!((gate.bans.order.len(), gate.bans.until.len()), (1, 1));
    }
}
