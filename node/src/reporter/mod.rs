//! Reports validators that signed two things that exclude each other to the staking contract, until they are punished.
//!
//! Consensus keeps the evidence on disk before it goes on ([`crate::consensus::evidence`]). Whoever validates looks at what
//! is there with every block, asks the contract what it would say, and sends a transaction if that would punish. Of many
//! that hold the same evidence one report is enough, so they take turns: who comes first follows from the height, the
//! others wait some blocks each, and whoever sees the validator punished has nothing left to do.

pub mod account;
mod judgement;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U256, keccak256};
use esker_runtime::state::StateReader;
use esker_runtime::validator_set;
use esker_runtime::validators::proposer;
use esker_vm::Machine;
use tokio::task::JoinHandle;

use self::account::{Report, ReporterAccount};
use self::judgement::Judgement;
use crate::chain::{Chain, Head};
use crate::consensus::domain::Domain;
use crate::consensus::evidence::{Evidence, EvidenceStore};
use crate::consensus::status::Status;
use crate::mempool::{Pool, Publish, submit};

/// Blocks that the second one waits for the first, and so on.
const TURN_BLOCKS: u64 = 2;
/// Who comes later than so many waits no longer than that.
const TURNS_MAX: usize = 8;
/// Blocks after which a report that is in none is sent again, for more.
const PATIENCE_BLOCKS: u64 = 5;
/// Validators whose offences are looked at with a block.
const LOOKED_AT_MAX: usize = 4;
/// Tip for one gas at first, in wei. Each attempt doubles it.
const TIP: u128 = 1_000_000_000;
/// Attempts after which the tip grows no more.
const DOUBLINGS_MAX: u32 = 6;
/// A report gets this much gas for every two that it takes at the head.
const GAS_FACTOR: u64 = 3;
/// With fewer coins than this its operator is told: some reports, in wei.
const BALANCE_LOW: u64 = 10_000_000_000_000_000;

/// What the reporter works with.
pub struct Surroundings {
    /// Blocks and states.
    pub chain: Arc<Chain>,
    /// Where reports go.
    pub pool: Arc<Pool>,
    /// Runs the contract.
    pub machine: Arc<dyn Machine>,
    /// Whether the node is behind.
    pub status: Status,
    /// What is signed.
    pub domain: Domain,
    /// Passes a report on.
    pub publish: Publish,
}

/// Looks at the evidence with every block, until dropped.
pub struct Reporter {
    task: JoinHandle<()>,
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reporter {
    /// Reports what is in `evidence` in the name of `validator`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn start(
        with: Surroundings,
        validator: Address,
        account: ReporterAccount,
        evidence: &Path,
    ) -> io::Result<Self> {
        let evidence = EvidenceStore::open(evidence)?;
        let mut heads = with.chain.watch();
        let mut work = Work { with, validator, account, evidence, seen: BTreeMap::new(), sent: None, warned: false };
        let task = tokio::spawn(async move {
            loop {
                heads.mark_unchanged();
                let looked = tokio::task::spawn_blocking(move || {
                    work.look();
                    work
                });
                match looked.await {
                    Ok(back) => work = back,
                    Err(error) => return tracing::error!(%error, "evidence is not reported any more"),
                }
                if heads.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { task })
    }
}

/// A report that is not known to be in a block.
#[derive(Clone, Copy, Debug)]
struct Sent {
    nonce: u64,
    at: u64,
    attempts: u32,
}

struct Work {
    with: Surroundings,
    validator: Address,
    account: ReporterAccount,
    evidence: EvidenceStore,
    /// At which block each offender's evidence was first seen here.
    seen: BTreeMap<Address, u64>,
    sent: Option<Sent>,
    warned: bool,
}

impl Work {
    /// Does what can be done about the evidence at the present head.
    fn look(&mut self) {
        let head = self.with.chain.head();
        if self.with.status.get().highest > head.block.header.number + 1 {
            // What the past says about it is no longer true.
            return;
        }
        if let Err(error) = self.try_look(&head) {
            tracing::warn!(%error, "evidence could not be reported; the next block is another chance");
        }
    }

    fn try_look(&mut self, head: &Head) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let balance = self.warn_if_poor(head)?;
        let mut offenders: BTreeMap<Address, Vec<Evidence>> = BTreeMap::new();
        for piece in self.evidence.all()? {
            offenders.entry(piece.validator).or_default().push(piece);
        }
        self.seen.retain(|validator, _| offenders.contains_key(validator));
        // Others come first the next time: one about whom nobody can say anything yet must not hide the rest.
        let number = usize::try_from(head.block.header.number).unwrap_or_default();
        let first = number.checked_rem(offenders.len()).unwrap_or_default();
        let turns = offenders.values().cycle().skip(first).take(offenders.len().min(LOOKED_AT_MAX));
        for pieces in turns {
            // A single piece is enough, and the oldest is the first that is of no use any more.
            let Some(piece) = pieces.first() else { continue };
            let Some(statements) = piece.statements(&self.with.domain) else {
                self.settle(piece, "it is not what this validator signed");
                continue;
            };
            // The account that sends it has coins for gas and nobody who claims: the reward is the operator's.
            let input = judgement::input(statements, self.validator);
            let (chain, machine) = (&self.with.chain, &*self.with.machine);
            match judgement::judge(chain, machine, head, self.account.address(), &input) {
                Judgement::Punished => pieces.iter().for_each(|piece| self.settle(piece, "the validator is punished")),
                Judgement::Refused(reason) => self.settle(piece, &reason),
                Judgement::Unknown(reason) => tracing::debug!(validator = %piece.validator, reason, "not reported yet"),
                Judgement::Open { gas } if self.is_my_turn(head, piece)? => {
                    self.send(head, balance, gas, input, piece.validator)?;
                    // The next one has the next number, which is known when this one is in a block.
                    return Ok(());
                }
                Judgement::Open { .. } => {}
            }
        }
        Ok(())
    }

    /// What cannot be settled is looked at again with the next block, and hinders no other.
    fn settle(&self, piece: &Evidence, reason: &str) {
        let Evidence { validator, height, .. } = piece;
        match self.evidence.settle(piece) {
            Ok(()) => tracing::info!(%validator, height, reason, "nothing more to report"),
            Err(error) => tracing::debug!(%validator, height, reason, %error, "a settled piece keeps its name"),
        }
    }

    fn is_my_turn(&mut self, head: &Head, piece: &Evidence) -> Result<bool, esker_runtime::db::StoreError> {
        let number = head.block.header.number;
        let since = *self.seen.entry(piece.validator).or_insert(number);
        let set = validator_set(&head.state)?;
        let mut order = proposer::order(set.iter().map(|validator| validator.power), piece.height);
        let turn = order.position(|index| set.get(index).is_some_and(|one| one.address == self.validator));
        let turn = turn.unwrap_or(TURNS_MAX).min(TURNS_MAX) as u64;
        Ok(number >= since.saturating_add(turn * TURN_BLOCKS))
    }

    fn warn_if_poor(&mut self, head: &Head) -> Result<U256, esker_runtime::db::StoreError> {
        let address = self.account.address();
        let balance = head.state.account(address)?.unwrap_or_default().balance;
        let is_poor = balance < U256::from(BALANCE_LOW);
        if is_poor && !self.warned {
            tracing::warn!(
                %address,
                %balance,
                "the account that reports validators who sign two things has hardly any coins for gas: send it 0.1 coins"
            );
        }
        self.warned = is_poor;
        Ok(balance)
    }

    fn send(
        &mut self,
        head: &Head,
        balance: U256,
        gas: u64,
        input: Bytes,
        offender: Address,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let number = head.block.header.number;
        let nonce = head.state.account(self.account.address())?.unwrap_or_default().nonce;
        let attempts = match self.sent.filter(|sent| sent.nonce == nonce) {
            Some(sent) if number < sent.at.saturating_add(PATIENCE_BLOCKS) => return Ok(()),
            Some(sent) => sent.attempts + 1,
            None => 0,
        };
        let tip = TIP << attempts.min(DOUBLINGS_MAX);
        let fee_cap = 2 * u128::from(self.with.chain.next_base_fee()) + tip;
        let gas = gas.saturating_mul(GAS_FACTOR) / 2;
        let most = U256::from(gas) * U256::from(fee_cap);
        if balance < most {
            let address = self.account.address();
            tracing::error!(%offender, %address, %balance, %most, "no coins to report a validator that signed two things");
            return Ok(());
        }
        let chain_id = self.with.chain.config().chain_id;
        let raw = self.account.sign(Report { chain_id, nonce, gas, fee_cap, tip, input })?;
        self.sent = Some(Sent { nonce, at: number, attempts });
        let hash = keccak256(&raw);
        for added in submit::submit_encoded(&self.with.chain, &self.with.pool, &[raw]) {
            added?;
        }
        tracing::warn!(%offender, %hash, "reported a validator that signed two things");
        (self.with.publish)(hash);
        Ok(())
    }
}
