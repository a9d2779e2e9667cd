//! What must hold where the set follows the stake: everybody has the same set at each height, it is the one that the stakes
//! of the contract give, it changes at the ends of epochs alone, and certificates and missed slots are judged by it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use esker::chain::{Chain, Head};
use esker::consensus::certificate;
use esker::consensus::context::{EskerContext, Height, Vote, Voters};
use esker::consensus::evidence::EvidenceStore;
use esker::staking::{self, Staking};
use esker_runtime::block::first_round;
use esker_runtime::simulate::DEFAULT_GAS_CAP;
use esker_runtime::{BlockEnv, ChainConfig, Validator, validator_set};
use malachite::app::consensus::MisbehaviorEvidence;
use malachite::app::types::core::{Context as _, NilOrVal, Round, ValidatorSet as _, VoteType};

use super::node_app::machine;
use super::roster::{Identity, Roster, Stake};
use super::signer::OnceVerifier;

/// Wei of a coin and of one unit of power.
pub const COIN: u64 = 1_000_000_000_000_000_000;

/// What was seen of epochs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Ends of epochs.
    pub epochs: u64,
    /// Ends after which another set decided.
    pub changed: u64,
    /// Ends after which a validator decided that had never been in a set.
    pub newcomers: u64,
    /// Ends after which nobody decided who had decided two epochs before.
    pub replaced: u64,
    /// Ends after which one validator decided alone.
    pub alone: u64,
    /// Ends at which nobody was left, so that the set stayed.
    pub kept: u64,
    /// Proposer slots that somebody missed.
    pub missed: u64,
    /// Validators that evidence put out.
    pub tombstoned: u64,
    /// Pieces of evidence against validators that were not in the set any more at the end.
    pub against_former: u64,
}

impl Seen {
    /// Adds what was seen in another run.
    pub fn add(&mut self, other: &Self) {
        self.epochs += other.epochs;
        self.changed += other.changed;
        self.newcomers += other.newcomers;
        self.replaced += other.replaced;
        self.alone += other.alone;
        self.kept += other.kept;
        self.missed += other.missed;
        self.tombstoned += other.tombstoned;
        self.against_former += other.against_former;
    }
}

/// Watches the sets of one chain.
pub struct Epochs {
    config: ChainConfig,
    length: u64,
    validators_max: usize,
    sets: BTreeMap<u64, (Vec<Validator>, Voters)>,
    /// The last block that anybody honest decided, with its state.
    pub head: Arc<Head>,
    ever: BTreeSet<Address>,
    /// Slots and missed slots of the present epoch.
    slots: BTreeMap<Address, (u32, u32)>,
    evidence: BTreeSet<(usize, Address, u64)>,
    /// What the contract answered about validators on the head.
    infos: RefCell<BTreeMap<Address, Option<Staking::ValidatorInfo>>>,
    /// What was seen.
    pub seen: Seen,
}

/// Asks the staking contract on the state after `head`, as if in that block. None if it refuses, as it does about validators
/// that there are not.
pub fn view<C: SolCall>(head: &Head, config: &ChainConfig, call: &C) -> Option<C::Return> {
    let env = BlockEnv::from(&head.block.header);
    let input = Bytes::from(call.abi_encode());
    let answer = esker_vm::execution(&*machine(), |session| {
        staking::call::call(session, &head.state, config, &env, Address::ZERO, input, DEFAULT_GAS_CAP)
    });
    let answer = answer.expect("the machine does not fail");
    let returned = |output: &Bytes| C::abi_decode_returns(output).expect("the contract's answers have its form");
    answer.status.is_success().then(|| returned(&answer.output))
}

impl Epochs {
    /// Watches a chain that begins with `head`.
    pub fn new(stake: &Stake, head: Arc<Head>) -> Self {
        let set = stake.genesis.validators.clone();
        let voters = Voters::new(&set).expect("genesis names a set");
        Self {
            config: stake.genesis.chain_config(),
            length: stake.epoch_length,
            validators_max: stake.validators_max,
            ever: set.iter().map(|validator| validator.address).collect(),
            sets: BTreeMap::from([(1, (set, voters))]),
            head,
            slots: BTreeMap::new(),
            evidence: BTreeSet::new(),
            infos: RefCell::default(),
            seen: Seen::default(),
        }
    }

    /// The rules.
    pub const fn config(&self) -> &ChainConfig {
        &self.config
    }

    /// A validator as the state after the head has it.
    pub fn info(&self, operator: Address) -> Option<Staking::ValidatorInfo> {
        let ask = || view(&self.head, &self.config, &Staking::validatorCall { operator });
        self.infos.borrow_mut().entry(operator).or_insert_with(ask).clone()
    }

    /// The set that decides about `height`, if the block before is known.
    pub fn set(&self, height: u64) -> Option<&[Validator]> {
        self.sets.get(&height).map(|(set, _)| set.as_slice())
    }

    /// A node starts to decide about `height` with these.
    pub fn decides(&self, height: u64, voters: &Voters) -> Result<(), String> {
        match self.sets.get(&height) {
            Some((_, known)) if known == voters => Ok(()),
            other => Err(format!("set: height {height} is begun with {voters:?}, the state says {other:?}")),
        }
    }

    /// A node signed something at `height` for which its key counts.
    pub fn signs(&self, height: u64, address: Address, key: &[u8]) -> Result<(), String> {
        let set = self.set(height).unwrap_or_default();
        let is_in = set.iter().any(|validator| validator.address == address && validator.public_key == key);
        if is_in { Ok(()) } else { Err(format!("outsider: {address} signs at height {height} and is not in its set")) }
    }

    /// A node committed block `height`. Returns the block's time.
    pub fn commits(
        &mut self,
        height: u64,
        chain: &Chain,
        roster: &Roster,
        verifier: &OnceVerifier,
    ) -> Result<u64, String> {
        let head = chain.head();
        let header = &head.block.header;
        let next = validator_set(&head.state).map_err(|error| error.to_string())?;
        let (set, voters) = self.sets.get(&height).ok_or(format!("height {height} is decided before the one below"))?;
        if header.number != height {
            return Err(format!("height {height} is committed and the head is {}", header.number));
        }
        let encoded = chain.certificate(height).map_err(|error| error.to_string())?.unwrap_or_default();
        check_certificate(height, &head, &encoded, voters, verifier)?;
        if let Some((known, _)) = self.sets.get(&(height + 1)) {
            return if *known == next { Ok(header.timestamp) } else { Err(format!("set: two sets after {height}")) };
        }
        let (set, voters) = (set.clone(), voters.clone());
        self.count_slots(height, &head, &voters)?;
        self.head = head.clone();
        self.infos.borrow_mut().clear();
        if height.is_multiple_of(self.length) {
            self.ends_epoch(height, &set, &next)?;
        } else if set != next {
            return Err(format!("set: it changes after height {height}, within an epoch"));
        }
        let known = Voters::new(&next).map_err(|error| format!("set: after height {height}: {error}"))?;
        let fixed: u64 =
            roster.stake.iter().flat_map(|stake| &stake.fixed).map(|node| power_of(roster, *node, &next)).sum();
        if fixed * 3 >= known.total_voting_power() {
            return Err(format!("plan: {fixed} of the power at height {} is Byzantine or wiped: {next:?}", height + 1));
        }
        self.sets.insert(height + 1, (next, known));
        Ok(header.timestamp)
    }

    /// Whose slot it was, by the set of the height and nothing else.
    fn count_slots(&mut self, height: u64, head: &Head, voters: &Voters) -> Result<(), String> {
        let header = &head.block.header;
        let round = first_round(&header.extra_data).ok_or("a header without a round")?;
        let of = |round| EskerContext.select_proposer(voters, Height(height), Round::new(round)).clone();
        let missed: BTreeSet<Address> = (0..round).map(|round| address_of(&of(round))).collect();
        let proposer = address_of(&of(round));
        if header.beneficiary != proposer {
            return Err(format!("proposer: {} has block {height}, round {round} was {proposer}'s", header.beneficiary));
        }
        self.seen.missed += missed.len() as u64;
        for absent in missed {
            let slots = self.slots.entry(absent).or_default();
            *slots = (slots.0 + 1, slots.1 + 1);
        }
        self.slots.entry(proposer).or_default().0 += 1;
        Ok(())
    }

    fn ends_epoch(&mut self, height: u64, set: &[Validator], next: &[Validator]) -> Result<(), String> {
        let known = "it was in a set or is a candidate";
        for (operator, counted) in std::mem::take(&mut self.slots) {
            let found = self.info(operator).expect(known);
            if (found.slots, found.missed) != counted {
                let found = (found.slots, found.missed);
                return Err(format!(
                    "slots: {operator} has {found:?} in the epoch that ends with {height}, not {counted:?}"
                ));
            }
        }
        let candidates = view(&self.head, &self.config, &Staking::candidatesCall {}).expect("always answered");
        let mut ranked: Vec<(U256, Validator)> = candidates
            .into_iter()
            .map(|operator| {
                let found = self.info(operator).expect(known);
                let power = u64::try_from(found.stake / U256::from(COIN)).unwrap_or(u64::MAX);
                (found.stake, Validator { address: operator, public_key: found.publicKey, power })
            })
            .collect();
        ranked.sort_by_key(|(stake, validator)| (std::cmp::Reverse(*stake), validator.address));
        ranked.truncate(self.validators_max);
        let expected: Vec<Validator> = ranked.into_iter().map(|(_, validator)| validator).collect();
        let seen = &mut self.seen;
        seen.epochs += 1;
        seen.kept += u64::from(expected.is_empty());
        let expected = if expected.is_empty() { set } else { &expected };
        if expected != next {
            return Err(format!("set: after height {height} it is {next:?}; by stake it would be {expected:?}"));
        }
        seen.changed += u64::from(set != next);
        seen.alone += u64::from(next.len() == 1);
        let addresses = |set: &[Validator]| set.iter().map(|validator| validator.address).collect::<BTreeSet<_>>();
        let before = height.checked_sub(2 * self.length).and_then(|height| self.sets.get(&(height + 1)));
        seen.replaced += u64::from(before.is_some_and(|(set, _)| addresses(set).is_disjoint(&addresses(next))));
        let ever = self.ever.len();
        self.ever.extend(addresses(next));
        seen.newcomers += u64::from(self.ever.len() > ever);
        Ok(())
    }

    /// A node says that it keeps evidence.
    pub fn keeps(&mut self, node: usize, evidence: &MisbehaviorEvidence<EskerContext>) {
        for (address, pairs) in &evidence.votes {
            self.evidence.extend(pairs.iter().map(|(first, _)| (node, address.0, first.message.height.0)));
        }
        for (address, pairs) in evidence.proposals.iter() {
            self.evidence.extend(pairs.iter().map(|(first, _)| (node, address.0, first.message.height.0)));
        }
    }

    /// A node lost its folder.
    pub fn is_wiped(&mut self, node: usize) {
        self.evidence.retain(|(by, ..)| *by != node);
    }

    /// Looks at the end of a run whether `node`, whose evidence is in `folder`, still has all of it.
    pub fn check_evidence(&mut self, node: usize, folder: &Path) -> Result<(), String> {
        let kept = EvidenceStore::open(folder).and_then(|store| store.all()).map_err(|error| error.to_string())?;
        let present = self.set(self.head.block.header.number + 1).unwrap_or_default().to_vec();
        for (_, offender, height) in self.evidence.iter().filter(|(by, ..)| *by == node) {
            let is_there = kept.iter().any(|piece| (piece.validator, piece.height) == (*offender, *height));
            // Once somebody was punished there is nothing more to prove.
            if !is_there && !self.is_tombstoned(*offender) {
                return Err(format!("evidence: node {node} has none any more against {offender} at height {height}"));
            }
            self.seen.against_former += u64::from(present.iter().all(|validator| validator.address != *offender));
        }
        Ok(())
    }

    /// Counts who is out for ever.
    pub fn count_tombstoned(&mut self, roster: &Roster) {
        let is_out = |node: &&Identity| self.is_tombstoned(node.address.0);
        self.seen.tombstoned = roster.nodes.iter().filter(is_out).count() as u64;
    }

    fn is_tombstoned(&self, operator: Address) -> bool {
        self.info(operator).is_some_and(|info| info.isTombstoned)
    }
}

fn address_of(voter: &esker::consensus::context::Voter) -> Address {
    use malachite::app::types::core::Validator as _;
    voter.address().0
}

fn power_of(roster: &Roster, node: usize, set: &[Validator]) -> u64 {
    let address = roster.nodes[node].address.0;
    set.iter().filter(|validator| validator.address == address).map(|validator| validator.power).sum()
}

/// By the words of `docs/spec/consensus.md`, and with nothing of the node's but the form of the bytes.
fn check_certificate(
    height: u64,
    head: &Head,
    encoded: &[u8],
    voters: &Voters,
    verifier: &OnceVerifier,
) -> Result<(), String> {
    let bad = |what: &str| Err(format!("certificate: {what} at height {height}"));
    let Ok(found) = certificate::decode(encoded.to_vec().into()) else { return bad("none") };
    if found.height.0 != height || found.value_id.0 != head.block.hash {
        return bad("another block's");
    }
    if first_round(&head.block.header.extra_data).is_none_or(|first| i64::from(first) > found.round.as_i64()) {
        return bad("one of an earlier round than the block's");
    }
    let (mut signers, mut power) = (BTreeSet::new(), 0);
    for one in &found.commit_signatures {
        let Some(voter) = voters.get_by_address(&one.address) else { return bad("somebody signed who has no vote") };
        let vote = Vote {
            kind: VoteType::Precommit,
            height: found.height,
            round: found.round,
            value: NilOrVal::Val(found.value_id),
            voter: one.address,
        };
        use malachite::app::types::core::Validator as _;
        if !signers.insert(one.address) || !verifier.vote(&vote, &one.signature, voter.public_key()) {
            return bad("a signature that does not count");
        }
        power += voter.power();
    }
    if power * 3 > voters.total_voting_power() * 2 { Ok(()) } else { bad("too little power") }
}
