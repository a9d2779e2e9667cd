use super::*;

#[test]
fn a_proposal_of_one_is_valid_for_all_and_is_committed_with_its_certificate() {
    let (mut maker, mut others) = split(network());
    maker.pay(0, 0);
    maker.pay(1, 0);
    let (hash, part) = maker.propose(0);
    let (header, transactions) = decoded(&part);
    assert_eq!((header.hash_slow(), transactions.len()), (hash, 2));
    assert_eq!(header.beneficiary, address(maker.index).0);
    for node in &mut others {
        let value = node.receive(&part).expect("the engine is told");
        assert!(value.validity.is_valid());
        assert_eq!((value.height, value.round, value.valid_round), (Height(1), Round::new(0), Round::Nil));
        assert_eq!((value.value, value.proposer), (BlockHash(hash), address(maker.index)));
        assert_eq!(node.receive(&part), None, "told once");
        assert_eq!(node.chain.head().block.header.number, 0, "nothing is committed before it is decided");
    }
    for node in others.iter_mut().chain([&mut maker]) {
        node.decide(0, hash);
        assert_eq!(node.chain.head().block.hash, hash);
        let kept = node.chain.certificate(1).expect("readable").expect("kept with the block");
        assert_eq!(kept, crate::consensus::certificate::encode(&certificate(Height(1), 0, hash)).to_vec());
        assert_eq!(node.app.next(Duration::ZERO).0, Height(2));
        assert_eq!(std::fs::read_dir(node.folder.path().join("undecided")).expect("a folder").count(), 0);
    }
    assert!(!maker.pool.has_executable(maker.chain.next_base_fee()), "what is in a block has left the pool");
}

#[test]
fn what_its_proposer_did_not_sign_is_not_looked_at() {
    let (mut maker, mut others) = split(network());
    let (_, part) = maker.propose(0);
    let node = &mut others[0];
    let foreign = |part: &ProposalPart, index: u8| {
        let mut part = ProposalPart { proposer: address(index), ..part.clone() };
        part.signature = key(index).sign(&domain().part(&part));
        part
    };
    let other_chain = Domain { chain_id: CHAIN_ID + 1, ..domain() };
    let mut elsewhere = part.clone();
    elsewhere.signature = key(maker.index).sign(&other_chain.part(&part));
    let cases = [
        ("another validator's", foreign(&part, node.index)),
        ("nobody's", foreign(&part, 40)),
        ("another's name", ProposalPart { proposer: address(node.index), ..part.clone() }),
        ("a signature of another round", ProposalPart { round: Round::new(4), ..part.clone() }),
        ("a signature of another block", ProposalPart { block: Bytes::from_static(b"\xc0"), ..part.clone() }),
        ("a signature of another round of prevotes", ProposalPart { pol_round: Round::new(0), ..part.clone() }),
        ("a signature for another chain", elsewhere),
        ("a height that is over", signed_part(node, Height(0), 0, part.block.clone())),
        ("a height that is far", signed_part(node, Height(3), 0, part.block.clone())),
        ("a round that is far", signed_part(node, Height(1), 101, part.block.clone())),
        ("no round", ProposalPart { round: Round::Nil, ..part.clone() }),
    ];
    for (name, case) in cases {
        assert_eq!(node.receive(&case), None, "{name}");
        assert_eq!(node.app.early.len(), 0, "{name}");
        assert!(node.app.told.is_empty() && node.app.verdicts.is_empty(), "{name}");
    }
    assert_eq!(validity(node.receive(&part).as_ref()), Some(true));
}

#[test]
fn two_bodies_at_most_are_looked_at_in_a_round() {
    let (mut maker, mut others) = split(network());
    let (_, part) = maker.propose(0);
    let (header, transactions) = decoded(&part);
    let node = &mut others[0];
    let at = |seconds: u64| encode(&Header { timestamp: header.timestamp - seconds, ..header.clone() }, &transactions);
    let given: Vec<_> = (0..4).map(|seconds| signed_part(node, Height(1), 0, at(seconds))).collect();
    let verdicts: Vec<_> = given.iter().map(|part| validity(node.receive(part).as_ref())).collect();
    assert_eq!(verdicts, [Some(true), Some(true), None, None]);
    assert_eq!(node.app.prepared.len(), 2);
    // Bytes that are no block count too.
    let node = &mut others[1];
    let junk = |byte: u8| signed_part(node, Height(1), 0, vec![byte; 100].into());
    for part in [junk(1), junk(1), junk(2)] {
        assert_eq!(node.receive(&part), None);
    }
    assert_eq!(node.receive(&given[0]), None);
    assert_eq!((node.app.told.len(), node.app.prepared.len()), (2, 0));
}

#[test]
fn blocks_of_many_rounds_are_kept_in_bounded_memory_and_any_can_be_decided() {
    let (mut maker, mut others) = split(network());
    let (_, part) = maker.propose(0);
    let (header, transactions) = decoded(&part);
    let node = &mut others[0];
    let mut hashes = BTreeSet::new();
    for round in 0..10u32 {
        node.start(round);
        let header = Header { timestamp: header.timestamp - u64::from(round), ..header.clone() };
        assert!(hashes.insert(header.hash_slow()));
        let part = signed_part(node, Height(1), round, encode(&header, &transactions));
        assert_eq!(validity(node.receive(&part).as_ref()), Some(true), "round {round}");
    }
    assert_eq!((node.app.prepared.len(), node.app.verdicts.len()), (PREPARED_MAX, 10));
    let gone = *hashes.iter().find(|hash| !node.app.prepared.contains_key(*hash)).expect("four of ten are kept");
    node.decide(9, gone);
    assert_eq!(node.chain.head().block.hash, gone, "executed again from its file");
}

#[test]
fn a_block_is_proposed_again_in_a_later_round_by_another() {
    let (mut maker, mut others) = split(network());
    let (hash, part) = maker.propose(0);
    for node in &mut others {
        assert_eq!(validity(node.receive(&part).as_ref()), Some(true));
        node.start(1);
    }
    let next = proposer(&others[0], 1);
    let place = others.iter().position(|node| node.index == next).expect("not the first proposer");
    let mut second = others.remove(place);
    let ask = |node: &mut Node, by| {
        node.app.restream(Height(1), Round::new(1), Round::new(0), by, hash).expect("the node is well")
    };
    assert_eq!(ask(&mut others[0], address(next)), None, "only its proposer can sign it");
    let again = ask(&mut second, address(next)).expect("it has the body");
    assert_eq!((again.round, again.pol_round, &again.block), (Round::new(1), Round::new(0), &part.block));
    let value = others[0].receive(&again).expect("told");
    assert!(value.validity.is_valid());
    assert_eq!((value.round, value.valid_round), (Round::new(1), Round::new(0)));
    assert_eq!(ask(&mut second, address(next)), Some(again), "and as it was signed the next time");
}

#[test]
fn who_does_not_sign_proposes_nothing() {
    let (mut maker, _) = split(network());
    assert!(maker.app.propose(Height(2), Round::new(0), TIMEOUT).expect("well").is_none(), "another height");
    assert!(maker.app.propose(Height(1), Round::Nil, TIMEOUT).expect("well").is_none(), "no round");
    maker.app.signer = None;
    assert!(maker.app.propose(Height(1), Round::new(0), TIMEOUT).expect("well").is_none(), "no key");
}
