use super::super::receive::{EARLY_BYTES_MAX, EARLY_MAX, EARLY_UNKNOWN_MAX, Early};
use super::*;
use crate::consensus::codec::BLOCK_BYTES_MAX;
use crate::consensus::timing::CLOCK_DRIFT_MAX;

#[test]
fn a_proposal_of_the_next_height_waits_for_its_beginning() {
    let (mut maker, mut others) = split(network());
    let (hash, part) = maker.propose(0);
    for node in &mut others {
        assert_eq!(validity(node.receive(&part).as_ref()), Some(true));
    }
    // Powers do not change, so it is known who will propose at height 2.
    let powers = genesis().validators.into_iter().map(|validator| validator.power);
    let next = esker_runtime::validators::proposer::index(powers, 2, 0);
    let place = others.iter().position(|node| usize::from(node.index) != next).expect("three, of whom one is next");
    let mut late = others.remove(place);
    for node in others.iter_mut().chain([&mut maker]) {
        node.decide(0, hash);
        node.start(0);
    }
    others.push(maker);
    let next = others.iter_mut().find(|node| usize::from(node.index) == next).expect("it is not the late one");
    let (second, part) = next.propose(0);
    assert_eq!(late.receive(&part), None, "height 1 is not over here");
    assert_eq!(late.receive(&part), None, "and it is kept once");
    assert_eq!(late.app.early.len(), 1);
    late.decide(0, hash);
    let values = late.start(0);
    assert_eq!(values.len(), 1);
    assert_eq!((values[0].height, values[0].value), (Height(2), BlockHash(second)));
    assert!(values[0].validity.is_valid());
    assert_eq!((late.app.early.len(), late.receive(&part)), (0, None));
    late.decide(0, second);
    assert_eq!(late.chain.head().block.hash, second);
}

#[test]
fn a_proposal_of_a_later_round_waits_for_it() {
    let mut nodes = network();
    let by = proposer(&nodes[0], 2);
    let (hash, part) = nodes[usize::from(by)].propose(2);
    let node = &mut nodes[usize::from((by + 1) % VALIDATORS)];
    assert_eq!(node.receive(&part), None);
    assert!(node.start(1).is_empty());
    assert_eq!(node.app.early.len(), 1);
    let values = node.start(3);
    assert_eq!(values.len(), 1, "a round that was passed over may still be decided");
    assert_eq!((values[0].round, values[0].value), (Round::new(2), BlockHash(hash)));
    // What comes before the first round of a height is kept as well.
    let mut fresh = Node::new(node.index, 0);
    assert_eq!(fresh.receive(&part), None);
    assert_eq!(fresh.start(2).len(), 1);
}

#[test]
fn what_waits_is_bounded_and_the_nearest_stays() {
    let mut node = Node::new(0, 0);
    node.start(0);
    let block = |round: u32| Bytes::from(round.to_be_bytes().to_vec());
    // Nobody knows who may sign at the next height, unless the validators stay who they are.
    for round in 0..20 {
        let mut part = signed_part(&node, Height(2), round, block(round));
        part.signature = key(0).sign(b"something else");
        assert_eq!(node.receive(&part), None);
    }
    assert_eq!(node.app.early.len(), EARLY_UNKNOWN_MAX);
    for round in (0..200).rev() {
        let part = signed_part(&node, Height(2), round, block(round));
        assert_eq!(node.receive(&part), None);
    }
    assert_eq!(node.app.early.len(), EARLY_MAX);
    for round in 1..200 {
        let part = signed_part(&node, Height(1), round, block(round));
        assert_eq!(node.receive(&part), None);
    }
    assert_eq!(node.app.early.len(), EARLY_MAX);
    let rounds: Vec<Round> = node.app.early.due(Height(1), Round::new(1_000)).iter().map(|part| part.round).collect();
    let nearest: Vec<Round> = (1..=32).map(Round::new).collect();
    assert_eq!(rounds, nearest);
    assert_eq!(node.app.early.len(), 0);
}

#[test]
fn what_waits_is_bounded_in_bytes() {
    let node = Node::new(0, 0);
    let large = Bytes::from(vec![0; BLOCK_BYTES_MAX]);
    let mut early = Early::default();
    for round in 0..20 {
        early.keep(signed_part(&node, Height(2), round, large.clone()), true);
    }
    assert_eq!(early.len(), EARLY_BYTES_MAX / BLOCK_BYTES_MAX);
    assert_eq!(early.due(Height(2), Round::new(0)).len(), 1, "the nearest is there");
    early.keep(signed_part(&node, Height(3), 0, large), true);
    assert!(early.due(Height(4), Round::new(0)).is_empty());
    assert_eq!(early.len(), 0, "what is over is dropped");
}

#[test]
fn a_block_from_the_future_waits_for_its_time() {
    let mut nodes = network();
    let by = proposer(&nodes[0], 0);
    let (hash, part) = nodes[usize::from(by)].propose(0);
    let (header, transactions) = decoded(&part);
    let mut slow = Node::new((by + 1) % VALIDATORS, -i64::try_from(CLOCK_DRIFT_MAX).expect("small") - 60);
    assert!(slow.start(0).is_empty());
    assert_eq!(slow.receive(&part), None);
    assert_eq!((slow.app.early.len(), slow.app.verdicts.len()), (1, 0), "held, not judged");
    assert!(slow.start(1).is_empty(), "the clock is still behind");
    // That it was proposed before is nothing that its proposer can say.
    let again = signed_part(&slow, Height(1), 1, part.block.clone());
    let index = proposer(&slow, 1);
    let mut again = ProposalPart { pol_round: Round::new(0), ..again };
    again.signature = key(index).sign(&domain().part(&again));
    assert_eq!(slow.receive(&again), None);
    assert_eq!((slow.app.early.len(), slow.app.verdicts.len()), (2, 0));
    slow.clock.increase(3_600);
    let values = slow.start(2);
    assert_eq!(values.len(), 2);
    assert!(values.iter().all(|value| value.validity.is_valid() && value.value == BlockHash(hash)));
    slow.decide(0, hash);

    // Within the drift nothing waits, and what was taken once does not wait after a restart either.
    let ahead = Header { timestamp: header.timestamp + CLOCK_DRIFT_MAX, ..header };
    let mut node = Node::new((by + 2) % VALIDATORS, 0);
    node.start(0);
    let part = signed_part(&node, Height(1), 0, encode(&ahead, &transactions));
    assert_eq!(validity(node.receive(&part).as_ref()), Some(true));
    let mut node = node.reopened(-1_000);
    assert_eq!(validity(node.start(0).first()), Some(true));
}

#[test]
fn a_chain_whose_clocks_were_all_wrong_goes_on_once_they_are_right() {
    let mut nodes = network();
    let by = proposer(&nodes[0], 0);
    let (_, part) = nodes[usize::from(by)].propose(0);
    let (header, transactions) = decoded(&part);
    // As if every clock had been an hour ahead when the block was made.
    let hasty = Header { timestamp: header.timestamp + 3_600, ..header };
    let part = signed_part(&nodes[0], Height(1), 0, encode(&hasty, &transactions));
    let hash = hasty.hash_slow();
    let mut later: Vec<Node> = (0..VALIDATORS).map(|index| Node::new(index, 3_600)).collect();
    for node in &mut later {
        node.start(0);
        if node.index != by {
            assert_eq!(validity(node.receive(&part).as_ref()), Some(true));
        }
    }
    let later: Vec<Node> = later.into_iter().filter(|node| node.index != by).collect();
    let mut right: Vec<Node> = Vec::new();
    for mut node in later {
        node.decide(0, hash);
        right.push(node.reopened(0));
    }
    // The next block takes its parent's time, an hour from now, and is taken at once.
    let turn =
        (0..).find(|round| right.iter().any(|node| node.index == proposer(&right[0], *round))).expect("one of them");
    let maker = right.iter().position(|node| node.index == proposer(&right[0], turn)).expect("found just now");
    for node in &mut right {
        for round in 0..=turn {
            node.start(round);
        }
    }
    let (_, part) = right[maker].propose(turn);
    let taker = (maker + 1) % right.len();
    assert_eq!(validity(right[taker].receive(&part).as_ref()), Some(true));
}
