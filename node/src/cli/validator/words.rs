//! What the staking contract refuses, in words, with what to do next.

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::{Panic, PanicKind, SolError, SolInterface};

use super::super::failure::Failure;
use super::super::units::{format_amount, format_percent};
use super::chain::StakingChain;
use crate::staking::Staking::StakingErrors;

/// What the contract reverted with, if a failure comes from that.
fn revert_of(failure: &Failure) -> Option<Bytes> {
    failure.detail("revert")?.get("data")?.as_str()?.parse().ok()
}

/// The contract's error that a failure comes from, if one does.
#[must_use]
pub fn error_of(failure: &Failure) -> Option<StakingErrors> {
    StakingErrors::abi_decode(&revert_of(failure)?).ok()
}

/// Whether the contract could not count so far: its amounts have 128 bits.
fn is_overflow(failure: &Failure) -> bool {
    let panic = revert_of(failure).and_then(|data| Panic::abi_decode(&data).ok());
    panic.is_some_and(|panic| panic.code == U256::from(PanicKind::UnderOverflow as u32))
}

/// The failure, with the contract's reason in words.
#[must_use]
pub fn explained(failure: Failure, chain: &StakingChain) -> Failure {
    if is_overflow(&failure) {
        return failure
            .because("the amount is more than any chain has: the contract counts coins in 128 bits of wei")
            .hint("choose less; `esker validator account` shows what there is");
    }
    let Some(error) = error_of(&failure) else { return failure };
    let (reason, next) = explain(&error, chain);
    failure.because(reason).hint(next)
}

fn explain(error: &StakingErrors, chain: &StakingChain) -> (String, String) {
    use StakingErrors as E;
    let params = &chain.params;
    let told = |reason: String, next: &str| (reason, next.to_owned());
    match error {
        E::NoValidator(error) => {
            told(format!("{} is no validator", error.validator), "`esker validator list` shows who is")
        }
        E::ValidatorExists(error) => told(
            format!("{} is a validator already, and one account has one validator for ever", error.operator),
            "`esker validator show` shows it; `esker validator delegate` adds to its stake",
        ),
        E::KeyTaken(error) => told(
            format!("the consensus key {} is or was another validator's", error.publicKey),
            "make another home with `esker init`: a key is one validator's for ever",
        ),
        E::BadKey(_) => told(
            "the consensus key cannot be one: anybody could sign for it".to_owned(),
            "make another home with `esker init`",
        ),
        E::BadProof(_) => told(
            "the consensus key did not sign for this chain and operator".to_owned(),
            "check that --rpc-url is a node of the home's network",
        ),
        E::CommissionTooHigh(error) => told(
            format!("a commission of {} is more than everything", format_percent(error.commissionBps)),
            "choose from 0% to 100%",
        ),
        E::CommissionStepTooLarge(error) => told(
            format!(
                "a commission can change by {} an epoch, and from {} to {} is more",
                format_percent(error.mostBps),
                format_percent(error.fromBps),
                format_percent(error.toBps)
            ),
            "change it in steps, one an epoch",
        ),
        E::NameTooLong(_) => told("the name is too long".to_owned(), "choose one of at most 64 bytes"),
        E::SelfBondTooSmall(error) => told(
            format!(
                "a self-bond of {} is too small: the least is {}",
                format_amount(error.have),
                format_amount(error.want)
            ),
            "bond more; amounts without a unit are wei, so write 100ether",
        ),
        E::DelegationTooSmall(error) => told(
            format!("{} are too little: the least is {}", format_amount(error.have), format_amount(error.want)),
            "choose more; amounts without a unit are wei, so write 100ether",
        ),
        E::Tombstoned(error) => told(
            format!(
                "{} was slashed for signing two messages that exclude each other, and is out for ever",
                error.validator
            ),
            "choose another validator; what is bonded to this one can be undelegated",
        ),
        E::NoAmount(_) => told("the amount is nothing".to_owned(), "name what to move, like 5ether"),
        E::InsufficientStake(error) => told(
            format!("there are {}, and {} were asked for", format_amount(error.have), format_amount(error.want)),
            "choose less, or `all`; `esker validator account` shows what there is",
        ),
        E::StakeAtRisk(error) => told(
            format!(
                "only {} can be redelegated now, not {}: the rest came from other validators less than {} epochs ago and \
                 still answers for them",
                format_amount(error.free),
                format_amount(error.want),
                params.evidenceEpochs
            ),
            "redelegate less, wait, or undelegate; `esker validator account` shows since when it is there",
        ),
        E::SameValidator(_) => told("both validators are the same".to_owned(), "name another one to move the stake to"),
        E::TooManyLots(_) => told(
            "this delegation holds stake from 8 redelegations that still answers for where it came from".to_owned(),
            "wait until the oldest is past, or choose another validator",
        ),
        E::TooManyUnbondings(_) => told(
            "16 undelegations from this validator are on their way out".to_owned(),
            "`esker validator withdraw` what has matured, or wait",
        ),
        E::NothingMatured(_) => told(
            format!("nothing has matured: undelegated coins wait {} epochs", params.unbondingEpochs),
            "`esker validator account` shows when they can be withdrawn",
        ),
        E::NothingToClaim(_) => {
            told("there is nothing to claim".to_owned(), "`esker validator account` shows what there is")
        }
        E::PaymentRefused(error) => {
            told(format!("{} refuses to be paid", error.to), "it is a contract that takes no coins: claim once it does")
        }
        E::NotJailed(_) => told(
            "the validator is not jailed".to_owned(),
            "`esker validator show` shows how it stands; `esker validator enter` makes it a candidate",
        ),
        E::StillJailed(error) => {
            let moment = chain.beginning(error.until);
            (format!("it is jailed until {}", moment.text()), "try again then".to_owned())
        }
        E::NotEligible(error) => told(
            format!(
                "{} cannot be a candidate: it is jailed, was slashed, or its operator's own stake is below {}",
                error.validator,
                format_amount(params.minSelfBond)
            ),
            "`esker validator show` shows which; a jailed one comes back with `esker validator unjail`",
        ),
        E::AlreadyCandidate(error) => {
            told(format!("{} is a candidate already", error.validator), "nothing is to be done")
        }
        E::CandidatesFull(error) => told(
            format!(
                "there are 100 candidates, the least with {}, and this one has {}",
                format_amount(error.least),
                format_amount(error.have)
            ),
            "it needs more stake than that",
        ),
        E::ReentrancyGuardReentrantCall(_) => {
            told("the contract was called by itself".to_owned(), "send the call from an ordinary account")
        }
        E::NotSystem(_) | E::BadParameters(_) | E::WrongValue(_) => {
            told(format!("the contract refuses what only the chain may do: {error:?}"), "check the command")
        }
        E::NotEvidence(_)
        | E::OtherChain(_)
        | E::EvidenceFromTheFuture(_)
        | E::EvidenceTooOld(_)
        | E::BadSignature(_) => told(format!("the evidence does not hold: {error:?}"), "check what was signed"),
    }
}
