//! What the staking contract would say to a piece of evidence.

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::{SolCall, SolError};
use esker_runtime::{BlockEnv, ExecutionStatus};
use esker_vm::Machine;

use crate::chain::{Chain, Head};
use crate::consensus::evidence::Statement;
use crate::staking::Staking;
use crate::staking::call::call;

/// Most gas that a report may take: two signatures, and what is slashed. Measured, it is a tenth of that.
const REPORT_GAS_MAX: u64 = 3_000_000;

/// What to do with a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The contract would punish it, for so much gas.
    Open {
        /// Gas that it takes.
        gas: u64,
    },
    /// The validator is punished already.
    Punished,
    /// It will never be punished, and why.
    Refused(String),
    /// Nobody can say at this block.
    Unknown(String),
}

/// Call data of the report, whose reward goes to `beneficiary`.
pub fn input([first, second]: [Statement; 2], beneficiary: Address) -> Bytes {
    let call = Staking::submitEvidenceCall {
        first: first.message.into(),
        firstSignature: first.signature.into(),
        second: second.message.into(),
        secondSignature: second.signature.into(),
        beneficiary,
    };
    call.abi_encode().into()
}

/// Asks the contract as it is at `head`, without a transaction.
pub fn judge(chain: &Chain, machine: &dyn Machine, head: &Head, from: Address, input: &Bytes) -> Judgement {
    let env = BlockEnv::from(&head.block.header);
    // In a block's place: those for simulations may be taken by clients, and this must not wait for what is free.
    let simulated = esker_vm::execution(machine, |session| {
        call(session, &head.state, chain.config(), &env, from, input.clone(), REPORT_GAS_MAX)
    });
    let simulation = match simulated {
        Ok(simulation) => simulation,
        Err(error) => return Judgement::Unknown(error.to_string()),
    };
    match simulation.status {
        ExecutionStatus::Success => Judgement::Open { gas: simulation.gas_used },
        ExecutionStatus::Halt(halt) => Judgement::Unknown(halt.to_string()),
        ExecutionStatus::Revert => refusal(&simulation.output),
    }
}

/// What the contract's error means for a report.
fn refusal(output: &[u8]) -> Judgement {
    if Staking::Tombstoned::abi_decode(output).is_ok() {
        return Judgement::Punished;
    }
    if Staking::EvidenceFromTheFuture::abi_decode(output).is_ok() {
        return Judgement::Unknown("the chain has not come to its epoch".to_owned());
    }
    Judgement::Refused(match Staking::EvidenceTooOld::abi_decode(output) {
        Ok(error) => format!("its epoch {} is too long ago", error.epoch),
        Err(_) => format!("the staking contract says {}", alloy_primitives::hex::encode_prefixed(output)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_contract_say_what_to_do() {
        let validator = Address::repeat_byte(1);
        assert_eq!(refusal(&Staking::Tombstoned { validator }.abi_encode()), Judgement::Punished);
        let early = Staking::EvidenceFromTheFuture { epoch: 7 }.abi_encode();
        assert!(matches!(refusal(&early), Judgement::Unknown(_)));
        let old = refusal(&Staking::EvidenceTooOld { epoch: 7 }.abi_encode());
        assert_eq!(old, Judgement::Refused("its epoch 7 is too long ago".to_owned()));
        for output in [&[][..], &Staking::BadSignature {}.abi_encode()] {
            assert!(matches!(refusal(output), Judgement::Refused(_)));
        }
    }
}
