//! The assembly: who has gold votes, and what is decided is carried out by a timelock that keeps the treasury.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{Address, B256, U256, keccak256};

use super::economy::{Contract, Economy, PEOPLE, hold, nth, units, values, whole};
use super::exchange::Exchange;
use super::money::Money;
use crate::demo::{DemoError, SessionError};

/// Seconds between a decision and its execution.
const DELAY: u64 = 2;
/// Blocks in which votes are taken.
const PERIOD: u32 = 60;
/// Whole gold in the treasury, and what of it the proposal gives away, and to whom.
const TREASURY: u64 = 50_000;
const GRANT: u64 = 5_000;
const GRANTEE: usize = 7;
const DESCRIPTION: &str = "Turn the exchange's fee on, and pay person 7";

/// Governor and timelock.
pub(super) struct Assembly {
    governor: Contract,
    timelock: Contract,
    gold: Contract,
}

/// A proposal, as the governor wants it with every step.
pub(super) struct Proposal {
    id: U256,
    targets: Vec<DynSolValue>,
    values: Vec<DynSolValue>,
    calldatas: Vec<DynSolValue>,
    /// The grantee's gold before.
    grantee_had: U256,
}

impl Proposal {
    fn arguments(&self, description: DynSolValue) -> [DynSolValue; 4] {
        let list = |values: &[DynSolValue]| DynSolValue::Array(values.to_vec());
        [list(&self.targets), list(&self.values), list(&self.calldatas), description]
    }

    fn hashed(&self) -> [DynSolValue; 4] {
        self.arguments(keccak256(DESCRIPTION).into())
    }
}

impl Assembly {
    /// An assembly with a treasury that nobody else has a say in.
    pub(super) async fn found(economy: &mut Economy<'_>, money: &Money) -> Result<Self, DemoError> {
        economy.begin("Founding an assembly");
        let founder = economy.person(0);
        let list = |addresses: &[Address]| addresses.iter().copied().map(DynSolValue::from).collect::<Vec<_>>();
        // The zero address stands for anybody.
        let terms = values![U256::from(DELAY), list(&[]), list(&[Address::ZERO]), founder];
        let timelock = economy.deploy("Timelock", terms).await?;
        let first = DynSolValue::Uint(U256::from(1), 48);
        let mut terms = values!["Assembly".to_owned(), money.gold.address, timelock.address].to_vec();
        terms.push(first);
        terms.extend_from_slice(values![PERIOD, U256::ZERO, U256::from(4)]);
        let governor = economy.deploy("Governor", &terms).await?;
        for role in ["PROPOSER_ROLE", "CANCELLER_ROLE"] {
            economy.act(0, &timelock, "grantRole", values![keccak256(role), governor.address]).await?;
        }
        economy.act(0, &timelock, "renounceRole", values![B256::ZERO, founder]).await?;
        economy.act(0, &money.gold, "transfer", values![timelock.address, units(TREASURY)]).await?;
        for who in 0..PEOPLE {
            let voter = economy.person(who);
            economy.act(who, &money.gold, "delegate", values![voter]).await?;
        }
        economy.settle().await?;
        Ok(Self { governor, timelock, gold: money.gold.clone() })
    }

    /// Where the treasury is.
    pub(super) const fn treasury(&self) -> Address {
        self.timelock.address
    }

    /// Proposes that the exchange pays a part of its fee to the treasury, and that somebody is paid out of it.
    pub(super) async fn propose(&self, economy: &mut Economy<'_>, exchange: &Exchange) -> Result<Proposal, DemoError> {
        economy.begin("Proposing, and voting");
        let grantee = economy.person(GRANTEE);
        let fee = exchange.factory.input("setFeeTo", values![self.treasury()])?;
        let grant = self.gold.input("transfer", values![grantee, units(GRANT)])?;
        let mut proposal = Proposal {
            id: U256::ZERO,
            targets: values![exchange.factory.address, self.gold.address].to_vec(),
            values: values![U256::ZERO, U256::ZERO].to_vec(),
            calldatas: values![fee.to_vec(), grant.to_vec()].to_vec(),
            grantee_had: U256::ZERO,
        };
        let described = proposal.arguments(DESCRIPTION.to_owned().into());
        economy.act(1, &self.governor, "propose", &described).await?;
        economy.settle().await?;
        proposal.id = economy.number(&self.governor, "hashProposal", &proposal.hashed()).await?;
        Ok(proposal)
    }

    /// Everybody but the first votes: most for it. Nobody votes twice.
    pub(super) async fn vote(&self, economy: &mut Economy<'_>, proposal: &Proposal) -> Result<(), SessionError> {
        let snapshot = economy.number(&self.governor, "proposalSnapshot", values![proposal.id]).await?;
        economy.wait_beyond_block(snapshot.saturating_to()).await?;
        for who in 1..PEOPLE {
            economy.act(who, &self.governor, "castVote", values![proposal.id, support(who)]).await?;
        }
        economy.fail(1, &self.governor, "castVote", values![proposal.id, 1_u8], "GovernorAlreadyCastVote").await?;
        let [against, for_it, abstained] = self.votes(economy, proposal).await?.map(whole);
        economy.fact(&format!("{for_it} votes for it, {against} against it, {abstained} abstained"));
        Ok(())
    }

    async fn votes(&self, economy: &Economy<'_>, proposal: &Proposal) -> Result<[U256; 3], SessionError> {
        let votes = economy.ask(&self.governor, "proposalVotes", values![proposal.id]).await?;
        Ok([0, 1, 2].map(|index| nth(&votes, index).unwrap_or_default()))
    }

    /// When voting has ended, the decision is queued, and carried out when its delay has passed. Not before.
    pub(super) async fn carry_out(
        &self,
        economy: &mut Economy<'_>,
        proposal: &mut Proposal,
    ) -> Result<(), SessionError> {
        economy.begin("Carrying out what was decided");
        let deadline = economy.number(&self.governor, "proposalDeadline", values![proposal.id]).await?;
        economy.wait_beyond_block(deadline.saturating_to()).await?;
        let steps = proposal.hashed();
        economy.act(2, &self.governor, "queue", &steps).await?;
        economy.settle().await?;
        let eta = economy.number(&self.governor, "proposalEta", values![proposal.id]).await?;
        economy.wait_beyond(eta.saturating_to()).await?;
        proposal.grantee_had = economy.number(&self.gold, "balanceOf", values![economy.person(GRANTEE)]).await?;
        economy.act(3, &self.governor, "execute", &steps).await?;
        economy.settle().await?;
        let has = economy.number(&self.gold, "balanceOf", values![economy.person(GRANTEE)]).await?;
        hold(has == proposal.grantee_had + units(GRANT), || "the treasury has not paid what was decided".into())?;
        economy.fact(&format!("the treasury paid {GRANT} gold, and the exchange's fee is on"));
        Ok(())
    }

    /// Votes were counted once, and what was decided is so.
    pub(super) async fn check(
        &self,
        economy: &Economy<'_>,
        proposal: &Proposal,
        exchange: &Exchange,
    ) -> Result<Vec<String>, SessionError> {
        let snapshot = economy.number(&self.governor, "proposalSnapshot", values![proposal.id]).await?;
        let mut expected = [U256::ZERO; 3];
        for who in 1..PEOPLE {
            let at = DynSolValue::from(snapshot);
            let asked = [economy.person(who).into(), at];
            expected[usize::from(support(who))] += economy.number(&self.gold, "getPastVotes", &asked).await?;
        }
        let counted = self.votes(economy, proposal).await?;
        hold(counted == expected, || format!("votes were counted as {counted:?}, and are {expected:?}"))?;
        let receiver = economy.ask(&exchange.factory, "feeTo", values![]).await?;
        let is_on = receiver == [DynSolValue::Address(self.treasury())];
        hold(is_on, || "the exchange's fee does not go to the treasury".into())?;
        Ok(vec!["every vote was counted once, at the weight of the snapshot".into()])
    }
}

/// What somebody votes: 0 against, 1 for, 2 abstains.
const fn support(who: usize) -> u8 {
    match who % 6 {
        0 => 0,
        5 => 2,
        _ => 1,
    }
}
