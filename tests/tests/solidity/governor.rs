//! The governor beside the one that OpenZeppelin's parts make, each with its token and its timelock.
//!
//! Left out is what ours says that it has not: votes with parameters, ERC-165, `getProposalId`, and calls that come back to
//! propose or vote while a proposal is carried out.

use esker_components::access::roles::DEFAULT_ADMIN_ROLE;
use esker_governor::{GovernorHandle, ballot::Ballot};
use esker_sdk::{Eip712Domain, prelude::*};
use esker_sdk_test::{CHAIN_ID, Chain, Draw, Invariant, User};
use esker_tests::solidity::{Pair, models};
use esker_timelock::{CANCELLER_ROLE, PROPOSER_ROLE, TimelockHandle};
use esker_token::TokenHandle;

use crate::{LENGTH, sequences, signer::Signer, target::TargetHandle};

/// Blocks between a proposal and the vote on it, and that voting lasts: few, as a sequence has few.
const DELAY: u64 = 2;
const PERIOD: u64 = 12;
/// Seconds that decisions wait.
const WAITS: u64 = 60;

/// The organisation.
#[derive(Clone, Copy)]
struct Dao {
    token: TokenHandle,
    timelock: TimelockHandle,
    governor: GovernorHandle,
    target: TargetHandle,
}

impl Dao {
    /// Votes are 500, 300, 150 and 50, which dave signs for; a quarter of all is a quorum. The timelock belongs to itself.
    fn deployed(pair: &Pair, chain: &mut Chain, users: &[User; 4]) -> Self {
        // Who signs has coins too, as those have whom the kit makes.
        chain.deal(users[3], u256!("1e18"));
        pair.begin(chain, users);
        let admin = users[0];
        let token = pair.deploy(chain, admin, "TokenModel", TokenHandle::constructor("Gold", "GLD", 10_000, admin));
        for (user, votes) in users.iter().zip([500, 300, 150, 50]) {
            let _ = pair.send(chain, admin, "token", token.mint(*user, votes));
            let _ = pair.send(chain, *user, "token", token.delegate(*user));
        }
        let constructor = TimelockHandle::constructor(u128::from(WAITS), &[], &[Address::ZERO], admin);
        let timelock = pair.deploy(chain, admin, "TimelockModel", constructor);
        let constructor = GovernorHandle::constructor(
            "DAO",
            token.address(),
            timelock.address(),
            Uint::new(U256::from(DELAY)).unwrap_or_default(),
            PERIOD as u32,
            100,
            25,
        );
        let governor = pair.deploy(chain, admin, "GovernorModel", constructor);
        // Bob cancels at the timelock what the governor knows nothing of.
        for (role, whose) in [
            (PROPOSER_ROLE, governor.address()),
            (CANCELLER_ROLE, governor.address()),
            (CANCELLER_ROLE, users[1].address),
        ] {
            let _ = pair.send(chain, admin, "timelock", timelock.grant_role(role, whose));
        }
        let _ = pair.send(chain, admin, "timelock", timelock.renounce_role(DEFAULT_ADMIN_ROLE, admin));
        let target = pair.deploy(chain, admin, "TargetModel", TargetHandle::constructor());
        Self { token, timelock, governor, target }
    }

    /// What is proposed: calls that work and fail, changes of the governor's own rules, and crooked ones.
    fn proposals(&self, alice: Address) -> Vec<Proposal> {
        let Self { token, governor, target, .. } = self;
        let call = |to: Address, value: u64, input: &[u8]| (to, U256::from(value), Bytes(input.to_vec()));
        let run = call(target.address(), 3, target.run(3).input());
        let threshold = governor.set_proposal_threshold(150);
        let threshold = call(governor.address(), 0, threshold.input());
        let relayed = call(governor.address(), 0, governor.relay(target.address(), 0, target.run(1).input()).input());
        let quorum = |part: u128| call(governor.address(), 0, governor.update_quorum_numerator(part).input());
        let period = |blocks| call(governor.address(), 0, governor.set_voting_period(blocks).input());
        let delay = governor.set_voting_delay(Uint::new(U256::from(3)).unwrap_or_default());
        let mine = format!("mine #proposer={alice}");
        let mut crooked = Proposal::new("crooked", std::slice::from_ref(&run));
        crooked.values.push(U256::ONE);
        vec![
            Proposal::new("run", std::slice::from_ref(&run)),
            Proposal::new(&mine, std::slice::from_ref(&run)),
            Proposal::new("mine #proposer=0xnotanaddressatall0000000000000000000000000", &[run.clone(), run.clone()]),
            Proposal::new("rules", &[threshold.clone(), relayed, threshold]),
            Proposal::new("rules", &[quorum(30), call(governor.address(), 0, delay.input())]),
            Proposal::new("too much", &[quorum(101)]),
            Proposal::new("no period", &[period(0)]),
            Proposal::new("a longer period", &[period(14)]),
            Proposal::new("fails", &[call(target.address(), 0, target.fail().input())]),
            Proposal::new("fails silently", &[run, call(target.address(), 0, target.fail_silently().input())]),
            Proposal::new("tokens", &[call(token.address(), 0, token.transfer(alice, 1).input())]),
            Proposal::new("nothing", &[]),
            Proposal::new("no timelock", &[call(governor.address(), 0, governor.update_timelock(alice).input())]),
            crooked,
        ]
    }
}

/// What is proposed.
#[derive(Clone, Debug)]
struct Proposal {
    targets: Vec<Address>,
    values: Vec<U256>,
    calldatas: Vec<Bytes>,
    description: String,
}

impl Proposal {
    fn new(description: &str, calls: &[(Address, U256, Bytes)]) -> Self {
        Self {
            targets: calls.iter().map(|call| call.0).collect(),
            values: calls.iter().map(|call| call.1).collect(),
            calldatas: calls.iter().map(|call| call.2.clone()).collect(),
            description: description.to_owned(),
        }
    }

    fn hash(&self) -> B256 {
        crypto::keccak256(self.description.as_bytes())
    }

    fn id(&self) -> U256 {
        esker_governor::Governor::hash_proposal(&self.targets, &self.values, &self.calldatas, self.hash())
    }
}

/// For, mostly.
fn support(draw: &mut Draw) -> u8 {
    match draw.number(0..=9) {
        0 => 0,
        1 => 2,
        2 => draw.any() as u8,
        _ => 1,
    }
}

#[esker_sdk::test]
fn the_governor_beside_openzeppelins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, signer) = (&Pair::new(models), &Signer::new(7));
    let users = [alice, bob, carol, signer.user()];
    let dave = users[3];
    let start = chain.snapshot();
    let dao = Dao::deployed(pair, chain, &users);
    chain.restore(&start);
    let Dao { token, timelock, governor, target } = dao;
    let proposals = &dao.proposals(alice.address);
    // A sequence is about few of them, so that they come far.
    let pick = move |chain: &mut Chain, draw: &mut Draw| {
        let proposed: Vec<&Proposal> =
            proposals.iter().filter(|it| chain.read(governor.proposal_snapshot(it.id())) != 0).collect();
        if proposed.is_empty() || draw.number(0..=9) == 9 {
            &proposals[draw.number(0..=proposals.len() as u64 - 1) as usize]
        } else {
            proposed[draw.number(0..=proposed.len() as u64 - 1) as usize]
        }
    };
    let vote = move |chain: &mut Chain, draw: &mut Draw| {
        let (id, support) = (pick(chain, draw).id(), support(draw));
        let _ = pair.send(chain, draw.pick(&users), "castVote", governor.cast_vote(id, support));
    };
    Invariant::new()
        .before(move |chain| {
            Dao::deployed(pair, chain, &users);
        })
        .action("propose", move |chain, draw| {
            let proposal = &proposals[draw.number(0..=proposals.len() as u64 - 1) as usize];
            let Proposal { targets, values, calldatas, description } = proposal.clone();
            let by = if draw.chance() { alice } else { draw.pick(&users) };
            let _ = pair.send(chain, by, "propose", governor.propose(targets, values, calldatas, description));
        })
        .action("a decision", move |chain, draw| {
            let proposal = &proposals[draw.number(0..=proposals.len() as u64 - 1) as usize];
            let Proposal { targets, values, calldatas, description } = proposal.clone();
            let _ = pair.send(chain, alice, "propose", governor.propose(targets, values, calldatas, description));
            let id = proposal.id();
            let begin = chain.read(governor.proposal_snapshot(id)).to_u64().unwrap_or_default();
            chain.pass_blocks(begin.saturating_sub(chain.height()) + draw.number(0..=1));
            for by in users {
                if draw.number(0..=4) < 4 {
                    let _ = pair.send(chain, by, "castVote", governor.cast_vote(id, support(draw)));
                }
            }
            let end = chain.read(governor.proposal_deadline(id)).to_u64().unwrap_or_default();
            chain.pass_blocks(end.saturating_sub(chain.height()) + draw.number(0..=1));
            let Proposal { targets, values, calldatas, .. } = proposal;
            let call = governor.queue(targets, values, calldatas, proposal.hash());
            let _ = pair.send(chain, draw.pick(&users), "queue", call);
            chain.pass(WAITS - draw.number(0..=30));
            let call = governor.execute(targets, values, calldatas, proposal.hash());
            let coins =
                if draw.chance() { values.iter().fold(U256::ZERO, |sum, value| sum + *value) } else { U256::ZERO };
            let _ = pair.send(chain, draw.pick(&users), "execute", call.value(coins));
        })
        .action("vote", vote)
        .action("vote with a reason", move |chain, draw| {
            let (id, support) = (pick(chain, draw).id(), support(draw));
            let call = governor.cast_vote_with_reason(id, support, "because");
            let _ = pair.send(chain, draw.pick(&users), "castVoteWithReason", call);
        })
        .action("vote by signature", move |chain, draw| {
            let (proposal_id, support) = (pick(chain, draw).id(), support(draw));
            let voter = if draw.number(0..=9) == 9 { draw.pick(&users).address } else { dave.address };
            let nonce = chain.read(governor.nonces(voter)) + u128::from(draw.number(0..=9) / 9);
            let domain = Eip712Domain::new("DAO", "1", CHAIN_ID, governor.address());
            let (v, r, s) = signer.sign(domain.digest(&Ballot { proposal_id, support, voter, nonce }));
            let signature = [&r.0[..], &s.0[..], &[v]].concat();
            let length = if draw.number(0..=9) == 9 { draw.number(0..=65) as usize } else { 65 };
            let call = governor.cast_vote_by_sig(proposal_id, support, voter, &signature[..length]);
            let _ = pair.send(chain, draw.pick(&users), "castVoteBySig", call);
        })
        .action("queue", move |chain, draw| {
            let proposal = pick(chain, draw);
            let Proposal { targets, values, calldatas, .. } = proposal;
            let call = governor.queue(targets, values, calldatas, proposal.hash());
            let _ = pair.send(chain, draw.pick(&users), "queue", call);
        })
        .action("execute", move |chain, draw| {
            let proposal = pick(chain, draw);
            let Proposal { targets, values, calldatas, .. } = proposal;
            let coins = U256::from(if draw.chance() { draw.number(0..=10) } else { 6 });
            let call = governor.execute(targets, values, calldatas, proposal.hash());
            let _ = pair.send(chain, draw.pick(&users), "execute", call.value(coins));
        })
        .action("cancel", move |chain, draw| {
            let proposal = pick(chain, draw);
            let Proposal { targets, values, calldatas, .. } = proposal;
            let call = governor.cancel(targets, values, calldatas, proposal.hash());
            let _ = pair.send(chain, draw.pick(&users), "cancel", call);
        })
        .action("the timelock on its own", move |chain, draw| {
            let proposal = pick(chain, draw);
            let Proposal { targets, values, calldatas, .. } = proposal;
            let mut salt = proposal.hash();
            salt.0.iter_mut().zip(governor.address().0).for_each(|(byte, of_address)| *byte ^= of_address);
            if draw.number(0..=3) == 3 {
                let id = esker_timelock::Timelock::hash_operation_batch(targets, values, calldatas, B256::ZERO, salt);
                let _ = pair.send(chain, bob, "the timelock's cancel", timelock.cancel(id));
            } else {
                let call = timelock.execute_batch(targets, values, calldatas, B256::ZERO, salt);
                let _ = pair.send(chain, carol, "the timelock's executeBatch", call.value(U256::from(6)));
            }
        })
        .action("without a vote", move |chain, draw| {
            let by = draw.pick(&users);
            match draw.number(0..=3) {
                0 => drop(pair.send(chain, by, "relay", governor.relay(target, 0, &[]))),
                1 => drop(pair.send(chain, by, "updateTimelock", governor.update_timelock(by))),
                2 => drop(pair.send(chain, by, "setVotingPeriod", governor.set_voting_period(1))),
                _ => {
                    let call = esker_sdk::MethodCall::<esker_sdk::Payable, ()>::new(governor.address(), Vec::new());
                    let _ = pair.send(chain, by, "receive", call.value(U256::ONE));
                }
            }
        })
        .action("tokens go round", move |chain, draw| {
            let (by, to, value) = (draw.pick(&users), draw.pick(&users), U256::from(draw.number(0..=200)));
            let _ = pair.send(chain, by, "token", token.transfer(to, value));
        })
        .action("blocks pass", move |chain, draw| chain.pass_blocks(draw.number(0..=PERIOD)))
        .action("blocks pass", move |chain, draw| chain.pass_blocks(draw.number(0..=3)))
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "clock", governor.clock());
            pair.read(chain, bob, "quorumNumerator", governor.quorum_numerator());
            pair.read(chain, bob, "votingDelay", governor.voting_delay());
            pair.read(chain, bob, "votingPeriod", governor.voting_period());
            pair.read(chain, bob, "proposalThreshold", governor.proposal_threshold());
            pair.read(chain, bob, "nonces", governor.nonces(dave));
            pair.read(chain, bob, "runs", target.runs());
            let now = U256::from(chain.height());
            for time in [now.saturating_sub(U256::from(20)), now - 1, now, now + 1] {
                pair.read(chain, bob, "getVotes", governor.get_votes(alice, time));
                pair.read(chain, bob, "quorum", governor.quorum(time));
                pair.read(chain, bob, "quorumNumerator at", governor.quorum_numerator_at(time));
            }
            for id in proposals.iter().map(Proposal::id) {
                pair.read(chain, bob, "state", governor.state(id));
                pair.read(chain, bob, "proposalSnapshot", governor.proposal_snapshot(id));
                pair.read(chain, bob, "proposalDeadline", governor.proposal_deadline(id));
                pair.read(chain, bob, "proposalProposer", governor.proposal_proposer(id));
                pair.read(chain, bob, "proposalEta", governor.proposal_eta(id));
                pair.read(chain, bob, "proposalVotes", governor.proposal_votes(id));
                pair.read(chain, bob, "hasVoted", governor.has_voted(id, dave));
            }
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    Dao::deployed(pair, chain, &users);
    pair.read(chain, bob, "name", governor.name());
    pair.read(chain, bob, "version", governor.version());
    pair.read(chain, bob, "token", governor.token());
    pair.read(chain, bob, "timelock", governor.timelock());
    pair.read(chain, bob, "COUNTING_MODE", governor.counting_mode());
    pair.read(chain, bob, "CLOCK_MODE", governor.clock_mode());
    pair.read(chain, bob, "BALLOT_TYPEHASH", governor.ballot_typehash());
    pair.read(chain, bob, "quorumDenominator", governor.quorum_denominator());
    pair.read(chain, bob, "proposalNeedsQueuing", governor.proposal_needs_queuing(1));
    for Proposal { targets, values, calldatas, .. } in proposals {
        pair.read(chain, bob, "hashProposal", governor.hash_proposal(targets, values, calldatas, B256::ZERO));
    }
    pair.print_gas("Governor");
}
