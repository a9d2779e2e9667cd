//! Gossipsub behind a gate and a meter for each peer.

use std::collections::HashMap;
use std::task::{Context, Poll};
use std::time::Instant;

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::gossipsub;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use super::gate::{Gate, Host};
use super::rate::{Rate, TokenBucket};
use super::topic::OneTopic;

/// Gossipsub as it is used here: one topic, whatever is of another is dropped before anything is kept of it.
pub type Gossipsub = gossipsub::Behaviour<OneTopic, gossipsub::WhitelistSubscriptionFilter>;

/// What happens.
#[derive(Debug)]
pub enum Heard {
    /// What gossipsub tells.
    Gossip(gossipsub::Event),
    /// A peer sends far more than it may.
    Flood(PeerId),
}

#[derive(Debug)]
struct Meter {
    bucket: TokenBucket,
    /// How many of its packets were dropped since it last kept its pace.
    excess: u64,
}

/// See the module.
pub struct Guarded {
    /// The gossip itself.
    pub gossipsub: Gossipsub,
    /// Who may be connected.
    pub gate: Gate,
    /// Gossipsub's packets that a peer may send, whatever is in them.
    rate: Rate,
    meters: HashMap<PeerId, Meter>,
    floods: Vec<PeerId>,
}

impl Guarded {
    /// Lets packets of each peer through to `gossipsub` at this rate.
    pub fn new(gossipsub: Gossipsub, gate: Gate, rate: Rate) -> Self {
        Self { gossipsub, gate, rate, meters: HashMap::new(), floods: Vec::new() }
    }

    /// Whether another packet of this peer may come in. One that sends a burst too many is a flood; who slows down in
    /// time is forgiven.
    fn may_speak(&mut self, peer: PeerId) -> bool {
        let (now, rate) = (Instant::now(), self.rate);
        let meter = self.meters.entry(peer).or_insert_with(|| Meter { bucket: TokenBucket::new(rate, now), excess: 0 });
        if meter.bucket.take(1, now) {
            if meter.bucket.available(now) >= rate.burst / 2 {
                meter.excess = 0;
            }
            return true;
        }
        meter.excess += 1;
        if meter.excess == rate.burst.max(1) {
            self.floods.push(peer);
        }
        false
    }
}

impl NetworkBehaviour for Guarded {
    type ConnectionHandler = <Gossipsub as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = Heard;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.gate.arrive(id, Host::of(remote), Instant::now()).map_err(ConnectionDenied::new)?;
        self.gossipsub.handle_pending_inbound_connection(id, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.gate.establish(id, peer, false, Instant::now()).map_err(ConnectionDenied::new)?;
        self.gossipsub.handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.gossipsub.handle_pending_outbound_connection(id, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.gate.establish(id, peer, true, Instant::now()).map_err(ConnectionDenied::new)?;
        self.gossipsub.handle_established_outbound_connection(id, peer, address, role, port_use)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match &event {
            FromSwarm::ConnectionClosed(closed) => {
                self.gate.close(closed.connection_id);
                if closed.remaining_established == 0 {
                    self.meters.remove(&closed.peer_id);
                }
            }
            FromSwarm::ListenFailure(failure) => self.gate.close(failure.connection_id),
            FromSwarm::DialFailure(failure) => self.gate.close(failure.connection_id),
            _ => {}
        }
        self.gossipsub.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, event: THandlerOutEvent<Self>) {
        if self.may_speak(peer) {
            self.gossipsub.on_connection_handler_event(peer, id, event);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some(peer) = self.floods.pop() {
            return Poll::Ready(ToSwarm::GenerateEvent(Heard::Flood(peer)));
        }
        self.gossipsub.poll(context).map(|event| event.map_out(Heard::Gossip))
    }
}
