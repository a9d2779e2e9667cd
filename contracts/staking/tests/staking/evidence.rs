//! Evidence: what is accepted, and what it does.

use esker_sdk::{Address, B256, U256};
use esker_sdk_test::{CHAIN_ID, Chain, User};
use esker_staking::events::{ReportClaimed, Slashed};
use esker_staking::{Error, Params, SlashInfo};

use crate::support::messages::{SignedFor, public_key, sign};
use crate::support::{World, assert_rewards, coins, genesis_validator, params};

const ONE: Option<[u8; 32]> = Some([1; 32]);
const TWO: Option<[u8; 32]> = Some([2; 32]);

/// Both messages signed by the key of this seed.
fn signed(seed: u8, first: Vec<u8>, second: Vec<u8>) -> [Vec<u8>; 4] {
    let (first_signature, second_signature) = (sign(seed, &first), sign(seed, &second));
    [first, first_signature, second, second_signature]
}

#[esker_sdk::test]
fn whoever_signs_twice_is_slashed_and_out_for_ever(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    world.delegate(alice, ada, coins(300)).succeeds();
    world.end_block(ada, coins(4), &[]);
    let rewards = world.chain.read(staking.rewards_of(alice.address, ada.address));
    let slashed = Slashed {
        validator: ada.address,
        reporter: bob.address,
        epoch: 0,
        amount: coins(40),
        // A twentieth of the tenth of what is Ada's own.
        reward: coins(1) / 2,
    };
    world.punish(bob, ada, 1, 0).emits(slashed);
    world.check();
    let info = world.chain.read(staking.validator(ada.address));
    assert_eq!((info.stake, info.shares, info.is_tombstoned, info.is_candidate), (coins(360), coins(400), true, false));
    let slash = SlashInfo { is_slashed: true, offence_epoch: 0, slash_bps: 1_000 };
    assert_eq!(world.chain.read(staking.slash_of(ada.address)), slash);
    assert_eq!(world.stake(alice, ada), coins(270));
    // What was earned before stays, and what its last blocks of the epoch bring is paid as ever.
    world.end_block(ada, coins(4), &[]);
    assert_rewards(world.chain.read(staking.rewards_of(alice.address, ada.address)), coins(54) / 10, 1);
    assert_rewards(rewards, coins(27) / 10, 1);

    let totals = world.chain.read(staking.totals());
    assert_eq!((totals.burned, totals.reports), (coins(40) - coins(1) / 2, coins(1) / 2));
    assert_eq!(world.chain.read(staking.report_of(bob.address)), coins(1) / 2);
    let before = world.chain.balance(bob);
    let paid = ReportClaimed { reporter: bob.address, amount: coins(1) / 2 };
    world.chain.send(bob, staking.claim_report()).emits(paid);
    assert_eq!(world.chain.balance(bob), before + coins(1) / 2);
    world.chain.send(bob, staking.claim_report()).reverts(Error::NothingToClaim {});

    // Who sends evidence may name somebody else for the reward.
    let [first, first_signature, second, second_signature] = world.double_vote(eve, 3, 1);
    let call = staking.submit_evidence(&first, &first_signature, &second, &second_signature, alice.address);
    let reward = coins(40) / 10 / 20;
    let slashed = Slashed { validator: eve.address, reporter: alice.address, epoch: 0, amount: coins(4), reward };
    world.chain.send(bob, call).emits(slashed);
    assert_eq!(world.chain.read(staking.report_of(bob.address)), U256::ZERO);
    world.chain.send(bob, staking.claim_report()).reverts(Error::NothingToClaim {});
    world.chain.send(alice, staking.claim_report()).emits(ReportClaimed { reporter: alice.address, amount: reward });

    // Nothing brings it back, and nobody can add to it.
    let out = || Error::Tombstoned { validator: ada.address };
    world.delegate(alice, ada, coins(1)).reverts(out());
    world.delegate(alice, bob, coins(1)).succeeds();
    world.chain.send(alice, staking.redelegate(bob.address, ada.address, coins(1))).reverts(out());
    world.chain.send(ada, staking.enter(ada.address)).reverts(Error::NotEligible { validator: ada.address });
    world.chain.send(ada, staking.unjail()).reverts(Error::NotJailed {});
    world.create(ada, 9, coins(10)).reverts(Error::ValidatorExists { operator: ada.address });
    world.create(alice, 1, coins(10)).reverts(Error::KeyTaken { public_key: public_key(1) });
    let operators: Vec<_> = world.end_epoch().into_iter().map(|next| next.operator).collect();
    assert_eq!(operators, [bob.address]);
    // Whoever is still there leaves with what is left.
    world.chain.send(alice, staking.undelegate(ada.address, coins(270))).succeeds();
    world.chain.send(ada, staking.undelegate(ada.address, coins(90))).succeeds();
    let info = world.chain.read(staking.validator(ada.address));
    assert_eq!((info.stake, info.shares), (U256::ZERO, U256::ZERO));
    world.check();
}

#[esker_sdk::test]
fn every_two_messages_of_a_round_that_exclude_each_other_count(
    chain: &mut Chain,
    alice: User,
    ada: User,
    bob: User,
    eve: User,
) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let on = world.signed_for();
    let largest = i64::from(u32::MAX);
    let by_precommits = signed(1, on.vote(1, 1, largest, ONE, ada.address), on.vote(1, 1, largest, TWO, ada.address));
    world.submit(alice, &by_precommits).succeeds();
    // The same hash proposed as new and as once prevoted.
    let proposals = [on.proposal(50, 3, -1, [1; 32], bob.address), on.proposal(50, 3, 1, [1; 32], bob.address)];
    let [first, second] = proposals;
    world.submit(alice, &signed(2, first, second)).succeeds();
    let [first, second] = [1, 2].map(|hash| on.proposal(9, 0, -1, [hash; 32], eve.address));
    world.submit(alice, &signed(3, first, second)).succeeds();
    world.check();
}

#[esker_sdk::test]
fn what_does_not_exclude_is_no_evidence(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let on = world.signed_for();
    let a = ada.address;
    let vote = on.vote(0, 5, 1, ONE, a);
    let proposal = on.proposal(5, 1, -1, [1; 32], a);
    let truncated = |message: &[u8]| message[..message.len() - 1].to_vec();
    let with = |message: &[u8], index: usize, byte: u8| {
        let mut changed = message.to_vec();
        changed[index] = byte;
        changed
    };
    let other = on.vote(0, 5, 1, TWO, a);
    let pairs = [
        ("the same", vote.clone(), vote.clone()),
        ("another kind", vote.clone(), on.vote(1, 5, 1, TWO, a)),
        ("another height", vote.clone(), on.vote(0, 6, 1, TWO, a)),
        ("another round", vote.clone(), on.vote(0, 5, 2, TWO, a)),
        ("another voter", vote.clone(), on.vote(0, 5, 1, TWO, bob.address)),
        ("a vote and a proposal", vote.clone(), proposal.clone()),
        ("the same proposal", proposal.clone(), proposal.clone()),
        ("a proposal of another round", proposal.clone(), on.proposal(5, 2, -1, [2; 32], a)),
        ("nothing", Vec::new(), Vec::new()),
        ("cut short", vote.clone(), truncated(&other)),
        ("both cut short", truncated(&vote), truncated(&other)),
        ("something behind", vote.clone(), [&other[..], &[0]].concat()),
        ("no kind", with(&vote, 52, 2), with(&other, 52, 2)),
        ("no mark of a value", vote.clone(), with(&other, 69, 2)),
        ("another tag", vote.clone(), with(&other, 0, b'E')),
        ("no round", on.vote(0, 5, -1, ONE, a), on.vote(0, 5, -1, TWO, a)),
        ("a negative round", on.vote(0, 5, -2, ONE, a), on.vote(0, 5, -2, TWO, a)),
        ("too large a round", on.vote(0, 5, 1 << 32, ONE, a), on.vote(0, 5, 1 << 32, TWO, a)),
        ("no valid round", proposal.clone(), on.proposal(5, 1, -2, [1; 32], a)),
        ("too large a valid round", proposal, on.proposal(5, 1, 1 << 32, [1; 32], a)),
        ("two chains", vote.clone(), SignedFor { chain_id: 1, ..on }.vote(0, 5, 1, TWO, a)),
    ];
    for (what, first, second) in pairs {
        let output = world.submit(alice, &signed(1, first, second)).output().to_vec();
        assert_eq!(output, esker_sdk::ContractError::encode(&Error::NotEvidence {}), "{what}");
    }
    assert!(!world.chain.read(world.staking.slash_of(a)).is_slashed);
}

#[esker_sdk::test]
fn evidence_is_of_this_chain_signed_and_of_its_time(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let on = world.signed_for();
    let a = ada.address;
    let votes = |on: SignedFor, height, of: Address| (on.vote(0, height, 1, ONE, of), on.vote(0, height, 1, None, of));
    for elsewhere in [SignedFor { chain_id: CHAIN_ID + 1, ..on }, SignedFor { genesis: B256::ZERO, ..on }] {
        let (first, second) = votes(elsewhere, 5, a);
        world.submit(alice, &signed(1, first, second)).reverts(Error::OtherChain {});
    }
    let (first, second) = votes(on, 0, a);
    world.submit(alice, &signed(1, first, second)).reverts(Error::OtherChain {});
    let (first, second) = votes(on, 5, alice.address);
    world.submit(alice, &signed(1, first, second)).reverts(Error::NoValidator { validator: alice.address });
    let (first, second) = votes(on, 5, a);
    let good = signed(1, first.clone(), second.clone());
    // Another validator's key, one wrong signature of the two, the two the wrong way round, no signature.
    let forged = [
        signed(2, first.clone(), second.clone()),
        [good[0].clone(), good[1].clone(), good[2].clone(), sign(2, &second)],
        [good[0].clone(), sign(2, &first), good[2].clone(), good[3].clone()],
        [good[0].clone(), good[3].clone(), good[2].clone(), good[1].clone()],
        [good[0].clone(), good[1].clone(), good[2].clone(), good[3][..63].to_vec()],
        [good[0].clone(), Vec::new(), good[2].clone(), good[3].clone()],
    ];
    for evidence in forged {
        world.submit(alice, &evidence).reverts(Error::BadSignature {});
    }
    // Epoch 1 has not begun; the last block of epoch 0 counts though it is not there yet.
    let (first, second) = votes(on, 51, a);
    world.submit(alice, &signed(1, first, second)).reverts(Error::EvidenceFromTheFuture { epoch: 1 });
    let far = u64::MAX;
    let (first, second) = votes(on, far, a);
    world.submit(alice, &signed(1, first, second)).reverts(Error::EvidenceFromTheFuture { epoch: (far - 1) / 50 });
    world.end_epochs(3);
    world.submit(alice, &good).reverts(Error::EvidenceTooOld { epoch: 0 });
    let (first, second) = votes(on, 51, a);
    world.submit(alice, &signed(1, first, second)).succeeds();
    // Nothing is punished twice.
    world.submit(alice, &good).reverts(Error::EvidenceTooOld { epoch: 0 });
    let (first, second) = votes(on, 101, a);
    world.submit(bob, &signed(1, first, second)).reverts(Error::Tombstoned { validator: a });
    world.check();
}

#[esker_sdk::test]
fn a_slash_may_take_everything(chain: &mut Chain, alice: User, ada: User, bob: User) {
    let params = Params { slash_bps: 10_000, ..params() };
    let validators = [genesis_validator(ada, 1, coins(10)), genesis_validator(bob, 2, coins(10))];
    let mut world = World::with(chain, alice, params, &validators);
    let staking = world.staking;
    world.delegate(alice, ada, coins(5)).succeeds();
    world.chain.send(alice, staking.redelegate(ada.address, bob.address, coins(1))).succeeds();
    world.chain.send(alice, staking.undelegate(ada.address, coins(1))).succeeds();
    world.punish(eve(), ada, 1, 0).succeeds();
    world.check();
    assert_eq!((world.stake(alice, ada), world.stake(alice, bob)), (U256::ZERO, U256::ZERO));
    let none = Error::InsufficientStake { have: U256::ZERO, want: U256::ONE };
    world.chain.send(alice, staking.undelegate(ada.address, 1)).reverts(none);
    world.chain.send(bob, staking.settle(alice.address, ada.address)).succeeds();
    world.chain.send(bob, staking.settle(alice.address, bob.address)).succeeds();
    assert_eq!(world.chain.read(staking.totals()).bonded, coins(10));
    // Rewards of shares without coins still have a home.
    world.end_block(ada, coins(1), &[]);
    world.end_epochs(4);
    world.chain.send(alice, staking.withdraw(ada.address)).succeeds();
    world.chain.send(alice, staking.claim_rewards(ada.address)).succeeds();
    world.check();
}

/// Somebody without coins: gas costs nothing here.
fn eve() -> User {
    User { address: Address([0xee; 20]) }
}

#[esker_sdk::test]
fn the_precompiled_contract_verifies_what_validators_sign(chain: &mut Chain, alice: User, ada: User) {
    let world = World::with(chain, alice, params(), &[genesis_validator(ada, 1, coins(10))]);
    let mut place = [0; 20];
    (place[18], place[19]) = (0x10, 0x02);
    let vote = world.signed_for().vote(0, 1, 0, ONE, ada.address);
    for (seed, good) in [(1, true), (2, false)] {
        let input = [&public_key(1).0[..], &sign(seed, &vote), &vote].concat();
        let sent = world.chain.send_raw(alice, Address(place), U256::ZERO, &input).succeeds();
        let word = U256::ONE.to_be_bytes();
        assert_eq!(sent.output(), if good { &word[..] } else { &[] });
    }
}

/// What validators sign by the vectors of the consensus, which another implementation checks too, is what is read here.
#[test]
fn the_vectors_of_the_consensus_are_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/consensus/signing.json");
    let text = std::fs::read_to_string(path).expect("the vectors are part of the repository");
    let file: serde_json::Value = serde_json::from_str(&text).expect("vectors are JSON");
    let bytes = |value: &serde_json::Value| {
        let text = value.as_str().expect("a string").trim_start_matches("0x");
        hex::decode(text).expect("hexadecimal")
    };
    let genesis = bytes(&file["genesisHash"]);
    let (mut read, mut ignored) = (0, 0);
    for vector in file["vectors"].as_array().expect("a list") {
        let sign_bytes = bytes(&vector["signBytes"]);
        let found = esker_staking::evidence::read(&sign_bytes);
        if !["vote", "proposal"].contains(&vector["message"].as_str().expect("a string")) {
            assert_eq!(found, None, "{}", vector["about"]);
            ignored += 1;
            continue;
        }
        let (domain, position) = found.unwrap_or_else(|| panic!("{} is not read", vector["about"]));
        assert_eq!((Some(domain.chain_id), &domain.genesis.0[..]), (file["chainId"].as_u64(), &genesis[..]));
        for field in vector["fields"].as_array().expect("a list") {
            let value = bytes(&field[1]);
            match field[0].as_str().expect("a string") {
                "height" => assert_eq!(position.height.to_be_bytes()[..], value),
                "round" => assert_eq!(u64::from(position.round).to_be_bytes()[..], value),
                "voter" | "proposer" => assert_eq!(position.signer.0[..], value),
                _ => {}
            }
        }
        read += 1;
    }
    assert!(read >= 4 && ignored >= 2, "{read} read, {ignored} ignored");
}
