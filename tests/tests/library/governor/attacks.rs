//! The governor under attack: that every vote counts once, and nobody governs without.

use super::dao::*;
use esker_governor::{Error, ProposalState::Queued, counting::Error as CountingError};
use esker_sdk::{Panic, prelude::*};
use esker_sdk_test::{Chain, User};
use esker_timelock::{PROPOSER_ROLE, TimelockHandle};

/// Votes are those of the time when voting began: passing tokens on gives nobody a second vote.
#[esker_sdk::test]
fn votes_count_once_wherever_tokens_go(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let proposal = dao.setting(1, "one");
    chain.send(alice, dao.propose(&proposal)).succeeds();
    dao.open(chain, proposal.id());
    chain.send(alice, dao.governor.cast_vote(proposal.id(), 1)).returns(50);
    let twice = || CountingError::GovernorAlreadyCastVote { voter: alice.into() };
    chain.send(alice, dao.governor.cast_vote(proposal.id(), 1)).reverts(twice());
    chain.send(alice, dao.governor.cast_vote(proposal.id(), 0)).reverts(twice());
    chain.send(alice, dao.token.transfer(bob, 50)).succeeds();
    chain.send(bob, dao.governor.cast_vote(proposal.id(), 1)).returns(30);
    let dave = chain.user("dave");
    chain.send(bob, dao.token.transfer(dave, 80)).succeeds();
    chain.send(dave, dao.token.delegate(dave)).succeeds();
    chain.send(dave, dao.governor.cast_vote(proposal.id(), 1)).returns(0);
    assert_eq!(chain.read(dao.governor.proposal_votes(proposal.id())), (number(0), number(80), number(0)));
}

/// Tokens borrowed for a transaction neither propose nor vote.
#[esker_sdk::test]
fn borrowed_tokens_have_no_votes(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let borrower = chain.deploy(bob, BorrowerHandle::constructor(dao.token.address(), dao.governor.address()));
    let proposal = dao.setting(1, "one");
    let refused = Error::GovernorInsufficientProposerVotes {
        proposer: borrower.address(),
        votes: U256::ZERO,
        threshold: number(THRESHOLD),
    };
    chain.send(bob, borrower.propose(dao.store.address())).reverts(refused);
    chain.send(alice, dao.propose(&proposal)).succeeds();
    dao.open(chain, proposal.id());
    chain.send(bob, borrower.vote(proposal.id())).returns(0);
}

#[esker_sdk::test]
fn a_signed_vote_is_cast_once(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let dave = Signer::new(7);
    chain.send(alice, dao.token.transfer(dave.address, 40)).succeeds();
    chain.send(dave.address, dao.token.delegate(dave.address)).succeeds();
    let (first, second) = (dao.setting(1, "first"), dao.setting(2, "second"));
    for proposal in [&first, &second] {
        chain.send(bob, dao.propose(proposal)).succeeds();
    }
    dao.open(chain, second.id());
    let vote = |proposal: &Proposal, support, signature: &[u8]| {
        dao.governor.cast_vote_by_sig(proposal.id(), support, dave.address, signature)
    };
    let invalid = || Error::GovernorInvalidSignature { voter: dave.address };
    let signature = dave.votes(dao.governor.address(), first.id(), 1, 0);
    // Changed on the way: another side, another proposal, another's name, cut off, another governor.
    chain.send(bob, vote(&first, 0, &signature)).reverts(invalid());
    chain.send(bob, vote(&second, 1, &signature)).reverts(invalid());
    chain.send(bob, vote(&first, 1, &signature[..64])).reverts(invalid());
    chain.send(bob, vote(&first, 1, &[])).reverts(invalid());
    let stolen = dao.governor.cast_vote_by_sig(first.id(), 1, carol, &signature);
    chain.send(bob, stolen).reverts(Error::GovernorInvalidSignature { voter: carol.into() });
    let elsewhere = dave.votes(dao.timelock.address(), first.id(), 1, 0);
    chain.send(bob, vote(&first, 1, &elsewhere)).reverts(invalid());
    // The twin that every signature has.
    chain.send(bob, vote(&first, 1, &twin(&signature))).reverts(invalid());
    chain.send(bob, vote(&first, 1, &signature)).returns(40);
    assert_eq!(chain.read(dao.governor.nonces(dave.address)), 1);
    chain.send(bob, vote(&first, 1, &signature)).reverts(invalid());
    let again = dave.votes(dao.governor.address(), first.id(), 0, 1);
    let twice = CountingError::GovernorAlreadyCastVote { voter: dave.address };
    chain.send(bob, vote(&first, 0, &again)).reverts(twice);
    // It was not used: what failed has left no trace.
    let next = dave.votes(dao.governor.address(), second.id(), 2, 1);
    chain.send(bob, vote(&second, 2, &next)).returns(40);
}

/// Whoever sees a proposal coming and proposes it first could cancel it; who names itself in the description is safe.
#[esker_sdk::test]
fn a_proposal_that_names_its_proposer_cannot_be_taken(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let proposed_by = |name: &str| dao.setting(1, &format!("pay alice #proposer={name}"));
    let mine = proposed_by(&format!("{}", alice.address));
    chain.send(bob, dao.propose(&mine)).reverts(Error::GovernorRestrictedProposer { proposer: bob.into() });
    chain.send(alice, dao.propose(&mine)).succeeds();
    let upper = proposed_by(&format!("0x{}", format!("{}", alice.address)[2..].to_uppercase()));
    chain.send(bob, dao.propose(&upper)).reverts(Error::GovernorRestrictedProposer { proposer: bob.into() });
    // These name nobody.
    let no_digit = format!("{}g", &format!("{}", alice.address)[..41]);
    for name in ["0x12", "", &no_digit, &format!("{} ", alice.address)] {
        chain.send(bob, dao.propose(&proposed_by(name))).succeeds();
    }
}

/// Who else may schedule at the timelock cannot govern through it: a vote has to await the call.
#[esker_sdk::test]
fn the_timelock_alone_does_not_govern(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let timelock = dao.timelock;
    let grant = dao.calling(timelock.address(), timelock.grant_role(PROPOSER_ROLE, bob).input(), "bob proposes");
    dao.accept(chain, alice, &grant);
    chain.send(bob, dao.execute(&grant)).succeeds();
    let call = dao.governor.set_proposal_threshold(0);
    let (target, none) = (dao.governor.address(), B256::ZERO);
    chain.send(bob, timelock.schedule(target, 0, call.input(), none, none, WAITS as u128)).succeeds();
    chain.pass(WAITS);
    chain.send(bob, timelock.execute(target, 0, call.input(), none, none)).panics(Panic::PopOnEmpty);
}

/// A target that calls the governor while a proposal is carried out gets nowhere, and takes the execution down with it.
#[esker_sdk::test]
fn a_target_cannot_enter_the_governor(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    let intruder = chain.deploy(bob, IntruderHandle::constructor(dao.governor.address()));
    for way in 0..3u8 {
        let proposal = dao.calling(intruder.address(), intruder.enter(way).input(), &format!("way {way}"));
        dao.accept(chain, alice, &proposal);
        chain.send(bob, dao.execute(&proposal)).reverts_as_reentrant();
        assert_eq!(dao.state(chain, proposal.id()), Queued);
    }
    // Not so much as the settings, which may be entered for what was decided alone.
    let proposal = dao.calling(intruder.address(), intruder.enter(3).input(), "settings");
    dao.accept(chain, alice, &proposal);
    let only = Error::GovernorOnlyExecutor { account: intruder.address() };
    chain.send(bob, dao.execute(&proposal)).reverts(only);
}

#[esker_sdk::test]
fn the_governor_takes_no_coins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let dao = Dao::new(chain, &[alice, bob, carol]);
    chain.transfer(alice, dao.governor.address(), 1).reverts(Error::GovernorDisabledDeposit);
    chain.transfer(alice, dao.timelock.address(), 1).succeeds();
    // A relayed call without words.
    let silent = dao.governor.relay(dao.store.address(), 9, &[]);
    let proposal = dao.calling(dao.governor.address(), silent.input(), "silent");
    dao.accept(chain, alice, &proposal);
    chain.send(bob, dao.execute(&proposal)).reverts(Error::FailedCall);
    let timelock = TimelockHandle::at(chain.read(dao.governor.timelock()));
    assert_eq!(timelock.address(), dao.timelock.address());
}
