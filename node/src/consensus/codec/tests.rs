use alloy_primitives::{Address, B256};
use malachite::app::consensus::LivenessMsg;
use malachite::app::streaming::StreamContent;
use malachite::app::types::codec::HasEncodedLen;
use malachite::app::types::core::{
    CommitCertificate, CommitSignature, NilOrVal, PolkaCertificate, PolkaSignature, Round, RoundCertificate,
    RoundCertificateType, RoundSignature, SignedMessage, ValidatorProof, Validity, VoteType,
};
use malachite::app::types::streaming::{StreamId, StreamMessage};
use malachite::app::types::{PeerId, ProposedValue, SignedConsensusMsg};
use malachite_ed25519::Signature;
use malachite_sync::{RawDecidedValue, Request, Response, Status, ValueRequest, ValueResponse};
use proptest::prelude::*;

use super::*;
use crate::consensus::context::{BlockHash, EskerContext, Height, Proposal, ProposalPart, ValidatorAddress, Vote};

type Certificate = CommitCertificate<EskerContext>;

fn signature() -> impl Strategy<Value = Signature> {
    any::<[u8; 32]>().prop_map(|half| Signature::from_bytes([half, half].concat().try_into().expect("64 bytes")))
}

fn round() -> impl Strategy<Value = Round> {
    any::<u32>().prop_map(Round::new)
}

fn pol_round() -> impl Strategy<Value = Round> {
    prop_oneof![Just(Round::Nil), round()]
}

fn address() -> impl Strategy<Value = ValidatorAddress> {
    any::<[u8; 20]>().prop_map(|bytes| ValidatorAddress(Address::from(bytes)))
}

fn hash() -> impl Strategy<Value = BlockHash> {
    any::<[u8; 32]>().prop_map(|bytes| BlockHash(B256::from(bytes)))
}

fn hash_or_nil() -> impl Strategy<Value = NilOrVal<BlockHash>> {
    prop_oneof![Just(NilOrVal::Nil), hash().prop_map(NilOrVal::Val)]
}

fn kind() -> impl Strategy<Value = VoteType> {
    prop_oneof![Just(VoteType::Prevote), Just(VoteType::Precommit)]
}

fn vote() -> impl Strategy<Value = SignedMessage<EskerContext, Vote>> {
    (kind(), any::<u64>(), round(), hash_or_nil(), address(), signature()).prop_map(
        |(kind, height, round, value, voter, signature)| {
            SignedMessage::new(Vote { kind, height: Height(height), round, value, voter }, signature)
        },
    )
}

fn proposal() -> impl Strategy<Value = SignedMessage<EskerContext, Proposal>> {
    (any::<u64>(), round(), hash(), pol_round(), address(), signature()).prop_map(
        |(height, round, value, pol_round, proposer, signature)| {
            SignedMessage::new(Proposal { height: Height(height), round, value, pol_round, proposer }, signature)
        },
    )
}

fn part() -> impl Strategy<Value = ProposalPart> {
    (any::<u64>(), round(), pol_round(), address(), any::<Vec<u8>>(), signature()).prop_map(
        |(height, round, pol_round, proposer, block, signature)| ProposalPart {
            height: Height(height),
            round,
            pol_round,
            proposer,
            block: block.into(),
            signature,
        },
    )
}

fn certificate() -> impl Strategy<Value = Certificate> {
    let signatures = prop::collection::vec((address(), signature()), 0..6);
    (any::<u64>(), round(), hash(), signatures).prop_map(|(height, round, value_id, signatures)| CommitCertificate {
        height: Height(height),
        round,
        value_id,
        commit_signatures: signatures.into_iter().map(|(a, s)| CommitSignature::new(a, s)).collect(),
    })
}

fn liveness() -> impl Strategy<Value = LivenessMsg<EskerContext>> {
    let round_certificate = (any::<u64>(), round(), any::<bool>(), kind(), hash_or_nil(), address(), signature())
        .prop_map(|(height, round, skip, kind, value, address, signature)| {
            let cert_type = if skip { RoundCertificateType::Skip } else { RoundCertificateType::Precommit };
            let round_signatures = vec![RoundSignature::new(kind, value, address, signature)];
            RoundCertificate { height: Height(height), round, cert_type, round_signatures }
        });
    let polka = certificate().prop_map(|certificate| PolkaCertificate {
        height: certificate.height,
        round: certificate.round,
        value_id: certificate.value_id,
        polka_signatures: certificate
            .commit_signatures
            .into_iter()
            .map(|signature| PolkaSignature::new(signature.address, signature.signature))
            .collect(),
    });
    prop_oneof![
        vote().prop_map(LivenessMsg::Vote),
        polka.prop_map(LivenessMsg::PolkaCertificate),
        round_certificate.prop_map(LivenessMsg::SkipRoundCertificate),
    ]
}

fn stream() -> impl Strategy<Value = StreamMessage<ProposalPart>> {
    let content = prop_oneof![part().prop_map(StreamContent::Data), Just(StreamContent::Fin)];
    (any::<[u8; 16]>(), any::<u64>(), content).prop_map(|(id, sequence, content)| {
        StreamMessage::new(StreamId::new(Bytes::copy_from_slice(&id)), sequence, content)
    })
}

fn proposed() -> impl Strategy<Value = ProposedValue<EskerContext>> {
    (proposal(), any::<bool>()).prop_map(|(proposal, valid)| ProposedValue {
        height: proposal.height,
        round: proposal.round,
        valid_round: proposal.pol_round,
        proposer: proposal.proposer,
        value: proposal.value,
        validity: Validity::from_bool(valid),
    })
}

fn response() -> impl Strategy<Value = Response<EskerContext>> {
    let value = (any::<Vec<u8>>(), certificate())
        .prop_map(|(bytes, certificate)| RawDecidedValue::new(bytes.into(), extended(certificate)));
    (any::<u64>(), prop::collection::vec(value, 0..4))
        .prop_map(|(start, values)| Response::ValueResponse(ValueResponse::new(Height(start), values)))
}

/// Comes back as it was, and nothing shorter or longer is taken for it.
fn round_trip<T: PartialEq + std::fmt::Debug>(message: &T) -> Result<(), TestCaseError>
where
    EskerCodec: Codec<T, Error = DecodeError>,
{
    let bytes = EskerCodec.encode(message).expect("encoding never fails");
    prop_assert_eq!(&EskerCodec.decode(bytes.clone()).expect("its own encoding"), message);
    for length in [0, bytes.len() / 2, bytes.len().saturating_sub(1)] {
        prop_assert!(Codec::<T>::decode(&EskerCodec, bytes.slice(..length)).is_err() || length == bytes.len());
    }
    let longer = Bytes::from([&bytes[..], &[0]].concat());
    prop_assert_eq!(Codec::<T>::decode(&EskerCodec, longer).err(), Some(DecodeError::Trailing(1)));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn messages_come_back_as_they_were(
        (vote, proposal, part, liveness) in (vote(), proposal(), part(), liveness()),
        (stream, proposed, response, certificate) in (stream(), proposed(), response(), certificate()),
        (key, from, to, signature) in (any::<[u8; 32]>(), any::<u64>(), any::<u64>(), signature()),
    ) {
        round_trip(&SignedConsensusMsg::Vote(vote))?;
        round_trip(&SignedConsensusMsg::Proposal(proposal))?;
        round_trip(&part)?;
        round_trip(&liveness)?;
        round_trip(&stream)?;
        round_trip(&proposed)?;
        let length = EskerCodec.encoded_len(&response).expect("a length");
        prop_assert_eq!(length, Codec::encode(&EskerCodec, &response).expect("bytes").len());
        round_trip(&response)?;
        prop_assert_eq!(decode_certificate(encode_certificate(&certificate)), Ok(certificate));
        round_trip(&ValidatorProof::<EskerContext>::new(key.to_vec(), key.to_vec(), signature))?;
        round_trip(&Request::<EskerContext>::ValueRequest(ValueRequest::new(Height(from)..=Height(to))))?;
        let peer_id = libp2p::identity::Keypair::ed25519_from_bytes(key).expect("32 bytes").public().to_peer_id();
        let peer_id = PeerId::from_bytes(&peer_id.to_bytes()).expect("a peer id");
        let status = Status { peer_id, tip_height: Height(to), history_min_height: Height(from) };
        round_trip::<Status<EskerContext>>(&status)?;
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in any::<Vec<u8>>(), tag in 0u8..3) {
        let bytes = Bytes::from([&[tag], &bytes[..]].concat());
        let _ = Codec::<SignedConsensusMsg<EskerContext>>::decode(&EskerCodec, bytes.clone());
        let _ = Codec::<LivenessMsg<EskerContext>>::decode(&EskerCodec, bytes.clone());
        let _ = Codec::<StreamMessage<ProposalPart>>::decode(&EskerCodec, bytes.clone());
        let _ = Codec::<ProposedValue<EskerContext>>::decode(&EskerCodec, bytes.clone());
        let _ = Codec::<Response<EskerContext>>::decode(&EskerCodec, bytes.clone());
        let _ = Codec::<Status<EskerContext>>::decode(&EskerCodec, bytes.clone());
        let _ = Codec::<ValidatorProof<EskerContext>>::decode(&EskerCodec, bytes);
    }
}

#[test]
fn absurd_counts_are_refused_before_anything_is_allocated() {
    let mut writer = Writer::default();
    writer.height(Height(1));
    writer.round(Round::new(0));
    writer.hash(BlockHash(B256::ZERO));
    writer.length(usize::MAX);
    let refused = decode_certificate(writer.finish());
    assert!(matches!(refused, Err(DecodeError::TooMany { what: "signatures", .. })), "{refused:?}");
}
