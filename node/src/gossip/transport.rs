//! TCP with noise and yamux, each connection read at a bounded pace, and the tasks that connections run on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::swarm::Executor;
use libp2p::{PeerId, Transport, dns, identity, noise, tcp, yamux};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::GossipError;
use super::rate::{Rate, Throttled};

/// How long a handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// Streams of a connection: gossipsub and ping use one each way. Each may have some 256 KiB under way.
const STREAMS_MAX: usize = 16;

/// A transport whose handshakes succeed only with peers that say the same `handshake`.
///
/// # Errors
/// [`GossipError`].
pub fn transport(
    keypair: &identity::Keypair,
    handshake: Vec<u8>,
    rate: Rate,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, GossipError> {
    let noise = noise::Config::new(keypair).map_err(|error| GossipError::Setup(error.to_string()))?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS_MAX);
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    let transport = dns::tokio::Transport::system(tcp)
        .map_err(GossipError::Resolver)?
        .map(move |stream, _| Throttled::new(stream, rate))
        .upgrade(Version::V1Lazy)
        .authenticate(noise.with_prologue(handshake))
        .multiplex(yamux)
        .timeout(HANDSHAKE_WITHIN)
        .boxed();
    Ok(transport)
}

/// The tasks that connections run on, so that they can be ended.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    /// Ends them all, and returns when they have ended.
    pub async fn end(self) {
        let mut tasks = std::mem::take(&mut *self.0.lock());
        tasks.shutdown().await;
    }
}

impl Executor for Tasks {
    fn exec(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        let mut tasks = self.0.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(future);
    }
}
