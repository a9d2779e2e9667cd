//! The governor: that what is decided is done, and nothing else.

use super::dao::*;
use esker_governor::{
    Error, GovernorHandle,
    ProposalState::{Active, Canceled, Defeated, Executed, Pending, Queued, Succeeded},
    counting::Error as CountingError,
    events::{ProposalCanceled, ProposalCreated, ProposalExecuted, ProposalQueued, TimelockChange, VoteCast},
    quorum::{GovernorInvalidQuorumFraction, QuorumNumeratorUpdated},
    settings::{GovernorInvalidVotingPeriod, ProposalThresholdSet, VotingDelaySet, VotingPeriodSet},
};
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, User, log};
use esker_timelock::Error as TimelockError;

#[esker_sdk::test]
fn settings_are_what_the_constructor_says(chain: &mut Chain, alice: User, bob: User) {
    let constructor = GovernorHandle::constructor("DAO", bob, alice, Uint::from(7u8), 9, 11, 13);
    let deployed = chain.try_deploy(alice, constructor);
    let governor = GovernorHandle::at(deployed.created().expect("it is deployed"));
    let (at, none) = (governor.address(), U256::ZERO);
    let timelocks = TimelockChange { old_timelock: Address::ZERO, new_timelock: alice.into() };
    deployed.emits_only([
        log(at, VotingDelaySet { old_voting_delay: none, new_voting_delay: number(7) }),
        log(at, VotingPeriodSet { old_voting_period: none, new_voting_period: number(9) }),
        log(at, ProposalThresholdSet { old_proposal_threshold: none, new_proposal_threshold: number(11) }),
        log(at, QuorumNumeratorUpdated { old_quorum_numerator: none, new_quorum_numerator: number(13) }),
        log(at, timelocks),
    ]);
    assert_eq!((chain.read(governor.name()), chain.read(governor.version())), ("DAO".into(), "1".into()));
    assert_eq!((chain.read(governor.token()), chain.read(governor.timelock())), (bob.address, alice.address));
    assert_eq!(chain.read(governor.counting_mode()), "support=bravo&quorum=for,abstain");
    assert_eq!(chain.read(governor.quorum_denominator()), 100);
    // The token has no clock: blocks are counted.
    assert_eq!(chain.read(governor.clock_mode()), "mode=blocknumber&from=default");
    let silent = GovernorHandle::constructor("DAO", bob, alice, Uint::from(7u8), 0, 11, 13);
    chain.try_deploy(alice, silent).reverts(GovernorInvalidVotingPeriod { voting_period: none });
    let all_and_more = GovernorHandle::constructor("DAO", bob, alice, Uint::from(7u8), 1, 11, 101);
    let invalid = GovernorInvalidQuorumFraction { quorum_numerator: number(101), quorum_denominator: number(100) };
    chain.try_deploy(alice, all_and_more).reverts(invalid);
}

#[esker_sdk::test]
fn what_is_decided_is_done_once(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let proposal = dao.setting(5, "five");
    let (id, governor) = (proposal.id(), dao.governor);
    let proposed = chain.send(alice, dao.propose(&proposal)).returns(id);
    let vote_start = number(chain.height() + DELAY);
    proposed.emits(ProposalCreated {
        proposal_id: id,
        proposer: alice.into(),
        targets: proposal.targets.clone(),
        values: proposal.values.clone(),
        signatures: vec![String::new()],
        calldatas: proposal.calldatas.clone(),
        vote_start,
        vote_end: vote_start + number(PERIOD),
        description: "five".into(),
    });
    assert_eq!(dao.state(chain, id), Pending);
    assert_eq!(chain.read(governor.proposal_snapshot(id)), vote_start);
    assert_eq!(chain.read(governor.proposal_proposer(id)), alice.address);
    let early = proposal.unexpected(Pending, 1 << Active as u8);
    chain.send(alice, governor.cast_vote(id, 1)).reverts(early);
    dao.open(chain, id);
    assert_eq!(dao.state(chain, id), Active);
    let cast = |voter: User, support, weight, reason: &str| {
        let (voter, weight, reason) = (voter.into(), number(weight), reason.into());
        VoteCast { voter, proposal_id: id, support, weight, reason }
    };
    chain.send(alice, governor.cast_vote(id, 1)).returns(50).emits(cast(alice, 1, 50, ""));
    let with_reason = governor.cast_vote_with_reason(id, 0, "too many");
    chain.send(bob, with_reason).returns(30).emits(cast(bob, 0, 30, "too many"));
    chain.send(carol, governor.cast_vote(id, 2)).returns(20);
    assert_eq!(chain.read(governor.proposal_votes(id)), (number(30), number(50), number(20)));
    assert!(chain.read(governor.has_voted(id, carol)));
    chain.send(bob, dao.queue(&proposal)).reverts(proposal.unexpected(Active, 1 << Succeeded as u8));
    dao.close(chain, id);
    assert_eq!(dao.state(chain, id), Succeeded);
    let late = proposal.unexpected(Succeeded, 1 << Active as u8);
    chain.send(alice, governor.cast_vote(id, 1)).reverts(late);
    let queued = chain.send(bob, dao.queue(&proposal)).returns(id);
    let eta_seconds = number(chain.timestamp() + WAITS);
    queued.emits(ProposalQueued { proposal_id: id, eta_seconds });
    assert_eq!((dao.state(chain, id), chain.read(governor.proposal_eta(id))), (Queued, eta_seconds));
    chain.send(bob, dao.queue(&proposal)).reverts(proposal.unexpected(Queued, 1 << Succeeded as u8));
    // Only after the timelock's delay.
    let waits = chain.send(bob, dao.execute(&proposal)).error::<TimelockError>();
    assert!(matches!(waits, TimelockError::TimelockUnexpectedOperationState { .. }));
    chain.pass(WAITS);
    chain.send(bob, dao.execute(&proposal)).returns(id).emits(ProposalExecuted { proposal_id: id });
    assert_eq!((dao.state(chain, id), chain.read(dao.store.value())), (Executed, 5));
    let again = proposal.unexpected(Executed, 1 << Queued as u8);
    chain.send(bob, dao.execute(&proposal)).reverts(again);
}

#[esker_sdk::test]
fn a_proposal_needs_a_quorum_and_a_majority(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let decide = |chain: &mut Chain, name: &str, votes: &[(User, u8)]| {
        let proposal = dao.setting(1, name);
        chain.send(alice, dao.propose(&proposal)).succeeds();
        dao.open(chain, proposal.id());
        for (user, support) in votes {
            chain.send(*user, dao.governor.cast_vote(proposal.id(), *support)).succeeds();
        }
        dao.close(chain, proposal.id());
        dao.state(chain, proposal.id())
    };
    assert_eq!(decide(chain, "nobody", &[]), Defeated);
    // 20 of 100 are no quorum of 25; 20 and 30 abstaining are; as many against are a no.
    assert_eq!(decide(chain, "few", &[(carol, 1)]), Defeated);
    assert_eq!(decide(chain, "abstaining", &[(carol, 1), (bob, 2)]), Succeeded);
    assert_eq!(decide(chain, "tie", &[(carol, 1), (bob, 1), (alice, 0)]), Defeated);
    assert_eq!(decide(chain, "alone", &[(alice, 1)]), Succeeded);
    let refused = dao.setting(1, "tie");
    chain.send(alice, dao.queue(&refused)).reverts(refused.unexpected(Defeated, 1 << Succeeded as u8));
    let executed = refused.unexpected(Defeated, 1 << Queued as u8);
    chain.send(alice, dao.execute(&refused)).reverts(executed);
}

#[esker_sdk::test]
fn proposals_that_make_no_sense_are_refused(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let good = dao.setting(1, "good");
    let empty = Proposal { targets: Vec::new(), values: Vec::new(), calldatas: Vec::new(), ..good.clone() };
    let lengths = |targets: u64, calldatas: u64, values: u64| {
        let [targets, calldatas, values] = [targets, calldatas, values].map(number);
        Error::GovernorInvalidProposalLength { targets, calldatas, values }
    };
    chain.send(alice, dao.propose(&empty)).reverts(lengths(0, 0, 0));
    let odd = Proposal { values: Vec::new(), ..good.clone() };
    chain.send(alice, dao.propose(&odd)).reverts(lengths(1, 1, 0));
    let odd = Proposal { calldatas: Vec::new(), ..good.clone() };
    chain.send(alice, dao.propose(&odd)).reverts(lengths(1, 0, 1));
    chain.send(alice, dao.propose(&good)).succeeds();
    let twice = Error::GovernorUnexpectedProposalState {
        proposal_id: good.id(),
        current: Pending,
        expected_states: B256::ZERO,
    };
    chain.send(alice, dao.propose(&good)).reverts(twice);
    let none = || Error::GovernorNonexistentProposal { proposal_id: number(7) };
    chain.try_read(dao.governor.state(7)).reverts(none());
    chain.send(alice, dao.governor.cast_vote(7, 1)).reverts(none());
    dao.open(chain, good.id());
    let invalid = CountingError::GovernorInvalidVoteType;
    chain.send(alice, dao.governor.cast_vote(good.id(), 3)).reverts(invalid);
    assert!(!chain.read(dao.governor.has_voted(good.id(), alice)));
}

#[esker_sdk::test]
fn the_proposer_alone_takes_back_before_the_vote(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let (first, second) = (dao.setting(1, "first"), dao.setting(1, "second"));
    chain.send(alice, dao.propose(&first)).succeeds();
    let refused = |proposal: &Proposal, user: User| Error::GovernorUnableToCancel {
        proposal_id: proposal.id(),
        account: user.into(),
    };
    chain.send(bob, dao.cancel(&first)).reverts(refused(&first, bob));
    let canceled = ProposalCanceled { proposal_id: first.id() };
    chain.send(alice, dao.cancel(&first)).returns(first.id()).emits(canceled);
    assert_eq!(dao.state(chain, first.id()), Canceled);
    chain.send(alice, dao.cancel(&first)).reverts(refused(&first, alice));
    chain.send(alice, dao.propose(&second)).succeeds();
    dao.open(chain, second.id());
    chain.send(alice, dao.cancel(&second)).reverts(refused(&second, alice));
    chain.send(alice, dao.governor.cast_vote(first.id(), 1)).reverts(first.unexpected(Canceled, 1 << Active as u8));
}

#[esker_sdk::test]
fn a_contract_signs_in_its_own_way(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let wallet = chain.mock(Address::repeat_byte(0x44), |called| {
        let asked = esker_sdk::abi::decode_params::<(B256, Bytes)>(&called.input[4..]);
        let agreed = asked.is_ok_and(|(_, signature)| *signature == *b"yes");
        esker_sdk_test::Answer::value(&FixedBytes(if agreed { [0x16, 0x26, 0xba, 0x7e] } else { [0; 4] }))
    });
    chain.send(alice, dao.token.transfer(wallet, 5)).succeeds();
    chain.send(wallet, dao.token.delegate(wallet)).succeeds();
    let proposal = dao.setting(1, "one");
    chain.send(bob, dao.propose(&proposal)).succeeds();
    dao.open(chain, proposal.id());
    let no = dao.governor.cast_vote_by_sig(proposal.id(), 1, wallet, b"no");
    chain.send(bob, no).reverts(Error::GovernorInvalidSignature { voter: wallet });
    chain.send(bob, dao.governor.cast_vote_by_sig(proposal.id(), 1, wallet, b"yes")).returns(5);
}

#[esker_sdk::test]
fn settings_change_by_vote_alone(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let governor = dao.governor;
    let only = Error::GovernorOnlyExecutor { account: alice.into() };
    chain.send(alice, governor.set_voting_period(9)).reverts(only);
    for call in [governor.set_voting_delay(Uint::from(1u8)), governor.update_timelock(alice)] {
        chain.send(alice, call).reverts(Error::GovernorOnlyExecutor { account: alice.into() });
    }
    chain.send(alice, governor.relay(alice, 0, &[])).reverts(Error::GovernorOnlyExecutor { account: alice.into() });
    let before = number(chain.height());
    let calls = [
        governor.set_voting_delay(Uint::from(2u8)).input().to_vec(),
        governor.set_voting_period(9).input().to_vec(),
        governor.set_proposal_threshold(0).input().to_vec(),
        governor.update_quorum_numerator(40).input().to_vec(),
        governor.relay(dao.store.address(), 3, dao.store.set(8).input()).input().to_vec(),
    ];
    let mut proposal = Proposal {
        targets: vec![governor.address(); 5],
        values: vec![U256::ZERO; 5],
        calldatas: calls.into_iter().map(Bytes).collect(),
        description: "settings".into(),
    };
    proposal.values[4] = number(3);
    dao.accept(chain, alice, &proposal);
    chain.send(bob, dao.execute(&proposal).value(3)).succeeds();
    assert_eq!(chain.read(governor.voting_delay()), 2);
    assert_eq!(chain.read(governor.voting_period()), 9);
    assert_eq!(chain.read(governor.proposal_threshold()), 0);
    assert_eq!((chain.read(dao.store.value()), chain.balance(dao.store.address())), (8, number(3)));
    // Proposals before the change need what held then.
    let changed = number(chain.height());
    chain.pass_blocks(2);
    assert_eq!(chain.read(governor.quorum(changed)), 40);
    assert_eq!(chain.read(governor.quorum(changed - 1)), 25);
    assert_eq!(chain.read(governor.quorum_numerator_at(before)), 25);
    assert_eq!(chain.read(governor.quorum_numerator()), 40);
    // A handover of the timelock.
    let handover = dao.calling(governor.address(), governor.update_timelock(carol).input(), "handover");
    dao.accept(chain, alice, &handover);
    chain.send(bob, dao.execute(&handover)).succeeds();
    assert_eq!(chain.read(governor.timelock()), carol.address);
}

/// What happens at the timelock itself shows in the proposal's state.
#[esker_sdk::test]
fn a_proposal_follows_its_operation(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let (done, undone) = (dao.setting(4, "done"), dao.setting(6, "undone"));
    dao.accept(chain, alice, &done);
    dao.accept(chain, alice, &undone);
    // Everybody may execute at the timelock.
    let Proposal { targets, values, calldatas, .. } = &done;
    let salt = done.salt(dao.governor.address());
    chain.send(bob, dao.timelock.execute_batch(targets, values, calldatas, B256::ZERO, salt)).succeeds();
    assert_eq!((dao.state(chain, done.id()), chain.read(dao.store.value())), (Executed, 4));
    let again = done.unexpected(Executed, 1 << Queued as u8);
    chain.send(bob, dao.execute(&done)).reverts(again);
    let operation = undone.operation(dao.governor.address());
    chain.send(dao.governor.address(), dao.timelock.cancel(operation)).succeeds();
    assert_eq!(dao.state(chain, undone.id()), Canceled);
}
