//! What moves the set: operators and delegators who send transactions to the staking contract. They aim at a set, which they
//! change their minds about, and each has one transaction under way at a time.

use std::collections::BTreeSet;

use alloy_consensus::{TxEip1559, TypedTransaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use bytes::Bytes as Raw;
use esker::accounts::sign_transaction;
use esker::consensus::codec::EskerCodec;
use esker::consensus::evidence::Evidence;
use esker::staking::Staking;
use esker_runtime::staking::STAKING_ADDRESS;
use esker_runtime::state::StateReader as _;
use esker_tests::staked;
use malachite::app::types::SignedConsensusMsg;
use malachite::app::types::codec::Codec as _;

use super::dice::Dice;
use super::epochs::{COIN, Epochs, view};
use super::plan::{MS, SECOND};
use super::roster::{CHAIN_ID, Roster, Stake};
use super::trace::Time;

/// A transaction that is not in a block after this long is sent again.
const PATIENCE: Time = 1500 * MS;
/// Most coins that an operator bonds.
const BOND_MAX: u64 = 60;

/// Something on its way.
struct Pending {
    nonce: u64,
    raw: Bytes,
    sent: Time,
    /// Which validator loses how many coins by it.
    loses: Option<(usize, u64)>,
}

/// What somebody does.
struct Action {
    coins: u64,
    input: Vec<u8>,
    loses: Option<(usize, u64)>,
}

/// What the accounts are about.
pub struct Load {
    /// One for each account: operators, delegators.
    pending: Vec<Option<Pending>>,
    aim: BTreeSet<usize>,
    epoch: u64,
    /// The first epoch with which this aim may change.
    until: u64,
    /// Aims to come, which chance does not choose: from an epoch on.
    pub script: Vec<(u64, BTreeSet<usize>)>,
    /// How likely aims change with an epoch, per million.
    pub fickle: u64,
}

fn wei(coins: u64) -> U256 {
    U256::from(coins) * U256::from(COIN)
}

fn coins(wei: U256) -> u64 {
    u64::try_from(wei / U256::from(COIN)).unwrap_or(u64::MAX)
}

fn does(coins: u64, call: &impl SolCall) -> Option<Action> {
    Some(Action { coins, input: call.abi_encode(), loses: None })
}

/// The words that prove a key to be its operator's.
fn possession(roster: &Roster, node: usize) -> Vec<u8> {
    let identity = &roster.nodes[node];
    let public_key = B256::from(*identity.public_key.as_bytes());
    let message = staked::possession(CHAIN_ID, identity.address.0, public_key);
    identity.key.sign(&message).to_bytes().to_vec()
}

/// The two messages of a piece of evidence as the contract wants them.
fn submission(roster: &Roster, evidence: &Evidence) -> Option<Staking::submitEvidenceCall> {
    let read = |bytes: &Bytes| {
        let message: SignedConsensusMsg<_> = EskerCodec.decode(bytes.to_vec().into()).ok()?;
        let (signed, signature) = match message {
            SignedConsensusMsg::Vote(vote) => (roster.domain.vote(&vote.message), vote.signature),
            SignedConsensusMsg::Proposal(proposal) => (roster.domain.proposal(&proposal.message), proposal.signature),
        };
        Some((Bytes::from(signed), Bytes::from(signature.to_bytes().to_vec())))
    };
    let ((first, first_signature), (second, second_signature)) = (read(&evidence.first)?, read(&evidence.second)?);
    Some(Staking::submitEvidenceCall {
        first,
        firstSignature: first_signature,
        second,
        secondSignature: second_signature,
        beneficiary: Address::ZERO,
    })
}

impl Load {
    /// Accounts that are content with the first set, until an epoch ends.
    pub fn new(roster: &Roster, stake: &Stake, first: impl Iterator<Item = usize>) -> Self {
        let accounts = roster.nodes.len() + stake.delegators.len();
        let pending = (0..accounts).map(|_| None).collect();
        Self { pending, aim: first.collect(), epoch: 0, until: 0, script: Vec::new(), fickle: 500_000 }
    }

    /// What is sent now, seeing the chain that `epochs` has seen; `evidence` is what some node has.
    pub fn acts(
        &mut self,
        now: Time,
        epochs: &Epochs,
        roster: &Roster,
        evidence: &[Evidence],
        dice: &mut Dice,
    ) -> Vec<Raw> {
        let Some(stake) = &roster.stake else { return Vec::new() };
        let head = &epochs.head;
        let epoch = head.block.header.number / stake.epoch_length;
        if epoch != self.epoch {
            self.epoch = epoch;
            self.aims(epochs, roster, stake, dice);
        }
        let mut sent = Vec::new();
        for account in 0..self.pending.len() {
            let wallet = match account.checked_sub(roster.nodes.len()) {
                None => &roster.nodes[account].wallet,
                Some(delegator) => &stake.delegators[delegator],
            };
            let known = head.state.account(wallet.address()).expect("memory does not fail");
            let state = known.unwrap_or_default().nonce;
            if let Some(pending) = &mut self.pending[account] {
                if state <= pending.nonce {
                    if now >= pending.sent + PATIENCE {
                        pending.sent = now;
                        sent.push(pending.raw.to_vec().into());
                    }
                    continue;
                }
                self.pending[account] = None;
            }
            if !dice.happens(300_000) {
                continue;
            }
            let action = match account.checked_sub(roster.nodes.len()) {
                None => self.operates(account, epochs, roster, stake, dice),
                Some(0) => self.reports(epochs, roster, evidence, dice),
                Some(_) => self.delegates(wallet.address(), epochs, roster, stake, dice),
            };
            if let Some(action) = action {
                let raw = signed(wallet, state, &action);
                sent.push(raw.to_vec().into());
                self.pending[account] = Some(Pending { nonce: state, raw, sent: now, loses: action.loses });
            }
        }
        sent
    }

    /// A new epoch: perhaps others are to be in the set.
    fn aims(&mut self, epochs: &Epochs, roster: &Roster, stake: &Stake, dice: &mut Dice) {
        if let Some((_, aim)) = self.script.iter().rev().find(|(from, _)| *from <= self.epoch) {
            self.aim.clone_from(aim);
        }
        if self.epoch < self.until || !dice.happens(self.fickle) {
            return;
        }
        self.until = self.epoch + dice.between(1, 4);
        let all = 0..roster.nodes.len();
        let present = epochs.set(epochs.head.block.header.number + 1).unwrap_or_default();
        let is_present =
            |node: &usize| present.iter().any(|validator| validator.address == roster.nodes[*node].address.0);
        self.aim = match dice.below(9) {
            // Everybody who is in goes, everybody who is not comes.
            0..3 => all.filter(|node| !is_present(node)).collect(),
            3 => BTreeSet::from([dice.index(all.len())]),
            4 | 5 => BTreeSet::new(),
            6 => all.collect(),
            _ => all.filter(|_| dice.happens(600_000)).collect(),
        };
        self.aim.extend(&stake.fixed);
    }

    /// Coins that `node` has as a candidate when everything on its way that takes some has arrived.
    fn sure(&self, node: usize, epochs: &Epochs, roster: &Roster) -> u64 {
        let info = epochs.info(roster.nodes[node].address.0);
        // Whose own stake is gone is a candidate until the epoch ends, and no longer.
        let stake = info
            .filter(|info| info.isCandidate && info.selfBond >= U256::from(COIN))
            .map_or(0, |info| coins(info.stake));
        let lost = self.pending.iter().flatten().filter_map(|pending| pending.loses).filter(|(of, _)| *of == node);
        stake.saturating_sub(lost.fold(0, |sum, (_, coins)| sum.saturating_add(coins)))
    }

    /// Whether a validator may lose so many coins: more than twice what the Byzantine have must be left to the others.
    fn may_lose(&self, amount: u64, epochs: &Epochs, roster: &Roster, stake: &Stake) -> bool {
        if stake.fixed.is_empty() {
            return true;
        }
        let others = (0..roster.nodes.len()).filter(|node| !stake.fixed.contains(node));
        let left: u64 = others.map(|node| self.sure(node, epochs, roster)).sum();
        left > amount.saturating_add(3 * stake.fixed_coins)
    }

    fn operates(
        &self,
        node: usize,
        epochs: &Epochs,
        roster: &Roster,
        stake: &Stake,
        dice: &mut Dice,
    ) -> Option<Action> {
        let operator = roster.nodes[node].address.0;
        let wants = self.aim.contains(&node);
        let Some(info) = epochs.info(operator) else {
            let public_key = B256::from_slice(roster.nodes[node].public_key.as_bytes());
            let (proof, name) = (possession(roster, node).into(), format!("node {node}"));
            let create = Staking::createValidatorCall { publicKey: public_key, proof, commissionBps: 500, name };
            return wants.then(|| does(dice.between(1, BOND_MAX), &create)).flatten();
        };
        if info.isTombstoned {
            return None;
        }
        if info.isJailed {
            return (wants && info.jailedUntil <= self.epoch).then(|| does(0, &Staking::unjailCall {})).flatten();
        }
        let own = coins(info.selfBond);
        if wants && !info.isCandidate {
            return if own > 0 {
                does(0, &Staking::enterCall { validator: operator })
            } else {
                does(dice.between(1, BOND_MAX), &Staking::delegateCall { validator: operator })
            };
        }
        if stake.fixed.contains(&node) || !info.isCandidate {
            return None;
        }
        let (amount, loses) = match dice.below(4) {
            _ if !wants && own == 0 => return None,
            // Whatever else it may have by then is of no use to it.
            _ if !wants => (own, u64::MAX),
            0 => return does(dice.between(1, BOND_MAX), &Staking::delegateCall { validator: operator }),
            1 if own > 1 => {
                let amount = dice.between(1, own - 1);
                (amount, amount)
            }
            _ => return None,
        };
        let call = Staking::undelegateCall { validator: operator, amount: wei(amount) };
        let at_stake = loses.min(self.sure(node, epochs, roster));
        self.may_lose(at_stake, epochs, roster, stake).then(|| Action {
            coins: 0,
            input: call.abi_encode(),
            loses: Some((node, loses)),
        })
    }

    fn delegates(
        &self,
        delegator: Address,
        epochs: &Epochs,
        roster: &Roster,
        stake: &Stake,
        dice: &mut Dice,
    ) -> Option<Action> {
        let others: Vec<usize> = (0..roster.nodes.len()).filter(|node| !stake.fixed.contains(node)).collect();
        let (node, other) = (dice.pick(&others), dice.pick(&others));
        let (validator, to) = (roster.nodes[node].address.0, roster.nodes[other].address.0);
        let call = Staking::delegationCall { delegator, validator };
        let has = view(&epochs.head, epochs.config(), &call).map_or(0, |found| coins(found.stake));
        if has == 0 || dice.happens(400_000) {
            return does(dice.between(1, BOND_MAX), &Staking::delegateCall { validator });
        }
        let amount = dice.between(1, has);
        let input = if other != node && dice.happens(600_000) {
            Staking::redelegateCall { from: validator, to, amount: wei(amount) }.abi_encode()
        } else {
            Staking::undelegateCall { validator, amount: wei(amount) }.abi_encode()
        };
        let may = self.may_lose(amount, epochs, roster, stake);
        may.then_some(Action { coins: 0, input, loses: Some((node, amount)) })
    }

    fn reports(&self, epochs: &Epochs, roster: &Roster, evidence: &[Evidence], dice: &mut Dice) -> Option<Action> {
        let piece = evidence.get(dice.index(evidence.len()))?;
        let offender = epochs.info(piece.validator)?;
        if offender.isTombstoned {
            return None;
        }
        does(0, &submission(roster, piece)?)
    }
}

fn signed(wallet: &PrivateKeySigner, nonce: u64, action: &Action) -> Bytes {
    let transaction = TypedTransaction::Eip1559(TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 4_000_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(STAKING_ADDRESS),
        value: wei(action.coins),
        input: action.input.clone().into(),
        ..TxEip1559::default()
    });
    sign_transaction(wallet, transaction).expect("our own key signs").encoded_2718().into()
}

/// When the accounts look at the chain again.
pub fn next_look(now: Time, dice: &mut Dice) -> Time {
    now + dice.between(SECOND / 25, SECOND / 5)
}
