use std::fmt::Debug;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use esker::consensus::codec::{DecodeError, EskerCodec, decode_certificate, extended};
use esker::consensus::context::{BlockHash, EskerContext, Height, Proposal, ProposalPart, ValidatorAddress, Vote};
use esker_tests::golden::hold;
use malachite::app::consensus::LivenessMsg;
use malachite::app::streaming::StreamContent;
use malachite::app::types::codec::Codec;
use malachite::app::types::core::{
    NilOrVal, PolkaCertificate, PolkaSignature, Round, RoundCertificate, RoundCertificateType, RoundSignature,
    SignedMessage, ValidatorProof, Validity, VoteType,
};
use malachite::app::types::streaming::{StreamId, StreamMessage};
use malachite::app::types::{PeerId, ProposedValue, SignedConsensusMsg};
use malachite_ed25519::Signature;
use malachite_sync::{RawDecidedValue, Request, Response, Status, ValueRequest, ValueResponse};
use serde_json::{Value, json};

use crate::certificates;
use crate::second::Fields;

const SIGNATURE: [u8; 64] = [0x5a; 64];

fn signature() -> Signature {
    Signature::from_bytes(SIGNATURE)
}

fn address() -> Address {
    Address::repeat_byte(0xa1)
}

fn hash() -> B256 {
    keccak256("a block")
}

/// Fields with their names.
pub fn listed(fields: &Fields) -> Vec<Value> {
    fields.0.iter().map(|(name, bytes)| json!([name, Bytes::from(bytes.clone())])).collect()
}

/// One message, which the node must write as the page says, and read back.
fn message<T: PartialEq + Debug>(name: &str, about: &str, message: &T, fields: &Fields) -> Value
where
    EskerCodec: Codec<T, Error = DecodeError>,
{
    let bytes = EskerCodec.encode(message).expect("encoding never fails");
    assert_eq!(fields.concat(), bytes[..], "{name}, {about}");
    assert_eq!(&Codec::<T>::decode(&EskerCodec, bytes.clone()).expect("its own bytes"), message, "{name}, {about}");
    for cut in 0..bytes.len() {
        assert!(Codec::<T>::decode(&EskerCodec, bytes.slice(..cut)).is_err(), "{name}, {about}: {cut} bytes of it");
    }
    json!({"message": name, "about": about, "fields": listed(fields), "encoding": Bytes::from(bytes)})
}

/// Bytes that the node must refuse.
fn refused<T: Debug>(name: &str, about: &str, bytes: Vec<u8>) -> Value
where
    EskerCodec: Codec<T, Error = DecodeError>,
{
    let result = Codec::<T>::decode(&EskerCodec, bytes.clone().into());
    assert!(result.is_err(), "{name}, {about}: {result:?}");
    json!({"message": name, "about": about, "encoding": Bytes::from(bytes)})
}

fn vote_fields(is_precommit: bool, hash: Option<B256>) -> Fields {
    Fields::default()
        .tag("kind", u8::from(is_precommit))
        .number("height", 5)
        .round("round", Some(1))
        .hash_or_nil("hash or nil", hash)
        .raw("voter", address().as_slice())
        .raw("signature", &SIGNATURE)
}

fn vote(kind: VoteType, hash: Option<B256>) -> SignedMessage<EskerContext, Vote> {
    let value = hash.map_or(NilOrVal::Nil, |hash| NilOrVal::Val(BlockHash(hash)));
    let voter = ValidatorAddress(address());
    SignedMessage::new(Vote { kind, height: Height(5), round: Round::new(1), value, voter }, signature())
}

fn votes_and_proposals() -> Vec<Value> {
    let (proposer, pol_round) = (ValidatorAddress(address()), Round::Nil);
    let proposal = Proposal { height: Height(5), round: Round::new(1), value: BlockHash(hash()), pol_round, proposer };
    let proposed = |valid_round| {
        Fields::default()
            .tag("what", 1)
            .number("height", 5)
            .round("round", Some(1))
            .raw("hash", hash().as_slice())
            .round("valid round", valid_round)
            .raw("proposer", address().as_slice())
            .raw("signature", &SIGNATURE)
    };
    let again = Proposal { pol_round: Round::new(0), ..proposal.clone() };
    let signed = |proposal| SignedConsensusMsg::<EskerContext>::Proposal(SignedMessage::new(proposal, signature()));
    let tagged = |fields| Fields::default().tag("what", 0).then(fields);
    let prevote = SignedConsensusMsg::Vote(vote(VoteType::Prevote, Some(hash())));
    let precommit = SignedConsensusMsg::Vote(vote(VoteType::Precommit, None));
    let name = "consensus message";
    vec![
        message(name, "a prevote", &prevote, &tagged(vote_fields(false, Some(hash())))),
        message(name, "a precommit for nil", &precommit, &tagged(vote_fields(true, None))),
        message(name, "a proposal of a new block", &signed(proposal), &proposed(None)),
        message(name, "a proposal of a block that was proposed before", &signed(again), &proposed(Some(0))),
    ]
}

fn certified() -> Fields {
    Fields::default()
        .number("height", 5)
        .round("round", Some(1))
        .raw("hash", hash().as_slice())
        .length("count", 2)
        .raw("address", address().as_slice())
        .raw("signature", &SIGNATURE)
        .raw("address", Address::ZERO.as_slice())
        .raw("signature", &SIGNATURE)
}

fn liveness() -> Vec<Value> {
    let (height, round) = (Height(5), Round::new(1));
    let by = |address| PolkaSignature::new(ValidatorAddress(address), signature());
    let polka = PolkaCertificate {
        height,
        round,
        value_id: BlockHash(hash()),
        polka_signatures: vec![by(address()), by(Address::ZERO)],
    };
    let round_signatures = |kind| {
        let by = |value| RoundSignature::new(kind, value, ValidatorAddress(address()), signature());
        vec![by(NilOrVal::Nil), by(NilOrVal::Val(BlockHash(hash())))]
    };
    let round_certificate = |cert_type, kind| RoundCertificate::<EskerContext> {
        height,
        round,
        cert_type,
        round_signatures: round_signatures(kind),
    };
    let skipped = |tag, kind| {
        let one = |value| {
            Fields::default()
                .tag("kind", kind)
                .hash_or_nil("hash or nil", value)
                .raw("address", address().as_slice())
                .raw("signature", &SIGNATURE)
        };
        Fields::default()
            .tag("what", 2)
            .number("height", 5)
            .round("round", Some(1))
            .tag("kind of certificate", tag)
            .length("count", 2)
            .then(one(None))
            .then(one(Some(hash())))
    };
    let name = "liveness message";
    let tagged = |tag, fields| Fields::default().tag("what", tag).then(fields);
    let skip = round_certificate(RoundCertificateType::Skip, VoteType::Prevote);
    let ended = round_certificate(RoundCertificateType::Precommit, VoteType::Precommit);
    let again = LivenessMsg::Vote(vote(VoteType::Prevote, None));
    vec![
        message(name, "a vote", &again, &tagged(0, vote_fields(false, None))),
        message(name, "a polka certificate", &LivenessMsg::PolkaCertificate(polka), &tagged(1, certified())),
        message(name, "votes of a later round", &LivenessMsg::SkipRoundCertificate(skip), &skipped(0, 0)),
        message(name, "precommits of a round", &LivenessMsg::SkipRoundCertificate(ended), &skipped(1, 1)),
    ]
}

fn part() -> (ProposalPart, Fields) {
    let part = ProposalPart {
        height: Height(5),
        round: Round::new(1),
        pol_round: Round::new(0),
        proposer: ValidatorAddress(address()),
        block: bytes::Bytes::from_static(b"bytes of a block"),
        signature: signature(),
    };
    let fields = Fields::default()
        .number("height", 5)
        .round("round", Some(1))
        .round("valid round", Some(0))
        .raw("proposer", address().as_slice())
        .bytes("block", b"bytes of a block")
        .raw("signature", &SIGNATURE);
    (part, fields)
}

fn bodies() -> Vec<Value> {
    let (part, fields) = part();
    let id: Vec<u8> = [5u64.to_be_bytes(), 1u64.to_be_bytes()].concat();
    let begun = Fields::default().bytes("stream", &id).number("sequence", 3);
    let stream = |content| StreamMessage::new(StreamId::new(id.clone().into()), 3, content);
    let whole = begun.clone().tag("content", 0).then(fields.clone());
    let proposed = ProposedValue::<EskerContext> {
        height: Height(5),
        round: Round::new(1),
        valid_round: Round::Nil,
        proposer: ValidatorAddress(address()),
        value: BlockHash(hash()),
        validity: Validity::Valid,
    };
    let logged = Fields::default()
        .number("height", 5)
        .round("round", Some(1))
        .round("valid round", None)
        .raw("proposer", address().as_slice())
        .raw("hash", hash().as_slice())
        .tag("validity", 1);
    vec![
        message("body", "a block that was proposed before", &part, &fields),
        message("streamed body", "a body", &stream(StreamContent::Data(part.clone())), &whole),
        message("streamed body", "the end", &stream(StreamContent::Fin), &begun.tag("content", 1)),
        message("value", "as the engine's log has it", &proposed, &logged),
    ]
}

fn peers() -> Vec<Value> {
    let peer = libp2p::identity::Keypair::ed25519_from_bytes([9; 32]).expect("a seed").public().to_peer_id();
    let status = Status::<EskerContext> {
        peer_id: PeerId::from_bytes(&peer.to_bytes()).expect("the same identity"),
        tip_height: Height(70),
        history_min_height: Height(6),
    };
    let told = Fields::default().bytes("peer id", &peer.to_bytes()).number("tip", 70).number("oldest", 6);
    let proof = ValidatorProof::<EskerContext>::new(vec![7; 32], peer.to_bytes(), signature());
    let proven =
        Fields::default().bytes("public key", &[7; 32]).bytes("peer id", &peer.to_bytes()).raw("signature", &SIGNATURE);
    let request = Request::<EskerContext>::ValueRequest(ValueRequest::new(Height(6)..=Height(70)));
    let asked = Fields::default().number("first", 6).number("last", 70);
    let signatures = [(address(), SIGNATURE), (Address::ZERO, SIGNATURE)];
    let certificate = decode_certificate(certificates::encode(5, 1, hash(), &signatures).into()).expect("good");
    let value = RawDecidedValue::new(bytes::Bytes::from_static(b"a value"), extended(certificate));
    let response = Response::<EskerContext>::ValueResponse(ValueResponse::new(Height(5), vec![value]));
    let answered = Fields::default().number("first", 5).length("count", 1).bytes("value", b"a value").then(certified());
    let empty = Response::<EskerContext>::ValueResponse(ValueResponse::new(Height(5), Vec::new()));
    let nothing = Fields::default().number("first", 5).length("count", 0);
    vec![
        message("status", "what a node tells its peers", &status, &told),
        message("proof", "a validator's", &proof, &proven),
        message("sync request", "some heights", &request, &asked),
        message("sync response", "one block", &response, &answered),
        message("sync response", "nothing", &empty, &nothing),
    ]
}

#[test]
fn messages_are_written_as_the_page_says() {
    let all: Vec<Value> = [votes_and_proposals(), liveness(), bodies(), peers()].concat();
    hold("consensus/messages.json", &Value::from(all));
}

#[test]
fn what_the_page_does_not_allow_is_refused() {
    type Message = SignedConsensusMsg<EskerContext>;
    let prevote = Fields::default().tag("what", 0).then(vote_fields(false, Some(hash()))).concat();
    let changed = |at: usize, bytes: &[u8]| {
        let mut changed = prevote.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let longer = [&prevote[..], &[0]].concat();
    let (_, body) = part();
    let body_at = |name: &str| {
        let before = body.0.iter().take_while(|(field, _)| field != name).map(|(_, bytes)| bytes.len());
        before.sum::<usize>()
    };
    let body_with = |length: u32| {
        let mut bytes = body.concat();
        let at = body_at("length of block");
        bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
        bytes
    };
    let certificate_of = |count: u32| {
        let head = Fields::default().tag("what", 1).number("height", 5).round("round", Some(1));
        let mut bytes = head.raw("hash", hash().as_slice()).raw("count", &count.to_be_bytes()).concat();
        bytes.extend(vec![0x11; 84 * 201]);
        bytes
    };
    let response_of = |count: u32| [&5u64.to_be_bytes()[..], &count.to_be_bytes(), &[0; 8_000]].concat();
    let name = "consensus message";
    let made = [
        refused::<Message>(name, "nothing", Vec::new()),
        refused::<Message>(name, "neither vote nor proposal", changed(0, &[2])),
        refused::<Message>(name, "neither prevote nor precommit", changed(1, &[2])),
        refused::<Message>(name, "no round", changed(10, &[0xff; 8])),
        refused::<Message>(name, "a round of 2^32", changed(10, &(1u64 << 32).to_be_bytes())),
        refused::<Message>(name, "a negative round", changed(10, &(-2i64).to_be_bytes())),
        refused::<Message>(name, "neither nil nor a hash", changed(18, &[2])),
        refused::<Message>(name, "a byte too many", longer),
        refused::<ProposalPart>("body", "a block longer than the message", body_with(1_000)),
        refused::<ProposalPart>("body", "a block longer than any", body_with(4_456_449)),
        refused::<LivenessMsg<EskerContext>>("liveness message", "201 signatures", certificate_of(201)),
        refused::<LivenessMsg<EskerContext>>("liveness message", "2^32 − 1 signatures", certificate_of(u32::MAX)),
        refused::<Response<EskerContext>>("sync response", "65 blocks", response_of(65)),
        refused::<Status<EskerContext>>(
            "status",
            "129 bytes of identity",
            [&129u32.to_be_bytes()[..], &[0; 145]].concat(),
        ),
        refused::<StreamMessage<ProposalPart>>(
            "streamed body",
            "a stream of 33 bytes",
            [&33u32.to_be_bytes()[..], &[0; 41], &[1]].concat(),
        ),
    ];
    hold("consensus/refused.json", &json!(made));
}
