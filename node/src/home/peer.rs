//! Where peers are reached, and by what id a node is known to them.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use serde::{Deserialize, Deserializer, de};

/// Where a peer listens: an address and a TCP port, perhaps with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    text: String,
    multiaddr: Multiaddr,
}

/// A text is no peer's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no peer's address: {reason}. Write host:port, ip:port, or a multiaddress like /ip4/10.0.0.2/tcp/27000, \
     which may end with /p2p/ and the peer's id"
)]
pub struct PeerAddressError {
    text: String,
    reason: String,
}

impl PeerAddress {
    /// The address as libp2p takes it.
    #[must_use]
    pub fn to_multiaddr(&self) -> Multiaddr {
        self.multiaddr.clone()
    }

    /// The id that the peer must have, if the address names one.
    #[must_use]
    pub fn peer_id(&self) -> Option<PeerId> {
        self.multiaddr.iter().find_map(|part| if let Protocol::P2p(id) = part { Some(id) } else { None })
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self { text: address.to_string(), multiaddr: multiaddr(address) }
    }
}

impl FromStr for PeerAddress {
    type Err = PeerAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused =
            |reason: &str| PeerAddressError { text: text.chars().take(300).collect(), reason: reason.to_owned() };
        let multiaddr = if text.starts_with('/') {
            text.parse().map_err(|error: libp2p::multiaddr::Error| refused(&error.to_string()))?
        } else if let Ok(address) = text.parse::<SocketAddr>() {
            multiaddr(address)
        } else {
            let (host, port) = text.rsplit_once(':').ok_or_else(|| refused("it has no port"))?;
            let port = port.parse().map_err(|_| refused("its port is no number up to 65535"))?;
            if !is_host_name(host) {
                return Err(refused("its host is neither a name nor an IP address (IPv6 addresses stand in brackets)"));
            }
            Multiaddr::empty().with(Protocol::Dns(host.into())).with(Protocol::Tcp(port))
        };
        check(&multiaddr).map_err(refused)?;
        Ok(Self { text: text.to_owned(), multiaddr })
    }
}

/// Letters, digits and hyphens in labels (RFC 1123), underscores too, which container networks use.
fn is_host_name(host: &str) -> bool {
    let right = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(right);
    // What has digits alone is a wrong IP address, not a name.
    let is_name = host.bytes().any(|byte| byte.is_ascii_alphabetic());
    host.len() <= 253 && is_name && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

/// Checks that an address is one machine's, by TCP.
fn check(multiaddr: &Multiaddr) -> Result<(), &'static str> {
    let mut parts = multiaddr.iter();
    match parts.next() {
        Some(Protocol::Ip4(ip)) if ip.is_unspecified() => return Err("0.0.0.0 is no machine's address"),
        Some(Protocol::Ip6(ip)) if ip.is_unspecified() => return Err(":: is no machine's address"),
        Some(Protocol::Ip4(_) | Protocol::Ip6(_) | Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_)) => {}
        _ => return Err("it begins with none of ip4, ip6, dns, dns4, dns6"),
    }
    match parts.next() {
        Some(Protocol::Tcp(0)) => return Err("port 0 is nobody's"),
        Some(Protocol::Tcp(_)) => {}
        _ => return Err("peers are reached by tcp, and it names no port of that"),
    }
    match (parts.next(), parts.next()) {
        (None | Some(Protocol::P2p(_)), None) => Ok(()),
        _ => Err("after the port there may be /p2p/ and an id, nothing else"),
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for PeerAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An address as libp2p takes it.
#[must_use]
pub fn multiaddr(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

/// The id by which peers know the node with this network key (the seed of an Ed25519 key).
#[must_use]
pub fn peer_id(mut seed: [u8; 32]) -> Option<PeerId> {
    // Every 32 bytes are a seed; only another length would be refused.
    libp2p::identity::Keypair::ed25519_from_bytes(&mut seed).ok().map(|pair| pair.public().to_peer_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_form() {
        let id = peer_id([7; 32]).expect("a seed");
        let cases = [
            ("10.0.0.2:27000", "/ip4/10.0.0.2/tcp/27000"),
            ("[::1]:27000", "/ip6/::1/tcp/27000"),
            ("node1.example.org:1", "/dns/node1.example.org/tcp/1"),
            ("node_1:65535", "/dns/node_1/tcp/65535"),
            ("/ip4/10.0.0.2/tcp/27000", "/ip4/10.0.0.2/tcp/27000"),
            ("/dns4/a.example/tcp/27000", "/dns4/a.example/tcp/27000"),
        ];
        for (text, expected) in cases {
            let address: PeerAddress = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(address.to_multiaddr().to_string(), expected);
            assert_eq!((address.to_string().as_str(), address.peer_id()), (text, None));
        }
        let with_id = format!("/ip4/10.0.0.2/tcp/27000/p2p/{id}");
        assert_eq!(with_id.parse::<PeerAddress>().expect("an address").peer_id(), Some(id));
    }

    #[test]
    fn what_is_no_address_is_refused_with_words() {
        let long = format!("{}:1", "a".repeat(300));
        let texts = [
            "",
            ":",
            "host",
            "host:",
            "host:0",
            "host:65536",
            "host:-1",
            ":27000",
            "10.0.0:27000",
            "10.0.0.256:1",
            "::1:27000",
            "0.0.0.0:27000",
            "[::]:27000",
            "10.0.0.2:0",
            "a b:1",
            "http://host:1",
            "host:1/p2p/x",
            "a..b:1",
            "/",
            "/ip4/10.0.0.2",
            "/ip4/10.0.0.2/udp/1/quic-v1",
            "/ip4/10.0.0.2/tcp/1/ws",
            "/tcp/1",
            "/ip4/10.0.0.2/tcp/1/p2p/nobody",
            "/memory/1",
            &long,
        ];
        for text in texts {
            let error = text.parse::<PeerAddress>().expect_err(text).to_string();
            assert!(error.contains("is no peer's address") && error.contains("host:port"), "{error}");
        }
    }

    #[test]
    fn a_seed_gives_one_id() {
        assert_eq!(peer_id([1; 32]), peer_id([1; 32]));
        assert_ne!(peer_id([1; 32]), peer_id([2; 32]));
    }
}
