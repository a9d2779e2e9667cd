//! The one topic, and everything that is set in gossipsub and its peer scores.

use std::io;
use std::time::Duration;

use libp2p::gossipsub::{
    self, ConfigBuilder, IdentTopic, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds, RawMessage,
    TopicHash, TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
};
use sha2::{Digest, Sha256};

use super::GossipError;
use super::batch::MESSAGE_BYTES_MAX;
use super::guarded::Gossipsub;

/// Room in a packet for what stands around a message.
const ENVELOPE_BYTES: usize = 4 << 10;
/// Messages or control messages in a packet. Gossipsub itself sends one.
const MESSAGES_PER_PACKET: usize = 4;
/// A peer whose score falls to this is not listened to any more, and banned.
pub const BAN_SCORE: f64 = -100.0;
/// What the square of the number of invalid messages counts: the fourth within a minute or so is the last.
const INVALID_MESSAGE_WEIGHT: f64 = -10.0;
/// How long an invalid message is remembered: to a tenth.
const INVALID_MESSAGE_DECAY: Duration = Duration::from_secs(300);
/// How long a score outlives its peer's last connection. Below the time of a ban: who comes back then begins anew.
const SCORE_KEPT: Duration = Duration::from_secs(60);

/// Names of a network on the wire, so that two chains never mix, not even by a slip in somebody's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// What both sides of a handshake must say.
    pub handshake: Vec<u8>,
    /// What gossipsub's protocol is called.
    pub protocol: String,
    /// What the topic is called.
    pub topic: String,
}

impl Names {
    /// Those of `network`, whatever characters are in it.
    #[must_use]
    pub fn new(network: &str) -> Self {
        let digest = Sha256::digest(network);
        let tag = hex::encode(digest.get(..8).unwrap_or(&digest));
        Self {
            handshake: format!("esker transactions 1 {network}").into_bytes(),
            protocol: format!("/esker/{tag}/transactions"),
            topic: format!("tx/{tag}"),
        }
    }
}

/// Drops what is of another topic, or too large, before gossipsub keeps anything of it: it would keep it for some
/// seconds and tell nobody.
pub struct OneTopic(TopicHash);

impl gossipsub::DataTransform for OneTopic {
    fn inbound_transform(&self, raw: RawMessage) -> Result<gossipsub::Message, io::Error> {
        if raw.topic != self.0 || raw.data.len() > MESSAGE_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let RawMessage { source, data, sequence_number, topic, .. } = raw;
        Ok(gossipsub::Message { source, data, sequence_number, topic })
    }

    fn outbound_transform(&self, _topic: &TopicHash, data: Vec<u8>) -> Result<Vec<u8>, io::Error> {
        Ok(data)
    }
}

/// Gossipsub, subscribed to the topic.
///
/// # Errors
/// [`GossipError::Setup`]: a mistake in this program.
pub fn gossipsub(names: &Names) -> Result<(Gossipsub, TopicHash), GossipError> {
    let setup = |error: &dyn std::fmt::Display| GossipError::Setup(error.to_string());
    let config = ConfigBuilder::default()
        .protocol_id_prefix(names.protocol.clone())
        // A message has no author: what is in it is signed. Its name is what it says.
        .validation_mode(ValidationMode::Anonymous)
        .message_id_fn(|message| MessageId::from(Sha256::digest(&message.data).to_vec()))
        // Or a peer that found the same transaction elsewhere would be punished for sending it to us.
        .allow_self_origin(true)
        .validate_messages()
        .max_transmit_size(MESSAGE_BYTES_MAX + ENVELOPE_BYTES)
        .max_messages_per_rpc(Some(MESSAGES_PER_PACKET))
        .heartbeat_initial_delay(Duration::from_millis(200))
        // Repetitions say that they are some.
        .duplicate_cache_time(Duration::from_secs(60))
        // What a peer does not take in time is dropped. So many messages of the usual largest size are 32 MiB.
        .connection_handler_queue_len(512)
        .build()
        .map_err(|error| setup(&error))?;
    let topic = IdentTopic::new(names.topic.clone());
    let hash = topic.hash();
    let mut gossipsub = Gossipsub::new_with_subscription_filter_and_transform(
        MessageAuthenticity::Anonymous,
        config,
        WhitelistSubscriptionFilter([hash.clone()].into()),
        OneTopic(hash.clone()),
    )
    .map_err(|error| setup(&error))?;
    gossipsub.with_peer_score(scores(&hash), thresholds()).map_err(|error| setup(&error))?;
    gossipsub.subscribe(&topic).map_err(|error| setup(&error))?;
    Ok((gossipsub, hash))
}

/// Only what no honest peer does counts: who is slow, silent, or behind an address with others, is not worse for it.
fn scores(topic: &TopicHash) -> PeerScoreParams {
    let of_topic = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: INVALID_MESSAGE_WEIGHT,
        invalid_message_deliveries_decay: gossipsub::score_parameter_decay(INVALID_MESSAGE_DECAY),
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: [(topic.clone(), of_topic)].into(),
        ip_colocation_factor_weight: 0.0,
        behaviour_penalty_weight: -1.0,
        behaviour_penalty_threshold: 10.0,
        behaviour_penalty_decay: gossipsub::score_parameter_decay(INVALID_MESSAGE_DECAY),
        retain_score: SCORE_KEPT,
        slow_peer_weight: 0.0,
        ..PeerScoreParams::default()
    }
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: BAN_SCORE / 4.0,
        publish_threshold: BAN_SCORE / 2.0,
        graylist_threshold: BAN_SCORE,
        ..PeerScoreThresholds::default()
    }
}
