//! Operators: becoming a validator, its profile, its place among the candidates. Natively and as wasm on the real VM.

use esker_sdk::{Address, FixedBytes, U256};
use esker_sdk_test::{Chain, User};
use esker_staking::events::{
    CandidateEntered, CandidateReplaced, CommissionClaimed, ValidatorCreated, ValidatorEdited,
};
use esker_staking::math::COIN;
use esker_staking::{CANDIDATES_MAX, Error, INFLATION_MAX, NAME_MAX, NextValidator, Params, Staking, StakingHandle};

use crate::support::messages::{possession, public_key, sign};
use crate::support::{RUNTIME, World, coins, genesis_validator, params};

#[esker_sdk::test]
fn genesis_is_what_it_was_given(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    assert_eq!(world.chain.read(staking.params()), params());
    assert_eq!(world.chain.read(staking.epoch()), 0);
    assert_eq!(world.chain.read(staking.genesis_hash()), world.chain.genesis_hash());
    assert_eq!(world.chain.read(staking.candidates()), [ada.address, bob.address, eve.address]);
    let set = world.chain.read(staking.validator_set());
    let member =
        |user: User, seed, power| NextValidator { operator: user.address, public_key: public_key(seed), power };
    assert_eq!(set, [member(ada, 1, 100), member(bob, 2, 60), member(eve, 3, 40)]);
    let info = world.chain.read(staking.validator(bob.address));
    assert_eq!((info.operator, info.public_key, info.name.as_str()), (bob.address, public_key(2), ""));
    assert_eq!((info.stake, info.shares, info.self_bond), (coins(60), coins(60), coins(60)));
    assert_eq!((info.commission_bps, info.next_commission_bps, info.is_candidate), (1_000, 1_000, true));
    assert!(!info.is_jailed && !info.is_tombstoned);
    assert_eq!(world.chain.read(staking.key_owner(public_key(3))), eve.address);
    assert_eq!(world.chain.read(staking.totals()).bonded, coins(200));
    let nobody = Error::NoValidator { validator: alice.address };
    world.chain.try_read(staking.validator(alice.address)).reverts(nobody);
    assert!(!world.chain.read(staking.slash_of(alice.address)).is_slashed);
}

#[esker_sdk::test]
fn genesis_refuses_what_no_chain_can_run_by(chain: &mut Chain, alice: User, ada: User, bob: User) {
    let good = genesis_validator(ada, 1, coins(10));
    let refused = |chain: &mut Chain, params: Params, validators: &[_], value: U256, error: Error| {
        chain.try_deploy_with::<Staking>(alice, value, StakingHandle::constructor(params, validators)).reverts(error);
    };
    let ten = coins(10);
    let unsound = [
        Params { epoch_length: 0, ..params() },
        Params { evidence_epochs: 0, ..params() },
        Params { evidence_epochs: 4, ..params() },
        Params { max_validators: 0, ..params() },
        Params { max_validators: CANDIDATES_MAX + 1, ..params() },
        Params { min_self_bond: U256::from(COIN - 1), ..params() },
        Params { min_self_bond: U256::MAX, ..params() },
        Params { min_delegation: U256::ZERO, ..params() },
        Params { slash_bps: 10_001, ..params() },
        Params { reporter_bps: 10_001, ..params() },
        Params { missed_slots_bps: 10_001, ..params() },
        Params { max_commission_step_bps: 10_001, ..params() },
        Params { jail_epochs: 0, ..params() },
        Params { inflation_per_block: U256::from(INFLATION_MAX), ..params() },
    ];
    for params in unsound {
        refused(chain, params, std::slice::from_ref(&good), ten, Error::BadParameters {});
    }
    let wrong = Error::WrongValue { have: coins(11), want: ten };
    refused(chain, params(), std::slice::from_ref(&good), coins(11), wrong);
    let small = genesis_validator(ada, 1, coins(9));
    let error = Error::SelfBondTooSmall { have: coins(9), want: ten };
    refused(chain, params(), &[small], coins(9), error);
    let mut zero = good.clone();
    zero.operator = Address::ZERO;
    refused(chain, params(), &[zero], ten, Error::BadParameters {});
    let mut high = good.clone();
    high.commission_bps = 10_001;
    refused(chain, params(), &[high], ten, Error::CommissionTooHigh { commission_bps: 10_001 });
    let twice = Error::ValidatorExists { operator: ada.address };
    refused(chain, params(), &[good.clone(), genesis_validator(ada, 2, ten)], coins(20), twice);
    let taken = Error::KeyTaken { public_key: public_key(1) };
    refused(chain, params(), &[good.clone(), genesis_validator(bob, 1, ten)], coins(20), taken);
    let many: Vec<_> = (0..=CANDIDATES_MAX).map(|_| good.clone()).collect();
    refused(chain, params(), &many, ten, Error::BadParameters {});
    // A chain without validators may begin.
    chain.try_deploy_with::<Staking>(alice, U256::ZERO, StakingHandle::constructor(params(), &[])).succeeds();
}

#[esker_sdk::test]
fn anybody_with_a_key_and_coins_becomes_a_validator(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let created = ValidatorCreated {
        operator: alice.address,
        public_key: public_key(7),
        commission_bps: 1_000,
        name: "new".into(),
        stake: coins(50),
    };
    world.create(alice, 7, coins(50)).emits(created).emits(CandidateEntered { validator: alice.address });
    world.check();
    let info = world.chain.read(world.staking.validator(alice.address));
    assert_eq!((info.stake, info.name.as_str(), info.is_candidate), (coins(50), "new", true));
    // Once and for ever.
    world.create(alice, 8, coins(50)).reverts(Error::ValidatorExists { operator: alice.address });
    let set: Vec<_> = world.end_epoch().into_iter().map(|next| (next.operator, next.power)).collect();
    assert_eq!(set, [(ada.address, 100), (bob.address, 60), (alice.address, 50), (eve.address, 40)]);
}

#[esker_sdk::test]
fn a_key_needs_its_owner_and_belongs_to_one(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let (staking, here) = (world.staking, world.staking.address());
    let mut tried = |key, proof: &[u8], commission, name: &str, stake, error: Error| {
        let call = staking.create_validator(key, proof, commission, name).value(stake);
        world.chain.send(alice, call).reverts(error);
    };
    let ten = coins(10);
    let proof = |operator: User, seed| sign(seed, &possession(31_337, here, operator.address, public_key(seed)));
    tried(public_key(2), &proof(alice, 2), 0, "", ten, Error::KeyTaken { public_key: public_key(2) });
    let good = proof(alice, 7);
    for bad in [&good[..63], &[], &[0; 64], &[&good[..], &[0]].concat(), &proof(bob, 7), &proof(alice, 8)] {
        tried(public_key(7), bad, 0, "", ten, Error::BadProof {});
    }
    let elsewhere = sign(7, &possession(1, here, alice.address, public_key(7)));
    tried(public_key(7), &elsewhere, 0, "", ten, Error::BadProof {});
    let other_contract = sign(7, &possession(31_337, eve.address, alice.address, public_key(7)));
    tried(public_key(7), &other_contract, 0, "", ten, Error::BadProof {});
    tried(public_key(7), &good, 10_001, "", ten, Error::CommissionTooHigh { commission_bps: 10_001 });
    tried(public_key(7), &good, 0, &"x".repeat(NAME_MAX + 1), ten, Error::NameTooLong {});
    let less = ten - 1;
    tried(public_key(7), &good, 0, "", less, Error::SelfBondTooSmall { have: less, want: ten });
    // Keys for which anybody can sign: the neutral point, the points of order 2, 4 and 8, and their other encodings.
    let point = |text: &str| {
        let bytes: Vec<u8> =
            (0..64).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hexadecimal")).collect();
        FixedBytes(bytes.try_into().expect("32 bytes"))
    };
    for weak in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        let mut forged = [0; 64];
        forged[0] = 1;
        tried(point(weak), &forged, 0, "", ten, Error::BadKey { public_key: point(weak) });
    }
    // No point at all.
    tried(FixedBytes([2; 32]), &good, 0, "", ten, Error::BadProof {});
    assert_eq!(world.chain.read(world.staking.key_owner(public_key(7))), Address::ZERO);
    world.check();
}

#[esker_sdk::test]
fn a_commission_changes_in_small_steps_and_not_before_the_next_epoch(
    chain: &mut Chain,
    alice: User,
    ada: User,
    bob: User,
    eve: User,
) {
    let mut world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    let nobody = Error::NoValidator { validator: alice.address };
    world.chain.send(alice, staking.edit_validator("", 0)).reverts(nobody);
    let step = |to_bps| Error::CommissionStepTooLarge { from_bps: 1_000, to_bps, most_bps: 500 };
    world.chain.send(ada, staking.edit_validator("Ada", 1_501)).reverts(step(1_501));
    world.chain.send(ada, staking.edit_validator("Ada", 499)).reverts(step(499));
    let high = Error::CommissionTooHigh { commission_bps: 10_001 };
    world.chain.send(ada, staking.edit_validator("Ada", 10_001)).reverts(high);
    let long = "é".repeat(NAME_MAX / 2 + 1);
    world.chain.send(ada, staking.edit_validator(&long, 1_000)).reverts(Error::NameTooLong {});
    let edited = ValidatorEdited { operator: ada.address, name: "Ada".into(), commission_bps: 1_500, epoch: 1 };
    world.chain.send(ada, staking.edit_validator("Ada", 1_500)).emits(edited);
    // A second change in the epoch replaces the first; the step counts from what holds now.
    world.chain.send(ada, staking.edit_validator("Ada", 1_501)).reverts(step(1_501));
    world.chain.send(ada, staking.edit_validator("Ada L.", 1_400)).succeeds();
    let info = world.chain.read(staking.validator(ada.address));
    assert_eq!((info.name.as_str(), info.commission_bps, info.next_commission_bps), ("Ada L.", 1_000, 1_400));
    world.end_block(ada, U256::from(1_000), &[]);
    assert_eq!(world.chain.read(staking.validator(ada.address)).commission, 100);
    world.end_epoch();
    assert_eq!(world.chain.read(staking.validator(ada.address)).commission_bps, 1_400);
    world.end_block(ada, U256::from(1_000), &[]);
    assert_eq!(world.chain.read(staking.validator(ada.address)).commission, 240);
    let before = world.chain.balance(ada);
    let claimed = CommissionClaimed { operator: ada.address, amount: U256::from(240) };
    world.chain.send(ada, staking.claim_commission()).emits(claimed);
    assert_eq!(world.chain.balance(ada), before + 240);
    world.chain.send(ada, staking.claim_commission()).reverts(Error::NothingToClaim {});
    world.chain.send(alice, staking.claim_commission()).reverts(Error::NothingToClaim {});
    world.check();
}

#[esker_sdk::test]
fn the_candidates_are_a_hundred_and_the_poorest_makes_room(chain: &mut Chain, alice: User, ada: User, bob: User) {
    let operator = |index: u16| Address([index as u8 + 1; 20]);
    let validators: Vec<_> =
        (0..CANDIDATES_MAX).map(|i| genesis_validator(operator(i), i as u8, coins(20 + u64::from(i)))).collect();
    let mut world = World::with(chain, alice, params(), &validators);
    let staking = world.staking;
    assert_eq!(world.chain.read(staking.candidates()).len(), 100);
    // Too little for a seat, enough to be a validator.
    world.create(ada, 200, coins(20)).succeeds();
    assert!(!world.chain.read(staking.validator(ada.address)).is_candidate);
    let full = Error::CandidatesFull { have: coins(20), least: coins(20) };
    world.chain.send(bob, staking.enter(ada.address)).reverts(full);
    world.delegate(bob, ada, coins(1)).succeeds();
    let replaced = CandidateReplaced { validator: operator(0), by: ada.address };
    let entered = CandidateEntered { validator: ada.address };
    world.chain.send(bob, staking.enter(ada.address)).emits(replaced).emits(entered);
    let again = Error::AlreadyCandidate { validator: ada.address };
    world.chain.send(bob, staking.enter(ada.address)).reverts(again);
    let candidates = world.chain.read(staking.candidates());
    assert!(candidates.len() == 100 && candidates.contains(&ada.address) && !candidates.contains(&operator(0)));
    world.chain.send(bob, staking.enter(bob.address)).reverts(Error::NotEligible { validator: bob.address });
    // The next poorest goes, at once, for one who comes with more.
    let replaced = CandidateReplaced { validator: ada.address, by: bob.address };
    world.delegate(alice, User { address: operator(1) }, coins(1)).succeeds();
    world.create(bob, 201, coins(30)).emits(replaced);
    world.check();
    let set = world.end_epoch();
    let powers: Vec<_> = set.iter().map(|next| next.power).collect();
    assert_eq!(powers, [119, 118, 117, 116]);
    // With too little of its own at stake a candidate counts as the poorest, whatever others delegated.
    let rich = User { address: operator(99) };
    world.chain.send(rich, staking.undelegate(rich.address, coins(110))).succeeds();
    let replaced = CandidateReplaced { validator: rich.address, by: ada.address };
    world.chain.send(bob, staking.enter(ada.address)).emits(replaced);
    let bad = Error::NotEligible { validator: rich.address };
    world.chain.send(bob, staking.enter(rich.address)).reverts(bad);
    world.check();
}

#[esker_sdk::test]
fn what_is_no_call_of_its_own_is_refused(chain: &mut Chain, alice: User, ada: User, bob: User, eve: User) {
    let world = World::new(chain, alice, [ada, bob, eve]);
    let staking = world.staking;
    // Coins come with delegations only.
    world.chain.send_raw(alice, staking.address(), U256::ONE, &[]).reverts_with_bytes(&[]);
    world.chain.send_raw(alice, staking.address(), U256::ONE, &[0x12; 4]).reverts_with_bytes(&[]);
    let input = staking.claim_rewards(ada.address).input().to_vec();
    world.chain.send_raw(alice, staking.address(), U256::ONE, &input).reverts_with_bytes(&[]);
    // The runtime's calls are the runtime's.
    let call = staking.end_block(alice.address, 1, 0, &[]);
    world.chain.send(alice, call.clone()).reverts(Error::NotSystem {});
    world.chain.send(alice, staking.end_epoch()).reverts(Error::NotSystem {});
    // It brings no coins along: they are credited before.
    world.chain.send_raw(RUNTIME, staking.address(), U256::ZERO, call.input()).succeeds();
}
