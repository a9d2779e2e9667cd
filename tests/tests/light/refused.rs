//! What a light client must not accept, each with the reason that it must give.

use alloy_primitives::{B256, Bytes, U256};
use esker_light::{Certificate, Clock, Domain, LightBlock, LightError, SetProof, SetProofError, TrustedState};
use esker_tests::golden::hold;
use serde_json::{Value, json};

use crate::chain::{
    BLOCKS, EPOCH, NOW, PERIOD, certificate, clock, domain, following, identity, light, played, precommit, trusting,
};
use crate::crafted::{certified, header, state_with, storage, word};
use crate::sets::set;

/// The validators from block 5 on, with powers of 10, 8, 15 and 17; from block 9 on 10, 8, 30 and 17.
const WHO: &[u8] = &[0, 1, 2, 3];

/// The name of what is wrong.
fn name(error: &LightError) -> &'static str {
    match error {
        LightError::Header(_) => "header",
        LightError::OtherAnchor { .. } => "other anchor",
        LightError::OtherGenesis { .. } => "other genesis",
        LightError::Expired { .. } => "expired",
        LightError::Future { .. } => "future",
        LightError::Older { .. } => "older",
        LightError::OtherBlock { .. } => "other block",
        LightError::LaterEpoch { .. } => "later epoch",
        LightError::CertificateBytes(_) | LightError::CertificateTooLong(_) => "certificate bytes",
        LightError::OtherCertificate { .. } => "other certificate",
        LightError::Certificate(error) => match error {
            esker_light::CertificateError::Unknown(_) => "unknown",
            esker_light::CertificateError::Twice(_) => "twice",
            esker_light::CertificateError::Signature(_) => "signature",
            esker_light::CertificateError::Power { .. } => "power",
        },
        LightError::Fork(_) => "fork",
        LightError::OtherBeginning { .. } => "other beginning",
        LightError::TimeWentBack { .. } => "time went back",
        LightError::NoSetProof(_) => "no set",
        LightError::SetProof(error) => match error {
            SetProofError::TooLarge { .. } => "set too large",
            SetProofError::Account(_) | SetProofError::NoSet => "set account",
            SetProofError::Changed => "set changed",
            SetProofError::Storage(_) | SetProofError::Value(_) => "set storage",
            SetProofError::Stored(_) | SetProofError::Set(_) => "set rules",
        },
        LightError::SetWithinEpoch(_) => "set within epoch",
        LightError::Version(_) => "version",
        LightError::Set(_) => "stored set",
    }
}

struct Case {
    name: &'static str,
    /// The block that is trusted; followed from block 0.
    trusted: u64,
    block: LightBlock,
    clock: Clock,
    error: &'static str,
}

fn case(name: &'static str, trusted: u64, block: LightBlock, error: &'static str) -> Case {
    Case { name, trusted, block, clock: clock(), error }
}

/// Block 10 with another certificate.
fn with_certificate(certificate: impl Into<Bytes>) -> LightBlock {
    LightBlock { certificate: certificate.into(), ..light(10) }
}

/// Block 10 certified as the node does it, but for what `change` does.
fn signed(change: impl FnOnce(&mut Domain, &mut (u64, u32, B256), &mut Vec<u8>)) -> LightBlock {
    let mut domain = domain(&identity(played()));
    let (mut what, mut who) = ((10, 0, header(10).hash_slow()), WHO.to_vec());
    change(&mut domain, &mut what, &mut who);
    let signatures = who.iter().map(|index| precommit(domain, what, *index)).collect();
    let hash = header(10).hash_slow();
    with_certificate(Certificate { height: 10, round: 0, hash, signatures }.encode())
}

fn certificates() -> Vec<Case> {
    let good = light(10).certificate;
    let own = domain(&identity(played()));
    let hash = header(10).hash_slow();
    let mut nil = Certificate::decode(&signed(|_, _, _| ()).certificate).expect("it is one");
    for one in &mut nil.signatures {
        one.signature = [0; 64];
    }
    let count = |count: u32| {
        let mut bytes = good.to_vec();
        bytes[48..52].copy_from_slice(&count.to_be_bytes());
        with_certificate(bytes)
    };
    vec![
        case("no certificate", 8, with_certificate(Bytes::new()), "certificate bytes"),
        case("a byte too few", 8, with_certificate(good[..good.len() - 1].to_vec()), "certificate bytes"),
        case("a byte too many", 8, with_certificate([&good[..], &[0]].concat()), "certificate bytes"),
        case("a count beyond the bound", 8, count(201), "certificate bytes"),
        case("a count of all numbers", 8, count(u32::MAX), "certificate bytes"),
        case("too long to be one", 8, with_certificate(vec![0; 16_853]), "certificate bytes"),
        case("no round", 8, with_certificate([&good[..8], &[0xff; 8], &good[16..]].concat()), "certificate bytes"),
        case(
            "another block's, with a signature of that",
            8,
            with_certificate(light(9).certificate),
            "other certificate",
        ),
        case("for the height before", 8, with_certificate(certificate(own, (9, 0, hash), WHO)), "other certificate"),
        case(
            "for another hash",
            8,
            with_certificate(certificate(own, (10, 0, B256::repeat_byte(1)), WHO)),
            "other certificate",
        ),
        case("signatures of the height before", 8, signed(|_, what, _| what.0 = 9), "signature"),
        case("signatures of another round", 8, signed(|_, what, _| what.1 = 1), "signature"),
        case("signatures of another hash", 8, signed(|_, what, _| what.2 = B256::ZERO), "signature"),
        case("signatures for another chain id", 8, signed(|domain, _, _| domain.chain_id += 1), "signature"),
        case("signatures for another genesis", 8, signed(|domain, _, _| domain.genesis_hash = hash), "signature"),
        case("silence", 8, with_certificate(nil.encode()), "signature"),
        case("nobody", 8, signed(|_, _, who| who.clear()), "power"),
        case("too few", 8, signed(|_, _, who| *who = vec![0, 1]), "power"),
        case("one counted twice", 8, signed(|_, _, who| *who = vec![2, 2, 2]), "twice"),
        case("the set before, without the one that joined", 4, certified(&header(8), &[0, 1, 2], None), "power"),
        case("who joins with the next epoch", 0, certified(&header(4), &[0, 1, 2, 3], None), "unknown"),
        case("the power of the epoch before", 8, signed(|_, _, who| *who = vec![0, 1, 3]), "power"),
    ]
}

fn headers() -> Vec<Case> {
    let good = light(10).header;
    let with = |header: Vec<u8>| LightBlock { header: header.into(), ..light(10) };
    let mut more = header(10);
    more.withdrawals_root = Some(B256::ZERO);
    let mut other = header(10);
    other.state_root = B256::repeat_byte(7);
    vec![
        case("no header", 8, with(Vec::new()), "header"),
        case("a header with bytes behind it", 8, with([&good[..], &[0]].concat()), "header"),
        case("a header cut short", 8, with(good[..good.len() - 1].to_vec()), "header"),
        case("a header that is too long", 8, with(vec![0xf9; 1_025]), "header"),
        case("a header with a field more", 8, certified(&more, WHO, None), "header"),
        case("a header with another state", 8, with(alloy_rlp::encode(&other)), "other certificate"),
        case("an older block", 8, light(7), "older"),
        case("a block of the next epoch", 8, light(13), "later epoch"),
        case("the last block of the next epoch", 8, light(16), "later epoch"),
    ]
}

/// Headers that two thirds have certified, and that still cannot be.
fn lies() -> Vec<Case> {
    let mut late = header(10);
    late.timestamp = header(9).timestamp - 1;
    let mut orphan = header(10);
    orphan.parent_hash = B256::repeat_byte(9);
    let mut twin = header(10);
    twin.extra_data = Bytes::from_static(&[0, 0, 0, 1, 0, 0, 0, 9]);
    let mut twin_of_end = header(12);
    twin_of_end.gas_used += 1;
    let mut twin_of_change = header(8);
    twin_of_change.gas_used += 1;
    let mut other_genesis = header(0);
    other_genesis.gas_used += 1;
    // A state whose set is another one, in the middle of an epoch.
    let (root, proof) = state_with(&storage(&set(4)), 4);
    let mut early = header(10);
    early.state_root = root;
    let mut ahead = header(10);
    ahead.timestamp = NOW + 61;
    let mut zero = header(12);
    let mut powerless = storage(&set(4));
    powerless.insert(word(6), B256::ZERO);
    let (root, no_power) = state_with(&powerless, 4);
    zero.state_root = root;
    let mut crowd = header(12);
    let mut many = storage(&set(100));
    many.insert(word(0), U256::from(101).into());
    let (root, too_many) = state_with(&many, 0);
    crowd.state_root = root;
    vec![
        case("time went back", 9, certified(&late, WHO, None), "time went back"),
        case("another parent", 9, certified(&orphan, WHO, None), "fork"),
        case("two blocks at one height", 10, certified(&twin, WHO, None), "fork"),
        case("two blocks at the end of an epoch", 12, certified(&twin_of_end, WHO, None), "fork"),
        case("another block at one height, which nobody signed", 10, certified(&twin, &[0], None), "power"),
        case(
            "two blocks at the end of an epoch after which the set changes",
            8,
            certified(&twin_of_change, WHO, None),
            "fork",
        ),
        case("another block 0", 0, certified(&other_genesis, WHO, None), "other block"),
        case("another set within an epoch", 9, certified(&early, WHO, Some(proof)), "set within epoch"),
        case("the future", 9, certified(&ahead, WHO, None), "future"),
        case("a validator without power", 9, certified(&zero, WHO, Some(no_power)), "set rules"),
        case("a hundred and one validators", 9, certified(&crowd, WHO, Some(too_many)), "set rules"),
    ]
}

fn sets() -> Vec<Case> {
    let with = |number: u64, change: &dyn Fn(&mut SetProof)| {
        let mut block = light(number);
        change(block.set_proof.as_mut().expect("it ends an epoch"));
        block
    };
    let other = |number: u64| light(number).set_proof.expect("it ends an epoch");
    vec![
        case("an epoch's end without a set", 8, LightBlock { set_proof: None, ..light(12) }, "no set"),
        case("the set of another block", 8, with(12, &|proof| *proof = other(16)), "set account"),
        case("the same set as before, though it changed", 12, with(16, &|proof| proof.storage.clear()), "set changed"),
        case("the storage of another set", 12, with(16, &|proof| proof.storage = other(8).storage), "set storage"),
        case("a storage node too few", 12, with(16, &|proof| drop(proof.storage.pop())), "set storage"),
        case(
            "a storage node twice",
            12,
            with(16, &|proof| proof.storage.push(proof.storage[0].clone())),
            "set storage",
        ),
        case(
            "a storage node too many",
            12,
            with(16, &|proof| proof.storage.push(proof.account[0].clone())),
            "set storage",
        ),
        case("an account node too few", 12, with(16, &|proof| drop(proof.account.pop())), "set account"),
        case(
            "an account node too many",
            12,
            with(16, &|proof| proof.account.push(proof.account[0].clone())),
            "set account",
        ),
        case("no account", 12, with(16, &|proof| proof.account.clear()), "set account"),
        case("an empty node", 12, with(16, &|proof| proof.storage.push(Bytes::new())), "set storage"),
        case(
            "more nodes than any set",
            12,
            with(16, &|proof| proof.storage = vec![Bytes::new(); 1_025]),
            "set too large",
        ),
        case(
            "more bytes than any set",
            12,
            with(16, &|proof| proof.storage = vec![vec![0; 131_073].into()]),
            "set too large",
        ),
    ]
}

fn times() -> Vec<Case> {
    let at = |name, now, trust_period, block, error| Case {
        name,
        trusted: 8,
        block,
        clock: Clock { now, trust_period },
        error,
    };
    let end = header(8).timestamp + PERIOD;
    vec![
        at("a second after the trust period", end + 1, Some(PERIOD), light(9), "expired"),
        at("long after", u64::MAX, Some(PERIOD), light(9), "expired"),
        at("a header ahead of the clock", header(12).timestamp - 61, None, light(12), "future"),
        at("a clock at 0", 0, None, light(9), "future"),
    ]
}

#[test]
fn every_case_is_refused_for_its_reason_and_changes_nothing() {
    let cases = [certificates(), headers(), lies(), sets(), times()].into_iter().flatten();
    let vector = |case: Case| -> Value {
        let mut trusted = following(case.trusted);
        let before = serde_json::to_string(&trusted).expect("it is JSON");
        let error = trusted.advance(&case.block, case.clock).err();
        let found = error.as_ref().map(name);
        assert_eq!(found, Some(case.error), "{}: {error:?}", case.name);
        assert_eq!(serde_json::to_string(&trusted).expect("it is JSON"), before, "{}", case.name);
        if let Some(LightError::Fork(fork)) = error {
            assert_eq!((fork.height, fork.trusted_hash), (case.trusted, trusted.header().hash));
            assert_eq!((*fork.other, fork.trusted_certificate), (case.block.clone(), light(case.trusted).certificate));
            assert_eq!(fork.trusted_header, light(case.trusted).header);
        }
        json!({"name": case.name, "trusted": case.trusted, "now": case.clock.now, "trustPeriod": case.clock.trust_period,
            "block": case.block, "error": case.error})
    };
    let made = json!({
        "about": "What a client that has followed chain.json to the block `trusted` must refuse, and why.",
        "chain": identity(played()),
        "epochLength": EPOCH,
        // Those that are too large are too large for a file too.
        "vectors": cases.map(vector).filter(|case| case["error"] != "set too large").collect::<Vec<_>>(),
    });
    hold("light/refused.json", &made);
}

#[test]
fn on_the_edge_of_every_bound_a_block_is_accepted() {
    let at = |now, trust_period| following(8).advance(&light(12), Clock { now, trust_period });
    assert!(at(header(8).timestamp + PERIOD, Some(PERIOD)).is_ok(), "the last second of the trust period");
    assert!(at(u64::MAX, None).is_ok(), "if sets of any age are trusted");
    assert!(at(header(12).timestamp - 60, Some(0)).is_ok(), "a header as far ahead as clocks may differ");
    assert!(following(8).advance(&signed(|_, _, _| ()), clock()).is_ok(), "all of the set");
    assert!(following(8).advance(&certified(&header(10), &[3, 2, 0], None), clock()).is_ok(), "in any order");
}

#[test]
fn a_beginning_is_what_its_hash_says() {
    let chain = identity(played());
    let begin = |chain, trusted, block: &LightBlock| {
        let set = block.set_proof.clone().unwrap_or_default();
        TrustedState::begin(chain, trusted, &block.header, &set).map(|_| ()).map_err(|error| name(&error))
    };
    let hash = |number: u64| header(number).hash_slow();
    let anchor = crate::chain::anchor;
    assert_eq!(begin(chain, hash(8), &anchor(8)), Ok(()));
    assert_eq!(begin(chain, hash(8), &anchor(9)), Err("other anchor"));
    assert_eq!(begin(chain, hash(8), &light(12)), Err("other anchor"));
    assert_eq!(begin(chain, hash(12), &light(12)), Err("set changed"), "the whole set is needed");
    assert_eq!(begin(chain, hash(9), &light(9)), Err("set account"));
    let mixed = LightBlock { set_proof: anchor(8).set_proof, ..light(16) };
    assert_eq!(begin(chain, hash(16), &mixed), Err("set account"));
    let other = esker_light::Chain { genesis_hash: B256::ZERO, ..chain };
    assert_eq!(begin(other, hash(0), &anchor(0)), Err("other genesis"));
    let zero = esker_light::Chain { genesis_hash: hash(8), ..chain };
    assert_eq!(begin(zero, hash(8), &anchor(8)), Err("other genesis"));
}

#[test]
fn a_chain_without_epochs_needs_no_proof_and_an_unknown_length_is_not_believed() {
    let fixed = esker_light::Chain { epoch_length: 0, ..identity(played()) };
    assert_eq!((fixed.epochs().set_until(BLOCKS), fixed.epochs().ends_with(0)), (u64::MAX, false));
    let long = esker_light::Chain { epoch_length: u64::MAX, ..identity(played()) };
    assert_eq!(long.epochs().set_until(u64::MAX), u64::MAX);
    assert_eq!(trusting(BLOCKS).epoch_end(), BLOCKS.div_ceil(EPOCH) * EPOCH);
}

#[test]
fn a_fork_is_told_with_both_blocks_and_only_where_both_are_certified() {
    let mut orphan = header(10);
    orphan.parent_hash = B256::repeat_byte(9);
    let orphan = certified(&orphan, WHO, None);
    let error = following(9).advance(&orphan, clock()).expect_err("another parent");
    let LightError::Fork(fork) = &error else { panic!("{error}") };
    assert_eq!((fork.height, fork.other_height, fork.other_parent_hash), (9, 10, B256::repeat_byte(9)));
    let words = format!("block 10, {}, which stands on {}", fork.other_hash, B256::repeat_byte(9));
    assert!(error.to_string().contains("FORK at height 9") && error.to_string().contains(&words), "{error}");

    // Whoever began with block 9 has only its hash for it.
    let error = trusting(9).advance(&orphan, clock()).expect_err("another parent");
    let beginning = |number, found| LightError::OtherBeginning { number, trusted: header(number).hash_slow(), found };
    assert_eq!(error, beginning(9, B256::repeat_byte(9)));
    let mut twin = header(9);
    twin.gas_used += 1;
    let error = trusting(9).advance(&certified(&twin, WHO, None), clock()).expect_err("another block");
    assert_eq!(error, beginning(9, twin.hash_slow()));
    let mut first = header(1);
    first.parent_hash = B256::repeat_byte(9);
    let error = following(0).advance(&certified(&first, &[0, 1, 2], None), clock()).expect_err("another parent");
    assert_eq!(error, beginning(0, B256::repeat_byte(9)));

    // A hash that was wrong from the start: the header of block 9 but for a bit, and the chain's own next block.
    let mut wrong = header(9);
    wrong.mix_hash.0[0] ^= 1;
    let set = crate::chain::anchor(9).set_proof.expect("it was asked for");
    let begun = TrustedState::begin(identity(played()), wrong.hash_slow(), &alloy_rlp::encode(&wrong).into(), &set);
    let error = begun.expect("its state is the chain's").advance(&light(10), clock()).expect_err("no such block");
    let found = header(9).hash_slow();
    assert_eq!(error, LightError::OtherBeginning { number: 9, trusted: wrong.hash_slow(), found });
    assert!(!error.to_string().contains("FORK"), "{error}");
}
